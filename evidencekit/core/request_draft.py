"""A request while people write it: the record in any spelling, with empty members. Pure.

Promises: what is left is a request's members in their one form; everything that has another form is a fault with its
place, and none ends the reading. Source: specs/cooperation.md section 4.2.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from evidencekit.core.request import MEMBERS, PORT, REQUEST_TYPE, TRUE, Shape, form_of
from evidencekit.core.schema import COUNT, MOMENT, Form
from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import display, short
from evidencekit.errors import FormatError

MAX_DRAFT = 1 << 20
HELP = "_help"
"""The member of a draft that is for its reader alone."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a draft says."""

    record: dict[str, Any]
    """Of the schema as far as it goes: members may be missing."""
    faults: tuple[FormatError, ...]
    """What is of another form; it is not in the record."""


def read_draft(data: bytes) -> dict[str, Any]:
    """Return the members of a file of JSON, whatever its spelling.

    Raises:
        FormatError: it is no JSON object, has a member twice, or is larger than 1 MiB.
    """
    if len(data) > MAX_DRAFT:
        raise FormatError("request", expected=f"at most {MAX_DRAFT} bytes", found="more", code="F102")
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_once, parse_float=_no_fraction, parse_constant=_no_fraction)
    except UnicodeDecodeError as error:
        raise FormatError("request", expected="UTF-8", found=f"a bad byte at {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"request, line {error.lineno}, column {error.colno}"
        raise FormatError(where, expected="JSON", found=error.msg) from error
    except (RecursionError, ValueError) as error:
        raise FormatError("request", expected="JSON", found="what cannot be read") from error
    if not isinstance(value, dict):
        raise FormatError("request", expected="a JSON object", found=short(value))
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise FormatError("request", expected="each member once", found=f"{short(twice[0])} twice")
    return dict(pairs)


def _no_fraction(text: str) -> NoReturn:
    raise FormatError("request", expected="whole numbers only", found=short(text))


def stated(draft: Mapping[str, Any]) -> Stated:
    """Return what a draft says: empty members dropped, typed times as moments, numbers as counts."""
    faults: list[FormatError] = []
    if draft.get("_t", REQUEST_TYPE) != REQUEST_TYPE:
        faults.append(FormatError("_t", expected=REQUEST_TYPE, found=short(draft["_t"])))
    members = {name: value for name, value in draft.items() if name not in {"_t", HELP}}
    record = _members(members, MEMBERS, "", faults)
    return Stated({"_t": REQUEST_TYPE, **record}, tuple(faults))


def _is_empty(value: object) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, dict):
        return all(_is_empty(member) for member in value.values())
    if isinstance(value, list):
        return all(_is_empty(member) for member in value)
    return value is None or value is False


def _members(value: object, shape: Mapping[str, Shape], place: str, faults: list[FormatError]) -> dict[str, Any]:
    if not isinstance(value, dict):
        faults.append(FormatError(place, expected="an object", found=short(value)))
        return {}
    dot = f"{place}." if place else ""
    unknown = sorted(value.keys() - shape.keys())
    faults += [FormatError(f"{dot}{display(name)}", expected="no such member", found="one") for name in unknown]
    taken = {
        name: _value(value[name], member, dot + name, faults)
        for name, member in shape.items()
        if name in value and not _is_empty(value[name])
    }
    return {name: member for name, member in taken.items() if member not in (None, {}, [])}


def _value(value: Any, shape: Shape, place: str, faults: list[FormatError]) -> Any:
    """Return a value in its one form; None where it has another."""
    if isinstance(shape, Mapping):
        return _members(value, shape, place, faults)
    if isinstance(shape, list):
        return _array(value, shape, place, faults)
    try:
        return _scalar(value, shape, place)
    except FormatError as error:
        faults.append(error)
        return None


def _array(value: Any, shape: list[Any], place: str, faults: list[FormatError]) -> list[Any]:
    many = [member for member in (value if isinstance(value, list) else [value]) if not _is_empty(member)]
    taken = [_value(member, shape[0], f"{place}[{number}]", faults) for number, member in enumerate(many)]
    taken = [member for member in taken if member is not None]
    if taken and isinstance(shape[0], Form):
        try:
            form_of(shape, place).check(taken, place)
        except FormatError as error:
            faults.append(error)
            return []
    return taken


def _scalar(value: Any, form: Form, place: str) -> Any:
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise FormatError(place, expected="text without surrogates", found="one")
    if form is MOMENT and isinstance(value, str):
        return parse_moment(value.strip(), place)
    if form in (COUNT, PORT) and type(value) is int:
        value = str(value)
    if isinstance(value, str) and form is not TRUE:
        value = value.strip()
    form.check(value, place)
    return value
