"""From a node of the walk to a row: its state, its three groups, its view.

Promises: every node becomes one row, whatever happens to it; the state is that of the table in specs/manifest.md
section 5, and says no more than what was seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from evidencekit.acquire.facts import Facts
from evidencekit.acquire.rows import (
    StoreObject,
    content_none,
    content_partial,
    content_taken,
    name_group,
    ranges_value,
)
from evidencekit.acquire.selection import Selection
from evidencekit.read.evidence import Reader, Reading
from evidencekit.read.problem import Problem, problem_of
from evidencekit.read.tree import Node

_EXCLUDED = Problem("excluded", "")


class Entry(NamedTuple):
    """A row before it has a salt and a place."""

    kind: str
    name: bytes
    content: bytes
    metadata: bytes
    size: int | None
    state: str
    sha256: bytes | None
    status: os.stat_result | None


class Taker:
    """Turns nodes into rows, reading the files."""

    def __init__(
        self,
        selection: Selection,
        digests: Sequence[str],
        store_object: StoreObject,
        *,
        reader: Reader | None = None,
        on_block: Callable[[int], None] | None = None,
    ) -> None:
        """Take what is wanted, the digests to make, where large values go, and who hears the bytes of large files."""
        self._selection = selection
        self._store_object = store_object
        self._reader = reader or Reader(digests)
        self._on_block = on_block
        self._facts = Facts(store_object)

    def take(self, node: Node) -> Entry:
        """Return the row of a node, which must be the walk's current one."""
        if node.kind == "file":
            return self._file(node)
        if node.kind == "directory":
            return self._folder(node)
        problem = node.problem
        if problem is None and not self._selection.wants(node.path):
            problem = _EXCLUDED
            node.target = None
        if problem is not None:
            return self._not_taken(node, problem, "not_read")
        state = "complete" if node.after is None else "changed"
        metadata, xattrs = self._facts.of(node, node.status, after=node.after)
        content = content_none(state, xattrs=xattrs)
        return Entry(node.kind, name_group(node.path, node.target), content, metadata, None, state, None, node.status)

    def _folder(self, node: Node) -> Entry:
        if node.pruned:
            return self._not_taken(node, _EXCLUDED, "not_listed")
        if node.problem is not None:
            return self._not_taken(node, node.problem, "not_listed")
        state = "complete" if node.after is None else "changed"
        metadata, xattrs = self._facts.of(node, node.status, after=node.after)
        content = content_none(state, xattrs=xattrs)
        return Entry("directory", name_group(node.path), content, metadata, None, state, None, node.status)

    def _file(self, node: Node) -> Entry:
        if node.problem is not None:
            return self._not_taken(node, node.problem, "not_read")
        if not self._selection.wants(node.path):
            return self._not_taken(node, _EXCLUDED, "not_read")
        handle = node.open()
        if isinstance(handle, Problem):
            return self._not_taken(node, handle, "not_read")
        try:
            try:
                reading = self._reader.read(handle, self._on_block, node.opened)
            except OSError as error:
                return self._not_taken(node, problem_of(error), "not_read", handle=handle)
            return self._read(node, handle, reading)
        finally:
            os.close(handle)

    def _read(self, node: Node, handle: int, reading: Reading) -> Entry:
        """Return the row of a file that was opened, and read as far as it went."""
        state = reading.state
        status = reading.before
        if state == "complete" and node.status is not None and not _one_file(node.status, status):
            # Another file took the name between listing and opening: what was read is whole, but not what was listed.
            state, status = "changed", node.status
        after = reading.after if state == "changed" else None
        metadata, xattrs = self._facts.of(node, status, handle=handle, after=after)
        problem = reading.problem
        sha256 = None
        size = status.st_size
        if problem is None:
            size, sha256 = reading.size, reading.digests["sha256"]
            content = content_taken(state, size, reading.digests, xattrs)
        elif state == "partial":
            ranges = ranges_value(reading.unreadable, self._store_object)
            content = content_partial(
                size, reading.digests, ranges, reason=problem.reason, detail=problem.detail, xattrs=xattrs
            )
        else:
            content = content_none(state, size, reason=problem.reason, detail=problem.detail, xattrs=xattrs)
        return Entry("file", name_group(node.path), content, metadata, size, state, sha256, status)

    def _not_taken(self, node: Node, problem: Problem, state: str, *, handle: int = -1) -> Entry:
        if problem.vanished:
            state = "vanished"
        # A name that leads elsewhere now tells of something else; of what was excluded, no attribute is looked at.
        named = problem.reason not in {"not_found", "changed_kind", "excluded"}
        metadata, xattrs = self._facts.of(node, node.status, handle=handle, named=named)
        size = node.status.st_size if node.kind == "file" and node.status is not None else None
        content = content_none(state, size, reason=problem.reason, detail=problem.detail, xattrs=xattrs)
        return Entry(node.kind, name_group(node.path), content, metadata, size, state, None, node.status)


def _one_file(one: os.stat_result, other: os.stat_result) -> bool:
    return one.st_ino == other.st_ino and one.st_dev == other.st_dev
