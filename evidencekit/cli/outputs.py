"""Files that a command writes for somebody: never over another file, never into the case. Asked before the work begins.

Source: specs/store.md section 1; the refusals are those of `evidencekit explain R501` and `R506`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, Refused


def refuse_outputs(case: Path, *outputs: Path | None) -> None:
    """Raise where a file that is to be written stands already, lies inside the case, or is named twice.

    Raises:
        BadArgument: U235, one name for two files.
        Refused: R501, it exists; R506, it lies inside the case.
    """
    paths = [path for path in outputs if path is not None]
    for number, path in enumerate(paths):
        refuse_inside(case, path)
        if any(_real(path) == _real(other) for other in paths[:number]):
            raise BadArgument(f"{display(str(path))} is named twice.", code="U235", hint="Name two files.")
        if os.path.lexists(path):
            raise Refused(
                f"{display(str(path))} exists already.", code="R501", hint="Nothing was written. Choose another name."
            )


def refuse_paper(place: Path, output: Path | None, sources: Iterable[Path] = ()) -> Path:
    """Return where a paper about a case or package goes; raise before the work begins where it cannot go there.

    Raises:
        BadArgument: U233, no file was named.
        CannotFinish: X423, its folder is not there.
        Refused: R501, it exists; R506, it lies inside the case, or inside the evidence: that would change it.
    """
    if output is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o FILE.")
    refuse_outputs(place, output)
    for source in sources:
        if _real(output).is_relative_to(_real(source)):
            raise Refused(
                f"{display(str(output))} would lie inside the evidence {display(str(source))}.",
                code="R506",
                hint="Nothing was written. Name a place outside of it.",
            )
    if not output.parent.is_dir():
        where = display(str(output.parent))
        raise CannotFinish(f"There is no folder {where}.", code="X423", hint="Make it first, or name another place.")
    return output


def refuse_inside(case: Path, output: Path) -> None:
    """Raise Refused (R506) where a file would lie inside a case: there it would belong to no event."""
    if _real(output).is_relative_to(_real(case)):
        raise Refused(
            f"{display(str(output))} would lie inside the case {display(str(case))}.",
            code="R506",
            hint="Nothing was written. Name a place outside of the case.",
        )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
