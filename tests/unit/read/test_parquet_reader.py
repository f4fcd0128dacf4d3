"""Manifests read from hostile bytes: rows, or a FormatError; bounded, whatever the file promises."""

from __future__ import annotations

import base64
import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read import parquet, parquet_pages
from evidencekit.read.parquet import ManifestFile, Row
from evidencekit.read.parquet_shape import SHAPES
from evidencekit.read.thrift import Compact, NeedMore

KEYS = {
    "evidencekit.format": MANIFEST_TYPE,
    "evidencekit.header": "{}",
    "evidencekit.header_salt": base64.b64encode(bytes(16)).decode(),
}


def schema(kind: str = MANIFEST_TYPE, number: int = 0) -> pa.Schema:
    types = {"INT64": pa.int64(), "FIXED_LEN_BYTE_ARRAY": pa.binary(16)}
    return pa.schema(
        pa.field(c.name, types.get(c.physical, pa.string() if c.text else pa.binary()), nullable=c.nullable)
        for c in SHAPES[kind][number]
    )


def rows(count: int, **columns):
    table = {
        "index": list(range(count)), "row_salt": [n.to_bytes(16, "big") for n in range(count)],
        "name": [b"name%d" % n for n in range(count)], "content": [b"content"] * count,
        "metadata": [b"metadata"] * count, "kind": ["file"] * count, "path": [b"p%d" % n for n in range(count)],
        "size": [None if n % 3 == 0 else n for n in range(count)], "state": ["complete"] * count,
        "sha256": [None if n % 2 else bytes(32) for n in range(count)], "mtime_ns": [-n for n in range(count)],
    }  # fmt: skip
    return pa.table(table | columns, schema=schema())


def write(table: pa.Table, keys=None, group: int = 8192, **options) -> bytes:
    sink = io.BytesIO()
    options = {
        "compression": "zstd", "use_dictionary": False, "write_page_checksum": True, "write_page_index": True,
        "max_rows_per_page": 1024, "store_schema": False, "write_statistics": ["index"],
    } | options  # fmt: skip
    with pq.ParquetWriter(sink, table.schema, **options) as writer:
        writer.write_table(table, row_group_size=group)
        writer.add_key_value_metadata(KEYS if keys is None else keys)
    return sink.getvalue()


def opened(data: bytes) -> ManifestFile:
    return ManifestFile(io.BytesIO(data), "m")


def read(data: bytes) -> list[Row]:
    return list(opened(data).rows())


def refused(data: bytes) -> FormatError:
    with pytest.raises(FormatError) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 3000])
def test_what_was_written_is_read(count):
    table = rows(count)
    manifest = opened(write(table, group=1000))
    assert (manifest.format, manifest.header, manifest.header_salt, manifest.rows_count) == (
        MANIFEST_TYPE, b"{}", bytes(16), count,
    )  # fmt: skip
    assert [row._asdict() for row in manifest.rows()] == table.to_pylist()


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (999, 1001), (1500, None), (2999, 9999), (3000, None), (5, 5)])
def test_a_part_of_the_rows(start, stop):
    manifest = opened(write(rows(3000), group=1000))
    assert [row.index for row in manifest.rows(start, stop)] == list(range(3000))[start:stop]


def test_some_columns_in_batches():
    manifest = opened(write(rows(3000), group=2000))
    batches = list(manifest.batches(["path", "index"]))
    assert [first for first, _ in batches] == [0, 1024, 2000]
    assert {tuple(batch) for _, batch in batches} == {("index", "path")}


def test_what_nobody_asks_for_is_not_looked_at():
    """One row of a million is proved from one row group, and from the columns that its leaf is made of."""
    data = bytearray(write(rows(3000, content=[b"here %04d" % n for n in range(3000)]), group=1000, compression="none"))
    data[data.index(b"here 1500")] ^= 1
    manifest = opened(bytes(data))
    assert [row.index for row in manifest.rows(0, 1000)] == list(range(1000))
    assert [row.index for row in manifest.rows(2000)] == list(range(2000, 3000))
    assert sum(len(batch["path"]) for _, batch in manifest.batches(["path", "sha256"])) == 3000
    for read_all in (lambda: list(manifest.rows(999, 1001)), lambda: list(manifest.batches(["content"]))):
        with pytest.raises(FormatError):
            read_all()


STOCK = [
    {"use_dictionary": True}, {"compression": "snappy"}, {"compression": "none"}, {"data_page_version": "2.0"},
    {"write_page_checksum": False}, {"store_schema": True}, {"use_dictionary": True, "dictionary_pagesize_limit": 64},
    {"version": "1.0"}, {"use_dictionary": False, "column_encoding": {"index": "DELTA_BINARY_PACKED"}},
    {"use_dictionary": False, "column_encoding": {"name": "DELTA_LENGTH_BYTE_ARRAY"}},
]  # fmt: skip


@pytest.mark.parametrize("options", STOCK)
def test_the_same_rows_by_stock_writers_are_read(options):
    table = rows(2500)
    assert [row._asdict() for row in read(write(table, **options))] == table.to_pylist()


def test_large_types_of_an_embedded_schema_are_read():
    large = pa.schema([f.with_type(pa.large_binary()) if f.name == "name" else f for f in schema()])
    table = rows(10).cast(large)
    assert [row._asdict() for row in read(write(table, store_schema=True))] == table.to_pylist()


def test_text_that_is_not_utf8_is_read_as_bytes():
    table = rows(2)
    bad = pa.array([b"\xff", b"x"], pa.binary()).view(pa.string())
    manifest = opened(write(table.set_column(5, table.schema.field("kind"), [bad])))
    assert next(manifest.batches())[1]["kind"] == [b"\xff", b"x"]
    assert [row.kind for row in manifest.rows()] == ["\ufffd", "x"]


@pytest.mark.parametrize(("number", "view"), [(0, "media_type"), (1, "result")])
def test_a_derived_manifest(number, view):
    table = pa.table(
        {"index": [0], "row_salt": [bytes(16)], "base_index": [7], "opinion": [b"o"], view: ["same"]},
        schema=schema(DERIVED_TYPE, number),
    )
    manifest = opened(write(table, KEYS | {"evidencekit.format": DERIVED_TYPE}))
    assert [(row.base_index, row.view) for row in manifest.derived_rows()] == [(7, "same")]
    assert manifest.columns[-1].name == view
    with pytest.raises(FormatError):
        list(manifest.rows())


# --- the shape ----------------------------------------------------------------------------------------------------


def _shapes():
    table = rows(3)
    yield "column added", table.append_column("more", pa.array([1, 2, 3]))
    yield "column gone", table.drop_columns(["mtime_ns"])
    yield "columns swapped", table.select([*table.column_names[:-2], *table.column_names[:-3:-1]])
    yield "renamed", table.rename_columns([*table.column_names[:-1], "mtime"])
    for name, kind in (("index", pa.int32()), ("row_salt", pa.binary()), ("size", pa.float64()), ("path", pa.string()),
                       ("kind", pa.binary()), ("mtime_ns", pa.timestamp("ns")), ("size", pa.uint64())):  # fmt: skip
        field = table.schema.field(name)
        if kind == pa.string():
            values = table.column(name).cast(kind)
        else:
            values = pa.array([b"x"] * 3, kind) if kind == pa.binary() else pa.array([0] * 3).cast(kind)
        place = table.schema.get_field_index(name)
        yield f"{name} as {kind}", table.set_column(place, pa.field(name, kind, nullable=field.nullable), values)
    for name in ("index", "name", "row_salt", "state"):
        place = table.schema.get_field_index(name)
        yield (
            f"{name} nullable",
            table.set_column(place, table.schema.field(name).with_nullable(True), table.column(name)),
        )
    place = table.schema.get_field_index("size")
    required = pa.field("size", pa.int64(), nullable=False)
    yield "size required", table.set_column(place, required, pa.array([1, 2, 3]))
    listed = pa.array([[b"x"]] * 3, pa.list_(pa.binary()))
    yield "path a list", table.set_column(6, pa.field("path", listed.type, nullable=False), listed)


@pytest.mark.parametrize(("name", "table"), list(_shapes()), ids=lambda value: value if isinstance(value, str) else "")
def test_another_shape_is_refused(name, table):
    assert "m" in refused(write(table)).place


@pytest.mark.parametrize(
    "keys",
    [{}, {**KEYS, "evidencekit.format": "x"}, {**KEYS, "evidencekit.format": DERIVED_TYPE},
     {**KEYS, "evidencekit.header_salt": "AAAA"}, {**KEYS, "evidencekit.header_salt": "x"},
     {"evidencekit.format": MANIFEST_TYPE}],
)  # fmt: skip
def test_other_metadata_is_refused(keys):
    refused(write(rows(3), keys))


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"PAR1PAR1PAR1", b"x" * 100, b"PAR1" + bytes(4) + b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1"]
)
def test_what_is_not_parquet(data):
    refused(data)


# --- hostile promises -----------------------------------------------------------------------------------------------


def test_a_dictionary_bomb_stays_small(monkeypatch):
    """One value of a dictionary stands in every row: read, it is shared; added up, it is over the limit."""
    value = b"x" * 100_000
    data = write(rows(1500, content=[value] * 1500), use_dictionary=True, dictionary_pagesize_limit=1 << 30)
    assert len(data) < 200_000
    assert len({id(row.content) for row in opened(data).rows()}) <= 2  # one a batch, not one a row
    monkeypatch.setattr(parquet, "MAX_GROUP_BYTES", 100 << 20)
    assert refused(data).code == "F102"


def test_a_swelling_encoding_is_refused():
    data = write(rows(100), column_encoding={"name": "DELTA_BYTE_ARRAY"})
    assert "encoding" in refused(data).expected


LIMITS = [("MAX_PAGE", 1000), ("MAX_FOOTER", 100), ("MAX_ROW_GROUPS", 1)]


@pytest.mark.parametrize(("name", "value"), LIMITS)
def test_limits_of_pages_and_footers(monkeypatch, name, value):
    monkeypatch.setattr(parquet_pages, name, value)
    assert refused(write(rows(2000), group=1000)).code == "F102"


@pytest.mark.parametrize(("name", "value"), [("MAX_GROUP_BYTES", 10_000), ("MAX_GROUP_ROWS", 999)])
def test_limits_of_row_groups(monkeypatch, name, value):
    monkeypatch.setattr(parquet, name, value)
    assert refused(write(rows(2000), group=1000)).code == "F102"


def test_a_row_group_over_the_real_limit():
    assert refused(write(rows(65_537), group=100_000)).code == "F102"


def test_a_zstd_bomb_is_refused_before_it_is_unpacked():
    value = bytes(300 << 20)
    data = write(rows(1, content=[value]))
    assert len(data) < 1 << 20
    assert refused(data).code == "F102"


def test_flipped_bits_give_rows_or_a_refusal():
    data = write(rows(300, content=[random.Random(7).randbytes(40) for _ in range(300)]), group=100)
    good = read(data)
    source = random.Random(1)
    for _ in range(1500):
        bad = bytearray(data)
        for _ in range(source.choice([1, 1, 1, 4])):
            bad[source.randrange(len(bad))] ^= 1 << source.randrange(8)
        try:
            found = read(bytes(bad))
        except FormatError:
            continue
        assert len(found) <= 300 or found != good


def test_a_flipped_bit_in_an_uncompressed_page_does_not_read_back_clean():
    data = bytearray(write(rows(50), compression="none"))
    at = data.index(b"content")
    data[at] ^= 1
    refused(bytes(data))


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_refused(part):
    data = write(rows(2000))
    refused(data[: int(len(data) * part)])
    if part < 0.9:
        refused(data[: int(len(data) * part)] + data[-(len(data) // 10) :])


def test_footers_that_lie_are_refused():
    """Numbers of the footer changed one by one: never a crash, never another number of rows than is there."""
    data = write(rows(100), write_page_index=False)
    length = int.from_bytes(data[-8:-4], "little")
    start = len(data) - 8 - length
    for at in range(start, len(data) - 8):
        for value in (0, 0xFF):
            bad = data[:at] + bytes([value]) + data[at + 1 :]
            try:
                found = read(bad)
            except FormatError:
                continue
            assert len(found) == 100


def test_a_disk_that_fails_is_not_called_damage():
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    with pytest.raises(CannotFinish) as caught:
        ManifestFile(Failing(write(rows(3))), "m")
    assert caught.value.code == "X403"


# --- Thrift ---------------------------------------------------------------------------------------------------------


def compact(data: bytes, **options) -> dict:
    return Compact(data, max_list=3, place="t").fields(**options)


def test_compact_structures():
    assert compact(b"\x15\x04\x00") == {1: 2}
    assert compact(b"\x16\x03\x11\x12\x00") == {1: -2, 2: True, 3: False}
    assert compact(b"\x05\x28\x06\x00") == {20: 3}  # a long form of the field number
    assert compact(b"\x1c\x15\x02\x00\x15\x04\x00") == {1: {1: 1}, 2: 2}
    assert compact(b"\x18\x02ab\x29\x25\x02\x04\x17" + bytes(8) + b"\x13\x09\x00") == {1: None, 3: 2, 4: None, 5: None}


@pytest.mark.parametrize("data", [b"", b"\x15", b"\x15\x80", b"\x18\x05ab", b"\x19\x25\x02", b"\x1c", b"\x17\x00"])
def test_a_part_of_a_structure_needs_more(data):
    with pytest.raises(NeedMore):
        compact(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b\x00\x00",
        b"\x1d\x00",
        b"\x15" + b"\xff" * 11,
        b"\x1c" * 20 + b"\x00" * 20,
        b"\x19\x45",
        b"\x19\xf5\xff\xff\x03",
    ],
)
def test_other_structures_are_refused(data):
    with pytest.raises(FormatError):
        compact(data)


def test_lists_have_their_own_limits():
    data = b"\x19\x55" + b"\x02" * 5 + b"\x00"
    assert compact(data, lists={(1,): 5}) == {1: 5}
    with pytest.raises(FormatError):
        compact(data, lists={(2,): 5})
