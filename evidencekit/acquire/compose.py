"""Compose: the rows that were taken, in order, become a manifest: salts, link groups, leaves, totals, header.

Promises: one pass; memory does not grow with the number of rows (but for 40 bytes a row where the order is `shuffled`,
and for files whose other names are still to come).
Source: specs/manifest.md sections 4, 6, 7 and 9.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.acquire.batch import COMPLETE, Batch, Packed, column_of
from evidencekit.acquire.columns import Part, RowGroups
from evidencekit.acquire.merging import Stretch
from evidencekit.acquire.row import Entry
from evidencekit.acquire.rows import Salts, with_link_group
from evidencekit.acquire.shuffle import Shuffled
from evidencekit.core import layout
from evidencekit.core.digest import SALT_SIZE, header_commitment
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.records import KINDS, STATES
from evidencekit.write.appended import Appended
from evidencekit.write.parquet import ManifestWriter
from evidencekit.write.tiles import TileWriter

MAX_LISTED = 1000
"""Omissions that are handed back by name."""
_TAKEN = frozenset({"complete", "changed"})
_TELL_EVERY = 256
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
    """Rows on their way to the manifest, stretch by stretch, and what is counted of them."""

    def __init__(self, groups: RowGroups) -> None:
        self.totals = Totals()
        self.omitted: list[Omission] = []
        self.reasons: Counter[tuple[str, str | None]] = Counter()
        self.copies = 0
        self._groups = groups
        self._links = LinkGroups()

    def add(self, stretch: Stretch) -> bytes:
        """Add rows; return the SHA-256 of each object that they name, one after the other."""
        self._count(stretch)
        self._groups.add(self._part(stretch))
        odd = stretch.batch.odd
        if not odd:
            return b""
        here = [odd[at] for at in sorted(odd) if stretch.start <= at < stretch.stop]
        self.copies += sum(one.copied is not None for one in here)
        return b"".join((one.copied or b"") + one.large for one in here)

    def _count(self, stretch: Stretch) -> None:
        batch, start, stop = stretch
        totals = self.totals
        states, sizes = batch.state[start:stop], batch.size[start:stop]
        totals.rows += stop - start
        for number, count in Counter(batch.kind[start:stop]).items():
            totals.kinds[KINDS[number]] += count
        for number, count in Counter(states).items():
            totals.states[STATES[number]] += count
        totals.gone += sum(odd.gone for at, odd in batch.odd.items() if start <= at < stop)
        if states.tobytes().count(COMPLETE) == len(states):
            totals.bytes += sum(sizes)
            return
        for at, (state, size) in enumerate(zip(states, sizes, strict=True), start):
            if STATES[state] in _TAKEN:
                totals.bytes += size
            if state != COMPLETE:
                odd = batch.odd.get(at)
                reason = odd.reason if odd is not None and odd.reason else None
                self.reasons[STATES[state], reason] += 1
                if len(self.omitted) < MAX_LISTED:
                    self.omitted.append(Omission(batch.path.one(at), STATES[state], reason))

    def _part(self, stretch: Stretch) -> Part:
        """Return rows with their link groups, which are known only now that they come in order."""
        batch, start, stop = stretch
        leaves: bytes | memoryview = batch.leaf[start * HASH_SIZE : stop * HASH_SIZE]
        linked = [at for at, odd in batch.odd.items() if odd.link and start <= at < stop]
        if not linked:
            return Part(batch, start, stop, batch.metadata, leaves)
        metadata, changed = list(batch.metadata.each()), bytearray(leaves)
        for at in sorted(linked):
            metadata[at] = with_link_group(metadata[at], self._links.number(batch.odd[at].link))
            place = (at - start) * HASH_SIZE
            changed[place : place + HASH_SIZE] = batch.leaf_with(at, metadata[at])
        return Part(batch, start, stop, column_of(metadata), bytes(changed))


class _Placed:
    """Lets rows through whose folder is there: what was taken before an interruption can have lost its place."""

    def __init__(self) -> None:
        self.misplaced = 0
        self._folders = [b""]
        self._last: bytes | None = None

    def only(self, stretch: Stretch) -> Iterator[Stretch]:
        """Yield what has a place."""
        batch, start, stop = stretch
        for at, path in enumerate(batch.path.each(start, stop), start):
            odd = batch.odd.get(at)
            if not self._has(path, is_stream=odd is not None and odd.stream != b"", kind=KINDS[batch.kind[at]]):
                self.misplaced += 1
                if start < at:
                    yield Stretch(batch, start, at)
                start = at + 1
        if start < stop:
            yield Stretch(batch, start, stop)

    def _has(self, path: bytes, *, is_stream: bool, kind: str) -> bool:
        folders = self._folders
        if is_stream:
            return path == self._last
        if path:
            above = path.rpartition(b"/")[0]
            while folders[-1] != above and folders[-1] and not above.startswith(folders[-1] + b"/"):
                folders.pop()
            if folders[-1] != above:
                return False
            if kind == "directory":
                folders.append(path)
        self._last = path
        return True


def _in_stretches(found: Iterable[Stretch | Entry], next_salt: Callable[[], bytes]) -> Iterator[Stretch]:
    """Yield everything in stretches: rows that come one by one get a salt, and are packed."""
    single = Batch()
    for one in found:
        if isinstance(one, Entry):
            single.add(one, next_salt())
            if len(single) < _TELL_EVERY:
                continue
        if len(single):
            yield Stretch(Packed(single.pack()), 0, len(single))
            single = Batch()
        if isinstance(one, Stretch):
            yield one
    if len(single):
        yield Stretch(Packed(single.pack()), 0, len(single))


def compose(
    found: Iterable[Stretch | Entry],
    out: Path,
    named: Path,
    *,
    make_header: Callable[[Totals], tuple[dict[str, Any], bytes]],
    sensitive: bool,
    random: Callable[[int], bytes],
    progress: Callable[[bytes, Totals], None],
    undisturbed: bool = False,
) -> Taken:
    """Write the manifest `out` from rows in order, beside it its tiles, and to `named` the SHA-256 of each object.

    `make_header` gives the header's record and bytes when all is counted; `progress` hears now and then of a path;
    `undisturbed`: the rows are of one walk, so each has its place.

    Raises:
        BadArgument: U231, by `make_header`.
        CannotFinish: X421 to X424.
    """
    shuffled = Shuffled(out) if sensitive else None
    tiles = TileWriter(out.with_suffix(layout.TILES), shuffled=sensitive)
    placed = _Placed()
    stretches = _in_stretches(found, Salts(random).next)
    if not undisturbed:
        stretches = (part for stretch in stretches for part in placed.only(stretch))
    block = bytearray()
    aside = shuffled.aside if shuffled else out
    with contextlib.closing(Appended(named)) as names, tiles, ManifestWriter(aside) as writer:
        groups = RowGroups(writer, tiles, shuffled.add if shuffled else tiles.extend)
        manifest = _Manifest(groups)
        for stretch in stretches:
            block += manifest.add(stretch)
            if len(block) >= _BLOCK:
                names.append(bytes(block))
                block.clear()
            progress(stretch.batch.path.one(stretch.stop - 1), manifest.totals)
        names.append(bytes(block))
        groups.flush()
        salt = random(SALT_SIZE)
        record, data = make_header(manifest.totals)
        digest = writer.finish(data, salt)
        if shuffled is not None:
            digest = shuffled.finish(data, salt, tiles)
        root = tiles.root()
        tiles.finish()
    return Taken(
        out,
        root,
        manifest.totals.rows,
        digest,
        data,
        salt,
        header_commitment(salt, data),
        record,
        tuple(manifest.omitted),
        dict(manifest.reasons),
        placed.misplaced,
        manifest.copies,
    )
