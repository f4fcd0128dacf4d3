"""A list against the rows of one exhibit, in a temporary SQLite file: memory stays flat, whatever their numbers.

Promises: like for like, each digest against that of its kind; each row that has content has one result; an entry to
which nothing answers is missing. Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Self

from evidencekit.acquire.derived import Concluded
from evidencekit.acquire.list_lines import Listed
from evidencekit.acquire.mapping import Mapping
from evidencekit.core.encoding import GROUP, encode
from evidencekit.core.records import MATCH_TYPE
from evidencekit.core.values import name_member
from evidencekit.errors import CannotFinish, Interrupted

_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -65536")
"""For a file that is thrown away in any case."""
_STEPS = 20_000
"""Steps of SQLite's machine between two looks for Ctrl-C: about a millisecond."""

_STRONGEST = ("sha256", "sha512", "sha3_256", "blake3", "sha1", "md5")
"""By which digest content is looked for, where the list has several kinds on lines of their own."""
_MISSING = (
    "FROM entries WHERE"
    " NOT EXISTS (SELECT 1 FROM rows WHERE rows.path = entries.path AND (has_content OR key IS NULL))"
    " AND (key IS NULL OR NOT EXISTS (SELECT 1 FROM contents WHERE contents.key = entries.key))"
)
"""Entries to which nothing answers: a name without a digest can be that of a folder."""

_Facts = tuple[bytes | None, ...]
"""Digests, then the size as decimal digits; None where one is not known."""


class SealedRow(NamedTuple):
    """A row of the exhibit, as far as a list can speak of it."""

    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    path: bytes
    has_content: bool
    """It is of a kind that is read; `digests` are empty where it was not, or not wholly."""
    size: int | None
    digests: dict[str, bytes]


class Answer(NamedTuple):
    """A result that is not `same`, as a person is told."""

    index: int | None  # type: ignore[assignment]  # as in SealedRow; None for a missing entry
    path: bytes
    """Of the row; of a missing entry the name as the list has it."""
    opinion: bytes
    """The group; empty for a missing entry."""
    line: int | None
    """Of a missing entry."""


class Comparison:
    """Entries and rows side by side: `add_entries`, `add_rows`, `choose`, then `opinions`, once each."""

    def __init__(self, path: Path, digests: Sequence[str]) -> None:
        """Make the new file `path`; `digests` are those that the acquisition took.

        Raises (each method, too):
            CannotFinish: X447, SQLite cannot: there is no room, the file cannot be made. Interrupted: X499.
        """
        self._names = (*sorted(digests, key=_STRONGEST.index), "size")
        self._shapes: set[tuple[bool, ...]] = set()
        """Which facts an entry has: each combination that occurs."""
        self.has_backslashes = False
        self.results: Counter[str] = Counter()
        columns = ", ".join(f"{name} BLOB" for name in self._names)
        with _trouble():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.set_progress_handler(lambda: 0, _STEPS)
            for pragma in _PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}").fetchall()
            self._db.execute("BEGIN")
            for table in (
                f"entries (line INTEGER, name BLOB, key BLOB, path BLOB, {columns})",
                f"rows (idx INTEGER PRIMARY KEY, path BLOB, has_content INTEGER, {columns})",
                "contents (key BLOB)",
                "results (idx INTEGER PRIMARY KEY, opinion BLOB)",
            ):
                self._db.execute(f"CREATE TABLE {table}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; whoever made its folder removes it."""
        self._db.close()

    # --- what is compared ---------------------------------------------------------------------------------------

    def add_entries(self, entries: Iterable[Listed]) -> None:
        """Take the entries of the list."""
        marks = ", ".join("?" * (4 + len(self._names)))
        with _trouble():
            self._db.executemany(f"INSERT INTO entries VALUES ({marks})", map(self._entry, entries))  # noqa: S608 (marks)
            self._db.execute("CREATE INDEX entries_key ON entries (key) WHERE key IS NOT NULL")

    def _entry(self, entry: Listed) -> tuple[object, ...]:
        facts = self._facts(entry.digests, entry.size)
        shape = tuple(fact is not None for fact in facts)
        key = None
        if any(shape[:-1]):  # a size alone says nothing of the content
            self._shapes.add(shape)
            key = _key(shape, facts)
        self.has_backslashes = self.has_backslashes or b"\\" in entry.name
        return entry.line, entry.name, key, None, *facts

    def add_rows(self, rows: Iterable[SealedRow]) -> None:
        """Take the rows that the list speaks of; those without content, too, since a list may name them."""
        marks = ", ".join("?" * (3 + len(self._names)))
        insert = f"INSERT INTO rows VALUES ({marks})"  # noqa: S608 (marks)
        with _trouble():
            for row in rows:
                facts = self._facts(row.digests, row.size)
                self._db.execute(insert, (row.index, row.path, row.has_content, *facts))
                if row.digests:
                    self._db.executemany("INSERT INTO contents VALUES (?)", self._keys(facts))
            self._db.execute("CREATE INDEX contents_key ON contents (key)")
            self._db.execute("CREATE INDEX rows_path ON rows (path)")

    def _facts(self, digests: dict[str, bytes], size: int | None) -> _Facts:
        return (*(digests.get(name) for name in self._names[:-1]), None if size is None else b"%d" % size)

    def _keys(self, facts: _Facts) -> Iterator[tuple[bytes]]:
        """Yield the keys under which an entry of the same content could stand."""
        for shape in self._shapes:
            key = _key(shape, facts)
            if key is not None:
                yield (key,)

    def has_row(self, path: bytes) -> bool:
        """Tell whether there is a row of this path."""
        with _trouble():
            return self._db.execute("SELECT 1 FROM rows WHERE path = ?", (path,)).fetchone() is not None

    def choose(self, mappings: Iterable[Mapping]) -> tuple[Mapping, int]:
        """Return the way by which most names are rows, the first of the best, and by how many; take it."""
        best, most = Mapping(), -1
        with _trouble():
            entries = self._db.execute("SELECT count(*) FROM entries").fetchone()[0]
            for mapping in mappings:
                self._db.create_function("mapped", 1, mapping.path)
                sql = "SELECT count(*) FROM entries WHERE mapped(name) IN (SELECT path FROM rows)"
                found = self._db.execute(sql).fetchone()[0]
                if found > most:
                    best, most = mapping, found
                if most == entries:
                    break
            self._db.create_function("mapped", 1, best.path)
            self._db.execute("UPDATE entries SET path = mapped(name)")
            self._db.execute("CREATE INDEX entries_path ON entries (path) WHERE path IS NOT NULL")
        return best, most

    # --- what comes out -----------------------------------------------------------------------------------------

    def opinions(self) -> Iterator[Concluded]:
        """Yield the opinion about each row that has content, in the order of their indexes."""
        for index, sealed, listed in self._joined():
            result, group = self._compare(sealed, listed)
            self.results[result] += 1
            if result != "same":
                with _trouble():
                    self._db.execute("INSERT INTO results VALUES (?, ?)", (index, group))
            yield Concluded(index, group, result)

    def _joined(self) -> Iterator[tuple[int, _Facts, Iterator[_Facts]]]:
        """Yield each row that has content: its index, its facts, and those of the entries of its path."""
        end = 2 + len(self._names)
        columns = ", ".join(f"{table}.{name}" for table in ("rows", "entries") for name in self._names)
        sql = (
            f"SELECT idx, entries.rowid, {columns} FROM rows LEFT JOIN entries ON entries.path = rows.path"  # noqa: S608 (our names)
            " WHERE has_content ORDER BY idx, entries.rowid"
        )
        with _trouble():
            for index, lines in groupby(self._db.execute(sql), key=itemgetter(0)):
                first = next(lines)
                every = () if first[1] is None else chain((first,), lines)  # noqa: B031 (the others)
                yield index, first[2:end], (line[end:] for line in every)

    def _compare(self, sealed: _Facts, listed: Iterator[_Facts]) -> tuple[str, bytes]:
        """Return the result for one row, and its group. All entries of its path count: one that differs shows."""
        if all(fact is None for fact in sealed[:-1]):
            return "not_comparable", _group("not_comparable")
        is_listed = False
        compared: set[str] = set()
        differs: dict[str, bytes] = {}
        for facts in listed:
            is_listed = True
            for name, here, there in zip(self._names, sealed, facts, strict=True):
                if there is not None:
                    compared.add(name)
                    if here != there:
                        differs.setdefault(name, there)
        if differs:
            otherwise = {name: fact.decode() if name == "size" else fact.hex() for name, fact in differs.items()}
            return "differs", _encode("differs", compared=sorted(compared), listed=otherwise)
        if compared - {"size"}:
            return "same", _group("same", *sorted(compared))
        if is_listed:  # under its path, but without a digest that could be compared: equal sizes prove nothing
            return "not_comparable", _group("not_comparable")
        return self._search(sealed)

    def _search(self, sealed: _Facts) -> tuple[str, bytes]:
        """Return the result for a row that is not listed under its path: perhaps its content is, under another."""
        for shape in sorted(self._shapes, key=lambda shape: (sum(shape), shape), reverse=True):
            key = _key(shape, sealed)
            with _trouble():
                found = self._db.execute("SELECT name FROM entries WHERE key = ? LIMIT 1", (key,)).fetchone()
            if found:
                compared = [name for name, has in zip(self._names, shape, strict=True) if has]
                return "moved", _encode("moved", compared=sorted(compared), **name_member("listed_as", found[0]))
        return "not_listed", _group("not_listed")

    def missing(self) -> int:
        """Return the number of entries to which nothing answers."""
        with _trouble():
            return int(self._db.execute(f"SELECT count(*) {_MISSING}").fetchone()[0])

    def answers(self) -> Iterator[Answer]:
        """Yield what is not `same`: rows in the order of their indexes, then missing entries in that of the list."""
        with _trouble():
            sql = "SELECT idx, path, opinion FROM results JOIN rows USING (idx) ORDER BY idx"
            for index, path, opinion in self._db.execute(sql):
                yield Answer(index, path, opinion, None)
            for line, name in self._db.execute(f"SELECT line, name {_MISSING} ORDER BY rowid"):
                yield Answer(None, name, b"", line)


def _key(shape: tuple[bool, ...], facts: _Facts) -> bytes | None:
    """Return what two contents have in common just where all facts of a shape are equal; None where one is unknown."""
    parts = [fact for has, fact in zip(shape, facts, strict=True) if has]
    return None if None in parts else bytes(shape) + b"".join(part for part in parts if part is not None)


def _encode(result: str, **more: Any) -> bytes:
    return encode({"_t": MATCH_TYPE, "result": result, **more}, GROUP)


@lru_cache(maxsize=1024)
def _group(result: str, *compared: str) -> bytes:
    """Return the group of a result that stands in many rows."""
    return _encode(result, **({"compared": list(compared)} if compared else {}))


@contextmanager
def _trouble() -> Iterator[None]:
    """Turn what SQLite says into errors of ours."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise Interrupted("Stopped; nothing was recorded.", code="X499") from error
        raise CannotFinish(
            f"The comparison cannot be carried out: {error}.",
            code="X447",
            hint="Is there room in the case's folder? Nothing was recorded.",
        ) from error
