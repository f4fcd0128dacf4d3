"""Step 9, some rows that follow each other: all that is to be known of them, where nothing in them is amiss.

Promises: a stretch stands for rows in which `rows.RowCheck`, going from one to the next, would find nothing, if they
follow upon what comes before (`opening`, `above`, `links`); of any others there is none. Held by
tests/property/test_stretches.py. Nothing here judges, and it may run in another process.
Source: specs/manifest.md sections 1 to 6 and 9.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from evidencekit.core.merkle import CompactRange
from evidencekit.core.row_leaves import TEXT_KINDS, leaf_hashes
from evidencekit.core.values import parse_count
from evidencekit.errors import FormatError
from evidencekit.read.parquet import Columns
from evidencekit.verify.folders import Folders
from evidencekit.verify.groups import Groups, Parsed
from evidencekit.verify.salts import beginnings

TO_TYPE, TO_MATCH, HAS_DIGEST, ERASED = 1, 2, 4, 8
"""What is noted of a row for opinions: a media type belongs to it; a comparison with a list; it has plain digests; it
may have had an opinion, which had to go with its name or content."""
MARK_BYTES = 256 << 20
"""Content from one mark to the next, unless a single row has more."""
Key = tuple[bytes, bytes]

_TYPED = frozenset({"complete", "changed", "partial"})
"""States of files that get a media type (specs/manifest.md section 8)."""
_TAKEN = frozenset({b"complete", b"changed"})
_PLAIN_NOTE = TO_TYPE | TO_MATCH | HAS_DIGEST


class Mark(NamedTuple):
    """A row at which the comparison with a source may be cut in two."""

    position: int
    path: bytes
    size: int
    """Bytes of content from here to the next mark."""


class Named(NamedTuple):
    """An object that a row names."""

    row: int
    """The number by which findings name the row."""
    sha256: str
    size: int
    is_large: bool
    """A large value; else the copy of a content."""


@dataclass(slots=True)
class Stretch:
    """Rows of which nothing is amiss."""

    first: int
    rows: int
    above: bytes
    """The path of the first row: its folders have to be known from before."""
    opening: Key
    """Sort key of the first row."""
    closing: Key
    """Sort key of the last row."""
    folders: Folders
    """The folders above the last row."""
    closed: bytes | None
    """Where the last row is a folder that was not listed, how the paths of rows in it would begin."""
    kinds: Counter[str]
    states: Counter[str]
    size: int
    excluded: int
    notes: bytes
    """One byte a row."""
    salts: array[int]
    """How the row salts begin, ascending."""
    links: list[int]
    """The numbers of hard-link groups as the rows have them."""
    named: list[Named]
    marks: list[Mark]
    subtrees: list[tuple[int, bytes]] = field(default_factory=list)
    """Order `path`: height and root of the perfect subtrees over the rows."""
    indexes: list[int] = field(default_factory=list)
    """Order `shuffled`: the index of each row, and its leaf hash."""
    leaves: list[bytes] = field(default_factory=list)


class Stretches:
    """Looks at the rows of one manifest."""

    def __init__(self, groups: Groups, *, is_shuffled: bool, with_copies: bool) -> None:
        """Take what reads groups; `with_copies`: rows name the copies of their contents."""
        self._groups = groups
        self._is_shuffled = is_shuffled
        self._with_copies = with_copies

    def look(self, first: int, batch: Columns) -> Stretch | None:
        """Return what rows from position `first` on are; None where somebody has to judge them one by one."""
        indexes, paths, states = batch["index"], batch["path"], batch["state"]
        count = len(indexes)
        if not count or not (self._is_shuffled or indexes == list(range(first, first + count))):
            return None
        look = _Look(self._groups, paths[0], indexes if self._is_shuffled else range(first, first + count))
        if not look.takes(batch, with_copies=self._with_copies):
            return None
        leaves = leaf_hashes(batch)
        stretch = Stretch(
            first,
            count,
            above=paths[0],
            opening=look.opening,
            closing=look.closing,
            folders=look.folders,
            closed=look.closed,
            kinds=Counter({TEXT_KINDS[kind]: rows for kind, rows in Counter(batch["kind"]).items()}),
            states=Counter({state.decode(): rows for state, rows in Counter(states).items()}),
            size=sum(size for size, state in zip(batch["size"], states, strict=True) if size and state in _TAKEN),
            excluded=look.excluded,
            notes=bytes(look.notes),
            salts=beginnings(batch["row_salt"]),
            links=look.links,
            named=look.named,
            marks=list(_marks(first, batch, look.streams)),
        )
        if self._is_shuffled:
            stretch.indexes, stretch.leaves = indexes, leaves
        else:
            stretch.subtrees = list(subtrees(first, leaves))
        return stretch


class _Look:
    """What comes of some rows, one after the other."""

    def __init__(self, groups: Groups, path: bytes, numbers: list[int] | range) -> None:
        self._groups = groups
        self._numbers = numbers
        self.opening: Key = (b"", b"")
        self.closing: Key = (b"", b"")
        self.folders = Folders.above(path)
        self.closed: bytes | None = None
        self.excluded = 0
        self.notes = bytearray()
        self.links: list[int] = []
        self.named: list[Named] = []
        self.streams: set[int] = set()
        """Rows that are streams, by their place here."""

    def takes(self, batch: Columns, *, with_copies: bool) -> bool:
        """Take all rows; False where one is not in order."""
        plain_file, notes = self._groups.plain_file, self.notes
        last: Key | None = None
        inside: bytes | None = None
        rows = zip(
            batch["name"], batch["content"], batch["metadata"], batch["kind"], batch["path"], batch["size"],
            batch["state"], batch["sha256"], batch["mtime_ns"], strict=True,
        )  # fmt: skip
        for place, (name, content, metadata, kind, path, size, state, digest, mtime) in enumerate(rows):
            about = stream = None
            if kind == b"file" and state == b"complete":
                about = plain_file((name, content, metadata), (path, size, digest, mtime))
            if about is not None:
                notes.append(_PLAIN_NOTE)
                if about[1] is not None:
                    self.links.append(int(about[1]))
                if with_copies:
                    self.named.append(Named(self._numbers[place], digest.hex(), size, is_large=False))
            else:
                parsed = self._read((kind, name, content, metadata), (path, size, state, digest, mtime))
                if parsed is None:
                    return False
                self._follow(place, parsed, TEXT_KINDS[kind], with_copies=with_copies)
                stream = parsed.stream
            if self.closed is not None and path.startswith(self.closed):
                return False
            key = (path.replace(b"/", b"\0"), stream or b"")  # no name holds NUL: so components sort as components
            if last is None:
                self.opening = key
            elif key <= last:
                return False
            last = key
            # Where the row before lies in the same folder, and is none, this one's folder has a row, too.
            folder = path[: max(path.rfind(b"/"), 0)]
            if folder != inside or kind == b"directory":
                if not self.folders.takes(path, is_folder=kind == b"directory" and not stream):
                    return False
                inside = folder if path else None
            self.closed = None if state != b"not_listed" else path + b"/" if path else b""
        if kind != b"directory":
            self.folders.takes(path, is_folder=False)  # those that the last row does not lie in are over
        self.closing = last or self.closing
        return True

    def _read(
        self,
        groups: tuple[bytes, bytes, bytes, bytes],
        view: tuple[bytes, int | None, bytes, bytes | None, int | None],
    ) -> Parsed | None:
        kind = TEXT_KINDS.get(groups[0])
        if kind is None:
            return None
        try:
            parsed = self._groups.read(kind, *groups[1:])
        except FormatError:
            return None
        found = parsed.view
        said = (found.path, found.size, found.state.encode(), found.sha256, found.mtime_ns)
        return parsed if said == view else None

    def _follow(self, place: int, parsed: Parsed, kind: str, *, with_copies: bool) -> None:
        self.notes.append(note(kind, parsed))
        if parsed.link_group is not None:
            self.links.append(parsed.link_group)
        self.excluded += parsed.excluded
        if parsed.stream:
            self.streams.add(place)
        number = self._numbers[place]
        for value in parsed.large:
            self.named.append(Named(number, value["sha256"], parse_count(value["bytes"]), is_large=True))
        if with_copies and parsed.copy is not None:
            self.named.append(Named(number, *parsed.copy, is_large=False))


def note(kind: str, parsed: Parsed) -> int:
    """Return what opinions have to know of a row. Source: specs/manifest.md section 8."""
    view = parsed.view
    return note_of(kind, view.state, view.path, parsed.stream, has_digest=view.sha256 is not None)


def note_of(kind: str, state: str, path: bytes, stream: bytes, *, has_digest: bool) -> int:
    """Return the same from what its groups `name` and `content` say."""
    bits = TO_TYPE if kind == "file" and state in _TYPED else 0
    is_read = kind == "file" or (kind == "block_device" and not path)
    if is_read and not stream:
        bits |= TO_MATCH | HAS_DIGEST if has_digest else TO_MATCH
    return bits


def _marks(first: int, batch: Columns, streams: set[int]) -> Iterator[Mark]:
    """Yield a mark at the first row, and more where there is much content; none at a stream: its path is no new one."""
    sizes, states, paths = batch["size"], batch["state"], batch["path"]
    begin, gathered = -1, 0
    for place, size in enumerate(sizes):
        if place not in streams and (begin < 0 or gathered >= MARK_BYTES):
            if begin >= 0:
                yield Mark(first + begin, paths[begin], gathered)
            begin, gathered = place, 0
        gathered += size if size is not None and states[place] in _TAKEN else 0
    if begin >= 0:
        yield Mark(first + begin, paths[begin], gathered)


def subtrees(first: int, leaves: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the perfect subtrees over leaves, whose places begin at `first`, as large as they can be."""
    at, end = first, first + len(leaves)
    while at < end:
        height = (end - at).bit_length() - 1
        if at:
            height = min(height, (at & -at).bit_length() - 1)
        tree = CompactRange()
        tree.extend(leaves[at - first : at - first + (1 << height)])
        yield height, tree.root()
        at += 1 << height
