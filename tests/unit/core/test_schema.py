"""core/schema.py against specs/encoding.md, sections 2 to 5."""

from __future__ import annotations

import pytest

from evidencekit.core.schema import (
    BOOL,
    COUNT,
    EXHIBIT,
    FINGERPRINT,
    INSTANT,
    MOMENT,
    SIGNED,
    TEXT,
    Record,
    array,
    array_or_large,
    base64_bytes,
    hexadecimal,
    mapping,
    nullable,
    one_of,
    some_of,
    text_or_large,
)
from evidencekit.errors import FormatError

TIME = "2026-11-22T09:15:02.123456789Z"
LARGE = {"bytes": "5000", "count": "501", "sha256": "0" * 64}
LARGE_TEXT = {"bytes": "5000", "count": "1", "sha256": "0" * 64}
NO_JSON = object()


def at(precision: str, time: str, offset: object = None) -> dict[str, object]:
    return {"precision": precision, "time": time, "utc_offset_min": offset}


GOOD = [
    (COUNT, ["0", "1", "18446744073709551615"]),
    (SIGNED, ["0", "-1", "9" * 30, "-" + "9" * 30]),
    (TEXT, ["", "x" * 4096, "é\n"]),
    (BOOL, [True, False]),
    (INSTANT, [TIME]),
    (FINGERPRINT, ["SHA256:" + "a" * 43, "SHA256:" + "+/0" * 14 + "Z"]),
    (EXHIBIT, ["EX-001", "1", "a" * 64, "A._-", "field-2/EX-001", "a/b/c/d/e"]),
    (hexadecimal(), ["0" * 64]),
    (hexadecimal(2), ["0f1e"]),
    (base64_bytes(), ["", "YQ=="]),
    (base64_bytes(1), ["YQ=="]),
    (one_of("a", "b"), ["a", "b"]),
    (nullable(COUNT), [None, "0"]),
    (array(COUNT), [[], ["1"], ["1"] * 500]),
    (array(TEXT, least=1, ascending=True), [["a"], ["a", "b"], ["Z", "a"]]),
    (array(TEXT, distinct=True), [["b", "a"]]),
    (mapping(TEXT), [{}, {"a": "b"}]),
    (some_of("period", start=COUNT, end=COUNT), [{"start": "1"}, {"start": "1", "end": "2"}]),
    (array_or_large(array(COUNT, least=1)), [["1"], LARGE]),
    (text_or_large(base64_bytes()), ["YQ==", "A" * 4096, LARGE_TEXT]),
    (
        MOMENT,
        [
            at("ns", TIME),
            at("ns", "2026-11-22T09:15:02.000000000Z", 1439),
            at("ms", "2026-11-22T09:15:02.123000000Z", -1439),
            at("s", "2026-11-22T09:15:02.000000000Z", 0),
            at("min", "2026-11-22T09:15:00.000000000Z"),
            at("day", "2026-11-22T23:00:00.000000000Z", 60),
        ],
    ),
]

BAD = [
    (COUNT, ["", "-1", "01", "18446744073709551616", 1, True, None]),
    (SIGNED, ["-0", "00", "-01", "+1", "9" * 31, "1.0", "1\n", "٣", 1, None]),
    (TEXT, ["x" * 4097, "é" * 2049, 1, None, ["a"]]),
    (BOOL, [0, 1, "true", None]),
    (INSTANT, [TIME + "\n", TIME[:-1], 0, None]),
    (
        FINGERPRINT,
        [
            "SHA256:" + "a" * 42,
            "SHA256:" + "a" * 44,
            "SHA256:" + "a" * 42 + "=",
            "MD5:" + "a" * 43,
            "SHA256:" + "a" * 43 + "\n",
            1,
        ],
    ),
    (EXHIBIT, ["", "a" * 65, "-a", "a b", "é", "a\n", "/a", "A/EX-001", "a//b", "a" * 41 + "/b", "..", None]),
    (hexadecimal(), ["", "0" * 63, "0" * 65, "0" * 63 + "A", "0" * 63 + "\n", "0" * 62 + "\uff10", 1]),
    (base64_bytes(), ["YQ", "YR==", "YQ==\n", b"", 1, None]),
    (base64_bytes(2), ["YQ==", ""]),
    (one_of("a", "b"), ["", "c", "A", ["a"], {}, None]),
    (nullable(COUNT), ["", False]),
    (array(COUNT), [["a"], ["1"] * 501, "1", {}, None, ("1",)]),
    (array(TEXT, least=1, ascending=True), [[], ["b", "a"], ["a", "a"]]),
    (array(TEXT, distinct=True), [["a", "b", "a"]]),
    (mapping(TEXT), [{"a": 1}, [], None, dict.fromkeys(map(str, range(501)), "")]),
    (some_of("period", start=COUNT), [{}, {"begin": "1"}, {"start": 1}, None]),
    (
        array_or_large(array(COUNT, least=1)),
        [[], ["1"] * 501, LARGE | {"count": "500"}, LARGE | {"x": "1"}, {"sha256": "0" * 64}, {}, "1", None],
    ),
    (
        text_or_large(base64_bytes()),
        [
            "A" * 4100,
            LARGE_TEXT | {"count": "2"},
            LARGE_TEXT | {"bytes": "4096"},
            LARGE_TEXT | {"sha256": ""},
            {},
            None,
        ],
    ),
    (
        MOMENT,
        [
            at("ms", TIME),
            at("s", "2026-11-22T09:15:02.100000000Z"),
            at("min", "2026-11-22T09:15:02.000000000Z"),
            at("day", "2026-11-22T09:15:02.000000000Z"),
            at("us", TIME),
            at("ns", TIME, 1440),
            at("ns", TIME, -1440),
            at("ns", TIME, True),
            at("ns", TIME, "60"),
            at("ns", TIME, 60.0),
            {"precision": "ns", "time": TIME},
            at("ns", TIME) | {"zone": "UTC"},
            TIME,
        ],
    ),
]


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in GOOD for value in values])
def test_form_takes(form, value):
    form.check(value, "x")
    with pytest.raises(FormatError):
        form.check(NO_JSON, "x")


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in BAD for value in values])
def test_form_refuses(form, value):
    with pytest.raises(FormatError) as caught:
        form.check(value, "x")
    assert caught.value.place.startswith("x")


THING = Record(
    "evidencekit/thing/1",
    required={"size": COUNT},
    optional={"note": TEXT},
    names=frozenset({"path"}),
    optional_names=frozenset({"owner"}),
)
FULL = {"_t": "evidencekit/thing/1", "size": "1", "note": "n", "path": "p", "owner_hex": "ff"}


@pytest.mark.parametrize(
    "value",
    [
        FULL,
        {"_t": "evidencekit/thing/1", "size": "1", "path": ""},
        {"_t": "evidencekit/thing/1", "size": "1", "path_hex": "ff", "owner": "o"},
    ],
)
def test_record_takes(value):
    THING.check(value)
    with pytest.raises(FormatError, match="no such member"):
        THING.check(value | {"more": 1})


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "record"),
        ([], "record"),
        ({}, "record._t"),
        (FULL | {"_t": "evidencekit/thing/2"}, "record._t"),
        (FULL | {"_t": 1}, "record._t"),
        (FULL | {"size": 1}, "size"),
        (FULL | {"note": None}, "note"),
        (FULL | {"path": None}, "path"),
        (FULL | {"path_hex": "ff"}, "path"),
        (FULL | {"path_hex": None}, "path"),
        (FULL | {"owner": "o"}, "owner"),
        (FULL | {"owner": None}, "owner"),
        (FULL | {"owner_hex": None}, "owner_hex"),
        (FULL | {"size_hex": "ff"}, "size_hex"),
        (FULL | {"zzz": 1, "aaa": 1}, "aaa"),
        ({key: FULL[key] for key in FULL if key != "size"}, "size"),
        ({key: FULL[key] for key in FULL if key != "path"}, "path"),
    ],
)
def test_record_refuses(value, place):
    with pytest.raises(FormatError) as caught:
        THING.check(value)
    assert caught.value.place == place


def test_nested_record_names_the_whole_place():
    outer = Record(None, required={"inner": Record(None, names=frozenset({"path"})).form()})
    with pytest.raises(FormatError) as caught:
        outer.check({"inner": {"path": 1}}, "body")
    assert caught.value.place == "body.inner.path"


def test_type_of_a_nested_record_is_not_repeated():
    with pytest.raises(FormatError):
        Record(None, required={"a": TEXT}).check({"_t": "evidencekit/thing/1", "a": ""})
