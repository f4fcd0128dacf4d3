"""Canonical JSON: one spelling per value, every other spelling rejected.

Promise: `encode(decode(b)) == b` for every accepted `b`; nothing is repaired. Source: specs/encoding.md, RFC 8785 (JCS)
in a profile without fractions, in which stdlib `json` with sorted ASCII keys gives the very bytes of JCS.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NamedTuple, NoReturn

from evidencekit.core.values import short
from evidencekit.errors import FormatError

MAX_SAFE_INTEGER = 2**53 - 1
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
# Strings whole, and brackets outside them; possessive, so that hostile input costs linear time and no memory.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


class Limits(NamedTuple):
    """Largest size in bytes and largest depth (the outermost object has depth 1)."""

    size: int
    depth: int


RECORD = Limits(60_000, 8)
"""Case file, event, entry, leaf, selection, header."""
GROUP = Limits(1_048_576, 8)
"""A group of a row."""
PROOF = Limits(4_194_304, 8)
"""Row proof, package record, message."""


def encode(value: dict[str, Any], limits: Limits = RECORD) -> bytes:
    """Return the canonical bytes of a record.

    Raises:
        FormatError: a value outside the profile, or over a limit.

    Source: specs/encoding.md section 1.
    """
    if not isinstance(value, dict):
        raise FormatError("record", expected="an object", found=type(value).__name__)
    _gate(value, "", limits.depth)
    return _spell(value, limits)


def _spell(value: dict[str, Any], limits: Limits) -> bytes:
    """Write a value that `_gate` let through."""
    try:
        data = _WRITER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise FormatError("record", expected="text without surrogates", found="a surrogate") from error
    if len(data) > limits.size:
        raise FormatError("record", expected=f"at most {limits.size} bytes", found=f"{len(data)} bytes", code="F102")
    return data


def decode(data: bytes, limits: Limits = RECORD) -> dict[str, Any]:
    """Return the record that `data` spells canonically.

    Raises:
        FormatError: not JSON, another spelling, a value outside the profile, over a limit (code F102).

    Source: specs/encoding.md section 1.
    """
    if len(data) > limits.size:
        raise FormatError("record", expected=f"at most {limits.size} bytes", found=f"{len(data)} bytes", code="F102")
    _bound_nesting(data, limits.depth)
    try:
        value = _READER.decode(data.decode())
    except UnicodeDecodeError as error:
        raise FormatError("record", expected="UTF-8", found=f"a bad byte at {error.start}") from error
    except json.JSONDecodeError as error:
        raise FormatError("record", expected="JSON", found=f"{error.msg} at {error.pos}") from error
    if not isinstance(value, dict):
        raise FormatError("record", expected="an object", found=type(value).__name__)
    _gate(value, "", limits.depth)
    if _spell(value, limits) != data:
        raise FormatError("record", expected="the canonical spelling (RFC 8785)", found="another spelling")
    return value


def _gate(value: object, place: str, depth: int) -> None:
    """Refuse what the profile does not have, naming the place."""
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
            raise FormatError(place or "record", expected="an integer within 2^53-1", found="a larger one")
        return
    if depth == 0:
        raise FormatError(place or "record", expected="less nesting", found="too deep", code="F102")
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str) or (key != "_t" and not _KEY.match(key)):
                raise FormatError(place or "record", expected="a member name [a-z][a-z0-9_]*", found=short(key))
            if not isinstance(member, str):  # most are, and need no place
                _gate(member, f"{place}.{key}" if place else key, depth - 1)
        return
    if isinstance(value, (list, tuple)):
        for number, member in enumerate(value):
            if not isinstance(member, str):
                _gate(member, f"{place}[{number}]", depth - 1)
        return
    raise FormatError(place or "record", expected="a JSON value without fractions", found=type(value).__name__)


def _bound_nesting(data: bytes, depth: int) -> None:
    """Refuse deep nesting before the parser recurses: brackets outside strings, counted roughly from above."""
    if data.count(b"[") + data.count(b"{") <= depth:
        return
    level = 0
    for match in _BRACKETS.finditer(data):
        token = match.group()
        if token in b"[{":
            level += 1
            if level > depth:
                raise FormatError("record", expected=f"at most {depth} levels", found="deeper", code="F102")
        elif token in b"]}":
            level -= 1


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise FormatError("record", expected="each member once", found=f"{short(twice)} twice")
    return record


def _no_fraction(text: str) -> NoReturn:
    raise FormatError("record", expected="integers only", found=short(text))


def _bounded_int(text: str) -> int:
    if len(text) > 17:  # 2^53 has 16 digits, and a sign
        raise FormatError("record", expected="an integer within 2^53-1", found="a larger one")
    return int(text)


_WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_READER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates,
    parse_float=_no_fraction,
    parse_constant=_no_fraction,
    parse_int=_bounded_int,
)
