"""Every vector of specs/vectors that is verified as a whole: the verdict, each error and its place; and that no code lacks a fixture."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

from evidencekit.core.registry import ENTRIES

VECTORS = Path(__file__).parents[2] / "specs/vectors"
FIXTURES = sorted(path.parent for path in VECTORS.glob("*/*/*/fixture.json"))
GOOD = [folder for folder in FIXTURES if folder.parent.name == "good"]


@pytest.fixture(scope="session")
def maker():
    sys.path.insert(0, str(VECTORS))  # it has modules beside it
    spec = importlib.util.spec_from_file_location("make_cases", VECTORS / "make_cases.py")
    module = sys.modules["make_cases"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.name)
def test_fixture(maker, folder, tmp_path):
    fixture = json.loads((folder / "fixture.json").read_text())
    shutil.copytree(folder, tmp_path / "fixture", symlinks=True)
    report = maker.verify_fixture(tmp_path / "fixture", fixture["options"])
    assert report.verdict == fixture["verdict"]
    errors = sorted({(finding.code, finding.where) for finding in report.findings if finding.severity == "error"})
    assert errors == [tuple(error) for error in fixture["errors"]]
    assert sorted({finding.code for finding in report.findings}) == fixture["codes"]
    if fixture["finding"]:
        assert fixture["finding"] in fixture["codes"]
        assert folder.name.startswith(f"{fixture['finding']}_")


@pytest.mark.parametrize("folder", GOOD, ids=lambda folder: folder.name)
def test_what_was_sealed_by_the_first_version_stays_readable(maker, folder):
    """What the report says of it may gain members, and never lose or change one; but why an aspect is not checked."""
    expected = json.loads((folder / "report.json").read_text())
    options = json.loads((folder / "fixture.json").read_text())["options"]
    found = json.loads(json.dumps(maker.verify_fixture(folder, options).as_record()))
    assert expected["verdict"] == found["verdict"] == "VERIFIED"
    for member in ("checkpoint", "counts", "findings"):
        assert found[member] == expected[member]
    assert statuses(found) == statuses(expected)


def statuses(report):
    return {name: aspect["status"] for name, aspect in report["aspects"].items()}


def test_every_error_fixture_fails():
    for folder in FIXTURES:
        fixture = json.loads((folder / "fixture.json").read_text())
        if (fixture["finding"] or "").startswith("E") and ENTRIES[fixture["finding"]].severity == "error":
            assert fixture["verdict"] == "FAILED", folder.name


def test_every_code_has_a_fixture_or_a_reason(maker):
    named = {folder.name.partition("_")[0] for folder in FIXTURES if folder.parent.name != "good"}
    assert named | set(maker.WITHOUT_FIXTURE) == set(ENTRIES)
    assert not named & set(maker.WITHOUT_FIXTURE)
