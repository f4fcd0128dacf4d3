"""Lists of digests that other tools made: which form one has, and its entries, one after the other.

Promises: one pass, also over a pipe; memory is bounded by the longest line; bytes stay bytes; a line that is not
understood is counted and kept with its number and the reason, never dropped; what is taken for granted is said
(`assumed`). Source: specs/manifest.md section 8; the forms' own sources stand in `list_lines` and `list_tables`.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

from evidencekit.acquire.list_lines import (
    BY_LENGTH,
    HASHDEEP,
    Found,
    Line,
    Listed,
    Unreadable,
    is_sum,
    is_tagged,
    read_hashdeep,
    read_sums,
    read_tagged,
)
from evidencekit.acquire.list_tables import find_columns, read_table
from evidencekit.errors import BadArgument

SUMS = {"md5sum": "md5", "sha1sum": "sha1", "sha256sum": "sha256", "sha512sum": "sha512", "b3sum": "blake3"}
FORMATS = ("hashdeep", *SUMS, "bsd", "csv")
MAX_LINE = 1 << 19
"""Bytes of a line: a name, twice as long where all of it is escaped, and its digests."""
MAX_KEPT = 100
"""Lines that were not understood and are kept with their reasons; `unreadable_lines` counts all."""
_LOOKED_AT = 100
"""Lines within which one must be understood, if nobody says of which form the list is."""
_BLOCK = 1 << 16
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class _Form(NamedTuple):
    name: str
    version: str
    read: Callable[[Iterator[Line]], Found]
    assumed: str = ""
    titles: dict[str, str] | None = None


class DigestList:
    """A list, read by iterating over it once. Counts, digests and the list's own SHA-256 are complete after that."""

    def __init__(self, file: BinaryIO, form: str = "auto") -> None:
        """Look at the beginning of an open file; `form` is one of FORMATS, or `auto`.

        Raises:
            BadArgument: U217, no line is of a known form, or of the form that was asked for.
        """
        self._hasher = hashlib.sha256()
        self._lines = _lines(self._chunks(file))
        head: list[Line] = []
        found = None
        for line in self._lines:
            head.append(line)
            found = _form_of(head, form)
            if found is not None or len(head) == _LOOKED_AT:
                break
        if found is None:
            raise BadArgument(
                f"The list is not of a form that is known{'' if form == 'auto' else f' as {form}'}.",
                code="U217",
                hint=f"Forms: {', '.join(FORMATS)}; a table needs a header row that names a path and a digest.",
            )
        self.form, self.version, self._read, self.assumed, titles = found
        self.titles = titles or {}
        """What is used of a table, and the titles of its columns."""
        self._lines = chain(head, self._lines)
        self.entries = 0
        self.unreadable_lines = 0
        self.unreadable: list[Unreadable] = []
        """The first MAX_KEPT of them."""
        self.digests: set[str] = set()
        """Kinds of digests that some entry has."""

    def __iter__(self) -> Iterator[Listed]:
        """Yield the entries in their order. Raises OSError where the file cannot be read."""
        for found in self._read(self._lines):
            if isinstance(found, Unreadable):
                self.unreadable_lines += 1
                if len(self.unreadable) < MAX_KEPT:
                    self.unreadable.append(found)
            else:
                self.entries += 1
                self.digests.update(found.digests)
                yield found

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of the list's bytes, as far as they were read."""
        return self._hasher.digest()

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield the file's bytes; UTF-16 as UTF-8, and no byte order mark."""
        chunk = self._next(file)
        if not chunk.startswith(_UTF16):
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            while chunk:
                yield chunk
                chunk = self._next(file)
            return
        decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        while chunk:
            yield decoder.decode(chunk).encode(errors="surrogatepass")
            chunk = self._next(file)
        if decoder.getstate()[0]:  # cut in the middle of a character
            yield "\ufffd".encode()

    def _next(self, file: BinaryIO) -> bytes:
        chunk = file.read(_BLOCK)
        self._hasher.update(chunk)
        return chunk


def _lines(chunks: Iterator[bytes]) -> Iterator[Line]:
    """Yield lines without the line feeds at their ends."""
    number, rest = 0, b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        rest = rest[: MAX_LINE + 1]  # long enough to be too long
        for line in whole:
            number += 1
            yield number, line if len(line) <= MAX_LINE else None
    if rest:
        yield number + 1, rest if len(rest) <= MAX_LINE else None


def _without_returns(lines: Iterator[Line]) -> Iterator[Line]:
    """Take a carriage return from the end of each line, where the first has one: else it is part of a name.

    Not for tables: there a name in quotes may have line ends of its own.
    """
    end = b""
    for number, line in lines:
        if number == 1 and line is not None and line.endswith(b"\r"):
            end = b"\r"
        yield number, None if line is None else line.removesuffix(end)


def _form_of(head: list[Line], asked: str) -> _Form | None:
    """Return the form that the last line shows the list to have, if it shows one."""
    *before, (_, line) = _without_returns(iter(head))
    if not line:
        return None
    if asked in {"auto", "hashdeep"} and line == HASHDEEP:
        return _Form("hashdeep", HASHDEEP.rpartition(b"-")[2].decode(), _by_lines(read_hashdeep))
    if asked in {"auto", "bsd"} and is_tagged(line):
        return _Form("bsd", "", _by_lines(read_tagged))
    digits = is_sum(line)
    if digits and asked in {"auto", *SUMS}:
        kind = SUMS.get(asked, BY_LENGTH[digits])
        name = next(name for name, of in SUMS.items() if of == kind)
        assumed = f"{digits} digits are those of {kind}" if asked == "auto" else ""
        return _Form(name, "", _by_lines(lambda lines: read_sums(lines, kind)), assumed)
    if asked in {"auto", "csv"} and not any(earlier for _, earlier in before):
        columns = find_columns(line)
        if columns is not None:
            assumed = "" if columns.unnamed is None else "digests are of the kind that their length is of"
            return _Form("csv", "", lambda lines: read_table(lines, columns), assumed, columns.titles)
    return None


def _by_lines(read: Callable[[Iterator[Line]], Found]) -> Callable[[Iterator[Line]], Found]:
    return lambda lines: read(_without_returns(lines))
