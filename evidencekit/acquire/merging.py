"""Several runs read as one: one row a name, in the order of a manifest.

Promises: of two rows of one name the one that says more counts (`row.newer`); memory is a batch a run.
Source: specs/decisions/0006 and 0007.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import NamedTuple

from evidencekit.acquire.batch import Packed
from evidencekit.acquire.journal import EarlierRun
from evidencekit.acquire.row import Entry, newer, sort_key


class Stretch(NamedTuple):
    """Neighbouring rows of one batch."""

    batch: Packed
    start: int
    stop: int

    def entries(self) -> Iterator[Entry]:
        """Yield the rows one by one."""
        return self.batch.entries(self.start, self.stop)


class _Cursor:
    """A place in a run."""

    def __init__(self, run: EarlierRun) -> None:
        self._batches = run.batches()
        self.batch: Packed | None = None
        self.at = 0
        self._keys: list[bytes] = []
        self._next()

    def _next(self) -> None:
        self.batch, self.at, self._keys = next(self._batches, None), 0, []

    @property
    def keys(self) -> list[bytes]:
        """Keys of the batch."""
        if not self._keys and self.batch is not None:
            self._keys = self.batch.keys()
        return self._keys

    def stretch(self, before: bytes | None) -> Stretch:
        """Return the rows up to a key, or all that are left of the batch, and go on behind them."""
        batch = self.batch
        if batch is None:
            raise IndexError("behind the end")
        stop = len(batch) if before is None else bisect_left(self.keys, before, self.at)
        found = Stretch(batch, self.at, stop)
        self.at = stop
        if stop == len(batch):
            self._next()
        return found

    def entry(self) -> Entry:
        """Return the row here, and go on behind it."""
        return next(self.stretch(self.keys[self.at] + b"\0").entries())


def merged_stretches(runs: Iterable[EarlierRun]) -> Iterator[Stretch | Entry]:
    """Yield the rows of several runs, the oldest run first, in the order of a manifest: see `newer`.

    What lies in several runs comes as a row, all else in stretches that are as long as may be.
    """
    cursors = [cursor for cursor in map(_Cursor, runs) if cursor.batch is not None]
    while len(cursors) > 1:
        firsts = [cursor.keys[cursor.at] for cursor in cursors]
        first = min(firsts)
        here = [cursor for cursor, key in zip(cursors, firsts, strict=True) if key == first]
        if len(here) > 1:
            yield reduce(newer, [cursor.entry() for cursor in here])
        else:
            yield here[0].stretch(min(key for key in firsts if key != first))
        cursors = [cursor for cursor in cursors if cursor.batch is not None]
    for cursor in cursors:
        while cursor.batch is not None:
            yield cursor.stretch(None)


def merged(runs: Iterable[EarlierRun]) -> Iterator[Entry]:
    """Yield one row a name from several runs, the oldest run first, in the order of a manifest."""
    for found in merged_stretches(runs):
        if isinstance(found, Entry):
            yield found
        else:
            yield from found.entries()


def _key_of(entry: Entry) -> bytes:
    return sort_key(entry.path, entry.stream)


class Recall:
    """Rows of earlier runs, asked for in the order of a manifest."""

    def __init__(self, runs: Sequence[EarlierRun]) -> None:
        self._rows = merged(runs)
        self._next = next(self._rows, None)

    @property
    def is_empty(self) -> bool:
        """Tell whether there are no rows any more."""
        return self._next is None

    def before(self, key: bytes | None) -> Iterator[Entry]:
        """Yield the rows that come before a key, all that are left for None: nobody asked for them."""
        while self._next is not None and (key is None or _key_of(self._next) < key):
            passed, self._next = self._next, next(self._rows, None)
            yield passed

    def find(self, key: bytes) -> Entry | None:
        """Return the row with this key, if there is one; keys only grow."""
        for _ in self.before(key):
            pass
        if self._next is None or _key_of(self._next) != key:
            return None
        found, self._next = self._next, next(self._rows, None)
        return found
