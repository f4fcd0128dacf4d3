"""Rules of custody for an item that goes from hand to hand: for a while, or for good. Pure.

Each rule returns the item after the event. Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidencekit.core.custody_state import Item, Offer, Out, Person
from evidencekit.core.custody_step import Step, there
from evidencekit.core.custody_times import latest
from evidencekit.core.custody_whole import is_foreign
from evidencekit.core.values import parse_count


def _lent(step: Step) -> Item:
    to, due = Person(**step.body["to"]), step.body.get("due")
    out = Out(step.place.entry, step.kind, to, None if due is None else latest(due))
    return step.in_hands(replace(step.without_offer(there(step)), out=out), to)


def _back(step: Step) -> Item:
    """A loan is returned, an item checked in: by who had it, or by its holder, who has it again."""
    item = there(step)
    kind = "loan" if step.kind == "return" else "check_out"
    if item.out is None or item.out.kind != kind or item.holder is None:
        return step.broken(f"an item that is out by {kind}", "it is not")
    to, holder = item.out.to, item.holder
    if not any(step.same(step.actor.key, one.key) for one in (to, holder)):
        expected = f"{to.id} {to.key}, or its holder {holder.id} {holder.key}"
        return step.broken(expected, f"{step.kind} by {step.actor.id} {step.actor.key}", "E311")
    return step.gives(item, holder)


def _offer(step: Step) -> Item:
    body, to = step.body, Person(**step.body["to"])
    if step.same(to.key, step.actor.key):
        return step.broken("an offer to somebody else", f"{to.id} {to.key}, who holds it")
    handed = body.get("handed_over_at")
    offer = Offer(step.place.entry, to, None if handed is None else latest(handed), body.get("carrier"))
    return replace(step.without_offer(there(step)), offer=offer)


def _answered(step: Step, by: Person) -> Offer | None:
    """Return the open offer that an event answers; None, and a rule is broken, where there is none for this person."""
    item, entry = there(step), parse_count(step.body["offer"]["entry"])
    if item.offer is None or item.offer.entry != entry:
        found = "no open offer" if item.offer is None else f"open is the offer of entry {item.offer.entry}"
        step.broken(f"an open offer at entry {entry}", found, "E314")
        return None
    to = item.offer.to
    if not step.same(to.key, by.key):
        step.broken(f"an answer of {to.id} {to.key}, to whom it was offered", f"of {by.id} {by.key}", "E313")
        return None
    return item.offer


def _accept(step: Step) -> Item:
    if is_foreign(step.state, step.event):
        return _accept_foreign(step)
    if step.item is None:
        return step.broken("an item that is known", "no such item")
    offer = _answered(step, step.actor)
    if offer is None or _is_refused(step):
        return step.without_offer(step.item, is_answered=True)
    _note_receipt(step, offer)
    return step.gives(replace(step.item, offer=None, away=None), step.actor)


def _accept_foreign(step: Step) -> Item:
    """The offer was made in another log: the item begins here, or comes back."""
    body, item = step.body, step.item
    _note_receipt(step, None)
    if item is None:
        return step.begins(step.actor)
    giver = Person(**body["offered_by"]) if "offered_by" in body else step.actor  # without: broken, and said
    if _was_adopted(step):
        giver = step.actor
    if item.holder is None or not step.same(item.holder.key, giver.key):
        held = "nobody" if item.holder is None else f"{item.holder.id} {item.holder.key}"
        return step.broken(f"an item that {giver.id} {giver.key} holds", f"held by {held}", "E311")
    return step.gives(replace(step.without_offer(item), away=None), step.actor)


def _was_adopted(step: Step) -> bool:
    """Tell whether the item came with its case, in which it has the name that the offer gives it."""
    names = step.body.get("offered_as", step.event["items"])
    branch, _, name = step.exhibit.partition("/")
    return branch in step.state.branches and names[step.place.position : step.place.position + 1] == [name]


def _note_receipt(step: Step, offer: Offer | None) -> None:
    """Name what an acceptance leaves open: time in nobody's hands, digests that were not compared."""
    handed = None if offer is None or offer.carrier is not None else offer.handed_over_at
    if handed is not None and handed < step.at:
        step.note("W912", "a carrier, or no time between", f"in nobody's hands from {handed} to {step.at}")
    if step.body.get("digests_checked", "none") == "none":
        step.note("W918", "digests compared on receipt", step.body.get("digests_checked", "not stated"))


def _refuse(step: Step) -> Item:
    if not is_foreign(step.state, step.event):  # of another log's offer it names no items, which is said once
        _answered(step, step.actor)
    return step.without_offer(there(step), is_answered=True)


def _receipt(step: Step) -> Item:
    """An answer that was made in another log: where it was accepted, custody goes on there; not that of a package."""
    if step.body["answered"] == "receive":
        return there(step)
    item, who = there(step), Person(**step.body["answered_by"])
    if _answered(step, who) is None or step.body["answered"] == "refuse" or _is_refused(step):
        return step.without_offer(item, is_answered=True)
    return step.gives(replace(item, offer=None, away=step.body["log"]["origin"]), who)


def _receive(step: Step) -> Item:
    """Rows of another log's item: it begins here, or the actor, who holds it, has more of it."""
    item = step.item
    if item is None:
        return step.begins(step.actor)
    if item.holder is None or not step.same(item.holder.key, step.actor.key):
        held = "nobody" if item.holder is None else f"{item.holder.id} {item.holder.key}"
        return step.broken(f"an item that is new, or that {step.actor.id} holds", f"held by {held}", "E311")
    return item


def _is_refused(step: Step) -> bool:
    return any(one["item"] == step.exhibit for one in step.body.get("refused", []))


def _reassign(step: Step) -> Item:
    freed = replace(step.without_offer(there(step)), unknown=False, away=None)
    return step.gives(freed, Person(**step.body["to"]))


def _adopt(step: Step) -> Item:
    name = step.body["branch"]
    if not step.exhibit.startswith(f"{name}/"):
        return step.broken(f"items named {name}/…", step.exhibit)
    if step.item is not None:
        return step.broken("an item that is new", "known already")
    return step.gives(Item(step.exhibit, step.place, None, None), step.actor)


def _if_known(rule: Callable[[Step], Item]) -> Callable[[Step], Item]:
    """Leave an item alone of which nobody can say who holds it: no demands, and no holder from hearsay."""
    return lambda step: step.item if step.item is not None and step.item.unknown else rule(step)


HANDS: dict[str, Callable[[Step], Item]] = {
    "accept": _if_known(_accept),
    "adopt": _adopt,
    "check_in": _if_known(_back),
    "check_out": _if_known(_lent),
    "loan": _if_known(_lent),
    "offer": _if_known(_offer),
    "reassign": _reassign,
    "receipt": _if_known(_receipt),
    "receive": _if_known(_receive),
    "refuse": _if_known(_refuse),
    "return": _if_known(_back),
}
