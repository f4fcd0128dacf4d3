"""The logs that a case has: its own, and those of the cases that it adopted, each with what it has sealed.

The case calls an item of an adopted one `NAME/EX-001`, that case itself calls it `EX-001`.
Source: specs/store.md section 9, specs/package.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evidencekit.catalogue.record import VERIFY, Record, read_record
from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.verify.log_facts import adoption_of

EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Log:
    """One of them."""

    name: str
    """Names of the branches that lead to it, `/` between and behind; empty for the case's own."""
    record: Record
    adopted: int = 0
    """The entry of the log above by which it was adopted."""

    @property
    def place(self) -> str:
        """Return the folder that it has in a package, without `/` at the end."""
        return EVIDENCE + "".join(f"/{layout.branch_folder(part)}" for part in self.name.split("/")[:-1])

    @property
    def above(self) -> str:
        """Return the name of the log that adopted it."""
        above = self.name[:-1].rpartition("/")[0]
        return f"{above}/" if above else ""

    @property
    def size(self) -> int:
        """Return the size of the tree that is shown."""
        return 0 if self.record.checkpoint is None else self.record.checkpoint.size

    def whole(self, item: str) -> str:
        """Return the name that the case has for an item of this log."""
        return self.name + item


def logs_of(record: Record) -> list[Log]:
    """Return the logs of a case, each after the one that adopted it; of those inside each other what a name can reach.

    Raises:
        CannotFinish: X402, X403, X446 one cannot be read, or is not as it was when it was adopted.
    """
    return list(_below(Log("", record)))


def _below(log: Log) -> Iterator[Log]:
    yield log
    store = log.record.store
    if log.name.count("/") == layout.MAX_DEPTH:
        return
    for branch, entry in log.record.custody.branches.items():
        adoption = adoption_of(entry, decode_event(store.read(layout.event_file(entry), layout.MAX_RECORD_FILE)))
        place = layout.branch_folder(branch)
        inner = read_record(store.path / place)
        tree = inner.checkpoint
        if tree is None or (tree.origin, tree.size, tree.root.hex()) != (adoption.origin, adoption.size, adoption.root):
            message = f"{log.name}{display(branch)} is not as it was when entry {entry} adopted it."
            raise CannotFinish(message, code="X446", hint=VERIFY, path=place)
        yield from _below(Log(f"{log.name}{branch}/", inner, entry))


def items_with_origins(logs: list[Log], chosen: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return, by the name of the log and in its words, the items that go with what is chosen.

    Each comes with those that it was taken from, and with what it is in the logs above and below.
    """
    by_name = {log.name: log for log in logs}
    found: dict[str, set[str]] = {}
    waiting = [(name, item) for name, items in chosen.items() for item in items]
    while waiting:
        name, item = waiting.pop()
        if item in found.setdefault(name, set()):
            continue
        found[name].add(item)
        parent = by_name[name].record.custody.items[item].parent
        if parent is not None:
            waiting.append((name, parent))
        branch, slash, rest = item.partition("/")
        if slash:
            waiting.append((f"{name}{branch}/", rest))
        above, here = by_name[name].above, name[:-1].rpartition("/")[2]
        if name and f"{here}/{item}" in by_name[above].record.custody.items:
            waiting.append((above, f"{here}/{item}"))
    return found
