"""An open file or device read in order: over its holes, over its bad places, up to where it was lost.

Promises: each byte up to the end comes once, in order; what could not be read comes as zeros and is named by its exact
range; a medium that is gone costs a few calls, not one for each of its blocks; holes cost no reading.
Source: specs/manifest.md section 5, last paragraph; lseek(2) for holes; block/blk-core.c of Linux for what errors mean.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence

from evidencekit.read.blockdevice import is_unlisted
from evidencekit.read.extents import each_hole
from evidencekit.read.problem import Problem, problem_of_reading, tells_of_loss

Preadv = Callable[[int, Sequence[memoryview], int], int]
"""`(handle, buffers, offset)` to the number of bytes read, 0 at the end: `os.preadv`."""
Holes = Callable[[int, int], Iterator[tuple[int, int]]]
"""`(handle, size)` to the holes, each `(offset, length)`, ascending: `extents.each_hole`."""
Unlisted = Callable[[int], bool]
"""The number of a device to whether it was taken away: `blockdevice.is_unlisted`."""

LARGE_BLOCK = 8 << 20
ZEROS = memoryview(bytes(LARGE_BLOCK))
"""Never written, so the system gives it no memory of its own."""
_FILE_STEP = 4096
_DEVICE_STEP = 512
_SECTOR = 512
_SPARSE_FROM = 1 << 20
"""Below, reading costs less than asking for holes."""
MAX_GROWTH = 32 << 20
"""Bytes behind the size that a file had when it was opened that are read: a log can grow as fast as it is read."""
_NONE = (sys.maxsize, sys.maxsize)
_CUT_OFF = Problem("io_error", "the device ended before the end that it had stated")


def _preadv_by_pread(handle: int, buffers: Sequence[memoryview], offset: int) -> int:
    """Stand in for os.preadv where the system has none."""
    data = os.pread(handle, len(buffers[0]), offset)
    buffers[0][: len(data)] = data
    return len(data)


PREADV: Preadv = getattr(os, "preadv", _preadv_by_pread)


class Media:
    """A file or block device read in order."""

    __slots__ = (
        "_device", "_end", "_handle", "_holes", "_limit", "_number", "_preadv", "_step", "_unlisted", "_zeros",
        "offset", "problem", "skipped", "stated", "unreadable",
    )  # fmt: skip

    def __init__(
        self,
        handle: int,
        status: os.stat_result,
        *,
        preadv: Preadv = PREADV,
        holes: Holes = each_hole,
        unlisted: Unlisted = is_unlisted,
    ) -> None:
        """Take an open handle and its fstat.

        Raises:
            OSError: the size of a device cannot be asked for.
        """
        self._handle = handle
        self._number = status.st_dev
        self._preadv = preadv
        self._unlisted = unlisted
        self._device = stat.S_ISBLK(status.st_mode)
        self._step = _DEVICE_STEP if self._device else _FILE_STEP
        self.stated = os.lseek(handle, 0, os.SEEK_END) if self._device else status.st_size
        """Where it ends, as the system says."""
        self.offset = 0
        """Where it is read next."""
        self.unreadable: list[tuple[int, int]] = []
        """`(offset, length)`, ascending, not touching."""
        self.problem: Problem | None = None
        """Why the first of them was unreadable; or an error behind the stated end."""
        self.skipped: list[tuple[int, int]] = []
        """`(start, length)` in the block that was filled last: zeros that nobody read, holes or lost for good."""
        self._end = sys.maxsize
        self._limit = sys.maxsize if self._device else self.stated + MAX_GROWTH
        sparse = not self._device and status.st_blocks * _SECTOR < self.stated and self.stated >= _SPARSE_FROM
        self._holes = holes(handle, self.stated) if sparse else iter(())
        self._zeros = self._next_hole()
        """The next stretch `(start, end)` that is not read."""

    def fill(self, buffer: memoryview) -> memoryview:
        """Read on: return the next bytes, fewer than `buffer` holds just before the end, none at the end.

        They lie in `buffer`, or in a block of zeros that is shared: to be read only, and used before the next call.
        """
        self.skipped = []
        size = 0
        while size < len(buffer) and self.offset < self._end and self.offset < self._limit:
            start, end = self._zeros
            if self.offset < start:
                length = self._read(buffer[size : size + start - self.offset])
            elif self.offset < end:
                length = min(end - self.offset, len(buffer) - size, len(ZEROS))
                self.skipped.append((size, length))
                if length == len(buffer):  # the middle of a large hole: nothing to copy
                    self.offset += length
                    return ZEROS[:length]
                buffer[size : size + length] = ZEROS[:length]
            else:
                self._zeros = self._next_hole()
                continue
            size += length
            self.offset += length
        return buffer[:size]

    # --- holes -----------------------------------------------------------------------------------------------------

    def _next_hole(self) -> tuple[int, int]:
        """Return the next hole, if it is believed: after one that is not, the file system is not asked again."""
        try:
            start, length = next(self._holes, (0, 0))
        except OSError:
            start = length = 0
        end = start + length
        if length and self._reads_as_zeros(start, end) and self._reads_as_zeros(max(start, end - self._step), end):
            return start, end
        self._holes = iter(())
        return _NONE

    def _reads_as_zeros(self, place: int, end: int) -> bool:
        """Look at one block of what is said to be a hole.

        File systems were wrong about holes before (openzfs/zfs issue 15526), others say so of what they cannot read;
        and a file may have become shorter.
        """
        block = bytearray(min(self._step, end - place))
        try:
            return self._call(memoryview(block), place) > 0 and block == bytes(len(block))
        except OSError:
            return False

    # --- errors ----------------------------------------------------------------------------------------------------

    def _call(self, part: memoryview, place: int) -> int:
        while True:
            try:
                return self._preadv(self._handle, (part,), place)
            except InterruptedError:
                continue  # as Python itself does; whoever wants to stop it raises in the handler of the signal

    def _read(self, part: memoryview) -> int:
        """Read on into `part`: the number of bytes there now; with 0 the end has been set."""
        try:
            size = self._call(part, self.offset)
        except OSError as error:
            size = self._read_over(part, error)
        if size == 0:
            self._stop()
        return size

    def _stop(self) -> None:
        """Nothing comes any more: a file ends where it ends, but a device that was pulled out reads as if it ended."""
        if self._end < sys.maxsize:
            return  # it was lost
        if self._device and self.offset < self.stated:
            self._lose(_CUT_OFF)
        else:
            self._end = self.offset

    def _read_over(self, part: memoryview, error: OSError) -> int:
        """After an error: the same stretch again, block by block; what fails again is zeros."""
        problem = problem_of_reading(error)
        # A medium ends where it said, and only its own errors are a matter of places on it.
        end = min(self.offset + len(part), self.stated)
        if self.offset >= end:
            self.problem = self.problem or problem
            return 0
        if (tells_of_loss(error) or self._is_taken_away()) and not self._is_there(end):
            self._lose(problem)
            return 0
        place = self.offset
        while place < end:
            until = min(end, place - place % self._step + self._step) if problem.reason == "io_error" else end
            block = part[place - self.offset : until - self.offset]
            try:
                size = self._call(block, place)
            except OSError:
                size = len(block)
                block[:] = ZEROS[:size]
                self._name(place, size, problem)
            if size == 0:
                break  # it became shorter
            place += size
        return place - self.offset

    def _is_taken_away(self) -> bool:
        """Tell whether the device is gone: what was pulled out often speaks of plain errors, one for each block."""
        try:
            if self._device:  # then Linux says that it has no size any more
                return os.lseek(self._handle, 0, os.SEEK_END) < self.stated
            return self._unlisted(self._number)
        except OSError:
            return True

    def _is_there(self, end: int) -> bool:
        """Tell a blip from a loss: once more where it failed, and once where the next block would be."""
        part = memoryview(bytearray(self._step))
        for place in (self.offset, end):
            try:
                if place < self.stated and self._call(part[: self.stated - place], place):
                    return True
            except OSError:
                continue
        return False

    def _lose(self, problem: Problem) -> None:
        """Count everything up to the stated end as unreadable, without trying; nothing else is looked for."""
        nothing_read = sum(length for _, length in self.unreadable) == self.offset
        self._name(self.offset, self.stated - self.offset, problem)
        self._zeros = (self.offset, self.stated)
        # Nobody asks for the digests of zeros alone, which for a large medium take hours.
        self._end = self.offset if nothing_read else self.stated

    def _name(self, place: int, length: int, problem: Problem) -> None:
        """Name an unreadable range."""
        self.problem = self.problem or problem
        if self.unreadable and sum(self.unreadable[-1]) == place:
            place, before = self.unreadable.pop()
            length += before
        self.unreadable.append((place, length))
