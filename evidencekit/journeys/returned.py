"""What a provider returned, held against the request that it answers.

Promises: what is read are the bytes that were sealed, from the case's own copies or from where they were taken; a file
with another digest is named, and not read; nothing is written. Source: specs/cooperation.md section 8.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.cooperation.returns import Difference
from evidencekit.cooperation.sighting import Asked, Sighting, asked_of
from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.request import decode_request
from evidencekit.core.request_draft import MAX_DRAFT, read_draft
from evidencekit.core.values import display, parse_count, read_name
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.beneath import Beneath
from evidencekit.read.returned import HEAD, Budget, form_of, parts_of
from evidencekit.read.returned_values import NotRead, Reason
from evidencekit.read.store import Store

PROVIDER_RETURN = "provider_return"
Tell = Callable[[int, int], None]
"""Hears how many files, and bytes of sealed content, were looked at."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it went out: its record, and the SHA-256 of the record's file, hex."""

    record: dict[str, Any]
    sha256: str

    def particulars(self, stated: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the `acquire` event says of a return: what a person stated, its type, and the request.

        Raises:
            BadArgument: U601, another type of acquisition was stated.
        """
        stated = stated or {}
        kind = stated.get("acquisition_type", PROVIDER_RETURN)
        if kind != PROVIDER_RETURN:
            raise BadArgument(
                f"What a provider returned was stated to be taken as {display(kind)}.",
                code="U601",
                hint="Leave out acquisition_type, or --provider-return.",
            )
        return stated | {"acquisition_type": PROVIDER_RETURN, "request": self.sha256}


@dataclass(frozen=True, slots=True)
class Returned:
    """What came of the comparison."""

    exhibit: str
    request: SentRequest
    is_named: bool
    """The item was acquired as the answer to this request; if not, its acquisition names none."""
    difference: dict[str, Any]
    """As `Difference.document` has it."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        head = {"exhibit": self.exhibit, "named_by_acquisition": self.is_named, "sha256": self.request.sha256}
        return head | {"reference": self.request.record["reference"]} | self.difference


def read_sent_request(path: Path) -> SentRequest:
    """Read the record of a request.

    Raises:
        BadArgument: U600, it is a working file. FormatError: it is none, or not JSON. OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_DRAFT + 1)
    try:
        return SentRequest(decode_request(data), sha256_hex(data))
    except FormatError:
        read_draft(data)  # what is no JSON at all is told as that
        raise BadArgument(
            f"{display(str(path))} is not the record of a request: it is a working file, or something else.",
            code="U600",
            hint="`evidencekit request check FILE --instrument ID --out RECORD` makes the record that went out.",
        ) from None


def compare_return(case: Path, exhibit: str, request: SentRequest, tell: Tell) -> Returned:
    """Return the difference of what a request asks for and what is recognised in a sealed item.

    Raises:
        BadArgument: U215, there is no such sealed item.
        Refused: R600, it was acquired as the answer to another request.
        CannotFinish: X401 to X403, X441, X443, X446 the case or the item's manifest cannot be used.
    """
    record = read_record(case)
    (sealed,) = record.of_item(exhibit)
    acquired = record.acquisitions.get(exhibit)
    named = None if acquired is None else acquired["body"].get("request")
    if named not in {None, request.sha256}:
        raise Refused(
            f"{exhibit} was acquired as the answer to another request, with SHA-256 {named}; "
            f"that of the record is {request.sha256}.",
            code="R600",
            hint="Name the record that went out: of one request each instrument may have its own.",
        )
    asked = asked_of(request.record)
    difference = Difference(asked)
    files = size = 0
    with _Contents(record, sealed) as contents:
        for row in contents.rows():
            tell(files, size)
            _look(contents, row, asked, difference)
            files, size = files + 1, size + row.size
    return Returned(exhibit, request, named is not None, difference.document())


class _Row(NamedTuple):
    """A file of the item."""

    path: bytes
    shown: str
    size: int
    sha256: bytes
    reason: Reason | None
    """Why it cannot be read: then size and digest say nothing."""


def _look(contents: _Contents, row: _Row, asked: Asked, difference: Difference) -> None:
    """Recognise what is in a file."""
    try:
        with contents.open(row) as file:
            before = _stamp(file)
            form = contents.checked(row, file)
            for part in parts_of(row.shown, form, file, before[0], contents.budget):
                if part.reason:
                    difference.add_unread(part.name, part.reason)
                else:
                    seen = Sighting(part.name, asked, is_text=part.form == "text")
                    difference.add(seen, _read(seen, part.values))
            if _stamp(file) != before:
                difference.add_unread(row.shown, "changed")
    except NotRead as error:
        difference.add_unread(row.shown, error.reason)
    except OSError:
        difference.add_unread(row.shown, "unreadable")


def _read(seen: Sighting, values: Iterator[tuple[str | None, str]]) -> Reason | None:
    """Take the values of a part; return why the rest of them was not read, or None."""
    try:
        seen.read(values)
    except NotRead as error:
        return error.reason
    except OSError:
        return "unreadable"
    return None


def _stamp(file: BufferedReader) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


class _Contents:
    """The files of a sealed item, and where their contents are. Use it in `with`."""

    def __init__(self, record: Record, sealed: Sealed) -> None:
        self.budget = Budget()
        self._store: Store = record.store
        self._sealed = sealed
        with open_manifest(self._store, sealed) as manifest:
            self._source = read_header(manifest, sealed)["source"]
        self._has_copies = (self._store.path / layout.OBJECTS).is_dir()
        self._root: Beneath | None = None
        self._is_gone = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._root is not None:
            self._root.close()

    def rows(self) -> Iterator[_Row]:
        """Yield the item's files. What was erased has no name, or no digest."""
        with open_manifest(self._store, self._sealed, whole=False) as manifest:
            for batch in read_columns(manifest, self._sealed, ("index", "kind", "name", "content")):
                for index, kind, name, content in zip(*batch, strict=True):
                    if kind == b"file":
                        try:
                            row = self._row(index, name, content)
                        except (FormatError, KeyError, TypeError, AttributeError, ValueError) as error:
                            raise unreadable(self._sealed, f"row {index}: {error}") from error
                        yield row

    def _row(self, index: int, name: bytes | None, content: bytes | None) -> _Row:
        shown, path, is_stream = f"row {index}", b"", False
        if name is not None:
            said = orjson.loads(name)
            path = read_name(said, "path")
            shown = display(path or read_name(self._source, "path").rpartition(b"/")[2])
            is_stream = "stream" in said or "stream_hex" in said
        if name is None or content is None:
            return _Row(path, shown, 0, b"", "erased")
        of = orjson.loads(content)
        if is_stream or of["state"] != "complete":
            return _Row(path, shown, 0, b"", "stream" if is_stream else "not_taken")
        return _Row(path, shown, parse_count(of["size"]), bytes.fromhex(of["sha256"]), None)

    def open(self, row: _Row) -> BufferedReader:
        """Open the content of a file: the case's own copy, else where it was taken.

        Raises:
            NotRead: `erased`, `gone`, `not_taken`, `stream`.
        """
        if row.reason is not None:
            raise NotRead(row.reason)
        if self._has_copies:
            try:
                return self._store.open(layout.object_file(row.sha256.hex()))
            except CannotFinish:
                pass  # the copy is missing: what lies in the source serves as well, for its digest is checked
        handle = self._in_source(row.path)
        if handle is None:
            raise NotRead("gone")
        return os.fdopen(handle, "rb")

    def _in_source(self, path: bytes) -> int | None:
        if self._root is None and not self._is_gone:
            try:
                self._root = Beneath(read_name(self._source, "path"))
            except CannotFinish:
                self._is_gone = True
        found = None if self._root is None else self._root.open(path)
        return found if isinstance(found, int) else None

    def checked(self, row: _Row, file: BufferedReader) -> str:
        """Return the form of an open file, which has to be what was sealed.

        Raises:
            NotRead: `altered`: it is not what was sealed; further as `form_of` and `Budget.take`.
        """
        form = form_of(row.shown, file.read(HEAD))
        size = os.fstat(file.fileno()).st_size
        self.budget.take(size, form)
        file.seek(0)
        if size != row.size or hashlib.file_digest(file, "sha256").digest() != row.sha256:
            raise NotRead("altered")
        file.seek(0)
        return form
