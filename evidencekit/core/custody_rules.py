"""What each type of event does to one item, and who may do it. Pure.

Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from evidencekit.core.custody_hands import HANDS
from evidencekit.core.custody_keeping import KEEPING
from evidencekit.core.custody_state import DIVIDING, MAX_SEALS, Custody, Item, Place, Remark
from evidencekit.core.custody_step import Step, acts_as_holder, acts_as_keeper, there

_MAKING = frozenset({"accept", "acquire", "adopt", "collect", "copy", "identify", "receive", "split"})
"""Types that may name an item that did not exist before."""
_BY_KEEPER = frozenset(
    {"analyse", "copy", "disclose", "physical_seal", "physical_unseal", "redact"}
    | {"seal", "split", "store", "translate", "transport", "view"}
)
"""Types of what only somebody can do who has the item in his hands."""
_BY_HOLDER = frozenset({"check_out", "dispose", "erase", "loan", "offer", "receipt", "release"})
"""Types of what only somebody can do who is responsible for it, and while it is in his own hands; but see
`_enters_receipt`."""
_AFTER_THE_END = frozenset({"correct", "export", "verify"})
_SEALING = frozenset({"physical_seal", "physical_unseal"})
_RULES = HANDS | KEEPING


def item_step(state: Custody, event: dict[str, Any], exhibit: str, place: Place) -> tuple[Item, list[Remark]]:
    """Return the item after an event of a known type, and what the rules say of it.

    With a rule broken the item is of no use: `advance` takes none of an event's items then.
    """
    step = Step(state, event, exhibit, place, state.items.get(exhibit))
    if not _may_happen(step):
        return there(step), step.remarks
    item = _RULES[step.kind](step)
    if not any(remark.forbids for remark in step.remarks):
        item = _as_found(step, item)
    return replace(item, last=place, last_at=max(item.last_at, step.at)), step.remarks


def _may_happen(step: Step) -> bool:
    """Tell whether the event is one about an item, which is there, has not ended, and is in the actor's hands."""
    item = step.item
    if step.kind not in _RULES:
        return False  # the event must not name items, which is said once
    if item is None:
        if step.kind not in _MAKING:
            step.broken("an item that is known", "no such item")
        return step.kind in _MAKING
    if _enters_receipt(step):
        return True
    if item.ended is not None and step.kind not in _AFTER_THE_END:
        step.broken(f"nothing after {item.ended.kind} by entry {item.ended.entry}", step.kind, "E315")
        return False
    if step.kind in DIVIDING and step.place.position:
        return True  # a part: whether the actor may make it is asked of its parent
    if step.kind in _BY_KEEPER:
        return acts_as_keeper(step, item)
    return step.kind not in _BY_HOLDER or acts_as_holder(step, item)


def _enters_receipt(step: Step) -> bool:
    """Tell whether a package's receipt is entered: by anybody, whatever became of its items meanwhile."""
    return step.kind == "receipt" and step.body["answered"] == "receive"


def _as_found(step: Step, item: Item) -> Item:
    """Compare time, seals and condition with what was last said, and take what is said now."""
    body, before = step.body, step.item
    if before is not None and step.is_late:
        step.note("W914", f"{before.last_at} or later, the time of its last event", f"{step.kind} at {step.at}")
        return replace(item, seals=before.seals, condition=before.condition)
    if before is not None:
        found = body.get("seals_before")
        if found is not None and before.seals is not None and set(found) != set(before.seals):
            step.note("W916", f"physical seals {_listed(before.seals)}", _listed(sorted(found)))
        condition = body.get("condition_before")
        if condition is not None and before.condition is not None and condition != before.condition:
            step.note("W917", before.condition, condition)
    seals = body.get("seals_after", None if step.kind in _SEALING else body.get("seals_before"))
    if seals is not None:
        item = replace(item, seals=tuple(sorted(set(seals))))
    if item.seals is not None and len(item.seals) > MAX_SEALS:
        return step.broken(f"at most {MAX_SEALS} physical seals on an item", str(len(item.seals)))
    return replace(item, condition=body.get("condition_after", body.get("condition_before", item.condition)))


def _listed(seals: Any) -> str:
    shown = ", ".join(seals[:8]) or "none"
    return f"{shown} and {len(seals) - 8} more" if len(seals) > 8 else shown
