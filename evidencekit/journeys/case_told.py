"""A case as its log tells it, for papers that people sign or stick on: up to the newest checkpoint, and nothing above.

Promise: nothing is verified, nothing recorded; a case with entries that no checkpoint covers gives no paper, since what
it would leave out may be about the item. Source: specs/reporting.md sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evidencekit.catalogue.history import History, history_of_case
from evidencekit.catalogue.record import Record, read_record
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.label import ELSEWHERE
from evidencekit.errors import CannotFinish, Refused
from evidencekit.report.things import Thing, things_of

_FINISH = "Run `evidencekit checkpoint finish CASE`."


@dataclass(frozen=True, slots=True)
class CaseTold:
    """What the log says, all of it below one checkpoint."""

    record: Record
    history: History
    checkpoint: Checkpoint

    def things(self, items: Iterable[str]) -> dict[str, Thing]:
        """Return items as the log describes them."""
        events = self.history.known_events()
        return things_of(self.record.case, events, items, self.checkpoint, self.seals)

    def seals(self, item: str) -> tuple[str, ...] | None:
        """Return the physical seals on an item as last stated, None where nobody said."""
        return self.history.custody.items[item].seals

    def roots(self) -> dict[str, str | None]:
        """Return every item, and what a label says of its root."""
        known = self.history.custody.items
        things = self.things(known)
        return {name: item.root or (ELSEWHERE if things[name].elsewhere else None) for name, item in known.items()}


def read_told(case: Path) -> CaseTold:
    """Return what the log of a case says.

    Raises:
        CannotFinish: X401 to X403, X446 the case cannot be read; X402 it has no checkpoint.
        Refused: R502, entries stand above the newest checkpoint.
    """
    record = read_record(case)
    checkpoint = record.checkpoint
    if checkpoint is None:
        raise CannotFinish("The case has no checkpoint.", code="X402", hint=_FINISH)
    if record.entries > checkpoint.size:
        above = f"The case is unfinished: entries stand above the newest checkpoint, from entry {checkpoint.size} on."
        raise Refused(above, code="R502", hint=f"Nothing was written. {_FINISH}")
    return CaseTold(record, history_of_case(record), checkpoint)
