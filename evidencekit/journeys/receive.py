"""A package taken over: verified, copied byte for byte under `packages/DIGEST/`, entered by a `receive` event.

The copy is made in `work/`, verified as the package was, and gets its name when it is whole; a crash before the event
leaves a package that the same command completes. The receipt is the event itself (`messages.md`, 2).
Source: specs/store.md section 10, specs/custody-log.md section 4, specs/package.md.
"""

from __future__ import annotations

import errno
import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.custody import Custody
from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF
from evidencekit.core.finding import ASPECTS
from evidencekit.core.package_records import PACKAGE, decode_record
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded, events_of
from evidencekit.journeys.custody_choice import NOTHING, Wanted, choose, names_here
from evidencekit.read.package import RECORD, Package, open_package
from evidencekit.verify.package import verify_opened
from evidencekit.verify.policy import Policy
from evidencekit.verify.report import Report
from evidencekit.verify.run import ProgressCall
from evidencekit.write.durable import cannot_write, make_folders, publish
from evidencekit.write.unpacked import Unpacked, unpack

_LEFT_OUT = "not taken"
"""Why an item is refused that was not among those that are accepted."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A package that was verified, and may be received."""

    package: Package
    record: dict[str, Any]
    """evidence/package.json"""
    digest: str
    """The package digest, hex."""
    report: Report
    policy: Policy | None
    policy_digest: str | None
    now: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """What came of it."""

    recorded: Recorded
    copied: Unpacked | None
    """None where all was refused, so that nothing was kept; or where the copy stood there already."""


def examine(
    package: Package,
    *,
    name: str,
    policy: Policy | None = None,
    policy_digest: str | None = None,
    now: int | None = None,
    progress: ProgressCall | None = None,
) -> Incoming:
    """Verify a package that is to be received; `name` is what messages call it.

    Raises:
        FormatError: F100, it does not verify.
        CannotFinish: X402, X403, it cannot be read.
    """
    report = verify_opened(package, policy=policy, now=now, progress=progress)
    if report.verdict == "FAILED":
        found = next((finding for finding in report.findings if finding.severity == "error"), None)
        what = report.reason if found is None else f"{found.code} {found.title} ({found.where})"
        raise FormatError(
            name,
            expected="a package that verifies",
            found=f"{report.verdict}: {what}",
            hint="Nothing was written. `evidencekit verify` on it says everything that is wrong; ask the sender.",
        )
    data = package.read(RECORD, PROOF.size)
    return Incoming(package, decode_record(PACKAGE, data), sha256_hex(data), report, policy, policy_digest, now)


def refuse_unfit_choice(incoming: Incoming, wanted: Wanted) -> None:
    """Raise BadArgument (U263, U264) where something is named that cannot be, before a case is opened for it."""
    names_here(Custody(), choose(list(incoming.record["items"]), wanted), wanted.names)


def receive(
    hand: Hand, incoming: Incoming, wanted: Wanted, *, progress: Callable[[int, int], None] | None = None
) -> Received:
    """Take the package over into the hand's case; `progress` hears of files and bytes that were copied.

    Raises:
        BadArgument: U264 an item that is not in the package, U263 a name that cannot be.
        Refused: R570 it came from this very log, R571 it was received already; R511 a rule of custody forbids it.
        CannotFinish: X492 the copy is not what was verified; X403, X421, X422, X423 it cannot be made.
    """
    _refuse_unfit(hand, incoming)
    record = incoming.record
    sent = list(record["items"])
    taken = choose(sent, wanted)
    refused = [{"item": one, "reason": wanted.refused.get(one, _LEFT_OUT)} for one in sent if one not in taken]
    names = names_here(hand.ledger.custody, taken, wanted.names)
    exporter = record["exporter"]
    body: dict[str, Any] = {
        **wanted.stated,
        "case": record["case"],
        "checked": {name: incoming.report.aspects[name].status for name in ASPECTS},
        "log": record["checkpoint"],
        "package": incoming.digest,
        "policy": incoming.policy_digest,
        "sent_by": {"id": exporter["id"], "key": exporter["key"]},
        "transfer": record["transfer"],
        "verdict": incoming.report.verdict,
    }
    if refused:
        body["refused"] = refused
    if names != taken:
        body["offered_as"] = taken
    hand.ledger.draft("receive", names, body, actor=hand.actor, signers=hand.signers)  # refused before it is copied
    copied = _keep(hand.ledger.store.path, incoming, progress) if names else None
    return Received(hand.record("receive", names, body), copied)


def _refuse_unfit(hand: Hand, incoming: Incoming) -> None:
    origin = incoming.record["checkpoint"]["origin"]
    if origin == hand.ledger.origin:
        raise Refused(
            f"This package came from this very log, {display(origin)}.",
            code="R570",
            hint=f"{NOTHING} What it shows stands in this case already.",
        )
    for entry, event in events_of(hand.ledger.store, "receive"):
        if event["body"]["package"] == incoming.digest:
            raise Refused(
                f"This package was received by entry {entry}, by {display(event['actor']['id'])}.",
                code="R571",
                hint=f"{NOTHING} `evidencekit receive --again {entry} --into CASE --receipt FILE` writes the receipt.",
            )


def _keep(case: Path, incoming: Incoming, progress: Callable[[int, int], None] | None) -> Unpacked | None:
    """Copy the package into the case; what stands there from an attempt that was stopped is verified, and stays."""
    final = case / layout.package_folder(incoming.digest)
    draft = case / layout.WORK / f"{layout.TEMPORARY}package-{incoming.digest[:16]}"
    for place in (final.parent, final, draft.parent, draft):
        if place.is_symlink():
            raise cannot_write(place, OSError(errno.ENOTDIR, "a link stands in its place"))
    if final.exists():
        _refuse_other(final, incoming)
        return None
    make_folders(draft.parent, below=case)
    package = incoming.package
    files = ((name, functools.partial(package.open, name)) for name in package.names())
    copied = unpack(files, draft, progress=progress)
    try:
        _refuse_other(draft, incoming)
        make_folders(final.parent, below=case)
        publish(draft, final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return copied


def _refuse_other(copy: Path, incoming: Incoming) -> None:
    """Raise X492 unless the copy, read again, is the package that was verified, and comes to the same."""
    try:
        with open_package(copy) as package:
            report = verify_opened(package, policy=incoming.policy, now=incoming.now)
            digest = sha256_hex(package.read(RECORD, PROOF.size))
    except FormatError as error:
        found = error.message
    else:
        if digest == incoming.digest and report.verdict == incoming.report.verdict:
            return
        found = f"{report.verdict}: {report.reason}"
    raise CannotFinish(
        f"The copy of the package is not what was verified: {found}",
        code="X492",
        hint=f"{NOTHING} Somebody changed the package meanwhile, or the medium cannot be trusted. Remove "
        f"{copy.parent.name}/{copy.name} if it is there, and try again.",
    )
