"""The files of a package: rows with their proofs, the log, what is withheld, and the signed record of all of them.

Source: specs/package.md sections 1 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evidencekit.catalogue.manifest import open_manifest, unreadable
from evidencekit.catalogue.record import Record
from evidencekit.core import layout
from evidencekit.core.package_records import NAMESPACE, PACKAGE, PACKAGE_TYPE, WITHHELD, WITHHELD_TYPE, encode_record
from evidencekit.errors import FormatError, Refused
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.export_custody import EVIDENCE
from evidencekit.journeys.export_plan import Plan, Request, sealed_of
from evidencekit.package.bag import Pieces, Tag, describe, tag
from evidencekit.package.choice import Choice
from evidencekit.package.payload import Payload
from evidencekit.package.readme import README
from evidencekit.package.records import gather, has_all_leaves, write_lines
from evidencekit.read.grounds import label_of
from evidencekit.write.durable import cannot_write

MOST_FILES = 25_000
"""Files beside the payload: package.json names each of them, and has at most 4 MiB."""


def gather_evidence(record: Record, request: Request, plan: Plan, payload: Payload, stage: Path) -> list[Tag]:
    """Return all files below evidence/ but package.json and its signature; the large ones are made in `stage`.

    Raises:
        Refused: R561, there are too many.
        CannotFinish: X402, X403, X441, X443, X421 to X423.
        FormatError: a line is over its limit (code F102).
    """
    tags = [*plan.custody.tags, _withheld(plan)]
    lines = stage / "records.jsonl"
    try:
        with lines.open("xb") as file:
            for choice in plan.choices:
                tags += _write_rows(record, choice, plan, payload, stage, file.write)
    except OSError as error:
        raise cannot_write(lines, error) from error
    tags.append(tag(f"{EVIDENCE}/records.jsonl", lines))
    if request.full:
        places = [sealed_of(record, choice).place for choice in plan.choices]
        tags += [tag(f"{EVIDENCE}/{place}", record.store.path / place) for place in places]
    if len(tags) > MOST_FILES:
        raise Refused(
            f"The package would have {len(tags):,} files beside its payload; {MOST_FILES:,} are possible.",
            code="R561",
            hint="Nothing was written. The log is too long for one package; hide events with --hide-event.",
        )
    return tags


def _write_rows(record: Record, choice: Choice, plan: Plan, payload: Payload, stage: Path, write: Any) -> Iterator[Tag]:
    """Write the lines of a manifest; yield the file of its leaf hashes, where there is to be one."""
    sealed, tally = sealed_of(record, choice), plan.tallies[choice.manifest]
    place = f"leaves/{layout.number(choice.manifest)}"
    with open_manifest(record.store, sealed, whole=False) as manifest:
        try:
            leaves = gather(choice, manifest, stage / f"leaves-{choice.manifest}")
            with_leaves = has_all_leaves(choice, tally)
            write_lines(choice, manifest, leaves, payload, write, with_proofs=not with_leaves)
            leaves.close()
        except FormatError as error:
            raise unreadable(sealed, error.message) from error
    if with_leaves:
        yield tag(f"{EVIDENCE}/{place}", leaves.path)
    else:
        leaves.path.unlink()


def _withheld(plan: Plan) -> Tag:
    rows, groups = [], []
    for choice in plan.choices:
        tally, number = plan.tallies[choice.manifest], str(choice.manifest)
        rows += [{"count": str(n), "ground": ground, "manifest": number} for ground, n in sorted(tally.hidden.items())]
        groups += [
            {"count": str(n), "ground": ground, "group": group, "manifest": number}
            for (group, ground), n in sorted(tally.groups.items())
        ]
    return withheld_file(plan.custody.hidden, rows, groups)


def withheld_file(
    events: list[dict[str, str]], rows: Sequence[dict[str, str]] = (), groups: Sequence[dict[str, str]] = ()
) -> Tag:
    """Return withheld.json; each ground that is named has its label."""
    named = sorted({one["ground"] for one in (*rows, *groups, *events)})
    record = {
        "_t": WITHHELD_TYPE,
        "events": events,
        "grounds": [{"ground": ground, "label": label_of(ground)} for ground in named],
        "groups": [*groups],
        "rows": [*rows],
    }
    return tag(f"{EVIDENCE}/withheld.json", encode_record(WITHHELD, record))


def describe_bag(record: Record, what: str, payload: Pieces, hand: Hand, created_at: dict[str, Any]) -> list[Tag]:
    """Return README.txt, bag-info.txt and bagit.txt; `what` is in it, in a line."""
    case, actor = record.case, hand.actor
    fields = [
        ("Bag-Software-Agent", "evidencekit"),
        ("Bagging-Date", created_at["time"][:10]),
        ("Contact-Name", actor["id"]),
        ("External-Description", f"Digital evidence{what}"[:4000]),
        ("External-Identifier", f"{case['origin']} {case['reference']}"),
        ("Source-Organization", actor["organisation"] or case["agency"]),
    ]
    return describe(fields, payload, README)


def package_record(
    record: Record,
    hand: Hand,
    stated: Mapping[str, Any],
    *,
    files: list[Tag],
    items: list[str],
    transfer: str,
    created_at: dict[str, Any],
    **own: Any,
) -> tuple[bytes, bytes]:
    """Return package.json and its signature; `own` is what only some packages have, `hash_only` among it.

    Raises:
        FormatError: over a limit (code F102), or outside its schema. CannotFinish: X414, X416.
    """
    tree = record.checkpoint
    assert tree is not None  # noqa: S101 (whoever gathers the log refuses a case without)
    package = {
        "_t": PACKAGE_TYPE,
        "case": record.case["case"],
        "checkpoint": {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)},
        "confidentiality": stated.get("confidentiality"),
        "created_at": created_at,
        "exporter": hand.actor,
        "files": [{"bytes": str(one.size), "path": one.path, "sha256": one.digests["sha256"]} for one in files],
        "full": False,
        "items": items,
        "log_keys": record.case["log_keys"],
        "manifests": [],
        "onward_transfer": stated.get("onward_transfer"),
        "previous": [],
        "recipient": stated.get("to"),
        "transfer": transfer,
        "use_limits": stated.get("use_limits"),
    } | own
    data = encode_record(PACKAGE, package)
    return data, hand.signers[0].sign(data, NAMESPACE)


def manifest_facts(choice: Choice, plan: Plan) -> dict[str, Any]:
    """Return what package.json says of a manifest."""
    tally = plan.tallies[choice.manifest]
    return {
        "entry": str(choice.entry),
        "hidden": [{"count": str(count), "ground": ground} for ground, count in sorted(tally.hidden.items())],
        "item": choice.item,
        "manifest": str(choice.manifest),
        "root": choice.root,
        "rows": str(choice.rows),
        "shown": str(tally.shown),
    }


def event_body(request: Request, plan: Plan, *, package: str, transfer: str) -> dict[str, Any]:
    """Return the body of the `export` event; `package` is the package digest."""
    contents = [manifest_facts(choice, plan) for choice in plan.choices]
    return {
        **request.stated,
        "contents": [{name: one[name] for name in ("item", "manifest", "root", "rows", "shown")} for one in contents],
        "hash_only": not plan.files,
        "package": package,
        "transfer": transfer,
    }
