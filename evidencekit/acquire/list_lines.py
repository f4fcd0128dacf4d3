"""Lists that have a line for each entry: of hashdeep; of sha256sum, md5sum, b3sum and their like; in the BSD style.

Promises: bytes stay bytes; what is not understood is handed out as such, with its line and the reason.
Source: hashdeep(1) and its own reader; GNU coreutils manual, "cksum output modes"; openssl-dgst(1).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from evidencekit.core.opinions import DIGEST_SIZES

MAX_NAME = 131_072
"""Bytes of a name: no path of a row is longer (specs/manifest.md section 5)."""
BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""Digits of a digest to the kind that it most likely is; 64 may be those of BLAKE3 or SHA3-256 too."""
HASHDEEP = b"%%%% HASHDEEP-1.0"

Line: TypeAlias = tuple[int, bytes | None]
"""Number from 1, and the line without its end; None where it is too long."""


class Listed(NamedTuple):
    """One entry of a list."""

    line: int
    name: bytes
    size: int | None
    digests: dict[str, bytes]
    """By name; kinds that evidencekit never takes are there too, empty where there are none."""


class Unreadable(NamedTuple):
    """A line that was not understood."""

    line: int
    reason: str


class NotUnderstood(ValueError):
    """Why an entry cannot be read; never leaves this room."""


Found: TypeAlias = Iterator[Listed | Unreadable]

_COUNT = re.compile(rb"[0-9]{1,20}\Z")
_SUM = re.compile(rb"(\\?)([0-9A-Fa-f]{32,128})(?:( \*|  )| )(.*)\Z", re.DOTALL)
_TAGGED = re.compile(rb"(\\?)([A-Za-z][A-Za-z0-9/-]{0,31}) ?\((.*)\) ?= ([0-9A-Fa-f]+)\Z", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_ESCAPED = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
_TAGS = {
    "sha-1": "sha1",
    "sha-256": "sha256",
    "sha2-256": "sha256",
    "sha-512": "sha512",
    "sha2-512": "sha512",
    "sha3-256": "sha3_256",
}
"""Other names of a kind than ours."""
TOO_LONG = "the line is too long"


def bytes_of(text: bytes) -> bytes:
    """Return the bytes that hex digits spell, in letters of either case.

    Raises:
        NotUnderstood: other characters, or none.
    """
    try:
        data = binascii.unhexlify(text)
    except binascii.Error:
        data = b""
    if not data:
        raise NotUnderstood("not hex digits")
    return data


def digest_of(kind: str, text: bytes) -> bytes:
    """Return a digest from its hex.

    Raises:
        NotUnderstood: other characters, or another length than the kind has.
    """
    if len(text) != 2 * DIGEST_SIZES.get(kind, len(text) // 2):
        raise NotUnderstood(f"{len(text)} digits, which is not the length of {kind}")
    return bytes_of(text)


def size_of(text: bytes) -> int:
    """Return a size from decimal digits.

    Raises:
        NotUnderstood: anything else, or over 2^64 - 1.
    """
    if not _COUNT.match(text) or int(text) >= 2**64:
        raise NotUnderstood("the size is not a number of bytes")
    return int(text)


def name_of(name: bytes) -> bytes:
    """Return a name as it is.

    Raises:
        NotUnderstood: it is empty, or longer than any name can be.
    """
    if not name:
        raise NotUnderstood("there is no name")
    if len(name) > MAX_NAME:
        raise NotUnderstood("the name is too long")
    return name


def _each(lines: Iterator[Line], entry: Callable[[int, bytes], Listed | None]) -> Found:
    """Yield what each line says that is neither empty nor a comment."""
    for number, line in lines:
        if line is None:
            yield Unreadable(number, TOO_LONG)
        elif line and not line.startswith(b"#"):
            found: Listed | Unreadable | None
            try:
                found = entry(number, line)
            except NotUnderstood as error:
                found = Unreadable(number, str(error))
            if found is not None:
                yield found


# --- hashdeep --------------------------------------------------------------------------------------------------


def read_hashdeep(lines: Iterator[Line]) -> Found:
    """Read `%%%% size,md5,sha256,filename` and what follows. A name is all behind the digests, commas too."""
    return _each(lines, _Hashdeep().entry)


class _Hashdeep:
    """The columns, as the header said last: lists are joined by writing one behind the other."""

    def __init__(self) -> None:
        self._columns: list[str] = []

    def entry(self, number: int, line: bytes) -> Listed | None:
        if line == HASHDEEP:
            return None
        if line.startswith(b"%%%% "):
            self._columns = self._header(line)
            return None
        columns = self._columns
        if not columns:
            raise NotUnderstood("no header says what its columns are")
        fields = line.split(b",", len(columns) - 1)
        if len(fields) < len(columns):  # as behind a line break in a name, which hashdeep does not escape
            raise NotUnderstood("fewer fields than the header has columns")
        pairs = zip(columns[1:-1], fields[1:-1], strict=True)
        digests = {kind: digest_of(kind, text) for kind, text in pairs}
        return Listed(number, name_of(fields[-1]), size_of(fields[0]), digests)

    def _header(self, line: bytes) -> list[str]:
        columns = line.removeprefix(b"%%%% ").decode(errors="replace").lower().split(",")
        if len(columns) < 3 or (columns[0], columns[-1]) != ("size", "filename"):
            raise NotUnderstood("a header of other columns than size, digests, filename")
        return columns


# --- coreutils, b3sum ------------------------------------------------------------------------------------------


def is_sum(line: bytes) -> int:
    """Return how many digits the digest of a line `DIGEST  NAME` has; 0 where it is none."""
    found = _SUM.match(line)
    return len(found[2]) if found and len(found[2]) in BY_LENGTH else 0


def read_sums(lines: Iterator[Line], kind: str) -> Found:
    """Read lines `DIGEST  NAME`, `DIGEST *NAME`; with a backslash before them where the name has escapes."""
    return _each(lines, _Sums(kind).entry)


class _Sums:
    """Where the first line has one blank (`md5 -r`), all have: in a mixture a blank could join or leave a name."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._one_blank: bool | None = None

    def entry(self, number: int, line: bytes) -> Listed:
        found = _SUM.match(line)
        if found is None:
            raise NotUnderstood("not a digest, two blanks and a name")
        if self._one_blank is None:
            self._one_blank = found[3] is None
        if found[3] is None and not self._one_blank:
            raise NotUnderstood("one blank before the name, where other lines have two")
        name = line[found.end(2) + 1 :] if self._one_blank else found[4]
        return Listed(number, _unescaped(name, found[1]), None, {self._kind: digest_of(self._kind, found[2])})


def _unescaped(name: bytes, mark: bytes) -> bytes:
    """Return a name without its escapes, which it has where a backslash stands before the line."""
    return name_of(_ESCAPE.sub(_character, name) if mark else name)


def _character(found: re.Match[bytes]) -> bytes:
    if found[1] not in _ESCAPED:
        raise NotUnderstood("a backslash in the name that is no escape")
    return _ESCAPED[found[1]]


# --- BSD, OpenSSL ----------------------------------------------------------------------------------------------


def is_tagged(line: bytes) -> bool:
    """Tell whether a line is `SHA256 (NAME) = DIGEST`."""
    return _TAGGED.match(line) is not None


def read_tagged(lines: Iterator[Line]) -> Found:
    """Read lines `SHA256 (NAME) = DIGEST`, as of `sha256sum --tag`, and `SHA2-256(NAME)= DIGEST`, as of OpenSSL."""
    return _each(lines, _tagged_entry)


def _tagged_entry(number: int, line: bytes) -> Listed:
    found = _TAGGED.match(line)
    if found is None:
        raise NotUnderstood("not a kind of digest, a name in brackets and a digest")
    tag = found[2].decode().lower()
    kind = _TAGS.get(tag, tag)
    return Listed(number, _unescaped(found[3], found[1]), None, {kind: digest_of(kind, found[4])})
