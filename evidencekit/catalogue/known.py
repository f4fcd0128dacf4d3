"""Lines of the catalogue of rows of which something was erased: what is not known any more is NULL.

Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from typing import Any

import orjson

from evidencekit.catalogue.manifest import unreadable
from evidencekit.catalogue.record import Sealed
from evidencekit.catalogue.tables import NO_OPINION, Folders, Opinion, integer, read_text, split_path
from evidencekit.core.reduced import GROUPS


def known_lines(
    sealed: Sealed, columns: list[list[Any]], opinions: dict[int, Opinion], folders: Folders
) -> list[tuple[object, ...]]:
    """Return the values of `INSERT_ROW` for a batch of the columns `index, kind, name, content, metadata`.

    Raises:
        CannotFinish: X443, the groups are not those of rows.
    """
    lines = []
    index = -1
    try:
        for index, kind, *groups in zip(*columns, strict=True):
            name, content, metadata = (None if data is None else orjson.loads(data) for data in groups)
            content_known = content or {"state": None, "sha256": None, "blake3": None}
            gone = [group for group, data in zip(GROUPS, groups, strict=True) if data is None]
            lines.append(
                (
                    sealed.item,
                    sealed.manifest,
                    index,
                    *_place(name, folders),
                    kind.decode(),
                    integer(content_known, "size"),
                    content_known["state"],
                    content_known["sha256"],
                    content_known["blake3"],
                    integer(metadata or {}, "mtime_ns"),
                    *opinions.get(index, NO_OPINION),
                    *(None if data is None else data.decode() for data in groups),
                    " ".join(gone) or None,
                )
            )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise unreadable(sealed, f"the row after {index}: {error}") from error
    return lines


def _place(name: dict[str, Any] | None, folders: Folders) -> tuple[object, ...]:
    """Return path, its bytes where they are no text, last name, ending, depth, number of the folder."""
    if name is None:
        return None, None, None, None, None, None
    path, raw = read_text(name, "path")
    above, last, depth = split_path(path.encode() if raw is None else raw)
    stem, dot, ext = last.rpartition(".")
    return path, raw, last, ext.lower() if dot and stem else None, depth, folders.number(above)
