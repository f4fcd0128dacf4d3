"""One event as it touches one item: what the rules of custody are functions of, and who may do what. Pure.

Source: specs/custody-log.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from evidencekit.core.custody_state import MAX_TENURES, Custody, Item, Person, Place, Remark, Tenure
from evidencekit.core.custody_times import latest


@dataclass(slots=True)
class Step:
    """One event of a known type, as it touches one item."""

    state: Custody
    """Before the event."""
    event: dict[str, Any]
    exhibit: str
    place: Place
    item: Item | None
    remarks: list[Remark] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The type of the event."""
        return str(self.event["type"])

    @property
    def body(self) -> dict[str, Any]:
        """What it says."""
        body: dict[str, Any] = self.event["body"]
        return body

    @property
    def actor(self) -> Person:
        """Who acts."""
        return Person(self.event["actor"]["id"], self.event["actor"]["key"])

    @property
    def at(self) -> str:
        """When, as an instant: the first that the event's time can mean."""
        return str(self.event["occurred_at"]["time"])

    @property
    def is_late(self) -> bool:
        """Tell whether it was wholly before the item's last event: what was seen later is known already."""
        return self.item is not None and latest(self.event["occurred_at"]) < self.item.last_at

    def broken(self, expected: str, found: str, code: str = "E301") -> Item:
        """Say that a rule is broken; return the item as it was."""
        self.note(code, expected, found)
        return there(self)

    def note(self, code: str, expected: str, found: str) -> None:
        """Name something that every report names."""
        self.remarks.append(Remark(code, self.exhibit, expected, found))

    def same(self, one: str, other: str) -> bool:
        """Tell whether two keys are of one person."""
        return self.state.person(one) == self.state.person(other)

    def begins(self, holder: Person | None, **more: Any) -> Item:
        """Return an item that begins here. Its name must not speak of another case: such items come by `adopt`."""
        if "/" in self.exhibit:
            return self.broken("an exhibit number without '/': items of other cases are adopted", self.exhibit)
        return self.gives(Item(self.exhibit, self.place, None, None, **more), holder)

    def gives(self, item: Item, to: Person | None) -> Item:
        """Return `item`, held by `to` from now on, and in his hands; who holds an unknown item nobody can say."""
        if to is None or item.unknown:
            return item
        return self.in_hands(replace(item, holder_id=to.id, holder_key=to.key, out=None), to)

    def in_hands(self, item: Item, keeper: Person) -> Item:
        """Return `item`, in somebody's hands from now on."""
        tenure = Tenure(self.at, self.state.person(keeper.key))
        return replace(item, tenures=(*item.tenures, tenure)[-MAX_TENURES:])

    def without_offer(self, item: Item, *, is_answered: bool = False) -> Item:
        """Return `item` without its open offer, which nobody will answer any more (W911) unless it `is_answered`."""
        if item.offer is not None and not is_answered:
            asked = f"an answer of {item.offer.to.id} to the offer of entry {item.offer.entry}"
            self.note("W911", asked, f"{self.kind} instead")
        return replace(item, offer=None)


def there(step: Step) -> Item:
    """Return the item as it was; one that never was is unknown."""
    return step.item or Item(step.exhibit, step.place, None, None, unknown=True)


def acts_as_keeper(step: Step, item: Item) -> bool:
    """Tell whether the actor has the item in his hands, or had it then: a late entry. Else E311."""
    if item.unknown:
        return True
    actor, then = step.state.person(step.actor.key), _had_it(step, item)
    if item.keeper is not None and step.same(item.keeper.key, step.actor.key):
        if then and actor not in then:
            since = item.tenures[-1].since
            step.note("W913", f"{step.actor.id} from {since} on, when it came to him", f"{step.kind} at {step.at}")
        return True
    if step.at < item.last_at and actor in then:
        return True
    return _refuse(step, item.keeper)


def acts_as_holder(step: Step, item: Item) -> bool:
    """Tell whether the actor is responsible for the item, and it is in his own hands. Else E311, E301."""
    if item.unknown:
        return True
    if item.holder is None or not step.same(item.holder.key, step.actor.key):
        return _refuse(step, item.holder)
    if item.out is not None:
        away = f"out with {item.out.to.id} since entry {item.out.entry} ({item.out.kind})"
        step.broken("an item in its holder's hands", away)
        return False
    return acts_as_keeper(step, item)


def _refuse(step: Step, person: Person | None) -> bool:
    expected = "somebody who holds it" if person is None else f"{person.id} {person.key}, who has it"
    step.broken(expected, f"{step.kind} by {step.actor.id} {step.actor.key}", "E311")
    return False


def _had_it(step: Step, item: Item) -> set[str]:
    """Return who had the item in his hands at the time of the event, as far as is known: several in a coarse time."""
    found: set[str] = set()
    for tenure in reversed(item.tenures):
        if tenure.since <= latest(step.event["occurred_at"]):
            found.add(tenure.person)
        if tenure.since <= step.at:
            break
    return found
