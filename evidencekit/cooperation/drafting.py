"""A request to fill in: every member in the order in which people read it, and lines that say what asks for it.

Source: specs/cooperation.md section 4.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from evidencekit.cooperation.law import FieldRule, Table
from evidencekit.cooperation.members import parsed
from evidencekit.core.request import IDENTIFIER_TYPES, MEMBERS, PLACES, REQUEST_TYPE, STATUSES, TRUE, Shape
from evidencekit.core.request_draft import HELP, read_draft
from evidencekit.core.schema import Form
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import BadArgument, FormatError

_STEP = re.compile(r"([a-z_0-9]+)(?:\[([0-9]{1,3})\])?\Z")
_INTRODUCTION = (
    "Fill in what you know, and leave the rest empty. These lines are for you: they are no part of the request.",
    'Times: 2026-11-22T09:15:00+01:00 with the UTC offset; a day: 2026-11-22. A State: two letters (ISO 3166), "FR".',
    f"status: {', '.join(STATUSES)}. type of an identifier: {', '.join(IDENTIFIER_TYPES)}.",
    "hold.unit: hours, days or working_days. nonce: leave it as it is.",
)


def blank(tables: Iterable[Table], nonce: bytes) -> dict[str, Any]:
    """Return a draft with every member empty, for some instruments; `nonce` is 16 random bytes."""
    tables = list(tables)
    members = {name: _empty(shape) for name, shape in MEMBERS.items()}
    own = {"status": "new", "instruments": [table.id for table in tables], "nonce": encode_base64(nonce)}
    return {"_t": REQUEST_TYPE, HELP: list(_help(tables)), **members, **own}


def _empty(shape: Shape) -> Any:
    if isinstance(shape, Form):
        return False if shape is TRUE else ""
    if isinstance(shape, list):
        return [] if isinstance(shape[0], Form) else [_empty(shape[0])]
    return {name: _empty(member) for name, member in shape.items()}


def _help(tables: list[Table]) -> Iterator[str]:
    yield from _INTRODUCTION
    for table in tables:
        source = table.source
        yield f"--- {table.id}: {table.title}. {source.citation}, {source.version} [{source.mark}]"
        for need in ("required", "asked", "omitted"):
            yield from (_line(rule) for rule in table.fields if rule.need == need)
        kinds = ", ".join(f"{one.name} ({one.text})" for one in table.categories)
        if kinds:
            yield f"categories: {kinds}"


def _line(rule: FieldRule) -> str:
    need = {"omitted": "left out under this instrument"}.get(rule.need, rule.need)
    other = f" (or {rule.instead})" if rule.instead else ""
    when = f", where there is {rule.when}" if rule.when else ""
    return f"{rule.name}{other}: {need}{when}: {rule.text}. {rule.source.citation} [{rule.source.mark}]"


def written(draft: Mapping[str, Any]) -> bytes:
    """Return a draft as people edit it."""
    return (json.dumps(draft, indent=2, ensure_ascii=False) + "\n").encode()


def read_values(data: bytes, *, is_toml: bool) -> dict[str, Any]:
    """Return the members that a file states, of TOML or JSON.

    Raises:
        FormatError: it is not of its format.
    """
    return _plain(parsed(data)) if is_toml else read_draft(data)


def _plain(value: Any) -> Any:
    """Return a value of TOML as JSON would have it: times as they are typed."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool | str | int):
        return value
    raise FormatError("file", expected="texts, whole numbers, times, true or false", found=type(value).__name__)


def merged(draft: dict[str, Any], values: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return a draft with the members of a file in it; an array takes the place of the whole array.

    Raises:
        BadArgument: U312, a request has no such place.
    """
    out = dict(draft)
    for name, value in values.items():
        where = f"{place}.{name}" if place else name
        if where in {"_t", HELP}:
            continue
        if name not in draft:
            raise _no_place(where)
        inside = draft[name]
        out[name] = merged(inside, value, where) if isinstance(inside, dict) and isinstance(value, dict) else value
    return out


def filled(draft: dict[str, Any], place: str, value: str) -> dict[str, Any]:
    """Return a draft with one value at a place, as `authority.phone` or `identifiers[0].value`.

    What stands in an array of texts is added to it.

    Raises:
        BadArgument: U312, a request has no such place.
    """
    step = _STEP.match(place.partition(".")[0])
    if step is None or step[1] not in draft or step[1] == HELP:
        raise _no_place(place)
    name, number, rest = step[1], step[2], place.partition(".")[2]
    return {**draft, name: _with(draft[name], None if number is None else int(number), rest, value, place)}


def _with(inside: Any, number: int | None, rest: str, value: str, place: str) -> Any:
    """Return a member with one value in it."""
    if number is not None:
        return _with_member(inside, number, rest, value, place)
    if rest and isinstance(inside, dict):
        return filled(inside, rest, value)
    if rest or isinstance(inside, dict):
        raise _no_place(place)
    if isinstance(inside, list) and all(isinstance(one, str) for one in inside):
        return [*inside, value]
    if isinstance(inside, list):
        raise _no_place(place)
    return value.lower() in {"true", "yes", "1"} if isinstance(inside, bool) else value


def _with_member(inside: Any, number: int, rest: str, value: str, place: str) -> list[Any]:
    """Return an array of objects with one value in one of them; the one after the last is new."""
    shape = MEMBERS.get(place.partition("[")[0])
    if not isinstance(inside, list) or not rest or number > len(inside) or not isinstance(shape, list):
        raise _no_place(place)
    before = inside[number] if number < len(inside) else {}
    member = filled({**_empty(shape[0]), **(before if isinstance(before, dict) else {})}, rest, value)
    return [*inside[:number], member, *inside[number + 1 :]]


def _no_place(place: str) -> BadArgument:
    near = [name for name in PLACES if name.endswith(place.rpartition(".")[2])]
    hint = f"There are: {', '.join(near[:6])}." if near else "The members stand in the file that `request new` writes."
    return BadArgument(f"A request has no place {display(place)}.", code="U312", hint=hint)
