"""verifiers/python/verify_evidence.py comes to what every fixture demands, but for what it says that it does not check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(path.parent for path in (ROOT / "specs/vectors").glob("*/*/*/fixture.json"))
SCHEMA = Draft202012Validator(json.loads((ROOT / "specs/report.schema.json").read_text()))
PACKAGES = ROOT / "specs/vectors/packages/good"


@pytest.fixture(scope="module")
def limits(verifier):
    return {code: why for why, codes in verifier.LIMITS.items() for code in codes.split()}


def verify(verifier, folder, options):
    named = [options[kind] for kind in ("proof", "package", "published") if kind in options]
    policy = str(folder / "policy") if options.get("policy") else None
    return verifier.verify(str(folder / (named or ["case"])[0]), policy, options.get("since"), options.get("now"))


@pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_fixture(verifier, conformance, limits, folder):
    fixture = json.loads((folder / "fixture.json").read_text())
    report = json.loads(json.dumps(verify(verifier, folder, fixture["options"])))
    SCHEMA.validate(report)
    assert not [one for one in report["not_checked"] if one["code"] == "internal_error"]
    if "source" not in fixture["options"]:  # main() sees to that
        assert conformance.differences(fixture, report, report["exit_code"], limits) == []
    assert report["verdict"] != "VERIFIED", "it leaves out more than that bears"


@pytest.mark.parametrize("policy", [True, False])
def test_a_good_package_is_never_green_by_silence(verifier, policy):
    folder = PACKAGES / "0.1_package"
    report = verifier.verify(str(folder / "package.zip"), str(folder / "policy") if policy else None)
    states = {aspect: state["status"] for aspect, state in report["aspects"].items()}
    assert (states["record"], states["evidence"]) == ("ok", "ok")
    assert states["identity"] == ("ok" if policy else "not_checked")
    assert states["custody"] == "not_checked"
    assert report["verdict"] == ("NOT CHECKED" if policy else "INTEGRITY ONLY")
    said = " ".join(one["reason"] for one in report["not_checked"])
    assert all(words in said for words in ("rules of custody", "ML-DSA", ".zip", "only what the steps need"))


def test_who_signed_what_is_shown(verifier, capsysbinary):
    """Event by event, in the order of the log: type, items, whom it names, when, and to whom something went."""
    verifier.main([str(PACKAGES / "0.1_package/package.zip")])
    said = capsysbinary.readouterr().out.decode()
    assert "event 0: open " in said
    assert "event 2: seal EX-001 by examiner" in said


def test_what_matters_and_is_not_read_keeps_the_record_from_ok(verifier):
    """Adopted cases, and keys that sign no more: the verdict is not even INTEGRITY ONLY."""
    for name, words in (("good/0.1_branch_package", "adopted cases"), ("bad/E312_package_by_retired_key", "E312")):
        report = verifier.verify(str(PACKAGES.parent / name / "package.zip"))
        assert report["verdict"] == "NOT CHECKED"
        assert words in " ".join(one["reason"] for one in report["not_checked"])


@pytest.mark.long
def test_each_limit_is_one(verifier, conformance, limits):
    """No vector's findings are beyond the limits but those that a report lacks: a limit must not outlive its reason."""
    lacking = set()
    for folder in FIXTURES:
        fixture = json.loads((folder / "fixture.json").read_text())
        found = {(one["code"], one["where"]) for one in verify(verifier, folder, fixture["options"])["findings"]}
        lacking |= {tuple(error) for error in fixture["errors"]} - found
        lacking |= {(code, "") for code in fixture["codes"] if code not in {code for code, _ in found}}
    used = {limit for limit in limits for one in lacking if conformance.is_beyond(one, {limit})}
    spare = {reason for reason, codes in verifier.LIMITS.items() if not used & set(codes.split())}
    assert {reason[:23] for reason in spare} <= {"items are not followed "}, "what no vector has yet"
