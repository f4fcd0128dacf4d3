"""Values of tables, of JSON and of plain text, each with the label that stands over it.

Promises: a line, and a document of JSON, are bounded; whatever the bytes are, the answer is values or a `NotRead`.
Source: specs/cooperation.md section 8.1; RFC 4180, RFC 8259.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, BinaryIO, Literal, NoReturn, TypeAlias

MAX_LINE = 1 << 20
"""Bytes of a line."""
MAX_JSON = 16 << 20
"""Bytes of a document of JSON, which is in memory as a whole."""
_SAMPLE = 8192
_DELIMITERS = ",;\t|"
_LONGEST_LABEL = 60
_QUOTES = str.maketrans("", "", "\"'")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Value: TypeAlias = tuple[str | None, str]
"""The label over a value, as the file has it, and the value."""


Reason: TypeAlias = Literal[
    "altered",
    "changed",
    "damaged",
    "encoding",
    "encrypted",
    "enough",
    "entries",
    "erased",
    "form",
    "gone",
    "method",
    "nested",
    "not_taken",
    "pdf",
    "stream",
    "swells",
    "too_large",
    "unreadable",
]
"""Why something of a return is not read."""


class NotRead(Exception):
    """Something of a return is not read. Whoever compares catches it: it becomes a line of the difference."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def lines_of(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a text: of UTF-8, or of UTF-16 with a byte order mark; bad bytes as U+FFFD.

    Raises:
        NotRead: a line is too long; at the end, `encoding`: there were bad bytes; before all, `encoding`: it has NUL in
            its beginning, as UTF-16 without that mark has.
    """
    head = file.read(_SAMPLE)
    is_wide = head.startswith(_UTF16)
    if b"\0" in head and not is_wide:
        raise NotRead("encoding")
    file.seek(0)
    stream = io.TextIOWrapper(file, "utf-16" if is_wide else "utf-8-sig", errors="replace", newline="")
    is_bad = False
    try:
        while line := stream.readline(MAX_LINE):
            if len(line) >= MAX_LINE and not line.endswith("\n"):
                raise NotRead("too_large")
            is_bad = is_bad or "\ufffd" in line
            yield line
        if is_bad:
            raise NotRead("encoding")
    finally:
        with contextlib.suppress(ValueError):  # where whoever stopped half-way has closed the file by now
            stream.detach()  # it is the caller's to close


def text_values(file: BinaryIO) -> Iterator[Value]:
    """Yield the lines of a text; of `Label: value` the value."""
    for line in lines_of(file):
        text = line.strip()
        at = min((place for mark in ":=" if (place := text.find(mark, 0, _LONGEST_LABEL)) > 0), default=0)
        is_labelled = at > 0 and text[at + 1 : at + 2].isspace()
        yield (text[:at].rstrip(), text[at + 1 :].lstrip()) if is_labelled else (None, text)


def csv_values(file: BinaryIO) -> Iterator[Value]:
    """Yield the cells of a table, row by row, each with the cell of the first row above it; the first row, too."""
    lines = lines_of(file)
    first, taken, end = list[str](), 0, None
    try:
        for line in lines:
            first.append(line)
            if sum(map(len, first)) > _SAMPLE:
                break
    except NotRead as error:  # what comes before is read
        end = error

    def bounded() -> Iterator[str]:  # a row may have lines without end: each cell may have one
        nonlocal taken
        for line in chain(first, lines):
            taken += len(line)
            if taken > MAX_LINE:
                raise NotRead("too_large")
            yield line
        if end is not None:
            raise end

    rows = csv.reader(bounded(), delimiter=_delimiter(first))
    try:
        heads = next(rows, [])
        yield from ((None, cell) for cell in heads)
        taken = 0
        for row in rows:
            taken = 0
            for number, cell in enumerate(row):
                if cell:
                    yield (heads[number] if number < len(heads) else None), cell
    except csv.Error as error:
        raise NotRead("damaged") from error


def _delimiter(lines: Sequence[str]) -> str:
    """Return what stands between cells; where the module cannot tell, what there is most of in the first line.

    The module gets no quotes: its pattern for them takes ages on hostile ones.
    """
    try:
        return csv.Sniffer().sniff("".join(lines)[:_SAMPLE].translate(_QUOTES), _DELIMITERS).delimiter
    except csv.Error:
        return max(_DELIMITERS, key=lines[0].count if lines else len)


def json_values(file: BinaryIO) -> Iterator[Value]:
    """Yield the texts and numbers of a document, each with the name of the member that it is, or is in."""
    try:
        document = _parsed(file.read(MAX_JSON + 1))
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise NotRead("damaged") from error
    else:
        yield from _leaves(document)
        return
    file.seek(0)  # several documents, one a line
    yield from json_line_values(file)


def json_line_values(file: BinaryIO) -> Iterator[Value]:
    """Yield what `json_values` does, of a document on each line."""
    for line in lines_of(file):
        if line.strip():
            try:
                yield from _leaves(_parsed(line))
            except json.JSONDecodeError as error:
                raise NotRead("damaged") from error


def _parsed(text: bytes | str) -> Any:
    """Return a document: objects as tuples of pairs, for a member may stand twice; numbers as they are written.

    Raises:
        json.JSONDecodeError: it is none.
        NotRead: it is too deep, or of no encoding that JSON has.
    """
    try:
        return json.loads(text, object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=_no_number)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise NotRead("damaged") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _leaves(document: Any) -> Iterator[Value]:
    """Yield the texts of a document, and the names of its members; `document` as `_parsed` returns it."""
    stack: list[Iterator[tuple[str | None, Any]]] = [iter([(None, document)])]
    while stack:
        for label, value in stack[-1]:
            if isinstance(value, str):
                yield label, value
            elif isinstance(value, tuple):
                yield from ((None, name) for name, _ in value)
                stack.append(iter(value))
                break
            elif isinstance(value, list):
                stack.append((label, member) for member in value)
                break
        else:
            stack.pop()
