"""Findings: what a verifier saw, and the registry that says what each code means.

Texts come from `core/registry.py`, so that every verifier and every language says the same.
Source: specs/verification.md sections 3 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidencekit.core.registry import ENTRIES

ASPECTS = ("record", "evidence", "identity", "time", "witness", "custody", "completeness")
SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """We looked, and this is what we saw."""

    code: str
    where: str
    """The object, by its place in what was verified; already safe to show."""
    expected: str = ""
    found: str = ""
    lowered: bool = False
    """True where a switch (`--as-copy`) turned an error into a warning."""
    of_evidence: bool = False
    """True where the source was looked at, not the record: then the aspect is `evidence`."""

    @property
    def severity(self) -> str:
        """`error`, `warning` or `note`, from the registry."""
        severity = ENTRIES[self.code].severity
        return "warning" if self.lowered and severity == "error" else severity

    @property
    def aspect(self) -> str:
        """The aspect that an error of this code makes failed."""
        return "evidence" if self.of_evidence else ENTRIES[self.code].aspect

    @property
    def title(self) -> str:
        """A short name in plain words."""
        return ENTRIES[self.code].title

    def as_record(self) -> dict[str, str]:
        """Return the finding as it stands in a report (specs/report.schema.json)."""
        return {
            "code": self.code,
            "expected": self.expected,
            "found": self.found,
            "severity": self.severity,
            "where": self.where,
        }
