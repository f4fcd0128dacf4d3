"""The Merkle tree of RFC 9162 (the one of RFC 6962) with SHA-256: building it, and proving from it.

Promises: the roots and proofs are those of RFC 9162 section 2.1, byte for byte; an odd node is promoted,
never duplicated; a leaf and a node can never be taken for each other; every size is below 2^63. Nothing here
checks a proof: that is `proofs`, which shares only `node_hash` and the limits.

A node is named by `(level, index)`: the root of the perfect subtree over the leaves
`index * 2**level` to `(index + 1) * 2**level - 1`. Leaf hashes are level 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import TypeAlias

HASH_SIZE = 32
SIZE_LIMIT = 1 << 63
"""Sizes and indexes stay below this, so that they fit a signed 64-bit integer everywhere."""

EMPTY_ROOT: bytes = sha256(b"").digest()
"""Root of the tree without leaves: the hash of nothing (RFC 9162 section 2.1.1)."""

NodeReader: TypeAlias = Callable[[int, int], bytes]
"""`(level, index)` to the 32-byte root of that perfect subtree."""

_BATCH = 1024


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf's bytes: 32 bytes. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two neighbouring subtree roots: 32 bytes. Source: RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def _pair(nodes: list[bytes]) -> list[bytes]:
    """Parents of an even number of nodes: `node_hash` written out, since this is the hot loop."""
    each = iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def _fold(peaks: Iterable[bytes]) -> bytes:
    """Root over neighbouring perfect subtrees, given from the right (smallest) to the left (largest)."""
    each = iter(peaks)
    root = next(each, EMPTY_ROOT)
    for peak in each:
        root = node_hash(peak, root)
    return root


def _check_hashes(hashes: list[bytes]) -> None:
    if not {HASH_SIZE}.issuperset(map(len, hashes)):
        raise ValueError(f"a hash of the tree has {HASH_SIZE} bytes")


class CompactRange:
    """The right edge of a growing tree: enough for its root, in O(log n) memory.

    `_peaks[level]` is the root of the perfect subtree of that level on the edge, or None: the bits of `size`.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes | None] = []

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf by its 32-byte hash. Raises ValueError for another length."""
        self.append_subtree(0, leaf_hash)

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaves by their 32-byte hashes, in order. Raises ValueError for another length."""
        each = iter(leaf_hashes)
        while batch := list(islice(each, _BATCH)):
            self._add(0, batch)

    def append_subtree(self, height: int, root: bytes) -> None:
        """Add the 2**height leaves of a perfect subtree by its 32-byte root.

        Raises ValueError when the size is not a multiple of 2**height, or would reach 2^63.
        """
        if height < 0 or self.size % (1 << height):
            raise ValueError(f"a subtree of 2^{height} leaves does not fit at size {self.size}")
        self._add(height, [root])

    def _add(self, level: int, nodes: list[bytes]) -> None:
        """Binary addition with carry: whole pairs go one level up, an odd node waits as a peak."""
        _check_hashes(nodes)
        size = self.size + (len(nodes) << level)
        if size >= SIZE_LIMIT:
            raise ValueError("a tree has fewer than 2^63 leaves")
        self._peaks.extend([None] * (size.bit_length() - len(self._peaks)))
        while nodes:
            waiting = self._peaks[level]
            if waiting is not None:
                nodes = [waiting, *nodes]
            self._peaks[level] = nodes.pop() if len(nodes) % 2 else None
            nodes = _pair(nodes)
            level += 1
        self.size = size

    def root(self) -> bytes:
        """Root of the tree so far: 32 bytes. Source: RFC 9162 section 2.1.1."""
        return _fold(peak for peak in self._peaks if peak is not None)

    def copy(self) -> CompactRange:
        """A range of the same leaves that grows on its own."""
        other = CompactRange()
        other.size = self.size
        other._peaks = self._peaks.copy()
        return other


class Tree:
    """All levels in memory (about 64 bytes of hashes a leaf): build once, prove often."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self.extend(leaf_hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf by its 32-byte hash. Raises ValueError for another length."""
        self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add many leaves by their 32-byte hashes, in order. Raises ValueError for another length."""
        added = list(leaf_hashes)
        _check_hashes(added)
        self._levels[0].extend(added)
        level = 0
        while len(children := self._levels[level]) > 1:
            level += 1
            if level == len(self._levels):
                self._levels.append([])
            parents = self._levels[level]
            parents.extend(_pair(children[2 * len(parents) : len(children) // 2 * 2]))

    def __len__(self) -> int:
        return len(self._levels[0])

    def node(self, level: int, index: int) -> bytes:
        """Root of one perfect subtree: 32 bytes. Raises IndexError when the tree has no such node."""
        if level < 0 or index < 0:
            raise IndexError("levels and indexes count from 0")
        return self._levels[level][index]

    def root(self, size: int | None = None) -> bytes:
        """Root over the first `size` leaves (all of them when None): 32 bytes.

        Raises ValueError when the tree has fewer leaves. Source: RFC 9162 section 2.1.1.
        """
        if size is None:
            size = len(self)
        if not 0 <= size <= len(self):
            raise ValueError(f"the tree has {len(self)} leaves, not {size}")
        return _fold(_peaks(size, size.bit_length(), self.node))


def _peaks(size: int, below: int, node: NodeReader) -> Iterator[bytes]:
    """Perfect subtrees on the right edge of a tree, of the levels under `below`, from the right."""
    for level in range(below):
        if size >> level & 1:
            yield node(level, (size >> level) - 1)


def _path(level: int, index: int, size: int, node: NodeReader) -> Iterator[bytes]:
    """Siblings on the way from a perfect subtree up to the root of the tree of `size` leaves.

    A node without a right neighbour is promoted and has no sibling on that level. The last node of a level
    may stand over fewer leaves than the others: its hash is then folded from the right edge.
    """
    last = (size - 1) >> level
    while last:
        sibling = index ^ 1
        if (sibling + 1) << level <= size:
            yield node(level, sibling)
        elif sibling == last:
            yield _fold(_peaks(size, level, node))
        index >>= 1
        last >>= 1
        level += 1


def prove_inclusion(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Hashes that lead from leaf `index` to the root over `size` leaves, from the leaf upwards.

    Raises ValueError unless 0 <= index < size < 2^63. Source: PATH(m, D_n), RFC 9162 section 2.1.3.1.
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise ValueError(f"no leaf {index} in a tree of {size} leaves")
    return list(_path(0, index, size, node))


def prove_consistency(old: int, new: int, node: NodeReader) -> list[bytes]:
    """Hashes which show that the tree of `old` leaves is the beginning of the tree of `new` leaves.

    Empty when both sizes are equal. Raises ValueError unless 0 < old <= new < 2^63: everything begins with
    the empty tree, so nothing could be shown. Source: PROOF(m, D_n), RFC 9162 section 2.1.4.1.
    """
    if not 0 < old <= new < SIZE_LIMIT:
        raise ValueError(f"no consistency proof from {old} to {new} leaves")
    if old == new:
        return []
    # The largest perfect subtree that ends where the old tree ends: SUBPROOF stops there.
    level = (old & -old).bit_length() - 1
    index = (old >> level) - 1
    # Where it is the whole old tree, its hash is the old root, which the verifier has (b = true).
    start = [] if index == 0 else [node(level, index)]
    return [*start, *_path(level, index, new, node)]
