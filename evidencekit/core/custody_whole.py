"""Rules of custody about an event as a whole: where it may stand, how many items it names, who signs it. Pure.

Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.custody_state import DIVIDING, Custody, Remark
from evidencekit.core.event_types import EVENT_TYPES, NO_ITEM

_SINGLE = frozenset({"acquire", "seal", "derive"})
_ANSWERS = frozenset({"accept", "refuse"})


def opening_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    """Say so unless `open` stands at the beginning, and only there."""
    if (event["type"] == "open") == (state.size == 0):
        return []
    return [_broken("open as event 0, and only there", f"{event['type']} as event {state.size}")]


def whole_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    """Return what is wrong with an event of a known type, apart from what it does to each item."""
    found = [*_count_remarks(state, event), *_signer_remarks(state, event)]
    match event["type"]:
        case kind if kind in DIVIDING:
            parts = [part["item"] for part in event["body"]["parts"]]
            if event["items"][1:] != parts:
                found.append(_broken("the item, then its parts as the event lists them", ", ".join(event["items"][:8])))
        case "accept":
            found += _accept_remarks(state, event)
        case "refuse" if is_foreign(state, event) and "message" not in event["body"]:
            found.append(_broken("the message, since the offer was made in another log", "none"))
        case "adopt" if event["body"]["branch"] in state.branches:
            found.append(_broken("a branch of its own name", f"{event['body']['branch']} is there already"))
        case "receive":
            found += _receive_remarks(state, event)
    return found


def is_foreign(state: Custody, event: dict[str, Any]) -> bool:
    """Tell whether an event answers an offer that was made in another log."""
    if event["type"] not in _ANSWERS or state.origin is None:
        return False
    return bool(event["body"]["offer"]["origin"] != state.origin)


def _count_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    kind, count = event["type"], len(event["items"])
    if kind in _SINGLE:
        return [] if count == 1 else [_broken(f"one item of the {kind} event", str(count))]
    if kind == "receive" and event["body"].get("refused"):
        return []  # all of it may be refused
    if kind in NO_ITEM or (kind == "refuse" and is_foreign(state, event)):
        return [_broken(f"no items in this {kind} event", str(count))] if count else []
    return [] if count else [_broken(f"an item of the {kind} event", "none")]


def _signer_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    least, persons = EVENT_TYPES[event["type"]].signers, {state.person(key) for key in event["signers"]}
    if len(persons) >= least:
        return []
    keys = f", by {len(event['signers'])} keys" if len(event["signers"]) > len(persons) else ""
    return [Remark("E310", "", f"{least} persons who sign the {event['type']} event", f"{len(persons)}{keys}")]


def _accept_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    """In its own log an acceptance names all items that it answers; of another log's offer, what comes here."""
    body, items = event["body"], set(event["items"])
    refused = {one["item"] for one in body.get("refused", [])}
    if not is_foreign(state, event):
        if refused < items or not items:
            return []
        return [_broken("refused items among those of the event, and one that is taken", _some(refused))]
    if "message" not in body or "offered_by" not in body:
        return [_broken("message and offered_by, since the offer was made in another log", "less")]
    return _naming_remarks(event)


def _receive_remarks(state: Custody, event: dict[str, Any]) -> list[Remark]:
    """A package of another log, once."""
    body, found = event["body"], _naming_remarks(event)
    if body["log"]["origin"] == state.origin:
        found.append(_broken("a package of another log", f"one of {state.origin}"))
    if body["package"] in state.packages:
        entry = state.packages[body["package"]]
        found.append(_broken("a package that is received once", f"received by entry {entry} already"))
    return found


def _naming_remarks(event: dict[str, Any]) -> list[Remark]:
    """Items that come from another log have one name each there, and are not refused."""
    body = event["body"]
    named = body.get("offered_as", event["items"])
    refused = {one["item"] for one in body.get("refused", [])}
    if len(named) != len(event["items"]) or len(set(named)) != len(named):
        return [_broken("in offered_as one name for each item", _some(named))]
    if refused & set(named):
        return [_broken("refused items other than those that are taken", _some(refused & set(named)))]
    return []


def _some(names: Any) -> str:
    return ", ".join(sorted(names)[:8]) or "none"


def _broken(expected: str, found: str) -> Remark:
    return Remark("E301", "", expected, found)
