"""One open, one pass, every digest: the content of a file, read once while both stats are taken.

Promises: the digests are of the bytes that were read, in order; what could not be read counts as zeros and is named by
its exact ranges, found by reading again block by block; memory does not depend on the size.
Source: specs/manifest.md sections 3 and 5; block sizes and the helper thread: what was measured, in benchmarks/.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from blake3 import blake3

from evidencekit.read.blockdevice import is_unlisted
from evidencekit.read.extents import each_hole
from evidencekit.read.handles import same
from evidencekit.read.media import LARGE_BLOCK, PREADV, Holes, Media, Preadv, Unlisted
from evidencekit.read.problem import Problem, problem_of_reading, tells_of_loss

ALWAYS = ("blake3", "sha256")
SMALL_BLOCK = 1 << 20
LARGE_FILE = 32 << 20
"""From here on SHA-256 runs in a thread of its own; below, handing the interpreter over costs more than it gives."""
_BUFFERS = 3
_PROBE = 512


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


class Sink(Protocol):
    """Takes the content as it is read, in order and without gaps: a copy, for example."""

    def write(self, data: memoryview) -> None:
        """Take bytes, unreadable ones as zeros. They are gone when this returns: the buffer is used again."""

    def skip(self, length: int) -> None:
        """Take so many zeros that nobody read: a hole, or the rest of a medium that was lost."""


class Reader:
    """Reads many files one after the other with the same buffers. Not for two threads at once."""

    def __init__(
        self,
        digests: Sequence[str] = ALWAYS,
        *,
        preadv: Preadv = PREADV,
        holes: Holes = each_hole,
        unlisted: Unlisted = is_unlisted,
    ) -> None:
        """Take the digests wanted beside SHA-256 and BLAKE3 (`md5 sha1 sha512 sha3_256`), and what asks the system."""
        self._others = sorted(set(digests) - set(ALWAYS))
        self._preadv = preadv
        self._holes = holes
        self._unlisted = unlisted
        self._small = memoryview(bytearray(SMALL_BLOCK))
        self._large: list[memoryview] = []

    def read(
        self,
        handle: int,
        on_block: Callable[[int], None] | None = None,
        before: os.stat_result | None = None,
        sink: Sink | None = None,
    ) -> Reading:
        """Return digests, size and both stats of an open file or device; the handle stays open.

        `on_block` hears the size of each block of a large file, so that somebody can be shown that it goes on;
        `before` is the fstat from right after it was opened, if that was taken; `sink` is given what is hashed.

        Raises:
            OSError: its stat, or the size of a device, cannot be taken.
            EvidenceError: what the sink raises.
        """
        if before is None:
            before = os.fstat(handle)
        if before.st_size < SMALL_BLOCK and not self._others and stat.S_ISREG(before.st_mode):
            reading = self._read_at_once(handle, before, sink)
            if reading is not None:
                return reading
        media = Media(handle, before, preadv=self._preadv, holes=self._holes, unlisted=self._unlisted)
        others = {name: hashlib.new(name, usedforsecurity=False) for name in self._others}
        if media.stated >= LARGE_FILE:
            sha, blake = self._read_large(media, others, on_block, sink)
        else:
            sha, blake = self._read_small(media, others, sink)
        digests = {"blake3": blake, "sha256": sha}
        for name, hasher in others.items():
            digests[name] = hasher.digest()
        try:
            after = os.fstat(handle)
        except OSError as error:  # a server that forgot the file: nobody can say any more whether it changed
            after, media.problem = before, media.problem or problem_of_reading(error)
        stated = after.st_size if stat.S_ISREG(after.st_mode) else media.stated
        return Reading(digests, media.offset, before, after, stated, media.unreadable, media.problem)

    def probe(self, handle: int, ranges: Iterable[tuple[int, int]]) -> bool:
        """Tell whether anything of these ranges `(offset, length)` can be read now; of each a few places are tried."""
        for offset, length in ranges:
            block = memoryview(bytearray(min(length, _PROBE)))
            room = length - len(block)
            for place in sorted({offset, offset + room // 2, offset + room}):
                try:
                    if self._preadv(handle, (block,), place):
                        return True
                except OSError as error:
                    if tells_of_loss(error):
                        return False
        return False

    def at_once(self, handle: int, stated: int) -> tuple[memoryview, os.stat_result] | None:
        """Return the whole content of a small file, and its fstat after the reading; None where it is not that simple.

        One call reads it, and one more sees its end where it is not as long as `stated` (bytes). The content lies in a
        buffer that the next reading uses again.
        """
        buffer = self._small
        try:
            size = self._preadv(handle, (buffer,), 0)
            if size == SMALL_BLOCK or (size != stated and self._preadv(handle, (buffer[size:],), size)):
                return None
            return buffer[:size], os.fstat(handle)
        except OSError:
            return None

    def _read_at_once(self, handle: int, before: os.stat_result, sink: Sink | None) -> Reading | None:
        found = self.at_once(handle, before.st_size)
        if found is None:
            return None
        data, after = found
        digests = {"blake3": blake3(data).digest(), "sha256": hashlib.sha256(data).digest()}
        if sink is not None:
            sink.write(data.toreadonly())
        return Reading(digests, len(data), before, after, after.st_size, [], None)

    def _read_small(self, media: Media, others: dict[str, Any], sink: Sink | None) -> tuple[bytes, bytes]:
        data = media.fill(self._small)
        sha, blake = hashlib.sha256(data), blake3(data)
        while data:
            for hasher in others.values():
                hasher.update(data)
            if sink is not None:
                _give(sink, data, media.skipped)
            data = media.fill(self._small)
            sha.update(data)
            blake.update(data)
        return sha.digest(), blake.digest()

    def _read_large(
        self, media: Media, others: dict[str, Any], on_block: Callable[[int], None] | None, sink: Sink | None
    ) -> tuple[bytes, bytes]:
        """Read and do BLAKE3 here while a helper does SHA-256 over the same buffers."""
        if not self._large:
            self._large = [memoryview(bytearray(LARGE_BLOCK)) for _ in range(_BUFFERS)]
        free: SimpleQueue[memoryview] = SimpleQueue()
        full: SimpleQueue[tuple[memoryview, memoryview] | None] = SimpleQueue()
        for buffer in self._large:
            free.put(buffer)
        sha, blake = hashlib.sha256(), blake3()

        def follow() -> None:
            while (item := full.get()) is not None:
                buffer, data = item
                sha.update(data)
                free.put(buffer)

        helper = Thread(target=follow, name="sha256", daemon=True)
        helper.start()
        try:
            # A buffer comes back from the helper at the earliest while it is used here, and is not filled before.
            while data := media.fill(buffer := free.get()):
                full.put((buffer, data))
                blake.update(data)
                for hasher in others.values():
                    hasher.update(data)
                if sink is not None:
                    _give(sink, data, media.skipped)
                if on_block is not None:
                    on_block(len(data))
        finally:
            full.put(None)
            helper.join()
        return sha.digest(), blake.digest()


def _give(sink: Sink, data: memoryview, skipped: list[tuple[int, int]]) -> None:
    """Hand a block to a sink: what was read, and how much between was not."""
    data = data.toreadonly()
    place = 0
    for start, length in skipped:
        if place < start:
            sink.write(data[place:start])
        sink.skip(length)
        place = start + length
    if place < len(data):
        sink.write(data[place:])
