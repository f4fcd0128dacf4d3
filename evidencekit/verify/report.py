"""The report: aspects, verdict, findings, what was checked and what was not, and counts that add up.

Never green by silence: an aspect is ok only when its steps were carried out. Source: specs/verification.md sections 3
to 5; form: specs/report.schema.json.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.finding import ASPECTS, Finding
from evidencekit.verify.findings import CHECKED, LISTED_NOT_CHECKED, NotChecked

REPORT_TYPE = "evidencekit/report/1"
EXIT_CODES = {"VERIFIED": 0, "FAILED": 3, "NOT CHECKED": 4, "INTEGRITY ONLY": 7}


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect: `ok`, `failed` or `not_checked`, and why."""

    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification came to."""

    subject: str
    """`case`, `package`, `proof`, or `log` for one that was published."""
    verdict: str
    """`VERIFIED`, `INTEGRITY ONLY`, `FAILED` or `NOT CHECKED`."""
    reason: str
    """Why this verdict and no better one, in one sentence."""
    aspects: dict[str, Aspect]
    findings: list[Finding]
    not_checked: list[NotChecked]
    checked: dict[str, int]
    """Names of `findings.CHECKED`, how many of each."""
    counts: dict[str, Any]
    checkpoint: Checkpoint | None
    """The newest valid one."""
    times: dict[str, Any] | None = None
    """`verify.times.Times` as a record; None for a row proof."""
    package: dict[str, Any] | None = None
    """What a package says of itself, and its digest; None for anything else."""

    @property
    def exit_code(self) -> int:
        """0 verified, 3 failed, 4 not checked, 7 integrity only."""
        return EXIT_CODES[self.verdict]

    @property
    def scope(self) -> str:
        """What the verdict is about: `record`, `record and evidence`, `package`, `row`, or `log`."""
        if self.subject == "package":
            return "package"
        scope = [{"proof": "row", "log": "log"}.get(self.subject, "record")]
        scope += ["evidence"] if self.aspects["evidence"].status == "ok" else []
        return " and ".join(scope)

    @property
    def line(self) -> str:
        """The verdict, with its scope where it is VERIFIED."""
        return f"VERIFIED ({self.scope})" if self.verdict == "VERIFIED" else self.verdict

    def as_record(self) -> dict[str, Any]:
        """Return the JSON document (specs/report.schema.json)."""
        tree = self.checkpoint
        return {
            "_t": REPORT_TYPE,
            "aspects": {name: {"reason": one.reason, "status": one.status} for name, one in self.aspects.items()},
            "checked": [f"{count:,} {CHECKED[name]}" for name, count in self.checked.items()],
            "checkpoint": None if tree is None else {"origin": tree.origin, "root": tree.root.hex(), "size": tree.size},
            "counts": self.counts | {"checked": self.checked},
            "exit_code": self.exit_code,
            "findings": [finding.as_record() for finding in self.findings],
            "line": self.line,
            "not_checked": [item.as_record() for item in self.not_checked],
            "reason": self.reason,
            "scope": self.scope,
            "subject": self.subject,
            "times": self.times,
            "verdict": self.verdict,
        } | ({} if self.package is None else {"package": self.package})


@dataclass(slots=True)
class Judgement:
    """What the verdict is made of."""

    failed: dict[str, Finding]
    """Aspects with an error, and their first one."""
    codes: Counter[str]
    not_checked: dict[str, NotChecked]
    """Aspects with something not checked, and the first of it. Omitted rows do not count."""
    done: set[str]
    """Aspects whose steps were all carried out."""
    required: set[str]
    has_policy: bool
    has_seal: bool
    asked_in_vain: str = ""
    """A check that was asked for by a switch and could not be made."""
    whole: bool = True
    """False for a row proof, for which neither strays nor emptiness count."""
    extra_reasons: dict[str, str] = field(default_factory=dict)
    """Aspect to the reason why its steps were not carried out."""

    def aspects(self) -> dict[str, Aspect]:
        """Return every aspect's result: failed dominates, then not checked; ok only where all was done."""
        return {name: self._aspect(name) for name in ASPECTS}

    def _aspect(self, name: str) -> Aspect:
        if name in self.failed:
            finding = self.failed[name]
            return Aspect("failed", f"{finding.code}: {finding.title.lower()} ({finding.where})")
        if name == "record" and self.codes["E103"]:
            return Aspect("not_checked", "E103: something is in a format version that this program does not know")
        if name in self.not_checked:
            item = self.not_checked[name]
            return Aspect("not_checked", f"{item.where}: {item.reason}")
        if name not in self.done:
            return Aspect("not_checked", self.extra_reasons.get(name, "its checks were not carried out"))
        if name == "completeness" and (self.codes["W901"] or self.codes["W902"]):
            return Aspect("not_checked", "something stands in the case that the newest checkpoint does not cover")
        return Aspect("ok", "")

    def verdict(self, aspects: dict[str, Aspect]) -> tuple[str, str]:
        """Return the verdict and its reason. Source: specs/verification.md section 4."""
        for name, aspect in aspects.items():
            if aspect.status == "failed":
                return "FAILED", f"{name}: {aspect.reason}"
        if self.whole and not self.has_seal:
            return "NOT CHECKED", "no sealed catalogue was there to check"
        for name in ASPECTS:
            if name in self.required and aspects[name].status != "ok":
                return "NOT CHECKED", f"{name} is required: {aspects[name].reason}"
        if self.codes["E103"]:
            return "NOT CHECKED", "something is in a format version that this program does not know"
        if self.codes["W901"]:
            return "NOT CHECKED", "something stands above the newest checkpoint"
        if self.codes["W902"]:
            return "NOT CHECKED", "files stand in the case that belong to no event"
        if self.asked_in_vain:
            return "NOT CHECKED", self.asked_in_vain
        if not self.has_policy:
            return "INTEGRITY ONLY", "no policy was given, so nobody's identity was checked"
        return "VERIFIED", "all that the policy requires was checked and holds"


def cut(items: list[NotChecked], total: int) -> list[NotChecked]:
    """Return what a report lists of `items`, with a last one for what it leaves out."""
    if total <= LISTED_NOT_CHECKED:
        return items
    rest = total - LISTED_NOT_CHECKED
    return [*items[:LISTED_NOT_CHECKED], NotChecked("record", "too_many", "report", f"{rest} more of these")]
