"""Step 9, derived manifests: opinions about rows, each about a row that is there and is to have one.

Source: specs/manifest.md section 8.
"""

from __future__ import annotations

from hashlib import sha256, sha512
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.merkle import CompactRange
from evidencekit.core.records import DERIVED_ROW_TYPE, MEDIA_TYPE
from evidencekit.core.values import short
from evidencekit.errors import FormatError
from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.run import Run
from evidencekit.verify.salts import Salts, equal_salts

_SALTS = b"evidencekit/salts/1\0"
_OPINION = b"evidencekit/group/1\0opinion\0"
_LEAF = f'\0{{"_t":"{DERIVED_ROW_TYPE}","base_index":"%d","base_root":"%s","opinion":"%s"}}'


class _DerivedCheck:
    def __init__(self, run: Run, place: str, sealing: Sealing, to_type: bytearray | None) -> None:
        self._run = run
        self._place = place
        self._base_root = sealing.base_root
        self._left = None if to_type is None else bytearray(to_type)
        self._last = -1
        self._seen: dict[bytes, Any] = {}
        self.tree = CompactRange()
        self.salts = Salts()
        self.errors = 0

    def batch(self, first: int, batch: Columns) -> None:
        leaves = []
        self.salts.take(batch["row_salt"])
        rows = zip(
            batch["index"], batch["row_salt"], batch["base_index"], batch["opinion"], batch["media_type"], strict=True
        )
        for position, (index, salt, base, opinion, view) in enumerate(rows, start=first):
            commitment = sha256(_OPINION + sha512(_SALTS + salt).digest()[:16] + opinion).hexdigest()
            leaves.append(sha256((_LEAF % (base, self._base_root, commitment)).encode()).digest())
            where = f"{self._place}#{position}"
            if index != position:
                self._run.find("E109", where, f"index {position}", f"index {index}")
            self._check_base(where, base)
            record = self._read(where, opinion)
            if record is None:
                continue
            self.errors += record["error"] is not None
            shown = None if view is None else view.decode(errors="replace")
            if shown != record["media_type"]:
                expected = f"media_type {short(record['media_type'])}"
                self._run.find("E212", where, expected, f"media_type {short(shown)}")
        self.tree.extend(leaves)
        self._run.did("rows", len(leaves))

    def _check_base(self, where: str, base: int) -> None:
        if base <= self._last:
            code, expected = ("E110", "one opinion a row") if base == self._last else ("E109", "base rows ascending")
            self._run.find(code, where, expected, f"row {base} after row {self._last}")
        self._last = base
        if self._left is None:
            return
        if not 0 <= base < 8 * len(self._left) or not self._left[base >> 3] >> (base & 7) & 1:
            self._run.find("E107", where, "a base row that is a file, and to be typed, once", f"row {base}")
            return
        self._left[base >> 3] &= ~(1 << (base & 7))

    def _read(self, where: str, opinion: bytes) -> dict[str, Any] | None:
        """Return the group; the same few types stand in most rows, so the last different ones are kept."""
        found = self._seen.get(opinion)
        if found is not None:
            return dict(found)
        try:
            record = encoding.decode(opinion, GROUP)
            MEDIA_TYPE.check(record)
        except FormatError as error:
            self._run.malformed(where, error, data=opinion, schema=MEDIA_TYPE, limits=GROUP, code="E107")
            return None
        if len(self._seen) < 1024 and len(opinion) < 1024:
            self._seen[opinion] = record
        return record

    def finish(self, manifest: ManifestFile) -> None:
        if self._left is None:
            reason = "the catalogue that it is about could not be read, so its base rows were not compared"
            self._run.skip("record", "missing_base", self._place, reason)
        else:
            missing = sum(byte.bit_count() for byte in self._left)
            if missing:
                self._run.find("E107", self._place, "a row for each base row that is to be typed", f"{missing} missing")
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
                self._run.skip("record", "beyond_limit", self._place, "more salts look equal than can be compared")
                return
            self._run.find("E111", f"{self._place}#{pair[0]}", "a salt of its own", f"the salt of row {pair[1]}")


def check_derived(
    run: Run, manifest: ManifestFile, place: str, sealing: Sealing, to_type: bytearray | None
) -> tuple[bytes, int, int]:
    """Check the rows of a derived manifest; return root, number of rows, number of errors that they tell of.

    `to_type` has one bit for each row of the base manifest that is to have an opinion; None where it was not read.

    Raises:
        FormatError: the file is damaged from here on.
    """
    check = _DerivedCheck(run, place, sealing, to_type)
    for first, batch in manifest.batches():
        check.batch(first, batch)
    check.finish(manifest)
    return check.tree.root(), manifest.rows_count, check.errors
