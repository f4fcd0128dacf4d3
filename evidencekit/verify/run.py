"""One verification under way: bounded reads, and the one way from an exception to a finding or to `not checked`.

Source: specs/verification.md, first paragraph; specs/store.md section 6.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Protocol

from evidencekit.core import encoding, layout
from evidencekit.core.encoding import RECORD, Limits
from evidencekit.core.schema import Record
from evidencekit.core.values import display
from evidencekit.core.versions import newer_version
from evidencekit.errors import CannotFinish, EvidenceError, FormatError
from evidencekit.read.package_names import BadContainer
from evidencekit.read.store import Store
from evidencekit.verify.crew import Crew
from evidencekit.verify.findings import LISTED_NOT_CHECKED, Findings, NotChecked
from evidencekit.verify.policy import Policy

ProgressCall = Callable[[str], None]
"""Takes one line that says how far it is."""

MAX_EVENTS = 1_000_000
_BLOCK = 1 << 20


class Files(Protocol):
    """What lies in a record, by places as `core.layout` has them: a case, or what a package shows of one."""

    def open(self, relative: str, /) -> BinaryIO: ...  # noqa: D102 (as `read.store.Store` has them)
    def read(self, relative: str, limit: int, /) -> bytes: ...  # noqa: D102
    def numbers(self, relative: str, /) -> array[int]: ...  # noqa: D102


@dataclass(slots=True)
class Run:
    """What the steps share."""

    store: Files | None = None
    policy: Policy | None = None
    now: int | None = None
    """Nanoseconds since 1970 by the clock of whoever asks; None where he does not say."""
    progress: ProgressCall | None = None
    findings: Findings = field(default_factory=Findings)
    checked: Counter[str] = field(default_factory=Counter)
    not_checked: list[NotChecked] = field(default_factory=list)
    not_checked_total: int = 0
    first_not_checked: dict[str, NotChecked] = field(default_factory=dict)
    """Aspect to the first thing that keeps it from being ok."""
    files: Counter[str] = field(default_factory=Counter)
    """Files of the record: `checked`, `not_checked`."""
    done: set[str] = field(default_factory=set)
    """Steps that were carried out to their end."""
    crew: Crew = field(default_factory=Crew)
    """Who else works."""
    bytes_read: int = 0
    """Of large files of the source."""
    number: int = 1
    """The step under way (specs/verification.md section 1)."""
    prefix: str = ""
    """Place of the case under way in the one that was given: `branches/NAME/` for an adopted one."""

    @contextmanager
    def within(self, store: Files | None, place: str, done: set[str] | None = None) -> Iterator[Run]:
        """Let steps work on the record that lies at a place of this one; what they find and count is this run's, too.

        `done` takes the steps that were carried out: those of a record inside another are not its own.
        """
        inner = replace(self, store=store, prefix=self.prefix + place, done=set() if done is None else done)
        try:
            yield inner
        finally:
            self.not_checked_total, self.bytes_read = inner.not_checked_total, inner.bytes_read

    @contextmanager
    def step(self, number: int, name: str) -> Iterator[None]:
        """Carry out a step. A mistake of the program in it becomes `not checked`, never green, never a crash."""
        before = self.number
        self.number = number
        try:
            yield
            self.done.add(name)
        except CannotFinish as error:
            self.skip("record", "unreadable", name, error.message)
        except Exception as error:  # noqa: BLE001 (the safety net: whatever it is, it must not turn into silence)
            text = (
                error.message if isinstance(error, EvidenceError) else f"{type(error).__name__}: {display(str(error))}"
            )
            self.skip("record", "internal_error", name, f"internal error in step {name}: {text}"[:500])
        finally:
            self.number = before

    def find(self, code: str, where: str, expected: str = "", found: str = "", **more: Any) -> None:
        """Add a finding of the step under way."""
        self.findings.add(more.pop("step", self.number), code, self.prefix + where, expected, found, **more)

    def skip(self, aspect: str, code: str, where: str, reason: str, *, counts: bool = True) -> None:
        """Say that something was not checked; `counts=False` where that does not keep the aspect from being ok."""
        item = NotChecked(aspect, code, self.prefix + where, reason)
        self.not_checked_total += 1
        if len(self.not_checked) < LISTED_NOT_CHECKED:
            self.not_checked.append(item)
        if counts:
            self.first_not_checked.setdefault(aspect, item)

    def did(self, what: str, count: int = 1, total: int = 0) -> None:
        """Count something that was checked."""
        self.checked[what] += count
        if self.progress is not None:
            of = f" of {total:,}" if total else ""
            self.progress(f"{self.checked[what]:,}{of} {what.replace('_', ' ')}")

    def goes_on(self, size: int) -> None:
        """Hear of bytes of the source that were read."""
        self.bytes_read += size
        if self.progress is not None:
            self.progress(f"{self.checked['source_rows']:,} source rows, {self.bytes_read >> 20:,} MiB of large files")

    @property
    def record(self) -> Files:
        """What is verified."""
        if self.store is None:
            raise RuntimeError("this verification has no record")
        return self.store

    @property
    def case(self) -> Store:
        """The case directory, for steps that no package has."""
        if not isinstance(self.store, Store):
            raise RuntimeError("this verification has no case")  # noqa: TRY004 (a mistake of ours)
        return self.store

    def read(self, where: str, limit: int = layout.MAX_RECORD_FILE) -> bytes | None:
        """Return a file of the record; None with a finding where it is missing or too large, or with `not checked`."""
        try:
            data = self.record.read(where, limit)
        except CannotFinish as error:
            self.unreadable(where, error)
            return None
        except BadContainer as error:
            self.find(error.finding, where, error.expected, error.found)
            self.files["not_checked"] += 1
            return None
        except FormatError as error:
            self.find("E102", where, error.expected, error.found)
            self.files["not_checked"] += 1
            return None
        self.files["checked"] += 1
        return data

    def numbers(self, folder: str) -> array[int] | None:
        """Return the numbers that stand as names in a folder of the case, ascending, 8 bytes each.

        None, with `not checked`, where it cannot be listed.
        """
        try:
            return self.record.numbers(folder)
        except CannotFinish as error:
            self.skip("record", "unreadable", folder, error.message)
            return None

    def unreadable(self, where: str, error: CannotFinish) -> None:
        """Say that a file of the record is missing (a finding) or cannot be read (not checked)."""
        self.files["not_checked"] += 1
        if error.code == "X402":
            self.find("E501", where, "a plain file", "none")
        else:
            self.skip("record", "unreadable", where, error.message)

    def decode(self, data: bytes, schema: Record, where: str, *, limits: Limits = RECORD) -> dict[str, Any] | None:
        """Return a record of a schema; None with a finding (E101, E102, E103) for any other bytes."""
        try:
            record = encoding.decode(data, limits)
            schema.check(record)
        except FormatError as error:
            self.malformed(where, error, data=data, schema=schema, limits=limits)
            return None
        return record

    def malformed(
        self,
        where: str,
        error: FormatError,
        *,
        data: bytes = b"",
        schema: Record | None = None,
        limits: Limits = RECORD,
        code: str = "E101",
    ) -> None:
        """Add the finding for bytes that are not what has to stand here: a limit, a newer version, or `code`."""
        newer = None if schema is None else newer_version(data, schema.type, limits)
        if newer is not None:
            self.find("E103", where, str(schema.type if schema else ""), newer)
        elif error.code == "F102":
            self.find("E102", where, error.expected, f"{error.place}: {error.found}")
        else:
            self.find(code, where, error.expected, f"{error.place}: {error.found}")


def file_sha256(file: BinaryIO) -> str:
    """Return the SHA-256 of an open file from its start, in hex. Raises OSError."""
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
