"""The receipt for the owner of a seized device, written out of the record of a case.

Promise: nothing is verified, nothing recorded. Source: cli.md (`field`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.case_told import read_told
from evidencekit.report.html import Texts, receipt_html
from evidencekit.report.receipt import Receipt, receipt_of


def make_receipt(case: Path, texts: Texts, *, items: Sequence[str], now: int, program: str) -> tuple[Receipt, str]:
    """Return what the receipt for some items says (for all that were taken, where none is named), and its HTML.

    Raises:
        BadArgument: U215, an item is named that was not taken in this case.
        CannotFinish: X440, nothing was taken. Further as `case_told.read_told`.
    """
    told = read_told(case)
    things = told.things(told.history.custody.items)
    taken = {item: thing for item, thing in things.items() if thing.was_taken}
    if not taken:
        raise CannotFinish("Nothing was taken in this case.", code="X440", hint="A receipt comes after the seizure.")
    for item in items:
        if item not in taken:
            known = f"Taken were: {', '.join(sorted(taken)[:20])}."
            raise BadArgument(f"{display(item)} was not taken in this case.", code="U215", hint=known)
    chosen = sorted(items or taken)
    receipt = receipt_of(
        told.record.case,
        [taken[item].event for item in chosen],
        told.checkpoint,
        seals=told.seals,
        now=now,
        program=program,
        corrected={item: taken[item].said.corrected for item in chosen},
    )
    return receipt, receipt_html(receipt, texts)
