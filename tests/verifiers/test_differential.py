"""A bounded run of differential.py over all verifiers; a longer one on demand (verifiers/README.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pagedriver import ESBUILD, NODE

SECONDS = 75


@pytest.mark.trial
@pytest.mark.judge(NODE)
@pytest.mark.judge(str(ESBUILD))
def test_random_changes_find_no_disagreement():
    script = Path(__file__).with_name("differential.py")
    done = subprocess.run(
        [sys.executable, str(script), "--seconds", str(SECONDS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


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
