"""Holds as documents: what `hold due` and `custody status` say of a case's register at some instant.

Source: specs/cooperation.md sections 3.3 and 3.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from evidencekit.catalogue.history import History
from evidencekit.cooperation.holds import STAGES, Hold, Step
from evidencekit.cooperation.holds_register import Register, register_of
from evidencekit.core.values import format_instant


def due_document(cases: Iterable[tuple[str, Register, Iterable[str]]], now: int) -> dict[str, Any]:
    """Return all holds of some cases, what is due first at the top; `now` is in nanoseconds since 1970.

    A case is its log's origin, its register, and the names of cases that it adopted.
    """
    cases = list(cases)
    holds = [hold_record(hold, origin, now) for origin, register, _ in cases for hold in register.holds]
    holds.sort(key=lambda one: (not one["open"], one["until"] is None, one["until"] or "", one["case"], one["hold"]))
    items = [
        {
            "case": origin,
            "hold": due.hold,
            "item": due.item,
            "no_end": list(due.no_end),
            "until": _time(due.until),
        }
        for origin, register, _ in cases
        for due in register.due()
    ]
    items.sort(key=lambda one: (one["until"] is None, one["until"] or "", one["case"], one["item"]))
    stages = Counter(one["stage"] for one in holds)
    return {
        "counts": {stage: stages[stage] for stage in STAGES},
        "holds": holds,
        "items": items,
        "not_checked": [
            f"holds of the case {name}, which {origin} adopted: they stand in its own log"
            for origin, _, adopted in cases
            for name in adopted
        ],
        "not_followed": [
            {
                "case": origin,
                "entry": one.entry,
                "hold": one.hold,
                "items": list(one.items),
                "reason": one.reason,
                "type": one.kind,
            }
            for origin, register, _ in cases
            for one in register.not_followed
        ],
        "now": format_instant(now),
    }


def hold_record(hold: Hold, origin: str, now: int) -> dict[str, Any]:
    """Return a hold as `hold due --json` gives it."""
    clock, release = hold.at(now), hold.release
    return {
        "case": origin,
        "corrections": [{"corrects": one.corrects, "entry": one.entry, "text": one.text} for one in hold.corrections],
        "extensions": [_step(step) for step in hold.extensions],
        "hold": hold.name,
        "instrument": hold.instrument,
        "items": list(hold.items),
        "lapses": [
            {"by": lapse.by, "from": format_instant(lapse.start), "to": _time(lapse.end)} for lapse in hold.lapses(now)
        ],
        "left_s": clock.left_s if release is None else None,
        "not_checked": list(hold.said()),
        "open": hold.is_open,
        "opened": _step(hold.opening),
        "received": _time(hold.received),
        "released": None if release is None else _step(release),
        "share": clock.share if release is None else None,
        "source": _source(hold.dated[-1]),
        "stage": clock.stage,
        "until": _time(hold.until),
    }


def clocks_of(history: History, now: int) -> dict[str, list[dict[str, Any]]]:
    """Return the open holds of each item, as `hold_record` has them."""
    clocks: dict[str, list[dict[str, Any]]] = {}
    for hold in register_of(history.told).holds:
        for item in hold.items if hold.is_open else ():
            clocks.setdefault(item, []).append(hold_record(hold, history.origin, now))
    return clocks


def _step(step: Step) -> dict[str, Any]:
    """Return one event of a hold; `recorded_at` is what counts, `occurred_at` what was said."""
    return {
        "authority": step.body.get("authority"),
        "basis": step.body.get("basis"),
        "entry": step.entry,
        "occurred_at": step.event["occurred_at"],
        "recorded_at": format_instant(step.recorded),
        "request": step.body.get("request"),
        "source": _source(step),
        "until": _time(step.until),
    }


def _source(step: Step) -> dict[str, str] | None:
    """Return where an end comes from; None: a person stated it, or nobody did."""
    basis = step.body.get("basis")
    return None if basis is None else {name: basis[name] for name in ("citation", "mark", "version")}


def _time(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
