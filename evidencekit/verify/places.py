"""Step 3: the chain of each item's events, as this walk finds it; what an entry says of it is only compared.

Source: specs/verification.md section 1 step 3, specs/custody-log.md section 3.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.values import parse_count
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.verify.run import Run

MAX_ITEMS = 1_000_000
"""Places of items that are kept in mind."""


class Places:
    """Where each item was last named: entry, place in its `items`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._places: dict[str, tuple[int, int]] = {}
        self._unread = bytearray()
        """One byte an entry: 1 where its event could not be read."""

    def lose(self, count: int = 1) -> None:
        """Take the next entries, whose events could not be read."""
        self._unread += b"\1" * count

    def take(self, index: int, event: dict[str, Any], stated: tuple[str | None, ...] | None) -> None:
        """Take the next entry; `stated` is what it says of its items, None where it could not be read."""
        self._unread.append(0)
        items, known = event["items"], knows_type(event)
        divides = known and event["type"] in {"split", "copy"}
        if stated is not None:
            where = layout.entry_file(index)
            if len(stated) != len(items):
                self._run.find("E302", where, f"{len(items)} places, one an item", f"{len(stated)} places")
            for position, (item, place) in enumerate(zip(items, stated, strict=False)):
                parent = (index, 0) if divides and position else None
                self._check(where, index, item, place, known=known, parent=parent)
        for position, item in enumerate(items):
            if item in self._places or len(self._places) < MAX_ITEMS:
                self._places[item] = (index, position)

    def _check(
        self, where: str, index: int, item: str, stated: str | None, *, known: bool, parent: tuple[int, int] | None
    ) -> None:
        """The place must be that of this walk (E302), not one that was followed before (E307)."""
        place = self._places.get(item, parent)
        expected = None if place is None else f"{place[0]}/{place[1]}"
        if stated == expected:
            return
        if stated is not None:
            entry, position = (parse_count(part) for part in stated.split("/"))
            if entry == index and not known:
                return  # it may be a part, which follows its parent in the same entry
            if entry < index and self._unread[entry]:
                self._run.skip("custody", "gap", where, f"{item} follows {stated}, which cannot be read")
                return
            if entry < index and self._names(entry, position) == item:
                self._run.find("E307", where, f"{item} after {expected}", f"{item} after {stated}, as another did")
                return
        self._run.find("E302", where, f"{item} after {expected or 'nothing'}", f"{item} after {stated or 'nothing'}")

    def _names(self, entry: int, position: int) -> str | None:
        """Return the item at a place of an earlier event, read again: places of old are not kept in memory."""
        try:
            items = decode_event(self._run.record.read(layout.event_file(entry), layout.MAX_RECORD_FILE))["items"]
        except (CannotFinish, FormatError):
            return None
        return str(items[position]) if position < len(items) else None
