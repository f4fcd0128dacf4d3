"""Papers about items, written out of the record of a case: labels, and the form for a handover.

Promise: nothing is verified, nothing recorded. Source: specs/reporting.md section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evidencekit.catalogue.history import History, item_status
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.label import TypedLabel
from evidencekit.core.message import Opened
from evidencekit.core.values import display, format_instant
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys.case_told import CaseTold, read_told
from evidencekit.journeys.holds_told import clocks_of
from evidencekit.report.label import Answer, Sheet, Sticker, answer_of, stickers_of
from evidencekit.report.paper_page import Words, labels_html, transfer_html
from evidencekit.report.report_bounds import shown_instant
from evidencekit.report.things import things_of
from evidencekit.report.transfer import (
    Handed,
    Matter,
    Offered,
    Party,
    Transfer,
    givers_of,
    handed_of,
    matters_of,
    offered_of,
    transfer_of,
)

MAX_ITEMS = 500
"""Items of one paper."""


class Offer(NamedTuple):
    """The file of an offer."""

    opened: Opened
    name: str
    """As its folder has it."""


@dataclass(frozen=True, slots=True)
class Making:
    """How a paper is made."""

    words: Words
    now: int
    """Nanoseconds since 1970, for "printed at" and for what is overdue by then."""
    program: str
    """Name and version."""

    @property
    def at(self) -> str:
        """When, as paper shows it."""
        return shown_instant(format_instant(self.now))


def make_labels(case: Path, items: Sequence[str], sheet: Sheet, skip: int, making: Making) -> tuple[list[Sticker], str]:
    """Return what labels say, and their HTML: for some items, or for all that are held here.

    Raises:
        BadArgument: U215 no such item, U266 too many.
        CannotFinish: X440, the case has no item. Further as `case_told.read_told`.
    """
    told = read_told(case)
    chosen = _chosen(told.history, items)
    things, roots = told.things(chosen), told.roots()
    stickers = stickers_of(told.record.case, told.history.origin, [(things[item], roots[item]) for item in chosen])
    page = labels_html(stickers, sheet, making.words, skip=skip, made_at=making.at, program=making.program)
    return stickers, page


def check_label(case: Path, typed: TypedLabel) -> tuple[Answer, str]:
    """Return what a case says of a label, and the origin of its log. Raises as `case_told.read_told`."""
    told = read_told(case)
    return answer_of(typed, told.history.origin, told.roots()), told.history.origin


def make_form(case: Path, items: Sequence[str], offer: Offer | None, making: Making) -> tuple[Transfer, str]:
    """Return what a transfer form says, and its HTML: for some items, for those of an offer, or for all held here.

    Raises:
        BadArgument: U215 no such item, U266 too many.
        CannotFinish: X440, the case has no item.
        Refused: R545, the log has another entry in the place of the offer, or is older.
        Further as `case_told.read_told`.
    """
    told = read_told(case)
    is_foreign = offer is not None and offer.opened.event["seen"]["origin"] != told.history.origin
    if offer is not None and is_foreign:
        givers, handed, matters, tree = _from_elsewhere(told, offer.opened)
    else:
        givers, handed, matters, tree = _from_here(told, items, None if offer is None else offer.opened, making.now)
    form = transfer_of(
        told.record.case, handed, givers, matters, tree,
        offer=None if offer is None else (offer.opened.event, _offered(offer.opened), offer.name),
        made_at=making.at, program=making.program, tree_of_offer=is_foreign,
    )  # fmt: skip
    return form, transfer_html(form, making.words)


_Sides = tuple[tuple[Party, ...], list[Handed], list[Matter], Checkpoint]


def _from_here(told: CaseTold, items: Sequence[str], opened: Opened | None, now: int) -> _Sides:
    """Return givers, items, open matters and the checkpoint, as this log has them."""
    history, entry = told.history, None
    if opened is not None:
        entry = _entry_of(history, opened)
        items = opened.event["items"]
    chosen = _chosen(history, items)
    things = told.things(chosen)
    clocks = clocks_of(history, now)
    statuses = [
        item_status(history, history.custody.items[item], now)
        | {"lapsed": {hold["hold"] for hold in clocks.get(item, ()) if hold["stage"] == "lapsed"}}
        for item in chosen
    ]
    handed = [handed_of(things[status["item"]], status) for status in statuses]
    matters = [matter for status in statuses for matter in matters_of(status, things[status["item"]], entry)]
    return givers_of(statuses), handed, matters, told.checkpoint


def _from_elsewhere(told: CaseTold, opened: Opened) -> _Sides:
    """Return the same of an offer that was made in another log: what it says itself is all that is known here."""
    event, tree = opened.event, opened.tree
    assert tree is not None  # noqa: S101 (an offer without is refused where it is read)
    body, actor = event["body"], event["actor"]
    stated = {
        "seals": body.get("seals_after", body.get("seals_before")),
        "condition": body.get("condition_after", body.get("condition_before")),
    }
    things = things_of(told.record.case, [(0, event)], event["items"], tree, lambda _: None)
    givers = (Party(display(actor["id"]), actor["key"]),)
    handed = [handed_of(things[item], stated) for item in event["items"]]
    return givers, handed, [Matter(item, "elsewhere", tree.origin, None) for item in event["items"]], tree


def _chosen(history: History, items: Sequence[str]) -> list[str]:
    known = history.custody.items
    for item in items:
        if item not in known:
            hint = f"It knows {', '.join(sorted(known)[:20]) or 'none'}."
            raise BadArgument(f"The log knows no item {display(item)}.", code="U215", hint=hint)
    held = sorted(name for name, item in known.items() if item.ended is None and item.away is None)
    chosen = list(dict.fromkeys(items)) or held
    if not chosen:
        raise CannotFinish("Nothing is held in this case.", code="X440", hint="Papers come after the seizure.")
    if len(chosen) > MAX_ITEMS:
        hint = f"Name at most {MAX_ITEMS} of them: --item EX-001."
        raise BadArgument(f"These are {len(chosen)} items.", code="U266", hint=hint)
    return chosen


def _entry_of(history: History, opened: Opened) -> int:
    """Return the entry of an offer of this log.

    Raises:
        Refused: R545, the log has another entry there, or is older.
    """
    entry = None if opened.entry is None else opened.entry.index
    told = next((one for one in history.told if one.entry == entry), None)
    if entry is None or told is None or told.digest != opened.digest:
        raise Refused(
            "This copy of the log has another entry in the place of the offer, or is older.",
            code="R545",
            hint="Nothing was written. Get the newest copy; `evidencekit compare` shows how they differ.",
        )
    return entry


def _offered(opened: Opened) -> Offered:
    return offered_of(opened.event, opened.digest, None if opened.entry is None else opened.entry.index)
