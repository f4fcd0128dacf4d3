"""What a certificate rests on, gathered out of the record of a case: its items, their seizure, digests of their files.

Promises: nothing is verified here, nothing recorded; digests are read only of a manifest that is the sealed one, since
a person is to swear to them. Source: specs/reporting.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from evidencekit.catalogue.digests import files_of
from evidencekit.catalogue.history import History, read_history
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.catalogue.summary import summarise
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.errors import CannotFinish
from evidencekit.report.certificate import LISTED
from evidencekit.report.receipt import Receipt, receipt_of, taken_of
from evidencekit.report.report_catalogue import EXAMPLES


def recorded_of_items(case: Path, items: Sequence[str], *, now: int, program: str) -> dict[str, Any]:
    """Return what `report.certificate.certificate_facts` takes as `recorded`, of some sealed items, or of all.

    Members: `summary` (as `catalogue.summary.summarise`, of these items), `events` (as JSON has them, about these
    items), `receipt` (how they were taken), `rows` (the first files: `item`, `path` as bytes, `state`, `digests`),
    `alone` (digests of each item that is one file, by algorithm), `others` (items of the case that are not here).

    Raises:
        BadArgument: U215, an item is not a sealed one of this case.
        CannotFinish: X401 to X403, X446 the case cannot be read; X440 nothing is sealed; X441, X443 a manifest is not
        what was sealed.
    """
    record = read_record(case)
    chosen = [one for item in sorted(set(items)) for one in record.of_item(item)] if items else [*record.sealed]
    if not chosen:
        raise CannotFinish(
            "The case has no sealed item.", code="X440", hint="A certificate comes after the acquisition."
        )
    names = {one.item for one in chosen}
    summary = summarise(case, examples=EXAMPLES)
    mine = summary | {"items": [item for item in summary["items"] if item["item"] in names]}
    history = read_history(case)
    rows, alone = _digests(record, chosen, {item["item"]: item["digests"] for item in mine["items"]})
    return {
        "summary": mine,
        "events": [one.as_record() for one in history.told if names.intersection(one.event["items"])],
        "receipt": _receipt(mine, history, now, program),
        "rows": rows,
        "alone": alone,
        "others": len(summary["items"]) - len(mine["items"]),
    }


def _receipt(summary: Mapping[str, Any], history: History, now: int, program: str) -> Receipt:
    """Return how the items were taken, as their receipt says it."""
    taken = taken_of(one.event for one in history.told if one.event["type"] in {"collect", "acquire"})
    head = summary["checkpoint"]
    return receipt_of(
        summary,
        [taken[item["item"]] for item in summary["items"]],
        Checkpoint(summary["origin"], head["size"], bytes.fromhex(head["root"])),
        seals=lambda item: history.custody.items[item].seals,
        now=now,
        program=program,
    )


def _digests(
    record: Record, chosen: Sequence[Sealed], algorithms: Mapping[str, Sequence[str]]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, str]]]:
    """Return the first LISTED files with their digests, and the digests of each item that is one file."""
    rows: list[dict[str, Any]] = []
    alone: dict[str, dict[str, str]] = {}
    for sealed in chosen:
        is_alone = sealed.rows == 1
        wanted = max(LISTED - len(rows), int(is_alone))
        of_item = list(islice(files_of(record, sealed, algorithms[sealed.item]), wanted)) if wanted else []
        if is_alone and of_item and of_item[0]["state"] == "complete":
            alone[sealed.item] = of_item[0]["digests"]
        rows += of_item[: LISTED - len(rows)]
    return rows, alone
