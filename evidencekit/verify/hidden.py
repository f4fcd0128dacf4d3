"""Events that a package withholds: what their entries still tell of the items that they touched.

Each entry names, for each item, the place where it was touched before. So the chain of an item can be followed through
events that nobody shows, and one that is touched by such an event is known to be. In place of `places.Places`.
Source: specs/package.md section 5, specs/custody-log.md section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evidencekit.core import layout
from evidencekit.core.event import knows_type
from evidencekit.core.values import parse_count
from evidencekit.verify.places import MAX_ITEMS
from evidencekit.verify.run import Run

_Place = tuple[int, int]


@dataclass(slots=True)
class _Chain:
    """The events of one item."""

    last: _Place
    name: str | None = None
    """None as long as no event that is shown names it."""
    hidden: int = 0


class HiddenEvents:
    """Follows the chains of items through a log of which some events are withheld."""

    def __init__(self, run: Run, grounds: Mapping[int, str]) -> None:
        """Take the entries whose events are withheld, and why."""
        self._run = run
        self._grounds = grounds
        self._unread: set[int] = set()
        self._at: dict[_Place, _Chain] = {}
        self._of: dict[str, _Chain] = {}
        self._index = 0
        self.touched: Counter[str] = Counter()
        """Items that withheld events touched, and how many did."""
        self.of_no_item = 0
        """Withheld events that touch none: about keys, or about other events, or what was not taken."""
        self.has_hidden = False

    def __contains__(self, index: object) -> bool:
        return index in self._grounds

    def was_lost(self, index: int) -> bool:
        """Tell whether an entry or its event, which is not withheld, could not be read."""
        return index in self._unread

    @property
    def has_lost(self) -> bool:
        """Tell whether some entry or event that is not withheld could not be read."""
        return bool(self._unread)

    def has_named(self, item: str) -> bool:
        """Tell whether an event that is shown is about an item."""
        return item in self._of

    def lose(self, count: int = 1) -> None:
        """Take the next entries, which could not be read."""
        self._unread.update(range(self._index, self._index + min(count, MAX_ITEMS)))
        self._index += count

    def hide(self, index: int, stated: tuple[str | None, ...], where: str) -> None:
        """Take the next entry, whose event is withheld."""
        self._index = index + 1
        self.has_hidden = True
        self.of_no_item += not stated
        for position, place in enumerate(stated):
            begins = place is None or (position > 0 and place == f"{index}/0")  # a part follows its parent there
            chain = None if begins or place is None else self._follow(place, where)
            chain = chain or _Chain((index, position))
            chain.hidden += 1
            if chain.name is not None:
                self.touched[chain.name] += 1
            self._keep(chain, (index, position))

    def take(self, index: int, event: dict[str, Any], stated: tuple[str | None, ...] | None) -> None:
        """Take the next entry; `stated` is what it says of its items, None where it could not be read."""
        self._index = index + 1
        items = event["items"]
        where = layout.entry_file(index)
        if stated is not None and len(stated) != len(items):
            self._run.find("E302", where, f"{len(items)} places, one an item", f"{len(stated)} places")
        may_divide = not knows_type(event) or event["type"] in {"split", "copy"}
        for position, item in enumerate(items):
            place = None if stated is None or position >= len(stated) else stated[position]
            is_part = may_divide and position > 0 and place == f"{index}/0"
            chain = None
            if stated is not None:
                chain = self._chain_of(item, None if is_part else place, where)
            chain = chain or self._of.get(item) or _Chain((index, position), item)
            self._of[item] = chain
            self._keep(chain, (index, position))

    def _chain_of(self, item: str, place: str | None, where: str) -> _Chain | None:
        """Return the chain of an item that is named and follows `place`; E302 where it is another's."""
        known = self._of.get(item)
        found = None if place is None else self._follow(place, where)
        if known is None and found is not None and found.name is None:
            found.name = item  # it was touched before, and never shown
            if found.hidden:
                self.touched[item] = found.hidden
            return found
        if found is not known and (found is not None or place is None):
            last = "nothing" if known is None else f"{known.last[0]}/{known.last[1]}"
            self._run.find("E302", where, f"{item} after {last}", f"{item} after {place or 'nothing'}")
        return known

    def _keep(self, chain: _Chain, place: _Place) -> None:
        chain.last = place
        if len(self._at) < MAX_ITEMS:
            self._at[place] = chain
        elif len(self._at) == MAX_ITEMS:
            self._at[-1, -1] = chain
            reason = f"more than {MAX_ITEMS:,} places of items: they are not followed from here on"
            self._run.skip("custody", "too_many", layout.entry_file(place[0]), reason)

    def _follow(self, stated: str, where: str) -> _Chain | None:
        """Return the chain whose last place an entry names (E302, E307); None where that is not known."""
        entry, at = (parse_count(part) for part in stated.split("/"))
        chain = self._at.get((entry, at))
        if chain is None:
            if entry in self._unread:
                self._run.skip("custody", "gap", where, f"an item follows {stated}, which cannot be read")
            elif len(self._at) <= MAX_ITEMS:
                self._run.find("E302", where, "a place of an earlier entry", stated)
        elif chain.last != (entry, at):
            last = f"{chain.last[0]}/{chain.last[1]}"
            self._run.find("E307", where, f"{chain.name or 'an item'} after {last}", f"after {stated}, as another did")
        return chain
