"""Manifests written: Parquet exactly as the format says, streamed, fsynced, hashed while written.

Promises: memory holds one row group at most, whatever the number of rows; the file has our three texts of metadata and
no others; the SHA-256 is of the bytes that went to the medium.
Source: specs/manifest.md sections 8 and 9.
"""

from __future__ import annotations

import base64
import contextlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.opinions import OPINION_KINDS
from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.errors import CannotFinish
from evidencekit.write.durable import cannot_write
from evidencekit.write.hashed import HashedFile

ROW_GROUP = 8192
PAGE_ROWS = 1024
GROUP_BYTES = 6 << 20
"""A row group ends early at about this many bytes: a reader must hold it, and some attributes are large."""


class ManifestRows:
    """Rows on their way to the file, as columns of equal length (specs/manifest.md section 9)."""

    __slots__ = (
        "content", "index", "kind", "metadata", "mtime_ns", "name", "path", "row_salt", "sha256", "size", "state",
    )  # fmt: skip

    def __init__(self) -> None:
        self.index: list[int] = []
        self.row_salt: list[bytes] = []
        self.name: list[bytes] = []
        self.content: list[bytes] = []
        self.metadata: list[bytes] = []
        self.kind: list[str] = []
        self.path: list[bytes] = []
        self.size: list[int | None] = []
        self.state: list[str] = []
        self.sha256: list[bytes | None] = []
        self.mtime_ns: list[int | None] = []


class DerivedRows:
    """Rows of a derived manifest on their way to the file."""

    __slots__ = ("base_index", "index", "opinion", "row_salt", "view")

    def __init__(self) -> None:
        self.index: list[int] = []
        self.row_salt: list[bytes] = []
        self.base_index: list[int] = []
        self.opinion: list[bytes] = []
        self.view: list[str | None] = []
        """The view column of the kind of opinion."""


class ParquetFile(ABC):
    """What all writers share: the file, its properties, its end."""

    _format: str

    def __init__(self, path: Path) -> None:
        """Create the file.

        Raises:
            Refused: R501, the name is taken.
            CannotFinish: X421 no space, X422 not allowed, X423 another error.
        """
        import pyarrow as pa  # noqa: PLC0415 (0.2 s, which commands that write no manifest do not pay)
        import pyarrow.parquet as pq  # noqa: PLC0415

        self._pa = pa
        self.path = path
        self._schema = self._make_schema(pa)
        try:
            self._sink = HashedFile(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        with self._writing():
            self._parquet = pq.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"),
                self._schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=["kind", "state", *(kind.view for kind in OPINION_KINDS.values())],
                write_statistics=["index"],
                store_schema=False,
                write_page_index=True,
                write_page_checksum=True,
                max_rows_per_page=PAGE_ROWS,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Close what `finish` has not finished; the file stays where it is, for whoever made its folder."""
        if not self._sink.closed:
            try:
                with contextlib.suppress(Exception):
                    self._parquet.close()
            finally:  # a library that is interrupted here must not write later, to whatever has the number then
                self._sink.close()

    def finish(self, header: bytes, header_salt: bytes) -> bytes:
        """Write the metadata and the end; return the SHA-256 of the file's bytes, which are then on the medium.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        texts = {
            "evidencekit.format": self._format,
            "evidencekit.header": header,
            "evidencekit.header_salt": base64.b64encode(header_salt).decode(),
        }
        with self._writing():
            self._parquet.add_key_value_metadata(texts)
            self._parquet.close()
            digest = self._sink.settle()
            self._sink.close()
        self._check(set(texts))
        return digest

    def _check(self, names: set[str]) -> None:
        """Look at the file's end: a library that adds metadata of its own would break the format unseen."""
        import pyarrow.parquet as pq  # noqa: PLC0415

        found = {key.decode() for key in pq.read_metadata(self.path).metadata or {}}
        if found != names:
            raise CannotFinish(
                f"This pyarrow wrote other metadata than asked for: {', '.join(sorted(found))}.",
                code="X424",
                hint="Install the version of pyarrow that evidencekit was tested with.",
                found=found,
            )

    def _write(self, columns: list[Any]) -> None:
        table = self._pa.Table.from_arrays(columns, schema=self._schema)
        with self._writing():
            self._parquet.write_table(table, row_group_size=ROW_GROUP)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abandon()
            raise cannot_write(self.path, self._sink.error or error) from error

    @abstractmethod
    def _make_schema(self, pa: Any) -> Any: ...

    def _integers(self, values: list[int]) -> Any:
        """Pack a column of integers that are all there: ten times as fast as from a list."""
        pa = self._pa
        return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(array("q", values))])

    def _bytes(self, values: Sequence[bytes], kind: Any = None) -> Any:
        """Pack a column of byte strings that are all there."""
        pa = self._pa
        offsets = array("i", accumulate(map(len, values), initial=0))
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))]
        return pa.Array.from_buffers(kind or pa.binary(), len(values), buffers)

    def _salts(self, values: list[bytes]) -> Any:
        pa = self._pa
        data = b"".join(values)
        if len(data) != SALT_SIZE * len(values):  # the library would read beyond the end
            raise ValueError(f"a salt has {SALT_SIZE} bytes")
        return pa.Array.from_buffers(pa.binary(SALT_SIZE), len(values), [None, pa.py_buffer(data)])


class ManifestWriter(ParquetFile):
    """Writes one manifest to a new file: `write` rows in the order of the file, then `finish`."""

    _format = MANIFEST_TYPE

    def write(self, rows: ManifestRows) -> None:
        """Write rows as row groups of their own: give 8,192 at a time, or fewer of great size, and the rest at the end.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        pa = self._pa
        self._write(
            [
                self._integers(rows.index),
                self._salts(rows.row_salt),
                self._bytes(rows.name),
                self._bytes(rows.content),
                self._bytes(rows.metadata),
                self._bytes([kind.encode() for kind in rows.kind], pa.string()),
                self._bytes(rows.path),
                pa.array(rows.size, pa.int64()),
                self._bytes([state.encode() for state in rows.state], pa.string()),
                pa.array(rows.sha256, pa.binary()),
                pa.array(rows.mtime_ns, pa.int64()),
            ]
        )

    def write_columns(self, first: int, columns: list[Any]) -> None:
        """Write one row group, up to 8,192 rows from index `first` on: Arrow arrays from `row_salt` to `mtime_ns`.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        indexes = self._pa.array(range(first, first + len(columns[0])), self._pa.int64())
        self._write([indexes, *columns])

    def copy_renumbered(self, path: Path, indexes: Sequence[int]) -> None:
        """Write the rows of a manifest that `ManifestWriter` made, each with another index.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        import pyarrow.parquet as pq  # noqa: PLC0415

        first = 0
        with pq.ParquetFile(path, pre_buffer=False) as source:
            for number in range(source.num_row_groups):
                table = source.read_row_group(number, use_threads=False)
                column = self._integers(list(indexes[first : first + len(table)]))
                first += len(table)
                self._write([column, *table.columns[1:]])

    def _make_schema(self, pa: Any) -> Any:
        return pa.schema(
            [
                pa.field("index", pa.int64(), nullable=False),
                pa.field("row_salt", pa.binary(SALT_SIZE), nullable=False),
                pa.field("name", pa.binary(), nullable=False),
                pa.field("content", pa.binary(), nullable=False),
                pa.field("metadata", pa.binary(), nullable=False),
                pa.field("kind", pa.string(), nullable=False),
                pa.field("path", pa.binary(), nullable=False),
                pa.field("size", pa.int64()),
                pa.field("state", pa.string(), nullable=False),
                pa.field("sha256", pa.binary()),
                pa.field("mtime_ns", pa.int64()),
            ]
        )


class DerivedWriter(ParquetFile):
    """Writes one derived manifest to a new file; `kind` is that of its opinions."""

    _format = DERIVED_TYPE

    def __init__(self, path: Path, kind: str) -> None:
        """Create the file.

        Raises:
            Refused: R501, the name is taken.
            CannotFinish: X421 no space, X422 not allowed, X423 another error.
        """
        self._view = OPINION_KINDS[kind].view
        super().__init__(path)

    def write(self, rows: DerivedRows) -> None:
        """Write rows as row groups of their own: give 8,192 at a time, and the rest at the end.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        pa = self._pa
        self._write(
            [
                self._integers(rows.index),
                self._salts(rows.row_salt),
                self._integers(rows.base_index),
                self._bytes(rows.opinion),
                pa.array(rows.view, pa.string()),
            ]
        )

    def _make_schema(self, pa: Any) -> Any:
        return pa.schema(
            [
                pa.field("index", pa.int64(), nullable=False),
                pa.field("row_salt", pa.binary(SALT_SIZE), nullable=False),
                pa.field("base_index", pa.int64(), nullable=False),
                pa.field("opinion", pa.binary(), nullable=False),
                pa.field(self._view, pa.string()),
            ]
        )
