"""A log as static files: C2SP tlog-tiles. Paths, widths, bundles of entries; no I/O.

    checkpoint                      the signed note
    tile/0/000.p/4                  level 0, leaf hashes; partial: of 4 leaves
    tile/1/x001/x234/067            256 hashes, each over a full tile of the level below
    tile/entries/000.p/4            the entries themselves, each behind its length in two bytes

Promises: what is accepted re-encodes to the same bytes; a tile has one path. Source: specs/checkpoint.md section 11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from evidencekit.core.merkle import HASH_SIZE
from evidencekit.errors import FormatError

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""
CHECKPOINT = "checkpoint"
ENTRIES = "entries"
MAX_ENTRY = 65_535
MAX_TILE = WIDTH * HASH_SIZE
MAX_BUNDLE = WIDTH * (2 + MAX_ENTRY)
MAX_LEVEL = 7
"""256^8 is above the largest size of a tree."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One file: a tile of hashes, or (`level` None) a bundle of entries."""

    level: int | None
    index: int
    width: int
    """1 to 256; below 256 it is partial."""

    @property
    def path(self) -> str:
        """Its path under the log's prefix. Source: C2SP tlog-tiles, section Merkle Tree."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[place : place + 3] for place in range(0, len(digits), 3)]
        number = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{ENTRIES if self.level is None else self.level}/{number}{partial}"

    @property
    def full(self) -> Tile:
        """The full tile in the same place."""
        return replace(self, width=WIDTH)


def widths(size: int, level: int) -> Iterator[int]:
    """Yield the widths of the tiles of a level, in a tree of `size` leaves: full ones, then perhaps a partial one."""
    nodes = size >> 8 * level
    yield from (WIDTH for _ in range(nodes // WIDTH))
    if nodes % WIDTH:
        yield nodes % WIDTH


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield the tiles of hashes of a tree of `size` leaves, level by level, from the left."""
    for level in range(MAX_LEVEL + 1):
        for index, width in enumerate(widths(size, level)):
            yield Tile(level, index, width)


def bundles_of(size: int) -> Iterator[Tile]:
    """Yield the bundles of a log of `size` entries, from the left."""
    for index, width in enumerate(widths(size, 0)):
        yield Tile(None, index, width)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """The bytes of a bundle. Raises FormatError for an entry above 65,535 bytes."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise FormatError("entry", expected=f"at most {MAX_ENTRY} bytes", found=f"{len(entry)} bytes")
        parts.append(struct.pack(">H", len(entry)) + entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises FormatError where they are more, fewer, or cut."""
    entries: list[bytes] = []
    place = 0
    while place < len(data) and len(entries) <= width:
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if place + 2 > len(data) or end > len(data):
            raise FormatError("bundle", expected=f"entry {len(entries)} whole", found="the end")
        entries.append(data[place + 2 : end])
        place = end
    if len(entries) != width:
        found = "more" if len(entries) > width else str(len(entries))
        raise FormatError("bundle", expected=f"{width} entries", found=found)
    return entries
