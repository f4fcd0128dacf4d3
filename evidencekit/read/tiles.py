"""Tiles read: the few hashes that lead from one row to the root, and the row group in which it stands.

Promises: whatever the bytes are, the answer is hashes and places, or a FormatError; at most 64 MiB of fences are read,
and 9 KiB for each level. Nothing is known to be true: the caller holds it against the sealed root.
Source: specs/store.md section 8.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import BinaryIO

from evidencekit.core.merkle import HASH_SIZE, Tree, prove_inclusion
from evidencekit.core.tiles import (
    BLOCK,
    LENGTH,
    MAGIC,
    POSITION,
    TAIL_SIZE,
    block_length,
    decode_tail,
    fence,
    leaves_size,
    levels_of,
    split_blocks,
)
from evidencekit.errors import FormatError


class TilesFile:
    """Open tiles of one manifest."""

    def __init__(self, file: BinaryIO, *, rows: int, root: bytes, starts: Sequence[int]) -> None:
        """Take a file, the sealed number of rows and root, and the places of the first rows of the row groups.

        Raises:
            FormatError: these are no tiles of such a manifest.
            OSError: they cannot be read.
        """
        self._file = file
        self._rows = rows
        self._starts = starts
        end = file.seek(0, 2)
        if self._read(0, len(MAGIC)) != MAGIC:
            raise FormatError("tiles", expected=MAGIC.decode().strip(), found="another beginning")
        self._tail = decode_tail(self._read(max(0, end - TAIL_SIZE), TAIL_SIZE))
        split = split_blocks(starts)
        self._split = {block: place for place, block in enumerate(split)}
        self._sizes = levels_of(rows)
        self._levels_at = len(MAGIC) + leaves_size(self._tail, split)
        self._fences_at = self._levels_at + sum(self._sizes) * HASH_SIZE
        expected = (rows, len(starts), self._fences_at + self._tail.fences_size + TAIL_SIZE)
        if expected != (self._tail.rows, self._tail.groups, end):
            raise FormatError("tiles", expected="those of this manifest", found="others")
        if self._read(self._fences_at - HASH_SIZE, HASH_SIZE) != root:
            raise FormatError("tiles", expected="the sealed root", found="another")

    def group_of(self, wanted: bytes | int) -> int:
        """Return the number, from 0, of the row group in which a path or an index has to be, if it is there at all.

        `wanted` is a path, or an index below the number of rows.

        Raises:
            FormatError: the tiles are damaged, or the path comes before all others.
            OSError: they cannot be read.
        """
        if isinstance(wanted, int):
            return bisect_right(self._starts, self._position(wanted)) - 1
        number = bisect_right(self._fences(), fence(wanted)) - 1
        if number < 0:
            raise FormatError("tiles", expected="a first path", found="a later one")
        return number

    def _position(self, index: int) -> int:
        """Return the place in the file of the row of an index."""
        if not self._tail.shuffled:
            return index
        record = HASH_SIZE + POSITION
        return int.from_bytes(self._read(len(MAGIC) + index * record + HASH_SIZE, POSITION), "big")

    def _fences(self) -> list[bytes]:
        data = self._read(self._fences_at, self._tail.fences_size)
        fences = []
        at = 0
        for _ in range(self._tail.groups):
            start = at + LENGTH
            at = start + int.from_bytes(data[at:start], "big")
            fences.append(data[start:at])
        if at != len(data):
            raise FormatError("tiles", expected="fences", found="other bytes")
        return fences

    def leaves(self, block: int) -> list[bytes] | None:
        """Return the leaf hashes of a block; None where they are to be computed from its rows, which lie in one group.

        Raises:
            FormatError: the tiles end too early.
            OSError: they cannot be read.
        """
        if self._tail.shuffled:
            number, record = block, HASH_SIZE + POSITION
        elif block in self._split:
            number, record = self._split[block], HASH_SIZE
        else:
            return None
        data = self._read(len(MAGIC) + number * BLOCK * record, block_length(block, self._rows) * record)
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), record)]

    def prove(self, index: int, leaves: Sequence[bytes]) -> list[bytes]:
        """Return the inclusion proof of a leaf, whose block has these leaf hashes: PATH of RFC 9162, section 2.1.3.1.

        A tree splits at the largest power of two below its size: so a path goes through blocks, a level at a time.

        Raises:
            FormatError: the tiles end too early.
            OSError: they cannot be read.
        """
        path: list[bytes] = []
        nodes, at = leaves, self._levels_at
        for size in self._sizes:
            path += prove_inclusion(index % BLOCK, len(nodes), Tree(nodes).node)
            index //= BLOCK
            block = index // BLOCK
            data = self._read(at + block * BLOCK * HASH_SIZE, block_length(block, size) * HASH_SIZE)
            nodes = [data[start : start + HASH_SIZE] for start in range(0, len(data), HASH_SIZE)]
            at += size * HASH_SIZE
        return path

    def _read(self, at: int, length: int) -> bytes:
        self._file.seek(at)
        data = self._file.read(length)
        if len(data) != length:
            raise FormatError("tiles", expected=f"{length} bytes at {at}", found=str(len(data)))
        return data
