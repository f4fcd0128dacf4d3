"""The order `shuffled`: leaves by ascending hash, so that a place tells nothing about a hidden name.

The places are known only when all leaves are, so the rows go to a file aside first and are copied with their places.
Memory: 40 bytes a row, and as much again while sorting. Source: specs/manifest.md section 6.
"""

from __future__ import annotations

from pathlib import Path

from evidencekit.core.merkle import HASH_SIZE
from evidencekit.write.parquet import ManifestWriter
from evidencekit.write.tiles import TileWriter

_BATCH = 1024


class Shuffled:
    """Gathers leaf hashes in path order, then writes the manifest in which every row knows its place."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.aside = out.with_name(out.name + ".path-order")
        """Where the rows go first."""
        self._leaves = bytearray()

    def add(self, leaf_hashes: list[bytes]) -> None:
        """Take the leaf hashes of the next rows in path order."""
        self._leaves += b"".join(leaf_hashes)

    def finish(self, header: bytes, header_salt: bytes, tiles: TileWriter) -> bytes:
        """Write the manifest, give its leaves to `tiles`, remove the file aside; return the SHA-256 of its bytes.

        Raises:
            Refused: R501, the name is taken.
            CannotFinish: X421 to X424.
        """
        import pyarrow as pa  # noqa: PLC0415 (0.2 s, and the writer has loaded it)
        import pyarrow.compute as pc  # noqa: PLC0415

        leaves = memoryview(self._leaves)
        rows = len(leaves) // HASH_SIZE
        column = pa.Array.from_buffers(pa.binary(HASH_SIZE), rows, [None, pa.py_buffer(self._leaves)])
        order = pc.sort_indices(column)
        positions = memoryview(order.buffers()[1]).cast("Q")
        for start in range(0, rows, _BATCH):
            some = positions[start : min(start + _BATCH, rows)].tolist()
            tiles.extend([bytes(leaves[at * HASH_SIZE : (at + 1) * HASH_SIZE]) for at in some], some)
        places = memoryview(pc.sort_indices(order).buffers()[1]).cast("Q")  # the permutation the other way round
        with ManifestWriter(self._out) as writer:
            writer.copy_renumbered(self.aside, places)
            digest = writer.finish(header, header_salt)
        self.aside.unlink()
        return digest
