"""A Parquet file looked at before a library reads it: footer and page headers against the limits of the format.

A reader allocates what footers and page headers promise, and a dictionary or a shared prefix can stand for
gigabytes: so every promise is added up first. Source: specs/verification.md section 6, specs/manifest.md section 9.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from evidencekit.errors import FormatError
from evidencekit.read.thrift import Compact, NeedMore

MAX_FOOTER = 64 << 20
MAX_ROW_GROUPS = 65_536
MAX_GROUP_ROWS = 65_536
MAX_GROUP_BYTES = 1 << 30
MAX_PAGE = 256 << 20
_MAX_LIST = 16
"""Members of any list of the footer but the row groups: a row group's columns, a column's encodings."""
_MAX_HEADER = 65_536
_FIRST_LOOK = 256

_MAGIC = b"PAR1"
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = range(4)
_PLAIN, _PLAIN_DICTIONARY, _RLE, _RLE_DICTIONARY = 0, 2, 3, 8
_ENCODINGS = {_PLAIN, _PLAIN_DICTIONARY, _RLE, 5, 6, _RLE_DICTIONARY, 9}
"""Without DELTA_BYTE_ARRAY (7), whose shared prefixes can stand for any amount, and the deprecated ones."""
_DATA_HEADERS = {_DATA: (5, 2), _DATA_V2: (8, 4)}
"""Page type to the field of its own header, and the field of the encoding in that."""


class Chunk(NamedTuple):
    """One column of one row group, as the footer describes it."""

    name: str
    start: int
    size: int
    values: int


def _too_large(place: str, limit: int, found: int) -> FormatError:
    return FormatError(place, expected=f"at most {limit}", found=str(found), code="F102")


def check_footer(file: BinaryIO, place: str) -> None:
    """Raise FormatError unless the file ends with a footer that a library can be trusted to read in bounded memory.

    Raises:
        FormatError: not Parquet, damaged, over a limit (code F102).
        OSError: the file cannot be read.
    """
    size = file.seek(0, 2)
    if size < 12:
        raise FormatError(place, expected="a Parquet file", found=f"{size} bytes")
    file.seek(size - 8)
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    file.seek(0)
    if file.read(4) != _MAGIC or tail[4:] != _MAGIC:
        raise FormatError(place, expected="PAR1 at both ends", found="other bytes")
    if length > MAX_FOOTER:
        raise _too_large(f"{place} footer", MAX_FOOTER, length)
    if length > size - 12:
        raise FormatError(f"{place} footer", expected=f"at most {size - 12} bytes", found=str(length))
    file.seek(size - 8 - length)
    reader = Compact(file.read(length), max_list=_MAX_LIST, place=f"{place} footer")
    try:
        reader.fields(lists={(4,): MAX_ROW_GROUPS})
    except NeedMore:
        raise FormatError(f"{place} footer", expected="a whole footer", found="a part of one") from None


def check_chunk(file: BinaryIO, chunk: Chunk, *, rows: int, end: int, place: str) -> tuple[int, bool]:
    """Walk the page headers of a column chunk; return its uncompressed bytes and whether it has a dictionary.

    `end` is the file's size.

    Raises:
        FormatError: the pages are not what the footer says, or over a limit (code F102).
        OSError: the file cannot be read.
    """
    place = f"{place} {chunk.name}"
    if chunk.values != rows:
        raise FormatError(place, expected=f"{rows} values", found=str(chunk.values))
    if chunk.start <= 0 or chunk.size <= 0 or chunk.start + chunk.size > end:
        raise FormatError(place, expected="pages inside the file", found=f"{chunk.size} bytes at {chunk.start}")
    at, stop = chunk.start, chunk.start + chunk.size
    seen = total = 0
    has_dictionary = False
    while seen < rows:
        header, length = _page_header(file, at, stop, place)
        kind, plain, packed = (header.get(number) for number in (1, 2, 3))
        if not (isinstance(kind, int) and isinstance(plain, int) and isinstance(packed, int)) or min(plain, packed) < 0:
            raise FormatError(place, expected="a page with its sizes", found="another header")
        if plain > MAX_PAGE:
            raise _too_large(f"{place} page", MAX_PAGE, plain)
        total += plain
        at += length + packed
        if at > stop:
            raise FormatError(place, expected="pages inside their column", found="a longer page")
        if kind == _DICTIONARY:
            if has_dictionary or seen:
                raise FormatError(place, expected="one dictionary, first", found="another")
            has_dictionary = True
        elif kind in _DATA_HEADERS:
            seen += _values(header, kind, place)
        elif kind != _INDEX:
            raise FormatError(place, expected="a page of a known type", found=str(kind))
    if seen != rows:
        raise FormatError(place, expected=f"{rows} values in its pages", found=str(seen))
    return total, has_dictionary


def _values(header: dict[int, object], kind: int, place: str) -> int:
    """Return the number of values of a data page whose encoding is one that cannot swell."""
    field, encoding = _DATA_HEADERS[kind]
    own = header.get(field)
    if not isinstance(own, dict) or not isinstance(own.get(1), int) or own[1] <= 0:
        raise FormatError(place, expected="a data page with its number of values", found="another header")
    if own.get(encoding) not in _ENCODINGS:
        raise FormatError(place, expected="an encoding that manifests may use", found=str(own.get(encoding)))
    return int(own[1])


def _page_header(file: BinaryIO, at: int, stop: int, place: str) -> tuple[dict[int, object], int]:
    """Return the page header at an offset, and its length."""
    look = _FIRST_LOOK
    while True:
        file.seek(at)
        data = file.read(min(look, stop - at))
        reader = Compact(data, max_list=_MAX_LIST, place=place)
        try:
            return reader.fields(), reader.at
        except NeedMore:
            if len(data) < look or look >= _MAX_HEADER:
                raise FormatError(place, expected="a page header", found="a part of one") from None
            look *= 4
