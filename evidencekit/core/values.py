"""Scalars both ways: bytes and text, times, names. One spelling each; the others are refused.

Source: specs/encoding.md sections 4 and 5.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from evidencekit.errors import FormatError

_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")
_COUNT = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def short(value: object) -> str:
    """Return a value as an error message shows it: one line, at most 80 characters."""
    if value is None:
        return "nothing"
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def decode_base64(text: str, place: str = "base64") -> bytes:
    """Return the bytes of canonical base64 (padding there, unused bits zero).

    Raises:
        FormatError: any other spelling.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(place, expected="base64", found=short(text)) from error
    if base64.b64encode(data).decode() != text:
        raise FormatError(place, expected="canonical base64", found=short(text))
    return data


def encode_base64(data: bytes) -> str:
    """Return RFC 4648 base64 with padding."""
    return base64.b64encode(data).decode()


def read_name(record: Mapping[str, Any], key: str, dot: str = "") -> bytes:
    """Return the bytes of the name-like member `key` (`key` or `key_hex`).

    Raises:
        FormatError: none or both are there, or the hex form of valid UTF-8.

    Source: specs/encoding.md section 5.
    """
    text, hexed = record.get(key), record.get(key + "_hex")
    if hexed is None and isinstance(text, str):
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise FormatError(dot + key, expected="valid UTF-8", found="a surrogate") from error
    if text is None and isinstance(hexed, str) and _HEX.match(hexed):
        data = bytes.fromhex(hexed)
        try:
            data.decode()
        except UnicodeDecodeError:
            return data
        raise FormatError(f"{dot}{key}_hex", expected="bytes that are not UTF-8", found="UTF-8")
    raise FormatError(dot + key, expected=f"{key} or {key}_hex", found=short(hexed if text is None else text))


def name_member(key: str, name: bytes) -> dict[str, str]:
    """Return the one member that spells `name`: `{key: text}` or `{key_hex: hex}`."""
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        return {key + "_hex": name.hex()}


def parse_count(text: str, place: str = "count") -> int:
    """Return the integer of a count: no sign, no leading zero, no underscore.

    Raises:
        FormatError: any other spelling.
    """
    if not isinstance(text, str) or not _COUNT.match(text):
        raise FormatError(place, expected="count", found=short(text))
    return int(text)


def format_instant(ns: int) -> str:
    """Return nanoseconds since 1970 (UTC) as RFC 3339 with nine digits. The year must be 1 to 9999."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S').rjust(19, '0')}.{fraction:09d}Z"


def parse_instant(text: str) -> int:
    """Return nanoseconds since 1970 of an instant that its form has accepted."""
    whole = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC) - _EPOCH
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + int(text[20:29])


def moment(ns: int, *, utc_offset_min: int | None = None, precision: str = "ns") -> dict[str, Any]:
    """Return the moment record of nanoseconds since 1970, cut to `precision`."""
    unit = {"ns": 1, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "day": 60_000_000_000}
    cut = ns - ns % unit[precision]
    return {"precision": precision, "time": format_instant(cut), "utc_offset_min": utc_offset_min}


def display(name: bytes | str) -> str:
    """Return a name as a person may see it safely: controls, bidirectional marks and bad bytes escaped.

    A backslash stands doubled, so that the shown form is injective.
    """
    text = name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_display_character(character) for character in text)


def _display_character(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in _UNSEEN:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or f"\\u{{{code:x}}}"
    return character
