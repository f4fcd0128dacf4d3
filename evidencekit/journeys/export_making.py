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
from evidencekit.core.values import encode_base64
from evidencekit.errors import FormatError, Refused
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.export_logs import EVIDENCE
from evidencekit.journeys.export_plan import Plan, Request, Share, sealed_of
from evidencekit.package.bag import Pieces, Tag, describe, tag
from evidencekit.package.choice import Choice, Tally
from evidencekit.package.payload import Payload
from evidencekit.package.readme import README
from evidencekit.package.records import write_rows
from evidencekit.read.grounds import label_of
from evidencekit.write.durable import cannot_write

MOST_FILES = 25_000
"""Files beside the payload: package.json names each of them, and has at most 4 MiB."""


def gather_evidence(request: Request, plan: Plan, payload: Payload, stage: Path) -> list[Tag]:
    """Return all files below evidence/ but package.json and its signature; the large ones are made in `stage`.

    Raises:
        Refused: R561, there are too many.
        CannotFinish: X402, X403, X441, X443, X421 to X423.
        FormatError: a line is over its limit (code F102).
    """
    tags: list[Tag] = []
    for number, share in enumerate(plan.shares):
        made = stage / f"log-{number}"
        try:
            made.mkdir()
        except OSError as error:
            raise cannot_write(made, error) from error
        tags += _evidence_of(share, payload, made, full=request.full)
    if len(tags) > MOST_FILES:
        raise Refused(
            f"The package would have {len(tags):,} files beside its payload; {MOST_FILES:,} are possible.",
            code="R561",
            hint="Nothing was written. The log is too long for one package; hide events with --hide-event.",
        )
    return tags


def _evidence_of(share: Share, payload: Payload, stage: Path, *, full: bool) -> Iterator[Tag]:
    """Yield the files that show something of one log."""
    place, store = share.log.place, share.log.record.store
    yield from share.custody.tags
    yield _withheld(share)
    lines = stage / "records.jsonl"
    try:
        with lines.open("xb") as file:
            for choice in share.choices:
                yield from _write_rows(share, choice, payload, stage, file.write)
    except OSError as error:
        raise cannot_write(lines, error) from error
    yield tag(f"{place}/records.jsonl", lines)
    for choice in share.choices if full else ():
        where = sealed_of(share, choice).place
        yield tag(f"{place}/{where}", store.path / where)


def _write_rows(share: Share, choice: Choice, payload: Payload, stage: Path, write: Any) -> Iterator[Tag]:
    """Write the lines of a manifest; yield the file of its leaf hashes, where there is to be one."""
    sealed, tally, store = sealed_of(share, choice), share.tallies[choice.manifest], share.log.record.store
    place = f"leaves/{layout.number(choice.manifest)}"
    with open_manifest(store, sealed, whole=False) as manifest:
        try:
            where = stage / f"leaves-{choice.manifest}"
            leaves = write_rows(store, choice, tally, manifest, payload, leaves=where, write=write)
        except FormatError as error:
            raise unreadable(sealed, error.message) from error
    if leaves is not None:
        yield tag(f"{share.log.place}/{place}", leaves)


def _withheld(share: Share) -> Tag:
    rows, groups = [], []
    for choice in share.choices:
        tally, number = share.tallies[choice.manifest], str(choice.manifest)
        rows += [{"count": str(n), "ground": ground, "manifest": number} for ground, n in sorted(tally.hidden.items())]
        groups += [
            {"count": str(n), "ground": ground, "group": group, "manifest": number}
            for (group, ground), n in sorted(tally.groups.items())
        ]
    return withheld_file(share.custody.hidden, rows, groups, share.log.place)


def withheld_file(
    events: list[dict[str, str]],
    rows: Sequence[dict[str, str]] = (),
    groups: Sequence[dict[str, str]] = (),
    place: str = EVIDENCE,
) -> Tag:
    """Return withheld.json of the log that lies at `place`; each ground that is named has its label."""
    named = sorted({one["ground"] for one in (*rows, *groups, *events)})
    record = {
        "_t": WITHHELD_TYPE,
        "events": events,
        "grounds": [{"ground": ground, "label": label_of(ground)} for ground in named],
        "groups": [*groups],
        "rows": [*rows],
    }
    return tag(f"{place}/withheld.json", encode_record(WITHHELD, record))


def describe_bag(
    record: Record, what: str, payload: Pieces, hand: Hand, created_at: dict[str, Any], *, salt: bytes
) -> list[Tag]:
    """Return README.txt, bag-info.txt and bagit.txt; `what` is in it, in a line.

    With `salt`, 16 random bytes, the digest of bag-info.txt says nothing of the sizes in it to those who get a part.
    """
    case, actor = record.case, hand.actor
    fields = [
        ("Bag-Software-Agent", "evidencekit"),
        ("Bagging-Date", created_at["time"][:10]),
        ("Contact-Name", actor["id"]),
        ("External-Description", f"Digital evidence{what}"[:4000]),
        ("External-Identifier", f"{case['origin']} {case['reference']}"),
        ("Package-Salt", encode_base64(salt)),
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
    package = {
        "_t": PACKAGE_TYPE,
        "confidentiality": stated.get("confidentiality"),
        "created_at": created_at,
        "exporter": hand.actor,
        "files": [{"bytes": str(one.size), "path": one.path, "sha256": one.digests["sha256"]} for one in files],
        "full": False,
        "items": items,
        "manifests": [],
        "onward_transfer": stated.get("onward_transfer"),
        "previous": [],
        "recipient": stated.get("to"),
        "transfer": transfer,
        "use_limits": stated.get("use_limits"),
        **({"request": stated["request"]} if "request" in stated else {}),
        **_log_facts(record),
    } | own
    data = encode_record(PACKAGE, package)
    return data, hand.signers[0].sign(data, NAMESPACE)


def shown_logs(plan: Plan) -> dict[str, Any]:
    """Return what package.json says of the logs of which something is shown: `manifests`, and `branches` if any."""
    own, *others = plan.shares
    branches = [
        {**_log_facts(one.log.record), "items": one.items, "manifests": _manifests(one), "name": one.log.name[:-1]}
        for one in sorted(others, key=lambda share: share.log.name[:-1])
    ]
    return {"manifests": _manifests(own)} | ({"branches": branches} if branches else {})


def _log_facts(record: Record) -> dict[str, Any]:
    tree = record.checkpoint
    assert tree is not None  # noqa: S101 (whoever gathers the log refuses a case without)
    return {
        "case": record.case["case"],
        "checkpoint": {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)},
        "log_keys": record.case["log_keys"],
    }


def _manifests(share: Share) -> list[dict[str, Any]]:
    """Return what package.json says of the manifests of a log."""
    return [_manifest_facts(choice, share.tallies[choice.manifest]) for choice in share.choices]


def _manifest_facts(choice: Choice, tally: Tally) -> dict[str, Any]:
    return {
        "entry": str(choice.entry),
        "hidden": [{"count": str(count), "ground": ground} for ground, count in sorted(tally.hidden.items())],
        "item": choice.item,
        "manifest": str(choice.manifest),
        "root": choice.root,
        "rows": str(choice.rows),
        "shown": str(tally.shown),
    }


def event_body(request: Request, plan: Plan) -> dict[str, Any]:
    """Return the body of the `export` event, less the package's digest and transfer."""
    contents = [
        {name: one[name] for name in ("manifest", "root", "rows", "shown")} | {"item": share.log.whole(one["item"])}
        for share in plan.shares
        for one in _manifests(share)
    ]
    return {**request.stated, "contents": contents, "hash_only": not plan.files}
