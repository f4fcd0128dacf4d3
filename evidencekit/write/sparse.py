"""A file copied with its holes: what takes no space on one medium takes none on the other.

Source: lseek(2) (SEEK_DATA, SEEK_HOLE).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from evidencekit.write.appended import Appended
from evidencekit.write.reread import cannot_read, open_plain

_BLOCK = 1 << 20
_ZEROS = bytes(_BLOCK)


def copy_sparse(source: Path, path: Path) -> tuple[bytes, int]:
    """Copy a plain file to a new one, which is not synced; return the SHA-256 of what was read, and its size.

    Raises:
        Refused: R501, the name is taken.
        CannotFinish: X403 the source cannot be read; X421 no space, X422 not allowed, X423 another error, X427
            too large.
    """
    hasher = hashlib.sha256()
    try:
        handle = open_plain(source)
        try:
            status = os.fstat(handle)
            with contextlib.closing(Appended(path, mode=status.st_mode & 0o777)) as copy:
                for length, is_hole in _stretches(handle, status.st_size):
                    if is_hole:
                        copy.skip(length)
                    for data in _zeros(length) if is_hole else _read(handle, length):
                        hasher.update(data)
                        if not is_hole:
                            copy.append(data)
                return hasher.digest(), copy.size
        finally:
            os.close(handle)
    except OSError as error:
        raise cannot_read(source, error) from error


def _stretches(handle: int, size: int) -> Iterator[tuple[int, bool]]:
    """Yield the length of each stretch of a file, and whether it is a hole; the handle stands at its beginning then."""
    end = 0
    while end < size:
        start, after = _next_data(handle, end, size)
        if start > end:
            yield start - end, True
        if after > start:
            os.lseek(handle, start, os.SEEK_SET)
            yield after - start, False
        end = after


def _next_data(handle: int, at: int, size: int) -> tuple[int, int]:
    """Return where the next data begin and end; where the system does not tell, all is data."""
    if not hasattr(os, "SEEK_DATA"):
        return at, size
    try:
        start = min(os.lseek(handle, at, os.SEEK_DATA), size)
        return start, min(os.lseek(handle, start, os.SEEK_HOLE), size)
    except OSError as error:
        if error.errno == errno.ENXIO:  # no more data
            return size, size
        if error.errno == errno.EINVAL:
            return at, size
        raise


def _read(handle: int, length: int) -> Iterator[bytes]:
    while length:
        data = os.read(handle, min(length, _BLOCK))
        if not data:
            raise OSError(errno.EIO, "it became shorter while it was read")
        length -= len(data)
        yield data


def _zeros(length: int) -> Iterator[bytes]:
    for start in range(0, length, _BLOCK):
        yield _ZEROS[: length - start]
