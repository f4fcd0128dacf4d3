"""The form of tiles: the tail in its one spelling, fences that sort as rows do, the sizes of all parts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.tiles import (
    MAX_FENCE,
    Tail,
    block_length,
    block_root,
    decode_tail,
    encode_tail,
    fence,
    leaves_size,
    levels_of,
    split_blocks,
)
from evidencekit.errors import FormatError

component = st.binary(min_size=1, max_size=3).filter(lambda name: not set(b"\0/") & set(name))
name = st.tuples(st.lists(component, max_size=3), component | st.just(b""))


@given(st.lists(name, max_size=8))
def test_fences_sort_as_rows_do(names):
    """specs/manifest.md section 6: components as raw bytes, then the stream."""
    assert sorted(names, key=lambda name: fence(b"/".join(name[0]), name[1])) == sorted(names)


def test_fences_are_cut():
    assert fence(b"a" * 5000, b"stream") == b"a" * MAX_FENCE
    assert (fence(b""), fence(b"a/b"), fence(b"a/b", b"s")) == (b"", b"a\0b", b"a\0b\0\0s")


@given(st.builds(Tail, st.integers(1, 2**32), st.integers(1, 65_536), st.integers(0, 1026), st.booleans()))
def test_a_tail_comes_back(tail):
    data = encode_tail(tail)
    assert len(data) == 17
    assert decode_tail(data) == tail


def test_the_tail_byte_for_byte():
    assert encode_tail(Tail(1_000_000, 123, 4567, True)).hex() == "00000000000f42400000007b000011d701"


@given(st.binary(max_size=20))
def test_any_bytes_are_a_tail_in_its_one_spelling_or_refused(data):
    with contextlib.suppress(FormatError):
        assert encode_tail(decode_tail(data)) == data


@pytest.mark.parametrize(
    "data",
    [b"", bytes(17), encode_tail(Tail(2**32 + 1, 1, 0, False)), encode_tail(Tail(1, 65_537, 0, False)),
     encode_tail(Tail(1, 0, 0, False)), encode_tail(Tail(1, 2, 2 * 1026 + 1, False)),
     encode_tail(Tail(1, 1, 2, False))[:-1] + b"\2", encode_tail(Tail(1, 1, 2, False)) + b"\0"],
)  # fmt: skip
def test_what_is_no_tail(data):
    with pytest.raises(FormatError):
        decode_tail(data)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(1, [1]), (256, [1]), (257, [2, 1]), (65_536, [256, 1]), (65_537, [257, 2, 1]), (1_000_000, [3907, 16, 1])],
)
def test_levels(rows, sizes):
    assert levels_of(rows) == sizes


def test_the_root_of_one_node_is_that_node():
    assert block_root([b"\1" * 32]) == b"\1" * 32


def test_split_blocks_are_those_of_several_groups():
    assert split_blocks([0, 256, 300, 500, 512, 8192, 8193]) == [1, 32]
    assert split_blocks([0]) == []
    assert [block_length(number, 600) for number in range(3)] == [256, 256, 88]
    assert leaves_size(Tail(600, 2, 0, False), [0, 2]) == (256 + 88) * 32
    assert leaves_size(Tail(600, 2, 0, True), [0, 2]) == 600 * 36
