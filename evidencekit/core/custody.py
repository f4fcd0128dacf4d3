"""The custody state machine: who holds what after each event, and which rules an event breaks. Pure.

The writer refuses an event that breaks a rule; the verifier reports it (E301) and goes on. Source: specs/custody-log.md
section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from evidencekit.core.event import knows_type


class Violation(NamedTuple):
    """A rule that an event breaks."""

    item: str
    """Exhibit, or empty for the log itself."""
    expected: str
    found: str


class Place(NamedTuple):
    """Where an item was last touched: entry K, place J in its `items`."""

    entry: int
    position: int

    def __str__(self) -> str:
        return f"{self.entry}/{self.position}"


@dataclass(frozen=True, slots=True)
class Item:
    """A custody unit after some event."""

    exhibit: str
    last: Place
    holder_id: str | None
    """The holder's name, None where nobody can say."""
    holder_key: str | None
    acquired: int | None = None
    """Entry of the newest `acquire` event."""
    sealed: int | None = None
    """Entry of the `seal` event."""
    root: str | None = None
    """Root of the sealed manifest, hex."""
    derived: int | None = None
    """Entry of the newest `derive` event, of any kind."""
    typed: int | None = None
    """Entry of the newest `derive` event of media types."""


class Items(Mapping[str, Item]):
    """The items of a log by exhibit, in the order in which they appeared; never changed, only `updated`.

    Two layers, so that a step copies about the square root of them: a long log must not cost quadratic time.
    """

    __slots__ = ("_base", "_recent")

    def __init__(self, base: dict[str, Item] | None = None, recent: dict[str, Item] | None = None) -> None:
        self._base = base or {}
        self._recent = recent or {}

    def __getitem__(self, exhibit: str) -> Item:
        return self._recent[exhibit] if exhibit in self._recent else self._base[exhibit]

    def __iter__(self) -> Iterator[str]:
        yield from self._base
        yield from (exhibit for exhibit in self._recent if exhibit not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def updated(self, changes: Mapping[str, Item]) -> Items:
        """Return the items with some of them new or replaced."""
        recent = {**self._recent, **changes}
        if len(recent) ** 2 <= len(self._base):
            return Items(self._base, recent)
        return Items({**self._base, **recent})


@dataclass(frozen=True, slots=True)
class Custody:
    """The state of a log."""

    size: int = 0
    items: Items = field(default_factory=Items)

    def places(self, exhibits: list[str]) -> tuple[str | None, ...]:
        """Return `items_prev` for an entry that names these exhibits."""
        return tuple(str(self.items[name].last) if name in self.items else None for name in exhibits)


def advance(state: Custody, event: dict[str, Any]) -> tuple[Custody, tuple[Violation, ...]]:
    """Return the state after `event` (of its schema), and the rules that it breaks.

    The event's index is `state.size`. An event that breaks a rule still touches every item that it names.
    """
    index = state.size
    changes: dict[str, Item] = {}
    broken: list[Violation] = []
    kind = event["type"]
    if (kind == "open") != (index == 0):
        broken.append(Violation("", "open as event 0, and only there", f"{kind} as event {index}"))
    if kind != "open" and knows_type(event) and len(event["items"]) != 1:
        broken.append(Violation("", f"one item of the {kind} event", str(len(event["items"]))))
    for position, exhibit in enumerate(event["items"]):
        place = Place(index, position)
        after, expected, found = _step(state.items.get(exhibit), event, exhibit, place)
        if expected:
            broken.append(Violation(exhibit, expected, found))
        changes[exhibit] = replace(after, last=place)
    return Custody(index + 1, state.items.updated(changes)), tuple(broken)


def _step(item: Item | None, event: dict[str, Any], exhibit: str, place: Place) -> tuple[Item, str, str]:
    """Return the item after the event, and what was expected and found where a rule is broken."""
    actor = event["actor"]
    if not knows_type(event):
        return _unknown(item, exhibit, place), "", ""
    match event["type"]:
        case "acquire":
            fresh = Item(exhibit, place, actor["id"], actor["key"], acquired=place.entry)
            if item is None or item.sealed is None:
                return fresh, "", ""
            return item, "an item that is not sealed yet", f"sealed by entry {item.sealed}"
        case "seal":
            if item is None:
                return _unknown(item, exhibit, place), "an item that was acquired", "no such item"
            if item.sealed is not None:
                return item, "an item that is not sealed yet", f"sealed by entry {item.sealed}"
            after = replace(item, sealed=place.entry, root=event["body"]["root"])
            if item.holder_key not in {None, actor["key"]}:
                return after, f"sealing by the holder {item.holder_key}", actor["key"]
            return after, "", ""
        case "derive":
            if item is None:
                return _unknown(item, exhibit, place), "an item that is sealed", "no such item"
            if item.sealed is None:
                return item, "an item that is sealed", "not sealed"
            after = replace(item, derived=place.entry)
            if event["body"]["kind"] == "media-type":
                after = replace(after, typed=place.entry)
            if event["body"]["base_root"] != item.root:
                return after, f"the item's sealed root {item.root}", event["body"]["base_root"]
            return after, "", ""
        case _:
            return item or _unknown(item, exhibit, place), "no items in this event", exhibit


def _unknown(item: Item | None, exhibit: str, place: Place) -> Item:
    """From here on nobody can say who holds the item: its event is of an unknown type, or it never was acquired."""
    if item is None:
        return Item(exhibit, place, None, None)
    return replace(item, holder_id=None, holder_key=None)
