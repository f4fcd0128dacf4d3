"""The tables of the catalogue, and how sealed rows become lines of them.

Stored (`stored_rows`) are the columns that people search by; the view `rows` adds the others, computed from the groups'
own JSON when they are asked for: `name_record` and `content_record` (kept where they say more than the columns do) and
`metadata_record`. `path` and `name` are text as sealed where the path is UTF-8, else the escaped form of
`core.values.display`; then `path_hex` has the bytes. `path_raw` always has them. Other names stand as sealed: `target`
or `target_hex`. Numbers that SQLite cannot hold (2^63 and more) are NULL; the record has them. What was erased is NULL;
`erased` names the groups.
Source: specs/manifest.md sections 2 to 5.
"""

from __future__ import annotations

from typing import Any

import orjson

from evidencekit.catalogue.manifest import unreadable
from evidencekit.catalogue.record import Sealed
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.core.values import display

SCHEMA_VERSION = 3
"""Another one on disk means: build again."""
APPLICATION_ID = 0x45764B74

_SECONDS = "((mtime_ns - (mtime_ns % 1000000000 + 1000000000) % 1000000000) / 1000000000)"
_FRACTION = "((mtime_ns % 1000000000 + 1000000000) % 1000000000)"


def _text(record: str, *members: str) -> list[str]:
    return [f"json_extract({record}_record, '$.{member}') AS {member}" for member in members]


def _numbers(*members: str) -> list[str]:
    found = "json_extract(metadata_record, '$.{0}')"
    exact = f"CASE WHEN CAST(CAST({found} AS INTEGER) AS TEXT) = {found} THEN CAST({found} AS INTEGER) END AS {{0}}"
    return [exact.format(member) for member in members]


_COMPUTED = [
    "coalesce(path_bytes, CAST(path AS BLOB)) AS path_raw",
    "CASE WHEN path_bytes IS NOT NULL THEN lower(hex(path_bytes)) END AS path_hex",
    f"strftime('%Y-%m-%dT%H:%M:%S', {_SECONDS}, 'unixepoch') || printf('.%09dZ', {_FRACTION}) AS mtime",
    *_text("name", "stream", "stream_hex", "target", "target_hex", "original"),
    *_text("content", "reason", "detail", *EXTRA_DIGESTS, "sha256_zero_filled"),
    *_numbers("ctime_ns", "atime_ns", "btime_ns", "mode", "uid", "gid", "nlink", "link_group", "inode", "device"),
    "printf('%04o', json_extract(metadata_record, '$.mode')) AS mode_octal",
    *_text("metadata", "owner"),
    "json_extract(metadata_record, '$.group') AS grp",
]

TABLES = """
CREATE TABLE stamp (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE manifests (
  number INTEGER, item TEXT, kind TEXT, entry INTEGER, rows INTEGER, root TEXT, file_sha256 TEXT, base INTEGER,
  engine TEXT, data_sha256 TEXT
);
CREATE TABLE matches (
  manifest INTEGER NOT NULL, item TEXT NOT NULL, idx INTEGER NOT NULL, result TEXT NOT NULL, listed_as TEXT, record TEXT
);
CREATE TABLE items (
  item TEXT, holder TEXT, holder_key TEXT, manifest INTEGER, rows INTEGER, bytes INTEGER, omissions INTEGER,
  row_order TEXT, name_encoding TEXT, source TEXT, host TEXT, started_at TEXT, finished_at TEXT, media_types INTEGER
);
CREATE TABLE folders (id INTEGER PRIMARY KEY, path TEXT NOT NULL);
CREATE TABLE stored_rows (
  seq INTEGER PRIMARY KEY, item TEXT NOT NULL, manifest INTEGER NOT NULL, idx INTEGER NOT NULL,
  path TEXT, path_bytes BLOB, name TEXT, ext TEXT, depth INTEGER, folder INTEGER,
  kind TEXT NOT NULL, size INTEGER, state TEXT, sha256 TEXT, blake3 TEXT, mtime_ns INTEGER,
  media_type TEXT, charset TEXT, type_error TEXT,
  name_record TEXT, content_record TEXT, metadata_record TEXT, erased TEXT,
  CHECK (erased IS NOT NULL OR (path IS NOT NULL AND state IS NOT NULL AND metadata_record IS NOT NULL))
);
CREATE TABLE opinion (idx INTEGER PRIMARY KEY, media_type TEXT, charset TEXT, error TEXT);
CREATE VIRTUAL TABLE search_names USING fts5(
  name, content='stored_rows', content_rowid='seq', tokenize='trigram', detail=none, columnsize=0
);
CREATE VIRTUAL TABLE search_folders USING fts5(
  path, content='folders', content_rowid='id', tokenize='trigram', detail=none, columnsize=0
);
INSERT INTO search_names (search_names, rank) VALUES ('hashsize', 16777216);
INSERT INTO search_folders (search_folders, rank) VALUES ('hashsize', 16777216);
"""
"""Trigrams are kept of last names and of folders, each once: a third of what whole paths would take."""

INDEXES = """
DROP TABLE opinion;
CREATE INDEX matches_result ON matches (manifest, result);
CREATE INDEX rows_place ON stored_rows (item, idx);
CREATE INDEX rows_folder ON stored_rows (folder);
CREATE INDEX rows_sha256 ON stored_rows (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX rows_omitted ON stored_rows (state) WHERE state <> 'complete';
CREATE INDEX rows_not_utf8 ON stored_rows (seq) WHERE path_bytes IS NOT NULL;
"""

VIEWS = {
    "rows": f"SELECT *, {', '.join(_COMPUTED)} FROM stored_rows",  # noqa: S608 (our own column names)
    "omissions": """
        SELECT item, idx, path, path_hex, kind, state, reason, detail, size FROM rows
        WHERE state <> 'complete' ORDER BY seq
    """,
    "duplicates": """
        SELECT rows.sha256, copies, rows.size, item, idx, path, path_hex, link_group
        FROM (
          SELECT sha256, count(*) AS copies FROM stored_rows
          WHERE sha256 IS NOT NULL AND size > 0 GROUP BY sha256 HAVING count(*) > 1
        ) AS same
        JOIN rows ON rows.sha256 = same.sha256 AND rows.sha256 IS NOT NULL
        ORDER BY rows.sha256, seq
    """,
}

_STORED = (
    "item, manifest, idx, path, path_bytes, name, ext, depth, folder, kind, size, state, sha256, blake3, mtime_ns, "
    "media_type, charset, type_error, name_record, content_record, metadata_record, erased"
)
INSERT_ROW = f"INSERT INTO stored_rows ({_STORED}) VALUES ({', '.join('?' * (_STORED.count(',') + 1))})"  # noqa: S608

INSERT_MATCH = "INSERT INTO matches VALUES (?, ?, ?, ?, ?, ?)"

Opinion = tuple[str | None, str | None, str | None]
"""Media type, charset, error."""
NO_OPINION: Opinion = (None, None, None)
_PLAIN_NAME = 2  # members of a name group that has a path alone
_PLAIN_CONTENT = 5  # members of a content group: type, two digests, size, state


class Folders:
    """Numbers for folders as a walk meets them. Rows come folder by folder, so a short memory is enough."""

    _REMEMBERED = 4096

    def __init__(self) -> None:
        self._new: list[tuple[int, str]] = []
        self._last = 0
        self._known: dict[str, int] = {}

    def number(self, path: str) -> int:
        """Return the number of a folder; one that was forgotten gets another, which harms nothing."""
        number = self._known.get(path)
        if number is None:
            if len(self._known) >= self._REMEMBERED:
                self._known.clear()
            self._last += 1
            number = self._known[path] = self._last
            self._new.append((number, path))
        return number

    def take(self) -> list[tuple[int, str]]:
        """Return the folders that are new since the last call."""
        new, self._new = self._new, []
        return new


def row_lines(
    sealed: Sealed, columns: list[list[Any]], opinions: dict[int, Opinion], folders: Folders
) -> list[tuple[object, ...]]:
    """Return the values of `INSERT_ROW` for a batch of the columns `index, kind, name, content, metadata`.

    Raises:
        CannotFinish: X443, the groups are not those of rows.
    """
    load, item, manifest = orjson.loads, sealed.item, sealed.manifest
    folder, folder_number = "", folders.number("")
    lines: list[tuple[object, ...]] = []
    index = -1
    try:
        for index, kind, name_record, content_record, metadata_record in zip(*columns, strict=True):
            name, content, metadata = load(name_record), load(content_record), load(metadata_record)
            path, raw = read_text(name, "path")
            if raw is None:
                above, _, last = path.rpartition("/")
                depth = path.count("/") + 1 if path else 0
            else:
                above, last, depth = split_path(raw)
            if above != folder:
                folder, folder_number = above, folders.number(above)
            stem, dot, ext = last.rpartition(".")
            lines.append(
                (
                    item,
                    manifest,
                    index,
                    path,
                    raw,
                    last,
                    ext.lower() if dot and stem else None,
                    depth,
                    folder_number,
                    kind.decode(),
                    integer(content, "size"),
                    content["state"],
                    content["sha256"],
                    content["blake3"],
                    integer(metadata, "mtime_ns"),
                    *opinions.get(index, NO_OPINION),
                    name_record.decode() if len(name) > _PLAIN_NAME else None,
                    content_record.decode() if len(content) > _PLAIN_CONTENT else None,
                    metadata_record.decode(),
                    None,
                )
            )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unreadable(sealed, f"the row after {index}: {error}") from error
    return lines


def read_text(record: dict[str, Any], key: str) -> tuple[str, bytes | None]:
    """Return a name as text, and its bytes where they are not UTF-8: the text is then the escaped form."""
    text = record.get(key)
    if isinstance(text, str):
        return text, None
    raw = bytes.fromhex(record[key + "_hex"])
    return display(raw), raw


def split_path(raw: bytes) -> tuple[str, str, int]:
    """Return folder, last name and depth of a path."""
    folder, _, last = raw.rpartition(b"/")
    return _as_text(folder), _as_text(last), raw.count(b"/") + 1 if raw else 0


def _as_text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return display(raw)


def integer(record: dict[str, Any], key: str) -> int | None:
    """Return a count or signed number where SQLite can hold it."""
    spelled = record.get(key)
    if spelled is None:
        return None
    value = int(spelled)
    return value if -(2**63) <= value < 2**63 else None
