"""Requests of a log, each with all that was said of it: sent or received, answered, withdrawn. Pure.

Promises: computed from the log's events and from what they name, and from nothing else; nothing is dropped: what could
not be read is named. Nothing is verified here. Source: specs/cooperation.md section 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evidencekit.core.answer import EXECUTED, REFUSED, TAKEN
from evidencekit.core.exchange_types import ACKNOWLEDGED, ANSWERED, RECEIVED, SENT, WITHDRAWN
from evidencekit.core.message import Opened
from evidencekit.core.values import parse_count, parse_instant

State = Literal["sent", "received", "answered", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Said:
    """An event about a request, as the log has it, and the event of the other log that it enters, if it does."""

    entry: int
    event: dict[str, Any]
    recorded: int
    """When it was recorded, an instant."""
    other: Opened | None = None
    """What it enters, of the other log; None: nothing, or its file cannot be read."""
    record: dict[str, Any] | None = None
    """The request's or answer's record that goes with it; None: none does, or it cannot be read."""
    void: str | None = None
    """Why it changes nothing: the rule of custody that it breaks, or an unknown form; None: it does."""

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        return dict(self.event["body"])


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: given here, or entered from the other side."""

    entry: int
    recorded: int
    by: dict[str, Any]
    record: dict[str, Any] | None
    """None: it cannot be read."""
    given: tuple[str | None, int]
    """The log in which it was given, None: this one; and its entry there."""

    @property
    def outcome(self) -> str | None:
        """What it came to; None: it cannot be read."""
        return None if self.record is None else str(self.record["outcome"])


@dataclass(slots=True)
class Request:
    """A request of this log, or one that came here."""

    side: Literal["sent", "received"]
    entry: int
    """Of the event by which it was sent, or by which it was received."""
    recorded: int
    sent: dict[str, str] | None
    """The event of the other log by which it was sent: entry, event, origin; None: it was sent from here."""
    by: dict[str, Any] | None
    """Who signed it; None: not known."""
    digest: str | None
    """SHA-256 of its record, hex; None: not known."""
    instrument: str | None
    record: dict[str, Any] | None
    """None: it cannot be read."""
    kept: str
    """SHA-256 of the file that has its record, hex: the record itself, or the message by which it came."""
    received: int | None = None
    """When the other side, or this one, received it: an instant."""
    receipts: list[int] = field(default_factory=list)
    """Entries by which receipts of the other side were entered."""
    answers: list[Answer] = field(default_factory=list)
    """As their log gave them, in whatever order they came here; the last one is the newest."""
    withdrawn: int | None = None
    """The entry by which it was withdrawn, or by which that was entered."""

    @property
    def state(self) -> State:
        """How far it has come."""
        if self.withdrawn is not None:
            return "withdrawn"
        if self.answers:
            return "answered"
        return "sent" if self.received is None else "received"

    @property
    def outcome(self) -> str | None:
        """What the newest answer says."""
        return self.answers[-1].outcome if self.answers else None

    @property
    def decided(self) -> list[Answer]:
        """The answers that say more than that it is being dealt with, as far as they can be read."""
        return [one for one in self.answers if one.outcome not in {None, TAKEN}]

    @property
    def is_open(self) -> bool:
        """Tell whether something is yet to come: it is not withdrawn, and not executed or refused by all who answered.

        One file may have gone to several: each has a log of its own, and the newest answer there is his.
        """
        newest = {one.given[0]: one.outcome for one in self.answers}
        return self.withdrawn is None and not (newest and set(newest.values()) <= {EXECUTED, REFUSED})


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """An event that could not be joined to a request, and why."""

    entry: int
    kind: str
    reason: str


@dataclass(slots=True)
class Exchange:
    """All requests of a log, in the order in which they were entered."""

    requests: list[Request] = field(default_factory=list)
    not_followed: list[NotFollowed] = field(default_factory=list)

    def at(self, entry: int) -> Request | None:
        """Return the request that an entry sent or received."""
        return next((one for one in self.requests if one.entry == entry), None)

    def by_digest(self, digest: str) -> list[Request]:
        """Return the requests with a record: the same one may go out to several, or come twice."""
        return [one for one in self.requests if one.digest == digest]


def exchange_of(said: Iterable[Said]) -> Exchange:
    """Return the requests of a log; `said` are its events about requests, in order."""
    found = Exchange()
    for one in said:
        reason = one.void or _follow(found, one)
        if reason is not None:
            found.not_followed.append(NotFollowed(one.entry, one.event["type"], reason))
    return found


def _follow(found: Exchange, one: Said) -> str | None:
    """Take what an event says; return why that cannot be, or None."""
    kind = one.event["type"]
    if kind not in {SENT, RECEIVED}:
        return _follow_later(found, one)
    found.requests.append(_sent(one) if kind == SENT else _received(one))
    return None


def _sent(one: Said) -> Request:
    body = one.body
    return Request(
        side="sent",
        entry=one.entry,
        recorded=one.recorded,
        sent=None,
        by=_person(one.event),
        digest=body["request"]["sha256"],
        instrument=body["instrument"],
        record=one.record,
        kept=body["request"]["sha256"],
    )


def _received(one: Said) -> Request:
    body = one.body
    theirs = one.other.event if one.other is not None and one.other.event["type"] == SENT else None
    return Request(
        side="received",
        entry=one.entry,
        recorded=one.recorded,
        sent=body["sent"],
        by=None if theirs is None else _person(theirs),
        digest=None if theirs is None else theirs["body"]["request"]["sha256"],
        instrument=None if theirs is None else theirs["body"]["instrument"],
        record=None if theirs is None else one.record,
        kept=body["message"]["sha256"],
        received=parse_instant(body["received_at"]["time"]),
    )


def _follow_later(found: Exchange, one: Said) -> str | None:
    """Take what an event says of an earlier request; return why that cannot be, or None."""
    body, kind = one.body, one.event["type"]
    side = "received" if "received" in body else "sent"
    request = found.at(parse_count(body[side]["entry"]))
    if request is None or request.side != side:
        return f"entry {body[side]['entry']} is no request that was {side}"
    if kind == ANSWERED:
        _take_answer(request, Answer(one.entry, one.recorded, _person(one.event), one.record, (None, one.entry)))
    elif kind == ACKNOWLEDGED:
        return _acknowledged(request, one)
    else:
        return _withdrawn(request, one)
    return None


def _withdrawn(request: Request, one: Said) -> str | None:
    if request.withdrawn is not None:
        return f"entry {request.withdrawn} withdrew it before"
    request.withdrawn = one.entry
    return None


def _acknowledged(request: Request, one: Said) -> str | None:
    if one.other is None or one.other.entry is None:
        return "what it enters cannot be read"
    theirs = one.other.event
    match request.side, theirs["type"]:
        case "sent", kind if kind == RECEIVED:
            request.receipts.append(one.entry)
            at = parse_instant(theirs["body"]["received_at"]["time"])
            request.received = at if request.received is None else min(at, request.received)
        case "sent", kind if kind == ANSWERED:
            given = (theirs["seen"]["origin"], one.other.entry.index)
            _take_answer(request, Answer(one.entry, one.recorded, _person(theirs), one.record, given))
        case "received", kind if kind == WITHDRAWN:
            return _withdrawn(request, one)
        case side, kind:
            return f"it enters an event of type {kind}, about a request that was {side}"
    return None


def _take_answer(request: Request, answer: Answer) -> None:
    """Take an answer in its place: files may come in another order than they were written."""
    log, entry = answer.given
    later = (place for place, one in enumerate(request.answers) if one.given[0] == log and one.given[1] > entry)
    request.answers.insert(next(later, len(request.answers)), answer)


def _person(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: event["actor"][name] for name in ("id", "key")}
