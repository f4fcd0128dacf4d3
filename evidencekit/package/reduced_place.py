"""A row of a reduced manifest, its inclusion proof, and what of it can still be opened.

All rows are read: a reduced manifest has no tiles. Memory: 32 bytes a row. Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import encoding
from evidencekit.core.merkle import leaf_hash, prove_inclusion
from evidencekit.core.reduced import ReducedRow, Reduction
from evidencekit.core.values import display, parse_count, read_name
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.package.row_place import packed
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows
from evidencekit.read.store import Store


def find_reduced_row(
    store: Store, seal: dict[str, Any], reduction: Reduction, wanted: bytes | int, shown: str
) -> tuple[ReducedRow, list[bytes]]:
    """Return the row with a path or an index, and its proof; `seal` is the body of the event that sealed the manifest.

    Raises:
        BadArgument: U234 no such row, or its name is erased; `shown` names it.
        FormatError: the manifest is not in its form.
        CannotFinish: X402 it is missing, X403 it cannot be read, X443 it has other rows than were sealed.
    """
    size = parse_count(seal["rows"])
    leaves = bytearray()
    found = None
    with store.open(reduction.place) as file:
        for row in known_rows(ManifestFile(file, reduction.place)):
            leaves += leaf_hash(row.leaf())
            if row.index == wanted if isinstance(wanted, int) else _path(row) == wanted:
                found = row
    if len(leaves) != size * 32:
        raise CannotFinish(f"{reduction.place} has other than its {size} rows.", code="X443", hint="Verify the case.")
    if found is None:
        raise BadArgument(
            f"No row {shown}.", code="U234", hint="Names were erased by an order: a row without one is EX-001#INDEX."
        )
    return found, prove_inclusion(found.index, size, packed(leaves))


def refuse_erased(row: ReducedRow, names: tuple[str, ...], reduction: Reduction, shown: str) -> None:
    """Raise Refused (R553) where a group is to be opened that was erased."""
    gone = [name for name in names if row.groups[name].is_erased]
    if gone:
        words = " ".join(f"--withhold {name}" for name in gone)
        raise Refused(
            f"{', '.join(gone)} of {display(shown)} was erased, as entry {reduction.entry} says: it cannot be opened.",
            code="R553",
            hint=f"That the row is there can be proved all the same: {words}.",
        )


def _path(row: ReducedRow) -> bytes | None:
    """Return the path of a file or folder itself; None for streams, and where the name is erased."""
    data = row.groups["name"].data
    if data is None:
        return None
    try:
        name = encoding.decode(data)
        return None if "stream" in name or "stream_hex" in name else read_name(name, "path")
    except FormatError:  # whoever checks the proof says so
        return None
