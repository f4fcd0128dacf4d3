"""Step 14: each source that was given, compared with its sealed catalogue: in one go, or in parts by several processes.

Promises: the report is the same, however many parts there are; what changed from one part to the next, so that
something could have slipped through between them, is `not checked`.
Source: specs/verification.md section 1 step 14.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, EvidenceError, FormatError
from evidencekit.read.blockdevice import is_rotating
from evidencekit.read.handles import same
from evidencekit.read.parquet import ManifestFile
from evidencekit.verify.account import Kept, Told
from evidencekit.verify.apart import MOST_GROUP
from evidencekit.verify.beside import Beside, Part, Sealed, Walked
from evidencekit.verify.catalogues import Catalogue, Catalogues
from evidencekit.verify.crew import Bench, Undone
from evidencekit.verify.run import Run
from evidencekit.verify.stretch import Mark

ROW_COST = 16 << 10
"""What a row costs besides its content, as bytes that could be hashed in the same time."""
LEAST_COST = 128 << 20
"""Below this, one process is as fast; in bytes."""
START_COST = 8 * LEAST_COST
"""From here on workers are started, if there are none: a process that has read a catalogue starts them slowly."""
PARTS = 4
"""Parts for each process, so that all end at about the same time."""
MOST_ROWS = 1 << 16
"""Rows of a part, unless there is no place to cut it."""


def check_sources(run: Run, catalogues: Catalogues, sources: Mapping[str, Path], *, as_copy: bool) -> set[str]:
    """Compare each source that was given; return the exhibits that were wholly compared.

    The exhibit may be empty where the case has only one.
    """
    compared: set[str] = set()
    known = {catalogue.sealing.exhibit: catalogue for catalogue in catalogues.facts.values()}
    for named, path in sources.items():
        exhibit = next(iter(known)) if not named and len(known) == 1 else named
        catalogue = known.get(exhibit)
        if catalogue is None:
            reason = (
                "no sealed catalogue of this exhibit could be read" if exhibit else "name the exhibit: EX-001=FOLDER"
            )
            run.skip("evidence", "missing_base", display(exhibit or str(path)), reason)
            continue
        where = catalogue.sealing.place
        if catalogue.sealing.reduced and (catalogue.header or {}).get("order") == "shuffled":
            run.skip("evidence", "erased", exhibit, "rows were erased, and those left are in no order of names")
            continue
        try:
            with run.case.open(where) as file:
                _demand_same(os.fstat(file.fileno()), catalogue, where)
                whole = _check(run, catalogue, exhibit, ManifestFile(file, where), where, path, as_copy=as_copy)
                _demand_same(os.fstat(file.fileno()), catalogue, where)
        except (CannotFinish, FormatError) as error:
            run.skip("evidence", "unreadable", exhibit, error.message)
            continue
        if whole:
            compared.add(exhibit)
    return compared


def _demand_same(status: os.stat_result, catalogue: Catalogue, where: str) -> None:
    """Raise CannotFinish unless a manifest is the file that step 9 checked, as it was then."""
    if catalogue.status is None or not same(status, catalogue.status):
        raise CannotFinish(f"{where} was changed while it was verified.", code="X403", path=where)


def _check(
    run: Run, catalogue: Catalogue, exhibit: str, manifest: ManifestFile, where: str, source: Path, *, as_copy: bool
) -> bool:
    """Compare a source with its catalogue; tell whether everything that could be compared was."""
    header = catalogue.header or {}
    options = header.get("options", {})
    sealed = Sealed(
        exhibit=exhibit,
        digests=tuple(header.get("digests", ["blake3", "sha256"])),
        name_encoding=header.get("name_encoding", "posix"),
        exclude=tuple(options.get("exclude", [])),
        include=tuple(options.get("include", [])),
        as_copy=as_copy,
        is_sound=catalogue.marks is not None and catalogue.header is not None,
    )
    told = Told(run)
    whole = True
    omitted = 0
    before: Walked | None = None
    parts = _parts(run, catalogue, source) if sealed.is_sound else [Part()]
    with contextlib.closing(_walked(run, told, sealed, manifest, where, source, parts)) as each:
        for part, walked in zip(parts, each, strict=True):
            if before is not None and not _meet(told, sealed, part, before, walked):
                whole = False
            whole = whole and walked.whole
            omitted += walked.omitted
            before = walked
    if omitted:
        reason = f"{omitted} rows were not wholly taken, so there is nothing to compare"
        run.skip("evidence", "omitted", exhibit, reason, counts=False)
    return whole


@dataclass(frozen=True, slots=True)
class PartJob:
    """Compare a part of a source."""

    place: str
    sealed: Sealed
    source: Path
    part: Part

    def do(self, bench: Bench) -> tuple[Kept, Walked | EvidenceError]:
        """Return what is to be said, and what came of it."""
        kept = Kept(bench.tell)
        manifest = bench.manifest(self.place, MOST_GROUP)
        try:
            return kept, Beside(kept, self.sealed).check(manifest, self.source, self.part)
        except (CannotFinish, FormatError) as error:
            return kept, error


def _walked(
    run: Run, told: Told, sealed: Sealed, manifest: ManifestFile, where: str, source: Path, parts: list[Part]
) -> Generator[Walked, None, None]:
    """Yield what came of each part, after all that is to be said of it was said.

    Raises:
        CannotFinish, FormatError: as `Beside.check` does.
    """
    if len(parts) == 1:
        yield Beside(told, sealed).check(manifest, source, parts[0])
        return
    jobs = [PartJob(where, sealed, source, part) for part in parts]
    with contextlib.closing(run.crew.results(jobs, manifest, run.goes_on)) as results:
        for part, result in zip(parts, results, strict=True):
            if isinstance(result, Undone):
                yield Beside(told, sealed).check(manifest, source, part)
                continue
            kept, walked = result
            kept.tell(told)
            if isinstance(walked, EvidenceError):
                raise walked
            yield walked


def _meet(told: Told, sealed: Sealed, part: Part, before: Walked, walked: Walked) -> bool:
    """Tell whether the folders that two parts listed both were the same then; say which was not."""
    states, others = before.above_high, walked.above_low
    for length in sorted(states.keys() | others.keys()):
        if states.get(length) != others.get(length):
            where = f"{sealed.exhibit}:{display(part.low[:length])}"
            told.skip("unreadable", where, "it was changed while it was compared")
            return False
    return True


def _parts(run: Run, catalogue: Catalogue, source: Path) -> list[Part]:
    """Return the parts in which a source is compared: few, and each about as much work as the others."""
    marks = catalogue.marks or []
    costs = list(_costs(marks, catalogue.rows))
    total = sum(costs)
    if total < LEAST_COST or (not run.crew.is_asked and _turns(source)):
        return [Part()]
    if total >= START_COST:
        run.crew.start()
    if not run.crew.is_there:
        return [Part()]
    share = total / (PARTS * run.crew.size)
    starts: list[Mark] = []
    gathered = 0
    for mark, cost in zip(marks, costs, strict=True):
        if not starts or gathered >= share or mark.position - starts[-1].position >= MOST_ROWS:
            starts.append(mark)
            gathered = 0
        gathered += cost
    cuts: list[tuple[int | None, bytes | None]] = [(mark.position, mark.path) for mark in starts[1:]]
    return [
        Part(start or 0, stop, low or b"", high)
        for (start, low), (stop, high) in pairwise([(0, b""), *cuts, (None, None)])
    ]


def _costs(marks: list[Mark], rows: int) -> Iterator[int]:
    """Yield what the rows from each mark to the next cost."""
    for place, mark in enumerate(marks):
        end = marks[place + 1].position if place + 1 < len(marks) else rows
        yield mark.size + (end - mark.position) * ROW_COST


def _turns(source: Path) -> bool:
    """Tell whether a source lies on a disk that would have to seek between several readers."""
    try:
        return is_rotating(source.lstat().st_dev) is True
    except OSError:
        return False
