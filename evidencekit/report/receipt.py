"""What the receipt for the owner of a seized device says: facts from the record, nothing else, and nothing verified.

Promises: pure; every text is escaped as the core escapes names; what nobody stated is None, never left out silently;
persons stand here only where the record of the seizure names them.
Source: needs.md (record fields), specs/events.json, types `acquire` and `collect`; specs/checkpoint.md section 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.values import MOMENT_UNITS, display, format_instant, parse_instant
from evidencekit.report.paper_tree import WithTree

_MINUTE = MOMENT_UNITS["min"]
_SHOWN = {"day": 10, "min": 16, "s": 19, "ms": 19, "ns": 19}
"""Characters of an instant that say what a precision promises; below the second nobody reads on paper."""
Value = str | None
_NONE: Mapping[str, tuple[int, ...]] = {}


@dataclass(frozen=True, slots=True)
class Seizure:
    """How items were taken: what is equal for several of them stands once."""

    authority: Value
    """Type, number and issuer of the order."""
    authority_date: Value
    authority_scope: Value
    authority_until: Value
    legal_channel: Value
    """A name of `core.event_forms.LEGAL_CHANNEL`."""
    measure: Value
    """As `events.json` has it."""
    place: Value
    seized_at: tuple[str, ...]
    """From and to, in UTC and by the offset that was stated; empty where nobody said."""
    seized_by: Value
    seized_from: Value
    owner_present: bool | None
    witnesses: Value
    time_class: str
    """Who says when it was recorded: `asserted`, `device`, `witnessed`, `external`."""
    recorded_by: str
    key: str
    """Fingerprint of whoever recorded it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One item."""

    exhibit: str
    description: Value
    make: Value
    model: Value
    serial: Value
    identifiers: Value
    quantity: Value
    condition: Value
    seals: Value
    bag: Value
    recorded_at: str
    corrected: tuple[int, ...]
    """Later entries that correct what is said here."""
    seizure: Seizure


@dataclass(frozen=True, slots=True)
class Receipt(WithTree):
    """All of it."""

    reference: str
    agency: str
    seizures: tuple[tuple[Seizure, tuple[Taken, ...]], ...]
    """Items by how they were taken, in the order in which they were recorded."""
    checkpoint: Checkpoint
    made_at: str
    program: str


def receipt_of(
    case: Mapping[str, Any],
    events: Iterable[Mapping[str, Any]],
    checkpoint: Checkpoint,
    *,
    seals: Callable[[str], Iterable[str] | None],
    now: int,
    program: str,
    corrected: Mapping[str, tuple[int, ...]] = _NONE,
) -> Receipt:
    """Return what a receipt says.

    Args:
        case: the case record.
        events: of each item the event by which it was taken, its `items[0]` being the item: `things.Thing.event`.
        checkpoint: the newest one.
        seals: gives the physical seals on an item as last stated, None where nobody said.
        now: nanoseconds since 1970, for "printed at".
        program: name and version.
        corrected: by item, the later entries that correct what its event says.
    """
    taken = [_taken(event, seals(event["items"][0]), corrected.get(event["items"][0], ())) for event in events]
    seizures: dict[Seizure, list[Taken]] = {}
    for item in taken:
        seizures.setdefault(item.seizure, []).append(item)
    return Receipt(
        reference=display(case["reference"]),
        agency=display(case["agency"]),
        seizures=tuple((seizure, tuple(items)) for seizure, items in seizures.items()),
        checkpoint=checkpoint,
        made_at=shown_moment({"precision": "s", "time": format_instant(now), "utc_offset_min": None}),
        program=program,
    )


def shown_moment(moment: Mapping[str, Any]) -> str:
    """Return a moment as paper shows it: in UTC, and beside it by the clock of the place; a day as it was there."""
    offset = moment["utc_offset_min"] or 0
    instants = (moment["time"], format_instant(parse_instant(moment["time"]) + offset * _MINUTE))
    utc, local = (instant[: _SHOWN[moment["precision"]]].replace("T", " ") for instant in instants)
    if moment["precision"] == "day":
        return local
    if not offset:
        return f"{utc} UTC"
    zone = f"UTC{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    return f"{utc} UTC ({local[11:] if local[:10] == utc[:10] else local} {zone})"


def _taken(event: Mapping[str, Any], seals: Iterable[str] | None, corrected: tuple[int, ...]) -> Taken:
    body = event["body"]
    return Taken(
        exhibit=display(event["items"][0]),
        description=_text(body, "description"),
        make=_text(body, "make"),
        model=_text(body, "model"),
        serial=_text(body, "serial"),
        identifiers=_listed(body.get("identifiers")),
        quantity=_text(body, "quantity"),
        condition=_text(body, "condition") or _text(body, "condition_after"),
        seals=_listed(body.get("physical_seals") if seals is None else seals),
        bag=_text(body, "bag"),
        recorded_at=shown_moment(event["occurred_at"]),
        corrected=corrected,
        seizure=_seizure(event),
    )


def _seizure(event: Mapping[str, Any]) -> Seizure:
    body, actor = event["body"], event["actor"]
    authority = body.get("legal_authority", body.get("authority"))  # in its parts; a `collect` has it in words, too
    order = authority if isinstance(authority, Mapping) else {}
    named = [display(order[name]) for name in ("type", "number", "issuer") if name in order]
    period = body.get("seized_at", {})
    return Seizure(
        authority=", ".join(named) or (display(authority) if isinstance(authority, str) else None),
        authority_date=shown_moment(order["date"]) if "date" in order else None,
        authority_scope=_text(order, "scope"),
        authority_until=shown_moment(order["valid_until"]) if "valid_until" in order else None,
        legal_channel=body.get("legal_channel"),
        measure=body.get("measure"),
        place=_text(body, "place"),
        seized_at=tuple(shown_moment(period[name]) for name in ("start", "end") if name in period),
        seized_by=_listed(body.get("seized_by")),
        seized_from=_text(body, "seized_from"),
        owner_present=body.get("owner_present"),
        witnesses=_listed(body.get("witnesses")),
        time_class=event["time_class"],
        recorded_by=", ".join(display(actor[name]) for name in ("id", "role", "organisation") if actor[name]),
        key=actor["key"],
    )


def _text(record: Mapping[str, Any], name: str) -> Value:
    return display(record[name]) if name in record else None


def _listed(texts: Iterable[str] | None) -> Value:
    """Return several texts as one; None where there are none."""
    return ", ".join(map(display, texts or ())) or None
