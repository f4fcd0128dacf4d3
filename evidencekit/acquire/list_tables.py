"""Lists that are tables: CSV and its like with a header row, as forensic programs export them.

Promises: bytes stay bytes; a record that is not understood is handed out as such, with its first line and the reason.
Source: RFC 4180; exports of Autopsy, FTK Imager, EnCase and X-Ways, and `evidencekit list --format csv`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from evidencekit.acquire.list_lines import (
    BY_LENGTH,
    TOO_LONG,
    Found,
    Line,
    Listed,
    NotUnderstood,
    Unreadable,
    bytes_of,
    digest_of,
    name_of,
    size_of,
)

_PATHS = (
    *("fullpath", "filepath", "pathname", "path", "location", "fullname"),
    *("filenames", "filename", "file", "name"),
)
"""What the column of names is called, without blanks and signs; the whole path is preferred to the last name."""
_SIZES = frozenset({"size", "filesize", "logicalsize", "sizebytes", "sizeinbytes", "sizeb", "bytes", "length"})
_DIGEST = re.compile(
    r"(?:file|hash|digest|checksum)*(md5|sha1|sha256|sha512|sha3256|blake3)(?:hash|digest|checksum|sum|value)*\Z"
)
_UNNAMED = re.compile(r"(?:file)?(?:hash|digest|checksum)(?:value)?\Z")
_DELIMITERS = ",;\t|"


class Columns(NamedTuple):
    """Where a table has what."""

    width: int
    """Fields of each record."""
    path: int
    digests: dict[str, int]
    size: int | None
    unnamed: int | None
    """A column of digests that does not say of which kind: each is known by its length."""
    path_hex: int | None
    """The bytes of names that are not UTF-8, as our own lists have them."""
    stream: int | None
    delimiter: str
    titles: dict[str, str]
    """What is used, and the title of its column."""


def find_columns(line: bytes) -> Columns | None:
    """Return what a header row says; None where it names no path, or no digest."""
    found = [_columns(line, delimiter) for delimiter in _DELIMITERS]
    return max((one for one in found if one is not None), key=lambda one: len(one.titles), default=None)


def _columns(line: bytes, delimiter: str) -> Columns | None:
    try:
        titles = next(csv.reader([_text(line)], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None
    plain = [re.sub(r"[^a-z0-9]", "", title.lower()) for title in titles]
    place = {title: at for at, title in reversed(list(enumerate(plain)))}
    path = next((place[name] for name in _PATHS if name in place), None)
    digests: dict[str, int] = {}
    unnamed = size = None
    for at, title in enumerate(plain):
        named = _DIGEST.match(title)
        if named:
            digests.setdefault("sha3_256" if named[1] == "sha3256" else named[1], at)
        elif unnamed is None and _UNNAMED.match(title):
            unnamed = at
        elif size is None and title in _SIZES:
            size = at
    if path is None or not (digests or unnamed is not None):
        return None
    used = {"path": path, "size": size, "digest": None if digests else unnamed, **digests}
    return Columns(
        len(titles),
        path,
        digests,
        size,
        None if digests else unnamed,
        place.get("pathhex"),
        place.get("stream"),
        delimiter,
        {name: titles[at] for name, at in used.items() if at is not None},
    )


class _Feed:
    """Hands lines to the CSV reader as text, and remembers which were too long for it."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.first = 0
        """Number of the first line since `first` was set to 0."""
        self.too_long: list[int] = []

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            self.first = self.first or number
            if line is None:
                self.too_long.append(number)
            else:
                yield _text(line) + "\n"


def read_table(lines: Iterator[Line], columns: Columns) -> Found:
    """Read the records behind the header row, which is the first line that is not empty."""
    any(line for _, line in lines)
    feed = _Feed(lines)
    records = csv.reader(iter(feed), delimiter=columns.delimiter, strict=True)
    while True:
        feed.first = 0
        try:
            fields = next(records, None)
            found: Listed | Unreadable | None = _entry(feed.first, fields, columns) if fields else None
        except (csv.Error, NotUnderstood) as error:
            fields, found = [], Unreadable(feed.first, str(error))
        yield from (Unreadable(number, TOO_LONG) for number in feed.too_long)
        feed.too_long.clear()
        if found is not None:
            yield found
        if fields is None:
            return


def _entry(number: int, fields: list[str], columns: Columns) -> Listed:
    if len(fields) != columns.width:
        raise NotUnderstood(f"{len(fields)} fields, where the header has {columns.width}")
    if columns.stream is not None and fields[columns.stream]:
        raise NotUnderstood("a stream of a file, which has no name of its own")
    name = _bytes(fields[columns.path])
    if columns.path_hex is not None and fields[columns.path_hex]:
        name = bytes_of(_bytes(fields[columns.path_hex]))
    texts = {kind: _bytes(fields[at]).strip() for kind, at in columns.digests.items()}
    if columns.unnamed is not None:
        text = _bytes(fields[columns.unnamed]).strip()
        texts[_kind_of(text)] = text
    size = b"" if columns.size is None else _bytes(fields[columns.size]).strip()
    return Listed(
        number,
        name and name_of(name),  # the source itself has an empty path, and stands so in our own lists
        size_of(size) if size else None,
        {kind: digest_of(kind, text) for kind, text in texts.items() if text},
    )


def _kind_of(text: bytes) -> str:
    """Return the kind of a digest that no title names, by its length."""
    if text and len(text) not in BY_LENGTH:
        raise NotUnderstood(f"{len(text)} digits, as no digest has that is known")
    return BY_LENGTH.get(len(text), "")


def _text(line: bytes) -> str:
    return line.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
