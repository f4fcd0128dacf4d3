"""Rows in columns: some hundred at a time, from the process that takes them, through a run, to the manifest.

Promises: `unpack` gives what `pack` took; no row becomes an object on the way unless something is odd about it.
The bytes are of no format: they live in a work folder, under a MAC. Source: specs/decisions/0006 and 0007.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from struct import Struct
from typing import NamedTuple, TypeAlias

from evidencekit.acquire.row import Entry, sort_key
from evidencekit.acquire.rows import row_leaf_hash
from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.records import KINDS, STATES

COMPLETE = STATES.index("complete")
HAS_SIZE, HAS_MTIME, HAS_DIGEST, HAS_STAMP = 1, 2, 4, 8
"""Flags of a row."""
_ALL = HAS_SIZE | HAS_MTIME | HAS_DIGEST | HAS_STAMP
_KINDS = {kind: number for number, kind in enumerate(KINDS)}
_FILE = _KINDS["file"]
_STATES = {state: number for number, state in enumerate(STATES)}
_Bytes: TypeAlias = "bytes | bytearray | memoryview | array[int]"
_LENGTH = Struct("<Q")
_ALIGN = 8
_NO_HASH = bytes(HASH_SIZE)


class Odd(NamedTuple):
    """What most rows have not."""

    stream: bytes = b""
    reason: str = ""
    copied: bytes | None = None
    link: bytes = b""
    large: bytes = b""
    lost: int = 0
    gone: int = 0


_PLAIN = Odd()


class Batch:
    """Rows in columns, in the order of a manifest. Its lists are of equal length."""

    __slots__ = (
        "content", "flags", "kind", "leaf", "metadata", "mtime_ns", "name", "odd", "path", "salt", "sha256", "size",
        "stamp", "state", "weight",
    )  # fmt: skip

    def __init__(self) -> None:
        self.kind = bytearray()
        """Number in KINDS."""
        self.state = bytearray()
        """Number in STATES."""
        self.flags = bytearray()
        self.path: list[bytes] = []
        self.name: list[bytes] = []
        self.content: list[bytes] = []
        self.metadata: list[bytes] = []
        self.salt: list[bytes] = []
        self.leaf: list[bytes] = []
        """Leaf hashes; of a row with a link group, that of the row without."""
        self.size = array("q")
        """0 where the row has none; so, too, in the next three."""
        self.mtime_ns = array("q")
        self.sha256: list[bytes] = []
        self.stamp: list[bytes] = []
        self.odd: dict[int, Odd] = {}
        """By place in the batch."""
        self.weight = 0
        """Bytes of all groups."""

    def __len__(self) -> int:
        return len(self.kind)

    def add(self, entry: Entry, salt: bytes) -> None:
        """Add a row under a salt of its own (16 bytes)."""
        odd = Odd(entry.stream, entry.reason, entry.copied, entry.link, entry.large, entry.lost, entry.gone)
        if odd != _PLAIN:
            self.odd[len(self.kind)] = odd
        self.kind.append(_KINDS[entry.kind])
        self.state.append(_STATES[entry.state])
        self.flags.append(
            (entry.size is not None) * HAS_SIZE
            | (entry.mtime_ns is not None) * HAS_MTIME
            | (entry.sha256 is not None) * HAS_DIGEST
            | (entry.stamp is not None) * HAS_STAMP
        )
        self.path.append(entry.path)
        self.name.append(entry.name)
        self.content.append(entry.content)
        self.metadata.append(entry.metadata)
        self.salt.append(salt)
        self.leaf.append(row_leaf_hash(entry.kind, salt, entry.name, entry.content, entry.metadata))
        self.size.append(entry.size or 0)
        self.mtime_ns.append(entry.mtime_ns or 0)
        self.sha256.append(entry.sha256 or _NO_HASH)
        self.stamp.append(entry.stamp or b"")
        self.weight += len(entry.name) + len(entry.content) + len(entry.metadata)

    def add_file(
        self,
        path: bytes,
        name: bytes,
        content: bytes,
        metadata: bytes,
        salt: bytes,
        size: int,
        sha256: bytes,
        mtime_ns: int,
        stamp: bytes,
        link: bytes,
    ) -> None:
        """Add the row of a file that is `complete`, with nothing odd about it but that it may have several names."""
        if link:
            self.odd[len(self.kind)] = Odd(link=link)
        self.kind.append(_FILE)
        self.state.append(COMPLETE)
        self.flags.append(_ALL)
        self.path.append(path)
        self.name.append(name)
        self.content.append(content)
        self.metadata.append(metadata)
        self.salt.append(salt)
        self.leaf.append(row_leaf_hash("file", salt, name, content, metadata))
        self.size.append(size)
        self.mtime_ns.append(mtime_ns)
        self.sha256.append(sha256)
        self.stamp.append(stamp)
        self.weight += len(name) + len(content) + len(metadata)

    def pack(self) -> bytes:
        """Return the rows as bytes."""
        parts: list[bytes] = []
        put = _putter(parts)
        put(self.kind)
        put(self.state)
        put(self.flags)
        put(self.size)
        put(self.mtime_ns)
        put(b"".join(self.salt))
        put(b"".join(self.leaf))
        put(b"".join(self.sha256))
        for column in (self.path, self.name, self.content, self.metadata, self.stamp):
            _put_column(put, column)
        odd = list(self.odd.values())
        put(array("q", self.odd))
        put(array("q", [one.lost for one in odd]))
        put(array("q", [one.gone for one in odd]))
        put(bytes(one.copied is not None for one in odd))
        for texts in zip(*((one.stream, one.reason.encode(), one.copied or b"", one.link, one.large) for one in odd),
                         strict=True):  # fmt: skip
            _put_column(put, texts)
        return b"".join(parts)


class Column(NamedTuple):
    """Byte strings one after the other."""

    offsets: memoryview
    """Where each begins, and where the last one ends: int32."""
    data: memoryview

    def each(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield the byte strings, or those from `start` to `stop`."""
        data, last = self.data, None if stop is None else stop + 1
        return (bytes(data[begin:end]) for begin, end in pairwise(self.offsets[start:last]))

    def one(self, at: int) -> bytes:
        """Return one byte string."""
        return bytes(self.data[self.offsets[at] : self.offsets[at + 1]])


class Packed:
    """Rows of a batch that was packed, read where they lie."""

    __slots__ = (
        "content", "flags", "kind", "leaf", "metadata", "mtime_ns", "name", "odd", "path", "salt", "sha256", "size",
        "stamp", "state",
    )  # fmt: skip

    def __init__(self, data: bytes | memoryview) -> None:
        """Take what `Batch.pack` returned."""
        take = _taker(memoryview(data))
        self.kind, self.state, self.flags = take(), take(), take()
        self.size, self.mtime_ns = take().cast("q"), take().cast("q")
        self.salt, self.leaf, self.sha256 = take(), take(), take()
        columns = [Column(take().cast("i"), take()) for _ in range(5)]
        self.path, self.name, self.content, self.metadata, self.stamp = columns
        places = take().cast("q")
        lost, gone, has_copy = take().cast("q"), take().cast("q"), take()
        self.odd: dict[int, Odd] = {}
        if places:
            stream, reason, copied, link, large = (list(Column(take().cast("i"), take()).each()) for _ in range(5))
            for at, place in enumerate(places):
                copy = copied[at] if has_copy[at] else None
                odd = Odd(stream[at], reason[at].decode(), copy, link[at], large[at], lost[at], gone[at])
                self.odd[place] = odd

    def __len__(self) -> int:
        return len(self.kind)

    def leaf_with(self, at: int, metadata: bytes) -> bytes:
        """Return the leaf hash of a row with another group `metadata`."""
        salt = bytes(self.salt[at * SALT_SIZE : (at + 1) * SALT_SIZE])
        return row_leaf_hash(KINDS[self.kind[at]], salt, self.name.one(at), self.content.one(at), metadata)

    def keys(self) -> list[bytes]:
        """Return what the rows sort by."""
        keys = [sort_key(path) for path in self.path.each()]
        for at, odd in self.odd.items():
            if odd.stream:
                keys[at] = sort_key(self.path.one(at), odd.stream)
        return keys

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the rows, or those from `start` to `stop`, each as an object of its own."""
        sha256 = self.sha256
        columns = (self.path, self.name, self.content, self.metadata, self.stamp)
        rows = zip(*(column.each(start, stop) for column in columns), strict=True)
        for at, (path, name, content, metadata, stamp) in enumerate(rows, start):
            flags, odd = self.flags[at], self.odd.get(at, _PLAIN)
            yield Entry(
                path=path,
                stream=odd.stream,
                kind=KINDS[self.kind[at]],
                name=name,
                content=content,
                metadata=metadata,
                size=self.size[at] if flags & HAS_SIZE else None,
                state=STATES[self.state[at]],
                sha256=bytes(sha256[at * HASH_SIZE : (at + 1) * HASH_SIZE]) if flags & HAS_DIGEST else None,
                mtime_ns=self.mtime_ns[at] if flags & HAS_MTIME else None,
                reason=odd.reason,
                copied=odd.copied,
                stamp=stamp if flags & HAS_STAMP else None,
                link=odd.link,
                large=odd.large,
                lost=odd.lost,
                gone=odd.gone,
            )


def column_of(values: Sequence[bytes]) -> Column:
    """Return byte strings as a column."""
    offsets = array("i", accumulate(map(len, values), initial=0))
    return Column(memoryview(offsets), memoryview(b"".join(values)))


# --- bytes ---------------------------------------------------------------------------------------------------------


def _putter(parts: list[bytes]) -> Callable[[_Bytes], None]:
    def put(data: _Bytes) -> None:
        view = memoryview(data).cast("B")
        parts.extend((_LENGTH.pack(len(view)), bytes(view), bytes(-len(view) % _ALIGN)))

    return put


def _put_column(put: Callable[[_Bytes], None], values: Sequence[bytes]) -> None:
    column = column_of(values)
    put(column.offsets)
    put(column.data)


def _taker(data: memoryview) -> Callable[[], memoryview]:
    at = 0

    def take() -> memoryview:
        nonlocal at
        (length,) = _LENGTH.unpack_from(data, at)
        start, at = at + _LENGTH.size, at + _LENGTH.size + length + -length % _ALIGN
        return data[start : start + length]

    return take
