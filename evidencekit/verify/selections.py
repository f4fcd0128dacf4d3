"""Step 9, the parts of items that are selections of rows: lists in their form, rows that are there, none in two parts.

Lists are read in the order of the log, so a part of a part takes its rows from that part. Memory: 41 bytes a row of a
catalogue that was divided so. Source: specs/manifest.md section 11.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator

from evidencekit.core import layout
from evidencekit.core.digest import group_commitment
from evidencekit.core.merkle import HASH_SIZE, leaf_hash
from evidencekit.core.records import MANIFEST_TYPE
from evidencekit.core.reduced import Opened
from evidencekit.core.row_leaves import leaf_hashes
from evidencekit.core.selection import Selected, SelectedRow
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.read.reduced import rows_of
from evidencekit.read.selection import selected_rows
from evidencekit.verify.catalogues import Catalogue, Catalogues
from evidencekit.verify.log_facts import Log
from evidencekit.verify.run import Run

MAX_READS = 16
"""How often one list is read: a part may have been divided again, with the same rows."""
MAX_PARTS = 1 << 16
MAX_OTHERS = 1 << 16
"""Leaves that lists give a row which another list gives another leaf: as many are compared."""
MAX_DEPTH = 64
"""Parts of parts that are followed."""


def check_selections(run: Run, log: Log, catalogues: Catalogues) -> None:
    """Check every part that is a selection."""
    check = _Check(run, catalogues)
    for split in log.splits:
        for part in split.parts:
            check.part(split.parent, part, layout.event_file(split.entry), is_copy=split.is_copy)
    for base in check.bases.values():
        base.compare(run)


class _Base:
    """The rows of a catalogue, as far as lists speak of them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        rows = catalogue.rows
        self.owner = array("I", bytes(4 * rows))
        """By index, the number of the part that a row belongs to; 0: no part."""
        self.leaves = bytearray(HASH_SIZE * rows)
        self.listed = bytearray(rows)
        """By index, 1 where a list said the leaf."""
        self.said = array("I", bytes(4 * rows))
        """By index, the number of the part whose list said it."""
        self.others: dict[tuple[int, bytes], int] = {}
        """Index and leaf to the part whose list says it, where one before said another leaf."""
        self.parts = [""]
        """Place of the list of each part, by its number."""
        self.above = array("I", [0])
        """Number of the part that each part was taken from, by its number."""

    def lies_in(self, part: int, other: int) -> bool:
        """Tell whether a part was taken from another one, at whatever depth."""
        for _ in range(MAX_DEPTH):
            if part == other or not part:
                break
            part = self.above[part]
        return part == other

    def compare(self, run: Run) -> None:
        """Compare the leaves that lists say with those of the catalogue (E118): row groups that are needed, once."""
        where = self.catalogue.sealing.place
        try:
            with run.case.open(where) as file:
                manifest = ManifestFile(file, where)
                for batch in self._needed(manifest):
                    for index, leaf in _leaves(manifest, batch):
                        self._compare(run, index, leaf)
        except (CannotFinish, FormatError) as error:
            run.skip("custody", "missing_base", where, f"rows of parts were not compared: {error.message}")
        for (index, leaf), part in self.others.items():
            right = self.leaves[index * HASH_SIZE : (index + 1) * HASH_SIZE]
            if leaf != right:
                self._differs(run, index, part, bytes(right), leaf)

    def _needed(self, manifest: ManifestFile) -> Iterator[Columns]:
        header = self.catalogue.header or {}
        in_order = header.get("order") == "path" or self.catalogue.sealing.reduced > 0
        start = 0
        for rows in manifest.row_groups:
            if rows and (not in_order or self.listed.find(1, start, start + rows) >= 0):
                yield from (batch for _, batch in manifest.batches(start=start, stop=start + rows))
            start += rows

    def _compare(self, run: Run, index: int, leaf: bytes) -> None:
        if not 0 <= index < len(self.listed) or not self.listed[index]:
            return
        said = bytes(self.leaves[index * HASH_SIZE : (index + 1) * HASH_SIZE])
        run.did("selected_rows")
        if said != leaf:
            self._differs(run, index, self.said[index], leaf, said)
            self.leaves[index * HASH_SIZE : (index + 1) * HASH_SIZE] = leaf

    def _differs(self, run: Run, index: int, part: int, leaf: bytes, said: bytes) -> None:
        run.find("E118", f"{self.parts[part]}#{index}", f"leaf {leaf.hex()}, of the row", f"leaf {said.hex()}")


class _Check:
    def __init__(self, run: Run, catalogues: Catalogues) -> None:
        self._run = run
        self._facts: dict[str, Catalogue] = {}
        for one in catalogues.facts.values():
            self._facts.setdefault(one.sealing.exhibit, one)
        self.bases: dict[str, _Base] = {}
        """By the exhibit whose catalogue it is."""
        self._parts: dict[str, tuple[str, int]] = {}
        """Item to the exhibit whose catalogue its rows are of, and its number there."""
        self._reads: Counter[str] = Counter()

    def part(self, parent: str, part: Selected, event: str, *, is_copy: bool) -> None:
        """Take a part: its list, and the rows that it says."""
        run = self._run
        exhibit, number = self._parts.get(parent, (parent, 0))
        catalogue = self._facts.get(exhibit)
        if catalogue is None:
            run.skip("custody", "missing_base", event, f"the rows of {part.part}: no catalogue of {exhibit} was read")
            return
        if part.base_root != catalogue.sealing.root:
            expected = f"base_root {catalogue.sealing.root}, of {exhibit}"
            run.find("E118", event, expected, f"base_root {part.base_root}, of {part.part}")
            return
        where = layout.object_file(part.list_sha256)
        self._reads[part.list_sha256] += 1
        base = self.bases.setdefault(exhibit, _Base(catalogue))
        if self._reads[part.list_sha256] > MAX_READS or len(base.parts) >= MAX_PARTS:
            run.skip("custody", "too_many", event, f"the list of {part.part} is one of too many")
            return
        own = len(base.parts)
        base.parts.append(where)
        base.above.append(number)
        if not is_copy:
            self._parts.setdefault(part.part, (exhibit, own))
        try:
            with run.case.open(where) as file:
                for row in selected_rows(file, part, where):
                    self._compare_leaf(base, row, own)
                    self._take(base, row, where, number, 0 if is_copy else own)
            run.did("selections")
        except FormatError as error:
            run.find("E117", where, error.expected, f"{error.place}: {error.found}")
        except CannotFinish as error:
            if error.code != "X402":  # step 10 says what is missing
                run.skip("custody", "unreadable", where, error.message)
        except OSError as error:
            run.skip("custody", "unreadable", where, f"cannot be read: {error.strerror}")

    def _compare_leaf(self, base: _Base, row: SelectedRow, own: int) -> None:
        """Note which leaf the list of the part `own` says, to be compared with that of the row."""
        index = row.index
        if index >= len(base.listed):
            return
        place = slice(index * HASH_SIZE, (index + 1) * HASH_SIZE)
        if not base.listed[index]:
            base.listed[index], base.said[index] = 1, own
            base.leaves[place] = row.leaf
        elif base.leaves[place] != row.leaf:
            if len(base.others) < MAX_OTHERS:
                base.others.setdefault((index, row.leaf), own)
            else:
                self._run.skip("custody", "too_many", f"{base.parts[own]}#{index}", "one of too many other leaves")

    def _take(self, base: _Base, row: SelectedRow, where: str, parent: int, part: int) -> None:
        """Take a row, which has to be the parent's still; with `part` 0 it stays the parent's."""
        run, index = self._run, row.index
        if index >= len(base.owner):
            run.find("E118", f"{where}#{index}", f"one of {len(base.owner)} rows", f"row {index}")
            return
        owner = base.owner[index]
        if not part:
            return
        if owner == parent:
            base.owner[index] = part
        elif owner and base.lies_in(owner, parent):
            run.find("E119", f"{where}#{index}", "a row in one part alone", f"it is in {base.parts[owner]}, too")
        else:
            run.find("E118", f"{where}#{index}", "a row of the item that was divided", "a row that it does not have")


def _leaves(manifest: ManifestFile, batch: Columns) -> Iterator[tuple[int, bytes]]:
    """Yield index and leaf hash of the rows of a batch; an index of a row that has another place was named before."""
    if manifest.format == MANIFEST_TYPE:
        yield from zip(batch["index"], leaf_hashes(batch), strict=True)
    else:
        for row in rows_of(manifest.format, batch):
            groups = {name: _as_it_stands(name, group) for name, group in row.groups.items()}
            yield row.index, leaf_hash(row._replace(groups=groups).leaf())


def _as_it_stands(name: str, group: Opened) -> Opened:
    """Return a group with the commitment to what stands of it, whatever is stated (E113)."""
    if group.salt is None or group.data is None:
        return group
    return group._replace(commitment=group_commitment(name, group.salt, group.data))
