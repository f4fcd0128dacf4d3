"""The custody state machine: who holds what after each event, and what the rules say of it. Pure.

The writer refuses an event that breaks a rule; the verifier reports it and goes on. What each type does stands in
`custody_rules`, who may do it in `custody_step`, the state in `custody_state`. Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evidencekit.core.custody_keys import key_step, spent_remarks
from evidencekit.core.custody_rules import item_step
from evidencekit.core.custody_state import Custody, End, Item, Key, Layers, Offer, Out, Person, Place, Remark, Tenure
from evidencekit.core.custody_times import clock_remarks
from evidencekit.core.custody_whole import opening_remarks, whole_remarks
from evidencekit.core.event import knows_type

__all__ = ["Custody", "End", "Item", "Layers", "Offer", "Out", "Person", "Place", "Remark", "Tenure", "advance"]


def advance(state: Custody, event: dict[str, Any]) -> tuple[Custody, tuple[Remark, ...]]:
    """Return the state after `event` (of its schema), and what the rules say of it.

    The event's index is `state.size`. An event that breaks a rule changes nothing but the places of its items.
    """
    places = {exhibit: Place(state.size, position) for position, exhibit in enumerate(event["items"])}
    remarks = opening_remarks(state, event) + spent_remarks(state, event)
    after, items = state, {}
    if knows_type(event):
        remarks += whole_remarks(state, event) + clock_remarks(event)
        after, said = key_step(state, event)
        remarks += said
        for exhibit, place in places.items():
            items[exhibit], said = item_step(state, event, exhibit, place)
            remarks += said
        after = _with_names(after, event)
    if any(remark.forbids for remark in remarks):
        after, items = state, {exhibit: _unmoved(state, exhibit, place) for exhibit, place in places.items()}
    elif not knows_type(event):
        items = {exhibit: _unknown(_unmoved(state, exhibit, place), event) for exhibit, place in places.items()}
    signers = {key: Key("", key) for key in event["signers"] if key not in after.keys}
    moved = replace(after, size=state.size + 1, items=state.items.updated(items), keys=after.keys.updated(signers))
    return moved, tuple(remarks)


def _with_names(state: Custody, event: dict[str, Any]) -> Custody:
    """Take the name of the log that opens, of the branch that is adopted, of the package that is received."""
    match event["type"]:
        case "open":
            return replace(state, origin=event["body"]["origin"], opener=event["actor"]["key"])
        case "adopt":
            return replace(state, branches=state.branches.updated({event["body"]["branch"]: state.size}))
        case "receive":
            return replace(state, packages=state.packages.updated({event["body"]["package"]: state.size}))
        case _:
            return state


def _unmoved(state: Custody, exhibit: str, place: Place) -> Item:
    """Return an item that an event named, and that is as it was; one that never was is unknown."""
    item = state.items.get(exhibit)
    return Item(exhibit, place, None, None, unknown=True) if item is None else replace(item, last=place)


def _unknown(item: Item, event: dict[str, Any]) -> Item:
    """From here on nobody can say who holds the item: its event is of a type that this version does not know."""
    last_at = max(item.last_at, event["occurred_at"]["time"])
    return replace(
        item, holder_id=None, holder_key=None, unknown=True, offer=None, out=None, tenures=(), last_at=last_at
    )
