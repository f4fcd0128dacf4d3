"""Figures of cases: what was sealed, held and asked, read out of their logs, and of those that they adopted.

Promise: each log counts once, also where several cases adopted it. Nothing is verified. Source: specs/cooperation.md 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evidencekit.catalogue.manifest import open_manifest, read_header
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.cooperation.exchange import Answer, Request
from evidencekit.cooperation.figures import NO_OUTCOME, OTHER, Asked, Counted, Held, Taken
from evidencekit.cooperation.holds import Hold
from evidencekit.cooperation.holds_register import register_of
from evidencekit.core import layout
from evidencekit.core.values import format_instant, parse_count, parse_instant
from evidencekit.journeys.requests import read_exchange

_SECOND = 1_000_000_000
_MONTH = len("2026-11")


def count(cases: Iterable[Path], instruments: Collection[str], now: int) -> Counted:
    """Return what is counted of cases, and of the cases in their branches.

    A hold or a request under none of the `instruments` counts as OTHER. `now` is in nanoseconds since 1970.

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
        history, exchange = read_exchange(case)
        for sealed in _first(record.sealed):
            counted.taken.append(_taken(record, sealed, history.told[sealed.entry].recorded_at))
        counted.held += (_held(hold, instruments, now) for hold in register_of(history.told).holds)
        counted.asked += (asked_of(request, instruments) for request in exchange.requests)
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
    return Held(
        month=opened[:_MONTH],
        instrument=_table(hold.instrument, instruments),
        extensions=len(hold.extensions),
        lapsed=bool(hold.lapses(now)),
        released=not hold.is_open,
    )


def asked_of(request: Request, instruments: Collection[str]) -> Asked:
    """Return a request as it is counted: what came from its receipt on, what went out from its event on."""
    start = request.recorded if request.received is None or request.side == "sent" else request.received
    told = request.decided
    return Asked(
        side=request.side,
        month=format_instant(start)[:_MONTH],
        instrument=_table(request.instrument, instruments),
        outcome=str(told[-1].outcome) if told else NO_OUTCOME,
        first_s=_until_answered(start, request.answers),
        answer_s=_until_answered(start, told),
        withdrawn=request.withdrawn is not None,
        extends=(request.record or {}).get("status") == "extension",
    )


def _until_answered(start: int, answers: Sequence[Answer]) -> int | None:
    """Return the seconds to the first of some answers that was recorded; None: there is none, or it was before."""
    first = min((one.recorded for one in answers), default=None)
    return None if first is None or first < start else (first - start) // _SECOND


def _table(named: str | None, instruments: Collection[str]) -> str:
    """Return an instrument as figures may show it: by the id of a table alone."""
    return named if named is not None and named in instruments else OTHER
