"""Packed rows on their way to Parquet: a row group is gathered from stretches, and becomes Arrow columns at once.

Promises: a row group ends at the same row however the rows were packed: so the file does not depend on who took them.
Source: specs/manifest.md section 9.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import accumulate
from typing import Any, NamedTuple

from evidencekit.acquire.batch import HAS_DIGEST, HAS_MTIME, HAS_SIZE, Column, Packed
from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.records import KINDS, STATES
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP, ManifestWriter
from evidencekit.write.tiles import TileWriter


class Part(NamedTuple):
    """Neighbouring rows of one batch, as they will stand in the manifest."""

    batch: Packed
    start: int
    stop: int
    metadata: Column
    """That of the batch, or another of as many rows where there are link groups."""
    leaves: bytes | memoryview
    """Leaf hashes of these rows, one after the other."""

    def columns(self) -> tuple[Column, ...]:
        """Return the columns whose bytes count for the size of a row group: path, name, content, metadata."""
        return self.batch.path, self.batch.name, self.batch.content, self.metadata

    def weight(self) -> int:
        """Return the bytes of those columns."""
        return sum(column.offsets[self.stop] - column.offsets[self.start] for column in self.columns())

    def cut(self, rows: int, weight: int) -> tuple[Part, Part | None]:
        """Return the part up to the row that makes a group of `rows` or `weight` full, and the rest."""
        columns = self.columns()
        for at in range(self.start + 1, self.stop):
            rows -= 1
            weight -= sum(column.offsets[at] - column.offsets[at - 1] for column in columns)
            if rows <= 0 or weight <= 0:
                place = (at - self.start) * HASH_SIZE
                return self._replace(stop=at, leaves=self.leaves[:place]), self._replace(
                    start=at, leaves=self.leaves[place:]
                )
        return self, None


class RowGroups:
    """Gathers rows into row groups, and writes each that is full."""

    def __init__(self, writer: ManifestWriter, tiles: TileWriter, add_leaves: Callable[[list[bytes]], None]) -> None:
        """Take what writes, what learns where row groups begin, and what is given the leaf hashes in their order."""
        self._writer = writer
        self._tiles = tiles
        self._add_leaves = add_leaves
        self._first = 0
        """Index of the first row that is not written."""
        self._begin()

    def _begin(self) -> None:
        self._parts: list[Part] = []
        self._rows = self._weight = 0

    def add(self, part: Part) -> None:
        """Add rows."""
        rest: Part | None = part
        while rest is not None:
            now, rest = rest, None
            if self._rows + now.stop - now.start >= ROW_GROUP or self._weight + now.weight() >= GROUP_BYTES:
                now, rest = now.cut(ROW_GROUP - self._rows, GROUP_BYTES - self._weight)
            self._parts.append(now)
            self._rows += now.stop - now.start
            self._weight += now.weight()
            if self._rows >= ROW_GROUP or self._weight >= GROUP_BYTES:
                self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if not self._parts:
            return
        first = self._parts[0]
        odd = first.batch.odd.get(first.start)
        self._tiles.group(first.batch.path.one(first.start), b"" if odd is None else odd.stream)
        for part in self._parts:
            leaves = bytes(part.leaves)
            self._add_leaves([leaves[at : at + HASH_SIZE] for at in range(0, len(leaves), HASH_SIZE)])
        self._writer.write_columns(self._first, _columns(self._parts))
        self._first += self._rows
        self._begin()


def _columns(parts: list[Part]) -> list[Any]:
    """Return all columns but the index, as Arrow arrays: from `row_salt` to `mtime_ns`."""
    import pyarrow as pa  # noqa: PLC0415 (0.2 s, and the writer has loaded it)

    flags = _joined(parts, "flags")
    count = len(flags)

    def fixed(name: str, kind: Any, width: int, flag: int = 0) -> Any:
        data = pa.py_buffer(_joined(parts, name, width))
        return pa.Array.from_buffers(kind, count, [_validity(flags, flag), data])

    digests = [_validity(flags, HAS_DIGEST), pa.py_buffer(array("i", range(0, (count + 1) * HASH_SIZE, HASH_SIZE)))]
    return [
        fixed("salt", pa.binary(SALT_SIZE), SALT_SIZE),
        _texts([(part.batch.name, part) for part in parts]),
        _texts([(part.batch.content, part) for part in parts]),
        _texts([(part.metadata, part) for part in parts]),
        _words(_joined(parts, "kind"), KINDS),
        _texts([(part.batch.path, part) for part in parts]),
        fixed("size", pa.int64(), 1, HAS_SIZE),
        _words(_joined(parts, "state"), STATES),
        pa.Array.from_buffers(pa.binary(), count, [*digests, pa.py_buffer(_joined(parts, "sha256", HASH_SIZE))]),
        fixed("mtime_ns", pa.int64(), 1, HAS_MTIME),
    ]


def _joined(parts: list[Part], name: str, width: int = 1) -> bytes:
    """Return a column of fixed width: `width` of its items a row."""
    return b"".join(getattr(part.batch, name)[part.start * width : part.stop * width] for part in parts)


def _validity(flags: bytes, flag: int) -> Any:
    """Return the bitmap of the rows that have a flag, None where all have (and for no flag)."""
    import pyarrow as pa  # noqa: PLC0415

    if not flags.translate(None, bytes(number for number in range(256) if number & flag or not flag)):
        return None
    return pa.array([number & flag > 0 for number in flags]).buffers()[1]


def _words(numbers: bytes, words: tuple[str, ...]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    coded = [word.encode() for word in words]
    values = [coded[number] for number in numbers]
    offsets = array("i", accumulate(map(len, values), initial=0))
    return pa.Array.from_buffers(
        pa.string(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
    )


def _texts(columns: list[tuple[Column, Part]]) -> Any:
    import pyarrow as pa  # noqa: PLC0415

    return pa.concat_arrays(
        [
            pa.Array.from_buffers(
                pa.binary(), len(column.offsets) - 1, [None, pa.py_buffer(column.offsets), pa.py_buffer(column.data)]
            ).slice(part.start, part.stop - part.start)
            for column, part in columns
        ]
    )
