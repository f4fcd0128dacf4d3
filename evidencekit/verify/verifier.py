"""The order of the steps, and the report that comes of them. Nothing is written, nothing stops at the first finding.

Source: specs/verification.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evidencekit.core.records import STATES
from evidencekit.core.values import display
from evidencekit.read.blockdevice import fit_jobs
from evidencekit.read.store import Store
from evidencekit.verify.conclude import conclude, count, judge, reached, reasons, required
from evidencekit.verify.crew import Crew
from evidencekit.verify.examine import Examined, examine
from evidencekit.verify.outside import parse_known_head
from evidencekit.verify.policy import Policy, read_policy
from evidencekit.verify.proof import check_proof
from evidencekit.verify.report import Report
from evidencekit.verify.run import ProgressCall, Run

RECORD_STEPS = {"case file", "checkpoints", "log", "catalogues", "objects", "strays", "branches", "packages"}
_NOT_OF_A_ROW = {"custody", "evidence", "completeness"}
"""Aspects that no single row can show."""


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
        return _report_case(run, examine(run, sources or {}, known, as_copy=as_copy), sources or {})


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
    counts = count(run, rows=1 if proven is not None and proven.sealed else 0)
    if proven is not None and proven.sealed:
        state = proven.groups.get("content", {}).get("state", "withheld")
        counts["states"] |= {state: 1}
        counts["row"] = {"index": str(proven.index), "item": proven.exhibit, "kind": proven.kind}
    judgement = judge(
        run,
        done=done,
        required=required(run) - _NOT_OF_A_ROW,
        has_seal=bool(done),
        whole=False,
        extra_reasons=reasons(evidence="a proof is compared with no source", time="a proof carries no time-stamps"),
    )
    return conclude(run, "proof", judgement, counts, None if proven is None else proven.tree)


def _policy(policy: Path | Policy | None) -> Policy | None:
    return read_policy(policy) if isinstance(policy, (str, Path)) else policy


def _report_case(run: Run, found: Examined, sources: Mapping[str, Path]) -> Report:
    notes, catalogues, witnesses, times = found.notes, found.catalogues, found.witnesses, found.times
    done = reached(
        run, notes.newest, witnesses, times, record=RECORD_STEPS, custody={"log", "custody"}, compared=found.compared
    )
    sealed, evidence = found.sealed, found.evidence
    left = sorted(sealed - evidence)
    reason = f"not compared with a source: {', '.join(left[:20])}" if sources and left else "no source was given"
    if found.packages > found.whole_packages and not left:
        reason = "packages that were received do not show all content"
    if (sealed or found.packages) and not left and found.packages == found.whole_packages:
        done.add("evidence")
    in_vain = [name for name in sources if name not in evidence and (name or not evidence)]
    asked = sorted(display(name) or "the exhibit" for name in in_vain)
    counts = count(run, rows=catalogues.rows)
    counts["states"] = {state: catalogues.states[state] for state in (*STATES, "unreadable")}
    if catalogues.states["erased"]:
        counts["states"]["erased"] = catalogues.states["erased"]
    counts |= {
        "bytes": catalogues.size,
        "derived_rows": catalogues.derived_rows,
        "entries": found.entries,
        "exhibits": len(sealed),
    } | ({} if witnesses.size is None else {"witnessed": witnesses.size})
    if found.packages:
        counts |= {"package_rows": found.package_rows, "packages": found.packages}
    judgement = judge(
        run,
        done=done,
        required=required(run),
        has_seal=catalogues.seals > 0 or found.proven_packages > 0,
        asked_in_vain=f"the source of {', '.join(asked[:20])} could not be compared" if asked else "",
        extra_reasons=reasons(evidence=reason, time=times.reason, witness=witnesses.reason)
        | ({"record": "no valid checkpoint was there to check the log by"} if notes.newest is None else {}),
    )
    return conclude(run, "case", judgement, counts, notes.newest, times.as_record())
