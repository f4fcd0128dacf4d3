"""Row groups: they end at the same rows however the rows came, and what is written is what was packed."""

from __future__ import annotations

import hashlib
from itertools import accumulate, pairwise
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire import columns
from evidencekit.acquire.batch import Batch, Packed, column_of
from evidencekit.acquire.columns import Part, RowGroups
from evidencekit.acquire.rows import row_leaf_hash
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP, ManifestWriter


def salt_of(number):
    return hashlib.sha256(b"%d" % number).digest()[:16]


def parts_of(entries, cuts, metadata=None):
    """Rows in batches that begin at each of these places, each batch in parts; `metadata` takes the place of a row's."""
    edges = sorted({0, len(entries), *cuts})
    for start, stop in pairwise(edges):
        batch = Batch()
        for number in range(start, stop):
            batch.add(entries[number], salt_of(number))
        packed = Packed(batch.pack())
        column = packed.metadata
        if metadata is not None:
            column = column_of(metadata[start:stop])
        middle = (stop - start) // 2
        for begin, end in ((0, middle), (middle, stop - start)):
            if begin < end:
                yield Part(packed, begin, end, column, packed.leaf[begin * 32 : end * 32])


def write(path, parts):
    """Return the rows, the sizes of the row groups, the leaves that were told, and with which rows groups begin."""
    leaves, begins = [], []
    tiles = SimpleNamespace(group=lambda path, stream: begins.append((path, stream)))
    with ManifestWriter(path) as writer:
        groups = RowGroups(writer, tiles, leaves.extend)
        for part in parts:
            groups.add(part)
        groups.flush()
        groups.flush()
        writer.finish(b"{}", bytes(16))
    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        return file.read().to_pylist(), sizes, leaves, begins


def naive_groups(weights, rows, size):
    """The rows of each group: it ends with the row that makes it full."""
    sizes, count, total = [], 0, 0
    for weight in weights:
        count, total = count + 1, total + weight
        if count >= rows or total >= size:
            sizes.append(count)
            count = total = 0
    return [*sizes, count] if count else sizes


@given(st.data())
@settings(max_examples=60)
def test_row_groups_do_not_depend_on_how_rows_were_packed(new_folder, any_rows, data):
    entries = data.draw(st.lists(any_rows.entries, max_size=25))
    weights = [len(one.path) + len(one.name) + len(one.content) + len(one.metadata) for one in entries]
    rows = data.draw(st.integers(1, 12))
    full = [total for total in accumulate(weights) if total]  # a group that is just full with some row
    size = data.draw(st.integers(1, 200) | st.sampled_from(full)) if full else 1
    folder = new_folder()
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "ROW_GROUP", rows)
        patch.setattr(columns, "GROUP_BYTES", size)
        for name in ("one", "other"):
            cuts = data.draw(st.sets(st.integers(0, len(entries)), max_size=3))
            made.append(write(folder / name, parts_of(entries, cuts)))
    assert made[0] == made[1]
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()
    table, sizes, leaves, begins = made[0]
    assert begins == [(entries[sum(sizes[:at])].path, entries[sum(sizes[:at])].stream) for at in range(len(sizes))]
    assert sizes == naive_groups(weights, rows, size)
    assert leaves == [
        row_leaf_hash(one.kind, salt_of(at), one.name, one.content, one.metadata) for at, one in enumerate(entries)
    ]
    assert table == [
        {
            "index": at, "row_salt": salt_of(at), "name": one.name, "content": one.content, "metadata": one.metadata,
            "kind": one.kind, "path": one.path, "size": one.size, "state": one.state, "sha256": one.sha256,
            "mtime_ns": one.mtime_ns,
        }
        for at, one in enumerate(entries)
    ]  # fmt: skip


@given(st.data())
@settings(max_examples=30)
def test_other_metadata_takes_the_place_of_that_of_the_batch(new_folder, any_rows, data):
    """Rows in link groups: their weight counts as it will be written."""
    entries = data.draw(st.lists(any_rows.entries, min_size=1, max_size=15))
    metadata = [data.draw(st.binary(max_size=40)) for _ in entries]
    size = data.draw(st.integers(1, 150))
    weights = [
        len(one.path) + len(one.name) + len(one.content) + len(other)
        for one, other in zip(entries, metadata, strict=True)
    ]
    cuts = data.draw(st.sets(st.integers(0, len(entries))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "GROUP_BYTES", size)
        made = write(new_folder() / "file", parts_of(entries, cuts, metadata))
    assert [row["metadata"] for row in made[0]] == metadata
    assert made[1] == naive_groups(weights, ROW_GROUP, size)


def test_the_bounds_of_the_format(tmp_path, any_rows):
    """8,192 rows, or 6 MiB: specs/manifest.md section 9."""
    batch = Batch()
    for number in range(2 * ROW_GROUP + 5):
        batch.add_file(b"%06d" % number, b"{}", b"{}", b"{}", salt_of(number), 1, bytes(32), 0, b"", b"")
    packed = Packed(batch.pack())
    whole = Part(packed, 0, len(packed), packed.metadata, packed.leaf)
    assert write(tmp_path / "many", [whole])[1] == [8192, 8192, 5]
    batch = Batch()
    for number in range(20):
        batch.add_file(b"%06d" % number, b"{}", b"x" * (1 << 20), b"{}", salt_of(number), 1, bytes(32), 0, b"", b"")
    packed = Packed(batch.pack())
    whole = Part(packed, 0, len(packed), packed.metadata, packed.leaf)
    assert write(tmp_path / "large", [whole])[1] == [6, 6, 6, 2]
    assert GROUP_BYTES == 6 << 20


def test_nothing_at_all(tmp_path):
    assert write(tmp_path / "file", []) == ([], [], [], [])
