"""The Parquet files: exactly the format, whatever the rows; read by other hands; nothing left open."""

from __future__ import annotations

import hashlib
import os
import tracemalloc

import duckdb
import pyarrow.parquet as pq
import pytest

from evidencekit.core.digest import SALT_SIZE
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read.parquet import ManifestFile
from evidencekit.write import parquet
from evidencekit.write.parquet import PAGE_ROWS, ROW_GROUP, DerivedRows, DerivedWriter, ManifestRows, ManifestWriter

HEADER = b'{"_t":"evidencekit/manifest/1"}'
SALT = bytes(range(16))
MANIFEST_SCHEMA = """required int64 index
required fixed_len_byte_array(16) row_salt
required binary name
required binary content
required binary metadata
required binary kind (String)
required binary path
optional int64 size
required binary state (String)
optional binary sha256
optional int64 mtime_ns"""
DERIVED_SCHEMA = """required int64 index
required fixed_len_byte_array(16) row_salt
required int64 base_index
required binary opinion
optional binary media_type (String)"""


def make_rows(count, *, first=0):
    rows = ManifestRows()
    for number in range(first, first + count):
        rows.index.append(number)
        rows.row_salt.append(number.to_bytes(SALT_SIZE, "big"))
        rows.name.append(b'{"name":"%d"}' % number)
        rows.content.append(b'{"content":"%d"}' % number)
        rows.metadata.append(b"" if number % 5 == 0 else b'{"metadata":"%d"}' % number)
        rows.kind.append(("file", "directory", "symlink")[number % 3])
        rows.path.append(b"folder/\xff%d" % number)
        rows.size.append(None if number % 3 else 2**63 - 1 - number)
        rows.state.append("complete")
        rows.sha256.append(None if number % 3 else hashlib.sha256(b"%d" % number).digest())
        rows.mtime_ns.append(None if number % 7 == 0 else -number)
    return rows


def columns_of(rows):
    return {
        name: getattr(rows, name)
        for name in (
            "index",
            "row_salt",
            "name",
            "content",
            "metadata",
            "kind",
            "path",
            "size",
            "state",
            "sha256",
            "mtime_ns",
        )
    }


def write(path, *groups, header=HEADER):
    with ManifestWriter(path) as writer:
        for rows in groups:
            writer.write(rows)
        return writer.finish(header, SALT)


def described(path):
    lines = str(pq.ParquetFile(path).schema).splitlines()[2:-1]
    return "\n".join(line.strip().replace("field_id=-1 ", "").rstrip(";") for line in lines if line.strip() != "}")


def test_rows_come_back(tmp_path):
    rows = make_rows(3000)
    write(tmp_path / "m.parquet", rows)
    assert pq.ParquetFile(tmp_path / "m.parquet").read().to_pydict() == columns_of(rows)


def test_digest_is_of_the_files_bytes(tmp_path):
    digest = write(tmp_path / "m.parquet", make_rows(10_000))
    assert digest == hashlib.sha256((tmp_path / "m.parquet").read_bytes()).digest()


def test_schema(tmp_path):
    write(tmp_path / "m.parquet", make_rows(3))
    assert described(tmp_path / "m.parquet") == MANIFEST_SCHEMA


def test_metadata_are_our_three_texts(tmp_path):
    write(tmp_path / "m.parquet", make_rows(3))
    assert pq.read_metadata(tmp_path / "m.parquet").metadata == {
        b"evidencekit.format": b"evidencekit/manifest/1",
        b"evidencekit.header": HEADER,
        b"evidencekit.header_salt": b"AAECAwQFBgcICQoLDA0ODw==",
    }


def test_pages_groups_checksums_and_statistics(tmp_path):
    write(
        tmp_path / "m.parquet",
        make_rows(ROW_GROUP),
        make_rows(ROW_GROUP, first=ROW_GROUP),
        make_rows(5, first=2 * ROW_GROUP),
    )
    meta = pq.read_metadata(tmp_path / "m.parquet")
    assert [meta.row_group(number).num_rows for number in range(meta.num_row_groups)] == [8192, 8192, 5]
    for number in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            column = meta.row_group(number).column(place)
            assert column.compression == "ZSTD"
            assert column.has_offset_index
            assert column.is_stats_set == (column.path_in_schema == "index")
    assert meta.row_group(1).column(0).statistics.min == 8192
    data = bytearray((tmp_path / "m.parquet").read_bytes())
    column = meta.row_group(0).column(3)
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    (tmp_path / "damaged.parquet").write_bytes(data)
    with pytest.raises(OSError, match="checksum"):
        pq.ParquetFile(tmp_path / "damaged.parquet", page_checksum_verification=True).read()


def test_pages_hold_at_most_1024_rows(tmp_path):
    write(tmp_path / "m.parquet", make_rows(ROW_GROUP))
    with (tmp_path / "m.parquet").open("rb") as file:
        from evidencekit.read.parquet_pages import _page_header

        column = pq.read_metadata(file).row_group(0).column(0)
        at, stop, rows = column.data_page_offset, column.data_page_offset + column.total_compressed_size, []
        while at < stop:
            header, length = _page_header(file, at, stop, "test")
            rows.append(header[5][1])
            assert 4 in header  # the page's checksum
            at += length + header[3]
    assert rows == [PAGE_ROWS] * 8


def test_reader_of_the_house_takes_it(tmp_path):
    rows = make_rows(ROW_GROUP + 1)
    write(tmp_path / "m.parquet", rows)
    with (tmp_path / "m.parquet").open("rb") as file:
        manifest = ManifestFile(file, "m")
        assert manifest.header == HEADER
        assert manifest.header_salt == SALT
        assert [row.path for row in manifest.rows()] == rows.path


def test_another_engine_reads_it(tmp_path):
    write(tmp_path / "m.parquet", make_rows(3000))
    with duckdb.connect() as db:
        found = db.execute(
            "select count(*), sum(index), max(octet_length(row_salt)), count(sha256) from read_parquet(?)",
            [str(tmp_path / "m.parquet")],
        )
        assert found.fetchone() == (3000, 2999 * 1500, 16, 1000)


@pytest.mark.parametrize("value", [None, b"short"])
def test_column_that_must_be_there_is_never_null(tmp_path, value):
    rows = make_rows(2)
    rows.row_salt[1] = value
    with pytest.raises((TypeError, ValueError)):
        write(tmp_path / "m.parquet", rows)


def test_renumbered_copy_differs_in_its_indexes_only(tmp_path):
    write(tmp_path / "a.parquet", make_rows(ROW_GROUP), make_rows(100, first=ROW_GROUP))
    places = list(range(ROW_GROUP + 100, 0, -1))
    with ManifestWriter(tmp_path / "b.parquet") as writer:
        writer.copy_renumbered(tmp_path / "a.parquet", places)
        writer.finish(HEADER, SALT)
    one, other = (pq.ParquetFile(tmp_path / name).read().to_pydict() for name in ("a.parquet", "b.parquet"))
    assert other.pop("index") == places
    assert one.pop("index") == list(range(ROW_GROUP + 100))
    assert one == other
    assert described(tmp_path / "b.parquet") == MANIFEST_SCHEMA


def test_same_rows_same_bytes(tmp_path):
    assert write(tmp_path / "a.parquet", make_rows(2000)) == write(tmp_path / "b.parquet", make_rows(2000))


def test_taken_name_is_refused(tmp_path):
    (tmp_path / "m.parquet").write_bytes(b"before")
    with pytest.raises(Refused) as caught:
        ManifestWriter(tmp_path / "m.parquet")
    assert caught.value.code == "R501"
    assert (tmp_path / "m.parquet").read_bytes() == b"before"


def test_full_disk(tmp_path, monkeypatch):
    real = os.open
    monkeypatch.setattr("evidencekit.write.hashed.os.open", lambda path, flags, mode: real("/dev/full", os.O_WRONLY))
    with pytest.raises(CannotFinish) as caught:
        write(tmp_path / "m.parquet", make_rows(3000))
    assert caught.value.code == "X421"


def test_writer_that_is_left_closes_its_file(tmp_path):
    with ManifestWriter(tmp_path / "m.parquet") as writer:
        writer.write(make_rows(10))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer._sink._handle)


def test_library_that_adds_metadata_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr(
        parquet.ManifestWriter,
        "_check",
        lambda self, names: parquet.ParquetFile._check(self, names - {"evidencekit.header"}),
    )
    with pytest.raises(CannotFinish) as caught:
        write(tmp_path / "m.parquet", make_rows(1))
    assert caught.value.code == "X424"


def test_memory_does_not_grow_with_the_rows(tmp_path):
    rows = make_rows(ROW_GROUP)
    with ManifestWriter(tmp_path / "m.parquet") as writer:
        writer.write(rows)
        tracemalloc.start()
        for _ in range(6):
            writer.write(rows)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        writer.finish(HEADER, SALT)
    assert held < 1 << 18


# --- derived -------------------------------------------------------------------------------------------------------


def derived(count):
    rows = DerivedRows()
    for number in range(count):
        rows.index.append(number)
        rows.row_salt.append(number.to_bytes(SALT_SIZE, "big"))
        rows.base_index.append(2 * number)
        rows.opinion.append(b'{"opinion":"%d"}' % number)
        rows.view.append("text/plain" if number % 2 else None)
    return rows


@pytest.mark.parametrize("count", [0, 1, 3000])
def test_derived_rows_come_back(tmp_path, count):
    rows = derived(count)
    with DerivedWriter(tmp_path / "d.parquet", "media-type") as writer:
        if count:
            writer.write(rows)
        digest = writer.finish(b"{}", SALT)
    assert digest == hashlib.sha256((tmp_path / "d.parquet").read_bytes()).digest()
    assert described(tmp_path / "d.parquet") == DERIVED_SCHEMA
    with (tmp_path / "d.parquet").open("rb") as file:
        manifest = ManifestFile(file, "d")
        assert manifest.format == "evidencekit/derived/1"
        found = list(manifest.derived_rows())
    assert [row.view for row in found] == rows.view
    assert [row.base_index for row in found] == rows.base_index
