"""Which entries of a source are wanted: globs. What is not wanted becomes an omission row, never silence.

What globs mean stands in core/globs.py. Source: specs/manifest.md sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence

from evidencekit.core.globs import Globs
from evidencekit.core.schema import MAX_ARRAY, MAX_STRING
from evidencekit.core.values import display
from evidencekit.errors import BadArgument


class Selection:
    """Include and exclude globs, compiled."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        """Take the globs as they will stand in the header.

        Raises:
            BadArgument: U230, a glob that could never match, or that the header cannot hold.
        """
        for globs in (include, exclude):
            if len(globs) > MAX_ARRAY:
                raise BadArgument(f"{len(globs)} globs are more than {MAX_ARRAY}.", code="U230")
            for glob in globs:
                _check(glob)
        self._include, self._exclude = Globs(include), Globs(exclude)
        self.everything = not include and not exclude

    def excludes(self, path: bytes) -> bool:
        """Tell whether a path is excluded by name: for folders, which `include` never leaves out."""
        return self._exclude.match(path)

    def wants(self, path: bytes) -> bool:
        """Tell whether something that is not a folder is to be taken; the source itself always is."""
        if self.everything or not path:
            return True
        return not self._exclude.match(path) and (not self._include or self._include.match(path))


def _check(glob: str) -> None:
    shown = display(glob)
    try:
        size = len(glob.encode())
    except UnicodeEncodeError:
        raise BadArgument(f"The glob {shown} is not UTF-8.", code="U230", hint="Use `?` for such a byte.") from None
    if size > MAX_STRING:
        raise BadArgument(f"A glob has {size} bytes.", code="U230", hint=f"At most {MAX_STRING} are possible.")
    if not glob or glob.startswith("/") or glob.endswith("/"):
        raise BadArgument(
            f"The glob {shown or '(empty)'} can never match.",
            code="U230",
            hint="Paths are relative to the source, without `/` at either end.",
        )
