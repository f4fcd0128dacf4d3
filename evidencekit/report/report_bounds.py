"""What keeps a report printable: texts that are escaped and cut, lists that say what they leave out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evidencekit.core.values import display, harmless
from evidencekit.report.receipt import shown_moment

LONGEST = 300
"""Characters of a text that the page shows: a name may have 4,000 and more."""
_END = 100


def named(text: str | bytes) -> str:
    """Return a name of the evidence as a person may see it, cut in the middle where it is long."""
    return _cut(display(text))


def said(text: str) -> str:
    """Return what a program or a person wrote: nothing that moves or hides other text, on one line, cut as above."""
    return _cut(harmless(text).replace("\n", "\\n"))


def shown_instant(instant: str) -> str:
    """Return an instant of a record as paper shows it: to the second, in UTC."""
    return shown_moment({"precision": "s", "time": instant, "utc_offset_min": None})


def bounded(rows: Sequence[Any], most: int, *, total: int | None = None) -> dict[str, Any]:
    """Return the first rows, how many there are, and how many are left out: `total` = rows here + `left`."""
    kept, count = list(rows[:most]), len(rows) if total is None else total
    return {"rows": kept, "total": count, "left": count - len(kept)}


def ends(rows: Sequence[Any], most: int) -> dict[str, Any]:
    """Return the first and the last rows, in order, and how many between them are left out, after row `cut`."""
    if len(rows) <= most:
        return {"rows": list(rows), "total": len(rows), "left": 0, "cut": 0}
    half = most // 2
    kept = [*rows[:half], *rows[-half:]]
    return {"rows": kept, "total": len(rows), "left": len(rows) - len(kept), "cut": half}


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    left = len(text) - LONGEST
    return f"{text[: LONGEST - _END]} […{left}…] {text[-_END:]}"
