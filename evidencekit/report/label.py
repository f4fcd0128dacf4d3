"""Labels for bags and devices: what the record says of each item, short enough for its label. Pure.

Promises: texts are escaped and cut to what a label holds, with a sign that they were; a label names nobody from whom
something was taken; nothing is verified. Source: specs/reporting.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evidencekit.core.label import ELSEWHERE, Label, TypedLabel
from evidencekit.core.values import display
from evidencekit.report.things import Thing

_LINE, _TEXT = 60, 160
"""Characters that a label has room for: on a line, and in a text of some lines."""
Answer = Literal["same", "before_sealing", "another_case", "no_such_item", "another_root", "another_code"]
UNSEALED_HERE = (None, ELSEWHERE)
"""What a label says of the root where nothing is sealed in its log."""
HOLDS: frozenset[Answer] = frozenset({"same", "before_sealing"})
"""Answers by which the label is that of the item."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """An A4 sheet of labels; lengths in millimetres."""

    columns: int
    rows: int
    width: float
    height: float
    top: float
    """From the sheet's edge to the first row; there is nothing between the rows."""
    side: float
    """From the sheet's edges to the first and the last column."""
    gap: float
    """Between the columns."""
    is_large: bool
    """Tell whether there is room for large print."""

    @property
    def labels(self) -> int:
        """How many there are on a sheet."""
        return self.columns * self.rows


SHEETS = {
    "large": Sheet(columns=2, rows=4, width=99.1, height=67.7, top=13.1, side=4.65, gap=2.5, is_large=True),
    "small": Sheet(columns=2, rows=7, width=99.1, height=38.1, top=15.15, side=4.65, gap=2.5, is_large=False),
}
"""Sheets that stationers have: Avery L7165 and L7163, and whatever is cut like them."""


@dataclass(frozen=True, slots=True)
class Sticker:
    """What stands on one label."""

    label: Label
    """What the QR code holds."""
    reference: str
    agency: str
    description: str | None
    serial: str | None
    seals: str | None
    """Physical seals as last stated."""
    corrected: tuple[int, ...]
    """Later entries that correct what is said of it."""
    elsewhere: str | None
    """Origin of the log that has its earlier history, which was not read."""
    by_takers: bool
    """Tell whether `by` names who took it, or who recorded it."""
    by: str
    at_taking: bool
    """Tell whether `at` is when it was taken, or when that was recorded."""
    at: str


def stickers_of(case: Mapping[str, Any], origin: str, items: Iterable[tuple[Thing, str | None]]) -> list[Sticker]:
    """Return the labels of some items, in their order; beside each item its root as `core.label.Label` has it."""
    reference, agency = _cut(display(case["reference"]), _LINE), _cut(display(case["agency"]), _LINE)
    return [_sticker(reference, agency, Label(origin, item.said.exhibit, root), item) for item, root in items]


def answer_of(typed: TypedLabel, origin: str, roots: Mapping[str, str | None]) -> Answer:
    """Return what a case says of a label: `roots` has each of its items, with its root as a label has it."""
    said = typed.label
    if said is not None and said.origin != origin:
        return "another_case"
    if typed.item not in roots:
        return "no_such_item"

    def is_of(root: str | None) -> bool:
        known = Label(origin, typed.item, root)
        return typed.check == known.check if said is None else said == known

    if is_of(roots[typed.item]):
        return "same"
    if roots[typed.item] not in UNSEALED_HERE and any(map(is_of, UNSEALED_HERE)):
        return "before_sealing"
    return "another_code" if said is None else "another_root"


def _sticker(reference: str, agency: str, label: Label, item: Thing) -> Sticker:
    said, seizure = item.said, item.said.seizure
    named = " ".join(text for text in (said.description, said.make, said.model) if text)
    return Sticker(
        label=label,
        reference=reference,
        agency=agency,
        description=_cut(named, _TEXT) or None,
        serial=_cut(said.serial or said.identifiers or "", _LINE) or None,
        seals=_cut(said.seals or "", _LINE) or None,
        corrected=said.corrected,
        elsewhere=None if item.elsewhere is None else _cut(display(item.elsewhere), _LINE),
        by_takers=seizure.seized_by is not None,
        by=_cut(seizure.seized_by or seizure.recorded_by, _LINE),
        at_taking=bool(seizure.seized_at),
        at=(*seizure.seized_at, said.recorded_at)[0],
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
