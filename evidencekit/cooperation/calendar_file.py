"""The ends of holds as a calendar (RFC 5545), with an alarm at each warning; no person is named.

Promise: an event keeps its UID over extensions, and is cancelled by the release.
Source: specs/cooperation.md section 3.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from icalendar import Alarm, Calendar, Event

from evidencekit.cooperation.holds import Hold
from evidencekit.core.values import display, format_instant

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WARNED = {
    "half": "half of the time has passed",
    "three_quarters": "three quarters of the time have passed",
    "week": "7 days are left",
    "day": "24 hours are left",
    "lapsed": "it ends now",
}


def encode_calendar(cases: Iterable[tuple[str, Iterable[Hold]]], now: int) -> bytes:
    """Return a calendar of all holds that have an end; a case is its log's origin and its holds, `now` an instant."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//evidencekit//holds//EN")
    for origin, holds in cases:
        for hold in holds:
            if hold.until is not None:
                calendar.add_component(_event(origin, hold, hold.until, now))
    return bytes(calendar.to_ical())


def _event(origin: str, hold: Hold, until: int, now: int) -> Event:
    about = f"{display(hold.name)} ({', '.join(hold.items)})"
    verb = "released" if not hold.is_open else "HAS LAPSED" if now >= until else "ends"
    event = Event()
    event.add("uid", _uid(origin, hold))
    event.add("dtstamp", _time(now))
    event.add("dtstart", _time(until))
    event.add("sequence", len(hold.steps) - 1)
    event.add("status", "CONFIRMED" if hold.is_open else "CANCELLED")
    event.add("transp", "TRANSPARENT")
    event.add("summary", f"Hold {verb}: {about}")
    event.add("description", _description(origin, hold))
    start = hold.period[0] if hold.period else until
    for stage, at in hold.warnings().items() if hold.is_open else ():
        if start < at <= until:
            event.add_component(_alarm(f"Hold {about}: {_WARNED[stage]}", at // _SECOND - until // _SECOND))
    return event


def _alarm(text: str, seconds: int) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", text)
    alarm.add("trigger", timedelta(seconds=seconds))
    return alarm


def _uid(origin: str, hold: Hold) -> str:
    """Return what stays the same: the log, the event that opened the hold, its name and first item."""
    same = "\n".join((origin, str(hold.opening.entry), hold.name, hold.items[0]))
    return f"{sha256(same.encode()).hexdigest()}@evidencekit"


def _description(origin: str, hold: Hold) -> str:
    basis = hold.dated[-1].body.get("basis")
    rests = f"{basis['citation']}, {basis['version']} ({basis['mark']})" if basis else "stated by a person"
    lines = [f"log: {origin}", f"instrument: {hold.instrument or 'not stated'}", f"the end rests on: {rests}"]
    lines += [] if hold.received is None else [f"received: {format_instant(hold.received)}"]
    return "\n".join(map(display, (*lines, *(f"not checked: {text}" for text in hold.said()))))


def _time(instant: int) -> datetime:
    """Return an instant to the second, rounded down: no warning is late."""
    return _EPOCH + timedelta(seconds=instant // _SECOND)
