"""What a certificate rests on, gathered out of the record of a case: its items, their seizure, digests of their files.

Promises: nothing is verified here, nothing recorded; a manifest that is not the sealed one gives no certificate, since
a person is to swear to it. Source: specs/reporting.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from evidencekit.catalogue.digests import files_of
from evidencekit.catalogue.record import Sealed
from evidencekit.catalogue.summary import summary_of
from evidencekit.errors import CannotFinish
from evidencekit.journeys.case_told import CaseTold, read_told
from evidencekit.report.certificate import LISTED, Alone
from evidencekit.report.receipt import Receipt, receipt_of
from evidencekit.report.report_catalogue import EXAMPLES


def recorded_of_items(case: Path, items: Sequence[str], *, now: int, program: str) -> dict[str, Any]:
    """Return what `report.certificate.certificate_facts` takes as `recorded`, of some sealed items, or of all.

    Members: `summary` (as `catalogue.summary.summarise`, of these items), `events` (as JSON has them, about these
    items), `receipt` (how they were taken, and what corrects it), `rows` (the first that were read, as
    `catalogue.digests.files_of` has them), `alone` (by item: its digests where it is one file or device, else why
    it has none), `others` (items of the case that are not here).

    Raises:
        BadArgument: U215, an item is not a sealed one of this case.
        CannotFinish: X440 nothing is sealed; X441, X443 a manifest is not what was sealed. Further as
        `case_told.read_told`.
    """
    told = read_told(case)
    record = told.record
    chosen = [one for item in sorted(set(items)) for one in record.of_item(item)] if items else [*record.sealed]
    if not chosen:
        raise CannotFinish(
            "The case has no sealed item.", code="X440", hint="A certificate comes after the acquisition."
        )
    names = {one.item for one in chosen}
    summary = summary_of(record, examples=EXAMPLES)
    mine = summary | {"items": [item for item in summary["items"] if item["item"] in names]}
    rows, alone = _digests(told, chosen, {item["item"]: item["digests"] for item in mine["items"]})
    return {
        "summary": mine,
        "events": [one.as_record() for one in told.history.told if names.intersection(one.event["items"])],
        "receipt": _receipt(told, mine, now, program),
        "rows": rows,
        "alone": alone,
        "others": len(summary["items"]) - len(mine["items"]),
    }


def _receipt(told: CaseTold, summary: Mapping[str, Any], now: int, program: str) -> Receipt:
    """Return how the items were taken, as their receipt says it; corrections of what sealed them are among them."""
    things = told.things(item["item"] for item in summary["items"])
    corrected = {item: {*thing.said.corrected} for item, thing in things.items()}
    for one in told.history.told:
        if one.event["type"] == "seal" and one.event["items"][0] in corrected:
            corrected[one.event["items"][0]] |= {later.entry for later in one.corrections}
    return receipt_of(
        summary,
        [thing.event for thing in things.values()],
        told.checkpoint,
        seals=told.seals,
        now=now,
        program=program,
        corrected={item: tuple(sorted(entries)) for item, entries in corrected.items()},
    )


def _digests(
    told: CaseTold, chosen: Sequence[Sealed], algorithms: Mapping[str, Sequence[str]]
) -> tuple[list[dict[str, Any]], dict[str, Alone]]:
    """Return the first LISTED rows that were read, and of each item its digests where it is one file or device.

    Each manifest is opened, which compares its bytes with its digest, however many rows are listed already.
    """
    rows: list[dict[str, Any]] = []
    alone: dict[str, Alone] = {}
    for sealed in chosen:
        room = LISTED - len(rows)
        of_item = list(islice(files_of(told.record, sealed, algorithms[sealed.item]), max(room, 1)))
        alone[sealed.item] = _alone(of_item[0] if of_item and sealed.rows == 1 else None)
        rows += of_item[:room]
    return rows, alone


def _alone(row: Mapping[str, Any] | None) -> Alone:
    """Return the digests of the one row of an item that was read, else why there are none."""
    if row is None:
        return Alone("other")
    if row["state"] == "erased":
        return Alone("erased")
    return Alone("one", row["digests"]) if row["state"] == "complete" else Alone("not_whole")
