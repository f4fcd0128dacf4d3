"""Jobs: what a walk found, cut into pieces that one process takes at a time; what came of one.

    job      up to 256 rows: names in folders, and rows that are ready
    piece    a part of a job that was handed back: `begin` rows of the job lie before it

Promises: pieces of a job are disjoint and leave nothing out; folders stay open until all pieces are done.
Source: specs/decisions/0007.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from evidencekit.acquire.row import Entry
from evidencekit.read.folders import MARK

ROWS = 256
_HANDLES = 256
"""Handles that jobs may keep open together: each folder that one lies in is such."""


class Listed(NamedTuple):
    """Neighbours in a folder, as the walk listed them (read/tree.Names)."""

    folder: int
    """Which of the handles that come with the job."""
    prefix: bytes
    names: list[bytes]


class Job(NamedTuple):
    """What is to be taken, in the order of a manifest."""

    device: int
    """Number of the source's own device."""
    items: list[Listed | Entry]
    is_large: bool = False
    """It is a single large file."""


class Done(NamedTuple):
    """What came of a job."""

    packed: bytes
    """The rows, as batch.Batch packs them."""
    rows: int
    taken: int
    """Names and ready rows that were taken; those after them are handed back."""
    files: int
    size: int
    """Bytes of content."""
    omissions: int
    is_hopeful: bool
    """A second look could better some row."""
    is_before_large: bool
    """What comes next is a large file."""
    touched: bool
    """An access time may have moved."""
    objects: bytes
    """SHA-256 of each object that was kept, one after the other."""


class _Folders:
    """Open folders that some pieces share."""

    def __init__(self, among: set[_Folders]) -> None:
        """Take those that are in use; it is one of them until it is closed."""
        self.handles: list[int] = []
        self.users = 1
        self._among = among
        among.add(self)

    def release(self) -> None:
        """Close them, if this was the last user."""
        self.users -= 1
        if not self.users:
            self.close()

    def close(self) -> None:
        """Close them."""
        self._among.discard(self)
        while self.handles:
            os.close(self.handles.pop())


class Piece:
    """A job or a part of one that nobody has taken yet, with its folders."""

    def __init__(self, number: int, begin: int, job: Job, folders: _Folders) -> None:
        self.number = number
        """Of the job."""
        self.begin = begin
        self.job = job
        self._folders = folders

    def __len__(self) -> int:
        return sum(map(_length, self.job.items))

    @property
    def handles(self) -> list[int]:
        """Handles of the folders that its job names by their places."""
        return self._folders.handles

    @property
    def first(self) -> bytes:
        """The path that it begins with."""
        item = self.job.items[0]
        return item.path if isinstance(item, Entry) else item.prefix + item.names[0].rstrip(MARK)

    def rest(self, done: Done) -> list[Piece]:
        """Return what was handed back, cut into pieces of about the same work as what was done; a large file first."""
        begin = self.begin + done.taken
        _, items = _cut(self.job.items, done.taken)
        is_large = done.is_before_large
        usual = done.taken or len(
            self
        )  # nothing was done before a large file: so nobody knows how much work the rest is
        size = 1 if is_large else usual
        pieces = []
        while items:
            part, items = _cut(items, size)
            pieces.append(Piece(self.number, begin, self.job._replace(items=part, is_large=is_large), self._folders))
            begin += size
            size, is_large = usual, False
        self._folders.users += len(pieces)
        return pieces

    def release(self) -> None:
        """Say that it is done, or given up."""
        self._folders.release()


def _length(item: Listed | Entry) -> int:
    return 1 if isinstance(item, Entry) else len(item.names)


def _cut(items: list[Listed | Entry], count: int) -> tuple[list[Listed | Entry], list[Listed | Entry]]:
    """Return the first `count` rows, and the rest."""
    before: list[Listed | Entry] = []
    for place, item in enumerate(items):
        if not count:
            return before, items[place:]
        length = _length(item)
        if length <= count or isinstance(item, Entry):
            before.append(item)
            count -= length
        else:
            head, tail = item._replace(names=item.names[:count]), item._replace(names=item.names[count:])
            return [*before, head], [tail, *items[place + 1 :]]
    return before, []


class Cutter:
    """Gathers what a walk finds into jobs of 256 rows, and hands over each that is full. Close it at the end."""

    def __init__(self, hand_over: Callable[[Piece], None], *, jobs: int = 1) -> None:
        """Take who is given jobs, and how many are done at a time."""
        self._hand_over = hand_over
        self._most_folders = max(1, _HANDLES // (4 * jobs))
        self._number = 0
        self.device = 0
        """Number of the source's own device, once it is known."""
        self._in_use: set[_Folders] = set()
        self._begin()

    def _begin(self) -> None:
        self._items: list[Listed | Entry] = []
        self._folders = _Folders(self._in_use)
        self._rows = 0
        self._folder: tuple[int, bytes] | None = None
        """Handle (the walk's own) and prefix of the folder that was added last."""

    def add(self, entry: Entry) -> None:
        """Add a row that is ready."""
        self._items.append(entry)
        self._count(1)

    def add_names(self, parent: int, prefix: bytes, names: list[bytes]) -> None:
        """Add names that are to be taken; `parent` is the walk's handle, of which a copy is kept."""
        while names:
            if self._folder != (parent, prefix) and len(self._folders.handles) >= self._most_folders:
                self.flush()
            if self._folder != (parent, prefix):
                self._folders.handles.append(os.dup(parent))
                self._folder = parent, prefix
            part, names = names[: ROWS - self._rows], names[ROWS - self._rows :]
            self._items.append(Listed(len(self._folders.handles) - 1, prefix, part))
            self._count(len(part))

    def _count(self, rows: int) -> None:
        self._rows += rows
        if self._rows >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand over what was gathered."""
        if self._items:
            piece = Piece(self._number, 0, Job(self.device, self._items), self._folders)
            self._number += 1
            self._begin()
            self._hand_over(piece)

    def close(self) -> None:
        """Give back the handles of all pieces, of those that were never done, too."""
        for folders in tuple(self._in_use):
            folders.close()
