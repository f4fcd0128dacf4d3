"""Rows of sealed manifests with their digests, as a hash report or a person names them.

Promises: only a manifest that is byte for byte the sealed one is read; what was erased is said to be; a batch in memory
at a time. Source: specs/manifest.md sections 4 and 10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.core.row_name import parse_row_name
from evidencekit.core.values import display, read_name
from evidencekit.errors import BadArgument, FormatError


def files_of(record: Record, sealed: Sealed, algorithms: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what a hash report says of all that is read: files, their streams, and a block device that is the source.

    In the order in which they were sealed. Members: `item`, `index`, `kind`, `path` (bytes), `stream` (bytes or None),
    `state`, `size` and `digests` (hex by algorithm; none where it was not wholly read).

    Raises:
        CannotFinish: X402, X403, X441, X443, the manifest is not what was sealed.
    """
    return (row for row in _rows(record, sealed, algorithms) if _is_read(row))


def rows_named(record: Record, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the rows `EX-001:PATH` or `EX-001#INDEX`, with members as above, in the order in which they were named.

    A path is that of the file or folder itself: its streams have the same, and are found by index.

    Raises:
        BadArgument: U215 no such sealed item, U234 no such row.
        CannotFinish: X402, X403, X441, X443, a manifest is not what was sealed.
    """
    asked = {name: parse_row_name(name) for name in names}
    found: dict[tuple[str, bytes | int], dict[str, Any]] = {}
    for item in {item for item, _ in asked.values()}:
        wanted = {which for of, which in asked.values() if of == item}
        for sealed in record.of_item(item):
            for row in _rows(record, sealed, None):
                for which in (row["index"], *(() if row["stream"] else (row["path"],))):
                    if which in wanted:
                        found[item, which] = row
    for name, place in asked.items():
        if place not in found:
            hint = "`evidencekit find CASE --name GLOB` finds it."
            raise BadArgument(f"There is no row {display(name)}.", code="U234", hint=hint)
    return [found[place] for place in asked.values()]


def _is_read(row: Mapping[str, Any]) -> bool:
    """Tell whether a row's content was to be read (specs/manifest.md section 4); the source itself is the first row."""
    return row["kind"] == "file" or (row["kind"] == "block_device" and row["index"] == 0 and not row["path"])


def _rows(record: Record, sealed: Sealed, algorithms: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    """Yield all rows, with these digests, or with all that were taken."""
    with open_manifest(record.store, sealed) as manifest:
        taken = read_header(manifest, sealed)["digests"] if algorithms is None else algorithms
        for columns in read_columns(manifest, sealed, ("index", "kind", "name", "content")):
            try:
                for index, kind, name, content in zip(*columns, strict=True):
                    yield {"item": sealed.item, "index": index, "kind": kind.decode()} | _said(name, content, taken)
            except (orjson.JSONDecodeError, FormatError, KeyError, TypeError) as error:
                raise unreadable(sealed, f"a row: {error}") from error


def _said(name: bytes | None, content: bytes | None, algorithms: Sequence[str]) -> dict[str, Any]:
    of_name = {} if name is None else orjson.loads(name)
    path = read_name(of_name, "path") if of_name else b""
    stream = read_name(of_name, "stream") if of_name.keys() & {"stream", "stream_hex"} else None
    if not of_name or content is None:
        return {"path": path, "stream": stream, "state": "erased", "size": None, "digests": {}}
    said = orjson.loads(content)
    digests = {algorithm: said[algorithm] for algorithm in algorithms if said.get(algorithm)}
    size = None if said.get("size") is None else int(said["size"])
    return {"path": path, "stream": stream, "state": said["state"], "size": size, "digests": digests}
