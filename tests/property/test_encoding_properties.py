"""Canonical records and scalars: whatever is accepted has one spelling, and comes back to the byte."""

from __future__ import annotations

import json
import re

import orjson
import pytest
from deep import deep
from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.core.encoding import MAX_SAFE_INTEGER, PROOF, decode, encode
from evidencekit.core.schema import MOMENT
from evidencekit.core.values import (
    decode_base64,
    display,
    encode_base64,
    format_instant,
    moment,
    name_member,
    parse_count,
    parse_instant,
    read_name,
)
from evidencekit.errors import FormatError

KEYS = st.just("_t") | st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
SCALARS = st.none() | st.booleans() | TEXTS | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
RECORDS = st.dictionaries(KEYS, VALUES, max_size=6)
FIRST, LAST = parse_instant("0001-01-01T00:00:00.000000000Z"), parse_instant("9999-12-31T23:59:59.999999999Z")


def comes_back_or_is_refused(data: bytes) -> None:
    """The promise of the module: `encode(decode(b)) == b`, or FormatError, and no other exception."""
    try:
        record = decode(data, PROOF)
    except FormatError:
        return
    assert encode(record, PROOF) == data


def fits(value: object, depth: int) -> bool:
    if not isinstance(value, (dict, list)):
        return True
    members = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(fits(member, depth - 1) for member in members)


@given(record=RECORDS)
def test_records_come_back(record):
    if not fits(record, PROOF.depth):
        with pytest.raises(FormatError):
            encode(record, PROOF)
        return
    data = encode(record, PROOF)
    assert decode(data, PROOF) == record
    assert orjson.dumps(record, option=orjson.OPT_SORT_KEYS) == data


@given(data=st.binary(max_size=60) | TEXTS.map(str.encode))
def test_any_bytes_come_back_or_are_refused(data):
    comes_back_or_is_refused(data)
    comes_back_or_is_refused(b'{"a":' + data + b"}")
    comes_back_or_is_refused(b'{"a":"' + data + b'"}')


@given(
    record=RECORDS,
    place=st.integers(0, 10_000),
    cut=st.integers(0, 2),
    put=st.binary(max_size=2) | TEXTS.map(str.encode),
)
@deep(300)
def test_changed_bytes_come_back_or_are_refused(record, place, cut, put):
    if fits(record, PROOF.depth):
        data = encode(record, PROOF)
        at = place % (len(data) + 1)
        comes_back_or_is_refused(data[:at] + put + data[at + cut :])


SIGNS = [
    *'{}[]:,"\\-+.eE0123456789 \n_aAu',
    "\\u00",
    "\\ud8",
    "null",
    "true",
    "NaN",
    '"a":',
    '"b":',
    '{"',
    '":',
    "é",
    "\ufeff",
]


@given(parts=st.lists(st.sampled_from(SIGNS), max_size=30))
@example(parts=['{"', "a", '":', "-", "0", "}"])
@deep(500)
def test_near_json_comes_back_or_is_refused(parts):
    comes_back_or_is_refused("".join(parts).encode())


@given(record=RECORDS, spaced=st.booleans(), plain=st.booleans(), ordered=st.booleans())
def test_other_writers_are_refused_unless_they_write_the_same(record, spaced, plain, ordered):
    separators = (", ", ": ") if spaced else (",", ":")
    comes_back_or_is_refused(json.dumps(record, separators=separators, ensure_ascii=plain, sort_keys=ordered).encode())


# --- scalars -----------------------------------------------------------------------------------------------


@given(ns=st.integers(FIRST, LAST))
def test_instants_come_back(ns):
    assert parse_instant(format_instant(ns)) == ns


@given(texts=st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)))
def test_instants_sort_as_their_texts(texts):
    one, other = texts
    assert (one < other) == (format_instant(one) < format_instant(other))


@given(text=st.from_regex(r"[0-9+-]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z", fullmatch=True))
@example(text="2026-01-01T24:00:00.000000000Z")
def test_instants_have_one_spelling(text):
    try:
        ns = parse_instant(text)
    except FormatError:
        return
    assert format_instant(ns) == text


@given(
    ns=st.integers(FIRST + 10**14 * 2, LAST - 10**14 * 2),
    offset=st.none() | st.integers(-1439, 1439),
    precision=st.sampled_from(["ns", "ms", "s", "min", "day"]),
)
def test_moments_are_of_their_form_and_never_later(ns, offset, precision):
    made = moment(ns, utc_offset_min=offset, precision=precision)
    MOMENT.check(made, "moment")
    assert 0 <= ns - parse_instant(made["time"]) < 86_400 * 10**9
    assert moment(parse_instant(made["time"]), utc_offset_min=offset, precision=precision) == made


@given(text=st.text("0123456789+-_ ٣.e\n", max_size=22) | st.integers(0, 2**65).map(str))
def test_counts_have_one_spelling(text):
    try:
        count = parse_count(text)
    except FormatError:
        return
    assert str(count) == text
    assert count < 2**64


@given(data=st.binary(max_size=40), text=st.text("AQgw/+-_=\n é", max_size=8))
def test_base64_has_one_spelling(data, text):
    assert decode_base64(encode_base64(data)) == data
    try:
        accepted = decode_base64(text)
    except FormatError:
        return
    assert encode_base64(accepted) == text


# --- names -------------------------------------------------------------------------------------------------

NAMES = st.binary(max_size=12) | st.text(max_size=6).map(lambda text: text.encode(errors="surrogatepass"))


@given(name=NAMES)
def test_names_come_back(name):
    assert read_name(name_member("path", name), "path") == name


@given(text=st.none() | st.text(max_size=3), hexed=st.none() | st.text("0123456789abcdefF", max_size=6))
def test_names_have_one_spelling(text, hexed):
    record = {key: value for key, value in (("path", text), ("path_hex", hexed)) if value is not None}
    try:
        name = read_name(record, "path")
    except FormatError:
        return
    assert name_member("path", name) == record


ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u\{([0-9a-f]+)\}|([nrt\\]))")
PLAIN = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def undisplay(shown: str) -> bytes:
    """What `display` showed, read back: that it can be shows that no two names look alike."""

    def character(match: re.Match) -> str:
        byte, code, plain = match.groups()
        return chr(0xDC00 + int(byte, 16)) if byte else chr(int(code, 16)) if code else PLAIN[plain]

    return ESCAPE.sub(character, shown).encode(errors="surrogateescape")


@given(name=NAMES | st.text("\\xu{}nrt0f", max_size=12).map(str.encode))
@example(name=rb"\xff")
@example(name=b"\xff")
@example(name="\u202e\\u{202e}".encode())
def test_shown_names_can_be_told_apart(name):
    assert undisplay(display(name)) == name
