"""core/encoding.py against specs/encoding.md, sections 1 and 3."""

from __future__ import annotations

import contextlib
import time

import pytest

from evidencekit.core.encoding import GROUP, PROOF, RECORD, Limits, decode, encode
from evidencekit.errors import FormatError

EXAMPLE = b'{"_t":"evidencekit/content/1","blake3":"af13","sha256":"e3b0","size":"0","state":"complete"}'


def nested(levels: int) -> bytes:
    return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)


def test_example_of_the_spec():
    record = decode(EXAMPLE)
    assert record["size"] == "0"
    assert encode(record) == EXAMPLE


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({}, b"{}"),
        ({"b": 1, "a": 2, "_t": "x"}, b'{"_t":"x","a":2,"b":1}'),
        ({"a": [True, False, None, -1, [], {}]}, b'{"a":[true,false,null,-1,[],{}]}'),
        ({"a": 2**53 - 1, "b": -(2**53) + 1}, b'{"a":9007199254740991,"b":-9007199254740991}'),
        ({"a": '"\\/\b\t\n\f\r\0\x1f\x7f'}, rb'{"a":"\"\\/\b\t\n\f\r\u0000\u001f' + b'\x7f"}'),
        ({"a": "é\u2028😀"}, '{"a":"é\u2028😀"}'.encode()),
        ({"a1": 1, "a_": 2, "aa": 3}, b'{"a1":1,"a_":2,"aa":3}'),
    ],
)
def test_one_spelling(value, data):
    assert encode(value) == data
    assert decode(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xef\xbb\xbf{}",
        "\ufeff{}".encode("utf-16"),
        b" {}",
        b"{}\n",
        b"{}\0",
        b"{}{}",
        b"[]",
        b"null",
        b'"a"',
        b"1",
        b'{"a":1,}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"a":2,"b":3}',
        b'{"A":1}',
        b'{"":1}',
        b'{"1a":1}',
        b'{"_a":1}',
        b'{"_t_":1}',
        b'{"a-b":1}',
        '{"é":1}'.encode(),
        b'{"\\u0061":1}',
        b'{"a":"\\u0061"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000a"}',
        b'{"a":"\\u001F"}',
        b'{"a":"\\u007f"}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b'{"a":"\\x61"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\\ud83d\\ude00"}',
        b'{"\\ud800":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b'{"a":"\xc0\x80"}',
        b'{"a":-0}',
        b'{"a":+1}',
        b'{"a":01}',
        b'{"a":0x1}',
        b'{"a":1_0}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":1E400}',
        b'{"a":1e-400}',
        b'{"a":0.0}',
        b'{"a":-0.0}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":True}',
        b"{'a':1}",
        b'{"a":"b}',
        b'{"a"}',
        b'{"a":1',
        b"{",
        '{"a":\u0661}'.encode(),
    ],
)
def test_other_spellings_are_refused(data):
    with pytest.raises(FormatError):
        decode(data)


@pytest.mark.parametrize(
    "value",
    [
        [],
        "a",
        None,
        {"a": 1.5},
        {"a": float("nan")},
        {"a": b"x"},
        {"a": {1, 2}},
        {"a": object()},
        {"a": 2**53},
        {"a": 10**5000},
        {1: 2},
        {None: 1},
        {("a",): 1},
        {"A": 1},
        {"a": "\ud800"},
        {"a": {"b": ["\udfff"]}},
        {"a": 1, 2: 3},
    ],
)
def test_values_outside_the_profile_are_refused(value):
    with pytest.raises(FormatError):
        encode(value)


def test_error_names_the_place():
    with pytest.raises(FormatError) as caught:
        encode({"a": [{"b": 1.5}]})
    assert caught.value.place == "a[0].b"


@pytest.mark.parametrize("opening", [b'{"a":', b"["])
def test_depth_is_bounded(opening):
    assert decode(nested(8))
    with pytest.raises(FormatError) as caught:
        decode(nested(9))
    assert caught.value.code == "F102"
    with pytest.raises(FormatError) as caught:
        decode(opening * (PROOF.size // len(opening)), PROOF)
    assert caught.value.code == "F102"


def test_depth_counts_brackets_outside_strings_only():
    brackets = {"a": "[[[[[[[[[[{{{{", "b": '"[', "c": "\\", "d": ["[[[[[[[[[["]}
    assert decode(encode(brackets)) == brackets


def test_writer_has_the_reader_s_depth():
    value: dict = {}
    for _ in range(7):
        value = {"a": value}
    assert decode(encode(value)) == value
    with pytest.raises(FormatError) as caught:
        encode({"a": value})
    assert caught.value.code == "F102"


@pytest.mark.parametrize("limits", [RECORD, GROUP, PROOF])
def test_size_is_bounded(limits):
    fits = {"a": "x" * (limits.size - 8)}
    data = encode(fits, limits)
    assert len(data) == limits.size
    assert decode(data, limits) == fits
    with pytest.raises(FormatError) as caught:
        encode({"a": "x" * (limits.size - 7)}, limits)
    assert caught.value.code == "F102"
    with pytest.raises(FormatError) as caught:
        decode(data + b" ", limits)
    assert caught.value.code == "F102"


def test_size_is_counted_in_bytes():
    with pytest.raises(FormatError):
        encode({"a": "é"}, Limits(9, 8))
    assert encode({"a": "é"}, Limits(10, 8))


SIZE = GROUP.size - 100
HOSTILE = {
    "a long string": b'{"a":"' + b"[" * 9 + b"x" * SIZE + b'"}',
    "a string without end": b'{"a":"' + b"[" * 9 + b"x" * SIZE,
    "escaped quotes without end": b'{"a":[[[[],[],[],[],[],[],"' + b'\\"' * (SIZE // 2 - 20),
    "empty strings": b'{"a":[[[[],[],[],[],[],[]]]],"b":"' + b'""' * (SIZE // 2 - 20),
    "backslashes outside strings": b'{"a":[[[],[],[],[],[],[],[]]' + b"\\" * (SIZE - 50),
    "closing brackets": b"]" * SIZE,
    "empty arrays": b'{"a":[' + b",".join([b"[]"] * (SIZE // 3 - 10)) + b"]}",
    "one member often": b"{" + b",".join([b'"a":0'] * (SIZE // 6 - 10)) + b"}",
    "many members, the last twice": b"{" + b",".join(b'"a%06d":0' % n for n in range(SIZE // 12)) + b',"a000001":0}',
    "a huge integer": b'{"a":' + b"9" * SIZE + b"}",
    "a huge fraction": b'{"a":0.' + b"9" * SIZE + b"}",
    "a huge exponent": b'{"a":1e' + b"9" * SIZE + b"}",
    "a long name": b'{"' + b"a" * SIZE + b'":0,"' + b"a" * 20 + b'":0}',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_cost_linear_time(data):
    start = time.process_time()
    with contextlib.suppress(FormatError):
        decode(data, GROUP)
    assert time.process_time() - start < 10
