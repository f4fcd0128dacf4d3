"""Filling an empty index from the sealed manifests, batch by batch.

sqlite-utils sets up the tables here and opens nothing but the temporary file (it writes even where one only looks).
Source: specs/manifest.md sections 2 to 8.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import orjson

from evidencekit.catalogue.known import known_lines
from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.readonly import hear_interrupts
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.catalogue.tables import (
    APPLICATION_ID,
    INDEXES,
    INSERT_MATCH,
    INSERT_ROW,
    SCHEMA_VERSION,
    TABLES,
    VIEWS,
    Folders,
    Opinion,
    integer,
    read_text,
    row_lines,
)
from evidencekit.core.opinions import RESULTS

Progress = Callable[[int, int], None]
"""Called with the rows done and the rows to do."""

_PRAGMAS = (
    "page_size = 16384",
    "journal_mode = OFF",
    "synchronous = OFF",
    "cache_size = -65536",
    "locking_mode = EXCLUSIVE",
)
"""For a file that is thrown away when anything goes wrong."""
_INDEXED_AT_ONCE = 1 << 18
_TELLING = frozenset({"differs", "moved"})
_GROUPS = ("index", "kind", "name", "content", "metadata")


def fill(path: Path, record: Record, stamp: dict[str, str], progress: Progress | None) -> None:
    """Write the whole index into an empty file.

    Raises:
        sqlite3.Error: SQLite would not.
        CannotFinish: X402, X403, X441, X443: a manifest is not what was sealed.
    """
    from sqlite_utils import Database  # noqa: PLC0415 (a fifth of a second, and not needed to ask)

    connection = sqlite3.connect(path, isolation_level=None)
    try:
        hear_interrupts(connection)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database = Database(connection, recursive_triggers=False, execute_plugins=False)
        connection.execute("BEGIN")
        _run(connection, TABLES)
        _insert_manifests(database, record)
        _insert_rows(database, record, progress)
        _insert_matches(connection, record)
        _index_names(connection)
        _run(connection, INDEXES)
        for name, select in VIEWS.items():
            database.create_view(name, select)
        database.table("stamp").insert_all({"key": key, "value": value} for key, value in stamp.items())
        connection.execute("COMMIT")
    finally:
        connection.close()


def _run(connection: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";\n"):
        connection.execute(statement)


def _insert_manifests(database: Any, record: Record) -> None:
    numbers = {sealed.root: sealed.manifest for sealed in record.sealed}
    database.table("manifests").insert_all(
        {
            "number": sealed.manifest,
            "item": sealed.item,
            "kind": sealed.kind,
            "entry": sealed.entry,
            "rows": sealed.rows,
            "root": sealed.root,
            "file_sha256": sealed.file_sha256,
            "base": numbers.get(sealed.base_root),
            "engine": sealed.engine or None,
            "data_sha256": sealed.data_sha256,
        }
        for sealed in (*record.sealed, *record.derived)
    )


def _insert_rows(database: Any, record: Record, progress: Progress | None) -> None:
    total = sum(sealed.rows for sealed in record.sealed)
    done = 0
    folders = Folders()
    for sealed in record.sealed:
        typed = record.media_types(sealed)
        with (
            open_manifest(record.store, sealed) as manifest,
            contextlib.closing(_read_opinions(record, typed)) as lines,
        ):
            header = read_header(manifest, sealed)
            database.table("items").insert(_item(record, sealed, header, typed))
            opinions = _Opinions(database.conn, lines, shuffled=header["order"] == "shuffled")
            for columns in read_columns(manifest, sealed, _GROUPS):
                found = opinions.of(columns[0])
                lines_of = known_lines if sealed.reduced else row_lines
                _insert(database.conn, sealed, lines_of(sealed, columns, found, folders))
                database.conn.executemany("INSERT INTO folders VALUES (?, ?)", folders.take())
                done += len(columns[0])
                if progress is not None:
                    progress(done, total)
    listed = {sealed.item for sealed in record.sealed}
    database.table("items").insert_all(
        {"item": item.exhibit, "holder": item.holder_id, "holder_key": item.holder_key}
        for item in record.custody.items.values()
        if item.exhibit not in listed
    )


def _insert(connection: sqlite3.Connection, sealed: Sealed, lines: list[tuple[object, ...]]) -> None:
    try:
        connection.executemany(INSERT_ROW, lines)
    except (sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError) as error:
        raise unreadable(sealed, f"a member has a value of another kind: {error}") from error


def _index_names(connection: sqlite3.Connection) -> None:
    """Fill the trigram indexes. In large steps: FTS5 writes a segment, and merges, at each statement."""
    for table, column, source, key in (
        ("search_names", "name", "stored_rows", "seq"),
        ("search_folders", "path", "folders", "id"),
    ):
        last = connection.execute(f"SELECT max({key}) FROM {source}").fetchone()[0] or 0  # noqa: S608 (our own names)
        insert = f"INSERT INTO {table} (rowid, {column}) SELECT {key}, {column} FROM {source}"  # noqa: S608
        for start in range(0, last, _INDEXED_AT_ONCE):
            connection.execute(f"{insert} WHERE {key} > ? AND {key} <= ?", (start, start + _INDEXED_AT_ONCE))


class _Opinions:
    """Media types of an item's rows, handed out batch by batch.

    Rows in path order meet them in the same order, so the two files are read side by side. Rows of a shuffled manifest
    do not: then the opinions are laid down in a table first.
    """

    def __init__(
        self, connection: sqlite3.Connection, lines: Generator[tuple[int, Opinion], None, None], *, shuffled: bool
    ) -> None:
        self._connection, self._lines, self._shuffled = connection, lines, shuffled
        self._next: tuple[int, Opinion] | None = None
        if shuffled:
            connection.execute("DELETE FROM opinion")
            insert = "INSERT OR REPLACE INTO opinion VALUES (?, ?, ?, ?)"
            connection.executemany(insert, ((index, *opinion) for index, opinion in lines))

    def of(self, indexes: list[int]) -> dict[int, Opinion]:
        """Return those about the rows of a batch."""
        if self._shuffled:
            found = self._connection.execute(
                "SELECT idx, media_type, charset, error FROM opinion WHERE idx IN (SELECT value FROM json_each(?))",
                (json.dumps(indexes),),
            )
            return {index: (media_type, charset, error) for index, media_type, charset, error in found}
        opinions = {}
        last = max(indexes, default=-1)
        while (line := self._next or next(self._lines, None)) is not None:
            self._next = line
            if line[0] > last:
                break
            opinions[line[0]] = line[1]
            self._next = None
        return opinions


def _read_opinions(record: Record, sealed: Sealed | None) -> Generator[tuple[int, Opinion], None, None]:
    """Yield index and opinion of each row of a derived manifest, in its order."""
    if sealed is None:
        return
    with open_manifest(record.store, sealed) as manifest:
        read_header(manifest, sealed)
        for indexes, groups in read_columns(manifest, sealed, ("base_index", "opinion")):
            try:
                read = [
                    (index, orjson.loads(group))
                    for index, group in zip(indexes, groups, strict=True)
                    if group is not None
                ]
                opinions = [(index, (one["media_type"], one["charset"], one["error"])) for index, one in read]
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise unreadable(sealed, f"an opinion: {error}") from error
            yield from opinions


def _insert_matches(connection: sqlite3.Connection, record: Record) -> None:
    """Lay down the results of every comparison with a list."""
    for sealed in record.derived:
        if sealed.kind != "match":
            continue
        with open_manifest(record.store, sealed) as manifest:
            read_header(manifest, sealed)
            for indexes, groups in read_columns(manifest, sealed, ("base_index", "opinion")):
                try:
                    known = (pair for pair in zip(indexes, groups, strict=True) if pair[1] is not None)
                    lines = [_match_line(sealed, *pair) for pair in known]
                except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                    raise unreadable(sealed, f"an opinion: {error}") from error
                connection.executemany(INSERT_MATCH, lines)


def _match_line(sealed: Sealed, index: int, group: bytes) -> tuple[object, ...]:
    """Return the values of `INSERT_MATCH` for one opinion; its record is kept where it says what the list says."""
    record = orjson.loads(group)
    result = record["result"]
    if result not in RESULTS:
        raise ValueError(result)
    listed_as = read_text(record, "listed_as")[0] if result == "moved" else None
    return sealed.manifest, sealed.item, index, result, listed_as, group.decode() if result in _TELLING else None


def _item(record: Record, sealed: Sealed, header: dict[str, Any], typed: Sealed | None) -> dict[str, object]:
    holder = record.custody.items[sealed.item]
    states = header["totals"]["states"]
    return {
        "item": sealed.item,
        "holder": holder.holder_id,
        "holder_key": holder.holder_key,
        "manifest": sealed.manifest,
        "rows": sealed.rows,
        "bytes": integer(header["totals"], "bytes"),
        "omissions": sum(int(count) for state, count in states.items() if state != "complete"),
        "row_order": header["order"],
        "name_encoding": header["name_encoding"],
        "source": read_text(header["source"], "path")[0],
        "host": header["source"]["host"],
        "started_at": header["started_at"]["time"],
        "finished_at": header["finished_at"]["time"],
        "media_types": typed.manifest if typed else None,
    }
