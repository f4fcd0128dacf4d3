"""Leaf hashes of a manifest, on disk in the order of their index, and the proofs of many of its rows from them.

Promise: memory holds one hash for each 256 rows, and the tree of one block of these. Source: RFC 9162 section 2.1.3.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from evidencekit.core.merkle import HASH_SIZE, CompactRange, Tree, prove_inclusion
from evidencekit.core.tiles import BLOCK
from evidencekit.write.durable import cannot_write

_LEVEL = BLOCK.bit_length() - 1
_HELD = 1 << 15


class Leaves:
    """All leaf hashes of one manifest: `extend` by them, then `settle`, then `prove`."""

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        self.path = path
        self.size = 0
        self._tree = CompactRange()
        self._blocks = Tree()
        self._held: list[bytes] = []
        self._block: tuple[int, Tree] = (-1, Tree())
        try:
            self._file = path.open("w+b", buffering=0)
        except OSError as error:
            raise cannot_write(path, error) from error

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the next leaf hashes, 32 bytes each."""
        self._held += leaves
        while len(self._held) >= _HELD:
            self._write(_HELD)

    def settle(self) -> bytes:
        """Return the root over all leaves; nothing is appended any more."""
        self._write(len(self._held))
        return self._tree.root()

    def prove(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a leaf; neighbours in turn are quickest."""
        return prove_inclusion(index, self.size, self._node)

    def close(self) -> None:
        """Close the file, which stays."""
        self._file.close()

    def _write(self, count: int) -> None:
        """Write so many: whole blocks but at the end, when the rest comes, too."""
        some = self._held[:count]
        try:
            data = memoryview(b"".join(some))
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._tree.extend(some)
        for start in range(0, count - BLOCK + 1, BLOCK):
            block = CompactRange()
            block.extend(some[start : start + BLOCK])
            self._blocks.append(block.root())
        self.size += count
        del self._held[:count]

    def _node(self, level: int, index: int) -> bytes:
        if level >= _LEVEL:
            return self._blocks.node(level - _LEVEL, index)
        number = (index << level) // BLOCK
        if self._block[0] != number:
            self._block = number, Tree(self._read(number))
        return self._block[1].node(level, index - (number * BLOCK >> level))

    def _read(self, number: int) -> list[bytes]:
        data = os.pread(self._file.fileno(), BLOCK * HASH_SIZE, number * BLOCK * HASH_SIZE)
        return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]
