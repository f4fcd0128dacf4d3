"""Where a row stands in a sealed manifest, and the hashes that lead from it to the root.

Two ways, one answer. By tiles: one row group is read, and what comes out is held against the sealed root. By all rows:
wherever there are no tiles, or anything about them does not fit. Source: specs/store.md section 8.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from evidencekit.core import encoding, layout
from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.merkle import HASH_SIZE, CompactRange, leaf_hash, prove_inclusion
from evidencekit.core.proofs import verify_inclusion
from evidencekit.core.records import leaf_bytes
from evidencekit.core.tiles import BLOCK, block_length
from evidencekit.core.values import parse_count
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError
from evidencekit.read.once import ReadOnce
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.store import Store
from evidencekit.read.tiles import TilesFile


class Stored(NamedTuple):
    """The columns of a row, as stored, that its leaf is made of, and what it is found by."""

    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    row_salt: bytes
    name: bytes
    content: bytes
    metadata: bytes
    kind: bytes
    path: bytes


class RowPlace(NamedTuple):
    """A row and its inclusion proof: the hashes from its leaf upwards, 32 bytes each."""

    row: Stored
    proof: list[bytes]


def find_row(store: Store, seal: dict[str, Any], wanted: bytes | int, shown: str) -> RowPlace:
    """Return the row with a path or an index; `seal` is the body of the event that sealed its manifest.

    A path is that of the file or folder itself: its streams have the same, and are found by index. By tiles the proof
    leads to the sealed root. Memory: one row group; 32 bytes a row where there are no tiles.

    Raises:
        BadArgument: U234 no such row; `shown` names it.
        FormatError: the manifest is not in its form.
        CannotFinish: X402 it is missing, X403 it cannot be read, X443 it has other rows than were sealed.
    """
    try:
        found = _by_tiles(store, seal, wanted)
    except (EvidenceError, OSError):  # whatever it is, the other way is the one that says it
        found = None
    return found or _by_all_rows(store, seal, wanted, shown)


def prove_by_tiles(store: Store, seal: dict[str, Any], index: int) -> list[bytes] | None:
    """Return the inclusion proof of a row's leaf, from one row group; None where the tiles do not lead to it."""
    try:
        found = _by_tiles(store, seal, index)
    except (EvidenceError, OSError):  # whatever it is, the other way is the one that says it
        return None
    return None if found is None else found.proof


def row_leaf(row: Stored) -> bytes:
    """Return the leaf bytes of a row as it is stored: specs/manifest.md section 1."""
    salts = group_salts(row.row_salt)
    return leaf_bytes(
        row.kind.decode(errors="replace"),
        group_commitment("name", salts.name, row.name),
        group_commitment("content", salts.content, row.content),
        group_commitment("metadata", salts.metadata, row.metadata),
    )


def _rows(manifest: ManifestFile, start: int, stop: int) -> Iterator[Stored]:
    """Yield the rows of the row groups that lie in these bounds; no other group is looked at, and no other column."""
    for first, batch in manifest.batches(Stored._fields, start=start):
        yield from map(Stored._make, zip(*(batch[name] for name in Stored._fields), strict=True))
        if first + len(batch["index"]) >= stop:
            return


def _pick(rows: Iterable[Stored], wanted: bytes | int) -> Stored | None:
    found = None
    for row in rows:
        if row.index == wanted if isinstance(wanted, int) else row.path == wanted and not _is_stream(row):
            found = row
    return found


def _is_stream(row: Stored) -> bool:
    try:
        return not {"stream", "stream_hex"}.isdisjoint(encoding.decode(row.name))
    except FormatError:  # whoever checks the proof says so
        return False


# --- by tiles ------------------------------------------------------------------------------------------------------


def _by_tiles(store: Store, seal: dict[str, Any], wanted: bytes | int) -> RowPlace | None:
    """Return the row and its proof, or None where the tiles do not lead to it.

    Raises:
        FormatError: tiles or manifest are not in their form.
        CannotFinish: one of them is missing or cannot be read.
        OSError: the tiles cannot be read.
    """
    size, root, number = parse_count(seal["rows"]), bytes.fromhex(seal["root"]), parse_count(seal["manifest"])
    place = layout.manifest_file(number)
    if isinstance(wanted, int) and wanted >= size:
        return None
    with store.open(layout.tiles_file(number)) as side, store.open(place) as file:
        manifest = ManifestFile(io.BufferedReader(ReadOnce(file.raw)), place)
        starts = [0, *accumulate(filter(None, manifest.row_groups))]
        if starts.pop() != size:
            return None
        tiles = TilesFile(side, rows=size, root=root, starts=starts)
        group = tiles.group_of(wanted)
        first = starts[group]
        rows = list(_rows(manifest, first, starts[group + 1] if group + 1 < len(starts) else size))
        row = _pick(rows, wanted)
        if row is None or not 0 <= row.index < size:
            return None
        begin = row.index // BLOCK * BLOCK
        leaves = tiles.leaves(row.index // BLOCK)
        if leaves is None:
            end = begin + block_length(row.index // BLOCK, size)
            leaves = [leaf_hash(row_leaf(near)) for near in rows[max(0, begin - first) : max(0, end - first)]]
            if len(leaves) != end - begin:
                return None
        proof = tiles.prove(row.index, leaves)
    leaf = leaf_hash(row_leaf(row))
    is_sealed = verify_inclusion(index=row.index, size=size, leaf_hash=leaf, proof=proof, root=root)
    return RowPlace(row, proof) if is_sealed else None


# --- by all rows ---------------------------------------------------------------------------------------------------


def _by_all_rows(store: Store, seal: dict[str, Any], wanted: bytes | int, shown: str) -> RowPlace:
    size, place = parse_count(seal["rows"]), layout.manifest_file(parse_count(seal["manifest"]))
    leaves = bytearray()

    def each(manifest: ManifestFile) -> Iterator[Stored]:
        """Yield the rows, and gather their leaf hashes, packed, in the order of the index."""
        for row in _rows(manifest, 0, manifest.rows_count):
            if not 0 <= row.index < size:
                raise CannotFinish(f"{place} has a row {row.index} of {size}.", code="X443", hint="Verify the case.")
            end = (row.index + 1) * HASH_SIZE
            if end > len(leaves):  # in shuffled order the rows of a file do not come by index
                leaves.extend(bytes(end - len(leaves)))
            leaves[end - HASH_SIZE : end] = leaf_hash(row_leaf(row))
            yield row

    with store.open(place) as file:
        found = _pick(each(ManifestFile(file, place)), wanted)
    if len(leaves) != size * HASH_SIZE:
        raise CannotFinish(f"{place} has other than its {size} rows.", code="X443", hint="Verify the case.")
    if found is None:
        raise BadArgument(f"No row {shown}.", code="U234", hint="`evidencekit find CASE --name GLOB` finds it.")
    return RowPlace(found, prove_inclusion(found.index, size, packed(leaves)))


def packed(leaves: bytearray) -> Callable[[int, int], bytes]:
    """Return a reader of perfect subtrees over packed leaf hashes, 32 bytes each; a node is computed when asked for."""

    def hashes(start: int, end: int) -> Iterator[bytes]:
        for place in range(start * HASH_SIZE, end * HASH_SIZE, HASH_SIZE):
            yield bytes(leaves[place : place + HASH_SIZE])

    def node(level: int, index: int) -> bytes:
        subtree = CompactRange()
        subtree.extend(hashes(index << level, (index + 1) << level))
        return subtree.root()

    return node
