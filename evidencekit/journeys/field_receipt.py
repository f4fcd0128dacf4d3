"""The receipt for the owner of a seized device, written out of the record of a case.

Promise: nothing is verified, nothing recorded. Source: cli.md (`field`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evidencekit.catalogue.record import read_record
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.custody import events_of
from evidencekit.report.html import Texts, receipt_html
from evidencekit.report.receipt import Receipt, receipt_of, taken_of


def make_receipt(case: Path, texts: Texts, *, items: Sequence[str], now: int, program: str) -> tuple[Receipt, str]:
    """Return what the receipt for some items says (for all that were taken, where none is named), and its HTML.

    Raises:
        BadArgument: U215, an item is named that was not taken in this case.
        CannotFinish: X401 to X403, X446 the case cannot be read; X402 it has no checkpoint; X440 nothing was taken.
    """
    record = read_record(case)
    if record.checkpoint is None:
        hint = "Run `evidencekit checkpoint finish CASE`."
        raise CannotFinish("The case has no checkpoint.", code="X402", hint=hint)
    log = events_of(record.store, "collect", "acquire")
    taken = taken_of(event for entry, event in log if entry < record.checkpoint.size)
    if not taken:
        raise CannotFinish("Nothing was taken in this case.", code="X440", hint="A receipt comes after the seizure.")
    for item in items:
        if item not in taken:
            known = f"Taken were: {', '.join(sorted(taken)[:20])}."
            raise BadArgument(f"{display(item)} was not taken in this case.", code="U215", hint=known)
    receipt = receipt_of(
        record.case,
        [taken[item] for item in sorted(items or taken)],
        record.checkpoint,
        seals=lambda item: record.custody.items[item].seals,
        now=now,
        program=program,
    )
    return receipt, receipt_html(receipt, texts)
