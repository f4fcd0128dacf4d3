"""Times as returns write them, each as the span of all instants that it may mean.

Promises: no input raises; a time that can be read in more than one way (03/04/2026) is none. A time without an offset
may be anywhere from UTC+14 to UTC-12. Source: specs/cooperation.md section 8.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import MOMENT_UNITS, parse_instant
from evidencekit.errors import FormatError

_SECOND = MOMENT_UNITS["s"]
_HOUR = 3600 * _SECOND
_EAST, _WEST = 14 * _HOUR, 12 * _HOUR
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)"
    r" ?(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?\Z"
)
ISO_WITHIN = re.compile(
    r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})(?![0-9A-Za-z]))?(?![0-9:])"
)
"""A time within a line of text."""
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, *)?[0-9]{1,2} [A-Z][a-z]{2} (?:19|20)[0-9]{2} [0-9]{2}:[0-9]{2}")
_EPOCH = re.compile(r"([0-9]{10})(?:\.[0-9]{1,9}|[0-9]{3}|[0-9]{6})?\Z")
_SECONDS = range(4_102_444_800)
"""1970 to 2099: what lies outside is a default of some program, or no time at all."""
_LONGEST = 64


class Span(NamedTuple):
    """The first and the last nanosecond since 1970 (UTC) that a time may mean."""

    first: int
    last: int


def span_of(text: str, *, is_said: bool, is_utc: bool = False) -> Span | None:
    """Return what a text means as a time, or None.

    `is_said`: a label says that it is one, so a day alone, or seconds since 1970, are a time, too. `is_utc`: the label
    says that no offset means UTC.
    """
    text = text.strip()
    if not 10 <= len(text) <= _LONGEST or not text.isascii():
        return None
    iso = _ISO.match(text)
    span = None
    if iso is not None and (is_said or iso[2]):
        span = _of_iso(iso, is_utc=is_utc)
    elif _MAIL.match(text):
        span = _of_mail(text, is_utc=is_utc)
    elif is_said and (epoch := _EPOCH.match(text)) is not None:
        span = Span(int(epoch[1]) * _SECOND, (int(epoch[1]) + 1) * _SECOND - 1)
    return span if span is not None and span.first // _SECOND in _SECONDS and span.last // _SECOND in _SECONDS else None


def span_of_moment(moment: Mapping[str, Any], *, is_utc: bool = False) -> Span:
    """Return the span of a moment (specs/encoding.md section 4)."""
    start = parse_instant(moment["time"])
    is_known = is_utc or moment["utc_offset_min"] is not None
    return _wide(start, start + MOMENT_UNITS[moment["precision"]] - 1, is_known=is_known)


def _wide(first: int, last: int, *, is_known: bool) -> Span:
    """Return a span, wider by all offsets that there are where its own is not known."""
    return Span(first, last) if is_known else Span(first - _EAST, last + _WEST)


def _of_iso(iso: re.Match[str], *, is_utc: bool) -> Span | None:
    day, clock, zone = iso.groups()
    zone = "Z" if zone in {"UTC", "GMT"} else zone or ""
    text = f"{day}T{clock.replace(',', '.')}{zone}" if clock else day
    try:
        return span_of_moment(parse_moment(text, "time"), is_utc=is_utc)
    except FormatError:  # the 31st of February; the year 0
        return None


def _of_mail(text: str, *, is_utc: bool) -> Span | None:
    """Return the span of a date as messages have it (RFC 5322, section 3.3)."""
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    since = when.replace(tzinfo=None) - datetime(1970, 1, 1)  # noqa: DTZ001 (its offset is taken off below)
    offset = when.utcoffset()
    seconds = since.days * 86_400 + since.seconds - (0 if offset is None else offset.days * 86_400 + offset.seconds)
    return _wide(seconds * _SECOND, (seconds + 1) * _SECOND - 1, is_known=is_utc or offset is not None)


@dataclass(frozen=True, slots=True)
class Period:
    """The period that was asked for: of each end the span in which it lies; None: it is open there."""

    start: Span | None
    end: Span | None

    def place(self, span: Span) -> str:
        """Tell whether a time lies `inside` or `outside`, or is `unsure`: its offset, or the period's, is not known."""
        start, end = self.start, self.end
        if (start is not None and span.last < start.first) or (end is not None and span.first > end.last):
            return "outside"
        if (start is None or span.first >= start.last) and (end is None or span.last <= end.first):
            return "inside"
        return "unsure"

    def days(self) -> range:
        """Return the days of UTC since 1970 that lie in it as a whole, whatever its offset; none where it is open."""
        if self.start is None or self.end is None:
            return range(0)
        return range(-day_of(-self.start.last), day_of(self.end.first + 1))


def day_of(instant: int) -> int:
    """Return the day of UTC on which an instant lies, counted since 1970."""
    return instant // MOMENT_UNITS["day"]


def period_of(record: Mapping[str, Any]) -> Period | None:
    """Return the period that a request asks for; None where it names none."""
    said = record.get("period")
    if not said:
        return None
    start, end = said.get("start"), said.get("end")
    return Period(_edge(start, at_end=False), _edge(end, at_end=True))


def _edge(moment: Mapping[str, Any] | None, *, at_end: bool) -> Span | None:
    """Return in which span the first, or the last, instant of a period lies."""
    if moment is None:
        return None
    instant = parse_instant(moment["time"]) + (MOMENT_UNITS[moment["precision"]] - 1 if at_end else 0)
    return _wide(instant, instant, is_known=moment["utc_offset_min"] is not None)
