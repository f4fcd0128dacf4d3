"""Durations as people read them: one wording, wherever one is shown. Pure."""

from __future__ import annotations

from itertools import dropwhile

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: int) -> str:
    """Return a duration from 0 on in its largest unit and, where that is not 0, the next one: 2 d 4 h; rounded down."""
    counts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        counts.append((count, unit))
    largest = list(dropwhile(lambda one: one[0] == 0, counts))[:2]
    return " ".join(f"{count:,} {unit}" for count, unit in largest if count) or "0 s"
