"""What of one manifest is shown, and on what ground all else is not: a byte a group and row, whatever was asked for.

Source: specs/package.md sections 2 and 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evidencekit.core.reduced import GROUPS, ReducedRow

ERASED, NOT_REQUESTED = "erased", "not_requested"
MAX_GROUNDS = 250


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown of one manifest of rows, or of opinions about the rows of another one."""

    item: str
    manifest: int
    entry: int
    """The event that sealed it."""
    root: str
    rows: int
    is_shuffled: bool
    is_sensitive: bool
    """It was acquired as something that nobody should see again: no payload, unless somebody insists."""
    grounds: tuple[str, ...]
    """By number, from 1; 0 is that a group is opened."""
    groups: Mapping[str, bytearray]
    """By group of `GROUPS`, for each index of a row of facts the number of its ground."""
    base_root: str = ""
    """Of a manifest of opinions: the root that they are about; `groups` are those of that one."""
    number: int = 0
    """Tells the manifests of a package apart, whose log ever they are of: `manifest` is a number of that log."""

    @property
    def is_derived(self) -> bool:
        """Tell whether these are opinions."""
        return bool(self.base_root)

    def withheld(self, row: ReducedRow) -> dict[str, str]:
        """Return the groups of a row that are not opened, each with its ground."""
        found = {}
        for name, group in row.groups.items():
            number = self.groups["content"][row.base_index] if self.is_derived else self.groups[name][row.index]
            if number:
                found[name] = self.grounds[number]
            elif group.is_erased:
                found[name] = ERASED
        return found

    def shows(self, index: int) -> bool:
        """Tell whether a group is to be opened, unless it was erased, of this row, or of opinions of it."""
        if self.is_derived:
            return not self.groups["content"][index]
        return any(not self.groups[name][index] for name in GROUPS)

    def shows_some(self, start: int, stop: int) -> bool:
        """Tell whether a row of facts from index `start` to `stop` is shown, as `shows` has it."""
        return any(self.groups[name].find(0, start, stop) >= 0 for name in GROUPS)

    def opened(self) -> set[int]:
        """Return the indexes of all rows of facts that are shown, as `shows` has it: for choices of few rows."""
        found = set()
        for name in GROUPS:
            at = -1
            while (at := self.groups[name].find(0, at + 1)) >= 0:
                found.add(at)
        return found

    def hidden(self, indexes: Iterable[int]) -> Counter[str]:
        """Return how many of these rows (or rows that opinions are about) are not chosen, by ground."""
        content = self.groups["content"]
        numbers = Counter(content[index] for index in indexes if not self.shows(index))
        return Counter({self.grounds[number]: count for number, count in numbers.items()})


@dataclass(slots=True)
class Tally:
    """What was shown and hidden of one manifest, counted."""

    shown: int = 0
    hidden: Counter[str] = field(default_factory=Counter)
    """Rows that are not shown, by ground."""
    groups: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Groups of rows that are shown, by group and ground."""

    def take(self, groups: Sequence[str], withheld: Mapping[str, str]) -> bool:
        """Count a row; tell whether it is shown."""
        if len(withheld) < len(groups):
            self.shown += 1
            self.groups.update(withheld.items())
            return True
        self.hidden[hidden_ground(withheld)] += 1
        return False


def hidden_ground(withheld: Mapping[str, str]) -> str:
    """Return the ground of a row of which nothing is opened: that of its content, unless that alone was erased."""
    order = [withheld[name] for name in ("content", "name", "metadata", "opinion") if name in withheld]
    return next((ground for ground in order if ground != ERASED), ERASED)
