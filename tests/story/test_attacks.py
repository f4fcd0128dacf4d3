"""Each attack of the table is found, and as what the table says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from attacks import ATTACKS, Scene, table

from evidencekit.core.registry import ENTRIES
from evidencekit.verify.verifier import verify_case

SPEC = Path(__file__).parents[2] / "specs/threat-model.md"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.step}: {attack.what}")
def test_it_is_found(story, tmp_path, attack):
    case = tmp_path / "case"
    shutil.copytree(story.path("lab/case"), case)
    known = max(path for path in (case / "checkpoints").iterdir() if path.name.isdigit()).read_bytes()
    attack.apply(Scene(story, case))
    report = verify_case(case, policy=story.path("partner/policy"), since=known if attack.since else None)
    found = {finding.code for finding in report.findings}
    assert attack.code in found, (report.verdict, sorted(found), report.reason)
    assert report.verdict == ("NOT CHECKED" if ENTRIES[attack.code].severity == "warning" else "FAILED")


def test_there_are_enough_of_them():
    assert len(ATTACKS) >= 60
    assert len({(attack.step, attack.what) for attack in ATTACKS}) == len(ATTACKS)


def test_the_spec_has_the_table():
    assert table() in SPEC.read_text()
