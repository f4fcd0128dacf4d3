"""What a run of steps comes to: the aspects that are demanded, the reasons of those that were not reached, the counts.

Source: specs/verification.md sections 3 to 5.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.verify.findings import NotChecked
from evidencekit.verify.report import Judgement, Report, cut
from evidencekit.verify.run import Run
from evidencekit.verify.times import Times
from evidencekit.verify.witnesses import Witnesses

_NO_POLICY = "no policy was given"
_NO_OUTSIDE = "nothing outside confirms that this is the newest state"


def required(run: Run) -> set[str]:
    """Aspects that must be ok: the policy's, and `witness` where its quorum asks for one; else the record alone."""
    if run.policy is None:
        return {"record"}
    return set(run.policy.require) | ({"witness"} if run.policy.logs.quorum is not None else set())


def reasons(**more: str) -> dict[str, str]:
    """Why the steps of an aspect were not reached, unless `more` knows better."""
    usual = {
        "identity": _NO_POLICY,
        "time": _NO_POLICY,
        "witness": _NO_POLICY,
        "completeness": _NO_OUTSIDE,
        "evidence": "no source was given",
    }
    return usual | more


def judge(run: Run, *, done: set[str], required: set[str], has_seal: bool, **more: Any) -> Judgement:
    """Return what the verdict is made of; `more` are further members of `Judgement`."""
    return Judgement(
        failed=run.findings.failed,
        codes=run.findings.counts,
        not_checked=run.first_not_checked,
        has_policy=run.policy is not None,
        done=done,
        required=required,
        has_seal=has_seal,
        **more,
    )


def reached(
    run: Run,
    newest: Checkpoint | None,
    witnesses: Witnesses,
    times: Times,
    *,
    record: set[str],
    custody: set[str],
    compared: bool,
) -> set[str]:
    """Return the aspects of a log whose steps were all carried out; `record` and `custody` are the steps of these.

    `compared` tells whether there was something outside to compare it with.
    """
    done = {
        "completeness": compared and "outside" in run.done,
        "custody": run.done >= custody and run.checked["rules"] > 0,
        "identity": run.policy is not None and "policy" in run.done and newest is not None,
        "record": run.done >= record and newest is not None,
        "time": times.is_met and "times" in run.done,
        "witness": witnesses.size is not None and "witnesses" in run.done,
    }
    return {name for name, is_done in done.items() if is_done}


def count(run: Run, *, rows: int) -> dict[str, Any]:
    """What every report counts: files of the record, findings, what was not checked; `rows` of catalogues."""
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


def conclude(
    run: Run,
    subject: str,
    judgement: Judgement,
    counts: dict[str, Any],
    tree: Checkpoint | None,
    times: dict[str, Any] | None = None,
    package: dict[str, Any] | None = None,
) -> Report:
    """Make the report; `tree` is the newest valid checkpoint, `times` what is proven of when entries were made.

    `package` is what a package says of itself.
    """
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
        times=times,
        package=package,
    )


_CODES = {
    "identity": "no_policy",
    "time": "no_time",
    "witness": "no_policy",
    "completeness": "no_outside",
    "evidence": "no_source",
}
