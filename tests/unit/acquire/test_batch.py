"""Rows in columns: what was packed comes back, whole or in part, with the leaf hashes of the format."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire.batch import Batch, Packed, column_of
from evidencekit.acquire.row import sort_key
from evidencekit.acquire.rows import row_leaf_hash


def batch_of(entries, salts):
    batch = Batch()
    for entry, salt in zip(entries, salts, strict=True):
        batch.add(entry, salt)
    return batch


def salts_of(count):
    return [bytes([number % 256]) * 8 + number.to_bytes(8, "big") for number in range(count)]


@given(st.data())
@settings(max_examples=150)
def test_what_was_packed_comes_back(any_rows, data):
    entries = data.draw(st.lists(any_rows.entries, max_size=12))
    salts = salts_of(len(entries))
    batch = batch_of(entries, salts)
    packed = Packed(batch.pack())
    assert len(batch) == len(packed) == len(entries)
    assert list(packed.entries()) == entries
    assert packed.keys() == [sort_key(entry.path, entry.stream) for entry in entries]
    assert bytes(packed.salt) == b"".join(salts)
    assert batch.weight == sum(len(one.name) + len(one.content) + len(one.metadata) for one in entries)
    leaves = [
        row_leaf_hash(one.kind, salt, one.name, one.content, one.metadata)
        for one, salt in zip(entries, salts, strict=True)
    ]
    assert bytes(packed.leaf) == b"".join(leaves)


@given(st.data())
@settings(max_examples=100)
def test_parts_of_what_was_packed(any_rows, data):
    entries = data.draw(st.lists(any_rows.entries, min_size=1, max_size=8))
    packed = Packed(batch_of(entries, salts_of(len(entries))).pack())
    start = data.draw(st.integers(0, len(entries)))
    stop = data.draw(st.integers(start, len(entries)) | st.none())
    assert list(packed.entries(start, stop)) == entries[start:stop]
    at = data.draw(st.integers(0, len(entries) - 1))
    assert packed.path.one(at) == entries[at].path
    other = data.draw(st.binary())
    one = entries[at]
    expected = row_leaf_hash(one.kind, salts_of(len(entries))[at], one.name, one.content, other)
    assert packed.leaf_with(at, other) == expected


@given(st.data())
@settings(max_examples=50)
def test_rows_lie_where_they_lay_also_in_a_view(any_rows, data):
    """A run is decompressed into one buffer: what comes before and behind the batch must not matter."""
    entries = data.draw(st.lists(any_rows.entries, max_size=4))
    data = batch_of(entries, salts_of(len(entries))).pack()
    assert list(Packed(memoryview(data + b"behind")[: len(data)]).entries()) == entries


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_columns(values):
    column = column_of(values)
    assert list(column.each()) == values
    assert [column.one(at) for at in range(len(values))] == values
    assert list(column.offsets) == [sum(map(len, values[:at])) for at in range(len(values) + 1)]


def test_an_empty_batch():
    packed = Packed(Batch().pack())
    assert len(packed) == 0
    assert list(packed.entries()) == packed.keys() == []
    assert packed.odd == {}


def test_only_odd_rows_are_noted_as_such(any_rows, acquiring, tmp_path):
    """A million plain rows are no million objects."""
    (tmp_path / "source").mkdir()
    for number in range(300):
        (tmp_path / "source" / f"{number}").write_bytes(b"x")
    os.link(tmp_path / "source/7", tmp_path / "source/linked")
    done = acquiring(tmp_path / "source", tmp_path / "case")
    (run,) = done.work.earlier()
    odd = [entry.path for batch in run.batches() for at, entry in enumerate(batch.entries()) if at in batch.odd]
    if any(os.listxattr(tmp_path / "source/1")):
        pytest.skip("NOT RUN: every file here has attributes")
    assert odd == [b"7", b"linked"]
