"""Entries of a zip, looked at where they lie: their number, sizes and growth are bounded, nothing goes to disk.

Promises: the list of entries is looked at before it is read, so it is small; an entry has at most the bytes that it
says; whatever the bytes are, the answer is entries or a `NotRead`.
Source: specs/cooperation.md section 8.1; PKWARE APPNOTE 6.3.10, section 4.3.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from evidencekit.core.values import display
from evidencekit.read.returned_values import NotRead, Reason

MAX_ENTRIES = 10_000
MAX_LIST = 4 << 20
"""Bytes of the list of entries."""
MAX_GROWTH = 200
"""Times that an entry may be larger than it is in the archive, from 1 MiB on."""
_SMALL = 1 << 20
_END = struct.Struct("<4sHHHHIIH")
_COMMENT = 1 << 16
_LOCATOR = 20
_ENCRYPTED = 1
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(OverflowError, RuntimeError, ValueError),
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file in an archive."""

    name: str
    """As people see it."""
    size: int
    """Bytes, unpacked."""
    reason: Reason | None
    """Why it is not read; None where it may be."""
    open: Callable[[], BinaryIO]
    """Opens it; whoever reads it does so in `damage`."""


def entries_of(file: BinaryIO, size: int) -> Iterator[ArchiveEntry]:
    """Yield the files of a zip of `size` bytes.

    Raises:
        NotRead: `damaged`; `entries`: too many.
    """
    _refuse_long_list(file, size)
    with damage():
        archive = zipfile.ZipFile(file)
    with archive:
        if len(archive.infolist()) > MAX_ENTRIES:  # the end record may say fewer than the list has
            raise NotRead("entries")
        for entry in archive.infolist():
            if not entry.filename.endswith("/"):
                yield ArchiveEntry(display(entry.filename), entry.file_size, _reason(entry), _opening(archive, entry))


@contextmanager
def damage() -> Iterator[None]:
    """Turn whatever reading an archive raises into a NotRead."""
    try:
        yield
    except _DAMAGE as error:
        raise NotRead("damaged") from error


def _opening(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        with damage():
            return cast(BinaryIO, archive.open(entry))

    return opened


def _reason(entry: zipfile.ZipInfo) -> Reason | None:
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted"
    if entry.compress_type not in _METHODS:
        return "method"
    if entry.file_size > max(_SMALL, entry.compress_size * MAX_GROWTH):
        return "swells"
    return None


def _refuse_long_list(file: BinaryIO, size: int) -> None:
    """Refuse what would make the module read a long list into memory: the end record says how long it is."""
    first = max(0, size - _END.size - _COMMENT)
    start = max(0, first - _LOCATOR)  # a locator of ZIP64 may stand before the first place where the module looks
    file.seek(start)
    tail = file.read(_LOCATOR + _END.size + _COMMENT)
    at = len(tail) - _END.size
    if not (at >= 0 and tail.startswith(b"PK\5\6", at) and tail.endswith(b"\0\0")):  # as the module looks for it
        at = tail.rfind(b"PK\5\6", first - start)
    if at < 0 or len(tail) - at < _END.size:
        raise NotRead("damaged")
    _, _, _, _, count, length, _, _ = _END.unpack_from(tail, at)
    has_zip64 = tail[max(0, at - _LOCATOR) : at].startswith(b"PK\6\7")
    if has_zip64 or count > MAX_ENTRIES or length > MAX_LIST:
        raise NotRead("entries")
    file.seek(0)
