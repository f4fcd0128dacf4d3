"""Questions to the catalogue: by criteria, or in SQL. Reading only; answers stream.

What an answer does not rest on is in `Catalogue.not_verified`. Source: cli.md (`find`, `query`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from evidencekit.catalogue import readonly
from evidencekit.catalogue.build import Catalogue
from evidencekit.catalogue.globs import fold, name_bytes
from evidencekit.core.opinions import RESULTS
from evidencekit.core.records import EXTRA_DIGESTS, KINDS, STATES
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

_COLUMNS = (
    "item, idx, path, path_hex, stream, stream_hex, kind, size, state, reason, sha256, media_type, mtime, mtime_ns, "
    "target, target_hex, erased"
)
_ONLY_WHERE_GIVEN = ("path_hex", "stream", "stream_hex", "reason", "target", "target_hex", "erased")
_MATCHED = (
    "(item, idx) IN (SELECT item, idx FROM matches WHERE result = :match AND manifest IN"
    " (SELECT max(number) FROM manifests WHERE kind = 'match' GROUP BY item))"
)
_SIZES = {"sha256": 32, "blake3": 32, **EXTRA_DIGESTS}
_SHORTEST_PREFIX = 8
_MOST_TRIGRAMS = 24
_HEX = re.compile(r"[0-9a-f]+\Z")
_LARGEST = 2**63 - 1


class _Where:
    """Conditions that add up, with their values."""

    def __init__(self) -> None:
        self._terms: list[str] = []
        self.values: dict[str, Any] = {}

    def add(self, term: str, **values: Any) -> None:
        self._terms.append(f"({term})")
        self.values.update(values)

    def __str__(self) -> str:
        return " AND ".join(self._terms) or "1"


def find(
    catalogue: Catalogue,
    *,
    name: str | None = None,
    path_contains: str | None = None,
    media_type: str | None = None,
    digest: str | None = None,
    larger: int | None = None,
    smaller: int | None = None,
    after: int | None = None,
    before: int | None = None,
    kind: str | None = None,
    state: str | None = None,
    item: str | None = None,
    match: str | None = None,
    ignore_case: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[Iterator[dict[str, Any]], int]:
    """Return the rows that meet all criteria, by item and path, and how many there are without `limit` and `offset`.

    Args:
        catalogue: the open index.
        name: glob (`globs`): without `/` over the last name, with `/` over the whole path.
        path_contains: text anywhere in the path.
        media_type: glob over the media type; its letters' case never matters.
        digest: hex of any recorded digest, known by its length; or eight or more digits that a SHA-256 or BLAKE3
            begins with.
        larger: more bytes than this.
        smaller: fewer bytes than this.
        after: modified at or after this, nanoseconds since 1970.
        before: modified before this.
        kind: one of `records.KINDS`.
        state: one of `records.STATES`.
        item: exhibit.
        match: one of `opinions.RESULTS`, as the newest comparison of the exhibit with a list gave it.
        ignore_case: for `name` and `path_contains`.
        limit: at most so many rows.
        offset: so many rows are left out first.

    A row has item, index, path, kind, size, state, sha256, media_type, mtime (RFC 3339), mtime_ns; and where there is
    one path_hex (the path's bytes where they are not UTF-8: `path` is then escaped), stream, reason, target. Where
    something of a row was erased, `erased` lists the groups, and what they said is None; the glob `*` matches it.

    Raises:
        BadArgument: U213 a bad digest, U214 a kind, state, glob or bound that cannot be, U215 no such item.
        Interrupted: X499.
    """
    connection = catalogue.connection
    where = _Where()
    if item is not None:
        catalogue.record.of_item(item)
        where.add("item = :item", item=item)
    if kind is not None:
        where.add("kind = :kind", kind=_one_of("kind", kind, KINDS))
    if state is not None:
        where.add("state = :state", state=_one_of("state", state, STATES))
        if state != "complete":
            where.add("state <> 'complete'")  # so that SQLite sees that its index of omissions will do
    if match is not None:
        where.add(_MATCHED, match=_one_of("result", match, RESULTS))
    for term, key, bound in (
        ("size > :larger", "larger", larger),
        ("size < :smaller", "smaller", smaller),
        ("mtime_ns >= :after", "after", after),
        ("mtime_ns < :before", "before", before),
    ):
        if bound is not None:
            where.add(term, **{key: max(-_LARGEST, min(bound, _LARGEST))})
    if media_type is not None:
        where.add("media_type GLOB :media_type", media_type=media_type.lower())
    if digest is not None:
        _add_digest(where, digest)
    if path_contains:
        _add_contains(where, path_contains, ignore_case=ignore_case)
    if name is not None:
        _add_name(where, name, ignore_case=ignore_case)
    if (limit is not None and limit < 0) or offset < 0:
        raise BadArgument("limit and offset cannot be negative.", code="U214")
    _, counted = readonly.stream(connection, f"SELECT count(*) FROM rows WHERE {where}", where.values)  # noqa: S608 (our own terms)
    total = next(counted)[0]
    page = {"limit": -1 if limit is None else limit, "offset": offset}
    sql = f"SELECT {_COLUMNS} FROM rows WHERE {where} ORDER BY seq LIMIT :limit OFFSET :offset"  # noqa: S608 (our own terms)
    columns, rows = readonly.stream(connection, sql, where.values | page)
    return _as_records(columns, rows), total


def query(
    catalogue: Catalogue, sql: str, params: readonly.Parameters = ()
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Run one SELECT on the catalogue; return its columns and an iterator over its rows.

    Tables `rows`, `items`, `manifests`, `matches`, `folders`, `stamp`; views `omissions`, `duplicates`; trigram indexes
    (FTS5) `search_names` (rowid = rows.seq) and `search_folders` (rowid = rows.folder).

    Raises (the iterator too):
        BadArgument: U211 the SQL cannot be run, U212 it would do more than read.
        CannotFinish: X444, the index is damaged or there is no room. Interrupted: X499.
    """
    return readonly.stream(catalogue.connection, sql, params)


def _as_records(columns: list[str], rows: Iterator[Any]) -> Iterator[dict[str, Any]]:
    columns[columns.index("idx")] = "index"
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        for key in ("stream", "target"):
            if record[key + "_hex"] is not None:
                record[key] = display(bytes.fromhex(record[key + "_hex"]))
        if record["erased"] is not None:
            record["erased"] = record["erased"].split(" ")
        for key in _ONLY_WHERE_GIVEN:
            if record[key] is None:
                del record[key]
        yield record


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BadArgument(f"{display(value)} is not a {what}.", code="U214", hint=f"One of {', '.join(allowed)}.")
    return value


def _add_digest(where: _Where, digest: str) -> None:
    wanted = digest.strip().lower()
    if not _HEX.match(wanted):
        raise BadArgument(f"{display(digest)} is not a digest.", code="U213", hint="Give hex digits.")
    names = [name for name, size in _SIZES.items() if 2 * size == len(wanted)]
    if names:
        where.add(" OR ".join(f"{name} = :digest" for name in names), digest=wanted)
    elif _SHORTEST_PREFIX <= len(wanted) < 2 * _SIZES["sha256"]:
        terms = (f"({name} >= :digest AND {name} < :digest_end)" for name in ("sha256", "blake3"))
        where.add(" OR ".join(terms), digest=wanted, digest_end=wanted + "g")
    else:
        lengths = ", ".join(f"{2 * size} ({name})" for name, size in _SIZES.items())
        raise BadArgument(
            f"No digest has {len(wanted)} hex digits.", code="U213", hint=f"Digests have {lengths} digits."
        )


def _add_contains(where: _Where, text: str, *, ignore_case: bool) -> None:
    wanted = name_bytes(text)
    if ignore_case:
        where.add("path IS NOT NULL AND contains_folded(:contained, path_raw)", contained=name_bytes(fold(wanted)))
        return
    where.add("instr(path_raw, :contained) > 0", contained=wanted)
    # The longest run without `/` lies in the last name or in the folder's path: trigrams of both narrow the search.
    # Rows whose path is not UTF-8 are indexed in an escaped form, so they are always looked at.
    longest = max(text.split("/"), key=len)
    if len(longest) >= 3 and _is_text(longest):
        grams = (longest[at : at + 3].replace('"', '""') for at in range(min(len(longest) - 2, _MOST_TRIGRAMS)))
        where.add(
            "seq IN (SELECT rowid FROM search_names WHERE search_names MATCH :grams"
            " UNION ALL SELECT seq FROM stored_rows"
            " WHERE folder IN (SELECT rowid FROM search_folders WHERE search_folders MATCH :grams)"
            " UNION ALL SELECT seq FROM stored_rows WHERE path_bytes IS NOT NULL)",
            grams=" AND ".join(f'"{gram}"' for gram in grams),
        )


def _add_name(where: _Where, pattern: str, *, ignore_case: bool) -> None:
    if pattern.startswith("/") or pattern.endswith("/"):
        raise BadArgument(
            f"The glob {display(pattern)} can never match.",
            code="U214",
            hint="Paths are relative to the source, without `/` at either end.",
        )
    if pattern and not pattern.strip("*"):  # any name: so one that was erased, too
        return
    raw = {"name": name_bytes(pattern), "ignore_case": ignore_case}
    if ignore_case or "[" in pattern or not _is_text(pattern):
        where.add("path IS NOT NULL AND glob_matches(:name, :ignore_case, path_raw)", **raw)
        return
    # SQLite's own GLOB reads `*` and `?` as we do, and is ten times faster; it knows text only.
    column = "path" if "/" in pattern else "name"
    where.add(
        f"CASE WHEN path_bytes IS NULL THEN {column} GLOB :name_text"
        " ELSE glob_matches(:name, :ignore_case, path_raw) END",
        name_text=pattern,
        **raw,
    )


def _is_text(text: str) -> bool:
    """Tell whether SQLite can take a text as it is: no undecoded bytes, no NUL."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
