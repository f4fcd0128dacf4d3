"""What a provider sent, read for the values in it: files by their form, archives looked into, nothing unpacked to disk.

Promises: whatever the bytes are, the answer is values or a `NotRead`; memory does not depend on the size of a file;
what is not read has a reason; no form is guessed beyond a name and first bytes.
Source: specs/cooperation.md section 8.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from evidencekit.read.returned_mail import mail_values
from evidencekit.read.returned_values import (
    MAX_JSON,
    NotRead,
    Reason,
    Value,
    csv_values,
    json_line_values,
    json_values,
    text_values,
)
from evidencekit.read.returned_zip import ArchiveEntry, damage, entries_of

MAX_FILE = 256 << 20
"""Bytes of one file, or entry of an archive."""
MAX_ALL = 512 << 20
"""Bytes of all of a return that are looked at."""
HEAD = 4096
"""Bytes at the beginning of a file by which its form is told."""
_FORMS: dict[str, Callable[[BinaryIO], Iterator[Value]]] = {
    "csv": csv_values,
    "json": json_values,
    "json lines": json_line_values,
    "mail": mail_values,
    "text": text_values,
}
ARCHIVE = "archive"
_SUFFIXES = {
    **dict.fromkeys(("csv", "tsv"), "csv"),
    "json": "json",
    **dict.fromkeys(("jsonl", "ndjson"), "json lines"),
    **dict.fromkeys(("eml", "mbox"), "mail"),
    **dict.fromkeys(("txt", "log", "lst"), "text"),
    "zip": ARCHIVE,
}


class Part(NamedTuple):
    """A file of a return, or an entry of an archive in it."""

    name: str
    """As people see it; an entry stands behind its archive and a colon."""
    form: str
    """`csv`, `json`, `json lines`, `mail`, `text`; empty where it is not read."""
    values: Iterator[Value]
    """Raises NotRead where the rest cannot be read."""
    reason: Reason | None = None
    """Why it is not read; None where it is."""


@dataclass(slots=True)
class Budget:
    """How many bytes of a return may still be looked at."""

    left: int = MAX_ALL

    def take(self, size: int, form: str) -> None:
        """Take the bytes of a file, before any of them is read.

        Raises:
            NotRead: it is too large, or too much was looked at before.
        """
        if size > {"json": MAX_JSON, ARCHIVE: MAX_ALL}.get(form, MAX_FILE):
            raise NotRead("too_large")
        if size > self.left:
            raise NotRead("enough")
        self.left -= size


def form_of(name: str, head: bytes) -> str:
    """Return the form of a file by its name and first bytes.

    Raises:
        NotRead: `pdf`, or `form`: it is of none that is read.
    """
    if head.startswith(b"%PDF"):
        raise NotRead("pdf")
    suffix = name.rpartition("/")[2].rpartition(".")[2].lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if head.startswith(b"From "):
        return "mail"
    if "." in name.rpartition("/")[2].strip(".") or b"\0" in head or not head:
        raise NotRead("form")
    return "text"


def parts_of(name: str, form: str, file: BinaryIO, size: int, budget: Budget) -> Iterator[Part]:
    """Yield what a file of a form has to read: itself, or the entries of an archive; `size` in bytes.

    The values of a part are to be taken before the next part is asked for.
    """
    if form != ARCHIVE:
        yield Part(name, form, _FORMS[form](file))
        return
    try:
        for entry in entries_of(file, size):
            yield from _entry(f"{name}:{entry.name}", entry, budget)
    except NotRead as error:
        yield Part(name, "", iter(()), error.reason)


def _entry(name: str, entry: ArchiveEntry, budget: Budget) -> Iterator[Part]:
    """Yield an entry of an archive; one that is an archive itself is not opened."""
    try:
        form = _form_of_entry(name, entry)
        budget.take(entry.size, form)
        with entry.open() as file:
            yield Part(name, form, _guarded(_FORMS[form](file)))
    except NotRead as error:
        yield Part(name, "", iter(()), error.reason)


def _form_of_entry(name: str, entry: ArchiveEntry) -> str:
    if entry.reason:
        raise NotRead(entry.reason)
    with damage(), entry.open() as file:
        form = form_of(name, file.read(HEAD))
    if form == ARCHIVE:
        raise NotRead("nested")
    return form


def _guarded(values: Iterator[Value]) -> Iterator[Value]:
    with damage():
        yield from values
