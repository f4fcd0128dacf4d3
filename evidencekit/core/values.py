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

_HEX = re.compile(r"[0-9a-f]*\Z")
_COUNT = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z\Z")
MAX_COUNT = 2**64 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THIN_SPACE = "\u202f"
_SECOND = 1_000_000_000
MOMENT_UNITS = {"ns": 1, "ms": 1_000_000, "s": _SECOND, "min": 60 * _SECOND, "day": 86_400 * _SECOND}
"""Precision of a moment to its length in nanoseconds."""
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})


def short(value: object) -> str:
    """Return a value as an error message shows it: one line, at most 80 characters."""
    if value is None:
        return "nothing"
    text = ascii(value[:80] if isinstance(value, (str, bytes, list)) else value)
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
    hexed = key + "_hex"
    if (key in record) == (hexed in record):
        found = "both" if key in record else "neither"
        raise FormatError(dot + key, expected=f"{key} or {hexed}", found=found)
    if key in record:
        if not isinstance(record[key], str):
            raise FormatError(dot + key, expected="text", found=short(record[key]))
        try:
            return bytes(record[key].encode())
        except UnicodeEncodeError as error:
            raise FormatError(dot + key, expected="valid UTF-8", found="a surrogate") from error
    spelled = record[hexed]
    if not isinstance(spelled, str) or len(spelled) % 2 or not _HEX.match(spelled):
        raise FormatError(dot + hexed, expected="hex", found=short(spelled))
    data = bytes.fromhex(spelled)
    try:
        data.decode()
    except UnicodeDecodeError:
        return data
    raise FormatError(dot + hexed, expected="bytes that are not UTF-8", found="UTF-8")


def check_wtf8(name: bytes, place: str = "name") -> None:
    """Refuse a name that is not well-formed WTF-8 with `/` for the backslash: what `name_encoding` wtf-8 promises.

    Raises:
        FormatError: other bytes, an encoded surrogate pair, a backslash.

    Source: specs/encoding.md section 5.
    """
    try:
        text = name.decode(errors="surrogatepass")
    except UnicodeDecodeError as error:
        raise FormatError(place, expected="WTF-8", found=f"a bad byte at {error.start}") from error
    if _PAIR.search(text):
        raise FormatError(place, expected="WTF-8", found="an encoded surrogate pair")
    if "\\" in text:
        raise FormatError(place, expected="/ between components", found="a backslash")


def name_member(key: str, name: bytes) -> dict[str, str]:
    """Return the one member that spells `name`: `{key: text}` or `{key_hex: hex}`."""
    try:
        return {key: name.decode()}
    except UnicodeDecodeError:
        return {key + "_hex": name.hex()}


def parse_count(text: str, place: str = "count") -> int:
    """Return the integer of a count: no sign, no leading zero, no underscore, below 2^64.

    Raises:
        FormatError: any other spelling.
    """
    if not isinstance(text, str) or not _COUNT.match(text) or int(text) > MAX_COUNT:
        raise FormatError(place, expected="count", found=short(text))
    return int(text)


def grouped(number: int) -> str:
    """Return a whole number with its digits in groups of three, parted by a thin space that does not break (ISO 31-0).

    A comma or a dot would be read as a fraction in some languages.
    """
    return f"{number:,}".replace(",", THIN_SPACE)


def format_instant(ns: int) -> str:
    """Return nanoseconds since 1970 (UTC) as RFC 3339 with nine digits.

    Raises:
        FormatError: a year outside 1 to 9999.
    """
    seconds, fraction = divmod(ns, _SECOND)
    try:
        whole = _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise FormatError("instant", expected="a year from 1 to 9999", found=f"{seconds} s since 1970") from error
    return f"{whole.replace(tzinfo=None).isoformat()}.{fraction:09d}Z"


def parse_instant(text: str, place: str = "instant") -> int:
    """Return the nanoseconds since 1970 that `format_instant` spells as `text`.

    Raises:
        FormatError: any other spelling.
    """
    if not isinstance(text, str) or not _INSTANT.match(text):
        raise FormatError(place, expected="instant", found=short(text))
    year, month, day, hour, minute, second = (int(part) for part in re.split("[-T:]", text[:19]))
    try:  # never fromisoformat: newer Pythons take 24:00 for the midnight after
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError as error:
        raise FormatError(place, expected="instant", found=short(text)) from error
    return (whole.days * 86_400 + whole.seconds) * _SECOND + int(text[20:29])


def moment(ns: int, *, utc_offset_min: int | None = None, precision: str = "ns") -> dict[str, Any]:
    """Return the moment record of nanoseconds since 1970, cut to `precision`; a day begins where the offset says.

    Raises:
        FormatError: a year outside 1 to 9999.
    """
    local = ns + (utc_offset_min or 0) * 60 * _SECOND
    return {
        "precision": precision,
        "time": format_instant(ns - local % MOMENT_UNITS[precision]),
        "utc_offset_min": utc_offset_min,
    }


def display(name: bytes | str) -> str:
    """Return a name as a person may see it safely: controls, bidirectional marks and bad bytes escaped.

    A backslash stands doubled, so that the shown form is injective.
    """
    text = name.decode(errors="surrogateescape") if isinstance(name, bytes) else name
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(_display_character(character) for character in text)


def harmless(text: str) -> str:
    """Return a message with all escaped that a terminal would act on, but line breaks; backslashes stay as they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if one in "\\\n" else _display_character(one) for one in text)


def _display_character(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return "\\\\"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in _UNSEEN:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or f"\\u{{{code:x}}}"
    return character
