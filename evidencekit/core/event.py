"""Events that persons sign, and the entries that fix where they stand.

Source: specs/custody-log.md sections 1 and 2; the bodies stand in `core/event_types.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.event_forms import TREE_HEAD
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.records import CASE_IDENTITY
from evidencekit.core.schema import (
    COUNT,
    EXHIBIT,
    FINGERPRINT,
    INSTANT,
    MOMENT,
    TEXT,
    Form,
    Record,
    array,
    base64_bytes,
    hexadecimal,
    nullable,
    one_of,
)
from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError

EVENT_TYPE = "evidencekit/event/1"
ENTRY_TYPE = "evidencekit/entry/1"
NAMESPACE = "evidencekit-event"
MAX_SIGNERS = 16
_TYPE = re.compile(r"[a-z][a-z_]*\Z")
_VERSION = re.compile(r"[1-9][0-9]{0,8}\Z")


def _check_type_name(value: Any, place: str) -> None:
    if not isinstance(value, str) or not _TYPE.match(value):
        raise FormatError(place, expected="an event type [a-z][a-z_]*", found=short(value))


def _check_body(value: Any, place: str) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("_t"), str):
        raise FormatError(place, expected="an object with _t", found=short(value))


def _check_place(value: Any, place: str) -> None:
    if value is None:
        return
    k, slash, j = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not slash:
        raise FormatError(place, expected='"K/J" or null', found=short(value))
    parse_count(k, place)
    parse_count(j, place)


def _check_agreement(event: Any, place: str) -> None:  # noqa: ARG001 (the place of the whole event is empty)
    kind, body_type = event["type"], event["body"]["_t"]
    start = f"evidencekit/{kind}/"
    if not body_type.startswith(start) or not _VERSION.match(body_type.removeprefix(start)):
        raise FormatError("body._t", expected=f"{start}VERSION", found=short(body_type))
    if knows_type(event):
        known = EVENT_TYPES[kind]
        known.body.check(event["body"], "body")
        if event["not_stated"] != known.missing(event["body"]):
            expected = " ".join(known.missing(event["body"])) or "nothing"
            raise FormatError("not_stated", expected=expected, found=short(event["not_stated"]))
    if len(event["signers"]) > MAX_SIGNERS:
        raise FormatError("signers", expected=f"at most {MAX_SIGNERS}", found=str(len(event["signers"])), code="F102")
    if event["signers"][0] != event["actor"]["key"]:
        raise FormatError("signers[0]", expected="the actor's key", found=event["signers"][0])


ACTOR = Record(
    None,
    required={"id": TEXT, "key": FINGERPRINT, "organisation": nullable(TEXT), "role": nullable(TEXT)},
).form("actor")
EVENT = Record(
    EVENT_TYPE,
    required={
        "actor": ACTOR,
        "body": Form("body", _check_body),
        "case": CASE_IDENTITY,
        "classification": nullable(TEXT),
        "items": array(EXHIBIT, distinct=True),
        "language": nullable(TEXT),
        "nonce": base64_bytes(16),
        "not_stated": array(TEXT, ascending=True),
        "occurred_at": MOMENT,
        "seen": TREE_HEAD,
        "signers": array(FINGERPRINT, least=1, distinct=True),
        "time_class": one_of("asserted", "device", "witnessed", "external"),
        "type": Form("event type", _check_type_name),
    },
    rules=(_check_agreement,),
)
ENTRY = Record(
    ENTRY_TYPE,
    required={
        "event": hexadecimal(),
        "head": COUNT,
        "index": COUNT,
        "items_prev": array(Form("place", _check_place)),
        "prior": Record(None, required={"root": hexadecimal(), "size": COUNT}).form("prior"),
        "recorded_at": INSTANT,
        "signatures": array(hexadecimal(), least=1),
    },
)


@dataclass(frozen=True, slots=True)
class Entry:
    """The log's leaf, read."""

    index: int
    event: bytes
    """SHA-256 of the event file."""
    head: int
    items_prev: tuple[str | None, ...]
    prior_root: bytes
    prior_size: int
    recorded_at: str
    signatures: tuple[bytes, ...]
    """SHA-256 of each signature file, in the order of the event's signers."""


def decode_event(data: bytes) -> dict[str, Any]:
    """Return the event that `data` spells.

    A `type` that this version does not know keeps its body unread (`knows_type` tells).

    Raises:
        FormatError: another spelling, another schema.
    """
    event = encoding.decode(data)
    EVENT.check(event)
    return event


def encode_event(event: dict[str, Any]) -> bytes:
    """Return the canonical bytes of an event.

    Raises:
        FormatError: a member outside the schema.
    """
    EVENT.check(event)
    return encoding.encode(event)


def knows_type(event: dict[str, Any]) -> bool:
    """Tell whether this version knows the event's type and the version of its body."""
    known = EVENT_TYPES.get(event["type"])
    return known is not None and known.body.type == event["body"]["_t"]


def decode_entry(data: bytes) -> Entry:
    """Return the entry that `data` spells.

    Raises:
        FormatError: another spelling, another schema.
    """
    record = encoding.decode(data)
    ENTRY.check(record)
    return Entry(
        index=parse_count(record["index"]),
        event=bytes.fromhex(record["event"]),
        head=parse_count(record["head"]),
        items_prev=tuple(record["items_prev"]),
        prior_root=bytes.fromhex(record["prior"]["root"]),
        prior_size=parse_count(record["prior"]["size"]),
        recorded_at=record["recorded_at"],
        signatures=tuple(bytes.fromhex(digest) for digest in record["signatures"]),
    )


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical bytes of an entry: the leaf.

    Raises:
        FormatError: a member outside the schema.
    """
    record = {
        "_t": ENTRY_TYPE,
        "event": entry.event.hex(),
        "head": str(entry.head),
        "index": str(entry.index),
        "items_prev": list(entry.items_prev),
        "prior": {"root": entry.prior_root.hex(), "size": str(entry.prior_size)},
        "recorded_at": entry.recorded_at,
        "signatures": [digest.hex() for digest in entry.signatures],
    }
    ENTRY.check(record)
    return encoding.encode(record)


def new_event(
    *,
    kind: str,
    items: list[str],
    body: dict[str, Any],
    case: str,
    actor: dict[str, Any],
    signers: list[str],
    seen: dict[str, str],
    nonce: str,
    occurred_at: dict[str, Any],
    time_class: str = "device",
    language: str | None = None,
    classification: str | None = None,
) -> dict[str, Any]:
    """Return an event of a type that this version knows; fields marked M that `body` lacks become `not_stated`.

    `body` comes without its `_t`.

    Raises:
        FormatError: a member outside the schema, or an essential one missing.
        KeyError: a type that this version does not know.
    """
    known = EVENT_TYPES[kind]
    event = {
        "_t": EVENT_TYPE,
        "actor": actor,
        "body": {"_t": known.body.type, **body},
        "case": case,
        "classification": classification,
        "items": items,
        "language": language,
        "nonce": nonce,
        "not_stated": known.missing(body),
        "occurred_at": occurred_at,
        "seen": seen,
        "signers": signers,
        "time_class": time_class,
        "type": kind,
    }
    EVENT.check(event)
    return event
