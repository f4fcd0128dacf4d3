"""What an open file tells beside its bytes and its stat: holes, birth time, named attributes.

Promises: only reads; what a system or file system does not know is absent, never guessed.
Source: specs/manifest.md section 4 (`holes`, `btime_ns`, `attributes`); statx(2), lseek(2).
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

MAX_HOLES = 1 << 20
"""Holes of one file that are listed."""

_AT_SYMLINK_NOFOLLOW = 0x100
_AT_EMPTY_PATH = 0x1000
_AT_STATX_DONT_SYNC = 0x4000
_STATX_BTIME = 0x800
_STATX_SIZE = 256
# stx_mask, stx_attributes, then at 80 the seconds and nanoseconds of stx_btime.
_FIELDS = struct.Struct("=I4xQ64xqI")
_NAMES = {
    0x4: "compressed",
    0x10: "immutable",
    0x20: "append_only",
    0x40: "no_dump",
    0x800: "encrypted",
    0x100000: "verity",
}
_NAMED = sum(_NAMES)


class Extras(NamedTuple):
    """What statx adds to stat."""

    btime_ns: int | None = None
    attributes: tuple[str, ...] = ()
    """Sorted names."""


_NOTHING = Extras()


def extras_reader() -> Callable[[int, bytes], Extras]:
    """Return a function of `(handle, name)`: of the handle itself where name is empty, else of a name in that folder.

    Where the system has no statx, it knows nothing.
    """
    if sys.platform != "linux":
        return lambda _handle, _name: _NOTHING
    import ctypes  # noqa: PLC0415 (only who walks a source needs it)

    function: Any = getattr(ctypes.CDLL(None), "statx", None)
    if function is None:
        return lambda _handle, _name: _NOTHING
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    place = ctypes.c_void_p(ctypes.addressof(buffer))  # made here once, it costs half as much as converting each time
    flags = _AT_SYMLINK_NOFOLLOW | _AT_EMPTY_PATH | _AT_STATX_DONT_SYNC

    def read(handle: int, name: bytes) -> Extras:
        if function(handle, name, flags, _STATX_BTIME, place) != 0:
            return _NOTHING
        mask, attributes, seconds, fraction = _FIELDS.unpack_from(buffer)
        names = () if not attributes & _NAMED else tuple(sorted(n for bit, n in _NAMES.items() if attributes & bit))
        return Extras(seconds * 1_000_000_000 + fraction if mask & _STATX_BTIME else None, names)

    return read


def holes(handle: int, size: int, *, limit: int = MAX_HOLES) -> list[tuple[int, int]]:
    """Return the holes of an open file as `(offset, length)`, ascending; none where the file system does not tell.

    Raises:
        OSError: it could not be asked; E2BIG, there are more than `limit`.
    """
    found: list[tuple[int, int]] = []
    for hole in each_hole(handle, size):
        found.append(hole)
        if len(found) > limit:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    return found


def each_hole(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the holes of an open file of `size` bytes as `(offset, length)`, each asked for when its turn comes.

    What it yields ascends and ends at `size`, whatever the file system says.

    Raises:
        OSError: it could not be asked.
    """
    if not hasattr(os, "SEEK_HOLE"):
        return
    end = 0
    while end < size:
        start = _seek(handle, end, os.SEEK_HOLE, size)
        if not end <= start < size:  # the end of a file counts as a hole, and is none
            return
        end = min(_seek(handle, start, os.SEEK_DATA, size), size)
        if end <= start:
            return
        yield start, end - start


def _seek(handle: int, start: int, whence: int, size: int) -> int:
    try:
        return os.lseek(handle, start, whence)
    except OSError as error:
        if error.errno in {errno.ENXIO, errno.EINVAL}:  # nothing more behind this place; not offered
            return size
        raise
