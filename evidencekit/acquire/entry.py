"""From a node of the walk to a row: its state, its three groups, its view.

Promises: every node becomes one row, whatever happens to it; the state is that of the table in specs/manifest.md
section 5, and says no more than what was seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext

from evidencekit.acquire.facts import Facts
from evidencekit.acquire.plain import PlainFiles
from evidencekit.acquire.row import Entry, gone, link_of, stamp_of
from evidencekit.acquire.rows import (
    content_none,
    content_partial,
    content_taken,
    metadata_group,
    name_group,
    ranges_value,
)
from evidencekit.acquire.selection import Selection
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.read.evidence import Reader, Reading
from evidencekit.read.handles import Opener
from evidencekit.read.node import Node
from evidencekit.read.problem import Problem, problem_of
from evidencekit.read.streams import Stream
from evidencekit.write.objects import Objects

_EXCLUDED = Problem("excluded", "")
_MAX_INT64 = 2**63 - 1
# A name that leads elsewhere now tells of something else; of what was excluded, no attribute is looked at.
_NOT_NAMED = frozenset({"not_found", "changed_kind", "excluded"})
PASSING = frozenset({"io_error", "not_found", "interrupted", "other"})
"""Reasons that may be gone at a second look."""


class Taker:
    """Turns nodes into rows, reading the files."""

    def __init__(
        self,
        selection: Selection,
        reader: Reader,
        objects: Objects,
        *,
        copies: bool = False,
        stable_inodes: bool = True,
        on_block: Callable[[int], None] | None = None,
    ) -> None:
        """Take what is wanted, what reads the files, and where copies and large values go.

        `copies`: keep the content of each file; `stable_inodes`: the file system remembers inode numbers over a mount;
        `on_block` hears the bytes of large files.
        """
        self._selection = selection
        self._reader = reader
        self._objects = objects
        self._copies = copies
        self._stable_inodes = stable_inodes
        self._on_block = on_block
        self._large = b""
        self._facts = Facts(self._keep_large)
        self.device = 0
        """Of the source itself: known when it was taken, or was said to stand."""

    def take(self, node: Node) -> Entry:
        """Return the row of a node, which must be the walk's current one."""
        self._large = b""
        if not node.path and node.status is not None:
            self.device = node.status.st_dev
        return self._take(node)._replace(large=self._large)

    def plain_files(self, opener: Opener, next_salt: Callable[[], bytes]) -> PlainFiles:
        """Return what takes files about which nothing is odd, as this would, but sooner."""
        return PlainFiles(
            opener, self._reader, self._facts.owners, self._facts.extras, next_salt, stable_inodes=self._stable_inodes
        )

    def streams(self, node: Node) -> list[Stream]:
        """Return the named streams of a node, each of which is a row of its own after that of the node."""
        if node.kind not in {"file", "directory"} or node.problem is not None or node.pruned:
            return []
        try:
            return node.streams() if self._selection.wants(node.path) else []
        except OSError:
            return []  # the node's own row says so: `unreadable_metadata`

    def take_stream(self, node: Node, stream: Stream) -> Entry:
        """Return the row of a named stream of a node."""
        self._large = b""
        return self._stream(node, stream)._replace(large=self._large)

    def stands(self, earlier: Entry, node: Node) -> bool:
        """Tell whether a row that was taken before still says what there is to say about a node."""
        if not node.path and node.status is not None:
            self.device = node.status.st_dev
        if node.status is None or node.problem is not None or node.after is not None or node.pruned:
            return False
        if node.kind == "block_device" and not node.path:
            return False  # its size and times say nothing of what is on it
        if earlier.kind != node.kind or earlier.stamp is None or earlier.stamp != self._stamp(node.status):
            return False
        return self._has_objects(earlier)

    def standing(self, earlier: Entry, node: Node) -> Entry:
        """Return a row that stands, with what may have changed of its names though nothing else did."""
        status = node.status
        return earlier._replace(
            gone=0, link=b"" if status is None or node.kind == "directory" else link_of(status, self.device)
        )

    def gone(self, earlier: Entry) -> Entry:
        """Return the row of what was taken before an interruption and is not in the source any more."""
        return gone(earlier, has_objects=self._has_objects(earlier))

    def _has_objects(self, entry: Entry) -> bool:
        """Tell whether the copy and the large values that a row names are there."""
        if self._copies and entry.copied is not None and not self._objects.has(entry.copied, entry.size):
            return False
        large = (entry.large[at : at + HASH_SIZE] for at in range(0, len(entry.large), HASH_SIZE))
        return all(map(self._objects.has, large))

    def hopes(self, entry: Entry) -> bool:
        """Tell whether a second look could better a row. What was read while it changed stays as it was read."""
        return entry.reason in PASSING

    def again(self, node: Node, entry: Entry) -> Entry | None:
        """Return a row that says more than the one that was taken, or None."""
        if entry.state == "partial" and not self._reads_more(node, entry):
            return None
        found = self.take(node)
        same = entry.kind in {
            found.kind,
            "unknown",
        }  # what stands under the name of a file that is gone is another thing
        return found if same and found.rank > entry.rank else None

    def _reads_more(self, node: Node, entry: Entry) -> bool:
        """Try the unreadable places before reading a terabyte again in vain."""
        ranges = json.loads(entry.content)["unreadable"]
        if not isinstance(ranges, list) or node.problem is not None:
            return False  # more than 500 places, too many for chance
        handle = node.open()
        if isinstance(handle, Problem):
            return False
        try:
            return self._reader.probe(handle, [(int(one["offset"]), int(one["length"])) for one in ranges])
        finally:
            os.close(handle)

    def _take(self, node: Node) -> Entry:
        if node.kind == "file" or (node.kind == "block_device" and not node.path):
            return self._file(node)
        if node.kind == "directory":
            problem = _EXCLUDED if node.pruned else node.problem
            if problem is not None:
                return self._not_taken(node, problem, "not_listed")
            return self._seen(node)
        problem = node.problem
        if problem is None and not self._selection.wants(node.path):
            problem = _EXCLUDED
            node.target = None
        return self._seen(node) if problem is None else self._not_taken(node, problem, "not_read")

    def _seen(self, node: Node) -> Entry:
        """Return the row of what has no content of its own."""
        state = "complete" if node.after is None else "changed"
        metadata, xattrs = self._facts.of(node, node.status, after=node.after)
        return self._entry(node, node.status, metadata, state)._replace(content=content_none(state, xattrs=xattrs))

    def _file(self, node: Node) -> Entry:
        if node.problem is not None:
            return self._not_taken(node, node.problem, "not_read")
        if not self._selection.wants(node.path):
            return self._not_taken(node, _EXCLUDED, "not_read")
        handle = node.open()
        if isinstance(handle, Problem):
            return self._not_taken(node, handle, "not_read")
        try:
            reading = self._read(handle, node.opened)
            if isinstance(reading, Problem):
                return self._not_taken(node, reading, "not_read", handle=handle)
            state, status = reading.state, reading.before
            if state == "complete" and node.status is not None and not _one_file(node.status, status):
                # Another file took the name since the listing: what was read is whole, but not what was listed.
                state, status = "changed", node.status
            after = reading.after if state == "changed" else None
            metadata, xattrs = self._facts.of(node, status, handle=handle, after=after)
            return self._with_content(self._entry(node, status, metadata, state), reading, xattrs)
        finally:
            os.close(handle)

    def _stream(self, node: Node, stream: Stream) -> Entry:
        entry = Entry(
            path=node.path, stream=stream.name, kind="file", name=name_group(node.path, stream=stream.name),
            content=b"", metadata=metadata_group(None), size=stream.size, state="not_read", sha256=None, mtime_ns=None,
        )  # fmt: skip
        handle = node.open_stream(stream)
        reading = handle if isinstance(handle, Problem) else self._read_and_close(handle)
        if isinstance(reading, Problem):
            state = "vanished" if reading.vanished else "not_read"
            content = content_none(state, stream.size, reason=reading.reason, detail=reading.detail)
            return entry._replace(content=content, state=state, reason=reading.reason)
        if reading.state == "changed":
            entry = entry._replace(metadata=metadata_group(None, after=reading.after))
        return self._with_content(entry._replace(state=reading.state), reading, "")

    def _read_and_close(self, handle: int) -> Reading | Problem:
        try:
            return self._read(handle, None)
        finally:
            os.close(handle)

    def _read(self, handle: int, opened: os.stat_result | None) -> Reading | Problem:
        """Read what was opened, and keep a copy if copies are kept."""
        with self._objects.draft() if self._copies else nullcontext() as draft:
            try:
                reading = self._reader.read(handle, self._on_block, opened, draft)
            except OSError as error:
                return problem_of(error)
            if draft is not None and reading.state != "not_read":
                draft.keep(reading.digests["sha256"])
            return reading

    def _with_content(self, entry: Entry, reading: Reading, xattrs: str) -> Entry:
        """Return the row with what the reading gave."""
        state, digest, problem = entry.state, reading.digests["sha256"], reading.problem
        copied = digest if self._copies and state != "not_read" else None
        if problem is None:
            content = content_taken(state, reading.size, reading.digests, xattrs)
            return entry._replace(content=content, size=reading.size, sha256=digest, copied=copied)
        why = {"reason": problem.reason, "detail": problem.detail, "xattrs": xattrs}
        if state != "partial":
            size = reading.before.st_size
            content = content_none(state, size, **why)
            return entry._replace(content=content, size=size, reason=problem.reason)
        content = content_partial(
            reading.size, reading.digests, ranges_value(reading.unreadable, self._keep_large), **why
        )
        lost = sum(length for _, length in reading.unreadable)
        return entry._replace(content=content, size=reading.size, reason=problem.reason, copied=copied, lost=lost)

    def _not_taken(self, node: Node, problem: Problem, state: str, *, handle: int = -1) -> Entry:
        if problem.vanished:
            state = "vanished"
        metadata, xattrs = self._facts.of(node, node.status, handle=handle, named=problem.reason not in _NOT_NAMED)
        size = node.status.st_size if node.kind == "file" and node.status is not None else None
        content = content_none(state, size, reason=problem.reason, detail=problem.detail, xattrs=xattrs)
        return self._entry(node, node.status, metadata, state)._replace(
            content=content, size=size, reason=problem.reason
        )

    def _entry(self, node: Node, status: os.stat_result | None, metadata: bytes, state: str) -> Entry:
        """Return a row that still lacks its content."""
        target = node.target if state in {"complete", "changed"} else None
        stands = status is not None and state in {"complete", "partial"}
        return Entry(
            path=node.path,
            stream=b"",
            kind=node.kind,
            name=name_group(node.path, target),
            content=b"",
            metadata=metadata,
            size=None,
            state=state,
            sha256=None,
            mtime_ns=None if status is None else _int64(status.st_mtime_ns),
            stamp=self._stamp(status) if stands and status is not None else None,
            link=self._link(node, status),
        )

    def _stamp(self, status: os.stat_result) -> bytes:
        return stamp_of(status, self.device, stable_inode=self._stable_inodes)

    def _link(self, node: Node, status: os.stat_result | None) -> bytes:
        return b"" if status is None or node.kind == "directory" else link_of(status, self.device)

    def _keep_large(self, data: bytes) -> None:
        self._large += self._objects.put(data)


def _one_file(one: os.stat_result, other: os.stat_result) -> bool:
    return one.st_ino == other.st_ino and one.st_dev == other.st_dev


def _int64(value: int) -> int | None:
    return value if -_MAX_INT64 - 1 <= value <= _MAX_INT64 else None
