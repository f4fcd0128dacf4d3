"""When a limit ends, counted from the moment of receipt; and what that rests on, and what nobody checked. Pure.

Promises: where more than one reading is possible the end is the earliest. Instants are nanoseconds since 1970, UTC.
Source: specs/cooperation.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from evidencekit.cooperation.law import Limit
from evidencekit.cooperation.workdays import Weekend, WorkingDays, working_days_of
from evidencekit.core.values import display, parse_instant
from evidencekit.errors import BadArgument

MAX_WORKING_DAYS = 36_525
_SECOND = 1_000_000_000
_HOUR = 3600 * _SECOND
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = parse_instant("9999-12-31T00:00:00.000000000Z")  # in every zone of the year 9999


@dataclass(frozen=True, slots=True)
class Ending:
    """When a limit ends, and all that this rests on."""

    limit: Limit
    """With its source and mark."""
    start: int
    """From when it ran."""
    until: int
    zone: str
    calendar: str | None
    """The place whose holidays were looked up, and where; None: no place was named, or none was needed."""
    skipped: tuple[str, ...]
    """Holidays that were left out: date and name."""
    not_checked: tuple[str, ...]


def end_of(limit: Limit, start: int, *, zone: str = "UTC", place: str | None = None) -> Ending:
    """Return when a limit ends that runs from `start`, an instant.

    `zone` is an IANA name, `place` a country or a part of it (`CZ`, `DE-BY`); it counts for working days alone.

    Raises:
        BadArgument: U302 no such zone, U303 no such place, U304 the end lies too far ahead.

    Source: specs/cooperation.md section 2.
    """
    clock = _zone(zone)
    if limit.unit == "hours":
        until = start + limit.amount * _HOUR
        if until > _LAST:
            raise _too_far(limit)
        return Ending(limit, start, until, zone, None, (), _doubts(limit, start, clock))
    received, fraction = divmod(start, _SECOND)
    skipped: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    days: WorkingDays | None = None
    try:
        wall = _wall(clock, received)
        if limit.unit == "days":
            last = wall.date() + timedelta(days=limit.amount)
        else:
            days = working_days_of(place) if place is not None else Weekend()
            last = _working_day(days, wall.date(), limit)
            skipped, said = days.left_out, days.not_checked
        until = _first(clock, datetime.combine(last, wall.time()), fraction)
    except OverflowError:
        raise _too_far(limit) from None
    if until > _LAST:
        raise _too_far(limit)
    name = None if days is None else days.name
    return Ending(limit, start, until, zone, name, skipped, (*said, *_doubts(limit, start, clock)))


def _too_far(limit: Limit) -> BadArgument:
    return BadArgument(
        f"A limit of {limit.amount} {limit.unit} ends too far ahead.",
        code="U304",
        hint=f"Ends are known up to the year 9999, and up to {MAX_WORKING_DAYS} working days.",
    )


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(name: str) -> ZoneInfo:
    if name not in _names():
        raise BadArgument(
            f"There is no time zone {display(name)}.", code="U302", hint="An IANA name, as Europe/Prague or UTC."
        )
    return ZoneInfo(name)


def _wall(zone: ZoneInfo, seconds: int) -> datetime:
    """Return what a clock of the zone shows at some second since 1970."""
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).replace(tzinfo=None, fold=0)


def _seconds(zone: ZoneInfo, wall: datetime, fold: int) -> int:
    since = wall.replace(tzinfo=zone, fold=fold) - _EPOCH
    return since.days * 86_400 + since.seconds


def _first(zone: ZoneInfo, wall: datetime, fraction: int) -> int:
    """Return the first instant at which the clock shows `wall` (whole seconds) and `fraction`, or later."""
    high = _seconds(zone, wall, 0)
    if _wall(zone, high) == wall:  # of two such seconds, fold 0 is the first
        return high * _SECOND + fraction
    low = _seconds(zone, wall, 1)  # skipped: by the offset after the change it lies before the change
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _wall(zone, middle) < wall else (low, middle)
    return high * _SECOND


def _working_day(days: WorkingDays, day: date, limit: Limit) -> date:
    if limit.amount > MAX_WORKING_DAYS:
        raise _too_far(limit)
    for _ in range(limit.amount):
        day += _DAY
        while not days.is_working(day):
            day += _DAY
    days.ended(day)
    return day


def _doubts(limit: Limit, start: int, zone: ZoneInfo) -> tuple[str, ...]:
    """Return what is to be said where a limit may not hold on the day from which it ran, or runs from later."""
    day, source = _wall(zone, start // _SECOND).date(), limit.source
    said = {
        "holds": (),
        "not_yet": (f"{source.citation} holds from {source.valid_from} on: not yet on {day}",),
        "no_longer": (f"{source.citation} held until {source.valid_until}: no longer on {day}",),
        "not_known": (f"since when {source.citation} holds is not known",),
    }[source.standing(day)]
    return said if limit.start == "receipt" else (*said, f"it runs from {limit.start}, and was counted from receipt")


def unsaid(limit: Limit, others: tuple[Limit, ...], there: Callable[[str], bool]) -> tuple[str, ...]:
    """Return what is to be said of the other limits of the same clock, which were not counted."""
    said = []
    for one in others:
        if one.of == limit.of and one.id != limit.id:
            what = f"limit {one.id} ({one.bound} {one.amount} {one.unit}, {one.source.citation}, {one.source.mark})"
            why = f" for a request with {one.when}: nobody said that" if one.when and not there(one.when) else ""
            said.append(f"{what}{why}: not counted")
    return tuple(said)
