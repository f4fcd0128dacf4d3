"""A checkpoint as a QR code, on a terminal or as a picture. It holds what `verify --since` takes.

Source: specs/checkpoint.md section 13.
"""

from __future__ import annotations

import io
from pathlib import Path

from evidencekit.cli.outputs import refuse_outputs
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

QUIET = 2
"""Modules of white around the code on a terminal; a picture has the four of ISO/IEC 18004."""
_BLOCKS = {(False, False): "\u2588", (False, True): "\u2580", (True, False): "\u2584", (True, True): " "}
"""Two modules, one above the other, dark or not: white is drawn, so that a dark terminal shows the code as printed."""
_KINDS = {".svg": "svg", ".png": "png"}


def draw(text: str) -> list[str]:
    """Return the code as lines of blocks, two rows of modules a line."""
    import segno

    side = [False] * QUIET
    rows = [[*side, *(bool(module) for module in row), *side] for row in segno.make(text, micro=False).matrix]
    blank = [[False] * len(rows[0])] * QUIET
    rows = [*blank, *rows, *blank, *blank]
    return [
        "".join(_BLOCKS[pair] for pair in zip(*rows[at : at + 2], strict=True)) for at in range(0, len(rows) - 2, 2)
    ]


def write_qr(text: str, path: Path, *, case: Path) -> None:
    """Write the code as a picture to a new file outside the case.

    Raises:
        BadArgument: U275, neither .svg nor .png. Refused: R501, it exists; R506, it lies inside the case.
    """
    import segno

    from evidencekit.write.durable import write_new

    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise BadArgument(f"{display(str(path))} is neither .svg nor .png.", code="U275", hint="As in 24-117.svg.")
    refuse_outputs(case, path)
    picture = io.BytesIO()
    segno.make(text, micro=False).save(picture, kind=kind, scale=8)
    write_new(path, picture.getvalue())
