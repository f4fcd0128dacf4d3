"""Lines and payload of a received package that are passed on: as they came, with groups closed, or not at all.

Promise: what is closed is in no byte of what is passed on; memory does not grow with the payload; of the lines 8 bytes
each are kept in mind. Source: specs/package.md section 7.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from evidencekit.core import encoding
from evidencekit.core.bag_names import row_path
from evidencekit.core.encoding import GROUP
from evidencekit.core.globs import Globs
from evidencekit.core.package_records import MAX_LINE, SHOWN, decode_record, encode_record
from evidencekit.core.records import CONTENT, DERIVED_ROW, NAME
from evidencekit.core.values import parse_count, read_name
from evidencekit.errors import FormatError
from evidencekit.package.payload import Piece


class Closing(NamedTuple):
    """Groups that are closed in lines, on a ground."""

    groups: tuple[str, ...]
    ground: str
    glob: str | None
    """Of rows whose path it matches; None: of all."""
    globs: Globs


class PassedOn:
    """Payload that keeps the names that it had, unless these are closed."""

    def __init__(self, path: Path) -> None:
        """Make the file in which it is remembered."""
        self.count = 0
        self.bytes = 0
        self.largest = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
            "CREATE TABLE piece ("
            "place TEXT PRIMARY KEY, item TEXT, idx INTEGER, size INTEGER, sha256 BLOB, came_as TEXT) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the file, which stays."""
        self._connection.close()

    def add(self, place: str, item: str, index: int, size: int, sha256: bytes, came_as: str) -> None:
        """Add a file of the package, which lay there under the path `came_as`.

        Raises:
            sqlite3.Error: there is no room.
        """
        line = (place, item, index, size, sha256, came_as)
        self._connection.execute("INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?)", line)
        self.count += 1
        self.bytes += size
        self.largest = max(self.largest, size)

    def by_place(self) -> Iterator[Piece]:
        """Yield all pieces in the order of the bag; `path` is the path in the package as it came."""
        pieces = self._connection.execute("SELECT * FROM piece ORDER BY place")
        for place, item, index, size, sha256, came_as in pieces:
            yield Piece(0, index, item, came_as.encode(), b"", size, sha256, place)


class LineFilter:
    """Chooses among the lines of one records.jsonl."""

    def __init__(
        self,
        manifests: Mapping[int, tuple[str, str]],
        names: Mapping[str, str],
        globs: Globs,
        *,
        closing: Sequence[Closing] = (),
        hash_only: bool = False,
        branch: str = "",
        parts: Mapping[str, Mapping[int, bool]] | None = None,
    ) -> None:
        """Take item and root of each manifest, the items that are passed on (theirs to ours), and what is asked for.

        `branch` is `NAME/` of an adopted case in the package: what comes before its items in the names of payload.
        `parts` has, by item and index, rows that go with a part of it: whether that is passed on.
        """
        self._parts = parts or {}
        self._manifests, self._names, self._globs, self._hash_only = manifests, names, globs, hash_only
        self._closing, self._branch = closing, branch
        self._contents: dict[str, array[int]] = {}
        """Root to the indexes of rows whose content is opened, ascending."""
        self.shown: Counter[int] = Counter()
        """Lines by manifest."""
        self.closed: Counter[tuple[int, str, str]] = Counter()
        """Groups that were open, by manifest, group and ground: of rows that are passed on all the same."""
        self.used: set[str] = set()
        """Globs of `closing` that matched."""
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
            if item not in self._names and item not in self._parts:
                continue
            if "opinion" not in record["groups"] and not self._goes(item, parse_count(record["index"])):
                continue
            kept = self._kept(record, root)
            if kept is None:
                continue
            self.shown[manifest] += 1
            if kept["proof"] is None:
                self.proofless.add(manifest)
            kept = self._with_payload(kept, record["payload"], item, payload)
            target.write(line if kept == record else encode_record(SHOWN, kept) + b"\n")

    def _goes(self, item: str, index: int) -> bool:
        """Tell whether a row goes with an item that is passed on."""
        return self._parts.get(item, {}).get(index, item in self._names)

    def _kept(self, record: dict[str, Any], root: str) -> dict[str, Any] | None:
        """Return what of a line is passed on; None: nothing."""
        groups, index = record["groups"], parse_count(record["index"])
        if "opinion" in groups:
            leaf = encoding.decode(record["leaf"].encode())
            DERIVED_ROW.check(leaf)
            opened, base = self._contents.get(leaf["base_root"], array("Q")), parse_count(leaf["base_index"])
            place = bisect_left(opened, base)
            return record if place < len(opened) and opened[place] == base else None
        path = _path_of(groups)
        if self._globs and (path is None or not self._globs.match(path)):
            return None
        closed = {name: ground for name, ground in self._closed(path).items() if name in groups}
        if groups.keys() == closed.keys():
            return None
        if "content" in groups and "content" not in closed:
            self._contents.setdefault(root, array("Q")).append(index)
        if not closed:
            return record
        self.closed.update((parse_count(record["manifest"]), *one) for one in closed.items())
        left = {name: opened for name, opened in groups.items() if name not in closed}
        return record | {"grounds": record["grounds"] | closed, "groups": left}

    def _closed(self, path: bytes | None) -> dict[str, str]:
        """Return the groups that are to be closed, with their grounds; a glob goes before what is about all rows."""
        closed: dict[str, str] = {}
        for rule in self._closing:
            if rule.glob is None:
                closed = dict.fromkeys(rule.groups, rule.ground) | closed
        for rule in self._closing:
            if rule.glob is not None and path is not None and rule.globs.match(path):
                self.used.add(rule.glob)
                closed |= dict.fromkeys(rule.groups, rule.ground)
        return closed

    def _with_payload(
        self, kept: dict[str, Any], stated: dict[str, str] | None, item: str, payload: PassedOn
    ) -> dict[str, Any]:
        """Remember the payload of a line that keeps it; return the line with the payload's path."""
        if stated is None or self._hash_only or "content" not in kept["groups"]:
            return kept | {"payload": None}
        content = encoding.decode(kept["groups"]["content"]["bytes"].encode(), GROUP)
        CONTENT.check(content)
        index, place = parse_count(kept["index"]), stated["path"]
        if "name" not in kept["groups"]:
            place = row_path(self._branch + item, index)
        payload.add(place, item, index, parse_count(stated["bytes"]), bytes.fromhex(content["sha256"]), stated["path"])
        return kept | {"payload": stated | {"path": place}}


def _path_of(groups: Mapping[str, Any]) -> bytes | None:
    """Return the path of a row, None where its name is withheld."""
    if "name" not in groups:
        return None
    name = encoding.decode(groups["name"]["bytes"].encode(), GROUP)
    NAME.check(name)
    return read_name(name, "path")
