"""Requests between authorities: sent, received, answered, withdrawn; and what the other side says of them, entered.

Promise: what goes out stands in this log first, and what came in is kept as it came. Nothing is sent: files travel over
any channel. Source: specs/cooperation.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evidencekit.catalogue.history import History, Told, read_history
from evidencekit.cooperation.drafting import blank, merged
from evidencekit.cooperation.exchange import Exchange, Request, Said, exchange_of
from evidencekit.cooperation.holds_register import register_of
from evidencekit.cooperation.law import Table
from evidencekit.core import layout
from evidencekit.core.answer import decode_answer, encode_answer
from evidencekit.core.event import knows_type
from evidencekit.core.event_forms import object_record
from evidencekit.core.exchange_types import ACKNOWLEDGED, ANSWERED, EXCHANGE_TYPES, RECEIVED, SENT, WITHDRAWN
from evidencekit.core.message import ENCLOSED, MESSAGE_LIMITS, Opened, decode_message, open_message
from evidencekit.core.request import decode_request
from evidencekit.core.values import display, parse_instant
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded, events_of, reference
from evidencekit.journeys.custody_choice import NOTHING
from evidencekit.read.store import Store


def read_exchange(case: Path) -> tuple[History, Exchange]:
    """Return the log of a case as it is told, and its requests. Raises as `read_history`."""
    history = read_history(case)
    store = Store(case)
    return history, exchange_of(_said(store, one) for one in history.told if one.event["type"] in EXCHANGE_TYPES)


def send(hand: Hand, record: bytes, instrument: str, stated: Mapping[str, Any]) -> Recorded:
    """Record that a request is sent under an instrument; `record` is its canonical file, which is kept.

    Raises:
        FormatError: it is no record of a request. Further as `Hand.record`.
    """
    decode_request(record)
    body = {**stated, "instrument": instrument, "request": object_record(record)}
    return hand.record(SENT, [], body, objects=[record])


def receive(hand: Hand, data: bytes, request: Opened, at: dict[str, Any], stated: Mapping[str, Any]) -> Recorded:
    """Record that a request came, `at` a moment. `data` is the message file of `request`, which was checked.

    Raises:
        Refused: R591, it came before; R595, it is a request of this very log.
        FormatError: its record is no request.
    """
    decode_request(request.message.record or b"")
    _refuse_own(hand, request)
    sent = _foreign(request)
    body = {**stated, "message": object_record(data), "received_at": at, "sent": sent}
    return hand.record(RECEIVED, [], body, objects=[data], check=lambda: _refuse_received(hand, sent))


def answer(hand: Hand, request: Request, record: dict[str, Any], stated: Mapping[str, Any]) -> Recorded:
    """Record an answer to a request that came here; its `record` is kept.

    Raises:
        FormatError: the record is none.
    """
    data = encode_answer(record)
    body = {
        **stated,
        "answer": object_record(data),
        "received": reference(hand.ledger.store, request.entry),
        "sent": request.sent,
    }
    return hand.record(ANSWERED, [], body, objects=[data])


def withdraw(hand: Hand, request: Request, stated: Mapping[str, Any]) -> Recorded:
    """Record that a request of this log is no longer made.

    Raises:
        Refused: R593, it was withdrawn before.
    """
    body = {**stated, "sent": reference(hand.ledger.store, request.entry)}
    return hand.record(WITHDRAWN, [], body, check=lambda: _refuse_withdrawn(hand, request))


def acknowledge(hand: Hand, data: bytes, said: Opened, stated: Mapping[str, Any]) -> Recorded:
    """Enter what the other side says of a request: that it came, an answer, or that it is withdrawn.

    Raises:
        Refused: R592, it is about no request of this log; R593, it was entered before; R595, it is this log's own.
        FormatError: its record is no answer, or answers another request.
    """
    _refuse_own(hand, said)
    store = hand.ledger.store
    exchange = read_exchange(store.path)[1]
    side, request = _about(exchange, hand, said)
    if said.message.record is not None:
        _check_answer(decode_answer(said.message.record), request)
    body = {**stated, "message": object_record(data), side: reference(store, request.entry)}
    return hand.record(ACKNOWLEDGED, [], body, objects=[data], check=lambda: _refuse_entered(hand, said))


def request_at(exchange: Exchange, entry: int, side: str) -> Request:
    """Return the request that an entry sent or received.

    Raises:
        BadArgument: U325, it is none.
    """
    request = exchange.at(entry)
    if request is None or request.side != side:
        known = ", ".join(str(one.entry) for one in exchange.requests if one.side == side) or "none"
        raise BadArgument(
            f"Entry {entry} is no request that was {side}.",
            code="U325",
            hint=f"There are: {known}. `evidencekit request status CASE`.",
        )
    return request


def record_of(store: Store, request: Request) -> bytes:
    """Return the file of the record of a request that came.

    Raises:
        CannotFinish: X402, X403. FormatError: it is not as the log has it.
    """
    opened = open_message(decode_message(store.read(layout.object_file(request.kept), MESSAGE_LIMITS.size)))
    return opened.message.record or b""


def following(request: Request, status: str, tables: Sequence[Table], nonce: bytes) -> dict[str, Any]:
    """Return a draft that asks once more for what a request asked; `nonce` is 16 random bytes.

    Raises:
        BadArgument: U325, the request cannot be read.
    """
    if request.record is None or request.digest is None:
        raise BadArgument(f"The request of entry {request.entry} cannot be read.", code="U325", hint="Verify CASE.")
    tickets = [one.record["ticket"] for one in request.answers if one.record and "ticket" in one.record]
    ticket = {"ticket": tickets[-1]} if tickets else {}
    kept = {name: value for name, value in request.record.items() if name not in {"_t", *_OF_ITS_OWN}}
    earlier = {"reference": request.record["reference"], "sha256": request.digest, **ticket}
    return merged(blank(tables, nonce), kept | {"earlier": earlier, "status": status})


_OF_ITS_OWN = ("dated", "instruments", "nonce", "reference", "reply")
"""Members of a request that the next one about the same data does not take over."""


def holds_for(history: History, request: Request) -> list[dict[str, Any]]:
    """Return the open holds that were opened or extended for a request, as an answer names them."""
    found = []
    for hold in register_of(history.told).holds:
        if hold.is_open and hold.is_for(request.digest):
            until = hold.dated[-1].body.get("until")
            found.append({"name": hold.name} | ({} if until is None else {"until": until}))
    return found


# --- once, whoever else writes: asked of all entries, also of those without a checkpoint ----------------------------


def _entries(hand: Hand, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((entry, event) for entry, event in events_of(hand.ledger.store, kind) if knows_type(event))


def _refuse_received(hand: Hand, sent: Mapping[str, str]) -> None:
    for entry, event in _entries(hand, RECEIVED):
        if event["body"]["sent"]["event"] == sent["event"]:
            hint = f"{NOTHING} `--again {entry} --receipt FILE` writes its receipt anew."
            raise Refused(f"This request was received before, by entry {entry}.", code="R591", hint=hint)


def _refuse_withdrawn(hand: Hand, request: Request) -> None:
    for entry, event in _entries(hand, WITHDRAWN):
        if event["body"]["sent"]["entry"] == str(request.entry):
            hint = f"{NOTHING} `--again {entry} --out FILE` writes its file anew."
            raise Refused(f"Entry {entry} withdrew this request.", code="R593", hint=hint)


def _refuse_entered(hand: Hand, said: Opened) -> None:
    for entry, event in _entries(hand, ACKNOWLEDGED):
        other = _open(hand.ledger.store, event)
        if other is not None and other.digest == said.digest:
            raise Refused(f"This was entered before, by entry {entry}.", code="R593", hint=NOTHING)


def _said(store: Store, told: Told) -> Said:
    """Return an event about a request with what it names, as far as that can be read."""
    event, recorded = told.event, parse_instant(told.recorded_at)
    if not knows_type(event):
        return Said(told.entry, event, recorded, void="it is of a form that this version does not know")
    other, name = _open(store, event), ENCLOSED.get(event["type"])
    record = None
    if other is not None and other.message.record is not None:
        record = _decoded(other.event["type"], other.message.record)
    elif name is not None:
        record = _decoded(event["type"], _object(store, event["body"][name]["sha256"]))
    rules = (f"{one.code}: expected {one.expected}, found {one.found}" for one in told.remarks if one.forbids)
    return Said(told.entry, event, recorded, other, record, next(rules, None))


def _open(store: Store, event: dict[str, Any]) -> Opened | None:
    """Return the message that an event names; None where it names none, or it cannot be read."""
    named = event["body"].get("message")
    try:
        return None if named is None else open_message(decode_message(_object(store, named["sha256"])))
    except FormatError:
        return None


def _object(store: Store, digest: str) -> bytes:
    """Return a file in `objects/`; nothing where it cannot be read, which `evidencekit verify` names."""
    try:
        return store.read(layout.object_file(digest), MESSAGE_LIMITS.size)
    except (CannotFinish, FormatError):
        return b""


def _decoded(kind: str, data: bytes) -> dict[str, Any] | None:
    try:
        return decode_answer(data) if kind == ANSWERED else decode_request(data)
    except FormatError:
        return None


def _about(exchange: Exchange, hand: Hand, said: Opened) -> tuple[str, Request]:
    """Return the request of this log that the other side speaks of, and what an event calls it.

    Raises:
        Refused: R592, there is none.
    """
    stated, theirs = said.event["body"]["sent"], said.event["seen"]["origin"]
    if said.event["type"] == WITHDRAWN:
        wanted = {**stated, "origin": theirs}
        found = [one for one in exchange.requests if one.side == "received" and one.sent == wanted]
        side = "received"
    else:
        own = [one for one in exchange.requests if one.side == "sent" and stated["origin"] == hand.ledger.origin]
        store = hand.ledger.store
        wanted = {name: stated[name] for name in ("entry", "event")}
        found = [one for one in own if str(one.entry) == stated["entry"] and reference(store, one.entry) == wanted]
        side = "sent"
    if not found:
        raise Refused(
            f"This is about the request of entry {stated['entry']} of {display(stated.get('origin', theirs))}, "
            f"which this log has not {side}.",
            code="R592",
            hint=f"{NOTHING} This is the log {hand.ledger.origin}. Look for the case of that request.",
        )
    return side, found[0]


def _check_answer(record: dict[str, Any], request: Request) -> None:
    """Raise FormatError where an answer names another record than the one that was sent."""
    if record["request"] != request.digest:
        expected = f"SHA-256 {request.digest}, the request of entry {request.entry}"
        raise FormatError("record.request", expected=expected, found=record["request"])


def _foreign(opened: Opened) -> dict[str, str]:
    """Return how an event of this log names that of a message, which `read_message` found to stand in its log."""
    if opened.entry is None or opened.tree is None:
        raise FormatError("checkpoint", expected="entry, checkpoint and proof", found="none")
    return {"entry": str(opened.entry.index), "event": opened.digest, "origin": opened.tree.origin}


def _refuse_own(hand: Hand, opened: Opened) -> None:
    if opened.event["seen"]["origin"] == hand.ledger.origin:
        raise Refused(
            f"This file was written from this very log, {hand.ledger.origin}.",
            code="R595",
            hint=f"{NOTHING} It is for the other side; what they send back is entered here.",
        )
