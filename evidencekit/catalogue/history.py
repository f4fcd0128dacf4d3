"""The story of a case's items, as its log tells it: read and believed, not verified.

Promise: nothing above the newest checkpoint is told; a record that cannot be read is refused, not skipped.
Source: specs/custody-log.md section 4, specs/store.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.catalogue.record import VERIFY, Record, read_record
from evidencekit.core import layout
from evidencekit.core.custody import Custody, Item, Remark, advance
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import decode_entry, decode_event, knows_type
from evidencekit.core.values import display, format_instant
from evidencekit.errors import BadArgument, CannotFinish, FormatError

Reader = Callable[[str, int], bytes]
"""Returns the bytes of a file of the record, by its path and a limit."""


@dataclass(slots=True)
class Told:
    """One entry of the log, what the rules say of it, and what later entries say."""

    entry: int
    event: dict[str, Any]
    digest: str
    """SHA-256 of the event file, hex."""
    recorded_at: str
    remarks: tuple[Remark, ...]
    corrections: list[Told] = field(default_factory=list)
    """Later events that correct this one."""
    countersigned: list[Told] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        """Return what it says; nothing, where its type is not known."""
        return dict(self.event["body"]) if knows_type(self.event) else {}

    @property
    def of(self) -> str:
        """Return the entry of the event that it corrects or countersigns; empty where it does neither."""
        named = self.body.get("corrects") or self.body.get("of")
        return named["entry"] if named else ""

    @property
    def is_late(self) -> bool:
        """Tell whether it was recorded at another time than it says it was done, as far as is said."""
        return self.event["time_class"] != "device" or any(remark.code == "W914" for remark in self.remarks)

    def as_record(self) -> dict[str, Any]:
        """Return it as `--json` gives it."""
        event = self.event
        return {
            "actor": {"key": event["actor"]["key"], "name": event["actor"]["id"]},
            "body": {name: value for name, value in event["body"].items() if name != "_t"},
            "corrected_by": [one.entry for one in self.corrections],
            "countersigned_by": [one.entry for one in self.countersigned],
            "entry": self.entry,
            "event": self.digest,
            "items": event["items"],
            "late": self.is_late,
            "not_stated": event["not_stated"],
            "occurred_at": event["occurred_at"],
            "recorded_at": self.recorded_at,
            "remarks": [remark._asdict() for remark in self.remarks],
            "signers": event["signers"],
            "time_class": event["time_class"],
            "type": event["type"],
        }


@dataclass(slots=True)
class History:
    """The log of a case up to its newest checkpoint."""

    origin: str
    size: int
    """Of the newest checkpoint."""
    unfinished: bool
    """Entries stand above it."""
    custody: Custody
    told: list[Told]
    in_use: dict[str, str] = field(default_factory=dict)
    """A person's first key, by which the log knows him, to his newest that was not retired, revoked or replaced."""

    def known_events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield entries with their events; of a type that is not known, who and what alone, without type and body."""
        for one in self.told:
            yield one.entry, one.event if knows_type(one.event) else {**one.event, "type": "", "body": {}}


def read_history(case: Path, item: str | None = None) -> History:
    """Return what the log tells: all of it, or what is about one item, and what corrects that.

    Raises:
        BadArgument: U215, the log knows no such item.
        CannotFinish: X401 to X403, X446 the case cannot be read.
    """
    history = history_of_case(read_record(case))
    if item is None:
        return history
    if item not in history.custody.items:
        known = ", ".join(sorted(history.custody.items)[:20]) or "none"
        raise BadArgument(f"The log knows no item {display(item)}.", code="U215", hint=f"It knows {known}.")
    about: dict[str, Told] = {}
    for one in history.told:
        if item in one.event["items"] or one.of in about:
            about[str(one.entry)] = one
    history.told = list(about.values())
    return history


def history_of_case(record: Record) -> History:
    """Return what the log of a case tells whose record was read already. Raises as `history_of`."""
    history = history_of(record.store.read, record.case["origin"], record.checkpoint.size if record.checkpoint else 0)
    history.unfinished = record.entries > history.size
    return history


def history_of(read: Reader, origin: str, size: int) -> History:
    """Return what a log of `size` entries tells, each of them there with its event.

    `read` returns the bytes of a file of the record, by its path and a limit.

    Raises:
        CannotFinish: X446, an entry or event is no record; and what `read` raises.
    """
    custody, told = Custody(), list[Told]()
    for index in range(size):
        one = told_of(read, index)
        custody, one.remarks = advance(custody, one.event)
        told.append(one)
    link(told)
    in_use = {known.person: key for key, known in custody.keys.items() if known.spent is None}
    return History(origin, size, False, custody, told, in_use)


def told_of(read: Reader, index: int) -> Told:
    """Return an entry and its event, with nothing said of them yet.

    Raises:
        CannotFinish: X446, one of them is no record; and what `read` raises.
    """
    try:
        data = read(layout.event_file(index), layout.MAX_RECORD_FILE)
        entry = decode_entry(read(layout.entry_file(index), layout.MAX_RECORD_FILE))
        event = decode_event(data)
    except FormatError as error:
        where = layout.entry_folder(index)
        raise CannotFinish(f"{where}: {error.message}", code="X446", hint=VERIFY, path=where) from error
    return Told(index, event, sha256_hex(data), entry.recorded_at, ())


def link(told: Iterable[Told]) -> None:
    """Put to each event those of the later ones that correct or countersign it."""
    by_entry: dict[str, Told] = {}
    for one in told:
        about = by_entry.get(one.of)
        if about is not None:
            (about.corrections if one.event["type"] == "correct" else about.countersigned).append(one)
        by_entry[str(one.entry)] = one


def item_status(history: History, item: Item, now: int) -> dict[str, Any]:
    """Return who has an item and what is open about it; `now` is in nanoseconds since 1970.

    A person is `{"key", "name"}` as the events about the item have him, and `key_in_use` where that is another now.
    """
    offer, out = item.offer, item.out
    overdue = out is not None and out.due is not None and out.due < format_instant(now)
    remarks = [(one.entry, remark) for one in history.told for remark in one.remarks if remark.item == item.exhibit]
    answered = {offer.entry} if offer is not None else set()
    if offer is not None:
        remarks.append((offer.entry, Remark("W911", item.exhibit, f"an answer of {offer.to.id}", "none so far")))
    if out is not None and overdue:
        remarks.append((out.entry, Remark("W919", item.exhibit, f"back by {out.due}", f"out with {out.to.id}")))
    return {
        "away": item.away,
        "condition": item.condition,
        "ended": item.ended._asdict() if item.ended else None,
        "findings": [
            {"code": remark.code, "entry": entry, "expected": remark.expected, "found": remark.found}
            for entry, remark in remarks
        ],
        "holder": _person(history, item.holder_id, item.holder_key),
        "holds": list(item.holds),
        "item": item.exhibit,
        "keeper": _person(history, *item.keeper) if item.keeper else None,
        "last": str(item.last),
        "open_offers": [
            {"entry": offer.entry, "since": _recorded(history.told, answered), "to": _person(history, *offer.to)}
        ] if offer else [],
        "out": {
            "due": out.due, "entry": out.entry, "kind": out.kind, "overdue": overdue, "to": _person(history, *out.to)
        } if out else None,
        "parent": item.parent,
        "sealed": item.sealed is not None,
        "seals": None if item.seals is None else list(item.seals),
        "since": item.tenures[-1].since if item.tenures else None,
        "unknown": item.unknown,
    }  # fmt: skip


def _recorded(told: Iterable[Told], entries: set[int]) -> str | None:
    return next((one.recorded_at for one in told if one.entry in entries), None)


def _person(history: History, name: str | None, key: str | None) -> dict[str, str] | None:
    if name is None or key is None:
        return None
    in_use = history.in_use.get(history.custody.person(key), key)
    return {"key": key, "name": name} | ({} if in_use == key else {"key_in_use": in_use})
