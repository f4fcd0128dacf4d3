"""What looking at the rows of a manifest takes, in a form that can be sent to another process.

Source: specs/manifest.md section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidencekit.verify.apart import look_there
from evidencekit.verify.crew import Bench
from evidencekit.verify.groups import Groups
from evidencekit.verify.stretch import Stretch, Stretches


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a manifest says about its rows, as far as it could be read."""

    digests: tuple[str, ...] | None = None
    """None where the header cannot be read: rows may have any."""
    name_encoding: str = "posix"
    is_shuffled: bool = False
    has_copies: bool = False

    @classmethod
    def of(cls, header: dict[str, Any] | None) -> Header:
        """Return what a decoded header says; None where there is none."""
        if header is None:
            return cls()
        return cls(
            tuple(header["digests"]),
            header["name_encoding"],
            header["order"] == "shuffled",
            header["options"].get("copies", False),
        )

    def groups(self) -> Groups:
        """Return what reads the groups of a row."""
        return Groups(self.digests, self.name_encoding)

    def stretches(self, *, with_copies: bool) -> Stretches:
        """Return what looks at rows."""
        return Stretches(self.groups(), is_shuffled=self.is_shuffled, with_copies=with_copies)


@dataclass(frozen=True, slots=True)
class RowsJob:
    """Look at the rows from `start` to `stop`, which are whole row groups."""

    place: str
    start: int
    stop: int
    header: Header
    with_copies: bool

    def do(self, bench: Bench) -> list[Stretch | None]:
        """Return what the rows are, batch by batch."""
        look = self.header.stretches(with_copies=self.with_copies).look
        return look_there(bench, self.place, self.start, self.stop, look)
