"""One open, one pass, every digest: the content of a file, read once while both stats are taken.

Promises: the digests are of the bytes that were read, in order; what could not be read counts as zeros and is named by
its exact ranges, found by reading again block by block; memory does not depend on the size.
Source: specs/manifest.md sections 3 and 5; block sizes and the helper thread: what was measured, in benchmarks/.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any

from blake3 import blake3

from evidencekit.read.handles import same
from evidencekit.read.problem import Problem, problem_of

Preadv = Callable[[int, Sequence[memoryview], int], int]
"""`(handle, buffers, offset)` to the number of bytes read, 0 at the end: `os.preadv`."""

ALWAYS = ("blake3", "sha256")
SMALL_BLOCK = 1 << 20
LARGE_BLOCK = 8 << 20
LARGE_FILE = 32 << 20
"""From here on SHA-256 runs in a thread of its own; below, handing the interpreter over costs more than it gives."""
_BUFFERS = 3
_FILE_STEP = 4096
_DEVICE_STEP = 512


@dataclass(slots=True)
class Reading:
    """What one pass over a file gave."""

    digests: dict[str, bytes]
    """By name. With `unreadable`, of the content in which those ranges are zeros."""
    size: int
    """Bytes as read, unreadable ones included."""
    before: os.stat_result
    after: os.stat_result
    stated: int
    """Bytes as the file system says after the reading (for a device, before it)."""
    unreadable: list[tuple[int, int]]
    """`(offset, length)`, ascending, not touching."""
    problem: Problem | None
    """The first error, where something was unreadable."""

    @property
    def state(self) -> str:
        """`complete`, `changed`, `partial` or `not_read`: specs/manifest.md section 5.

        A file that gave another number of bytes than it said counts as changed. Where errors left nothing that was
        read, or came behind the end that the file system stated, nothing can be said about the content: not read.
        """
        if self.problem is not None:
            lost = sum(length for _, length in self.unreadable)
            return "partial" if 0 < lost < self.size else "not_read"
        return "complete" if self.size == self.stated and same(self.before, self.after) else "changed"


def _preadv_by_pread(handle: int, buffers: Sequence[memoryview], offset: int) -> int:
    """Stand in for os.preadv where the system has none."""
    data = os.pread(handle, len(buffers[0]), offset)
    buffers[0][: len(data)] = data
    return len(data)


PREADV: Preadv = getattr(os, "preadv", _preadv_by_pread)


class Reader:
    """Reads many files one after the other with the same buffers. Not for two threads at once."""

    def __init__(self, digests: Sequence[str] = ALWAYS, *, preadv: Preadv = PREADV) -> None:
        """Take the digests wanted beside SHA-256 and BLAKE3 (`md5 sha1 sha512 sha3_256`), and the reading call."""
        self._others = sorted(set(digests) - set(ALWAYS))
        self._preadv = preadv
        self._small = memoryview(bytearray(SMALL_BLOCK))
        self._large: list[memoryview] = []

    def read(
        self,
        handle: int,
        on_block: Callable[[int], None] | None = None,
        before: os.stat_result | None = None,
    ) -> Reading:
        """Return digests, size and both stats of an open file or device; the handle stays open.

        `on_block` hears the size of each block of a large file, so that somebody can be shown that it goes on;
        `before` is the fstat from right after it was opened, if that was taken.

        Raises:
            OSError: its stat cannot be taken.
        """
        if before is None:
            before = os.fstat(handle)
        if before.st_size < SMALL_BLOCK and not self._others and stat.S_ISREG(before.st_mode):
            reading = self._read_at_once(handle, before)
            if reading is not None:
                return reading
        media = _Media(handle, before, self._preadv)
        others = {name: hashlib.new(name, usedforsecurity=False) for name in self._others}
        if media.stated >= LARGE_FILE:
            sha, blake = self._read_large(media, others, on_block)
        else:
            sha, blake = self._read_small(media, others)
        digests = {"blake3": blake, "sha256": sha}
        for name, hasher in others.items():
            digests[name] = hasher.digest()
        after = os.fstat(handle)
        stated = after.st_size if stat.S_ISREG(after.st_mode) else media.stated
        return Reading(digests, media.offset, before, after, stated, media.unreadable, media.problem)

    def _read_at_once(self, handle: int, before: os.stat_result) -> Reading | None:
        """Read a small file in two calls, the second to see its end; None where it is not that simple."""
        buffer = self._small
        try:
            size = self._preadv(handle, (buffer,), 0)
            if size == SMALL_BLOCK or self._preadv(handle, (buffer[size:],), size):
                return None
        except OSError:
            return None
        data = buffer[:size]
        digests = {"blake3": blake3(data).digest(), "sha256": hashlib.sha256(data).digest()}
        after = os.fstat(handle)
        return Reading(digests, size, before, after, after.st_size, [], None)

    def _read_small(self, media: _Media, others: dict[str, Any]) -> tuple[bytes, bytes]:
        buffer = self._small
        size = media.fill(buffer)
        data = buffer[:size]
        sha, blake = hashlib.sha256(data), blake3(data)
        for hasher in others.values():
            hasher.update(data)
        while size:
            size = media.fill(buffer)
            data = buffer[:size]
            sha.update(data)
            blake.update(data)
            for hasher in others.values():
                hasher.update(data)
        return sha.digest(), blake.digest()

    def _read_large(
        self, media: _Media, others: dict[str, Any], on_block: Callable[[int], None] | None
    ) -> tuple[bytes, bytes]:
        """Read and do BLAKE3 here while a helper does SHA-256 over the same buffers."""
        if not self._large:
            self._large = [memoryview(bytearray(LARGE_BLOCK)) for _ in range(_BUFFERS)]
        free: SimpleQueue[memoryview] = SimpleQueue()
        full: SimpleQueue[tuple[memoryview, int] | None] = SimpleQueue()
        for buffer in self._large:
            free.put(buffer)
        sha, blake = hashlib.sha256(), blake3()

        def follow() -> None:
            while (item := full.get()) is not None:
                sha.update(item[0][: item[1]])
                free.put(item[0])

        helper = Thread(target=follow, name="sha256", daemon=True)
        helper.start()
        try:
            # A buffer comes back from the helper at the earliest while BLAKE3 reads it here, and is not filled before.
            while size := media.fill(buffer := free.get()):
                full.put((buffer, size))
                data = buffer[:size]
                blake.update(data)
                for hasher in others.values():
                    hasher.update(data)
                if on_block is not None:
                    on_block(size)
        finally:
            full.put(None)
            helper.join()
        return sha.digest(), blake.digest()


class _Media:
    """A file read in order, over its bad places."""

    __slots__ = ("_handle", "_preadv", "_step", "offset", "problem", "stated", "unreadable")

    def __init__(self, handle: int, status: os.stat_result, preadv: Preadv) -> None:
        self._handle = handle
        self._preadv = preadv
        device = stat.S_ISBLK(status.st_mode)
        self._step = _DEVICE_STEP if device else _FILE_STEP
        self.stated = os.lseek(handle, 0, os.SEEK_END) if device else status.st_size
        self.offset = 0
        self.unreadable: list[tuple[int, int]] = []
        self.problem: Problem | None = None

    def fill(self, buffer: memoryview) -> int:
        """Read on into `buffer`: the number of bytes there now, 0 at the end."""
        try:
            size = self._preadv(self._handle, (buffer,), self.offset)
        except OSError as error:
            size = self._fill_over(buffer, error)
        self.offset += size
        return size

    def _fill_over(self, buffer: memoryview, error: OSError) -> int:
        """After an error: the same stretch again, block by block; what fails again is zeros.

        Source: specs/manifest.md section 5, last paragraph.
        """
        problem = problem_of(error)
        self.problem = self.problem or problem
        # A medium ends where it said, and only its own errors are a matter of places on it.
        end = min(self.offset + len(buffer), self.stated)
        place = self.offset
        while place < end:
            until = min(end, place - place % self._step + self._step) if problem.reason == "io_error" else end
            part = buffer[place - self.offset : until - self.offset]
            try:
                size = self._preadv(self._handle, (part,), place)
            except OSError:
                size = self._give_up(part, place)
            if size == 0:
                break  # it became shorter
            place += size
        return place - self.offset

    def _give_up(self, part: memoryview, place: int) -> int:
        """Count `part` as zeros, and name its range."""
        length = len(part)
        part[:] = bytes(length)
        if self.unreadable and sum(self.unreadable[-1]) == place:
            self.unreadable[-1] = (self.unreadable[-1][0], self.unreadable[-1][1] + length)
        else:
            self.unreadable.append((place, length))
        return length
