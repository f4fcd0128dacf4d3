"""Rules of custody for what is done with an item in the same hands: found, sealed, kept, split, held, ended. Pure.

Each rule returns the item after the event. Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from evidencekit.core.custody_state import MAX_HOLDS, End, Item
from evidencekit.core.custody_step import Step, acts_as_keeper, there


def _identify(step: Step) -> Item:
    return step.broken("an item that is new", "known already") if step.item else step.begins(None)


def _collect(step: Step) -> Item:
    if step.item is None:
        return step.begins(step.actor)
    if step.item.holder is not None:
        return step.broken("an item that nobody holds", f"held by {step.item.holder.id} {step.item.holder.key}")
    return step.gives(step.item, step.actor)


def _acquire(step: Step) -> Item:
    item, entry = step.item, step.place.entry
    if item is None:
        return _as_taken(step, step.begins(step.actor, acquired=entry))
    if item.sealed is not None:
        return step.broken("an item that is not sealed yet", f"sealed by entry {item.sealed}")
    after = _as_taken(step, replace(item, acquired=entry))
    if item.holder is None or item.acquired == item.last.entry:  # begun anew: nothing else was done with it since
        return step.gives(after, step.actor)
    acts_as_keeper(step, item)
    return after


def _as_taken(step: Step, item: Item) -> Item:
    """Take seals and condition as an acquisition states them."""
    seals = step.body.get("physical_seals")
    condition = step.body.get("condition", item.condition)
    return replace(item, seals=item.seals if seals is None else tuple(sorted(set(seals))), condition=condition)


def _seal(step: Step) -> Item:
    item = there(step)
    if item.acquired is None and not item.unknown:
        return step.broken("an item that was acquired", "not acquired")
    if item.sealed is not None:
        return step.broken("an item that is not sealed yet", f"sealed by entry {item.sealed}")
    return replace(item, sealed=step.place.entry, root=step.body["root"])


def _derive(step: Step) -> Item:
    item, body = there(step), step.body
    if item.sealed is None:
        return step.broken("an item that is sealed", "not sealed")
    if body["base_root"] != item.root:
        return step.broken(f"the item's sealed root {item.root}", body["base_root"])
    typed = step.place.entry if body["kind"] == "media-type" else item.typed
    return replace(item, derived=step.place.entry, typed=typed)


def _sealed_up(step: Step) -> Item:
    item = there(step)
    return replace(item, seals=tuple(sorted({*(_found(step, item) or ()), *step.body["seals"]})))


def _unsealed(step: Step) -> Item:
    item = there(step)
    off, found = set(step.body["seals"]), _found(step, item)
    if found is None:
        return item  # nobody ever said what seals are on it
    if not off <= found and not step.is_late:
        step.note("W916", "seals that are on it", ", ".join(sorted(off - found)[:8]) + " taken off")
    return replace(item, seals=tuple(sorted(found - off)))


def _found(step: Step, item: Item) -> set[str] | None:
    """Return the seals on an item before the event: as found, else as last stated."""
    seals = step.body.get("seals_before", item.seals)
    return None if seals is None else set(seals)


def _divided(step: Step) -> Item:
    """split, copy: the first item of the event is the parent, the others its parts."""
    whole = step.state.items.get(step.event["items"][0])
    if whole is None:
        return step.broken("parts of an item that is known", f"no such item {step.event['items'][0]}")
    if step.place.position == 0:
        return whole
    if step.item is not None:
        return step.broken("a part that is new", "known already")
    holds = whole.holds if step.kind == "split" else ()
    part = step.begins(whole.holder, parent=whole.exhibit, unknown=whole.unknown, holds=holds)
    return part if whole.out is None else step.in_hands(replace(part, out=whole.out), whole.out.to)


def _ends(step: Step) -> Item:
    item = there(step)
    if item.holds:
        return step.broken("no open hold", f"held by {', '.join(item.holds[:8])}", "E316")
    if step.kind == "erase" and step.body.get("whole") is not True:
        return item
    return replace(step.without_offer(item), ended=End(step.place.entry, step.kind))


def _hold(step: Step) -> Item:
    item, name = there(step), step.body["hold"]
    if name in item.holds:
        return step.broken("a hold of its own name", f"{name} is open")
    if len(item.holds) == MAX_HOLDS:
        return step.broken(f"at most {MAX_HOLDS} open holds of an item", f"{MAX_HOLDS + 1} with {name}")
    return replace(item, holds=(*item.holds, name))


def _of_hold(step: Step) -> Item:
    item, name = there(step), step.body["hold"]
    if name not in item.holds and not item.unknown:
        return step.broken(f"an open hold {name}", ", ".join(item.holds[:8]) or "none")
    return item if step.kind == "extend" else replace(item, holds=tuple(one for one in item.holds if one != name))


KEEPING: dict[str, Callable[[Step], Item]] = {
    "acquire": _acquire,
    "collect": _collect,
    "copy": _divided,
    "derive": _derive,
    "dispose": _ends,
    "erase": _ends,
    "extend": _of_hold,
    "hold": _hold,
    "hold_release": _of_hold,
    "identify": _identify,
    "physical_seal": _sealed_up,
    "physical_unseal": _unsealed,
    "release": _ends,
    "seal": _seal,
    "split": _divided,
    **dict.fromkeys(
        (
            "analyse",
            "correct",
            "disclose",
            "export",
            "incident",
            "redact",
            "store",
            "translate",
            "transport",
            "verify",
            "view",
        ),
        there,
    ),
}
