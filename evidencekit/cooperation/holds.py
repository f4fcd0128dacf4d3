"""A hold: when it ends, where it stands, and each time that it had lapsed. Pure.

Promise: a lapse that was there once stays, whatever comes later. Instants are nanoseconds since 1970, UTC.
Source: specs/cooperation.md sections 3.2 and 3.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidencekit.core.values import parse_instant

STAGES = ("no_end", "running", "half", "three_quarters", "week", "day", "lapsed", "released")
_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_WEEK = 7 * _DAY


@dataclass(frozen=True, slots=True)
class Step:
    """A `hold`, `extend` or `hold_release` that was followed."""

    entry: int
    event: dict[str, Any]
    recorded: int
    """The greatest `recorded_at` of the log up to it."""

    @property
    def kind(self) -> str:
        """The type of the event."""
        return str(self.event["type"])

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        body: dict[str, Any] = self.event["body"]
        return body

    @property
    def occurred(self) -> int:
        """When it was done, by whoever signed it: the first instant that this can mean."""
        return parse_instant(self.event["occurred_at"]["time"])

    @property
    def until(self) -> int | None:
        """The end that it states: the first instant that this can mean."""
        return _instant(self.body.get("until"))


@dataclass(frozen=True, slots=True)
class Lapse:
    """A time in which a hold had ended, and was neither extended nor released."""

    start: int
    end: int | None
    """None: it goes on."""
    by: int | None
    """The entry that ended it."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a later event says of one of a hold's events: text, for people."""

    entry: int
    corrects: int
    text: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a hold stands at some instant."""

    stage: str
    """One of STAGES."""
    share: int | None
    """Whole percent of the period that has passed; None: there is no end."""
    left_s: int | None
    """Seconds to the end, rounded down; negative after it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Items under one hold, with one history."""

    name: str
    items: tuple[str, ...]
    """Sorted."""
    steps: tuple[Step, ...]
    """The `hold`, what extended it, and the release where there is one."""
    corrections: tuple[Correction, ...] = ()

    @property
    def opening(self) -> Step:
        """The event that opened it."""
        return self.steps[0]

    @property
    def release(self) -> Step | None:
        """The event that ended it."""
        return self.steps[-1] if self.steps[-1].kind == "hold_release" else None

    @property
    def is_open(self) -> bool:
        """Tell whether nobody released it; a date alone ends no hold."""
        return self.release is None

    @property
    def dated(self) -> tuple[Step, ...]:
        """The events that say when it ends: the `hold`, whether it does or not, and each `extend`."""
        return self.steps if self.release is None else self.steps[:-1]

    @property
    def extensions(self) -> tuple[Step, ...]:
        """The events that extended it."""
        return self.dated[1:]

    def is_for(self, request: str | None) -> bool:
        """Tell whether one of its events names a request, by the SHA-256 of its record; None: no request."""
        return request is not None and any(step.body.get("request") == request for step in self.steps)

    @property
    def instrument(self) -> str | None:
        """Under which it was opened, where that was stated."""
        return self.opening.body.get("instrument")

    @property
    def received(self) -> int | None:
        """When the request was received, where that was stated."""
        return _instant(self.opening.body.get("received_at"))

    @property
    def until(self) -> int | None:
        """Its end as last stated."""
        return self.dated[-1].until

    @property
    def period(self) -> tuple[int, int] | None:
        """Beginning and end of the period that its end belongs to; None: there is no end."""
        step = self.dated[-1]
        if step.until is None:
            return None
        start = step.recorded if step is not self.opening else self.received
        return (step.occurred if start is None else start, step.until)

    def at(self, now: int) -> Clock:
        """Return where it stands."""
        if self.period is None:
            return Clock("no_end" if self.is_open else "released", None, None)
        start, end = self.period
        passed, whole = now - start, max(end - start, 1)
        share = min(max(100 * passed // whole, 0), 100) if now < end else 100
        points = self.warnings()
        stage = next((name for name in reversed(points) if now >= points[name]), "running")
        return Clock(stage if self.is_open else "released", share, (end - now) // _SECOND)

    def warnings(self) -> dict[str, int]:
        """Return when each stage of its period begins, in the order of STAGES; nothing where there is no end.

        The stage is the last whose time has come: ten days are in their last week before half of them has passed.
        """
        if self.period is None:
            return {}
        start, end = self.period
        whole = max(end - start, 0)
        return {
            "half": start - -whole // 2,
            "three_quarters": start - -3 * whole // 4,
            "week": end - _WEEK,
            "day": end - _DAY,
            "lapsed": end,
        }

    def lapses(self, now: int) -> tuple[Lapse, ...]:
        """Return each time in which it had lapsed, the last one open if it has lapsed at `now`."""
        found: list[Lapse] = []
        for number, step in enumerate(self.dated):
            if step.until is None:
                continue
            start = step.until if number == 0 else max(step.recorded, step.until)
            after = self.steps[number + 1] if number + 1 < len(self.steps) else None
            if start >= (now + 1 if after is None else after.recorded):
                continue
            if found and found[-1].end == start:
                start = found.pop().start
            found.append(Lapse(start, after.recorded, after.entry) if after else Lapse(start, None, None))
        return tuple(found)

    def said(self) -> tuple[str, ...]:
        """Return what of its end nobody checked or stated, each once."""
        lines = []
        if self.received is None:
            lines.append("when the request was received: not stated")
        for step in self.dated:
            basis = step.body.get("basis")
            if step.until is None:
                lines.append("when it ends: not stated")
            elif basis is None:
                lines.append(f"the end that entry {step.entry} names was stated by a person, not computed")
            else:
                lines += basis["not_checked"]
        return tuple(dict.fromkeys(lines))


def _instant(moment: dict[str, Any] | None) -> int | None:
    return None if moment is None else parse_instant(moment["time"])
