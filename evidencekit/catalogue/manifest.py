"""Rows of a manifest, straight from its file: checked against the digest that its event names, otherwise believed.

Promise: one row group in memory at a time; a file that is not byte for byte the one that was sealed is refused.
Source: specs/manifest.md section 9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from evidencekit.catalogue.record import VERIFY, Sealed
from evidencekit.core import encoding
from evidencekit.core.digest import header_commitment
from evidencekit.core.values import decode_base64, display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.store import Store

BATCH = 8192
_MAX_GROUP_ROWS = 65_536
_MAX_GROUP_BYTES = 1 << 30
_MIB = 1 << 20


@contextmanager
def open_manifest(store: Store, sealed: Sealed, *, whole: bool = True) -> Iterator[Any]:
    """Open a manifest as a `pyarrow.parquet.ParquetFile`; with `whole`, its bytes are hashed first.

    Raises:
        CannotFinish: X402 missing, X403 not readable, X441 not the file that was sealed, X443 not a manifest.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with store.open(sealed.place) as file:
        if whole:
            _check_digest(file, sealed)
        try:
            parquet = pq.ParquetFile(file, page_checksum_verification=True, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(sealed, _first_line(error)) from error
        with parquet:
            yield parquet


def read_header(parquet: Any, sealed: Sealed) -> dict[str, Any]:
    """Return the header, which must be the one that the event commits to.

    Raises:
        CannotFinish: X441 another header, X443 not a manifest.
    """
    metadata = parquet.metadata.metadata or {}
    try:
        data = metadata[b"evidencekit.header"]
        salt = decode_base64(metadata[b"evidencekit.header_salt"].decode())
        header = encoding.decode(data)
    except (KeyError, UnicodeDecodeError, FormatError) as error:
        raise unreadable(sealed, f"its header: {error}") from error
    if header_commitment(salt, data).hex() != sealed.header:
        raise _altered(sealed, "The header of")
    return header


def read_columns(parquet: Any, sealed: Sealed, columns: Sequence[str]) -> Iterator[list[list[Any]]]:
    """Yield the columns asked for, as Python lists of at most `BATCH` values each, in file order.

    Raises:
        CannotFinish: X443, not a manifest, or over the limits of one.
    """
    import pyarrow as pa

    layout = parquet.metadata
    for number in range(layout.num_row_groups):
        group = layout.row_group(number)
        if group.num_rows > _MAX_GROUP_ROWS or group.total_byte_size > _MAX_GROUP_BYTES:
            raise unreadable(sealed, f"row group {number} is over the limits")
    if missing := set(columns) - set(parquet.schema_arrow.names):
        raise unreadable(sealed, f"no column {', '.join(sorted(missing))}")
    try:
        for batch in parquet.iter_batches(batch_size=BATCH, columns=list(columns), use_threads=False):
            yield [batch.column(name).to_pylist() for name in columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(sealed, _first_line(error)) from error


def unreadable(sealed: Sealed, why: str) -> CannotFinish:
    """Return the error of a file that is what was sealed, or claims to be, and is no manifest (X443)."""
    return CannotFinish(
        f"{sealed.place} cannot be read as a manifest: {display(why)}.", code="X443", hint=VERIFY, path=sealed.place
    )


def _check_digest(file: BinaryIO, sealed: Sealed) -> None:
    digest = hashlib.sha256()
    try:
        while block := file.read(_MIB):
            digest.update(block)
    except OSError as error:
        raise CannotFinish(f"{sealed.place} cannot be read: {error.strerror}.", code="X403", path=sealed.place) from error
    if digest.hexdigest() != sealed.file_sha256:
        raise _altered(sealed, "")
    file.seek(0)


def _altered(sealed: Sealed, what: str) -> CannotFinish:
    return CannotFinish(
        f"{what} {sealed.place} is not the one that event {sealed.entry} sealed for {sealed.item}.".lstrip(),
        code="X441",
        hint=f"Nothing was read from it. {VERIFY}",
        path=sealed.place,
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
