"""Messages between parties: a file that carries one signed event, and where it stands in its log. Pure.

Promises: what `decode_message` accepts re-encodes to the same bytes; `open_message` says what a message says only where
its parts belong together. Whose signatures these are is for `read/message.py`. Source: specs/messages.md section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.encoding import Limits
from evidencekit.core.event import MAX_SIGNERS, Entry, decode_entry, decode_event, knows_type
from evidencekit.core.event_forms import object_record
from evidencekit.core.exchange_types import ANSWERED, RECEIVED, SENT, WITHDRAWN
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.note import Note, parse_note
from evidencekit.core.proofs import MAX_HASHES, verify_inclusion
from evidencekit.core.schema import LONG_TEXT, Record, array, base64_bytes, nullable, one_of
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

MESSAGE_TYPE = "evidencekit/message/1"
MESSAGE_LIMITS = Limits(1 << 20, 8)
OFFER, ANSWER, RECEIPT, REQUEST = "offer", "answer", "receipt", "request"
CARRIES = {
    OFFER: frozenset({"offer"}),
    ANSWER: frozenset({"accept", "refuse", ANSWERED}),
    RECEIPT: frozenset({"receive", RECEIVED}),
    REQUEST: frozenset({SENT, WITHDRAWN}),
}
"""Kind to the types of events that it carries."""
ENCLOSED = {SENT: "request", ANSWERED: "answer"}
"""Type of event to the member of its body that names the record which goes with it."""


def _check_parts(record: Any, place: str) -> None:  # noqa: ARG001 (the place of the whole record is empty)
    alone = record["checkpoint"] is None
    if alone != (record["entry"] is None):
        raise FormatError("checkpoint", expected="checkpoint and entry, or neither", found="one of them")
    for name, most in (("proof", 0 if alone else MAX_HASHES), ("signatures", MAX_SIGNERS)):
        if len(record[name]) > most:
            raise FormatError(name, expected=f"at most {most}", found=str(len(record[name])))


MESSAGE = Record(
    MESSAGE_TYPE,
    required={
        "checkpoint": nullable(LONG_TEXT),
        "entry": nullable(base64_bytes()),
        "event": base64_bytes(),
        "kind": one_of(ANSWER, OFFER, RECEIPT, REQUEST),
        "proof": array(base64_bytes(32)),
        "signatures": array(base64_bytes(), least=1),
    },
    optional={"record": base64_bytes()},
    rules=(_check_parts,),
)


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message, byte for byte; nothing of it is believed."""

    kind: str
    event: bytes
    signatures: tuple[bytes, ...]
    """Signature files, in the order of the event's signers."""
    entry: bytes | None = None
    note: bytes | None = None
    """The checkpoint; there where `entry` is."""
    proof: tuple[bytes, ...] = ()
    """Inclusion of the entry in the checkpoint's tree, from the leaf upwards: 32 bytes each."""
    record: bytes | None = None
    """The record of a request or an answer that its event names."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a message says, once its parts were found to belong together."""

    message: Message
    event: dict[str, Any]
    digest: str
    """SHA-256 of the event file, hex."""
    entry: Entry | None
    note: Note | None
    tree: Checkpoint | None
    """The tree of the checkpoint; that it is its log's is not said."""


def encode_message(message: Message) -> bytes:
    """Return the bytes of a message file.

    Raises:
        FormatError: parts that do not go together; over 1 MiB (code F102).
    """
    record = {
        "_t": MESSAGE_TYPE,
        "checkpoint": None if message.note is None else message.note.decode(),
        "entry": None if message.entry is None else encode_base64(message.entry),
        "event": encode_base64(message.event),
        "kind": message.kind,
        "proof": [encode_base64(one) for one in message.proof],
        "signatures": [encode_base64(one) for one in message.signatures],
    }
    if message.record is not None:
        record["record"] = encode_base64(message.record)
    MESSAGE.check(record)
    return encoding.encode(record, MESSAGE_LIMITS)


def decode_message(data: bytes) -> Message:
    """Return the parts of a message file.

    Raises:
        FormatError: another spelling, another schema; over 1 MiB (code F102).
    """
    record = encoding.decode(data, MESSAGE_LIMITS)
    MESSAGE.check(record)
    note, entry, enclosed = record["checkpoint"], record["entry"], record.get("record")
    return Message(
        kind=record["kind"],
        event=decode_base64(record["event"]),
        signatures=tuple(decode_base64(one) for one in record["signatures"]),
        entry=None if entry is None else decode_base64(entry),
        note=None if note is None else note.encode(),
        proof=tuple(decode_base64(one) for one in record["proof"]),
        record=None if enclosed is None else decode_base64(enclosed),
    )


def open_message(message: Message) -> Opened:
    """Return what a message says: its event is of its kind, its entry is about the event, its proof holds.

    Raises:
        FormatError: it does not add up. Signatures are not checked.
    """
    event = decode_event(message.event)
    allowed = CARRIES.get(message.kind, frozenset())
    if event["type"] not in allowed or not knows_type(event):
        expected = f"{' or '.join(sorted(allowed)) or 'none'} in a file of kind {short(message.kind)}"
        raise FormatError("event.type", expected=expected, found=short(event["body"]["_t"]))
    if len(message.signatures) != len(event["signers"]):
        raise FormatError("signatures", expected=f"{len(event['signers'])}", found=str(len(message.signatures)))
    _check_enclosed(message, event)
    digest = sha256(message.event)
    if message.entry is None or message.note is None:
        return Opened(message, event, digest.hex(), None, None, None)
    entry, note = decode_entry(message.entry), parse_note(message.note)
    tree = parse_checkpoint(note.text)
    if entry.event != digest:
        raise FormatError("entry.event", expected=digest.hex(), found=entry.event.hex())
    if entry.signatures != tuple(map(sha256, message.signatures)):
        raise FormatError("entry.signatures", expected="the digests of these signatures", found="others")
    if tree.origin != event["seen"]["origin"]:
        raise FormatError("checkpoint", expected=f"a tree of {short(event['seen']['origin'])}", found=tree.origin)
    leads = verify_inclusion(
        index=entry.index, size=tree.size, leaf_hash=leaf_hash(message.entry), proof=message.proof, root=tree.root
    )
    if not leads:
        raise FormatError("proof", expected="a path from the entry to the checkpoint's root", found="none")
    return Opened(message, event, digest.hex(), entry, note, tree)


def _check_enclosed(message: Message, event: dict[str, Any]) -> None:
    """Raise FormatError unless a message carries the record that its event names, and else none."""
    member = ENCLOSED.get(event["type"])
    expected = None if member is None else event["body"][member]
    found = None if message.record is None else object_record(message.record)
    if expected != found:
        raise FormatError("record", expected=_named(expected), found=_named(found))


def _named(record: dict[str, str] | None) -> str:
    return "none" if record is None else f"one of {record['bytes']} bytes, SHA-256 {record['sha256']}"
