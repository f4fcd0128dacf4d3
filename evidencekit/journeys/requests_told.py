"""Requests as documents: what `request status` says of a case's requests at some instant, and when an answer is due.

Source: specs/cooperation.md section 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evidencekit.catalogue.history import History
from evidencekit.cooperation.clocks import end_of, unsaid
from evidencekit.cooperation.exchange import Answer, Exchange, Request
from evidencekit.cooperation.holds import Hold
from evidencekit.cooperation.holds_register import register_of
from evidencekit.cooperation.law import Table
from evidencekit.core.request import is_there
from evidencekit.core.values import format_instant
from evidencekit.errors import BadArgument

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Due:
    """When the answer to a request is due, as a table of law has it."""

    until: int | None
    """None: no limit of a table says so, or its clock has not started as far as is known."""
    source: dict[str, str] | None
    not_checked: tuple[str, ...]


def answer_due(request: Request, tables: Mapping[str, Table]) -> Due:
    """Return when an answer is due: by the limit of its instrument, from receipt, by calendar days of UTC."""
    table = tables.get(request.instrument or "")
    if table is None:
        return Due(None, None, ("when an answer is due: no table of law has its instrument",))
    record = request.record or {}

    def there(name: str) -> bool:
        return is_there(record, name)

    limit = table.limit("answer", there=there)
    if limit is None:
        return Due(None, None, ())
    if request.received is None:
        return Due(None, None, ("when an answer is due: no receipt of the other side was entered",))
    try:
        ending = end_of(limit, request.received)
    except BadArgument as error:  # the other side says when it received it: a year that nobody reaches, too
        return Due(None, None, (f"when an answer is due: {error.message}",))
    source = {"citation": limit.source.citation, "mark": limit.source.mark, "version": limit.source.version}
    return Due(ending.until, source, (*ending.not_checked, *table.not_checked, *unsaid(limit, table.limits, there)))


def status_document(cases: Iterable[tuple[History, Exchange]], tables: Mapping[str, Table], now: int) -> dict[str, Any]:
    """Return all requests of some cases, in the order of their logs; `now` is in nanoseconds since 1970."""
    cases = list(cases)
    return {
        "not_checked": [
            "nothing is verified here: `evidencekit verify` does that",
            *(
                f"requests of {name}, a case that {history.origin} adopted: they stand in that case's own log"
                for history, _ in cases
                for name in sorted(history.custody.branches)
            ),
        ],
        "not_followed": [
            {"case": history.origin, "entry": one.entry, "reason": one.reason, "type": one.kind}
            for history, exchange in cases
            for one in exchange.not_followed
        ],
        "now": format_instant(now),
        "requests": [one for history, exchange in cases for one in _records(history, exchange, tables, now)],
        "unfinished": [history.origin for history, _ in cases if history.unfinished],
    }


def _records(history: History, exchange: Exchange, tables: Mapping[str, Table], now: int) -> Iterator[dict[str, Any]]:
    holds = register_of(history.told).holds if exchange.requests else ()
    for request in exchange.requests:
        yield _record(request, history, exchange, holds, tables, now)


def _record(
    request: Request, history: History, exchange: Exchange, holds: Iterable[Hold], tables: Mapping[str, Table], now: int
) -> dict[str, Any]:
    record, due = request.record or {}, answer_due(request, tables)
    earlier = record.get("earlier", {}).get("sha256")
    return {
        "answer_due": {
            "late_s": _late(request, due),
            "left_s": None if due.until is None or not request.is_open else (due.until - now) // _SECOND,
            "not_checked": list(due.not_checked),
            "source": due.source,
            "until": None if due.until is None else format_instant(due.until),
        },
        "answers": [_answer(one) for one in request.answers],
        "authority": _who(record.get("authority")),
        "by": request.by,
        "case": history.origin,
        "entry": request.entry,
        "extends": [one.entry for one in exchange.by_digest(earlier)] if earlier else [],
        "exports": _naming(history, "export", request),
        "holds": [_hold(one, now) for one in holds if one.is_for(request.digest)],
        "instrument": request.instrument,
        "open": request.is_open,
        "outcome": request.outcome,
        "receipts": request.receipts,
        "received_at": None if request.received is None else format_instant(request.received),
        "recorded_at": format_instant(request.recorded),
        "reference": record.get("reference"),
        "returns": _naming(history, "acquire", request),
        "sha256": request.digest,
        "side": request.side,
        "state": request.state,
        "status": record.get("status"),
        "to": _who(record.get("to")),
        "withdrawn": request.withdrawn,
    }


def _late(request: Request, due: Due) -> int | None:
    """Return by how many seconds the first answer with an outcome was recorded after it was due; None: it was not."""
    given = next((one.recorded for one in request.decided), None)
    if due.until is None or given is None or given <= due.until:
        return None
    return (given - due.until) // _SECOND


def _answer(one: Answer) -> dict[str, Any]:
    record = {name: value for name, value in (one.record or {}).items() if name not in {"_t", "nonce", "request"}}
    return {"by": one.by, "entry": one.entry, "record": record or None, "recorded_at": format_instant(one.recorded)}


def _hold(hold: Hold, now: int) -> dict[str, Any]:
    until = None if hold.until is None else format_instant(hold.until)
    return {"hold": hold.name, "items": list(hold.items), "stage": hold.at(now).stage, "until": until}


def _naming(history: History, kind: str, request: Request) -> list[dict[str, Any]]:
    """Return the events of a type that name the request, with their items."""
    return [
        {"entry": one.entry, "items": list(one.event["items"])}
        for one in history.told
        if one.event["type"] == kind and request.digest is not None and one.body.get("request") == request.digest
    ]


def _who(person: Mapping[str, Any] | None) -> str | None:
    if not person:
        return None
    state = f" ({person['state']})" if "state" in person else ""
    return f"{person.get('name', 'no name')}{state}"
