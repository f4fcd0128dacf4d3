"""A count of a source before or while it is read: how many files, how many bytes.

Promises: looks and never opens a file; a hard link counts as often as it is listed, since it is read as often; may be
wrong where the source changes, and is used for nothing that is sealed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from threading import Event, Thread

from evidencekit.errors import CannotFinish
from evidencekit.read.blockdevice import block_device
from evidencekit.read.node import Node
from evidencekit.read.tree import walk

_BLOCK = 512
_TELL_EVERY = 1024
_STRETCH = 0.002
_REST = 0.002
"""Seconds of counting in the background, and of leaving the interpreter to the one who reads."""


class Census:
    """The files of a source, counted at once (`count`) or in the background (`with census.counting():`)."""

    def __init__(
        self,
        source: Path | bytes,
        *,
        prune: Callable[[bytes], bool] | None = None,
        wants: Callable[[bytes], bool] | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the source, which folders are not walked, which files are read at all, and a clock (seconds)."""
        self._source = source
        self._prune = prune
        self._wants = wants
        self._elapsed = elapsed
        self._stopped = Event()
        self.files = 0
        self.bytes = 0
        """Sum of the sizes: as many are hashed."""
        self.allocated = 0
        """Sum of what they take up on the medium: less than `bytes` with holes, and where a file system compresses."""
        self.largest = 0
        """Size of the largest file."""
        self.done = False
        """True once everything was counted."""

    def count(self, progress: Callable[[Census], None] | None = None) -> None:
        """Count now; `progress` is called now and then, and may raise to stop.

        Raises:
            CannotFinish: X430 the source is not there, X431 it cannot be looked at, X435 not on this system.
        """
        with contextlib.closing(self._each()) as entries:
            for number in entries:
                if progress is not None and number % _TELL_EVERY == 0:
                    progress(self)

    @contextlib.contextmanager
    def counting(self) -> Iterator[Census]:
        """Count in a thread of its own, until done or left. What stands in its way ends it, and `done` stays False."""
        thread = Thread(target=self._count_in_turn, name="census", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            # Not for ever: it may hang in a server that does not answer, as whoever reads would.
            thread.join(timeout=1)

    def _count_in_turn(self) -> None:
        """Count in short stretches: whoever reads would wait for the interpreter at each of his calls."""
        until = self._elapsed() + _STRETCH
        with contextlib.suppress(CannotFinish), contextlib.closing(self._each()) as entries:
            for _ in entries:
                if self._elapsed() >= until:
                    if self._stopped.wait(_REST):
                        return
                    until = self._elapsed() + _STRETCH

    def _each(self) -> Generator[int, None, None]:
        """Count, and yield how many entries were seen."""
        with contextlib.closing(walk(self._source, prune=self._prune)) as nodes:
            for number, node in enumerate(nodes, 1):
                self._add(node)
                yield number
        self.done = True

    def _add(self, node: Node) -> None:
        status = node.status
        if status is None or (self._wants is not None and not self._wants(node.path)):
            return
        if node.kind == "file":
            size, allocated = status.st_size, status.st_blocks * _BLOCK
        elif node.kind == "block_device" and not node.path:
            size = allocated = block_device(status.st_rdev).size or 0
        else:
            return
        self.files += 1
        self.bytes += size
        self.allocated += allocated
        self.largest = max(self.largest, size)
