"""Tiles written while a manifest is composed: roots of blocks of 256 rows, and where each row group begins.

Promises: memory holds one hash for each 256 rows, and at most 1 KiB for each row group; under its name stands the whole
file or none. It is disposable: where it cannot be written, there is none, and nothing else fails. It is not fsynced.
Source: specs/store.md section 8.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from evidencekit.core.layout import TEMPORARY
from evidencekit.core.merkle import EMPTY_ROOT
from evidencekit.core.tiles import (
    BLOCK,
    LENGTH,
    MAGIC,
    MAX_GROUPS,
    POSITION,
    Tail,
    block_root,
    encode_tail,
    fence,
)
from evidencekit.errors import EvidenceError
from evidencekit.write.appended import Appended


class TileWriter:
    """The tree of one manifest, and the file of its tiles. `extend` and `group` while it is composed, then `finish`.

    In order `path`: for each row group, in the order of the file, first `group`, then `extend` with its leaves.
    In order `shuffled`: `group` for all row groups in the order of the file; `extend` in the order of `index`.
    """

    def __init__(self, path: Path, *, shuffled: bool) -> None:
        """Take the name of the file, whose folder is there. What has the name already is replaced at the end."""
        self.path = path
        self.rows = 0
        """Leaves so far."""
        self._temporary = path.with_name(f"{TEMPORARY}{path.name}")
        self._shuffled = shuffled
        self._block: list[bytes] = []
        """Leaf hashes of the block that is not full yet."""
        self._is_split = False
        """A row group begins inside that block."""
        self._roots: list[bytes] = []
        self._fences = bytearray()
        self._groups = 0
        self._file: Appended | None = None
        """None where it cannot be written, or is not to be any more."""
        with contextlib.suppress(OSError, EvidenceError):
            self._temporary.unlink(missing_ok=True)
            self._file = Appended(self._temporary)
        self._write(MAGIC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def group(self, path: bytes, stream: bytes = b"") -> None:
        """Take note that a row group begins, and of its first row's path and, if it is of a stream, that one's name."""
        key = fence(path, stream)
        self._fences += len(key).to_bytes(LENGTH, "big") + key
        self._groups += 1
        self._is_split = self._is_split or bool(self._block)

    def extend(self, leaf_hashes: Sequence[bytes], positions: Sequence[int] = ()) -> None:
        """Take the 32-byte hashes of the next leaves, in the order of `index`.

        In order `shuffled` with as many `positions`: the place in the file, from 0, of each row.
        """
        self.rows += len(leaf_hashes)
        if self._shuffled:
            each = zip(leaf_hashes, positions, strict=True)
            self._write(b"".join(leaf + position.to_bytes(POSITION, "big") for leaf, position in each))
        block = self._block
        block += leaf_hashes
        whole = len(block) // BLOCK * BLOCK
        for at in range(0, whole, BLOCK):
            self._end_block(block[at : at + BLOCK])
        del block[:whole]

    def root(self) -> bytes:
        """Return the root over all leaves so far: that of RFC 9162."""
        return self._levels()[-1][0] if self.rows else EMPTY_ROOT

    def finish(self) -> None:
        """Write the rest and give the file its name."""
        levels = self._levels()
        if self._block:
            self._end_block(self._block)
            self._block = []
        for level in levels:
            self._write(b"".join(level))
        if not self.rows or not 0 < self._groups <= MAX_GROUPS:
            self.abandon()
        self._write(bytes(self._fences) + encode_tail(Tail(self.rows, self._groups, len(self._fences), self._shuffled)))
        if self._file is not None:
            try:
                self._file.close()
                self._temporary.replace(self.path)
            except (OSError, EvidenceError):
                self.abandon()
            self._file = None

    def abandon(self) -> None:
        """Remove the file that has not been finished; again is no error."""
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(EvidenceError):
                file.close()
            with contextlib.suppress(OSError):
                self._temporary.unlink()

    def _end_block(self, hashes: list[bytes]) -> None:
        self._roots.append(block_root(hashes))
        if self._is_split and not self._shuffled:
            self._write(b"".join(hashes))
        self._is_split = False

    def _levels(self) -> list[list[bytes]]:
        """Return the nodes of each level above the leaves, up to the root."""
        levels = [[*self._roots, block_root(self._block)] if self._block else self._roots]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([block_root(below[at : at + BLOCK]) for at in range(0, len(below), BLOCK)])
        return levels

    def _write(self, data: bytes) -> None:
        if self._file is not None:
            try:
                self._file.append(data)
            except EvidenceError:
                self.abandon()
