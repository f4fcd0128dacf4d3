"""verifiers/python/verify_evidence.py comes to what every fixture demands, but for what it says that it does not check."""

from __future__ import annotations

import json
import shutil
import zipfile
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


@pytest.mark.parametrize("policy", [True, False])
def test_a_good_package_is_never_green_by_silence(verifier, policy):
    folder = PACKAGES / "0.1_package"
    report = verifier.verify(str(folder / "package.zip"), str(folder / "policy") if policy else None)
    states = {aspect: state["status"] for aspect, state in report["aspects"].items()}
    assert (states["record"], states["evidence"]) == ("ok", "ok")
    assert states["identity"] == ("ok" if policy else "not_checked")
    assert states["custody"] == "ok"
    assert report["line"] == ("VERIFIED (package)" if policy else "INTEGRITY ONLY")
    said = " ".join(one["reason"] for one in report["not_checked"])
    assert all(words in said for words in ("ML-DSA", ".zip", "only what the steps need"))


@pytest.mark.parametrize("pack", ["folder", "zip", "tar"])
def test_a_package_and_a_plain_policy_are_verified_and_one_byte_is_enough_to_fail(verifier, tmp_path, pack):
    """As `evidencekit policy new` writes one: with dates for kinds of keys that it does not check, and a number of authorities."""
    policy = shutil.copytree(PACKAGES / "0.1_package/policy", tmp_path / "policy")
    rules = policy / "policy.toml"
    more = 'require = []\n[algorithms]\n"ssh-rsa" = 2030-12-31\n[time]\nauthorities = 1\n'
    rules.write_text(rules.read_text().replace("[[log]]", more + "[[log]]"))
    with zipfile.ZipFile(PACKAGES / "0.1_package/package.zip") as archive:
        archive.extractall(tmp_path)

    def verdict(policy=None):
        path = tmp_path / "package"
        if pack != "folder":
            path = Path(shutil.make_archive(tmp_path / "made", pack, tmp_path, "package"))
        report = verifier.verify(str(path), policy)
        return report["verdict"], report["exit_code"]

    assert verdict(str(policy)) == ("VERIFIED", 0)
    assert verdict() == ("INTEGRITY ONLY", 7)
    rules.write_text(rules.read_text().replace("ssh-rsa", "ssh-ed25519"))
    assert verdict(str(policy)) == ("NOT CHECKED", 4), "a date that it would have to judge"
    changed = next(path for path in sorted((tmp_path / "package/data").rglob("*")) if path.is_file())
    changed.write_bytes(changed.read_bytes()[:-1] + b"?")
    assert verdict() == ("FAILED", 3)


def test_a_log_that_the_policy_knows_by_ml_dsa_alone_is_not_checked(verifier, tmp_path):
    """Nothing of such a key is verified, so nobody is known by it."""
    policy = shutil.copytree(PACKAGES / "0.1_package/policy", tmp_path / "policy")
    lines = (policy / "logs.policy").read_text().splitlines(keepends=True)
    short = [line for line in lines if not line.startswith("log ") or len(line) > 1000]
    assert len(short) == len(lines) - 1
    (policy / "logs.policy").write_text("".join(short))
    report = verifier.verify(str(PACKAGES / "0.1_package/package.zip"), str(policy))
    assert (report["verdict"], report["aspects"]["identity"]["status"]) == ("NOT CHECKED", "not_checked")


@pytest.mark.parametrize("name", ["0.1_branch_package", "0.1_passed_on"])
def test_what_matters_and_is_not_read_keeps_the_record_from_ok(verifier, name):
    """Adopted cases and packages that are passed on: the verdict is not even INTEGRITY ONLY."""
    report = verifier.verify(str(PACKAGES / name / "package.zip"))
    assert report["verdict"] == "NOT CHECKED"
    assert "adopted cases, and packages" in " ".join(one["reason"] for one in report["not_checked"])


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
