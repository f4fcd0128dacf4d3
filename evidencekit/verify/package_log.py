"""The log in a package: every entry, the events that are shown, checkpoints, keys, times, witnesses, as in a case.

Source: specs/package.md sections 5 and 8 (steps 4 and 7).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

from evidencekit.core import layout
from evidencekit.core.proven_time import ProvenTime
from evidencekit.core.values import parse_count
from evidencekit.read.package import Package
from evidencekit.verify.checkpoints import Notes, check_notes
from evidencekit.verify.custody import CustodyWalk
from evidencekit.verify.hidden import HiddenEvents
from evidencekit.verify.identity import Identity
from evidencekit.verify.log import LogWalk
from evidencekit.verify.log_facts import Adoption, Log
from evidencekit.verify.opening import Opening, body_of_opening, opened_by, read_event_0
from evidencekit.verify.run import Run
from evidencekit.verify.times import Times, conclude_times, stamped_times
from evidencekit.verify.witnesses import Witnesses, check_witnesses

Digests: TypeAlias = Callable[[str], tuple[int, str | None] | None]
"""Size and SHA-256 (None: it could not be read, which was said) of a file of the folder; None where there is none."""


class PackageView:
    """What a package shows of a case, by the places that it has there."""

    def __init__(self, package: Package, folder: str) -> None:
        self._package, self._folder = package, folder

    def open(self, relative: str) -> BinaryIO:
        """Open a file, as `Package.open` does."""
        return self._package.open(self._folder + relative)

    def read(self, relative: str, limit: int) -> bytes:
        """Read a file, as `Package.read` does."""
        return self._package.read(self._folder + relative, limit)

    def numbers(self, relative: str) -> array[int]:
        """Return the numbers that stand as names in a folder."""
        return self._package.numbers(self._folder + relative)


@dataclass(slots=True)
class LogFound:
    """What the log in a package came to."""

    opening: Opening = field(default_factory=Opening)
    log_keys: list[str] | None = None
    """As event 0 has them."""
    notes: Notes = field(default_factory=Notes)
    log: Log = field(default_factory=lambda: Log(0))
    custody: CustodyWalk | None = None
    identity: Identity | None = None
    hidden: HiddenEvents | None = None
    witnesses: Witnesses = field(default_factory=Witnesses)
    times: Times = field(default_factory=Times)
    proven: list[ProvenTime] = field(default_factory=list)
    """Times that somebody outside attests, whom the policy knows."""


def check_package_log(
    run: Run,
    said: dict[str, Any] | None,
    withheld: dict[str, Any] | None,
    digests: Digests,
    adoption: Adoption | None = None,
    said_at: str | None = "package.json",
) -> LogFound:
    """Carry out the steps of a case over a log; `run` looks at the folder that it lies in.

    `said` is what package.json says of it, and `said_at` where that lies, None in another folder; `digests` knows the
    files; `adoption` is the event by which another case adopted this one, if any did.
    """
    found = LogFound()
    grounds = {parse_count(one["entry"]): one["ground"] for one in (withheld or {"events": []})["events"]}
    with run.step(1, "opening"):
        event = read_event_0(run)
        body = body_of_opening(event)
        found.log_keys = None if body is None else body["log_keys"]
        other = None if said is None else {"log_keys": said["log_keys"], "origin": said["checkpoint"]["origin"]}
        found.opening = opened_by(run, (event or said or {}).get("case"), body, said_at, other)
    with run.step(5, "checkpoints"):
        found.notes = check_notes(run, found.opening)
    with run.step(3, "log"):
        found.identity = Identity(run, found.opening.origin)
        found.hidden = HiddenEvents(run, grounds)
        found.custody = CustodyWalk(run, None if adoption is None else adoption.size, in_package=True)
        walk = LogWalk(run, found.opening, found.notes, found.identity, found.custody, found.hidden)
        found.log = walk.log
        walk.walk()
        found.custody.end(() if adoption is None else adoption.items)
    log, notes = found.log, found.notes
    with run.step(16, "witnesses"):
        found.witnesses = check_witnesses(run, found.opening, notes, log)
    with run.step(15, "times"):
        found.proven = [*stamped_times(run, log, notes), *found.witnesses.times]
        found.times = conclude_times(run, log, found.proven)
    with run.step(10, "objects"):
        _check_objects(run, log, digests)
    return found


def _check_objects(run: Run, log: Log, digests: Digests) -> None:
    """Objects that shown events name are there, as long as the event says, and have their digest (E501, E201)."""
    for named in {(one.sha256, one.size): one for one in log.objects}.values():
        where = layout.object_file(named.sha256)
        found = digests(where)
        if found is None:
            run.find("E501", where, "an object that an event names", "none")
            continue
        size, sha256 = found
        run.did("objects", 0 if sha256 is None else 1)
        if size != named.size or sha256 not in {None, named.sha256}:
            expected = f"{named.size} bytes, SHA-256 {named.sha256}"
            run.find("E201", where, expected, f"{size} bytes, {'not read' if sha256 is None else f'SHA-256 {sha256}'}")
