"""The payload of a bag: which row's content lies under which name. On disk, so that there may be any number.

Promise: no two names are one, on a file system without case either; the same rows give the same names, in whatever
order they came. Source: specs/package.md section 3.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from evidencekit.core.bag_names import (
    PAYLOAD,
    components_of,
    fold,
    is_too_long,
    map_name,
    map_path,
    row_path,
    shorten_name,
)

_TABLES = """
CREATE TABLE payload (
  manifest INTEGER NOT NULL, idx INTEGER NOT NULL, item TEXT NOT NULL, path BLOB NOT NULL, stream BLOB NOT NULL,
  named INTEGER NOT NULL, folded TEXT NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL,
  PRIMARY KEY (manifest, idx)
) WITHOUT ROWID;
CREATE TABLE place (
  manifest INTEGER NOT NULL, idx INTEGER NOT NULL, place TEXT NOT NULL, PRIMARY KEY (manifest, idx)
) WITHOUT ROWID;
"""
_PIECES = (
    "SELECT manifest, idx, item, path, stream, size, sha256, place FROM place JOIN payload USING (manifest, idx) {}"
)
_BATCH = 4096


class Piece(NamedTuple):
    """The content of one row."""

    manifest: int
    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    item: str
    path: bytes
    """Where it lies in the source."""
    stream: bytes
    size: int
    sha256: bytes
    place: str
    """Its path in the bag."""


class Payload:
    """All pieces of a bag: `add` them, then `name_all`, then ask."""

    def __init__(self, path: Path) -> None:
        """Make the file."""
        self.count = 0
        self.bytes = 0
        self.largest = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}; BEGIN")

    def close(self) -> None:
        """Close the file, which stays."""
        self._connection.close()

    def add(
        self,
        item: str,
        manifest: int,
        index: int,
        path: bytes,
        stream: bytes,
        *,
        is_named: bool,
        size: int,
        sha256: bytes,
    ) -> None:
        """Add a row's content; where its name is withheld, it is not named by its path.

        Raises:
            sqlite3.Error: there is no room.
        """
        plain = map_path(item, path, stream) if is_named else ""
        is_named = is_named and not is_too_long(plain)
        plain = plain if is_named else row_path(item, index)
        folded = "\0".join(map(fold, plain.split("/")))  # a name comes before all that it is the beginning of
        line = (manifest, index, item, path, stream, is_named, folded, size, sha256)
        self._connection.execute("INSERT INTO payload VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", line)
        self.count += 1
        self.bytes += size
        self.largest = max(self.largest, size)

    def name_all(self) -> None:
        """Give every piece its name: where neighbours fold to one, all but the first of them a shortened one.

        Raises:
            sqlite3.Error: there is no room.
        """
        lines = self._connection.execute(
            "SELECT manifest, idx, item, path, stream, named, folded FROM payload"
            " ORDER BY folded, item, path, stream, manifest"
        )
        twins = _Twins()
        named = ((manifest, index, _place(twins, index, *rest)) for manifest, index, *rest in lines)
        while some := list(islice(named, _BATCH)):
            self._connection.executemany("INSERT INTO place VALUES (?, ?, ?)", some)
        self._connection.execute("CREATE UNIQUE INDEX by_place ON place (place)")
        self._connection.execute("COMMIT")

    def by_place(self) -> Iterator[Piece]:
        """Yield all pieces in the order of the bag."""
        return map(Piece._make, self._connection.execute(_PIECES.format("ORDER BY place")))

    def of_manifest(self, manifest: int) -> Iterator[Piece]:
        """Yield the pieces of a manifest in the order of the index."""
        query = _PIECES.format("WHERE manifest = ? ORDER BY idx")
        return map(Piece._make, self._connection.execute(query, (manifest,)))


class _Twins:
    """Which of the names that fold to one is the plain one: the first that came, in folded order."""

    def __init__(self) -> None:
        self._levels: list[tuple[str, dict[tuple[object, ...], object]]] = []
        """For each depth the folded name, and by what stands above who has it plainly."""

    def names(self, meant: list[tuple[bytes, bytes]], folded: list[str]) -> list[str]:
        """Return the names in the bag of components that fold to these."""
        names: list[str] = []
        for depth, (one, key) in enumerate(zip(meant, folded, strict=False)):
            if depth == len(self._levels) or self._levels[depth][0] != key:
                self._levels[depth:] = [(key, {})]
            first = self._levels[depth][1].setdefault(tuple(names), one)
            names.append(map_name(*one) if first == one else shorten_name(*one))
        return names


def _place(twins: _Twins, index: int, item: str, path: bytes, stream: bytes, named: int, folded: str) -> str:
    meant = components_of(item, path, stream) if named else [(item.encode(), b"")]
    names = twins.names(meant, folded.split("\0")[1:])
    if not named:
        names.append(row_path(item, index).rpartition("/")[2])
    return "/".join([PAYLOAD, *names])
