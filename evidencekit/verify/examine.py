"""The steps over one case, in their order: what they find goes to the run, what they came to is `Examined`.

A case that was adopted lies in the one that adopted it, and is examined in the same way (`branches.py`).
Source: specs/verification.md section 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evidencekit.core import layout
from evidencekit.core.paper import KnownHead
from evidencekit.verify.apart import LEAST_ROWS, LEAST_ROWS_OF_SOURCE
from evidencekit.verify.branches import Takeover, check_branches, sources_of_branches
from evidencekit.verify.catalogues import Catalogues
from evidencekit.verify.checkpoints import Notes, check_notes
from evidencekit.verify.custody import CustodyWalk
from evidencekit.verify.identity import Identity
from evidencekit.verify.log import LogWalk
from evidencekit.verify.log_facts import Log
from evidencekit.verify.manifests import check_manifests
from evidencekit.verify.objects import Objects
from evidencekit.verify.opening import Opening, check_opening
from evidencekit.verify.outside import check_outside
from evidencekit.verify.received import check_received
from evidencekit.verify.run import Run
from evidencekit.verify.selections import check_selections
from evidencekit.verify.source import check_sources
from evidencekit.verify.strays import check_strays
from evidencekit.verify.times import Times, conclude_times, stamped_times
from evidencekit.verify.witnesses import Witnesses, check_witnesses


@dataclass(slots=True)
class Examined:
    """What the steps over a case came to."""

    opening: Opening = field(default_factory=Opening)
    notes: Notes = field(default_factory=Notes)
    log: Log = field(default_factory=lambda: Log(0))
    custody: CustodyWalk | None = None
    witnesses: Witnesses = field(default_factory=Witnesses)
    times: Times = field(default_factory=Times)
    catalogues: Catalogues = field(default_factory=Catalogues)
    compared: bool = False
    """There was something outside to compare with."""
    evidence: set[str] = field(default_factory=set)
    """Exhibits that were wholly compared with their source."""
    sealed: set[str] = field(default_factory=set)
    """Exhibits that have a sealed catalogue."""
    entries: int = 0
    packages: int = 0
    """Packages that were received."""
    proven_packages: int = 0
    """Of these, those that show something of a sealed catalogue."""
    whole_packages: int = 0
    """Of these, those whose content is all there, and was compared."""
    package_rows: int = 0


def examine(
    run: Run,
    sources: Mapping[str, Path],
    known: KnownHead | None,
    *,
    as_copy: bool,
    takeover: Takeover | None = None,
) -> Examined:
    """Carry out the steps over the case of a run; `takeover` says who adopted it, if somebody did."""
    found, identity, objects = Examined(), Identity(run, None), None
    with run.step(1, "case file"):
        found.opening = check_opening(run)
    with run.step(5, "checkpoints"):
        found.notes = check_notes(run, found.opening)
    with run.step(3, "log"):
        identity = Identity(run, found.opening.origin)
        found.custody = CustodyWalk(run, None if takeover is None else takeover.adoption.size)
        walk = LogWalk(run, found.opening, found.notes, identity, found.custody)
        found.log = walk.log
        walk.walk()
    log, notes = found.log, found.notes
    with run.step(8, "custody"):
        if found.custody is not None:
            found.custody.end(() if takeover is None else takeover.adoption.items)
    with run.step(16, "witnesses"):
        found.witnesses = check_witnesses(run, found.opening, notes, log)
    with run.step(15, "times"):
        found.times = conclude_times(run, log, [*stamped_times(run, log, notes), *found.witnesses.times])
    with run.step(9, "catalogues"):
        objects = Objects(run)
        rows = sum(sealing.rows for sealing in log.sealings)
        if rows >= (LEAST_ROWS_OF_SOURCE if sources else LEAST_ROWS):
            run.crew.start()  # now: a process that has read a catalogue cannot simply be copied any more
        found.catalogues = check_manifests(run, log, found.opening.case, objects)
        check_selections(run, log, found.catalogues)
    with run.step(10, "objects"):
        if objects is not None:
            for named in log.objects:
                objects.name(layout.event_file(named.entry), named.sha256, named.size, demanded=True)
            objects.check()
    with run.step(11, "strays"):
        check_strays(run, log, objects)
    with run.step(12, "outside"):
        found.compared = check_outside(run, log, notes.newest, known)
    if run.policy is not None:
        with run.step(13, "policy"):
            identity.conclude(found.times.bounds)
            identity.admit_log(notes.newest, notes.note, layout.checkpoint_file(log.size))
    found.sealed = {catalogue.sealing.exhibit for catalogue in found.catalogues.facts.values()}
    found.entries = log.size
    own, others = sources_of_branches(log, sources)
    if own:
        with run.step(14, "evidence"):
            found.evidence = check_sources(run, found.catalogues, own, as_copy=as_copy)
    with run.step(17, "branches"):
        check_branches(run, found, others, takeover, as_copy=as_copy)
    with run.step(18, "packages"):
        check_received(run, found)
    return found
