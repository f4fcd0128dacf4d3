"""Step 14: what is said of a source: to the run at once, or kept until its turn comes.

Promises: what was kept and said later makes the same report as what was said at once; what is kept is bounded as the
report is, but for eight numbers a hard link.
Source: specs/verification.md sections 1 (step 14) and 5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from evidencekit.core.registry import ENTRIES
from evidencekit.verify.findings import LISTED, LISTED_NOT_CHECKED, cut_text
from evidencekit.verify.run import Run

STEP = 14
File = tuple[int, int]
"""Device and inode: one file, whatever its names."""


class Account(Protocol):
    """Takes what is to be said of a source, in the order of its rows."""

    def find(self, code: str, where: str, expected: str, found: str, *, of_evidence: bool = False) -> None:
        """Hear of a difference."""

    def skip(self, code: str, where: str, reason: str) -> None:
        """Hear of something that cannot be compared."""

    def did(self, what: str, count: int = 1) -> None:
        """Hear how many of something were checked."""

    def link(self, where: str, group: str | None, file: File | None) -> None:
        """Hear of a row with a link group, or of a file that has more names than one."""

    def read(self, size: int) -> None:
        """Hear of bytes that were read of a large file."""


class Told:
    """Tells the run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._links = _Links()

    def find(self, code: str, where: str, expected: str, found: str, *, of_evidence: bool = False) -> None:
        """Add a finding."""
        self._run.find(code, where, expected, found, step=STEP, of_evidence=of_evidence)

    def skip(self, code: str, where: str, reason: str) -> None:
        """Say that something was not checked."""
        self._run.skip("evidence", code, where, reason)

    def did(self, what: str, count: int = 1) -> None:
        """Count."""
        self._run.did(what, count)

    def link(self, where: str, group: str | None, file: File | None) -> None:
        """Add a finding where a row is linked otherwise than it was (E507)."""
        fault = self._links.take(where, group, file)
        if fault is not None:
            self.find("E507", where, *fault)

    def read(self, size: int) -> None:
        """Say that it goes on."""
        self._run.goes_on(size)

    def more(self, code: str, count: int, *, of_evidence: bool) -> None:
        """Count findings that nobody lists."""
        self._run.find(code, "", count=count, step=STEP, of_evidence=of_evidence)

    def skipped(self, count: int) -> None:
        """Count what was not checked, and nobody lists."""
        self._run.not_checked_total += count


class Kept:
    """Keeps what is said, to tell it later. Can be sent to another process."""

    def __init__(self, tell: Callable[[int], None] | None = None) -> None:
        """Take who hears at once of bytes that were read."""
        self._tell = tell
        self._said: list[tuple[Any, ...]] = []
        self._listed: Counter[bool] = Counter()
        """Findings that are kept: errors, and others."""
        self._more: Counter[tuple[str, bool]] = Counter()
        self._skips = 0
        self._did: Counter[str] = Counter()

    def __getstate__(self) -> dict[str, Any]:
        """Return what goes to another process."""
        return self.__dict__ | {"_tell": None}

    def find(self, code: str, where: str, expected: str, found: str, *, of_evidence: bool = False) -> None:
        """Keep a finding, or its number."""
        is_error = ENTRIES[code].severity == "error"
        if self._listed[is_error] == LISTED:  # no report lists more, and of each code one was before
            self._more[code, of_evidence] += 1
            if self._more[code, of_evidence] > 1:
                return
        else:
            self._listed[is_error] += 1
        self._said.append(("find", code, cut_text(where), cut_text(expected), cut_text(found), of_evidence))

    def skip(self, code: str, where: str, reason: str) -> None:
        """Keep it, or its number."""
        self._skips += 1
        if self._skips <= LISTED_NOT_CHECKED:
            self._said.append(("skip", code, where, reason))

    def did(self, what: str, count: int = 1) -> None:
        """Count."""
        self._did[what] += count

    def link(self, where: str, group: str | None, file: File | None) -> None:
        """Keep it: what it means depends on all rows before."""
        self._said.append(("link", where, group, file))

    def read(self, size: int) -> None:
        """Tell it at once."""
        if self._tell is not None:
            self._tell(size)

    def tell(self, account: Told) -> None:
        """Say all of it, in the order in which it was said here."""
        for what, *said in self._said:
            if what == "find":
                code, where, expected, found, of_evidence = said
                account.find(code, where, expected, found, of_evidence=of_evidence)
            elif what == "skip":
                account.skip(*said)
            else:
                account.link(*said)
        for (code, of_evidence), count in self._more.items():
            if count > 1:
                account.more(code, count - 1, of_evidence=of_evidence)
        if self._skips > LISTED_NOT_CHECKED:
            account.skipped(self._skips - LISTED_NOT_CHECKED)
        for what, count in self._did.items():
            account.did(what, count)


class _Links:
    """Hard links: rows are one file now just where they were one file then. Grows with the linked files alone."""

    def __init__(self) -> None:
        self._file_of: dict[str, File | None] = {}
        self._group_of: dict[File, str] = {}

    def take(self, where: str, group: str | None, file: File | None) -> tuple[str, str] | None:
        """Return what was expected and found, where a row is linked otherwise than it was.

        `group` is the row's number, `file` what it is now where it has more names than one.
        """
        mine = group or where
        fault = None
        if group is not None and group in self._file_of and (file is None or self._file_of[group] != file):
            fault = (f"a hard link of group {group}", "another file")
        elif file is not None and self._group_of.get(file, mine) != mine:
            fault = ("a file of its own" if group is None else f"a hard link of group {group}",
                     f"a hard link of {_shown(self._group_of[file])}")  # fmt: skip
        if group is not None:
            self._file_of.setdefault(group, file)
        if file is not None:
            self._group_of.setdefault(file, mine)
        return fault


def _shown(group: str) -> str:
    return f"group {group}" if group.isdigit() else group
