"""Manifests read: one Parquet file, opened once, its shape compared for equality, its pages with their checksums.

Promises: whatever the bytes are, the answer is rows or a FormatError; memory is bounded by the limits of one row group,
whatever the file's size; no column is invented, dropped or converted. Values come as they are stored: it is the caller
who checks them. Source: specs/manifest.md section 9, specs/verification.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.core.values import decode_base64, display, short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet_pages import (
    MAX_GROUP_BYTES,
    MAX_GROUP_ROWS,
    Chunk,
    check_chunk,
    check_footer,
)
from evidencekit.read.parquet_shape import BYTES, SHAPES, find_shape
from evidencekit.read.parquet_values import column_values

BATCH = 1024
"""Rows that are in memory as Python objects at one time: the writer's pages have as many."""

Columns = dict[str, list[Any]]
"""Column name to its values in a batch: int, bytes (text columns too), or None."""


class Row(NamedTuple):
    """A row of a manifest, as stored."""

    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    row_salt: bytes
    name: bytes
    content: bytes
    metadata: bytes
    kind: str
    path: bytes
    size: int | None
    state: str
    sha256: bytes | None
    mtime_ns: int | None


class DerivedRow(NamedTuple):
    """A row of a derived manifest, as stored."""

    index: int  # type: ignore[assignment]  # as in Row
    row_salt: bytes
    base_index: int
    opinion: bytes
    view: str | None
    """The view column of the kind of opinion."""


class ManifestFile:
    """An open manifest. `rows` and `derived_rows` are for readers, `batches` for whoever needs speed."""

    def __init__(self, file: BinaryIO, place: str, *, most: int | None = None) -> None:
        """Take a file opened by `Store.open`; `place` names it in messages. The file stays the caller's to close.

        `most` are the bytes of a row group, where that is to be less than the format allows.

        Raises:
            FormatError: not a manifest of this format; over a limit (code F102).
            CannotFinish: X403, the file cannot be read.
        """
        self._file = file
        self._place = place
        self._most = most
        with _only_ours(place):
            check_footer(file, place)
            self._end = file.seek(0, 2)
            self._plain = _open(file)
            self._readers: dict[tuple[str, ...], Any] = {(): self._plain}
            """By the columns whose dictionaries they keep."""
            self._meta = self._plain.metadata
            keys = self._meta.metadata or {}
            self.format = _text(keys, b"evidencekit.format", place).decode(errors="replace")
            """`evidencekit/manifest/1` or `evidencekit/derived/1`."""
            self.header = _text(keys, b"evidencekit.header", place)
            """The header's bytes, unchecked."""
            salt = _text(keys, b"evidencekit.header_salt", place)
            self.header_salt = decode_base64(salt.decode(errors="replace"), f"{place} evidencekit.header_salt")
            """The salt of the header's commitment, 16 bytes."""
            if len(self.header_salt) != SALT_SIZE:
                found = f"{len(self.header_salt)} bytes"
                raise FormatError(f"{place} evidencekit.header_salt", expected=f"{SALT_SIZE} bytes", found=found)
            if self.format not in SHAPES:
                expected = " or ".join(SHAPES)
                raise FormatError(f"{place} evidencekit.format", expected=expected, found=short(self.format))
            self.columns = find_shape(self._plain, SHAPES[self.format], place)
            """The columns, in order."""
            self.row_groups: tuple[int, ...] = _group_sizes(self._meta, place)
            """Rows of each row group."""
        self.rows_count = sum(self.row_groups)
        """Rows of the file."""
        if self.rows_count > self._end:  # sixteen random bytes a row: what promises more is made to fill memory
            raise FormatError(place, expected=f"at most {self._end} rows", found=str(self.rows_count), code="F102")

    @property
    def handle(self) -> int:
        """The file's handle."""
        return self._file.fileno()

    def batches(
        self, columns: Sequence[str] | None = None, *, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, Columns]]:
        """Yield `(position of the first row, columns)`, up to 1,024 rows each.

        They are those of the row groups in which the rows from `start` to `stop` lie.

        Raises:
            FormatError: damaged pages; over a limit (code F102).
            CannotFinish: X403, the file cannot be read.
        """
        names = [column.name for column in self.columns if columns is None or column.name in columns]
        first = 0
        for number, rows in enumerate(self.row_groups):
            if stop is not None and first >= stop:
                return
            if rows and first + rows > start:
                yield from self._group(number, first, names)
            first += rows

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Yield the rows from place `start` in the file up to `stop`.

        Raises:
            FormatError: this is a derived manifest; damaged; over a limit.
        """
        for values in self._tuples(MANIFEST_TYPE, start, stop):
            yield Row(*values)

    def derived_rows(self, start: int = 0, stop: int | None = None) -> Iterator[DerivedRow]:
        """Yield the rows of a derived manifest from place `start` in the file up to `stop`.

        Raises:
            FormatError: this is not a derived manifest; damaged; over a limit.
        """
        for values in self._tuples(DERIVED_TYPE, start, stop):
            yield DerivedRow(*values)

    def _tuples(self, kind: str, start: int, stop: int | None) -> Iterator[tuple[Any, ...]]:
        if self.format != kind:
            raise FormatError(f"{self._place} evidencekit.format", expected=kind, found=self.format)
        end = self.rows_count if stop is None else min(stop, self.rows_count)
        if start >= end:
            return
        texts = [column.name for column in self.columns if column.text]
        for first, batch in self.batches(start=start):
            for name in texts:
                batch[name] = [None if text is None else text.decode(errors="replace") for text in batch[name]]
            for place, values in enumerate(zip(*batch.values(), strict=True), start=first):
                if place >= start:
                    yield values
                if place + 1 == end:  # before the next row group is looked at
                    return

    def _group(self, number: int, first: int, names: list[str]) -> Iterator[tuple[int, Columns]]:
        """Yield one row group in batches, its pages checked before the library sees them."""
        place = f"{self._place} row group {number}"
        rows = self.row_groups[number]
        most = MAX_GROUP_BYTES if self._most is None else self._most
        with _only_ours(place):
            shared = self._check_pages(number, names, most, place)
            if shared not in self._readers:
                self._readers[shared] = _open(self._file, list(shared))
            reader = self._readers[shared]
            found = logical = 0
            for batch in reader.iter_batches(BATCH, row_groups=[number], columns=names, use_threads=False):
                columns = {name: column_values(batch.column(name)) for name in names}
                for name in shared:  # a word of a dictionary may stand in many rows
                    logical += sum(map(len, filter(None, columns.get(name, ()))))
                if logical > most:
                    raise FormatError(place, expected=f"at most {most} bytes", found="more", code="F102")
                yield first + found, columns
                found += batch.num_rows
            if found != rows:
                raise FormatError(place, expected=f"{rows} rows", found=str(found))

    def _check_pages(self, number: int, names: list[str], most: int, place: str) -> tuple[str, ...]:
        """Return which of the columns have dictionaries in a row group, to be kept as such, so that none swells."""
        group = self._meta.row_group(number)
        total, shared = 0, []
        reached = self._end_of_group_before(number)
        for place_in_group, column in enumerate(self.columns):
            meta = group.column(place_in_group)
            start = _start(meta)
            if start < reached:  # the same pages read again and again make a small file endless
                raise FormatError(f"{place} {column.name}", expected=f"pages from byte {reached} on", found=str(start))
            reached = start + meta.total_compressed_size
            if column.name not in names:  # nobody reads it now
                continue
            chunk = Chunk(column.name, start, meta.total_compressed_size, meta.num_values)
            size, has_dictionary = check_chunk(
                self._file, chunk, rows=self.row_groups[number], end=self._end, place=place
            )
            total += size
            if has_dictionary and column.physical == BYTES:
                shared.append(column.name)
        if total > most:
            raise FormatError(place, expected=f"at most {most} bytes", found=str(total), code="F102")
        return tuple(shared)

    def _end_of_group_before(self, number: int) -> int:
        """Return the offset behind the last column of the row group that comes before, if any has rows."""
        before = next((other for other in range(number - 1, -1, -1) if self.row_groups[other]), None)
        if before is None:
            return 0
        last = self._meta.row_group(before).column(len(self.columns) - 1)
        return _start(last) + int(last.total_compressed_size)


def _start(meta: Any) -> int:
    """Return the offset of a column's first page, as the library finds it."""
    start, dictionary = int(meta.data_page_offset), meta.dictionary_page_offset
    return int(dictionary) if dictionary is not None and 0 < dictionary < start else start


def _open(file: BinaryIO, shared: list[str] | None = None) -> Any:
    import pyarrow as pa  # noqa: PLC0415 (0.2 s, and not needed to verify one proof)
    import pyarrow.parquet as pq  # noqa: PLC0415

    return pq.ParquetFile(
        pa.PythonFile(file, mode="r"),
        read_dictionary=shared,
        page_checksum_verification=True,
        pre_buffer=False,
        arrow_extensions_enabled=False,
    )


def _text(keys: dict[bytes, bytes], key: bytes, place: str) -> bytes:
    if key not in keys:
        raise FormatError(f"{place} {key.decode()}", expected="this metadata", found="nothing")
    return bytes(keys[key])


def _group_sizes(meta: Any, place: str) -> tuple[int, ...]:
    sizes = tuple(meta.row_group(number).num_rows for number in range(meta.num_row_groups))
    for number, rows in enumerate(sizes):
        if rows > MAX_GROUP_ROWS:
            where = f"{place} row group {number}"
            raise FormatError(where, expected=f"at most {MAX_GROUP_ROWS} rows", found=str(rows), code="F102")
        if rows < 0:
            raise FormatError(f"{place} row group {number}", expected="a number of rows", found=str(rows))
    if meta.num_rows != sum(sizes):
        raise FormatError(place, expected=f"{sum(sizes)} rows in the footer", found=str(meta.num_rows))
    return sizes


@contextmanager
def _only_ours(place: str) -> Iterator[None]:
    """Turn whatever a library says about hostile bytes into a FormatError; the disk's own errors into CannotFinish."""
    try:
        yield
    except (FormatError, CannotFinish):
        raise
    except OSError as error:
        if error.errno is not None:  # pyarrow's own have none
            raise CannotFinish(f"{place} cannot be read: {error.strerror}.", code="X403", path=place) from error
        raise FormatError(place, expected="a sound Parquet file", found=_first_line(error)) from error
    except Exception as error:  # pyarrow raises most of the built-in ones
        raise FormatError(place, expected="a sound Parquet file", found=_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {display(text)}"[:200]  # the library may quote the file
