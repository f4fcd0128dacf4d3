"""A file of which no byte is read twice: for whoever looks at a few places of a large file again and again.

Promise: it reads as the file itself does; memory holds what was read, at most 64 MiB of it.
"""

from __future__ import annotations

import io
from typing import Any, Protocol

from evidencekit.read.offsets import ByOffsets

_PIECE = 4096
_MOST = (64 << 20) // _PIECE


class Unbuffered(Protocol):
    """What is asked of the file underneath."""

    def read(self, size: int, /) -> bytes: ...  # noqa: D102
    def seek(self, offset: int, whence: int, /) -> int: ...  # noqa: D102


class ReadOnce(ByOffsets):
    """A plain file that keeps what was read of it, in pieces of 4 KiB. Closing it leaves the file open."""

    def __init__(self, file: Unbuffered) -> None:
        """Take an open file without a buffer of its own.

        Raises:
            OSError: its size cannot be found.
        """
        super().__init__(file.seek(0, io.SEEK_END))
        self._file = file
        self._pieces: dict[int, bytes] = {}

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the file goes; return the number of bytes.

        Raises:
            OSError: the file cannot be read, or has become shorter.
        """
        view = memoryview(buffer).cast("B")
        stop = min(self._at + len(view), self._end)
        if stop <= self._at:
            return 0
        first, last = self._at // _PIECE, (stop - 1) // _PIECE
        data = self._stretch(first, last)
        length = stop - self._at
        skip = self._at - first * _PIECE
        view[:length] = data[skip : skip + length]
        self._at = stop
        return length

    def _stretch(self, first: int, last: int) -> bytes:
        """Return the pieces from `first` to `last`, both with it, in one."""
        if last - first >= _MOST:  # not to be kept
            return self._read(first, last)
        if len(self._pieces) + last - first >= _MOST:
            self._pieces.clear()
        pieces = self._pieces
        number = first
        while number <= last:
            if number in pieces:
                number += 1
                continue
            end = next((known for known in range(number, last + 1) if known in pieces), last + 1)
            data = self._read(number, end - 1)
            for place in range(number, end):
                pieces[place] = data[(place - number) * _PIECE : (place - number + 1) * _PIECE]
            number = end
        return b"".join(pieces[place] for place in range(first, last + 1))

    def _read(self, first: int, last: int) -> bytes:
        """Read pieces from the file."""
        at, stop = first * _PIECE, min((last + 1) * _PIECE, self._end)
        data = bytearray()
        self._file.seek(at, io.SEEK_SET)
        while len(data) < stop - at:
            more = self._file.read(stop - at - len(data))
            if not more:
                raise OSError("the file has become shorter")
            data += more
        return bytes(data)
