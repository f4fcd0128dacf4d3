"""Step 9, derived manifests: opinions about rows, each about a row that is there and is to have one.

Source: specs/manifest.md section 8.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.merkle import CompactRange
from evidencekit.core.opinions import OPINION_KINDS, OpinionKind, is_under
from evidencekit.core.row_leaves import opinion_leaves
from evidencekit.core.values import parse_count, read_name, short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.verify.apart import take_rows
from evidencekit.verify.catalogues import Catalogue
from evidencekit.verify.groups import path_of
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.opinions import OpinionLook, Opinions, OpinionsJob
from evidencekit.verify.run import Run
from evidencekit.verify.salts import Salts, equal_salts
from evidencekit.verify.stretch import ERASED, HAS_DIGEST, TO_MATCH, TO_TYPE

MAX_SCANS = 100
"""How many comparisons of folders are held against the rows of one catalogue."""
_OWED, _PERHAPS = 1, 2
_DUE = {
    kind: bytes(_PERHAPS if note & ERASED else _OWED if note & bit else 0 for note in range(256))
    for kind, bit in (("media-type", TO_TYPE), ("match", TO_MATCH))
}
"""OpinionKind to a table that turns the note of a row into what is known of an opinion about it: it has to be there, or
it may be there, erased; 0 where there is to be none."""


def check_derived(
    run: Run,
    manifest: ManifestFile,
    place: str,
    sealing: Sealing,
    header: dict[str, Any] | None,
    base: Catalogue | None,
) -> tuple[bytes, dict[str, int]]:
    """Check the rows of a derived manifest; return its root, and what its header has to count.

    `header` and `base` (the rows that the opinions are about) are None where they could not be read. Where an opinion
    could not be read, nothing but the number of rows is handed back: what it would add is not held against the header.

    Raises:
        FormatError: the file has not the columns of its kind, or is damaged from here on.
    """
    kind = OPINION_KINDS[str(sealing.kind)]
    if manifest.columns[-1].name != kind.view:
        raise FormatError(f"{place} columns", expected=f"the column {kind.view}", found=manifest.columns[-1].name)
    check = DerivedCheck(run, place, sealing, kind, header, base)
    look = OpinionLook(str(sealing.kind), sealing.base_root).look
    take_rows(run.crew, manifest, check.job, look, check.join, check.batch)
    check.finish(manifest)
    rows = {"rows": manifest.rows_count}
    return check.tree.root(), rows | {name: check.totals[name] for name in kind.totals} if check.sound else rows


def _compare_with_base(run: Run, where: str, header: dict[str, Any], base: Catalogue) -> None:
    """The base manifest's number, and digests that it has (E108)."""
    if parse_count(header["base_manifest"]) != base.sealing.manifest:
        expected = f"base_manifest {base.sealing.manifest}"
        run.find("E108", where, expected, f"base_manifest {header['base_manifest']}")
    compared = header.get("match", {}).get("digests", [])
    taken = compared if base.header is None else base.header["digests"]
    if not set(compared) <= set(taken):
        run.find("E108", where, f"match.digests among {' '.join(taken)}", " ".join(compared))


class DerivedCheck:
    """Checks the rows of one derived manifest."""

    def __init__(
        self,
        run: Run,
        place: str,
        sealing: Sealing,
        kind: OpinionKind,
        header: dict[str, Any] | None,
        base: Catalogue | None,
    ) -> None:
        """Take what `check_derived` takes."""
        if header is not None and base is not None:
            _compare_with_base(run, f"{place} header", header, base)
        self._run = run
        self._place = place
        self._base_root = sealing.base_root
        self._name = str(sealing.kind)
        self._kind = kind
        self._notes = None if base is None else base.notes
        self._left = _rows_due(run, place, str(sealing.kind), header, base)
        self._perhaps = 0 if self._left is None else self._left.count(_PERHAPS)
        self.erased = 0
        """Opinions that are erased, about rows of which something is."""
        match = None if header is None else header.get("match")
        self._comparable = None if match is None else {*match["digests"], "size"}
        self._last = -1
        self._seen: dict[bytes, Any] = {}
        self.tree = CompactRange()
        self.salts = Salts()
        self.totals: Counter[str] = Counter()
        self.sound = True

    def job(self, start: int, stop: int) -> OpinionsJob:
        """Return what another process can do."""
        return OpinionsJob(self._place, start, stop, self._name, self._base_root)

    def join(self, opinions: Opinions) -> bool:
        """Take rows with which nothing is amiss; False, and none is taken, where their base rows are to have none."""
        bases, left = opinions.bases, self._left
        if bases[0] <= self._last:
            return False
        if left is not None:
            if bases[-1] >= len(left) or not all(map(left.__getitem__, bases)):
                return False
            for base in bases:
                left[base] = 0
        self._last = bases[-1]
        self.totals["rows"] += opinions.rows
        self.totals["errors"] += opinions.errors
        self.salts.take_beginnings(opinions.salts)
        for height, root in opinions.subtrees:
            self.tree.append_subtree(height, root)
        self._run.did("rows", opinions.rows)
        return True

    def batch(self, first: int, batch: Columns) -> None:
        """Check rows one by one, and say all that is amiss with them."""
        leaves = opinion_leaves(batch, self._base_root)
        self.salts.take(batch["row_salt"])
        names = ("index", "base_index", "opinion", self._kind.view)
        rows = zip(*(batch[name] for name in names), strict=True)
        for position, (index, base, opinion, view) in enumerate(rows, start=first):
            where = f"{self._place}#{position}"
            if index != position:
                self._run.find("E109", where, f"index {position}", f"index {index}")
            is_due = self.check_base(where, base)
            record = self.read(where, opinion, base if is_due else None)
            if record is None:
                continue
            shown, said = None if view is None else view.decode(errors="replace"), record[self._kind.view]
            if shown != said:
                self._run.find("E212", where, f"{self._kind.view} {short(said)}", f"{self._kind.view} {short(shown)}")
        self.totals["rows"] += len(leaves)
        self.tree.extend(leaves)
        self._run.did("rows", len(leaves))

    def read(self, where: str, opinion: bytes, base: int | None) -> dict[str, Any] | None:
        """Count an opinion, about a base row where that is one that may have it; return what it says."""
        record = self._read(where, opinion)
        if record is None:
            self.sound = False
        else:
            self._follow(where, record, base)
        return record

    def check_base(self, where: str, base: int) -> bool:
        """Tell whether the row that an opinion is about is known, and to have one."""
        if base <= self._last:
            code, expected = ("E110", "one opinion a row") if base == self._last else ("E109", "base rows ascending")
            self._run.find(code, where, expected, f"row {base} after row {self._last}")
        self._last = base
        if self._left is None:
            return False
        if not 0 <= base < len(self._left) or not self._left[base]:
            self._run.find("E107", where, "a base row that is to have an opinion, once", f"row {base}")
            return False
        self._left[base] = 0
        return True

    def _follow(self, where: str, record: dict[str, Any], base: int | None) -> None:
        """Count an opinion, and hold a comparison against what the header and the row allow."""
        if "error" in record:
            self.totals["errors"] += record["error"] is not None
            return
        self.totals[record["result"]] += 1
        compared = record.get("compared", [])
        if self._comparable is not None and not self._comparable.issuperset(compared):
            self._run.find("E107", where, f"compared among {' '.join(sorted(self._comparable))}", " ".join(compared))
        if base is None or self._notes is None or self._notes[base] & (HAS_DIGEST | ERASED):
            return
        if record["result"] != "not_comparable":
            self._run.find("E107", where, "not_comparable: the base row has no digest", record["result"])

    def _read(self, where: str, opinion: bytes) -> dict[str, Any] | None:
        """Return the group; the same few stand in most rows, so the first different ones are kept."""
        found = self._seen.get(opinion)
        if found is not None:
            return dict(found)
        schema = self._kind.group
        try:
            record = encoding.decode(opinion, GROUP)
            schema.check(record)
        except FormatError as error:
            self._run.malformed(where, error, data=opinion, schema=schema, limits=GROUP, code="E107")
            return None
        if len(self._seen) < 1024 and len(opinion) < 1024:
            self._seen[opinion] = record
        return record

    def finish(self, manifest: ManifestFile) -> None:
        """Say what is missing, and which salts are equal."""
        self.find_missing()
        self._find_equal_salts(manifest)

    def find_missing(self) -> None:
        """Name base rows without the opinion that they have to have, and opinions that had to go with their rows."""
        missing = 0 if self._left is None else self._left.count(_OWED)
        if missing:
            self._run.find("E107", self._place, "a row for each base row that is to have one", f"{missing} missing")
        shown = 0 if self._left is None else self._perhaps - self._left.count(_PERHAPS) - self.erased
        if shown:
            expected = "no opinion about rows whose name or content is erased"
            self._run.find("E115", self._place, expected, f"{shown}")

    def _find_equal_salts(self, manifest: ManifestFile) -> None:
        suspects = self.salts.suspects()
        if not suspects:
            return
        rows = (
            (first + offset, salt)
            for first, batch in manifest.batches(["row_salt"])
            for offset, salt in enumerate(batch["row_salt"])
        )
        for pair in equal_salts(suspects, rows):
            if pair is None:
                self._run.skip("record", "too_many", self._place, "more salts look equal than can be compared")
                return
            self._run.find("E111", f"{self._place}#{pair[0]}", "a salt of its own", f"the salt of row {pair[1]}")


def _rows_due(
    run: Run, place: str, kind: str, header: dict[str, Any] | None, base: Catalogue | None
) -> bytearray | None:
    """Return what is known of an opinion about each base row, by index; None, and say so, where nobody can know."""
    if base is None or base.notes is None:
        reason = "the catalogue that it is about could not be read, so its base rows were not compared"
        run.skip("record", "missing_base", place, reason)
        return None
    due = base.notes.translate(_DUE[kind])
    if kind != "match":
        return due
    if header is None:
        run.skip("record", "missing_base", place, "its header could not be read, so its base rows were not compared")
        return None
    folder = read_name(header["match"], "under")
    if not folder:
        return due
    if base.scans == MAX_SCANS:  # else a thousand small files could have one large catalogue read a thousand times
        run.skip("record", "too_many", place, f"it is one of more than {MAX_SCANS} that are about a folder")
        return None
    base.scans += 1
    try:
        _leave_out(run, base, due, folder)
    except (FormatError, CannotFinish) as error:
        run.skip("record", "missing_base", place, f"its base rows were not compared: {error.message}")
        return None
    return due


def _leave_out(run: Run, base: Catalogue, due: bytearray, folder: bytes) -> None:
    """Set rows that do not lie under a folder to 0: the one thing that is not noted of each row."""
    where = base.sealing.place
    with run.record.open(where) as file:
        for _, batch in ManifestFile(file, where).batches(["index", "name"]):
            for index, name in zip(batch["index"], batch["name"], strict=True):
                if 0 <= index < len(due) and due[index] and name is not None and not is_under(path_of(name), folder):
                    due[index] = 0
