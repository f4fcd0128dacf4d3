"""Filling an empty index from the sealed manifests, batch by batch.

sqlite-utils sets up the tables here and opens nothing but the temporary file (it writes even where one only looks).
Source: specs/manifest.md sections 2 to 8.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.readonly import hear_interrupts
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.catalogue.tables import (
    APPLICATION_ID,
    INDEXES,
    INSERT_BARE_ROW,
    INSERT_ROW,
    SCHEMA_VERSION,
    TABLES,
    VIEWS,
    Folders,
    integer,
    read_text,
    row_values,
)
from evidencekit.read.parquet import ManifestFile

Progress = Callable[[int, int], None]
"""Called with the rows done and the rows to do."""

_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "locking_mode = EXCLUSIVE")
"""For a file that is thrown away when anything goes wrong."""
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
        }
        for sealed in (*record.sealed, *record.derived)
    )


def _insert_rows(database: Any, record: Record, progress: Progress | None) -> None:
    total = sum(sealed.rows for sealed in record.sealed)
    done = 0
    folders = Folders()
    for sealed in record.sealed:
        opinions = record.media_types(sealed)
        _take_opinions(database.conn, record, opinions)
        with open_manifest(record.store, sealed) as manifest:
            database.table("items").insert(_item(record, sealed, read_header(manifest, sealed), opinions))
            insert = INSERT_BARE_ROW if opinions is None else INSERT_ROW
            for lines in _batches(manifest, sealed, folders):
                _insert_batch(database.conn, insert, lines, folders)
                done += len(lines)
                if progress is not None:
                    progress(done, total)
    listed = {sealed.item for sealed in record.sealed}
    database.table("items").insert_all(
        {"item": item.exhibit, "holder": item.holder_id, "holder_key": item.holder_key}
        for item in record.custody.items.values()
        if item.exhibit not in listed
    )


def _batches(manifest: ManifestFile, sealed: Sealed, folders: Folders) -> Iterator[list[tuple[object, ...]]]:
    load = orjson.loads
    for columns in read_columns(manifest, sealed, _GROUPS):
        try:
            lines = [
                row_values(sealed, index, kind.decode(), (load(name), load(content), load(metadata)), folders)
                for index, kind, name, content, metadata in zip(*columns, strict=True)
            ]
        except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
            raise unreadable(sealed, f"a row: {error}") from error
        yield lines


def _insert_batch(
    connection: sqlite3.Connection, insert: str, lines: list[tuple[object, ...]], folders: Folders
) -> None:
    connection.executemany(insert, lines)
    last = connection.execute("SELECT max(seq) FROM rows").fetchone()[0]
    connection.execute(
        "INSERT INTO search_names (rowid, name) SELECT seq, name FROM rows WHERE seq > ?", (last - len(lines),)
    )
    connection.executemany("INSERT INTO folders VALUES (?, ?)", folders.new)
    connection.executemany("INSERT INTO search_folders (rowid, path) VALUES (?, ?)", folders.new)
    folders.new.clear()


def _take_opinions(connection: sqlite3.Connection, record: Record, opinions: Sealed | None) -> None:
    """Put the media types of one item where its rows will look for them."""
    connection.execute("DELETE FROM opinion")
    if opinions is None:
        return
    with open_manifest(record.store, opinions) as manifest:
        for indexes, groups in read_columns(manifest, opinions, ("base_index", "opinion")):
            try:
                read = [orjson.loads(group) for group in groups]
                lines = [
                    (index, one["media_type"], one["charset"], one["error"])
                    for index, one in zip(indexes, read, strict=True)
                ]
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                raise unreadable(opinions, f"an opinion: {error}") from error
            connection.executemany("INSERT OR REPLACE INTO opinion VALUES (?, ?, ?, ?)", lines)


def _item(record: Record, sealed: Sealed, header: dict[str, Any], opinions: Sealed | None) -> dict[str, object]:
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
        "media_types": opinions.manifest if opinions else None,
    }
