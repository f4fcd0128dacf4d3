"""Parts in a received package: which of the rows that it shows go with which items, when some of these are passed on.

A row belongs to one item: what was given to a part goes with that part, and not with the exhibit in whose catalogue it
stands; what was copied goes with either. Source: specs/package.md sections 5 and 7, specs/manifest.md section 11.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from evidencekit.core import layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.selection import Split, split_of
from evidencekit.read.package import Package
from evidencekit.read.selection import selected_rows


@dataclass(slots=True)
class PartRows:
    """Rows of an exhibit that lists of parts name."""

    parts: list[str] = field(default_factory=list)
    """Those that are passed on."""
    goes: dict[int, bool] = field(default_factory=dict)
    """Index to whether the row is passed on. All others go with the exhibit."""


def rows_of_parts(package: Package, folder: str, items: Collection[str]) -> dict[str, PartRows]:
    """Return, by exhibit, what lists of parts say; `items` of the log in a folder of the package are passed on.

    Memory: about 100 bytes a row of a list.

    Raises:
        FormatError: an event or a list is malformed. CannotFinish: X402, X403.
    """
    found: dict[str, PartRows] = {}
    bases: dict[str, tuple[str, bool]] = {}
    """Part to the exhibit that its rows are of, and whether it is a copy, or a part of one."""
    for split in _splits(package, folder):
        exhibit, is_copy = bases.get(split.parent, (split.parent, False))
        is_copy = is_copy or split.is_copy
        of_exhibit = found.setdefault(exhibit, PartRows())
        for part in split.parts:
            bases[part.part] = exhibit, is_copy
            goes = part.part in items
            if goes:
                of_exhibit.parts.append(part.part)
            elif is_copy:
                continue
            where = folder + layout.object_file(part.list_sha256)
            with package.open(where) as file:
                of_exhibit.goes.update((row.index, goes) for row in selected_rows(file, part, where))
    return found


def _splits(package: Package, folder: str) -> Iterator[Split]:
    for number in package.numbers(folder + layout.CUSTODY):
        place = folder + layout.event_file(number)
        if package.number(place) is not None:
            event = decode_event(package.read(place, layout.MAX_RECORD_FILE))
            if event["type"] in {"copy", "split"} and knows_type(event):
                yield split_of(number, event)
