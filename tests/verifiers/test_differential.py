"""The same changes each time, through all verifiers; a longer run of others on demand (verifiers/README.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pagedriver import ESBUILD, NODE

SEED, COUNT = 10_000, 240
"""About a minute; seeds that found faults of a verifier, or of the specs, are among them."""


@pytest.mark.long
@pytest.mark.judge(NODE)
@pytest.mark.judge(str(ESBUILD))
def test_random_changes_find_no_disagreement():
    script = Path(__file__).with_name("differential.py")
    done = subprocess.run(
        [sys.executable, str(script), "--seconds", "3600", "--seed", str(SEED), "--count", str(COUNT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert f"{COUNT} changes" in done.stdout


def test_a_disagreement_is_one(tmp_path):
    """The comparison sees another code, another place, another verdict, and an end without a report."""
    sys.path.insert(0, str(Path(__file__).parent))
    from differential import disagreement

    def report(verdict="FAILED", *errors):
        findings = [{"code": code, "where": where, "severity": "error"} for code, where in errors]
        return {"verdict": verdict, "reason": "", "findings": findings, "not_checked": []}

    ours = report("FAILED", ("E201", "a"))
    assert disagreement(ours, report("FAILED", ("E201", "a")), {}) == ""
    assert "misses" in disagreement(ours, report("FAILED", ("E201", "b")), {})
    assert "misses" in disagreement(ours, report(), {})
    assert disagreement(ours, report("NOT CHECKED"), {"E201@a": ""}) == ""
    assert "comes to" in disagreement(report("VERIFIED"), report("INTEGRITY ONLY"), {})
    assert disagreement(ours, {"crash": "x"}, {})
    assert disagreement(ours, {"usage": "x"}, {})
    assert disagreement(report("FAILED", ("E151", "end")), report("FAILED", ("E152", "archive")), {}) == ""


def test_what_follows_from_a_limit_is_forgiven_and_no_more():
    """A checkpoint whose second signature nobody checked; a changed policy (specs/verification.md, 8)."""
    sys.path.insert(0, str(Path(__file__).parent))
    from differential import disagreement, may_differ

    def report(*errors, size=3):
        findings = [{"code": code, "where": where, "severity": "error"} for code, where in errors]
        return {
            "verdict": "FAILED",
            "reason": "",
            "findings": findings,
            "not_checked": [],
            "checkpoint": {"size": size},
        }

    limits = {"E406": "the second"}
    other = ("E201", "custody/00000001/event.json")
    ours = report(("E406", "checkpoints/00000002"), other)
    assert disagreement(ours, report(("E204", "checkpoints/00000002"), other), limits) == ""
    assert disagreement(ours, report(("E204", "checkpoints/00000002"), other), {})
    assert disagreement(ours, report(("E204", "checkpoints/00000003"), other), limits)
    ours = report(("E406", "checkpoints/00000004"), other)
    assert disagreement(ours, report(("E203", "custody/00000003/entry"), other, size=4), limits) == ""
    assert disagreement(ours, report(("E203", "custody/00000002/entry"), other, size=4), limits)
    assert may_differ("tsa/city.pem", False, {"U222": ""})
    assert may_differ("policy.toml", True, {"E406": ""})
    assert not may_differ("policy.toml", False, {"E406": ""})
    assert not may_differ("policy.toml", True, {}), "who has no limits refuses what is refused, and nothing else"
