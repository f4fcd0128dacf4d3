"""Lines and payload of a received package that are passed on: as they came, byte for byte, or not at all.

Promise: memory does not grow with the payload; of the lines 8 bytes each are kept in mind. Source: specs/package.md
section 7.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.globs import Globs
from evidencekit.core.package_records import MAX_LINE, SHOWN, decode_record, encode_record
from evidencekit.core.records import CONTENT, DERIVED_ROW, NAME
from evidencekit.core.values import parse_count, read_name
from evidencekit.errors import FormatError
from evidencekit.package.payload import Piece


class PassedOn:
    """Payload that keeps the names that it had."""

    def __init__(self, path: Path) -> None:
        """Make the file in which it is remembered."""
        self.count = 0
        self.bytes = 0
        self.largest = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
            "CREATE TABLE piece (place TEXT PRIMARY KEY, item TEXT, idx INTEGER, size INTEGER, sha256 BLOB)"
            " WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the file, which stays."""
        self._connection.close()

    def add(self, place: str, item: str, index: int, size: int, sha256: bytes) -> None:
        """Add a file of the package.

        Raises:
            sqlite3.Error: there is no room.
        """
        self._connection.execute("INSERT INTO piece VALUES (?, ?, ?, ?, ?)", (place, item, index, size, sha256))
        self.count += 1
        self.bytes += size
        self.largest = max(self.largest, size)

    def by_place(self) -> Iterator[Piece]:
        """Yield all pieces in the order of the bag."""
        for place, item, index, size, sha256 in self._connection.execute("SELECT * FROM piece ORDER BY place"):
            yield Piece(0, index, item, b"", b"", size, sha256, place)


class LineFilter:
    """Chooses among the lines of one records.jsonl."""

    def __init__(
        self, manifests: Mapping[int, tuple[str, str]], names: Mapping[str, str], globs: Globs, *, hash_only: bool
    ) -> None:
        """Take item and root of each manifest, the items that are passed on (theirs to ours), and what is asked for."""
        self._manifests, self._names, self._globs, self._hash_only = manifests, names, globs, hash_only
        self._contents: dict[str, array[int]] = {}
        """Root to the indexes of rows whose content is opened, ascending."""
        self.shown: Counter[int] = Counter()
        """Lines by manifest."""
        self.proofless: set[int] = set()
        """Manifests whose list of all leaves is needed."""

    def copy(self, source: BinaryIO, target: BinaryIO, payload: PassedOn, where: str) -> None:
        """Copy the lines that are passed on, and remember their payload.

        Raises:
            FormatError: a line is malformed. OSError, sqlite3.Error: there is no room.
        """
        while line := source.readline(MAX_LINE + 2):
            if not line.endswith(b"\n"):
                raise FormatError(where, expected=f"lines of at most {MAX_LINE} bytes", found="a longer one, or no end")
            record = decode_record(SHOWN, line[:-1])
            manifest = parse_count(record["manifest"])
            item, root = self._manifests.get(manifest, ("", ""))
            if item not in self._names or not self._is_meant(record, root):
                continue
            self.shown[manifest] += 1
            if record["proof"] is None:
                self.proofless.add(manifest)
            if record["payload"] is not None:
                line = self._take_payload(record, line, item, payload)
            target.write(line)

    def _is_meant(self, record: dict[str, Any], root: str) -> bool:
        groups = record["groups"]
        if "opinion" in groups:
            leaf = encoding.decode(record["leaf"].encode())
            DERIVED_ROW.check(leaf)
            opened, index = self._contents.get(leaf["base_root"], array("Q")), parse_count(leaf["base_index"])
            place = bisect_left(opened, index)
            return place < len(opened) and opened[place] == index
        if self._globs:
            if "name" not in groups:
                return False
            name = encoding.decode(groups["name"]["bytes"].encode(), GROUP)
            NAME.check(name)
            if not self._globs.match(read_name(name, "path")):
                return False
        if "content" in groups:
            self._contents.setdefault(root, array("Q")).append(parse_count(record["index"]))
        return True

    def _take_payload(self, record: dict[str, Any], line: bytes, item: str, payload: PassedOn) -> bytes:
        if self._hash_only:
            return encode_record(SHOWN, record | {"payload": None}) + b"\n"
        content = encoding.decode(record["groups"]["content"]["bytes"].encode(), GROUP)
        CONTENT.check(content)
        size, sha256 = parse_count(record["payload"]["bytes"]), bytes.fromhex(content["sha256"])
        payload.add(record["payload"]["path"], item, parse_count(record["index"]), size, sha256)
        return line
