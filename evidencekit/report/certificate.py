"""What a certificate says: the wording of a form, its slots filled in from the record, and what the program did. Pure.

Promises: what only a person can know has no value here; what nobody recorded is None; each text of others is escaped
and cut, each list is bounded and says what it leaves out; numbers and digests are those of the report.
Source: specs/reporting.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from evidencekit.core.values import format_instant
from evidencekit.report.facts import basis_of, verification_facts
from evidencekit.report.form_file import Block, CertificateForm, Part, Run
from evidencekit.report.receipt import Receipt, Seizure, Taken
from evidencekit.report.report_bounds import bounded, named, said, shown_instant
from evidencekit.report.report_catalogue import catalogue_facts, hash_facts, row_facts
from evidencekit.report.slots import ALONE, SLOTS, Slot

FACTS_TYPE = "evidencekit/certificate-facts/1"
LISTED = 200
"""Files, streams and devices whose digests the hash report lists."""
_NOT_PROFILED: dict[str, dict[Any, int]] = {"months": {}, "sizes": {}}
_OF_CATALOGUE = ("rows", "files", "bytes", "omitted", "unexplained", "omissions", "unfinished")

Value = str | int | list[str] | None


class Alone(NamedTuple):
    """Whether an item is one file or one device."""

    state: Literal["one", "erased", "not_whole", "other"]
    """`erased`: its row was; `not_whole`: it was not wholly read, or changed; `other`: several files, or none."""
    digests: Mapping[str, str] = {}
    """Of its content, by algorithm."""


def certificate_facts(
    form: CertificateForm,
    recorded: Mapping[str, Any],
    verification: Mapping[str, Any] | None,
    *,
    now: int,
    program: str,
) -> dict[str, Any]:
    """Return all that a certificate shows, as JSON takes it.

    Args:
        form: the wording.
        recorded: as `journeys.certificate.recorded_of_items` returns it.
        verification: the document of `verify --json`, made for this certificate; None where nothing was verified.
        now: the time of making, nanoseconds since 1970.
        program: name and version of this program.
    """
    summary = recorded["summary"]
    catalogue = catalogue_facts(summary, _NOT_PROFILED, 0)
    hashes = hash_facts(summary, recorded["events"])
    items = _of_items(catalogue["items"]["rows"], hashes["items"]["rows"], recorded)
    made = shown_instant(format_instant(now))
    of_case = _of_case(summary, program, made) | {"items.count": len(items)}
    return {
        "_t": FACTS_TYPE,
        "form": {
            name: getattr(form, name)
            for name in ("id", "title", "language", "instrument", "citation", "version", "mark", "note", "own")
        },
        "case": of_case,
        "items": bounded(items, len(items), total=len(summary["items"])),
        "others": recorded["others"],
        "parts": [part for one in form.parts for part in _parts(one, of_case, items)],
        "statement": {
            "verification": None if verification is None else _verified(verification, summary, made),
            "catalogue": {name: catalogue[name] for name in _OF_CATALOGUE},
            "hashes": hashes,
        },
        "digests": bounded(
            [row_facts(row) for row in recorded["rows"]], LISTED, total=catalogue["files"] + _devices(summary)
        ),
    }


def _devices(summary: Mapping[str, Any]) -> int:
    """Return how many items are one block device: they have digests, and are no files."""
    totals = [item["totals"] for item in summary["items"]]
    return sum(one["rows"] == one["kinds"].get("block_device") == "1" for one in totals)


def _verified(verification: Mapping[str, Any], summary: Mapping[str, Any], made: str) -> dict[str, Any]:
    """Return what the report says of a verification, and how far it stands behind the record."""
    basis = basis_of(verification, None, {"summary": summary})
    return verification_facts(verification, None, None, made) | {"basis": basis}


def _of_case(summary: Mapping[str, Any], program: str, made: str) -> dict[str, Value]:
    return {
        "case.reference": said(summary["reference"]),
        "case.agency": said(summary["agency"]),
        "case.origin": said(summary["origin"]),
        "case.created_at": shown_instant(summary["created_at"]),
        "log.size": summary["checkpoint"]["size"],
        "log.root": summary["checkpoint"]["root"],
        "made.at": made,
        "made.program": said(program),
    }


# --- items ----------------------------------------------------------------------------------------------------------


def _of_items(
    counted: Sequence[Mapping[str, Any]],
    hashed: Sequence[Mapping[str, Any]],
    recorded: Mapping[str, Any],
) -> list[dict[str, Value]]:
    """Return the slots of each item that the report would list, in its order, and what has to be said beside them."""
    receipt: Receipt = recorded["receipt"]
    taken = {item.exhibit: (item, seizure) for seizure, items in receipt.seizures for item in items}
    stated = {item["item"]: item["particulars"] for item in recorded["summary"]["items"]}
    seals = {one["items"][0]: one["body"] for one in recorded["events"] if one["type"] == "seal"}
    return [
        _of_seizure(*taken[count["item"]], stated[count["item"]])
        | {f"item.{name}": count[name] for name in ("rows", "files", "bytes", "omitted")}
        | {f"item.{name}": hashes[name] for name in _HASHED}
        | _of_manifest(seals.get(count["item"], hashes), hashes, count["erased"])
        | _of_one_file(recorded["alone"].get(count["item"], Alone("other")), hashes["digests"])
        for count, hashes in zip(counted, hashed, strict=True)
    ]


def _of_manifest(seal: Mapping[str, Any], stands: Mapping[str, Any], erased: int) -> dict[str, Value]:
    """Return the digest of the manifest's file as it was sealed, and apart that of the reduced form that stands now."""
    return {
        "item.file_sha256": seal["file_sha256"],
        "item.reduced_file_sha256": stands["file_sha256"] if erased else None,
        "item.erased": erased,
    }


def _of_one_file(alone: Alone, algorithms: Sequence[str]) -> dict[str, Value]:
    """Return the slots of digests: of the content alone where the item is one file or device."""
    return {
        "item.algorithms": list(algorithms),
        "item.alone": alone.state,
        "item.digests": "; ".join(f"{name} {digest}" for name, digest in alone.digests.items()) or None,
        "item.sha256": alone.digests.get("sha256"),
    }


_HASHED = (
    *("source", "host", "mount", "program", "tool", "started_at", "finished_at", "sealed_at"),
    "root",
)


def _of_seizure(taken: Taken, seizure: Seizure, stated: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, str | None] = {
        name: getattr(taken, name)
        for name in ("exhibit", "description", "make", "model", "serial", "identifiers", "quantity", "condition")
    }
    found |= {"make_model": " ".join(filter(None, (taken.make, taken.model))) or None, "seals": taken.seals}
    found |= {"seized_at": ", ".join(seizure.seized_at) or None}
    found |= {name: getattr(seizure, name) for name in ("authority", "place", "seized_by", "seized_from")}
    found |= {"corrected": ", ".join(map(str, taken.corrected)) or None}
    found |= {"recorded_by": f"{seizure.recorded_by}, {seizure.key}"}
    found |= {"acquisition_type": stated.get("acquisition_type"), "write_block": _write_block(stated)}
    return {f"item.{name}": None if value is None else said(value) for name, value in found.items()}


def _write_block(stated: Mapping[str, Any]) -> str | None:
    """Return what was put between the source and the computer; `none: WHY` where it was said that nothing was."""
    block = stated.get("write_block", {})
    words = [named(block[name]) for name in ("make", "model", "serial") if name in block]
    if "none" in block:
        words.append(f"none: {named(block['none'])}")
    return ", ".join(words) or None


# --- wording --------------------------------------------------------------------------------------------------------


def _parts(part: Part, of_case: Mapping[str, Value], items: Iterable[Mapping[str, Value]]) -> list[dict[str, Any]]:
    """Return a part once, or once for each item under one heading."""
    if not part.each_item:
        return [_part(part, of_case, None)]
    return [
        _part(part, {**of_case, **item}, item["item.exhibit"]) | ({"heading": ""} if number else {})
        for number, item in enumerate(items)
    ]


def _part(part: Part, values: Mapping[str, Value], item: Value) -> dict[str, Any]:
    """Return a part, blocks of one kind that follow each other together."""
    groups = [
        {"kind": kind, "blocks": [_block(block, values.get) for block in blocks]}
        for kind, blocks in groupby(part.blocks, key=lambda block: block.kind)
    ]
    corrected = None if item is None else values.get("item.corrected")
    return {"heading": part.heading, "item": item, "corrected": corrected, "groups": groups}


def _block(block: Block, value: Callable[[str], Value]) -> dict[str, Any]:
    """Return a block with what the record has for it; a box is ticked where the record has its value."""
    found: dict[str, Any] = {"label": block.label, "slot": block.slot, "runs": [_run(run, value) for run in block.runs]}
    taken = value(block.slot) if block.kind == "recorded" and block.slot is not None else None
    has = taken if isinstance(taken, list) else []
    found["boxes"] = [{"label": label, "ticked": bool(name) and name in has} for name, label in block.boxes]
    if block.kind == "recorded":
        others = [name for name in has if name not in dict(block.boxes)]
        found["boxes"].append({"label": " ".join((block.other, *others)), "ticked": bool(others)})
    return found


def _run(run: Run, value: Callable[[str], Value]) -> dict[str, Any]:
    if run.slot is None:
        return {"kind": "words", "text": run.text, "slot": None, "value": None}
    slot = SLOTS[run.slot]
    found = None if slot.kind == "person" else value(slot.name)
    return {"kind": slot.kind, "text": "", "slot": slot.name, "value": found} | _absent(slot, found, value)


def _absent(slot: Slot, found: Value, value: Callable[[str], Value]) -> dict[str, Any]:
    """Return what is said where the record has no value: a text of the section `certificate`."""
    if found is not None or slot.kind == "person":
        return {"absent": None}
    return {"absent": f"{ALONE}_{value('item.alone')}" if slot.absent == ALONE else slot.absent}
