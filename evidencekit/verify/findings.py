"""What a verification gathers: findings, what was checked, what was not. Bounded, whatever the evidence does.

Source: specs/verification.md sections 3 and 5.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256

from evidencekit.core.finding import Finding

LISTED = 10_000
"""Findings that a report lists in full; the counts by code are always complete."""
LISTED_NOT_CHECKED = 1_000
_LONGEST = 1_024
"""Characters of a text in a report."""
_END = 400
"""Of these, the last ones of a text that was longer."""

CHECKED = {
    "case_file": "case file read and compared with event 0",
    "entries": "log entries read, each compared with the log before it",
    "events": "events read and compared with the digests in their entries",
    "person_signatures": "signatures of persons checked",
    "checkpoints": "checkpoints checked: two log signatures each, and the root of the entries up to their size",
    "rules": "events checked against the rules of custody",
    "manifests": "catalogues checked: file digest, header, root, totals",
    "rows": "catalogue rows checked: form, commitments, order, view columns",
    "objects": "objects compared with their digests",
    "branches": "adopted cases verified, each as a case of its own",
    "packages": "received packages verified, each as a package",
    "selections": "lists of rows that parts of items consist of",
    "selected_rows": "rows of parts compared with the catalogue",
    "files_seen": "files of the case folder compared with what the events name",
    "cosignatures": "cosignatures compared with the anchors that name them",
    "witness_signatures": "cosignatures that verify under a witness key of the policy",
    "tiles": "tiles of the published log compared with its entries",
    "outside": "comparisons with a checkpoint known from outside",
    "time_stamps": "time-stamps checked: imprint, signature, certificate",
    "log_policy": "checkpoints compared with the log keys of the policy",
    "persons": "events whose signers the policy knows",
    "source_rows": "catalogue rows compared with the source",
    "source_files": "files of the source hashed again",
    "bag_files": "files of the package hashed, SHA-256 and SHA-512",
    "package_files": "files that are no payload compared with package.json",
    "shown_rows": "rows that are shown, from their opened groups to the sealed root",
    "row_proof": "row proofs followed from the opened groups to the log's signatures",
}
"""What was done: name to plain words. A report says how many of each."""

NOT_CHECKED = {
    "custody_after": "custody rules need every event before",
    "erased": "was erased by an order",
    "foreign_log": "names a state of another log, which is not here",
    "gap": "needs entries that could not be read",
    "internal_error": "the program made a mistake: please report it",
    "missing_base": "needs another catalogue, which could not be read",
    "no_checkpoint": "needs a valid checkpoint, and there is none",
    "no_log_keys": "needs the log's keys, which could not be read",
    "no_outside": "nothing outside was given to compare with",
    "no_policy": "no policy was given",
    "no_source": "the source was not given",
    "no_time": "no time that is proven from outside covers it",
    "not_supported": "this version of the program cannot check it",
    "omitted": "was not wholly taken, so there is nothing to compare",
    "quorum": "not enough witnesses of the policy cosigned it",
    "not_published": "is not part of what was published",
    "unknown_witness": "cosigned by a witness that the policy does not know",
    "self_test": "the program failed its own test, so it believes no such thing",
    "signature_bad": "its signature does not hold",
    "too_many": "lies beyond a limit of this verifier",
    "unknown_authority": "by an authority that the policy does not know",
    "unknown_type": "of a type that this version does not know",
    "unknown_version": "in a format version that this version does not know",
    "unproven_time": "the policy asks for a time, and none is proven",
    "unreadable": "could not be read",
    "withheld": "was not opened to the reader",
}
"""What was not done: name to plain words."""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Something that could not be, or was not, checked."""

    aspect: str
    code: str
    where: str
    reason: str
    """Particulars, in the words of the program."""

    def as_record(self) -> dict[str, str]:
        """Return it as it stands in a report."""
        return {"aspect": self.aspect, "code": self.code, "reason": self.reason, "what": self.where}


def cut_text(text: str) -> str:
    """Shorten in the middle: names inside each other begin alike. A digest tells two apart that end alike, too."""
    if len(text) <= _LONGEST:
        return text
    digest = sha256(text.encode(errors="replace")).hexdigest()[:16]
    return f"{text[: _LONGEST - _END - 18]}…{digest}…{text[len(text) - _END :]}"


class Findings:
    """Gathers findings in the order of the steps; beyond the limit it only counts."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """How many by code, listed or not."""
        self.failed: dict[str, Finding] = {}
        """Aspects with an error, and their first one."""
        self.errors = 0
        """How many errors, listed or not."""
        self._errors: list[tuple[int, Finding]] = []
        self._others: list[tuple[int, Finding]] = []

    def add(
        self,
        step: int,
        code: str,
        where: str,
        expected: str = "",
        found: str = "",
        *,
        count: int = 1,
        lowered: bool = False,
        of_evidence: bool = False,
    ) -> None:
        """Take a finding; `count` of them where they are not told apart."""
        where, expected, found = map(cut_text, (where, expected, found))
        finding = Finding(code, where, expected, found, lowered=lowered, of_evidence=of_evidence)
        self.counts[code] += count
        is_error = finding.severity == "error"
        if is_error:
            self.errors += count
            self.failed.setdefault(finding.aspect, finding)
        kept = self._errors if is_error else self._others
        if len(kept) < LISTED:
            kept.append((step, finding))

    def listed(self) -> list[Finding]:
        """Return at most 10,000 findings by step, errors kept before others, and a note where some are not listed."""
        kept = self._errors + self._others[: LISTED - len(self._errors)]
        kept.sort(key=lambda item: item[0])
        findings = [finding for _, finding in kept]
        missing = self.counts.total() - len(findings)
        if missing:
            findings.append(Finding("W999", "report", f"at most {LISTED} findings listed", f"{missing} more"))
        return findings
