"""A time that somebody typed, as precise as it was written. Source: specs/encoding.md section 4."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from evidencekit.core.values import display, moment
from evidencekit.errors import FormatError

_NANOSECONDS = 1_000_000_000


def parse_moment(text: str, place: str) -> dict[str, Any]:
    """Return the moment that a text names, as precise as it was written; without an offset it is UTC.

    Raises:
        FormatError: it is no time.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise FormatError(place, expected="a time, as in 2026-11-22T09:00:00+01:00", found=display(text)) from error
    offset = when.utcoffset()
    since = when.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    local = (since.days * 86_400 + since.seconds) * _NANOSECONDS + since.microseconds * 1000
    minutes = None if offset is None else int(offset.total_seconds() // 60)
    ns = local - (minutes or 0) * 60 * _NANOSECONDS
    return moment(ns, utc_offset_min=minutes, precision=_precision(text))


def _precision(text: str) -> str:
    """Return how precisely a time was written."""
    _, _, clock = text.replace(" ", "T").partition("T")
    clock = re.split(r"[+\-Zz]", clock)[0]
    if not clock:
        return "day"
    if clock.count(":") < 2:
        return "min"
    fraction = clock.partition(".")[2]
    return "s" if not fraction else "ms" if len(fraction) <= 3 else "ns"
