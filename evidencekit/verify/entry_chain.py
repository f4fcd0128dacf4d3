"""Entries alone, without their events: what each says of the log before it, as far as the leaves show it.

Source: specs/verification.md section 2a.
"""

from __future__ import annotations

from array import array

from evidencekit.core.event import Entry
from evidencekit.core.merkle import EMPTY_ROOT
from evidencekit.core.values import parse_count
from evidencekit.verify.places import MAX_ITEMS
from evidencekit.verify.run import Run


class EntryChain:
    """Follows the entries of a published log in order."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.root: bytes | None = EMPTY_ROOT
        """Of all entries before the next one; None where one of them could not be read."""
        self._next = 0
        self._head = 0
        self._recorded = ""
        self._events: set[bytes] = set()
        self._followed: set[tuple[int, int]] = set()
        self._counts = array("q")
        """How many places each entry has, -1 where it could not be read."""

    def lose(self, count: int) -> None:
        """Pass over entries that could not be read."""
        self._next += count
        self._counts.extend([-1] * count)
        self.root = None

    def take(self, entry: Entry, where: str) -> None:
        """Follow the next entry; whoever calls sets `root` afterwards."""
        run, index = self._run, self._next
        self._next += 1
        if (entry.index, entry.prior_size) != (index, index):
            found = f"index {entry.index}, prior.size {entry.prior_size}"
            run.find("E306", where, f"index {index}, prior.size {index}", found)
        if self.root is not None and entry.prior_root != self.root:
            run.find("E203", where, f"prior.root {self.root.hex()}", f"prior.root {entry.prior_root.hex()}")
        if entry.head > index or entry.head < self._head:
            run.find("E305", where, f"head from {self._head} to {index}", f"head {entry.head}")
        self._head = max(self._head, min(entry.head, index))
        if entry.recorded_at < self._recorded:
            run.find("W904", where, f"{self._recorded} or later", entry.recorded_at)
        self._recorded = entry.recorded_at
        if entry.event in self._events:
            run.find("E303", where, "an event of its own", "the same event as an entry before")
        self._events.add(entry.event)
        for own, place in enumerate(entry.items_prev):
            if place is not None and (place != f"{index}/0" or own == 0):  # a part follows the first of its own entry
                self._follow(index, place, where)
        self._counts.append(len(entry.items_prev))

    def _follow(self, index: int, place: str, where: str) -> None:
        """An item's place before: one that an earlier entry has, followed once."""
        entry, position = (parse_count(part) for part in place.split("/"))
        if entry >= index or 0 <= self._counts[entry] <= position:
            self._run.find("E302", where, f"a place of an entry before {index}", place)
        elif (entry, position) in self._followed:
            self._run.find("E307", where, "a place that no other entry follows", place)
        elif len(self._followed) < MAX_ITEMS:
            self._followed.add((entry, position))
