"""Holds of items that came with an adopted case: they stand in its own log, which nobody here can add to.

Until this log takes such a hold over (a hold of the same name on the item) and releases it, nothing ends the item here.
Source: specs/cooperation.md section 3.6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from evidencekit.catalogue.history import read_history
from evidencekit.cooperation.holds_register import register_of
from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.journeys.holds import read_holds

ENDING = frozenset({"dispose", "erase", "release"})
"""Types of events that nothing may be recorded of which is under hold (custody-log.md section 4)."""


def holds_of_adopted(case: Path, item: str) -> Iterator[str]:
    """Yield the names of open holds of an item in the logs of the cases that it came with. Raises as `read_history`."""
    while "/" in item:
        name, _, item = item.partition("/")
        case = case / layout.branch_folder(name)
        yield from (
            hold.name for hold in register_of(read_history(case).told).holds if hold.is_open and item in hold.items
        )


def refuse_held_elsewhere(case: Path, kind: str, items: Iterable[str]) -> None:
    """Raise Refused (R583) where an event would end an item that is under hold in the log that it came with."""
    if kind not in ENDING:
        return
    for item in items:
        there = set(holds_of_adopted(case, item))
        if not there:
            continue
        here = {hold.name for hold in read_holds(case)[1].holds if item in hold.items}
        left = sorted(there - here)
        if left:
            named = ", ".join(map(display, left))
            raise Refused(
                f"{item} is under hold in the log of the case that it came with: {named}.",
                code="R583",
                hint="Nothing was recorded. Take the hold over by its name: `evidencekit hold open CASE --item "
                f"{item} --name {display(left[0])}`; who may end it releases it then.",
            )
