"""The transfer form on paper: who hands what to whom, as it is recorded, with blanks for what both see. Pure.

Promises: what stands open about an item is named; lists and texts are cut with a sign that they were; what nobody
stated is None; nothing is verified. Source: specs/reporting.md section 6.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.values import display
from evidencekit.report.paper_tree import WithTree
from evidencekit.report.receipt import shown_moment
from evidencekit.report.report_bounds import bounded, named, said, shown_instant
from evidencekit.report.things import Thing

MATTERS = 100
IN_COMMAND = 20
"""Items that a command is shown with: more are typed by whoever has them."""
_STATED = (
    *("authority", "use_limits", "onward_transfer", "confidentiality"),
    *("carrier", "tracking", "bag", "notes"),
)
"""Texts of an offer that the form shows where they were stated, beside purpose and place."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who gives or receives."""

    name: str
    key: str
    """Fingerprint."""
    items: tuple[str, ...] = ()
    """Of a giver: what he holds, where others hold the rest."""


@dataclass(frozen=True, slots=True)
class Handed:
    """An item."""

    exhibit: str
    description: str | None
    serial: str | None
    identifiers: str | None
    quantity: str | None
    seals: str | None
    """As last stated; empty where it was said that there are none."""
    bag: str | None
    condition: str | None
    """As last stated."""
    elsewhere: str | None
    """Origin of the log that has its earlier history, which was not read."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What stands open about an item: the end of `matter_…` among the texts, or the code of a finding."""

    item: str
    code: str
    detail: str | None
    entry: int | None
    """In the log."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The offer that the form goes with."""

    origin: str
    """Of the log in which it was made."""
    entry: int | None
    event: str
    """SHA-256 of the event, hex."""
    at: str
    handed_over_at: str | None
    legal_channel: str | None
    """A name of `core.event_forms.LEGAL_CHANNEL`."""
    stated: dict[str, str]
    """Texts, by the names of their fields."""


@dataclass(frozen=True, slots=True)
class Transfer(WithTree):
    """All of it."""

    reference: str
    agency: str
    givers: tuple[Party, ...]
    """The holders as last recorded; none where nobody is known to hold anything."""
    receiver: Party | None
    items: tuple[Handed, ...]
    purpose: str | None
    place: str | None
    offered: Offered | None
    matters: dict[str, Any]
    """`rows` (of Matter), `total`, `left`."""
    commands: tuple[str, ...]
    """What records the handover."""
    checkpoint: Checkpoint
    tree_of_offer: bool
    """Tell whether the checkpoint is the one in the offer's file, of another log than this case's."""
    made_at: str
    program: str


def handed_of(thing: Thing, status: Mapping[str, Any]) -> Handed:
    """Return an item as it is to be handed over; `status`: `seals` and `condition` as last stated, or None."""
    known = thing.said
    seals, condition = status["seals"], status["condition"]
    return Handed(
        exhibit=known.exhibit,
        description=_shown(" ".join(text for text in (known.description, known.make, known.model) if text)),
        serial=_shown(known.serial),
        identifiers=_shown(known.identifiers),
        quantity=_shown(known.quantity),
        seals=_shown(known.seals) if seals is None else said(", ".join(map(display, seals))),
        bag=_shown(known.bag),
        condition=_shown(known.condition) if condition is None else named(condition),
        elsewhere=None if thing.elsewhere is None else named(thing.elsewhere),
    )


def givers_of(statuses: Sequence[Mapping[str, Any]]) -> tuple[Party, ...]:
    """Return who holds items, as `catalogue.history.item_status` has it; what each holds, where they are several."""
    held: dict[tuple[str, str], list[str]] = {}
    for status in statuses:
        if status["holder"] is not None:
            held.setdefault((status["holder"]["name"], status["holder"]["key"]), []).append(status["item"])
    is_one = len(held) == 1 and all(status["holder"] for status in statuses)
    return tuple(Party(named(name), key, () if is_one else tuple(items)) for (name, key), items in held.items())


def matters_of(status: Mapping[str, Any], thing: Thing, offer: int | None) -> Iterator[Matter]:
    """Yield what stands open about an item.

    Args:
        status: as `catalogue.history.item_status` returns it, with `lapsed`: names of holds whose end has passed.
        thing: the item as the log describes it.
        offer: the entry of the offer that the form goes with, if it is one of this log.
    """
    item, out, ended = status["item"], status["out"], status["ended"]
    offers = [one["entry"] for one in status["open_offers"]]
    if status["unknown"]:
        yield Matter(item, "unknown", None, None)
    elif status["holder"] is None:
        yield Matter(item, "nobody", None, None)
    if ended:
        yield Matter(item, "ended", None, ended["entry"])
    if thing.elsewhere is not None:
        yield Matter(item, "history", named(thing.elsewhere), min(thing.entries))
    if status["away"]:
        yield Matter(item, "away", named(status["away"]), None)
    if offer is not None and offer not in offers:
        yield Matter(item, "answered", None, offer)
    for one in status["open_offers"]:
        if one["entry"] != offer:
            yield Matter(item, "offered", _person(one["to"]), one["entry"])
    if out:
        due = f" ({shown_instant(out['due'])})" if out["due"] else ""
        yield Matter(item, "overdue" if out["overdue"] else "out", _person(out["to"]) + due, out["entry"])
    for hold in status["holds"]:
        yield Matter(item, "lapsed" if hold in status["lapsed"] else "hold", named(hold), None)
    told = {("W911", entry) for entry in offers} | {("W919", out["entry"] if out else None)}
    for finding in status["findings"]:
        if (finding["code"], finding["entry"]) not in told:
            yield Matter(item, finding["code"], None, finding["entry"])
    for entry in thing.said.corrected:
        yield Matter(item, "corrected", None, entry)


def offered_of(event: Mapping[str, Any], digest: str, entry: int | None) -> Offered:
    """Return what an offer says beside its items, persons, purpose and place."""
    body = event["body"]
    handed = body.get("handed_over_at")
    return Offered(
        origin=said(event["seen"]["origin"]),
        entry=entry,
        event=digest,
        at=shown_moment(event["occurred_at"]),
        handed_over_at=None if handed is None else shown_moment(handed),
        legal_channel=body.get("legal_channel"),
        stated={name: named(body[name]) for name in _STATED if name in body},
    )


def transfer_of(
    case: Mapping[str, Any],
    items: Sequence[Handed],
    givers: tuple[Party, ...],
    matters: Sequence[Matter],
    checkpoint: Checkpoint,
    *,
    offer: tuple[Mapping[str, Any], Offered, str] | None,
    made_at: str,
    program: str,
    tree_of_offer: bool = False,
) -> Transfer:
    """Return what the form says; `offer`: its event, what it says, and the name of its file."""
    body: Mapping[str, Any] = {} if offer is None else offer[0]["body"]
    to = body.get("to")
    return Transfer(
        reference=named(case["reference"]),
        agency=named(case["agency"]),
        givers=givers,
        receiver=None if to is None else Party(named(to["id"]), to["key"]),
        items=tuple(items),
        purpose=_shown_name(body.get("purpose")),
        place=_shown_name(body.get("place")),
        offered=None if offer is None else offer[1],
        matters=bounded(matters, MATTERS),
        commands=_commands([item.exhibit for item in items], None if offer is None else offer[2]),
        checkpoint=checkpoint,
        tree_of_offer=tree_of_offer,
        made_at=made_at,
        program=program,
    )


def _commands(items: Sequence[str], file: str | None) -> tuple[str, ...]:
    named_so = "offer.json" if file is None else _in_command(file)
    accept = f"evidencekit custody accept CASE {named_so} --signer KEY --out answer.json"
    if file is not None:
        return (accept,)
    chosen = " ".join(f"--item {shlex.quote(item)}" for item in items[:IN_COMMAND])
    chosen += " …" if len(items) > IN_COMMAND else ""
    return f"evidencekit custody offer CASE {chosen} --to RECEIVER.pub --signer KEY --out offer.json", accept


def _in_command(file: str) -> str:
    """Return a file's name as a shell takes it; what cannot be typed as it is shown has a placeholder."""
    if display(file) != file:
        return "OFFER.json"
    return shlex.quote(f"./{file}" if file.startswith("-") else file)


def _person(person: Mapping[str, str]) -> str:
    return f"{named(person['name'])} {person['key']}"


def _shown(text: str | None) -> str | None:
    """Return a text that is escaped already, cut."""
    return said(text) if text else None


def _shown_name(text: str | None) -> str | None:
    return None if text is None else named(text)
