"""Compose: the rows that were taken, in order, become a manifest: salts, link groups, leaves, totals, header.

Promises: one pass; memory does not grow with the number of rows (but for 40 bytes a row where the order is `shuffled`,
and for files whose other names are still to come).
Source: specs/manifest.md sections 4, 6, 7 and 9.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.acquire.row import Entry
from evidencekit.acquire.rows import Salts, row_leaf_hash, with_link_group
from evidencekit.acquire.shuffle import Shuffled
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.merkle import CompactRange
from evidencekit.core.records import KINDS, STATES
from evidencekit.write.appended import Appended
from evidencekit.write.parquet import GROUP_BYTES, ROW_GROUP, ManifestRows, ManifestWriter

MAX_LISTED = 1000
"""Omissions that are handed back by name."""
_TAKEN = frozenset({"complete", "changed"})
_TELL_EVERY = 1024
_BLOCK = 1 << 16


class Omission(NamedTuple):
    """An entry that was not wholly taken."""

    path: bytes
    state: str
    reason: str | None
    """None for what has changed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A finished manifest, ready to be published and sealed."""

    path: Path
    root: bytes
    rows: int
    file_sha256: bytes
    header: bytes
    header_salt: bytes
    header_commitment: bytes
    header_record: dict[str, Any]
    omitted: tuple[Omission, ...] = ()
    """The first MAX_LISTED of them."""
    reasons: Mapping[tuple[str, str | None], int] = field(default_factory=dict)
    """All of them, by state and reason."""
    misplaced: int = 0
    """Rows taken before an interruption that have no place any more: their folder is something else now."""
    copies: int = 0
    """Rows of which there is a copy."""
    objects: int = 0
    """Objects that the manifest names, each of which was read again."""
    object_bytes: int = 0


@dataclass(slots=True)
class Totals:
    """What the header counts."""

    rows: int = 0
    bytes: int = 0
    gone: int = 0
    """Rows of what was not in the source any more after an interruption."""
    kinds: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))

    def add(self, entry: Entry) -> None:
        """Count a row."""
        self.rows += 1
        self.gone += entry.gone
        self.kinds[entry.kind] += 1
        self.states[entry.state] += 1
        if entry.size is not None and entry.state in _TAKEN:
            self.bytes += entry.size

    @property
    def omissions(self) -> int:
        """Rows that are not complete."""
        return self.rows - self.states["complete"]

    def record(self) -> dict[str, Any]:
        """Return the header's `totals`."""
        return {
            "bytes": str(self.bytes),
            "kinds": {kind: str(count) for kind, count in self.kinds.items()},
            "rows": str(self.rows),
            "states": {state: str(count) for state, count in self.states.items()},
        }


class LinkGroups:
    """Hard-link groups, numbered by first appearance; one is forgotten when all its names were seen."""

    def __init__(self) -> None:
        self._open: dict[bytes, list[int]] = {}
        self._count = 0

    def number(self, link: bytes) -> int:
        """Return the number of a file; `link` is that of an entry."""
        file, _, names = link.rpartition(b" ")
        found = self._open.get(file)
        if found is None:
            self._count += 1
            found = self._open[file] = [self._count, int(names)]
        found[1] -= 1
        if found[1] <= 0:
            del self._open[file]
        return found[0]


class _Manifest:
    """Rows on their way to the file, a row group at a time."""

    def __init__(
        self, writer: ManifestWriter, random: Callable[[int], bytes], add_leaves: Callable[[list[bytes]], None]
    ) -> None:
        self.totals = Totals()
        self._writer = writer
        self._salts = Salts(random)
        self._add_leaves = add_leaves
        self._links = LinkGroups()
        self._leaves: list[bytes] = []
        self._rows = ManifestRows()
        self._size = 0

    def add(self, entry: Entry) -> None:
        rows, metadata = self._rows, entry.metadata
        if entry.link:
            metadata = with_link_group(metadata, self._links.number(entry.link))
        salt = self._salts.next()
        self._leaves.append(row_leaf_hash(entry.kind, salt, entry.name, entry.content, metadata))
        rows.index.append(self.totals.rows)
        rows.row_salt.append(salt)
        rows.name.append(entry.name)
        rows.content.append(entry.content)
        rows.metadata.append(metadata)
        rows.kind.append(entry.kind)
        rows.path.append(entry.path)
        rows.size.append(entry.size)
        rows.state.append(entry.state)
        rows.sha256.append(entry.sha256)
        rows.mtime_ns.append(entry.mtime_ns)
        self.totals.add(entry)
        self._size += len(entry.name) + len(entry.content) + len(metadata) + len(entry.path)
        if len(rows.index) >= ROW_GROUP or self._size >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self._rows.index:
            self._add_leaves(self._leaves)
            self._writer.write(self._rows)
            self._leaves = []
            self._rows = ManifestRows()
            self._size = 0


class _Placed:
    """Lets rows through whose folder is there: what was taken before an interruption can have lost its place."""

    def __init__(self) -> None:
        self._folders = [b""]
        self._last: bytes | None = None

    def has(self, entry: Entry) -> bool:
        path, folders = entry.path, self._folders
        if entry.stream:
            return path == self._last
        if path:
            above = path.rpartition(b"/")[0]
            while folders[-1] != above and folders[-1] and not above.startswith(folders[-1] + b"/"):
                folders.pop()
            if folders[-1] != above:
                return False
            if entry.kind == "directory":
                folders.append(path)
        self._last = path
        return True


def compose(
    entries: Iterable[Entry],
    out: Path,
    named: Path,
    *,
    make_header: Callable[[Totals], tuple[dict[str, Any], bytes]],
    sensitive: bool,
    random: Callable[[int], bytes],
    progress: Callable[[Entry, Totals], None],
) -> Taken:
    """Write the manifest `out` from rows in order, and to `named` the SHA-256 of each object that they name.

    `make_header` gives the header's record and bytes when all is counted; `progress` hears of every 1,024th row.

    Raises:
        BadArgument: U231, by `make_header`.
        CannotFinish: X421 to X424.
    """
    shuffled = Shuffled(out) if sensitive else None
    tree = CompactRange()
    omitted: list[Omission] = []
    reasons: Counter[tuple[str, str | None]] = Counter()
    copies = misplaced = 0
    placed = _Placed()
    block = bytearray()
    aside = shuffled.aside if shuffled else out
    with contextlib.closing(Appended(named)) as names, ManifestWriter(aside) as writer:
        manifest = _Manifest(writer, random, shuffled.add if shuffled else tree.extend)
        for entry in entries:
            if not placed.has(entry):
                misplaced += 1
                continue
            manifest.add(entry)
            if entry.state != "complete":
                reasons[entry.state, entry.reason or None] += 1
                if len(omitted) < MAX_LISTED:
                    omitted.append(Omission(entry.path, entry.state, entry.reason or None))
            copies += entry.copied is not None
            block += (entry.copied or b"") + entry.large
            if len(block) >= _BLOCK:
                names.append(bytes(block))
                block.clear()
            if manifest.totals.rows % _TELL_EVERY == 0:
                progress(entry, manifest.totals)
        names.append(bytes(block))
        manifest.flush()
        salt = random(SALT_SIZE)
        record, data = make_header(manifest.totals)
        digest = writer.finish(data, salt)
    if shuffled is not None:
        root, digest = shuffled.finish(data, salt)
    else:
        root = tree.root()
    commitment = header_commitment(salt, data)
    rows = manifest.totals.rows
    return Taken(
        out, root, rows, digest, data, salt, commitment, record, tuple(omitted), dict(reasons), misplaced, copies
    )
