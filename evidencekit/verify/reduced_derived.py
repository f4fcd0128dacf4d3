"""Step 9, the reduced form of a derived manifest: opinions that went with their rows, and the root over all of them.

Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.merkle import leaf_hash
from evidencekit.core.opinions import OPINION_KINDS
from evidencekit.core.reduced import ReducedRow
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.read.reduced import rows_of
from evidencekit.verify.catalogues import Catalogue
from evidencekit.verify.derived import DerivedCheck
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.reduced import Commitments
from evidencekit.verify.run import Run
from evidencekit.verify.stretch import ERASED


class ReducedDerivedCheck(DerivedCheck):
    """Checks the rows of one open reduced manifest of opinions: `check` is `check_derived` of a full one."""

    def __init__(
        self,
        run: Run,
        manifest: ManifestFile,
        place: str,
        sealing: Sealing,
        header: dict[str, Any] | None,
        base: Catalogue | None,
    ) -> None:
        """Take what `check_derived` takes."""
        super().__init__(run, place, sealing, OPINION_KINDS[str(sealing.kind)], header, base)
        self._manifest = manifest
        self._root_of_base = str(sealing.base_root)
        self._base_notes = None if base is None else base.notes
        self._commitments = Commitments(run, place)
        self.gone = 0
        """Opinions that are erased."""

    def check(self) -> tuple[bytes, dict[str, int]]:
        """Return the root, and what is left of what the header counts.

        Raises:
            FormatError: the file is damaged from here on.
            CannotFinish: the file cannot be read.
        """
        for first, batch in self._manifest.batches():
            self.batch(first, batch)
        self.find_missing()
        self._commitments.find_equal_salts(self._manifest)
        rows = {"rows": self._manifest.rows_count}
        totals = {name: self.totals[name] for name in self._kind.totals}
        return self.tree.root(), totals | rows if self.sound else rows

    def batch(self, first: int, batch: Columns) -> None:
        """Check rows one by one, and say all that is amiss with them."""
        for position, row in enumerate(rows_of(self._manifest.format, batch), start=first):
            self._take(f"{self._place}#{position}", position, row)
        self._run.did("rows", len(batch["index"]))

    def _take(self, where: str, position: int, row: ReducedRow) -> None:
        if row.index != position:
            self._run.find("E109", where, f"index {position}", f"index {row.index}")
        row = row._replace(groups=self._commitments.take(where, dict(row.groups)))
        self.tree.append(leaf_hash(row.leaf(self._root_of_base)))
        base = row.base_index if self.check_base(where, row.base_index) else None
        opinion = row.groups["opinion"].data
        if opinion is not None:
            self.read(where, opinion, base)
            return
        self.gone += 1
        if base is None or self._base_notes is None:
            return
        if self._base_notes[base] & ERASED:
            self.erased += 1
        else:
            self._run.find("E115", where, f"the opinion about row {base}, of which name and content stand", "none")
