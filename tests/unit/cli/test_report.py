"""`evidencekit report`: written whatever the verdict; what cannot be a report is refused, and nothing is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[3] / "specs/vectors"
GOOD = VECTORS / "cases/good/0.1_small"
PACKAGE = VECTORS / "packages/good/0.1_package/package.zip"
WHEN = ("--now", "2026-11-23T09:00:00Z", "--lang", "en")


@pytest.fixture
def case(tmp_path):
    shutil.copytree(GOOD / "case", tmp_path / "case")
    return tmp_path / "case"


def made(cli, out, *arguments):
    done = cli("report", *arguments, *WHEN, "-o", out, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def refused(cli, code, *arguments):
    done = cli("report", *arguments, "--json")
    assert done.code != 0
    assert json.loads(done.out)["error"]["code"] == code


def test_a_report_whatever_the_verdict(cli, case, tmp_path):
    assert made(cli, tmp_path / "a.html", case, "--policy", GOOD / "policy")["verdict"] == "VERIFIED"
    assert made(cli, tmp_path / "b.html", case)["verdict"] == "INTEGRITY ONLY"
    (case / "custody/00000001/event.json").write_text("{}")
    assert made(cli, tmp_path / "c.html", case)["verdict"] == "FAILED"
    for name in "abc":
        assert (tmp_path / f"{name}.html").read_text().startswith("<!DOCTYPE html>")


def test_the_same_bytes_again_and_in_french(cli, case, tmp_path):
    for name in ("a.html", "b.html"):
        made(cli, tmp_path / name, case)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    done = cli("report", case, "--lang", "fr", "--html", "-o", tmp_path / "fr.html")
    assert done.code == 0
    assert 'lang="fr"' in (tmp_path / "fr.html").read_text()


def test_a_saved_verification_is_named_as_one(cli, case, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_bytes(cli("verify", case, "--json").out)
    facts = made(cli, tmp_path / "a.html", case, "--verification", saved)["facts"]
    assert facts["verification"]["saved"]["as_of"] is None
    assert facts["verification"]["made_at"] is None
    assert "was not repeated for this report" in (tmp_path / "a.html").read_text()
    assert facts["verification"]["saved"]["sha256"] in (tmp_path / "a.html").read_text()
    other = VECTORS / "cases/good/0.1_custody/case"
    grown = made(cli, tmp_path / "grown.html", other, "--verification", saved)["facts"]
    assert grown["basis"] == "unchecked"  # the same log, further on: the verification is of what it was before
    later = tmp_path / "later.json"
    later.write_bytes(cli("verify", other, "--json").out)
    refused(cli, "U612", case, "--verification", later, "-o", tmp_path / "b.html")
    refused(cli, "U612", PACKAGE, "--verification", saved, "-o", tmp_path / "b.html")
    refused(cli, "U232", case, "--verification", saved, "--policy", GOOD / "policy", "-o", tmp_path / "b.html")
    saved.write_text("{}")
    refused(cli, "U611", case, "--verification", saved, "-o", tmp_path / "b.html")


def test_a_package_and_its_saved_verification(cli, tmp_path):
    saved = tmp_path / "saved.json"
    saved.write_bytes(cli("verify", PACKAGE, "--json").out)
    now = made(cli, tmp_path / "a.html", PACKAGE)["facts"]
    then = made(cli, tmp_path / "b.html", PACKAGE, "--verification", saved)["facts"]
    assert now["withheld"] == then["withheld"]
    assert now["custody"] is None


def test_refusals_write_nothing(cli, case, tmp_path):
    out = tmp_path / "r.html"
    refused(cli, "U613", case, "--pdf", "-o", out)
    refused(cli, "U233", case)
    refused(cli, "R506", case, "-o", case / "r.html")
    refused(cli, "U232", PACKAGE, "--source", case, "-o", out)
    proof = tmp_path / "p.tlog-proof"
    proof.write_text("x")
    refused(cli, "U610", proof, "-o", out)
    refused(cli, "X401", tmp_path / "none", "-o", out)
    assert not out.exists()
    out.write_text("mine")
    refused(cli, "R501", case, "-o", out)
    assert out.read_text() == "mine"
