"""A selection made: the list of the rows that a part consists of, kept as an object before its event names it.

Source: specs/manifest.md section 11.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidencekit.catalogue.manifest import open_manifest, read_header, unreadable
from evidencekit.catalogue.record import Record, read_record
from evidencekit.core import layout
from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.selection import SelectedRow, encode_selected
from evidencekit.core.selectors import Selectors
from evidencekit.errors import FormatError, Refused
from evidencekit.journeys.rows_of_item import Rows, choose_rows, refuse_none
from evidencekit.read.reduced import rows_by_index
from evidencekit.write.durable import cannot_write, make_folders, publish
from evidencekit.write.hashed import HashedFile

_BLOCK = 1 << 16


def select_rows(case: Path, item: str, selectors: Sequence[str], *, everything: bool = False) -> dict[str, Any]:
    """Keep the list of some rows of an item in `objects/`, and return what `parts[].selection` says of it.

    A crash, or a refusal of the event, leaves an object that no event names (W902); the same rows make the same list.

    Raises:
        BadArgument: U215, U270 to U272 the rows that are meant.
        Refused: R551, a row was given to another part.
        CannotFinish: X401 to X403, X441, X443, X446 the case; X421 to X423 the list cannot be written.
    """
    record = read_record(case)
    rows = choose_rows(record, item, Selectors(item, selectors, everything=everything))
    refuse_none(rows, item)
    folder = record.store.path / layout.OBJECTS / "sha256"
    make_folders(folder, below=record.store.path)
    temporary = folder / f"{layout.TEMPORARY}selection"
    temporary.unlink(missing_ok=True)
    try:
        said = _write(record, rows, temporary)
        final = record.store.path / layout.object_file(said["list"]["sha256"])
        make_folders(final.parent, below=record.store.path)
        with contextlib.suppress(Refused):  # R501: the same list is there
            publish(temporary, final, synced=True)
    finally:
        temporary.unlink(missing_ok=True)
    return said


def _write(record: Record, rows: Rows, path: Path) -> dict[str, Any]:
    sealed, tree = rows.sealed, CompactRange()
    try:
        file = HashedFile(path)
        with contextlib.closing(file), open_manifest(record.store, sealed) as manifest:
            is_shuffled = read_header(manifest, sealed)["order"] == "shuffled"
            lines: list[bytes] = []
            for row in rows_by_index(manifest, is_shuffled=is_shuffled):
                if not rows.chosen[row.index]:
                    continue
                line = encode_selected(SelectedRow(sealed.root, row.index, leaf_hash(row.leaf())))
                tree.append(leaf_hash(line))
                lines.append(line + b"\n")
                if len(lines) == _BLOCK:
                    file.write(b"".join(lines))
                    lines.clear()
            file.write(b"".join(lines))
            size, digest = file.tell(), file.settle()
    except OSError as error:
        raise cannot_write(path, error) from error
    except FormatError as error:
        raise unreadable(sealed, error.message) from error
    return {
        "base_root": sealed.root,
        "list": {"bytes": str(size), "sha256": digest.hex()},
        "root": tree.root().hex(),
        "rows": str(tree.size),
    }
