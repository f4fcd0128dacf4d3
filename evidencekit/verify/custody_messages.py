"""Step 8: files that came from another log, held against the events that speak of them (E309).

Source: specs/custody-log.md section 4 point 6, specs/messages.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidencekit.core import layout
from evidencekit.core.custody import Custody
from evidencekit.core.custody_whole import is_foreign
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.exchange_types import ANSWERED, RECEIVED, SENT, WITHDRAWN
from evidencekit.core.message import ANSWER, MESSAGE_LIMITS, OFFER, RECEIPT, Opened
from evidencekit.core.proven_time import Bounds
from evidencekit.core.values import display, parse_count
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.message import check_message
from evidencekit.read.notelines import is_signed_by
from evidencekit.verify.identity import Identity
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import check_signatures

Facts = Iterator[tuple[str, object, object]]
"""What the event says, and what the file says: name, expected, found."""


def check_message_of(run: Run, state: Custody, event: dict[str, Any], where: str) -> None:
    """Check the message that an event of a known type names, if it names one; `state` is that before the event."""
    member = "answer" if event["type"] == "receipt" else "message"
    named = event["body"].get(member)
    if named is None:
        return
    data = _read(run, named, where)
    if data is None:
        return
    try:
        opened = check_message(data)
    except FormatError as error:
        found = f"{member}: {error.place}: {error.found}"
        run.find("E309", where, display(error.expected), display(found), step=8)
        return
    for name, stated, carried in _facts(run, state, event, opened):
        if stated != carried:
            run.find("E309", where, display(f"{member}: {name} {stated}"), display(str(carried)), step=8)
    _check_log(run, opened, where)
    _check_signers(run, opened, where)


def _read(run: Run, named: dict[str, Any], where: str) -> bytes | None:
    """Return the file, None where it is not the one that is named: that is for step 10 to say."""
    place = layout.object_file(named["sha256"])
    try:
        data = run.record.read(place, MESSAGE_LIMITS.size)
    except FormatError as error:
        run.find("E309", where, error.expected, f"{place}: {error.found}", step=8)
        return None
    except CannotFinish:
        data = b""
    if sha256_hex(data) != named["sha256"]:
        run.skip("custody", "unreadable", where, f"{place}, which it names, is not there as it was")
        return None
    return data


def _facts(run: Run, state: Custody, event: dict[str, Any], opened: Opened) -> Facts:
    match event["type"]:
        case "request_received":
            return _request_facts(event, opened)
        case "acknowledge" if "sent" in event["body"]:
            return _said_of_request_facts(state, event, opened)
        case "acknowledge":
            return _withdrawal_facts(run, event, opened)
        case "receipt" if event["body"]["answered"] == "receive":
            return _receipt_facts(run, state, event, opened)
        case "receipt":
            return _answer_facts(state, event, opened)
    return _offer_facts(state, event, opened)


def _offer_facts(state: Custody, event: dict[str, Any], opened: Opened) -> Facts:
    """An offer that was answered here."""
    body, offer = event["body"], opened.event
    yield "kind", OFFER, opened.message.kind
    if opened.message.kind != OFFER:
        return
    stated = body["offer"]
    yield "origin", stated["origin"], offer["seen"]["origin"]
    yield "event", stated["event"], opened.digest
    if opened.entry is not None:
        yield "entry", stated["entry"], str(opened.entry.index)
    if "offered_by" in body:
        yield "actor", body["offered_by"], {name: offer["actor"][name] for name in ("id", "key")}
    to = offer["body"]["to"]["key"]
    yield "to, a key of the actor", state.person(event["actor"]["key"]), state.person(to)
    if is_foreign(state, event) or event["type"] == "accept":
        others = _named(event) - set(offer["items"])
        yield "offered items, not", "", ", ".join(sorted(others))


def _answer_facts(state: Custody, event: dict[str, Any], opened: Opened) -> Facts:
    """An answer to an offer of this log."""
    body, answer, tree = event["body"], opened.event, opened.tree
    yield "kind", ANSWER, opened.message.kind
    if opened.message.kind != ANSWER:
        return
    yield "event of type", body["answered"], answer["type"]
    if answer["type"] != body["answered"]:
        return
    yield "actor", body["answered_by"], {name: answer["actor"][name] for name in ("id", "key")}
    origin = answer["body"]["offer"]["origin"] if state.origin is None else state.origin
    yield "offer", body["offer"] | {"origin": origin}, answer["body"]["offer"]
    yield "refused", body.get("refused", []), answer["body"].get("refused", [])
    if answer["type"] == "accept":
        yield "items", sorted(event["items"]), sorted(_named(answer))
    found = None if tree is None else {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)}
    yield "log", body["log"], found


def _receipt_facts(run: Run, state: Custody, event: dict[str, Any], opened: Opened) -> Facts:
    """The receipt of a package that this log exported; what cannot be read of the export is said by step 8 itself."""
    body, received, tree = event["body"], opened.event, opened.tree
    yield "kind", RECEIPT, opened.message.kind
    if opened.message.kind != RECEIPT:
        return
    yield "event of type", "receive", received["type"]
    if received["type"] != "receive":
        return
    said = received["body"]
    yield "actor", body["answered_by"], {name: received["actor"][name] for name in ("id", "key")}
    yield "case", event["case"], said["case"]
    if state.origin is not None:  # else event 0, which says it, cannot be read
        yield "origin of the package", state.origin, said["log"]["origin"]
    yield "refused", body.get("refused", []), said.get("refused", [])
    yield "items", sorted(event["items"]), sorted(_named(received))
    found = None if tree is None else {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)}
    yield "log", body["log"], found
    try:
        export = decode_event(run.record.read(layout.event_file(int(body["export"]["entry"])), layout.MAX_RECORD_FILE))
    except (CannotFinish, FormatError):
        return
    if export["type"] == "export" and knows_type(export):
        for name in ("package", "transfer"):
            yield name, export["body"][name], said[name]
        yield "sent_by", {name: export["actor"][name] for name in ("id", "key")}, said["sent_by"]


def _request_facts(event: dict[str, Any], opened: Opened) -> Facts:
    """A request of another log, which came here."""
    sent = event["body"]["sent"]
    yield "event of type", SENT, opened.event["type"]
    yield "origin", sent["origin"], opened.event["seen"]["origin"]
    yield "event", sent["event"], opened.digest
    if opened.entry is not None:
        yield "entry", sent["entry"], str(opened.entry.index)


def _said_of_request_facts(state: Custody, event: dict[str, Any], opened: Opened) -> Facts:
    """What another log says of a request of this one: that it came, or the answer."""
    said = opened.event
    is_said = said["type"] in {RECEIVED, ANSWERED}
    yield "event of type", said["type"] if is_said else f"{RECEIVED} or {ANSWERED}", said["type"]
    if is_said:
        sent = said["body"]["sent"]
        origin = sent["origin"] if state.origin is None else state.origin
        yield "sent", event["body"]["sent"] | {"origin": origin}, sent


def _withdrawal_facts(run: Run, event: dict[str, Any], opened: Opened) -> Facts:
    """That a request of another log is withdrawn; what cannot be read of how it came is said by step 8 itself."""
    said = opened.event
    yield "event of type", WITHDRAWN, said["type"]
    if said["type"] != WITHDRAWN:
        return
    where = layout.event_file(parse_count(event["body"]["received"]["entry"]))
    try:
        received = decode_event(run.record.read(where, layout.MAX_RECORD_FILE))
    except (CannotFinish, FormatError):
        return
    if received["type"] == RECEIVED and knows_type(received):
        yield "sent", received["body"]["sent"], said["body"]["sent"] | {"origin": said["seen"]["origin"]}


def _named(answer: dict[str, Any]) -> set[str]:
    """Return the items that an acceptance is about, as the offering log names them."""
    body = answer["body"]
    return {*body.get("offered_as", answer["items"]), *(one["item"] for one in body.get("refused", []))}


def _check_log(run: Run, opened: Opened, where: str) -> None:
    """The message's checkpoint must be one of its log, where the policy lists that log's keys."""
    tree, note = opened.tree, opened.note
    if tree is None or note is None:
        run.skip("custody", "foreign_log", where, "the message does not prove that its event stands in its log")
        return
    keys = [] if run.policy is None else run.policy.log_keys(tree.origin)
    if run.policy is None or not keys:
        reason = f"that the message's checkpoint is one of {display(tree.origin)}: no policy lists its log keys"
        run.skip("custody", "foreign_log", where, reason)
        return
    try:
        signed = sum(is_signed_by(key, note.signatures, tree) for key in keys)
    except CannotFinish as error:
        run.skip("custody", "not_supported", where, error.message)
        return
    least = len(keys) if run.policy.needs_all_log_keys(tree) else 1
    if signed < least:
        expected = f"message: a checkpoint that {least} keys of {tree.origin} in logs.policy signed"
        run.find("E309", where, expected, str(signed), step=8)


def _check_signers(run: Run, opened: Opened, where: str) -> None:
    """Whoever signed there must be whom the policy knows, as for events of this log; no time is proven of him."""
    if run.policy is None or opened.entry is None:
        return
    message = opened.message
    signed = check_signatures(run, opened.event, message.event, [*message.signatures], lambda _: where, None)
    identity = Identity(run, opened.event["seen"]["origin"])
    identity.observe(opened.entry.index, opened.event, signed, where)
    identity.conclude(Bounds((), 0), lambda _: where)
