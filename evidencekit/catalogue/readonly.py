"""SQLite that can only read: opened read-only and immutable, every action but reading refused, Ctrl-C heard.

Promise: no SQL writes, attaches a file, loads an extension or changes a setting; what goes wrong is one of our errors.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evidencekit.catalogue import globs
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, Interrupted

Parameters = Sequence[Any] | Mapping[str, Any]

_STEPS = 20_000
"""Steps of SQLite's machine between two looks for Ctrl-C: about a millisecond."""
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM})


def connect(path: Path) -> sqlite3.Connection:
    """Open an index for reading only. The caller closes it.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    place = f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
    connection = sqlite3.connect(place, uri=True, isolation_level=None)
    try:
        _tighten(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _tighten(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.execute("PRAGMA cache_size = -65536")
    connection.create_function("glob_matches", 3, globs.glob_matches, deterministic=True)
    connection.create_function("contains_folded", 2, _contains_folded, deterministic=True)
    for table in ("search_names", "search_folders"):
        # FTS5 declares its columns at first use by a CREATE TABLE of its own, which the authorizer would refuse.
        connection.execute(f"SELECT 1 FROM {table} LIMIT 0").close()  # noqa: S608 (our own names)
    connection.set_authorizer(_allow)
    hear_interrupts(connection)


def hear_interrupts(connection: sqlite3.Connection) -> None:
    """Let Ctrl-C stop a long statement: Python hears it while this callback runs, and SQLite gives up."""
    connection.set_progress_handler(lambda: 0, _STEPS)


def stream(connection: sqlite3.Connection, sql: str, parameters: Parameters = ()) -> tuple[list[str], Iterator[Any]]:
    """Run one statement; return its columns and an iterator over its rows.

    Raises (the iterator too):
        BadArgument: U211 the SQL cannot be run, U212 it would do more than read.
        CannotFinish: X444 the index is damaged or there is no room for the answer.
        Interrupted: X499.
    """
    try:
        cursor = connection.execute(sql, parameters)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        raise _error_of(error) from error
    if cursor.description is None:
        cursor.close()
        raise BadArgument("This SQL asks for nothing.", code="U211", hint="Begin with SELECT.")
    return [column[0] for column in cursor.description], _rows(cursor)


def _rows(cursor: sqlite3.Cursor) -> Iterator[Any]:
    try:
        for row in cursor:  # noqa: UP028 (`yield from` would close the cursor by itself, and outside the `finally`)
            yield row
    except sqlite3.Error as error:
        raise _error_of(error) from error
    finally:
        with contextlib.suppress(sqlite3.ProgrammingError):  # the index may be closed before the answer was read out
            cursor.close()


def _contains_folded(wanted: bytes, path: bytes) -> bool:
    return globs.contains_folded(wanted.decode(errors="surrogateescape"), path)


def _allow(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in _READING:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and second not in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first == "data_version" and second is None:  # FTS5 asks for it
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _error_of(error: Exception) -> EvidenceError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None  # the rest are extended codes
    # An interrupt that is heard inside a function of ours shows as its failure; they do not fail otherwise.
    if primary == sqlite3.SQLITE_INTERRUPT or "user-defined function raised exception" in str(error):
        return Interrupted("Stopped.", code="X499")
    why = str(error).rstrip(".")
    if primary == sqlite3.SQLITE_AUTH or "not authorized" in why:
        return BadArgument(
            f"This SQL would do more than read: {why}.",
            code="U212",
            hint="Only SELECT (and WITH … SELECT) can be run on the catalogue.",
        )
    if primary in _DAMAGED:
        return CannotFinish(f"The index is damaged: {why}.", code="X444", hint="Delete index.sqlite: it is made again.")
    if primary in _NO_ROOM:
        return CannotFinish(f"There is no room for the answer: {why}.", code="X444", hint="Ask for less at a time.")
    return BadArgument(
        f"This SQL cannot be run: {why}.", code="U211", hint="`SELECT sql FROM sqlite_schema` shows what is there."
    )
