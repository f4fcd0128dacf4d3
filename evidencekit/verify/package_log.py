"""The log in a package: every entry, the events that are shown, checkpoints, keys, times, witnesses, as in a case.

Source: specs/package.md sections 5 and 8 (steps 4 and 7).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.proven_time import ProvenTime
from evidencekit.core.values import parse_count
from evidencekit.read.package import Package
from evidencekit.verify.checkpoints import Notes, check_notes
from evidencekit.verify.custody import CustodyWalk
from evidencekit.verify.hidden import HiddenEvents
from evidencekit.verify.identity import Identity
from evidencekit.verify.log import LogWalk
from evidencekit.verify.log_facts import Log
from evidencekit.verify.opening import Opening, body_of_opening, opened_by, read_event_0
from evidencekit.verify.run import Run
from evidencekit.verify.times import Times, conclude_times, stamped_times
from evidencekit.verify.witnesses import Witnesses, check_witnesses


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
    notes: Notes = field(default_factory=Notes)
    log: Log = field(default_factory=lambda: Log(0))
    identity: Identity | None = None
    hidden: HiddenEvents | None = None
    witnesses: Witnesses = field(default_factory=Witnesses)
    times: Times = field(default_factory=Times)
    proven: list[ProvenTime] = field(default_factory=list)
    """Times that somebody outside attests, whom the policy knows."""


def check_package_log(run: Run, record: dict[str, Any] | None, withheld: dict[str, Any] | None) -> LogFound:
    """Carry out the steps of a case over the log; `run` looks at `evidence/`."""
    found = LogFound()
    grounds = {parse_count(one["entry"]): one["ground"] for one in (withheld or {"events": []})["events"]}
    with run.step(1, "opening"):
        found.opening = _check_opening(run, record)
    with run.step(5, "checkpoints"):
        found.notes = check_notes(run, found.opening)
    with run.step(3, "log"):
        found.identity = Identity(run, found.opening.origin)
        found.hidden = HiddenEvents(run, grounds)
        custody = CustodyWalk(run)
        walk = LogWalk(run, found.opening, found.notes, found.identity, custody, found.hidden)
        found.log = walk.log
        walk.walk()
        custody.end()
    log, notes = found.log, found.notes
    with run.step(16, "witnesses"):
        found.witnesses = check_witnesses(run, found.opening, notes, log)
    with run.step(15, "times"):
        found.proven = [*stamped_times(run, log, notes), *found.witnesses.times]
        found.times = conclude_times(run, log, found.proven)
    with run.step(10, "objects"):
        _check_objects(run, log)
    return found


def _check_opening(run: Run, record: dict[str, Any] | None) -> Opening:
    """Event 0 says what the log is; `package.json` repeats it (E166)."""
    event = read_event_0(run)
    body = body_of_opening(event)
    if record is not None and event is not None:
        pairs = {"case": (event["case"], record["case"])}
        if body is not None:
            pairs |= {
                "log_keys": (body["log_keys"], record["log_keys"]),
                "checkpoint.origin": (body["origin"], record["checkpoint"]["origin"]),
            }
        for name, (expected, stated) in pairs.items():
            if expected != stated:
                run.find("E166", "package.json", f"{name} {expected}", f"{name} {stated}")
    said = None if record is None else {"log_keys": record["log_keys"], "origin": record["checkpoint"]["origin"]}
    return opened_by(run, (event or record or {}).get("case"), body, "package.json", said)


def _check_objects(run: Run, log: Log) -> None:
    """Objects that shown events name are there, as long as the event says, and have their digest (E501, E201)."""
    seen: set[str] = set()
    for named in log.objects:
        if named.sha256 in seen:
            continue
        seen.add(named.sha256)
        where = layout.object_file(named.sha256)
        data = run.read(where, named.size)
        if data is None:
            continue
        run.did("objects")
        if len(data) != named.size or sha256_hex(data) != named.sha256:
            expected = f"{named.size} bytes, SHA-256 {named.sha256}"
            run.find("E201", where, expected, f"{len(data)} bytes, SHA-256 {sha256_hex(data)}")
