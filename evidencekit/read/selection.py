"""Lists of rows read, line by line: strict, ascending, of one catalogue; memory holds a line.

Source: specs/manifest.md section 11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.selection import MAX_LINE, Selected, SelectedRow, decode_selected
from evidencekit.errors import FormatError


def selected_rows(file: BinaryIO, selected: Selected, place: str) -> Iterator[SelectedRow]:
    """Yield the rows of a list, which has to be the one that an event speaks of.

    Raises:
        FormatError: a line is not in its only form, not above the one before, or of another catalogue; after the last
            row, too: another number of rows, or another root, than the event says.
        OSError: it cannot be read.
    """
    tree = CompactRange()
    last = -1
    while line := file.readline(MAX_LINE):
        where = f"{place} line {tree.size + 1}"
        if not line.endswith(b"\n"):
            raise FormatError(where, expected=f"a line of at most {MAX_LINE} bytes with its end", found="none")
        row = decode_selected(line[:-1], where)
        if row.base_root != selected.base_root:
            raise FormatError(where, expected=f"base_root {selected.base_root}", found=row.base_root)
        if row.index <= last:
            raise FormatError(where, expected=f"an index above {last}", found=str(row.index))
        if tree.size == selected.rows:
            raise FormatError(where, expected=f"{selected.rows} rows", found="more")
        last = row.index
        tree.append(leaf_hash(line[:-1]))
        yield row
    found = f"root {tree.root().hex()} over {tree.size} rows"
    if (tree.size, tree.root().hex()) != (selected.rows, selected.root):
        raise FormatError(place, expected=f"root {selected.root} over {selected.rows} rows", found=found)
