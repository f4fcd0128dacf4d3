"""The tables of the catalogue, and how a sealed row becomes a line of them.

Names: `path`, `name`, `target`, `stream`, `owner`, `grp` are text as sealed where the bytes are UTF-8, else the escaped
form of `core.values.display`; then `path_hex` (`target_hex`, `stream_hex`) has the bytes. `path_raw` always has them.
Numbers that SQLite cannot hold (2^63 and more) are NULL here; the manifest has them.
Source: specs/manifest.md sections 2 to 5.
"""

from __future__ import annotations

from typing import Any

from evidencekit.catalogue.manifest import unreadable
from evidencekit.catalogue.record import Sealed
from evidencekit.core.values import display

SCHEMA_VERSION = 1
"""Another one on disk means: build again."""
APPLICATION_ID = 0x45764B74

_SECONDS = "((mtime_ns - (mtime_ns % 1000000000 + 1000000000) % 1000000000) / 1000000000)"
_FRACTION = "((mtime_ns % 1000000000 + 1000000000) % 1000000000)"

TABLES = f"""
CREATE TABLE stamp (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE manifests (
  number INTEGER, item TEXT, kind TEXT, entry INTEGER, rows INTEGER, root TEXT, file_sha256 TEXT, base INTEGER,
  engine TEXT
);
CREATE TABLE items (
  item TEXT, holder TEXT, holder_key TEXT, manifest INTEGER, rows INTEGER, bytes INTEGER, omissions INTEGER,
  row_order TEXT, name_encoding TEXT, source TEXT, host TEXT, started_at TEXT, finished_at TEXT, media_types INTEGER
);
CREATE TABLE folders (id INTEGER PRIMARY KEY, path TEXT NOT NULL);
CREATE TABLE rows (
  seq INTEGER PRIMARY KEY, item TEXT NOT NULL, manifest INTEGER NOT NULL, idx INTEGER NOT NULL,
  path TEXT NOT NULL, path_bytes BLOB, name TEXT NOT NULL, ext TEXT, depth INTEGER NOT NULL, folder INTEGER NOT NULL,
  stream TEXT, stream_hex TEXT, target TEXT, target_hex TEXT,
  kind TEXT NOT NULL, size INTEGER, state TEXT NOT NULL, reason TEXT, detail TEXT,
  sha256 TEXT, blake3 TEXT, md5 TEXT, sha1 TEXT, sha512 TEXT, sha3_256 TEXT, sha256_zero_filled TEXT,
  mtime_ns INTEGER, ctime_ns INTEGER, atime_ns INTEGER, btime_ns INTEGER,
  mode INTEGER, uid INTEGER, gid INTEGER, owner TEXT, grp TEXT,
  nlink INTEGER, link_group INTEGER, inode INTEGER, device INTEGER,
  media_type TEXT, charset TEXT, type_error TEXT,
  path_raw BLOB AS (coalesce(path_bytes, CAST(path AS BLOB))),
  path_hex TEXT AS (CASE WHEN path_bytes IS NOT NULL THEN lower(hex(path_bytes)) END),
  mtime TEXT AS (strftime('%Y-%m-%dT%H:%M:%S', {_SECONDS}, 'unixepoch') || printf('.%09dZ', {_FRACTION})),
  mode_octal TEXT AS (CASE WHEN mode IS NOT NULL THEN printf('%04o', mode) END)
);
CREATE TABLE opinion (idx INTEGER PRIMARY KEY, media_type TEXT, charset TEXT, error TEXT);
CREATE VIRTUAL TABLE search_names USING fts5(
  name, content='rows', content_rowid='seq', tokenize='trigram', detail=none, columnsize=0
);
CREATE VIRTUAL TABLE search_folders USING fts5(
  path, content='folders', content_rowid='id', tokenize='trigram', detail=none, columnsize=0
);
"""
"""Trigrams are kept of last names and of folders, each once: a third of what whole paths would take."""

INDEXES = """
DROP TABLE opinion;
CREATE INDEX rows_place ON rows (item, idx);
CREATE INDEX rows_folder ON rows (folder);
CREATE INDEX rows_sha256 ON rows (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX rows_state ON rows (state) WHERE state <> 'complete';
CREATE INDEX rows_not_utf8 ON rows (seq) WHERE path_bytes IS NOT NULL;
"""

VIEWS = {
    "omissions": """
        SELECT item, idx, path, path_hex, kind, state, reason, detail, size FROM rows
        WHERE state <> 'complete' ORDER BY seq
    """,
    "duplicates": """
        SELECT rows.sha256, copies, rows.size, item, idx, path, path_hex, link_group
        FROM (
          SELECT sha256, count(*) AS copies FROM rows
          WHERE sha256 IS NOT NULL AND size > 0 GROUP BY sha256 HAVING count(*) > 1
        ) AS same
        JOIN rows ON rows.sha256 = same.sha256 AND rows.sha256 IS NOT NULL
        ORDER BY rows.sha256, seq
    """,
}

_PLAIN = (
    "item, manifest, idx, path, path_bytes, name, ext, depth, folder, stream, stream_hex, target, target_hex, "
    "kind, size, state, reason, detail, sha256, blake3, md5, sha1, sha512, sha3_256, sha256_zero_filled, "
    "mtime_ns, ctime_ns, atime_ns, btime_ns, mode, uid, gid, owner, grp, nlink, link_group, inode, device"
)
_MARKS = ", ".join("?" * (_PLAIN.count(",") + 1))
INSERT_ROW = f"""
    INSERT INTO rows ({_PLAIN}, media_type, charset, type_error) VALUES ({_MARKS},
      (SELECT media_type FROM opinion WHERE idx = ?3),
      (SELECT charset FROM opinion WHERE idx = ?3),
      (SELECT error FROM opinion WHERE idx = ?3))
"""  # noqa: S608 (our own column names)
INSERT_BARE_ROW = f"INSERT INTO rows ({_PLAIN}) VALUES ({_MARKS})"  # noqa: S608 (our own column names)
"""For items without media types."""


class Folders:
    """Numbers for folders as a walk meets them. Rows come folder by folder, so a short memory is enough."""

    _REMEMBERED = 4096

    def __init__(self) -> None:
        self.new: list[tuple[int, str]] = []
        """Folders met since the caller last took them."""
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
            self.new.append((number, path))
        return number


def row_values(
    sealed: Sealed,
    index: int,
    kind: str,
    groups: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    folders: Folders,
) -> tuple[object, ...]:
    """Return the values of `INSERT_ROW` for one sealed row.

    Raises:
        CannotFinish: X443, the groups are not those of a row.
    """
    name, content, metadata = groups
    try:
        path, raw = read_text(name, "path")
        if raw is None:
            folder, _, last = path.rpartition("/")
            depth = path.count("/") + 1 if path else 0
        else:
            above, _, below = raw.rpartition(b"/")
            folder, last = _as_text(above), _as_text(below)
            depth = raw.count(b"/") + 1
        stem, dot, ext = last.rpartition(".")
        stream, stream_raw = read_text(name, "stream")
        target, target_raw = read_text(name, "target")
        detail = content.get("detail")
        return (
            sealed.item,
            sealed.manifest,
            index,
            path,
            raw,
            last,
            ext.lower() if dot and stem else None,
            depth,
            folders.number(folder),
            stream or None,
            stream_raw.hex() if stream_raw is not None else None,
            target or None,
            target_raw.hex() if target_raw is not None else None,
            kind,
            integer(content, "size"),
            content["state"],
            content.get("reason"),
            detail if isinstance(detail, str) else None,
            content["sha256"],
            content["blake3"],
            content.get("md5"),
            content.get("sha1"),
            content.get("sha512"),
            content.get("sha3_256"),
            content.get("sha256_zero_filled"),
            integer(metadata, "mtime_ns"),
            integer(metadata, "ctime_ns"),
            integer(metadata, "atime_ns"),
            integer(metadata, "btime_ns"),
            integer(metadata, "mode"),
            integer(metadata, "uid"),
            integer(metadata, "gid"),
            read_text(metadata, "owner")[0] or None,
            read_text(metadata, "group")[0] or None,
            integer(metadata, "nlink"),
            integer(metadata, "link_group"),
            integer(metadata, "inode"),
            integer(metadata, "device"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(sealed, f"row {index}: {error}") from error


def read_text(record: dict[str, Any], key: str) -> tuple[str, bytes | None]:
    """Return a name as text, and its bytes where they are not UTF-8; empty where there is none."""
    text = record.get(key)
    if text is not None:
        return text, None
    spelled = record.get(key + "_hex")
    if spelled is None:
        return "", None
    raw = bytes.fromhex(spelled)
    return display(raw), raw


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
