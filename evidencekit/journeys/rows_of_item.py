"""The rows of an item that somebody means: of its own manifest, or, of a part, those that `split` gave it.

A row belongs to one item: what was given to a part is no longer the item's to divide, or to erase.
Source: specs/manifest.md sections 10 and 11, specs/custody-log.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import VERIFY, Record, Sealed
from evidencekit.core import layout
from evidencekit.core.selection import Selected
from evidencekit.core.selectors import Selectors
from evidencekit.core.values import display, read_name
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.selection import selected_rows

OWN, _GIVEN = 1, 2
"""What becomes of a row: it is the item's, or was given to a part; 0: it never was."""
_OWN_ALONE = bytes([0, OWN]) + bytes(254)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one manifest."""

    sealed: Sealed
    order: str
    """`path` or `shuffled`."""
    belongs: bytearray
    """One byte a row, by index: `OWN` where it is the item's."""
    chosen: bytearray
    """One byte a row, by index: 1 where it is meant."""
    count: int


def choose_rows(record: Record, item: str, selectors: Selectors, *, copies: bool = False) -> Rows:
    """Return the rows of an item that are meant; with `copies` also of a copy, whose rows stay its item's.

    Memory: two bytes a row of the manifest.

    Raises:
        BadArgument: U215 not a sealed exhibit, nor a part of one by rows; U272 a selector matches no row.
        Refused: R551, a row that is named was given to a part.
        CannotFinish: X402, X403, X441, X443 manifest or list is not what was recorded.
    """
    sealed, belongs = _basis(record, item, copies=copies)
    chosen = bytearray(belongs.translate(_OWN_ALONE) if selectors.everything else sealed.rows)
    with open_manifest(record.store, sealed) as manifest:
        order = read_header(manifest, sealed)["order"]
        if selectors.everything:
            return Rows(sealed, order, belongs, chosen, chosen.count(1))
        for indexes, names in read_columns(manifest, sealed, ("index", "name")):
            for index, name in zip(indexes, names, strict=True):
                try:
                    if not belongs[index]:
                        continue
                    path = None if name is None else read_name(orjson.loads(name), "path")
                    if not selectors.matches(index, path):
                        continue
                    if belongs[index] == _GIVEN:
                        _refuse_given(item, index, selectors)
                    else:
                        chosen[index] = 1
                except (FormatError, KeyError, TypeError, IndexError, orjson.JSONDecodeError) as error:
                    raise unreadable(sealed, f"row {index}: {error}") from error
    selectors.refuse_unused()
    return Rows(sealed, order, belongs, chosen, chosen.count(1))


def _basis(record: Record, item: str, *, copies: bool) -> tuple[Sealed, bytearray]:
    """Return the manifest that the rows of an item stand in, and by index whether a row is the item's, or a part's."""
    splits = [split for split in record.splits if copies or not split.is_copy]
    made = {part.part: (split.parent, part) for split in splits for part in split.parts}
    root = item
    while root in made:
        root = made[root][0]
    if root == item:
        (sealed,) = record.of_item(item)
        belongs = bytearray(bytes([OWN]) * sealed.rows)
    else:
        (sealed,) = record.of_item(root)
        belongs = bytearray(sealed.rows)
        _mark(record, made[item][1], sealed, belongs, OWN)
    for split in record.splits:
        if split.parent == item and not split.is_copy:
            for part in split.parts:
                _mark(record, part, sealed, belongs, _GIVEN)
    return sealed, belongs


def _mark(record: Record, part: Selected, sealed: Sealed, belongs: bytearray, mark: int) -> None:
    for index in _listed(record, part):
        if index >= sealed.rows:
            raise _not_its(part, f"row {index} of {sealed.rows}")
        belongs[index] = mark


def _listed(record: Record, part: Selected) -> Iterator[int]:
    """Yield the indexes of the rows of a part."""
    where = layout.object_file(part.list_sha256)
    try:
        with record.store.open(where) as file:
            for row in selected_rows(file, part, where):
                yield row.index
    except FormatError as error:
        raise _not_its(part, error.message) from error
    except OSError as error:
        raise CannotFinish(f"{where} cannot be read: {error.strerror}.", code="X403", path=where) from error


def _not_its(part: Selected, why: str) -> CannotFinish:
    where = layout.object_file(part.list_sha256)
    return CannotFinish(f"{where}, the rows of {part.part}: {display(why)}", code="X443", hint=VERIFY, path=where)


def _refuse_given(item: str, index: int, selectors: Selectors) -> None:
    """Raise where a row that was meant is not the item's any more; where all are meant, only what is left is."""
    if not selectors.everything:
        raise Refused(
            f"Row {index} of {item} was given to a part of it.",
            code="R551",
            hint="Nothing was done. `evidencekit custody status CASE` lists the parts; name the part, or fewer rows.",
        )


def refuse_none(rows: Rows, item: str) -> None:
    """Raise BadArgument (U272) where nothing is left to choose from."""
    if not rows.count:
        raise BadArgument(f"{item} has no rows of its own any more.", code="U272", hint="Its parts have them.")
