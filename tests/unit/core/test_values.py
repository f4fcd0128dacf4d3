"""core/values.py against specs/encoding.md, sections 4 and 5."""

from __future__ import annotations

import unicodedata

import pytest

from evidencekit.core.values import (
    check_wtf8,
    decode_base64,
    display,
    encode_base64,
    format_instant,
    moment,
    name_member,
    parse_count,
    parse_instant,
    read_name,
    short,
)
from evidencekit.errors import FormatError

SECOND = 1_000_000_000
FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1


@pytest.mark.parametrize("data", [b"", b"\0", b"ab", b"abc", bytes(range(256))])
def test_base64_both_ways(data):
    assert decode_base64(encode_base64(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "=",
        "YQ",
        "YQ=",
        "YR==",
        "YQ==\n",
        " YQ==",
        "YQ== ",
        "Y Q==",
        "YQ===",
        "YWI",
        "YWJ=",
        "_w==",
        "/w=\n=",
        "é",
        "YQ==YQ==",
    ],
)
def test_base64_in_other_spellings_is_refused(text):
    with pytest.raises(FormatError):
        decode_base64(text)


@pytest.mark.parametrize("text", ["0", "1", "10", "18446744073709551615"])
def test_count(text):
    assert str(parse_count(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-0",
        "+5",
        "05",
        "00",
        "1_000",
        " 1",
        "1\n",
        "1.0",
        "1e3",
        "٣",
        "²",
        "18446744073709551616",
        "9" * 5000,
        5,
        None,
        True,
        b"1",
    ],
)
def test_count_in_other_spellings_is_refused(text):
    with pytest.raises(FormatError):
        parse_count(text)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (951_782_400 * SECOND + 1, "2000-02-29T00:00:00.000000001Z"),
        (FIRST, "0001-01-01T00:00:00.000000000Z"),
        (FIRST + 31_536_000 * SECOND * 998, "0998-05-04T00:00:00.000000000Z"),
        (LAST, "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_instant_both_ways(ns, text):
    assert format_instant(ns) == text
    assert parse_instant(text) == ns


@pytest.mark.parametrize("ns", [FIRST - 1, LAST + 1, 10**30, -(10**30), 10**400])
def test_years_that_rfc_3339_cannot_hold_are_refused(ns):
    with pytest.raises(FormatError):
        format_instant(ns)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:15:02Z",
        "2026-11-22T09:15:02.123Z",
        "2026-11-22T09:15:02.1234567890Z",
        "2026-11-22t09:15:02.123456789z",
        "2026-11-22 09:15:02.123456789Z",
        "2026-11-22T09:15:02,123456789Z",
        "2026-11-22T09:15:02.123456789",
        "2026-11-22T09:15:02.123456789+00:00",
        "2026-11-22T09:15:02.123456789Z\n",
        "2026-11-22T09:15:60.000000000Z",
        "2026-11-22T09:60:00.000000000Z",
        "2026-11-22T24:00:00.000000000Z",
        "2026-02-29T00:00:00.000000000Z",
        "2026-00-01T00:00:00.000000000Z",
        "2026-13-01T00:00:00.000000000Z",
        "0000-01-01T00:00:00.000000000Z",
        "+026-11-22T09:15:02.123456789Z",
        "\uff12026-11-22T09:15:02.123456789Z",
        "2026-W47-7T09:15:02.123456789Z",
        "",
        None,
        0,
    ],
)
def test_instant_in_other_spellings_is_refused(text):
    with pytest.raises(FormatError):
        parse_instant(text)


@pytest.mark.parametrize(
    ("precision", "time"),
    [
        ("ns", "2026-11-22T23:45:56.123456789Z"),
        ("ms", "2026-11-22T23:45:56.123000000Z"),
        ("s", "2026-11-22T23:45:56.000000000Z"),
        ("min", "2026-11-22T23:45:00.000000000Z"),
        ("day", "2026-11-22T00:00:00.000000000Z"),
    ],
)
def test_moment_is_cut_to_its_precision(precision, time):
    ns = parse_instant("2026-11-22T23:45:56.123456789Z")
    assert moment(ns, precision=precision) == {"precision": precision, "time": time, "utc_offset_min": None}


@pytest.mark.parametrize(
    ("offset", "time"),
    [
        (60, "2026-11-22T23:00:00.000000000Z"),
        (-300, "2026-11-22T05:00:00.000000000Z"),
        (0, "2026-11-22T00:00:00.000000000Z"),
    ],
)
def test_a_day_begins_where_the_clock_showed(offset, time):
    ns = parse_instant("2026-11-22T23:45:56.123456789Z")
    assert moment(ns, utc_offset_min=offset, precision="day")["time"] == time


def test_moment_before_1970_is_cut_downwards():
    assert moment(-1, precision="s")["time"] == "1969-12-31T23:59:59.000000000Z"


def test_moment_outside_the_years_is_refused():
    with pytest.raises(FormatError):
        moment(FIRST, utc_offset_min=60, precision="day")


NAMES = [
    b"",
    b"a/b",
    "é".encode(),
    "e\u0301".encode(),
    b"\xff",
    b"a\xed\xa0\x80",
    b"\xc3",
    b"a\nb",
    b"[/red]",
    b"\xe2\x80\xae.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_both_ways(name):
    member = name_member("path", name)
    assert len(member) == 1
    assert read_name(member, "path") == name


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"path": None},
        {"path": 1},
        {"path": ["a"]},
        {"path": "\ud800"},
        {"path_hex": None},
        {"path_hex": ""},
        {"path_hex": "61"},
        {"path_hex": "c3a9"},
        {"path_hex": "FF"},
        {"path_hex": "ff "},
        {"path_hex": "f"},
        {"path_hex": "fff"},
        {"path_hex": "ff\n"},
        {"path": "a", "path_hex": "ff"},
        {"path": "a", "path_hex": None},
        {"path": None, "path_hex": "ff"},
    ],
)
def test_name_in_other_spellings_is_refused(record):
    with pytest.raises(FormatError):
        read_name(record, "path")


def test_long_hex_name_is_read():
    assert read_name({"path_hex": "ff" * 1_000_000}, "path") == b"\xff" * 1_000_000


@pytest.mark.parametrize(
    "name", [b"", b"a/b", "é😀".encode(), b"\xed\xa0\x80", b"\xed\xb0\x80\xed\xa0\x80", b"\xed\xa0\x80a\xed\xb0\x80"]
)
def test_wtf8(name):
    check_wtf8(name)
    with pytest.raises(FormatError):
        check_wtf8(name + b"\\")


@pytest.mark.parametrize("name", [b"\xff", b"a\\b", b"\xed\xa0\x80\xed\xb0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"])
def test_what_is_not_wtf8_is_refused(name):
    with pytest.raises(FormatError):
        check_wtf8(name)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain name.txt", "plain name.txt"),
        ("é 文".encode(), "é 文"),
        (b"a\nb\tc\rd", "a\\nb\\tc\\rd"),
        (b"a\\nb", "a\\\\nb"),
        (b"\xff", "\\xff"),
        (b"\\xff", "\\\\xff"),
        (b"\x1b[31m", "\\u{1b}[31m"),
        ("\u202egnp.exe".encode(), "\\u{202e}gnp.exe"),
        ("\u2028\u200b\ufeff\x85".encode(), "\\u{2028}\\u{200b}\\u{feff}\\u{85}"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        ("\ud800", "\\u{d800}"),
        ("", ""),
    ],
)
def test_display(name, shown):
    assert display(name) == shown


def test_display_leaves_nothing_that_a_terminal_obeys():
    everything = "".join(map(chr, range(0x110000)))
    assert {unicodedata.category(character) for character in display(everything)}.isdisjoint(
        {"Cc", "Cf", "Zl", "Zp", "Cs"}
    )


@pytest.mark.parametrize("value", [None, "x" * 10_000, b"\xff" * 10_000, ["\u202e"] * 1000, {"a": "\n"}, 10**60])
def test_short_is_one_safe_line(value):
    assert len(short(value)) <= 80
    assert short(value).isascii()
    assert short(value).isprintable()
