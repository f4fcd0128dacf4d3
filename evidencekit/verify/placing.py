"""Step 9: the places of rows in their tree, and the root that comes of them.

Under order `path` the tree grows as the rows come. Under order `shuffled` each leaf hash is laid at its index first: 32
bytes a row, and one bit. Source: specs/manifest.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from evidencekit.core.merkle import HASH_SIZE, CompactRange
from evidencekit.verify.stretch import Stretch

Fault = tuple[int, str, str]
"""Position in the file, what was expected, what was found."""


class Placing(Protocol):
    """Takes leaf hashes with their indexes, in the order of the file."""

    def take(self, first: int, indexes: list[int], leaves: list[bytes]) -> Iterator[Fault]:
        """Add rows from position `first` on; yield a fault for each index that cannot be."""

    def take_stretch(self, stretch: Stretch) -> Iterator[Fault]:
        """Add rows that are known as a whole; their places in the order of the file are what they should be."""

    def finish(self) -> Iterator[Fault]:
        """Yield the faults that only the whole order shows."""

    def root(self) -> bytes | None:
        """Return the root over all rows by their indexes; None where those are not a place each."""


class InOrder:
    """Order `path`: index = position."""

    def __init__(self) -> None:
        self._tree = CompactRange()
        self._sound = True

    def take(self, first: int, indexes: list[int], leaves: list[bytes]) -> Iterator[Fault]:
        """Add rows."""
        self._tree.extend(leaves)
        if indexes != list(range(first, first + len(indexes))):
            for position, index in enumerate(indexes, start=first):
                if index != position:
                    self._sound = False
                    yield position, f"index {position}", f"index {index}"

    def take_stretch(self, stretch: Stretch) -> Iterator[Fault]:
        """Add rows."""
        for height, root in stretch.subtrees:
            self._tree.append_subtree(height, root)
        yield from ()

    def finish(self) -> Iterator[Fault]:
        """Nothing is left to find."""
        yield from ()

    def root(self) -> bytes | None:
        """Return the root."""
        return self._tree.root() if self._sound else None


class Shuffled:
    """Order `shuffled`: index = place in ascending order of leaf hash."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._hashes = bytearray(HASH_SIZE * rows)
        self._sound = True
        self._taken = bytearray((rows + 7) // 8)

    def take(self, first: int, indexes: list[int], leaves: list[bytes]) -> Iterator[Fault]:
        """Lay rows at their places."""
        for position, (index, leaf) in enumerate(zip(indexes, leaves, strict=True), start=first):
            if not 0 <= index < self._rows:
                self._sound = False
                yield position, f"index from 0 to {self._rows - 1}", f"index {index}"
                continue
            if self._taken[index >> 3] >> (index & 7) & 1:
                self._sound = False
                yield position, "an index of its own", f"index {index}, as another row has"
                continue
            self._taken[index >> 3] |= 1 << (index & 7)
            self._hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE] = leaf

    def take_stretch(self, stretch: Stretch) -> Iterator[Fault]:
        """Lay rows at their places."""
        return self.take(stretch.first, stretch.indexes, stretch.leaves)

    def finish(self) -> Iterator[Fault]:
        """Yield each index whose leaf hash is below the one before."""
        before = b""
        if not self._sound:
            return
        for index in range(self._rows):
            leaf = bytes(self._hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE])
            if leaf < before:
                yield index, "leaf hashes in ascending order", f"a lower one at index {index}"
            before = leaf

    def root(self) -> bytes | None:
        """Return the root over the hashes as they lie."""
        if not self._sound:
            return None
        tree = CompactRange()
        view = memoryview(self._hashes)
        tree.extend(bytes(view[at : at + HASH_SIZE]) for at in range(0, len(view), HASH_SIZE))
        return tree.root()
