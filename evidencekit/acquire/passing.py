"""One pass over a source: what stands from before stays, all else is cut into jobs and taken.

Promises: each entry of the walk is in the runs once, in its place; a folder's row is taken while the walk stands in it.
Source: specs/decisions/0006 and 0007.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from evidencekit.acquire.dispatch import Dispatch
from evidencekit.acquire.hand import Manner
from evidencekit.acquire.jobs import Cutter, Done, Piece
from evidencekit.acquire.journal import Run
from evidencekit.acquire.merging import Recall
from evidencekit.acquire.row import Entry, sort_key
from evidencekit.acquire.teller import Teller
from evidencekit.read.folders import mark_of
from evidencekit.read.handles import Opener
from evidencekit.read.node import Node
from evidencekit.read.tree import Names, walk, walk_in_bulk


@dataclass(slots=True)
class Resumed:
    """What became of the rows that were taken before an interruption."""

    kept: int = 0
    taken_again: int = 0

    def count(self, earlier: Entry | None, *, stands: bool) -> None:
        """Count what became of an earlier row, if there was one."""
        self.kept += stands
        self.taken_again += earlier is not None and not stands


class Pass:
    """Walks a source, and has everything taken that does not stand."""

    def __init__(
        self,
        source: Path,
        manner: Manner,
        run: Run,
        teller: Teller,
        recall: Recall,
        resumed: Resumed,
        *,
        opener: Opener,
    ) -> None:
        """Take the source, how is taken, where rows go, who tells, what there is from before, and what opens."""
        self._source = source
        self._manner = manner
        self._run = run
        self._teller = teller
        self._recall = recall
        self._resumed = resumed
        self._opener = opener
        self._taker = manner.taker(self._on_block)
        self._told = 0
        """Bytes that were told of what is taken here."""
        self.is_hopeful = False
        """A second look could better some row."""

    @property
    def device(self) -> int:
        """Number of the source's own device."""
        return self._taker.device

    def walk(self, *, jobs: int) -> None:
        """Take everything, in up to `jobs` processes.

        Raises:
            CannotFinish: X430, X431, X435 the source; X421 to X423 the run; X450, X451 the workers.
        """
        dispatch = Dispatch(self._manner, self._run, jobs=jobs, on_done=self._done, on_bytes=self._bytes)
        with dispatch, contextlib.closing(Cutter(dispatch.give, jobs=jobs)) as cutter:
            excludes = self._manner.selection.excludes
            in_bulk = self._recall.is_empty and self._opener.streams is None
            if in_bulk:
                nodes = walk_in_bulk(self._source, prune=excludes, opener=self._opener)
            else:  # each is looked at, whether it stands
                nodes = walk(self._source, prune=excludes, opener=self._opener)
            with contextlib.closing(nodes):
                for found in nodes:
                    if isinstance(found, Names):
                        cutter.add_names(*found)
                    else:
                        self._node(found, cutter)
            self._gone(None, cutter)
            cutter.flush()
            dispatch.finish()

    def _node(self, node: Node, cutter: Cutter) -> None:
        """Pass a node on: a row that stands, one that is taken here, or a name to be taken."""
        key = sort_key(node.path)
        self._gone(key, cutter)
        taker, earlier = self._taker, self._recall.find(key)
        stands = earlier is not None and taker.stands(earlier, node)
        self._resumed.count(earlier, stands=stands)
        if earlier is not None and stands:
            entry = taker.standing(earlier, node)
            self._teller.keep(entry, counts=entry == earlier)
            if entry != earlier:
                cutter.add(entry)
            self.is_hopeful = self.is_hopeful or taker.hopes(entry)
        elif node.path and node.status is not None and node.kind != "directory" and self._opener.streams is None:
            mark = mark_of(node.kind)
            cutter.add_names(node.parent, node.path[: len(node.path) - len(node.name)], [node.name + mark])
        else:
            self._teller.begin(node.path)
            cutter.add(taker.take(node))
        cutter.device = taker.device
        if self._opener.streams is not None:
            self._streams(node, cutter, stands=stands)

    def _streams(self, node: Node, cutter: Cutter, *, stands: bool) -> None:
        for stream in self._taker.streams(node):
            earlier = self._recall.find(sort_key(node.path, stream.name))
            kept = stands and earlier is not None
            self._resumed.count(earlier, stands=kept)
            if earlier is not None and kept:
                self._teller.keep(earlier, counts=True)
            else:
                cutter.add(self._taker.take_stream(node, stream))

    def _gone(self, key: bytes | None, cutter: Cutter) -> None:
        """Add what was taken before and is not in the source any more, up to a key."""
        for passed in self._recall.before(key):
            cutter.add(self._taker.gone(passed))

    def _done(self, piece: Piece, done: Done) -> None:
        """Hear what came of a piece."""
        self._opener.touched = self._opener.touched or done.touched
        self.is_hopeful = self.is_hopeful or done.is_hopeful
        self._teller.begin(piece.first)
        self._teller.add(done.rows, files=done.files, size=done.size - self._told, omissions=done.omissions)
        self._told = 0

    def _bytes(self, piece: Piece, size: int) -> None:
        """Hear of bytes of a large file."""
        self._teller.begin(piece.first)
        self._teller.block(size)

    def _on_block(self, size: int) -> None:
        self._told += size
        self._teller.block(size)
        self._run.tick()
