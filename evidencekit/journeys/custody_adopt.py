"""Another case taken over: verified, copied byte for byte under `branches/NAME/`, entered by an `adopt` event.

The copy is made in `work/`, read again and compared, and gets its name when it is whole; a crash before the event
leaves a branch that the same command completes. Source: specs/store.md section 9, specs/custody-log.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.catalogue.record import Record, read_record
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.layout import MAX_DEPTH
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded
from evidencekit.verify.policy import Policy
from evidencekit.verify.report import Report
from evidencekit.verify.verifier import verify_case
from evidencekit.write.durable import make_folders, publish
from evidencekit.write.mirror import Mirrored, mirror

_UNFINISHED = {"W901", "W902"}


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of it."""

    recorded: Recorded
    report: Report
    """Of the adopted case, before it was copied."""
    copied: Mirrored


def adopt(
    hand: Hand,
    source: Path,
    name: str,
    *,
    stated: Mapping[str, Any],
    policy: Policy | None = None,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Adopted:
    """Take over the items of another case that are offered to the actor, and the whole case with them.

    `name` is the branch's; `progress` hears of files and bytes that were copied.

    Raises:
        BadArgument: U269, the name cannot be a branch's.
        FormatError: F100, the case does not verify.
        Refused: R548 nothing in it is offered to the actor; R549 it has unfinished or unexpected files, or too many
            cases inside each other; R506, R508 the folders cannot be; R511 a rule of custody forbids it.
        CannotFinish: the cases cannot be read or written; X473 it changed while it was copied.
    """
    if not layout.LABEL.match(name):
        raise BadArgument(f"{display(name)} is no name of a branch.", code="U269", hint="1 to 40 of a-z, 0-9 and -.")
    try:
        record = read_record(source)
    except CannotFinish:
        refuse_unverified(source, verify_case(source, policy=policy, now=now))  # it says better what is wrong
        raise
    items = _offered(hand, record)
    if max(name.count("/") for name in record.custody.items) >= MAX_DEPTH:
        raise _unfit(source, f"{MAX_DEPTH} adopted cases lie in each other there", "Adopt those inside on their own.")
    report = verify_case(source, policy=policy, now=now)
    tree = refuse_unverified(source, report)
    body = {
        **stated,
        "branch": name,
        "case": encode_base64(record.identity),
        "log": {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)},
    }
    items = [f"{name}/{item}" for item in items]
    hand.ledger.draft("adopt", items, body, actor=hand.actor, signers=hand.signers)  # refused before anything is copied
    copied = _copy(source, hand.ledger.store.path, name, tree, progress)
    return Adopted(hand.record("adopt", items, body), report, copied)


def _offered(hand: Hand, record: Record) -> list[str]:
    """Return the items of the other case that are offered to the actor's key."""
    person = hand.ledger.custody.person
    items = sorted(
        item
        for item, one in record.custody.items.items()
        if one.offer is not None and person(one.offer.to.key) == person(hand.key)
    )
    if not items:
        raise Refused(
            f"No open offer in {record.case['origin']} is to {display(hand.actor['id'])} {hand.key}.",
            code="R548",
            hint="Nothing was copied. Whoever holds the items offers them first: `evidencekit custody offer "
            f"{display(str(record.store.path))} --item … --to YOUR.pub …`.",
        )
    return items


def refuse_unverified(source: Path, report: Report) -> Checkpoint:
    """Return the tree that was verified.

    Raises:
        FormatError: F100, the case does not verify. Refused: R549, it is unfinished, or has what does not belong to it.
    """
    found = next((finding for finding in report.findings if finding.severity == "error"), None)
    if report.verdict == "FAILED" or report.checkpoint is None:
        what = report.reason if found is None else f"{found.code} {found.title} ({found.where})"
        raise FormatError(
            display(str(source)),
            expected="a case that verifies",
            found=f"{report.verdict}: {what}",
            hint="Nothing was copied. `evidencekit verify` on it says everything that is wrong.",
        )
    left = next((finding for finding in report.findings if finding.code in _UNFINISHED), None)
    if left is not None:
        hint = "Run `evidencekit checkpoint finish` on it, or take away what does not belong there."
        raise _unfit(source, f"{left.code} {left.title.lower()} ({left.where})", hint)
    return report.checkpoint


def _copy(
    source: Path, case: Path, name: str, tree: Checkpoint, progress: Callable[[int, int], None] | None
) -> Mirrored:
    """Copy a case to its branch; what stands there from an attempt that was stopped is compared, and stays."""
    branch = case / layout.BRANCHES / name
    draft = case / layout.WORK / f"{layout.TEMPORARY}branch-{name}"
    place = branch if branch.exists() else draft
    make_folders(place.parent, below=case)
    copied = mirror(source, place, progress=progress)
    if read_record(place).checkpoint != tree:
        raise CannotFinish(
            f"{display(str(source))} changed while it was copied.",
            code="X473",
            hint=f"Nothing was recorded. Let nobody write to it, remove {place.relative_to(case)}, and try again.",
        )
    if place == draft:
        make_folders(branch.parent, below=case)
        publish(draft, branch)
    return copied


def _unfit(source: Path, why: str, hint: str) -> Refused:
    return Refused(f"{display(str(source))} cannot be adopted: {why}.", code="R549", hint=f"Nothing was copied. {hint}")
