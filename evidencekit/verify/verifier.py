"""The order of the steps, and the report that comes of them. Nothing is written, nothing stops at the first finding.

Source: specs/verification.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.records import STATES
from evidencekit.core.values import display
from evidencekit.read.blockdevice import fit_jobs
from evidencekit.read.store import Store
from evidencekit.verify.apart import LEAST_ROWS, LEAST_ROWS_OF_SOURCE
from evidencekit.verify.catalogues import Catalogues
from evidencekit.verify.checkpoints import Notes, check_notes
from evidencekit.verify.crew import Crew
from evidencekit.verify.findings import NotChecked
from evidencekit.verify.identity import Identity
from evidencekit.verify.log import LogWalk
from evidencekit.verify.log_facts import Log
from evidencekit.verify.manifests import check_manifests
from evidencekit.verify.objects import Objects
from evidencekit.verify.opening import Opening, check_opening
from evidencekit.verify.outside import KnownHead, check_outside, parse_known_head
from evidencekit.verify.policy import Policy, read_policy
from evidencekit.verify.proof import check_proof
from evidencekit.verify.report import Judgement, Report, cut
from evidencekit.verify.run import ProgressCall, Run
from evidencekit.verify.source import check_sources
from evidencekit.verify.strays import check_strays

RECORD_STEPS = {"case file", "checkpoints", "log", "catalogues", "objects", "strays"}
_NOT_OF_A_ROW = {"custody", "evidence", "completeness"}
"""Aspects that no single row can show."""
_NO_OUTSIDE = "nothing outside confirms that this is the newest state"
_NOT_YET = "this version of the program checks none"


def verify_case(
    path: Path,
    *,
    policy: Path | Policy | None = None,
    sources: Mapping[str, Path] | None = None,
    as_copy: bool = False,
    since: bytes | None = None,
    now: int | None = None,
    progress: ProgressCall | None = None,
    jobs: int | None = 1,
) -> Report:
    """Verify a case directory.

    Args:
        path: the case.
        policy: a policy folder, or one that `read_policy` read; without it nobody's identity is checked.
        sources: exhibit to the place of its source, which is walked and hashed again.
        as_copy: owner, mode and mtime of the source may differ (W906 instead of E507).
        since: a checkpoint known from outside: the bytes of a note, or typed text.
        now: the verifier's own time, nanoseconds since 1970; only for algorithms that a policy accepts until a date.
        progress: called as work is done.
        jobs: processes for a large case, None for as many as are of use. With more than one, the program that calls
            has to be one that can be imported without running (`if __name__ == "__main__"`).

    Raises:
        CannotFinish: X401, not a case.
        BadArgument: U222 the policy, U223 the checkpoint from outside cannot be used.
    """
    store = Store(path)
    known = None if since is None else parse_known_head(since)
    crew = Crew(fit_jobs(None) if jobs is None else jobs, is_asked=jobs is not None)
    run = Run(store=store, policy=_policy(policy), now=now, progress=progress, crew=crew)
    with crew:
        return _verify_case(run, sources or {}, known, as_copy=as_copy)


def _verify_case(run: Run, sources: Mapping[str, Path], known: KnownHead | None, *, as_copy: bool) -> Report:
    opening, notes, log, objects, catalogues = Opening(), Notes(), Log(0), None, Catalogues()
    identity = Identity(run, None)
    with run.step(1, "case file"):
        opening = check_opening(run)
    with run.step(5, "checkpoints"):
        notes = check_notes(run, opening)
    with run.step(3, "log"):
        identity = Identity(run, opening.origin)
        walk = LogWalk(run, opening, notes, identity)
        log = walk.log
        walk.walk()
    with run.step(9, "catalogues"):
        objects = Objects(run)
        rows = sum(sealing.rows for sealing in log.sealings)
        if rows >= (LEAST_ROWS_OF_SOURCE if sources else LEAST_ROWS):
            run.crew.start()  # now: a process that has read a catalogue cannot simply be copied any more
        catalogues = check_manifests(run, log, opening.case, objects)
    with run.step(10, "objects"):
        if objects is not None:
            objects.check()
    with run.step(11, "strays"):
        check_strays(run, log, objects)
    compared = False
    with run.step(12, "outside"):
        compared = check_outside(run, log, notes.newest, known)
    if run.policy is not None:
        with run.step(13, "policy"):
            where = layout.checkpoint_file(log.size)
            identity.admit_log(notes.newest, notes.note, where)
    evidence: set[str] = set()
    if sources:
        with run.step(14, "evidence"):
            evidence = check_sources(run, catalogues, sources, as_copy=as_copy)
    return _report_case(run, notes, log, catalogues, compared=compared, sources=sources, evidence=evidence)


def verify_proof(data: bytes, *, policy: Path | Policy | None = None, now: int | None = None) -> Report:
    """Verify one row proof: the bytes of a tlog-proof file whose `extra` carries the row.

    Raises:
        BadArgument: U222, the policy cannot be used.
    """
    run = Run(policy=_policy(policy), now=now)
    proven = None
    with run.step(2, "row proof"):
        proven = check_proof(run, data)
    run.skip("custody", "not_supported", "proof", "one row shows no history")
    done = {"record"} if proven is not None and proven.sealed and run.done == {"row proof"} else set()
    if run.policy is not None:
        done.add("identity")
    counts = _counts(run, rows=1 if proven is not None and proven.sealed else 0)
    if proven is not None and proven.sealed:
        state = proven.groups.get("content", {}).get("state", "withheld")
        counts["states"] |= {state: 1}
        counts["row"] = {"index": str(proven.index), "item": proven.exhibit, "kind": proven.kind}
    judgement = Judgement(
        failed=run.findings.failed,
        codes=run.findings.counts,
        not_checked=run.first_not_checked,
        done=done,
        required=_required(run) - _NOT_OF_A_ROW,
        has_policy=run.policy is not None,
        has_seal=bool(done),
        whole=False,
        extra_reasons=_reasons(run, evidence="a proof is compared with no source"),
    )
    return _report(run, "proof", judgement, counts, None if proven is None else proven.tree)


def _policy(policy: Path | Policy | None) -> Policy | None:
    return read_policy(policy) if isinstance(policy, (str, Path)) else policy


def _required(run: Run) -> set[str]:
    """Aspects that must be ok: the policy's, and `witness` where its quorum asks for one; else the record alone."""
    if run.policy is None:
        return {"record"}
    return set(run.policy.require) | ({"witness"} if run.policy.logs.quorum is not None else set())


def _reasons(run: Run, **more: str) -> dict[str, str]:
    reasons = {
        "identity": "no policy was given",
        "time": _NOT_YET,
        "witness": _NOT_YET,
        "completeness": _NO_OUTSIDE,
        "evidence": "no source was given",
    }
    if run.policy is not None and run.policy.logs.quorum is not None:
        reasons["witness"] = "the policy wants witnesses, and this version of the program checks none"
    return reasons | more


def _report_case(
    run: Run,
    notes: Notes,
    log: Log,
    catalogues: Catalogues,
    *,
    compared: bool,
    sources: Mapping[str, Path],
    evidence: set[str],
) -> Report:
    done = set()
    if run.done >= RECORD_STEPS and notes.newest is not None:
        done.add("record")
    if "log" in run.done and run.checked["rules"]:
        done.add("custody")
    if run.policy is not None and "policy" in run.done and notes.newest is not None:
        done.add("identity")
    if compared and "outside" in run.done:
        done.add("completeness")
    sealed = {catalogue.sealing.exhibit for catalogue in catalogues.facts.values()}
    left = sorted(sealed - evidence)
    reason = f"not compared with a source: {', '.join(left[:20])}" if sources and left else "no source was given"
    if sources and sealed and not left:
        done.add("evidence")
    asked = sorted(display(name) for name in sources if name not in evidence and (name or not evidence))
    counts = _counts(run, rows=catalogues.rows)
    counts["states"] = {state: catalogues.states[state] for state in (*STATES, "unreadable")}
    counts |= {
        "bytes": catalogues.size,
        "derived_rows": catalogues.derived_rows,
        "entries": log.size,
        "exhibits": len(sealed),
    }
    judgement = Judgement(
        failed=run.findings.failed,
        codes=run.findings.counts,
        not_checked=run.first_not_checked,
        done=done,
        required=_required(run),
        has_policy=run.policy is not None,
        has_seal=catalogues.seals > 0,
        asked_in_vain=f"the source of {', '.join(asked[:20])} could not be compared" if asked else "",
        extra_reasons=_reasons(run, evidence=reason)
        | ({"record": "no valid checkpoint was there to check the log by"} if notes.newest is None else {}),
    )
    return _report(run, "case", judgement, counts, notes.newest)


def _counts(run: Run, *, rows: int) -> dict[str, Any]:
    files = run.files
    return {
        "files_of_record": {
            "checked": files["checked"],
            "not_checked": files["not_checked"],
            "total": files["checked"] + files["not_checked"],
        },
        "findings": {
            "by_code": {code: run.findings.counts[code] for code in sorted(run.findings.counts)},
            "total": run.findings.counts.total(),
        },
        "not_checked": run.not_checked_total,
        "rows": rows,
        "states": {},
    }


def _report(run: Run, subject: str, judgement: Judgement, counts: dict[str, Any], tree: Checkpoint | None) -> Report:
    aspects = judgement.aspects()
    verdict, reason = judgement.verdict(aspects)
    items = list(run.not_checked)
    for name, aspect in aspects.items():
        if aspect.status == "not_checked" and name not in run.first_not_checked:
            items.append(NotChecked(name, _CODES.get(name, "unreadable"), name, aspect.reason))
    return Report(
        subject=subject,
        verdict=verdict,
        reason=reason,
        aspects=aspects,
        findings=run.findings.listed(),
        not_checked=cut(items, run.not_checked_total),
        checked={what: run.checked[what] for what in sorted(run.checked)},
        counts=counts,
        checkpoint=tree,
    )


_CODES = {
    "identity": "no_policy",
    "time": "not_supported",
    "witness": "not_supported",
    "completeness": "no_outside",
    "evidence": "no_source",
}
