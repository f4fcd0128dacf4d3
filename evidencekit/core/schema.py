"""Forms of values, and records made of them: what a strict reader checks after the spelling.

A `Form` has a name (it stands in specs/events.json) and a check that raises FormatError with the place.
Source: specs/encoding.md sections 2 to 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from evidencekit.core.layout import LABEL
from evidencekit.core.values import decode_base64, parse_count, parse_instant, read_name, short
from evidencekit.errors import FormatError

Check = Callable[[Any, str], None]

MAX_STRING = 4096
MAX_ARRAY = 500
_SIGNED = re.compile(r"(?:0|-?[1-9][0-9]{0,29})\Z")
_HEX = re.compile(r"[0-9a-f]*\Z")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_EXHIBIT = re.compile(r"(?:[a-z0-9-]{1,40}/){0,4}[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_PRECISIONS = {"ns": ".*", "ms": "000000Z", "s": ".000000000Z", "min": ":00.000000000Z", "day": ":00.000000000Z"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form of values: its name in the specs, and its check."""

    name: str
    check: Check
    """Raises FormatError unless the value (first) is of this form; the place (second) stands in the error."""
    least: int = 0
    """Of an array: how many members it has at least."""
    distinct: bool = False
    """Of an array: no two members are equal."""


@dataclass(frozen=True, slots=True)
class Record:
    """The schema of an object: members that must and may be there; names stand as `x` or `x_hex`.

    `rules` are checks of the whole object, made last.
    """

    type: str | None
    """The `_t` of the object, or None for an object nested in another's schema."""
    required: Mapping[str, Form] = field(default_factory=dict)
    optional: Mapping[str, Form] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    """Name-like members that must be there."""
    optional_names: frozenset[str] = frozenset()
    rules: tuple[Check, ...] = ()

    def check(self, value: object, place: str = "") -> None:
        """Raise FormatError unless `value` is an object of this schema."""
        where = place or "record"
        if not isinstance(value, dict):
            raise FormatError(where, expected="an object", found=short(value))
        if self.type is not None and value.get("_t") != self.type:
            raise FormatError(f"{where}._t", expected=self.type, found=short(value.get("_t")))
        seen = 0 if self.type is None else 1
        dot = f"{place}." if place else ""
        for key, form in self.required.items():
            if key not in value:
                raise FormatError(f"{dot}{key}", expected=form.name, found="nothing")
            form.check(value[key], dot + key)
            seen += 1
        for key, form in self.optional.items():
            if key in value:
                form.check(value[key], dot + key)
                seen += 1
        for key in self.names:
            read_name(value, key, dot)
            seen += 1
        for key in self.optional_names:
            if key in value or key + "_hex" in value:
                read_name(value, key, dot)
                seen += 1
        if seen != len(value):
            unknown = sorted(set(value) - self.members())
            raise FormatError(f"{dot}{unknown[0]}", expected="no such member", found="one")
        for rule in self.rules:
            rule(value, place)

    def members(self) -> set[str]:
        """Return every member name that the schema knows."""
        names = self.names | self.optional_names
        known = {*self.required, *self.optional, *names, *(name + "_hex" for name in names)}
        return known | {"_t"} if self.type is not None else known

    def form(self, name: str = "object") -> Form:
        """Return this schema as a form, to nest it."""
        return Form(name, self.check)


def matching(name: str, pattern: re.Pattern[str]) -> Form:
    """A text that a pattern matches from its beginning."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or not pattern.match(value):
            raise FormatError(place, expected=name, found=short(value))

    return Form(name, check)


# --- scalars -----------------------------------------------------------------------------------------------


def _check_count(value: Any, place: str) -> None:
    parse_count(value, place)


def _check_text(value: Any, place: str) -> None:
    if not isinstance(value, str) or len(value.encode(errors="replace")) > MAX_STRING:
        raise FormatError(place, expected=f"text of at most {MAX_STRING} bytes", found=short(value))


def _check_long_text(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise FormatError(place, expected="text", found=short(value))


def _check_bool(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise FormatError(place, expected="true or false", found=short(value))


def _check_instant(value: Any, place: str) -> None:
    parse_instant(value, place)


def _check_offset(value: Any, place: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not -1439 <= value <= 1439:
        raise FormatError(place, expected="offset in minutes or null", found=short(value))


COUNT = Form("count", _check_count)
SIGNED = matching("signed", _SIGNED)
TEXT = Form("text", _check_text)
LONG_TEXT = Form("text of any length", _check_long_text)
BOOL = Form("boolean", _check_bool)
INSTANT = Form("instant", _check_instant)
FINGERPRINT = matching("fingerprint", _FINGERPRINT)
EXHIBIT = matching("exhibit", _EXHIBIT)
BRANCH = matching("branch [a-z0-9-], at most 40", LABEL)


def _check_precision(value: Any, place: str) -> None:
    ending = _PRECISIONS[value["precision"]]
    if ending != ".*" and not value["time"].endswith(ending):
        raise FormatError(f"{place}.time", expected=f"zeros below {value['precision']}", found=value["time"])


def hexadecimal(size: int = 32) -> Form:
    """Lower-case hex of `size` bytes."""
    name = f"hex of {size} bytes"

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or len(value) != 2 * size or not _HEX.match(value):
            raise FormatError(place, expected=name, found=short(value))

    return Form(name, check)


def base64_bytes(size: int | None = None) -> Form:
    """Canonical base64 of `size` bytes (any number where None)."""
    name = "base64" if size is None else f"base64 of {size} bytes"

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str):
            raise FormatError(place, expected=name, found=short(value))
        data = decode_base64(value, place)
        if size is not None and len(data) != size:
            raise FormatError(place, expected=name, found=f"{len(data)} bytes")

    return Form(name, check)


def one_of(*values: str) -> Form:
    """One of the given strings."""
    allowed = frozenset(values)
    name = "one of " + " ".join(values)

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or value not in allowed:
            raise FormatError(place, expected=name, found=short(value))

    return Form(name, check)


# --- compounds ---------------------------------------------------------------------------------------------


def nullable(form: Form) -> Form:
    """`form`, or null."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            form.check(value, place)

    return Form(f"{form.name} or null", check)


def array(
    form: Form, *, least: int = 0, most: int = MAX_ARRAY, ascending: bool = False, distinct: bool = False
) -> Form:
    """An array of `form`; `ascending` demands strictly growing strings."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise FormatError(place, expected=f"array of {least} to {most}", found=short(value))
        for number, member in enumerate(value):
            form.check(member, f"{place}[{number}]")
        if ascending and any(a >= b for a, b in pairwise(value)):
            raise FormatError(place, expected="ascending members", found=short(value))
        if distinct and len(set(value)) != len(value):
            raise FormatError(place, expected="distinct members", found=short(value))

    return Form(f"array of {form.name}", check, least, distinct)


def mapping(form: Form) -> Form:
    """An object with any member names, values of `form`."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict) or len(value) > MAX_ARRAY:
            raise FormatError(place, expected="an object", found=short(value))
        for key, member in value.items():
            form.check(member, f"{place}.{key}")

    return Form(f"object of {form.name}", check)


def some_of(name: str = "object", **members: Form) -> Form:
    """An object with at least one of these members; what is not known is absent."""
    schema = Record(None, optional=members)

    def check(value: Any, place: str) -> None:
        schema.check(value, place)
        if not value:
            raise FormatError(place, expected="at least one member", found="none")

    listed = ", ".join(f"{key}: {members[key].name}" for key in sorted(members))
    return Form(f"{name} {{{listed}}}", check)


LARGE = Record(None, required={"bytes": COUNT, "count": COUNT, "sha256": hexadecimal()})


def array_or_large(form: Form) -> Form:
    """An array `form`, or the large value that stands for more than 500 members and lies in `objects/`."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            form.check(value, place)
            return
        LARGE.check(value, place)
        if parse_count(value["count"]) <= MAX_ARRAY:
            raise FormatError(f"{place}.count", expected=f"over {MAX_ARRAY}: fewer stand here", found=value["count"])

    return Form(f"{form.name} or large value", check)


def text_or_large(form: Form) -> Form:
    """A string `form`, or the large value that stands for more than 4,096 bytes and lies in `objects/`."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            form.check(value, place)
            _check_text(value, place)
            return
        LARGE.check(value, place)
        if value["count"] != "1":
            raise FormatError(f"{place}.count", expected="1 for a text", found=value["count"])
        if parse_count(value["bytes"]) <= MAX_STRING:
            raise FormatError(f"{place}.bytes", expected=f"over {MAX_STRING}: less stands here", found=value["bytes"])

    return Form(f"{form.name} or large value", check)


MOMENT = Record(
    None,
    required={
        "precision": one_of(*_PRECISIONS),
        "time": INSTANT,
        "utc_offset_min": Form("offset", _check_offset),
    },
    rules=(_check_precision,),
).form("moment")
