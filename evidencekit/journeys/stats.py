"""Figures of cases: what was sealed and held, read out of their logs, and of those that they adopted.

Promise: each log counts once, also where several cases adopted it. Nothing is verified. Source: specs/cooperation.md 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from evidencekit.catalogue.manifest import open_manifest, read_header
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.cooperation.figures import OTHER, Counted, Held, Taken
from evidencekit.cooperation.holds import Hold
from evidencekit.core import layout
from evidencekit.core.values import parse_count, parse_instant
from evidencekit.journeys.holds import read_holds

_SECOND = 1_000_000_000
_MONTH = len("2026-11")


def count(cases: Iterable[Path], instruments: Collection[str], now: int) -> Counted:
    """Return what is counted of cases, and of the cases in their branches.

    A hold under none of the `instruments` counts as OTHER. `now` is in nanoseconds since 1970.

    Raises:
        CannotFinish: X401 to X403, X446 a case cannot be read; X441, X443 a manifest is not what was sealed.
    """
    counted, seen = Counted(), set[bytes]()
    waiting = list(cases)
    while waiting:
        case = waiting.pop()
        record = read_record(case)
        if record.identity in seen:
            continue
        seen.add(record.identity)
        counted.cases += 1
        history, register = read_holds(case)
        for sealed in _first(record.sealed):
            counted.taken.append(_taken(record, sealed, history.told[sealed.entry].recorded_at))
        counted.held += (_held(hold, instruments, now) for hold in register.holds)
        waiting += (case / layout.branch_folder(name) for name in record.custody.branches)
    return counted


def _first(sealed: Iterable[Sealed]) -> Iterator[Sealed]:
    """Yield the first catalogue of each item: a second look is not another item."""
    firsts: dict[str, Sealed] = {}
    for one in sealed:
        firsts.setdefault(one.item, one)
    yield from firsts.values()


def _taken(record: Record, sealed: Sealed, recorded_at: str) -> Taken:
    with open_manifest(record.store, sealed, whole=False) as manifest:
        totals = read_header(manifest, sealed)["totals"]
    states = {state: parse_count(number) for state, number in totals["states"].items()}
    return Taken(
        month=recorded_at[:_MONTH],
        rows=sealed.rows,
        bytes=parse_count(totals["bytes"]),
        omissions=sum(states.values()) - states["complete"],
        waited_s=_waited(record.acquisitions.get(sealed.item), parse_instant(recorded_at)),
    )


def _waited(acquisition: dict[str, Any] | None, sealed: int) -> int | None:
    """Return the seconds from the end of the seizure, or its start where that alone is stated, to the seal."""
    period = {} if acquisition is None else acquisition["body"].get("seized_at", {})
    stated = period.get("end") or period.get("start")
    if stated is None:
        return None
    waited = (sealed - parse_instant(stated["time"])) // _SECOND
    return waited if waited >= 0 else None


def _held(hold: Hold, instruments: Collection[str], now: int) -> Held:
    opened = hold.opening.event["occurred_at"]["time"]
    named = hold.instrument
    return Held(
        month=opened[:_MONTH],
        instrument=named if named is not None and named in instruments else OTHER,
        extensions=len(hold.extensions),
        lapsed=bool(hold.lapses(now)),
        released=not hold.is_open,
    )
