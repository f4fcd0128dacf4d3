"""Lists of sealed rows that other tools read, straight from the manifests.

Promises: `sha256sum -c` (and `md5sum`, `sha1sum`, `sha512sum`, `b3sum`) accepts every line, run where the source lies;
so does `hashdeep -r -l -a -k LIST .`; a name that a form cannot express is never bent: its row is handed out in
`unlisted` with the reason; rows without the digest are counted. Where several exhibits are listed together, each path
begins with its exhibit's number.
Source: cli.md (`list`); escapes as in GNU coreutils, "cksum output modes"; hashdeep 4.4 and its own reader; RFC 4180.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.catalogue.tables import read_text
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.core.values import display, format_instant, read_name
from evidencekit.errors import BadArgument, FormatError

FORMATS = ("sha256sum", "b3sum", "md5sum", "sha1sum", "sha512sum", "hashdeep", "csv")
MOST_UNLISTED = 10_000
"""Rows that `unlisted` names; one more entry says how many there are beyond."""

_HASHDEEP_LINE = 2047
"""Bytes of a line with its end: hashdeep reads what is longer as two."""
_DIGESTS = {
    "sha256sum": "sha256",
    "b3sum": "blake3",
    "md5sum": "md5",
    "sha1sum": "sha1",
    "sha512sum": "sha512",
    "hashdeep": "sha256",
}
_CSV_DIGESTS = ("sha256", "blake3", *EXTRA_DIGESTS)
_CSV_ROW = ("item", "index", "path", "path_hex", "stream", "kind", "size", "state", "reason", "target")
_CSV_HEAD = (*_CSV_ROW, *_CSV_DIGESTS, "mtime_ns", "mtime")
_COLUMNS = ("index", "kind", "name", "content")
_Group = dict[str, Any] | None
"""What a group of a row says; None where it was erased."""


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A row that the form cannot express."""

    item: str
    index: int
    """-1 in the last entry, which stands for many."""
    path: bytes
    reason: str

    def __str__(self) -> str:
        if self.index < 0:
            return self.reason
        return f"{self.item}#{self.index} {display(self.path)}: {self.reason}"


class Listing:
    """A list being written. The counts and `unlisted` are complete when `lines` is exhausted."""

    def __init__(self, record: Record, form: str, chosen: tuple[Sealed, ...]) -> None:
        self.form = form
        self.listed = 0
        self.without_digest = 0
        """Rows that have no such digest: folders, links, what was not wholly taken."""
        self.erased = 0
        """Rows whose name or content was erased: a list has nothing to say of them."""
        self.unlisted: list[Unlisted] = []
        self.not_listed = 0
        """All rows that the form cannot express."""
        self.lines: Iterator[bytes] = self._write(record, chosen)
        """The lines as bytes, each with its end."""

    def _write(self, record: Record, chosen: tuple[Sealed, ...]) -> Iterator[bytes]:
        if self.form == "csv":
            yield from self._csv(record, chosen)
            return
        if self.form == "hashdeep":
            yield b"%%%% HASHDEEP-1.0\n%%%% size,sha256,filename\n## made by evidencekit from sealed manifests\n"
        prefix = len({sealed.item for sealed in chosen}) > 1
        for sealed in chosen:
            with open_manifest(record.store, sealed) as manifest:
                alone = _own_name(read_header(manifest, sealed))
                above = sealed.item.encode() + b"/" if prefix else b""
                for columns in read_columns(manifest, sealed, _COLUMNS):
                    for index, _, name, content in _rows(sealed, columns):
                        if name is None or content is None:
                            self.erased += 1
                            continue
                        line = self._line(sealed, index, name, content, above, alone)
                        if line:
                            self.listed += 1
                            yield line
        if self.not_listed > len(self.unlisted):
            more = self.not_listed - len(self.unlisted)
            self.unlisted.append(Unlisted("", -1, b"", f"and {more:,} more rows"))

    def _line(
        self, sealed: Sealed, index: int, name: dict[str, Any], content: dict[str, Any], above: bytes, alone: bytes
    ) -> bytes:
        """Return the line of one row; empty, and counted, where there is none."""
        try:
            digest = content.get(_DIGESTS[self.form])
            if digest is None:
                self.without_digest += 1
                return b""
            path = read_name(name, "path")
            if "stream" in name or "stream_hex" in name:
                line: bytes | str = "a stream of a file has no name of its own here"
            elif self.form == "hashdeep":
                line = _hashdeep_line(content["size"], digest, above + (path or alone))
            elif self.form == "b3sum":
                line = _b3sum_line(digest, above + (path or alone))
            else:
                line = coreutils_line(digest, above + (path or alone))
        except (FormatError, KeyError, TypeError, AttributeError) as error:
            raise unreadable(sealed, f"row {index}: {error}") from error
        if isinstance(line, bytes):
            return line
        self.not_listed += 1
        if len(self.unlisted) < MOST_UNLISTED:
            self.unlisted.append(Unlisted(sealed.item, index, path, line))
        return b""

    def _csv(self, record: Record, chosen: tuple[Sealed, ...]) -> Iterator[bytes]:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(_CSV_HEAD)
        for sealed in chosen:
            with open_manifest(record.store, sealed) as manifest:
                read_header(manifest, sealed)
                for columns in read_columns(manifest, sealed, (*_COLUMNS, "metadata")):
                    for row, metadata in zip(_rows(sealed, columns), columns[4], strict=True):
                        writer.writerow(_csv_fields(sealed, *row, metadata))
                        self.listed += 1
                    yield buffer.getvalue().encode()
                    buffer.seek(0)
                    buffer.truncate()
        yield buffer.getvalue().encode()


def list_lines(case: Path, form: str, *, item: str | None = None) -> Listing:
    """Return the list of the sealed rows of one exhibit, or of all, in path order.

    Raises:
        BadArgument: U215 no such sealed exhibit, U216 no such form, or nobody took that digest.
        CannotFinish: X401 to X403, X446 the case cannot be read; from `lines` too: X441, X443.
    """
    if form not in FORMATS:
        raise BadArgument(f"{display(form)} is not a form of list.", code="U216", hint=f"One of {', '.join(FORMATS)}.")
    record = read_record(case)
    chosen = record.of_item(item)
    digest = _DIGESTS.get(form)
    if digest in EXTRA_DIGESTS:
        taken = {name for sealed in chosen for name in _digests(record, sealed)}
        if digest not in taken:
            known = ", ".join(sorted(taken)) or "none"
            raise BadArgument(f"No {digest} was taken.", code="U216", hint=f"Recorded digests: {known}.")
    return Listing(record, form, chosen)


def _digests(record: Record, sealed: Sealed) -> list[str]:
    acquired = record.acquisitions.get(sealed.item)
    return list(acquired["body"]["digests"]) if acquired else []


def _rows(sealed: Sealed, columns: list[list[Any]]) -> Iterator[tuple[int, str, _Group, _Group]]:
    """Yield index, kind, name and content of each row of a batch; a group that was erased is None."""
    index = -1
    try:
        for index, kind, name, content in zip(*columns[:4], strict=True):
            yield index, kind.decode(), _group(name), _group(content)
    except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
        raise unreadable(sealed, f"the row after {index}: {error}") from error


def _group(data: bytes | None) -> _Group:
    return None if data is None else orjson.loads(data)


def _own_name(header: dict[str, Any]) -> bytes:
    """Return the name of a source that is one file."""
    return read_name(header["source"], "path").rstrip(b"/").rpartition(b"/")[2] or b"source"


def coreutils_line(digest: str, path: bytes) -> bytes:
    """Return the line of a file that `sha256sum -c` and its sisters read."""
    if path == b"-":
        path = b"./-"  # alone it would stand for standard input
    if any(byte in path for byte in b"\\\n\r"):
        escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        return b"\\%s  %s\n" % (digest.encode(), escaped)
    return b"%s  %s\n" % (digest.encode(), path)


def _b3sum_line(digest: str, path: bytes) -> bytes | str:
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return "b3sum reads UTF-8 names only"
    if "\ufffd" in text or "\r" in text:
        return "b3sum does not read a name with a replacement character or a carriage return"
    return coreutils_line(digest, path)


def _hashdeep_line(size: str, digest: str, path: bytes) -> bytes | str:
    if b"\n" in path or path.endswith(b"\r"):
        return "hashdeep has no way to write a name with a line feed, or with a carriage return at its end"
    line = b"%s,%s,./%s\n" % (size.encode(), digest.encode(), path)  # as `hashdeep -r -l .` names it: it compares names
    if len(line) > _HASHDEEP_LINE:
        return f"hashdeep reads lines of at most {_HASHDEEP_LINE:,} bytes"
    return line


def _csv_fields(
    sealed: Sealed, index: int, kind: str, name: _Group, content: _Group, metadata: bytes | None
) -> list[object]:
    """Return the fields of one row, faithfully: a spreadsheet may take a path that begins with `=` for a formula.

    What was erased is empty; then the state is `erased`.
    """
    try:
        path, raw = ("", None) if name is None else read_text(name, "path")
        nanoseconds = (_group(metadata) or {}).get("mtime_ns", "")
        name, content = name or {}, content or {"size": None, "state": "erased"}
        return [
            sealed.item,
            index,
            path,
            "" if raw is None else raw.hex(),
            _optional(name, "stream"),
            kind,
            content["size"] or "",
            content["state"],
            content.get("reason", ""),
            _optional(name, "target"),
            *(content.get(digest) or "" for digest in _CSV_DIGESTS),
            nanoseconds,
            _instant(nanoseconds),
        ]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unreadable(sealed, f"row {index}: {error}") from error


def _instant(nanoseconds: str) -> str:
    """Return a file time as RFC 3339; empty where there is none, and where the year is none of RFC 3339's."""
    try:
        return format_instant(int(nanoseconds)) if nanoseconds else ""
    except FormatError:
        return ""


def _optional(record: dict[str, Any], key: str) -> str:
    return read_text(record, key)[0] if key in record or key + "_hex" in record else ""
