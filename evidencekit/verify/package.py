"""A package that proves itself: the steps over it, in their order, and the report that comes of them.

Nothing is unpacked or written, nothing stops at the first finding; a container that is refused gives a report, too.
Source: specs/package.md section 8, specs/verification.md section 2b.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidencekit.core.paper import KnownHead
from evidencekit.read.package import RECORD, Package, open_package
from evidencekit.read.package_names import BadContainer
from evidencekit.verify.conclude import conclude, count, judge, reached, reasons, required
from evidencekit.verify.outside import check_outside, check_package_digest, parse_known_head
from evidencekit.verify.package_bag import Bag, check_bag
from evidencekit.verify.package_branches import check_branches
from evidencekit.verify.package_counts import check_payload_claimed, check_sums, check_withheld, tell_withheld
from evidencekit.verify.package_folder import RecordFolder
from evidencekit.verify.package_log import LogFound, PackageView
from evidencekit.verify.package_policy import check_package_policy
from evidencekit.verify.package_previous import Previous
from evidencekit.verify.package_record import check_files, check_signature, package_facts, read_package_record
from evidencekit.verify.package_rows import Rows
from evidencekit.verify.policy import Policy, read_policy
from evidencekit.verify.report import Report
from evidencekit.verify.run import ProgressCall, Run
from evidencekit.verify.signatures import Signed

if TYPE_CHECKING:
    from evidencekit.read.age import Identity as PrivateKey

_EVIDENCE = "evidence/"
_CATALOGUE = re.compile(r"evidence/(?:branches/[^/]*/)*manifests/")
_STEPS = {"bag", "package record", "withheld", "opening", "checkpoints", "log", "objects"} | {
    *("branches", "previous", "rows", "sums")
}


@dataclass(slots=True)
class PackageFound:
    """What the steps over a package came to."""

    record: dict[str, Any] | None = None
    data: bytes = b""
    kind: str = "unknown"
    signed: list[Signed] = field(default_factory=list)
    log: LogFound = field(default_factory=LogFound)
    rows: Rows = field(default_factory=Rows)
    compared: bool = False
    size: int = 0
    """Bytes of payload."""


def verify_package(
    path: Path,
    *,
    policy: Path | Policy | None = None,
    since: bytes | None = None,
    digest: str | None = None,
    now: int | None = None,
    progress: ProgressCall | None = None,
    identities: Sequence[PrivateKey] = (),
) -> Report:
    """Verify a package: a folder, a .tar or a .zip, or one of these in age.

    Args:
        path: the package.
        policy: a policy folder, or one that `read_policy` read; without it nobody's identity is checked.
        since: a checkpoint known from outside: the bytes of a note, or typed text.
        digest: the package's digest as a letter states it, 64 hex digits.
        now: the verifier's own time, nanoseconds since 1970.
        progress: called as work is done.
        identities: private keys for a package that is encrypted (`read.age.load_identities`).

    Raises:
        CannotFinish: X485 no package, X403 it cannot be read, X491 no identity opens it.
        BadArgument: U222 the policy, U223 the checkpoint from outside cannot be used, U291 an identity is needed.
    """
    chosen = read_policy(policy) if isinstance(policy, (str, Path)) else policy
    try:
        package = open_package(path, identities=identities)
    except BadContainer as error:
        run = Run(policy=chosen, now=now, progress=progress)
        run.find(error.finding, error.place, error.expected, error.found)
        return _report(run, PackageFound())
    with package:
        return verify_opened(package, policy=chosen, since=since, digest=digest, now=now, progress=progress)


def verify_opened(
    package: Package,
    *,
    policy: Policy | None = None,
    since: bytes | None = None,
    digest: str | None = None,
    now: int | None = None,
    progress: ProgressCall | None = None,
) -> Report:
    """Verify a package that is open, as `verify_package` does."""
    known = None if since is None else parse_known_head(since)
    run, found = Run(policy=policy, now=now, progress=progress), PackageFound()
    examine_package(run, package, found, known)
    if digest is not None:
        with run.step(12, "digest"):
            found.compared |= check_package_digest(run, RECORD, found.data, digest)
    return _report(run, found)


def examine_package(run: Run, package: Package, found: PackageFound, known: KnownHead | None) -> None:
    """Carry out the steps over a package; what they find goes to the run, what they come to is `found`."""
    found.kind, run.store = package.kind, PackageView(package, "")
    bag = Bag.of(package)
    with run.step(1, "bag"):
        bag = check_bag(run, package)
    with run.step(2, "package record"):
        found.record, found.data = read_package_record(run)
        if found.record is not None:
            found.signed = check_signature(run, found.record, found.data)
            check_files(run, package, bag, found.record)
    own = RecordFolder(package, bag, _EVIDENCE, found.record, RECORD)
    own.check_log(run, run.done)
    found.log = own.log
    folders = [own]
    with run.step(17, "branches"):
        for folder in check_branches(run, own):
            folders.append(folder)  # noqa: PERF402 (one by one: a mistake of ours in one leaves us the others)
    if found.record is None:
        run.skip("record", "unreadable", RECORD, "nothing can be said of rows without it")
    else:
        _check_rows(run, found, folders, found.record)
    with run.step(12, "outside"):
        found.compared = check_outside(run, own.log.log, own.log.notes.newest, known)
    if run.policy is not None:
        with run.step(13, "policy"):
            check_package_policy(run, own.log, found.record, found.signed, folder=own.place)
            for folder in folders[1:]:
                check_package_policy(run, folder.log, None, [], folder=folder.place)
    run.files, found.size = bag.counted(), bag.size


def _check_rows(run: Run, found: PackageFound, folders: list[RecordFolder], record: dict[str, Any]) -> None:
    package, bag = folders[0].package, folders[0].bag
    with run.step(9, "rows"):
        for folder in folders:
            folder.check_rows(run)
    previous = Previous(run, package, bag)
    with run.step(9, "previous"):
        previous.check(record, folders[0].log.log)
    with run.step(11, "sums"):
        for folder in folders:
            check_withheld(run, folder)
            check_sums(run, folder)
            tell_withheld(run, folder, "")
        rows = [*(folder.rows for folder in folders), previous.rows]
        if {"rows", "previous"} <= run.done and not any(one.are_cut for one in rows):
            check_payload_claimed(run, package, bag)
        _check_kind(run, package, record)
    if record["full"]:
        for folder in folders:
            folder.check_full(run)
    found.rows = folders[0].rows
    for other in (*(folder.rows for folder in folders[1:]), previous.rows):
        found.rows.add(other)


def _check_kind(run: Run, package: Package, record: dict[str, Any]) -> None:
    """Whether catalogues and contents are there is as package.json says (E166)."""
    has = {
        "full": any(_CATALOGUE.match(name) for name in package.record_names),
        "hash_only": len(package) == len(package.record_names),
    }
    if record["full"] != has["full"] or (record["hash_only"] and not has["hash_only"]):
        stated = {name: record[name] for name in has}
        run.find("E166", RECORD, f"what is there: {has}", f"{stated}")


def _report(run: Run, found: PackageFound) -> Report:
    log, rows, notes = found.log, found.rows, found.log.notes
    done = reached(run, notes.newest, log.witnesses, log.times, record=_STEPS, custody={"log"}, compared=found.compared)
    if "rows" in run.done and rows.compared and not rows.left:
        done.add("evidence")
    counts = count(run, rows=rows.rows)
    counts["states"] = {state: number for state, number in sorted(rows.states.items()) if number}
    counts |= {
        "bytes": found.size,
        "derived_rows": rows.derived_rows,
        "entries": log.log.size,
        "exhibits": len(found.record["items"]) if found.record is not None else 0,
        "payload_compared": rows.compared,
        "payload_left": rows.left,
    } | ({} if log.witnesses.size is None else {"witnessed": log.witnesses.size})
    left = f"{rows.left} files are shown without their content" if rows.left else "no content is here to compare"
    judgement = judge(
        run,
        done=done,
        required=required(run),
        has_seal=rows.has_catalogue,
        extra_reasons=reasons(evidence=left, time=log.times.reason, witness=log.witnesses.reason)
        | ({"record": "no valid checkpoint was there to check the log by"} if notes.newest is None else {}),
    )
    facts = package_facts(found.record, found.data, found.kind)
    return conclude(run, "package", judgement, counts, notes.newest, log.times.as_record(), package=facts)
