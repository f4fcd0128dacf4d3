"""What types of events are made of: fields and their needs, and the forms that many bodies share.

Needs: `essential` (without it the event has no meaning: refused), `M` (mandatory by practice: if nobody gave it, its
name stands in `not_stated`), `R` (when it applies). Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from evidencekit.core.digest import sha256_hex
from evidencekit.core.schema import (
    COUNT,
    FINGERPRINT,
    MOMENT,
    TEXT,
    Check,
    Form,
    Record,
    array,
    hexadecimal,
    one_of,
    some_of,
)
from evidencekit.errors import FormatError


@dataclass(frozen=True, slots=True)
class Field:
    """One member of an event's body."""

    need: str
    """`essential`, `M` or `R`."""
    form: Form
    doc: str


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event: its body, signers, effect."""

    body: Record
    fields: dict[str, Field]
    signers: int
    """How many have to sign at least."""
    effect: str

    def missing(self, body: dict[str, Any]) -> list[str]:
        """Return the names of fields marked M that a body does not have, sorted."""
        return sorted(name for name, item in self.fields.items() if item.need == "M" and name not in body)


def event_type(name: str, effect: str, rules: tuple[Check, ...] = (), /, **fields: Field) -> EventType:
    """Return version 1 of the type `name`; `rules` are checks of the whole body."""
    required = {key: item.form for key, item in fields.items() if item.need == "essential"}
    others = {key: item.form for key, item in fields.items() if item.need != "essential"}
    body = Record(f"evidencekit/{name}/1", required=required, optional=others, rules=rules)
    return EventType(body, fields, 1, effect)


def by_two(kind: EventType) -> EventType:
    """Return a type that two persons have to sign."""
    return replace(kind, signers=2)


def essential(form: Form, doc: str) -> Field:
    """A field without which the event has no meaning."""
    return Field("essential", form, doc)


def expected(form: Form, doc: str) -> Field:
    """A field that practice calls mandatory."""
    return Field("M", form, doc)


def applying(form: Form, doc: str) -> Field:
    """A field for where it applies."""
    return Field("R", form, doc)


PERSON = Record(None, required={"id": TEXT, "key": FINGERPRINT}).form("person {id: text, key: fingerprint}")
WITNESS = Record(None, required={"id": TEXT}, optional={"key": FINGERPRINT}).form(
    "witness {id: text, key: fingerprint, where known}"
)
REFERENCE = Record(None, required={"entry": COUNT, "event": hexadecimal()}).form(
    "reference {entry: count, event: hex of 32 bytes}"
)
"""An event of this log: its entry, and the SHA-256 of its file."""
FOREIGN_REFERENCE = Record(None, required={"entry": COUNT, "event": hexadecimal(), "origin": TEXT}).form(
    "foreign reference {entry: count, event: hex of 32 bytes, origin: text}"
)
"""An event of the log `origin`, which may be this one."""
OBJECT = Record(None, required={"bytes": COUNT, "sha256": hexadecimal()}).form(
    "object {bytes: count, sha256: hex of 32 bytes}"
)
"""A file in `objects/`, which is part of the record."""
ATTACHMENT = Record(None, required={"name": TEXT, "sha256": hexadecimal()}).form(
    "attachment {name: text, sha256: hex of 32 bytes}"
)
"""A file that is kept elsewhere: its digest alone is recorded."""
TREE_HEAD = Record(None, required={"origin": TEXT, "root": hexadecimal(), "size": COUNT}).form("tree head")
CLOCK_MEMBERS = {"device_clock": MOMENT, "method": TEXT, "offset_ms": TEXT, "reference_clock": MOMENT}
CLOCK = some_of("clock", **CLOCK_MEMBERS)
LEGAL_CHANNEL = one_of("order", "mla", "consent", "voluntary", "open_source", "informal")
TEXTS = array(TEXT)
SOME_TEXTS = array(TEXT, least=1, distinct=True)
ANY: dict[str, Field] = {
    "attachments": applying(array(ATTACHMENT, least=1), "files that are kept elsewhere, by digest"),
    "clock_reference": applying(CLOCK, "the signer's clock against a reference"),
    "notes": applying(TEXT, "anything else"),
}
"""Fields that events of custody may have."""
REASONED: dict[str, Field] = ANY | {
    "authority": expected(TEXT, "by what right"),
    "purpose": expected(TEXT, "what for"),
}
PHYSICAL: dict[str, Field] = REASONED | {
    "bag": applying(TEXT, "evidence bag number"),
    "condition_after": expected(TEXT, "its state after"),
    "condition_before": expected(TEXT, "its state before, as found"),
    "parameters": applying(TEXT, "how the tool was set"),
    "place": expected(TEXT, "where"),
    "seals_after": expected(TEXTS, "physical seals on it after"),
    "seals_before": expected(TEXTS, "physical seals on it before, as found"),
    "tool": applying(TEXT, "what it was done with"),
}
"""Fields of what is done to the thing itself."""
CARRIED: dict[str, Field] = {
    "carrier": applying(TEXT, "who carries it"),
    "tracking": applying(TEXT, "tracking code"),
}


def object_record(data: bytes) -> dict[str, str]:
    """Return how an event names a file in `objects/`: `{"bytes": count, "sha256": hex}`."""
    return {"bytes": str(len(data)), "sha256": sha256_hex(data)}


def physical(name: str, effect: str, /, **fields: Field) -> EventType:
    """Return version 1 of a type of event about the thing itself, with all fields of PHYSICAL."""
    return event_type(name, effect, **(PHYSICAL | fields))


def each_item_once(member: str, what: str) -> Check:
    """Return a rule of bodies: the array `member`, where it is there, names no item twice."""

    def check(body: Any, place: str) -> None:
        names = [one["item"] for one in body.get(member, [])]
        if len(set(names)) != len(names):
            raise FormatError(f"{place}.{member}", expected=f"each {what} once", found=", ".join(names)[:80])

    return check
