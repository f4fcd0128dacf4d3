"""Offers answered: in the offering log itself, or in the receiver's own log and entered on the offering side.

Source: specs/custody-log.md section 4, specs/messages.md section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import Entry
from evidencekit.core.event_forms import object_record
from evidencekit.core.message import Opened
from evidencekit.core.values import display, parse_count
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded, events_of, reference
from evidencekit.journeys.custody_choice import NOTHING, Wanted, bad_name, choose, names_here


def accept(hand: Hand, data: bytes, offer: Opened, wanted: Wanted) -> Recorded:
    """Accept an offer, or a part of it: in the offering log, where this is it; else in the receiver's own.

    Items of a case that this one has adopted keep the names that they have here, unless others are wanted.
    `data` is the message file of `offer`, which was checked.

    Raises:
        BadArgument: U264 an item that was not offered, U265 nothing is left to accept, U263 a name that cannot be.
        Refused: R542 it is offered to somebody else, R544 answered already, R545 this log has another entry there;
            R511 a rule of custody forbids it.
    """
    offered = offer.event["items"]
    taken = choose(offered, wanted)
    if not taken:
        raise BadArgument(
            "Nothing of the offer is left to accept.",
            code="U265",
            hint="To take nothing of it: `evidencekit custody refuse CASE OFFER --reason …`.",
        )
    is_own = _refuse_unfit(hand, offer)
    refused = [{"item": item, "reason": reason} for item, reason in wanted.refused.items()]
    body = {**wanted.stated, "offer": _foreign_reference(offer), **({"refused": refused} if refused else {})}
    if is_own:
        if wanted.names:
            raise bad_name("an item keeps its name in the log in which it was offered")
        return hand.record("accept", [item for item in offered if item in {*taken, *wanted.refused}], body)
    _refuse_answered(hand, offer, {*taken, *wanted.refused})
    names = names_here(hand.ledger.custody, taken, wanted.names or _adopted_names(hand, offer, taken))
    actor = offer.event["actor"]
    body |= {"message": object_record(data), "offered_by": {"id": actor["id"], "key": actor["key"]}}
    if names != taken:
        body["offered_as"] = taken
    return hand.record("accept", names, body, objects=[data])


def refuse(hand: Hand, data: bytes, offer: Opened, stated: Mapping[str, Any]) -> Recorded:
    """Refuse all that an offer still offers. In the receiver's own log nothing is touched: the items never came.

    Raises:
        Refused: R542, R544, R545, R511.
    """
    body = {**stated, "offer": _foreign_reference(offer)}
    if _refuse_unfit(hand, offer):
        return hand.record("refuse", _open_items(hand, offer.event["items"], _standing(offer)[0].index), body)
    _refuse_answered(hand, offer, set(offer.event["items"]))
    return hand.record("refuse", [], body | {"message": object_record(data)}, objects=[data])


def enter_answer(hand: Hand, data: bytes, answer: Opened, stated: Mapping[str, Any]) -> Recorded:
    """Enter an answer that was made in another log.

    Raises:
        Refused: R546 it stands in this log, or was entered already; R547 it answers no offer of this log, or names
            items that were not offered; R511 the offer is not open any more, or somebody else answered it.
    """
    event, asked = answer.event, answer.event["body"]["offer"]
    store = hand.ledger.store
    _, tree = _standing(answer)
    if tree.origin == hand.ledger.origin:
        raise Refused(
            f"This answer was appended to this very log, as entry {_standing(answer)[0].index}.",
            code="R546",
            hint=f"{NOTHING} There is nothing left to enter.",
        )
    items = _answered_offer(hand, asked)
    for entry, earlier in events_of(store, "receipt"):
        if earlier["body"]["answer"]["sha256"] == object_record(data)["sha256"]:
            raise Refused(f"This answer was entered already, by entry {entry}.", code="R546", hint=NOTHING)
    named = _answered_items(event)
    if not set(named or items) <= set(items):
        other = ", ".join(sorted(set(named) - set(items)))
        raise Refused(f"The answer names {other}, not offered by entry {asked['entry']}.", code="R547", hint=NOTHING)
    if not named:
        named = _open_items(hand, items, parse_count(asked["entry"]))
    body = {
        **stated,
        "answer": object_record(data),
        "answered": event["type"],
        "answered_by": {"id": event["actor"]["id"], "key": event["actor"]["key"]},
        "log": {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)},
        "offer": {"entry": asked["entry"], "event": asked["event"]},
    }
    if event["body"].get("refused"):
        body["refused"] = event["body"]["refused"]
    return hand.record("receipt", [item for item in items if item in named], body, objects=[data])


def _standing(opened: Opened) -> tuple[Entry, Checkpoint]:
    """Return where the event of a message stands, as `read_message` made sure."""
    if opened.entry is None or opened.tree is None:
        raise FormatError("checkpoint", expected="entry, checkpoint and proof", found="none")
    return opened.entry, opened.tree


def _refuse_unfit(hand: Hand, offer: Opened) -> bool:
    """Tell whether an offer stands in this very log.

    Raises:
        Refused: R542 it is for somebody else; R545 this log has something else in its place.
    """
    to, people = offer.event["body"]["to"], hand.ledger.custody
    if people.person(to["key"]) != people.person(hand.key):
        raise Refused(
            f"This is offered to {display(to['id'])} {to['key']}, not to {display(hand.actor['id'])} {hand.key}.",
            code="R542",
            hint=f"{NOTHING} Sign with the key to which it was offered, or ask for an offer to your own.",
        )
    entry, tree = _standing(offer)
    if tree.origin != hand.ledger.origin:
        return False
    try:
        here = hand.ledger.store.read(layout.entry_file(entry.index), layout.MAX_RECORD_FILE)
    except CannotFinish:
        here = b""
    if here != offer.message.entry:
        raise Refused(
            f"This case is a copy of the log {tree.origin}, and has another entry {entry.index}, or none.",
            code="R545",
            hint=f"{NOTHING} Get the newest copy of the case; if both have that entry, compare them: they fork.",
        )
    return True


def _foreign_reference(offer: Opened) -> dict[str, str]:
    entry, tree = _standing(offer)
    return {"entry": str(entry.index), "event": offer.digest, "origin": tree.origin}


def _adopted_names(hand: Hand, offer: Opened, taken: list[str]) -> dict[str, str]:
    """Return the names here of items that came with their case, before its offer was answered."""
    origin, here = _standing(offer)[1].origin, hand.ledger.custody.items
    for _, event in events_of(hand.ledger.store, "adopt"):
        if event["body"]["log"]["origin"] == origin:
            adopted = {item: f"{event['body']['branch']}/{item}" for item in taken}
            return {item: name for item, name in adopted.items() if name in here}
    return {}


def _refuse_answered(hand: Hand, offer: Opened, items: set[str]) -> None:
    """Raise R544 where this log answers the offer already, as far as these items go."""
    for entry, event in events_of(hand.ledger.store, "accept", "refuse"):
        if event["body"]["offer"]["event"] == offer.digest:
            again = items & set(_answered_items(event) or offer.event["items"])
            if again:
                raise Refused(
                    f"{', '.join(sorted(again))}: this offer was answered by entry {entry} ({event['type']} by "
                    f"{display(event['actor']['id'])}).",
                    code="R544",
                    hint=f"{NOTHING} `--again {entry} --out FILE` writes the answer's file anew.",
                )


def _answered_items(event: dict[str, Any]) -> list[str]:
    """Return the items that an answer is about, as the offering log names them; none where it refuses all."""
    body = event["body"]
    return [*body.get("offered_as", event["items"]), *(one["item"] for one in body.get("refused", []))]


def _answered_offer(hand: Hand, asked: dict[str, Any]) -> list[str]:
    """Return the items of the offer of this log that an answer names.

    Raises:
        Refused: R547, this log has no such offer.
    """
    store, entry = hand.ledger.store, parse_count(asked["entry"])
    for index, event in events_of(store, "offer"):
        if (
            index == entry
            and asked["origin"] == hand.ledger.origin
            and reference(store, entry)["event"] == asked["event"]
        ):
            return list(event["items"])
    raise Refused(
        f"The answer is to the offer of entry {entry} of {display(asked['origin'])}, which this log does not have.",
        code="R547",
        hint=f"{NOTHING} This is the log {hand.ledger.origin}.",
    )


def _open_items(hand: Hand, offered: list[str], entry: int) -> list[str]:
    """Return those of the items that an offer still offers; all of them where it offers none, so that this is said."""
    known = hand.ledger.custody.items
    still = [item for item in offered if (one := known.get(item)) and one.offer and one.offer.entry == entry]
    return still or offered
