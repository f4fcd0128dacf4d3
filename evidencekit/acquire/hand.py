"""One who takes: jobs in, rows out; in the program itself or in a worker process, by the same code.

Promises: a job is handed back, as far as it is not done, after a tenth of a second, 16 MiB, or before a large file: so
what was finished gets into the run soon, and whoever has nothing to do gets something.
Source: specs/decisions/0007.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidencekit.acquire.batch import COMPLETE, Batch
from evidencekit.acquire.entry import PASSING, Taker
from evidencekit.acquire.jobs import Done, Job, Listed
from evidencekit.acquire.plain import PlainFiles
from evidencekit.acquire.row import Entry
from evidencekit.acquire.rows import Salts
from evidencekit.acquire.selection import Selection
from evidencekit.core.records import KINDS, STATES
from evidencekit.read.evidence import LARGE_FILE, Reader
from evidencekit.read.folders import MARK, marked_kind
from evidencekit.read.handles import Opener
from evidencekit.read.tree import look_at
from evidencekit.write.objects import Objects

SECONDS, BYTES, WEIGHT = 0.1, 16 << 20, 1 << 20
"""After so much time, content or bytes of groups a job is handed back."""
_FILE = KINDS.index("file")
_TAKEN = {COMPLETE, STATES.index("changed")}


@dataclass(frozen=True, slots=True)
class Manner:
    """How is taken: what was asked for, and with what. Goes to worker processes, too."""

    selection: Selection
    digests: Sequence[str]
    objects: Objects
    random: Callable[[int], bytes]
    reader: Callable[[Sequence[str]], Reader] = Reader
    copies: bool = False
    stable_inodes: bool = True

    def taker(self, on_block: Callable[[int], None]) -> Taker:
        """Return what takes one node after the other."""
        return Taker(
            self.selection,
            self.reader(self.digests),
            self.objects,
            copies=self.copies,
            stable_inodes=self.stable_inodes,
            on_block=on_block,
        )


class Hand:
    """Takes jobs."""

    def __init__(self, manner: Manner, tell: Callable[[int], None]) -> None:
        """Take how; `tell` hears the bytes of large files."""
        self._opener = Opener()
        self._taker = manner.taker(tell)
        self._objects = manner.objects
        self._wants = manner.selection.wants
        self._salts = Salts(manner.random)
        self._plain: PlainFiles | None = None
        if not manner.copies and set(manner.digests) == {"blake3", "sha256"} and self._opener.streams is None:
            self._plain = self._taker.plain_files(self._opener, self._salts.next)

    def __call__(self, job: Job, handles: list[int]) -> Done:
        """Take a job; `handles` are the folders that it speaks of."""
        batch = Batch()
        self._taker.device = job.device
        taken, is_before_large = self._take_all(job, handles, batch)
        return self._done(batch, taken, is_before_large=is_before_large)

    def _take_all(self, job: Job, handles: list[int], batch: Batch) -> tuple[int, bool]:
        """Take as much of a job as is done at once; return how much, and whether a large file comes next."""
        taken = size = 0
        until = time.monotonic() + SECONDS
        for item in job.items:
            for one in (item,) if isinstance(item, Entry) else item.names:
                if isinstance(one, Entry):
                    batch.add(one, self._salts.next())
                elif isinstance(item, Listed) and not self._take(
                    handles[item.folder], item.prefix, one, batch, job=job
                ):
                    return taken, True
                else:
                    size += batch.size[-1]
                taken += 1
                if size >= BYTES or batch.weight >= WEIGHT or time.monotonic() >= until:
                    return taken, False
        return taken, False

    def _take(self, parent: int, prefix: bytes, marked: bytes, batch: Batch, *, job: Job) -> bool:
        """Take whatever stands under a name; False for a large file, unless it was asked for by itself."""
        taker, next_salt, node = self._taker, self._salts.next, None
        if marked[-2:-1] == MARK:
            name = marked.rstrip(MARK)
        else:
            name = marked[:-1]
            plain, path = self._plain, prefix + name
            if plain is not None and self._wants(path):
                if plain.take(parent, name, path, job.device, batch):
                    return True
                node = plain.declined
        if node is None:
            node = look_at(self._opener, parent, name, prefix + name)
        if node.status is None:
            node.kind = marked_kind(marked)
        if not job.is_large and node.kind == "file" and node.status is not None and node.status.st_size >= LARGE_FILE:
            node.drop()
            return False
        batch.add(taker.take(node), next_salt())
        for stream in taker.streams(node):
            batch.add(taker.take_stream(node, stream), next_salt())
        return True

    def _done(self, batch: Batch, taken: int, *, is_before_large: bool) -> Done:
        odd = batch.odd.values()
        touched, self._opener.touched = self._opener.touched, False
        return Done(
            packed=batch.pack(),
            rows=len(batch),
            taken=taken,
            files=batch.kind.count(_FILE),
            size=_content(batch),
            omissions=len(batch) - batch.state.count(COMPLETE),
            is_hopeful=any(one.reason in PASSING for one in odd),
            is_before_large=is_before_large,
            touched=touched,
            objects=b"".join((one.copied or b"") + one.large for one in odd),
        )


def _content(batch: Batch) -> int:
    """Return the bytes of content that was taken."""
    if batch.state.count(COMPLETE) == len(batch):
        return sum(batch.size)
    return sum(size for size, state in zip(batch.size, batch.state, strict=True) if state in _TAKEN)


def prepare(tell: Callable[[int], None], manner: Manner) -> Hand:
    """Make a hand in a worker process."""
    manner.objects.move_in(os.getpid())
    return Hand(manner, tell)
