"""The register of holds, computed from the events of a log. Pure.

Promises: an open hold is never left out; an event that is not followed is listed with the reason.
Source: specs/cooperation.md section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from evidencekit.cooperation.holds import Correction, Hold, Step
from evidencekit.core.custody_state import Remark
from evidencekit.core.event import knows_type
from evidencekit.core.values import parse_instant

_TYPES = frozenset({"hold", "extend", "hold_release", "split"})


class Told(Protocol):
    """An entry of a log, and what the rules of custody say of it."""

    entry: int
    event: dict[str, Any]
    recorded_at: str
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """An event about holds that changed nothing here."""

    entry: int
    kind: str
    items: tuple[str, ...]
    hold: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Due:
    """When an item is due: the shortest clock of its open holds."""

    item: str
    until: int | None
    hold: str | None
    no_end: tuple[str, ...]
    """Open holds that have no end."""


@dataclass(frozen=True, slots=True)
class Register:
    """Every hold of a log, the one that ends first at the top: open with an end, open without, released."""

    holds: tuple[Hold, ...]
    not_followed: tuple[NotFollowed, ...]

    def due(self) -> list[Due]:
        """Return when each item that is under hold is due, the first at the top."""
        by_item: dict[str, list[Hold]] = {}
        for hold in self.holds:
            for item in hold.items if hold.is_open else ():
                by_item.setdefault(item, []).append(hold)
        found = []
        for item, holds in by_item.items():
            dated = sorted((one.until, one.name) for one in holds if one.until is not None)
            until, name = dated[0] if dated else (None, None)
            found.append(Due(item, until, name, tuple(sorted(one.name for one in holds if one.until is None))))
        return sorted(found, key=lambda one: (one.until is None, one.until or 0, one.item))

    def open_under(self, name: str) -> list[Hold]:
        """Return the open holds of a name: several where its items have different histories."""
        return [hold for hold in self.holds if hold.is_open and hold.name == name]


@dataclass(slots=True)
class _Walk:
    open: dict[tuple[str, str], tuple[Step, ...]] = field(default_factory=dict)
    """Item and name of a hold → what was done about it."""
    closed: list[tuple[str, str, tuple[Step, ...]]] = field(default_factory=list)
    not_followed: list[NotFollowed] = field(default_factory=list)
    corrections: dict[int, list[Correction]] = field(default_factory=dict)

    def take(self, told: Told, recorded: int) -> None:
        event = told.event
        kind, items, body = event["type"], event["items"], event["body"]
        if kind == "correct" and knows_type(event):
            about = int(body["corrects"]["entry"])
            self.corrections.setdefault(about, []).append(Correction(told.entry, about, body["text"]))
        if kind not in _TYPES:
            return
        broken = next((remark for remark in told.remarks if remark.forbids), None)
        if not knows_type(event):
            self._leave(told, items, "it is of a form that this version does not know")
        elif broken is not None:
            self._leave(told, items, f"{broken.code}: expected {broken.expected}, found {broken.found}")
        elif kind == "split":
            for (item, name), steps in [*self.open.items()]:
                if item == items[0]:
                    self.open |= {(part, name): steps for part in items[1:]}
        else:
            self._step(told, Step(told.entry, event, recorded))

    def _step(self, told: Told, step: Step) -> None:
        name = step.body["hold"]
        for item in step.event["items"]:
            before = self.open.pop((item, name), ())
            if step.kind != "hold" and not before:
                self._leave(told, [item], "the log does not show where this hold begins")
            elif step.kind == "hold_release":
                self.closed.append((item, name, (*before, step)))
            else:
                self.open[item, name] = (*before, step)

    def _leave(self, told: Told, items: Sequence[str], reason: str) -> None:
        name = told.event["body"].get("hold")
        told_name = name if isinstance(name, str) else None
        self.not_followed.append(NotFollowed(told.entry, told.event["type"], tuple(items), told_name, reason))


def register_of(log: Iterable[Told]) -> Register:
    """Return the register of a log: all of its entries, the oldest first.

    Source: specs/cooperation.md section 3.2.
    """
    walk, recorded = _Walk(), 0
    for told in log:
        recorded = max(recorded, parse_instant(told.recorded_at))
        walk.take(told, recorded)
    groups: dict[tuple[str, tuple[int, ...]], tuple[list[str], tuple[Step, ...]]] = {}
    for item, name, steps in [*walk.closed, *((item, name, steps) for (item, name), steps in walk.open.items())]:
        groups.setdefault((name, tuple(step.entry for step in steps)), ([], steps))[0].append(item)
    holds = [
        Hold(name, tuple(sorted(items)), steps, tuple(_corrections(walk, steps)))
        for (name, _), (items, steps) in groups.items()
    ]
    holds.sort(key=lambda one: (not one.is_open, one.until is None, one.until or 0, one.name, one.items))
    return Register(tuple(holds), tuple(walk.not_followed))


def _corrections(walk: _Walk, steps: Iterable[Step]) -> Iterable[Correction]:
    return (one for step in steps for one in walk.corrections.get(step.entry, ()))
