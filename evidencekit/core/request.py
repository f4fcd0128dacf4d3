"""The record of a request: who asks whom for which data, on what grounds. Pure.

Promises: what `decode_request` accepts re-encodes to the same bytes; no instrument is known here, so the schema demands
only what every request has; what an instrument demands stands in its table of law. What is not known is absent.
Source: specs/cooperation.md section 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from evidencekit.core import encoding
from evidencekit.core.schema import (
    COUNT,
    MAX_STRING,
    MOMENT,
    Form,
    Record,
    array,
    base64_bytes,
    hexadecimal,
    matching,
    one_of,
)
from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError

REQUEST_TYPE = "evidencekit/request/1"
MAX_PROSE = 16_384
"""Bytes of facts, grounds and their like; all of a record together is bounded by `encoding.RECORD`."""
IDENTIFIER_TYPES = (
    *("account", "device", "domain", "email", "iccid", "imei", "imsi"),
    *("ip", "mac", "other", "phone", "url", "wallet"),
)
STATUSES = ("new", "extension", "follow_up")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}\Z")
_STATE = re.compile(r"[A-Z]{2}\Z")
_CATEGORY = re.compile(r"(?=.{1,40}\Z)[a-z_]+(\.[a-z_]+)*\Z")
_INSTRUMENT = re.compile(r"(?=.{1,40}\Z)[a-z0-9]+(-[a-z0-9]+)*\Z")
_INDEX = re.compile(r"\[[0-9]+\]")

Shape: TypeAlias = "Form | Mapping[str, Shape] | list[Form] | list[Mapping[str, Shape]]"
"""A form; an object of members; an array of one of these."""


def _said(most: int) -> Form:
    """Text that says something: what is not known is absent, never empty."""
    name = f"text of 1 to {most} bytes"

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not value.strip() or len(value.encode(errors="replace")) > most:
            raise FormatError(place, expected=name, found=short(value))

    return Form(name, check)


def _check_true(value: Any, place: str) -> None:
    if value is not True:
        raise FormatError(place, expected="true, or no such member", found=short(value))


def _check_port(value: Any, place: str) -> None:
    if not 1 <= parse_count(value, place) <= 65_535:
        raise FormatError(place, expected="a port from 1 to 65535", found=short(value))


TEXT = _said(MAX_STRING)
PROSE = _said(MAX_PROSE)
TRUE = Form("true", _check_true)
PORT = Form("port", _check_port)
LANGUAGE = matching("language as in fr or zh-Hans (BCP 47)", _LANGUAGE)
STATE = matching("two capital letters of a State (ISO 3166)", _STATE)
CATEGORY = matching("category [a-z_], words joined by a dot", _CATEGORY)
INSTRUMENT = matching("id of a table of law", _INSTRUMENT)

REACHED: dict[str, Shape] = {
    "name": TEXT,
    "state": STATE,
    "representative": TEXT,
    "post": TEXT,
    "address": TEXT,
    "phone": TEXT,
    "email": TEXT,
    "hours": TEXT,
    "zone": TEXT,
    "languages": [LANGUAGE],
}
"""Who somebody is, and how he is reached."""
_IDENTIFIER: Mapping[str, Shape] = {
    "type": one_of(*IDENTIFIER_TYPES),
    "value": TEXT,
    "observed_at": MOMENT,
    "source_port": PORT,
}
MEMBERS: dict[str, Shape] = {
    "status": one_of(*STATUSES),
    "reference": TEXT,
    "dated": MOMENT,
    "language": LANGUAGE,
    "instruments": [INSTRUMENT],
    "earlier": {"reference": TEXT, "ticket": TEXT, "sha256": hexadecimal()},
    "authority": REACHED,
    "validated_by": TEXT,
    "to": REACHED,
    "legal_grounds": PROSE,
    "offence": {"name": TEXT, "provisions": [TEXT], "penalties": TEXT},
    "facts": PROSE,
    "categories": [CATEGORY],
    "identifiers": [_IDENTIFIER],
    "period": {"start": MOMENT, "end": MOMENT},
    "relation": PROSE,
    "custodian": {"name": TEXT, "address": TEXT, "contact": TEXT},
    "location": TEXT,
    "necessity": PROSE,
    "intent": PROSE,
    "linked": {"reference": TEXT, "dated": MOMENT, "sha256": hexadecimal()},
    "confidentiality": PROSE,
    "emergency": {"declared": TRUE, "reason": PROSE},
    "hold": {"amount": COUNT, "unit": one_of("hours", "days", "working_days")},
    "reply": {"by": MOMENT, "manner": TEXT},
    "instructions": PROSE,
    "nonce": base64_bytes(16),
}
"""What a request may say, in the order in which people read it."""
ESSENTIAL = ("status", "reference", "dated", "authority.name")
"""Places that a person has to fill, whatever the instrument."""
_REQUIRED = {
    "": {"status", "reference", "dated", "authority", "nonce"},
    "authority": {"name"},
    "identifiers": {"type", "value"},
    "hold": {"amount", "unit"},
}


def _not_empty(value: Any, place: str) -> None:
    if not value:
        raise FormatError(place, expected="at least one member", found="none")


def form_of(shape: Shape, place: str = "") -> Form:
    """Return what checks a value of a shape."""
    if isinstance(shape, Form):
        return shape
    if isinstance(shape, list):
        inner = shape[0]
        return array(form_of(inner, place), least=1, distinct=isinstance(inner, Form))
    return _record_of(shape, place, None, (_not_empty,)).form()


def _record_of(shape: Mapping[str, Shape], place: str, kind: str | None, rules: tuple[Any, ...]) -> Record:
    dot = f"{place}." if place else ""
    forms = {name: form_of(member, dot + name) for name, member in shape.items()}
    needed = _REQUIRED.get(place, set())
    required = {name: form for name, form in forms.items() if name in needed}
    return Record(kind, required, {name: form for name, form in forms.items() if name not in needed}, rules=rules)


def _check_earlier(value: Any, place: str) -> None:  # noqa: ARG001 (the place of the whole record is empty)
    if ("earlier" in value) != (value["status"] != "new"):
        expected = "the earlier request, just where the status is not new"
        raise FormatError("earlier", expected=expected, found="otherwise")


REQUEST = _record_of(MEMBERS, "", REQUEST_TYPE, (_check_earlier,))


def encode_request(record: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a request.

    Raises:
        FormatError: a member outside the schema; over 60,000 bytes (code F102).
    """
    REQUEST.check(record)
    return encoding.encode(record)


def decode_request(data: bytes) -> dict[str, Any]:
    """Return the request that `data` spells.

    Raises:
        FormatError: another spelling, another schema, over 60,000 bytes.
    """
    record = encoding.decode(data)
    REQUEST.check(record)
    return record


# --- places ------------------------------------------------------------------------------------------------------


def _names(shape: Mapping[str, Shape], dot: str = "") -> Iterator[str]:
    for name, member in shape.items():
        yield dot + name
        inner = member[0] if isinstance(member, list) else member
        if isinstance(inner, Mapping):
            yield from _names(inner, f"{dot}{name}.")


PLACES = tuple(_names(MEMBERS))
"""Every place of a request, as `authority.phone`; one of an array's members has no number: `identifiers.value`."""


def general(place: str) -> str:
    """Return a place without the numbers of members: `identifiers.value` of `identifiers[2].value`."""
    return _INDEX.sub("", place)


def found_at(record: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """Yield each place that a name stands for, with its value; None where nothing is there.

    Of an array each member has a place; an array that is absent has one, that of the name.
    """
    found: list[tuple[str, Any]] = [("", record)]
    parts = name.split(".")
    for number, part in enumerate(parts, 1):
        reached: list[tuple[str, Any]] = []
        for place, value in found:
            inside = value.get(part) if isinstance(value, Mapping) else None
            where = f"{place}.{part}" if place else part
            if number < len(parts) and isinstance(inside, list):
                reached += [(f"{where}[{index}]", member) for index, member in enumerate(inside)]
            else:
                reached.append((where, inside))
        found = reached
    yield from found


def is_there(record: Mapping[str, Any], name: str) -> bool:
    """Tell whether a request says something at a place, or at one of those that the name stands for."""
    return any(value is not None for _, value in found_at(record, name))
