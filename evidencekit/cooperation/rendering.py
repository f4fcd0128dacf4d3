"""What of a request goes out under an instrument: one record, several renderings.

Promise: what the instrument must not carry is not in what comes back, nor can it be guessed from its digest.
Source: specs/cooperation.md section 4.5.
"""

from __future__ import annotations

from typing import Any

from evidencekit.cooperation.check import holding
from evidencekit.cooperation.law import Table
from evidencekit.core.digest import sha256
from evidencekit.core.request import encode_request
from evidencekit.core.values import decode_base64, encode_base64


def reduced(record: dict[str, Any], table: Table) -> dict[str, Any]:
    """Return the request as an instrument may carry it: the record itself where nothing is left out.

    With something left out it has a nonce of its own, from which nobody finds the other one.
    """
    names = [rule.name for rule in holding(record, table, "omitted")]
    left: Any = record
    for name in names:
        left = _without(left, name.split("."))
    if left == record or "nonce" not in record:
        return dict(left)
    own = sha256(decode_base64(record["nonce"]) + table.id.encode())[:16]
    return dict(left) | {"nonce": encode_base64(own)}


def finished(record: dict[str, Any], table: Table, nonce: bytes) -> bytes:
    """Return the canonical bytes of a complete request, as an instrument may carry it.

    `nonce` (16 bytes) is for a draft that has none.

    Raises:
        FormatError: something is missing that every request has.
    """
    return encode_request(reduced({"nonce": encode_base64(nonce)} | record, table))


def _without(value: Any, parts: list[str]) -> Any:
    """Return a value without what stands at a place; what becomes empty goes, too."""
    if isinstance(value, list):
        members = (_without(member, parts) for member in value)
        return [member for member in members if member not in ({}, [])]
    if not isinstance(value, dict) or parts[0] not in value:
        return value
    rest = _without(value[parts[0]], parts[1:]) if parts[1:] else None
    others = {name: member for name, member in value.items() if name != parts[0]}
    return others if rest in (None, {}, []) else {**value, parts[0]: rest}


def document_of(table: Table) -> dict[str, Any]:
    """Return a table of law as JSON has it."""
    source = table.source
    return {
        "categories": [{"name": one.name, "text": one.text, **_source(one)} for one in table.categories],
        "citation": source.citation,
        "fields": [
            {"name": one.name, "need": one.need, "or": one.instead, "text": one.text, "when": one.when, **_source(one)}
            for one in table.fields
        ],
        "id": table.id,
        "instrument": table.instrument,
        "limits": [
            {
                "amount": one.amount,
                "bound": one.bound,
                "from": one.start,
                "id": one.id,
                "most_times": one.most_times,
                "of": one.of,
                "renewable": one.renewable,
                "text": one.text,
                "unit": one.unit,
                "when": one.when,
                **_source(one),
            }
            for one in table.limits
        ],
        "mark": source.mark,
        "note": table.note,
        "own": table.own,
        "title": table.title,
        "valid_from": _day(source.valid_from),
        "valid_until": _day(source.valid_until),
        "version": source.version,
    }


def _source(row: Any) -> dict[str, Any]:
    """Return where a row of a table comes from."""
    source = row.source
    days = {"valid_from": _day(source.valid_from), "valid_until": _day(source.valid_until)}
    return {"citation": source.citation, "mark": source.mark, "version": source.version, **days}


def _day(day: Any) -> str | None:
    return None if day is None else str(day)
