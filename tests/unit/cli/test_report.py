"""`evidencekit report`: written whatever the verdict; what cannot be a report is refused, and nothing is written."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from evidencekit.read.texts import LANGUAGES

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


def test_a_language_changes_words_alone(cli, case, tmp_path):
    """Facts, codes, digests and numbers are the same; in the page, too: what is marked as code or number."""
    facts, marked = [], []
    for language in LANGUAGES:
        out = tmp_path / f"{language}.html"
        done = cli("report", case, "--now", "2026-11-23", "--lang", language, "-o", out, "--json")
        facts.append(json.loads(done.out)["facts"])
        marked.append(re.findall(r'<bdi dir="ltr" class="(?:code|num)">[^<]*</bdi>', out.read_text()))
    assert all(one == facts[0] for one in facts)
    assert marked[0]
    assert all(one == marked[0] for one in marked)


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
    assert grown["basis"] == "saved"  # the same log, further on: the verification is of what it was before
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
    assert now["custody"] == then["custody"]
    assert [one["entry"] for one in now["custody"]["events"]["rows"]] == [0, 1, 2, 3]  # nothing of the log is withheld


def test_refusals_write_nothing(cli, case, tmp_path):
    out = tmp_path / "r.html"
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


@pytest.fixture
def live(cli, tmp_path):
    """A case whose source is still there."""
    key, folder, where = tmp_path / "examiner", tmp_path / "seized", tmp_path / "live"
    folder.mkdir()
    (folder / "a.txt").write_text("one")
    assert cli("key", "new", key, "--no-passphrase").code == 0
    signing = ("--signer", key, "--log-key", tmp_path / "log")
    named = ("--reference", "24-117", "--agency", "Unit 7", "--origin", "unit7.example/24-117")
    assert cli("init", where, *named, *signing).code == 0
    assert cli("acquire", where, folder, "--exhibit", "EX-001", *signing).code == 0
    return where, folder, signing


def test_the_evidence_and_what_was_known_before_are_verified_for_it(cli, live, tmp_path):
    case, folder, _ = live
    aspects = made(cli, tmp_path / "a.html", case, "--source", folder)["facts"]["verification"]["aspects"]
    assert {one["name"]: one["status"] for one in aspects}["evidence"] == "ok"
    since = json.loads(cli("checkpoint", "show", case, "--json").out)
    typed = f"{since['size']} {since['root']}"
    aspects = made(cli, tmp_path / "b.html", case, "--since", typed)["facts"]["verification"]["aspects"]
    assert {one["name"]: one["status"] for one in aspects}["completeness"] == "ok"
    (folder / "a.txt").write_text("two")
    assert made(cli, tmp_path / "c.html", case, "--source", folder)["verdict"] == "FAILED"


def test_a_package_that_only_its_recipient_opens(cli, live, tmp_path):
    import pyrage

    case, _, signing = live
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(str(key))
    (tmp_path / "identity").chmod(0o600)
    package = tmp_path / "out.age"
    assert cli("export", case, package, "--encrypt-to", str(key.to_public()), *signing).code == 0
    facts = made(cli, tmp_path / "a.html", package, "--identity", tmp_path / "identity")["facts"]
    assert (facts["verification"]["verdict"], facts["custody"]["events"]["total"]) == ("INTEGRITY ONLY", 4)
    refused(cli, "U291", package, "-o", tmp_path / "b.html")


def test_events_that_a_package_withholds_are_told_with_their_ground(cli, live, tmp_path):
    case, _, signing = live
    about = ("--item", "EX-001", "--place", "Room 4", "--purpose", "keep")
    assert cli("custody", "add", case, "store", *about, *signing).code == 0
    assert cli("export", case, tmp_path / "out.zip", "--hide-event", "store:security", *signing).code == 0
    custody = made(cli, tmp_path / "a.html", tmp_path / "out.zip")["facts"]["custody"]
    assert (custody["part"], custody["size"], custody["shown"], custody["withheld"]) == (True, 5, 4, 1)
    assert [one["entry"] for one in custody["events"]["rows"]] == [0, 1, 2, 3, 4]
    assert custody["events"]["rows"][4].keys() == {"entry", "ground", "recorded_at"}
    page = (tmp_path / "a.html").read_text()
    assert "Room 4" not in page
    assert "Withheld by whoever made the package" in page


def test_a_package_that_is_none_is_reported_as_failed(cli, tmp_path):
    (tmp_path / "bad.zip").write_bytes(PACKAGE.read_bytes()[:-40])
    done = made(cli, tmp_path / "a.html", tmp_path / "bad.zip")
    assert done["verdict"] != "VERIFIED"
    assert done["facts"]["custody"].keys() == {"error"}


def test_rows_that_were_asked_for_are_shown_with_their_digests(cli, live, tmp_path):
    import hashlib

    from blake3 import blake3

    case, folder, _ = live
    chosen = made(cli, tmp_path / "a.html", case, "--row", "EX-001:a.txt", "--row", "EX-001#0")["facts"]["chosen"]
    first, second = chosen["rows"]
    data = (folder / "a.txt").read_bytes()
    assert first["digests"] == {"blake3": blake3(data).hexdigest(), "sha256": hashlib.sha256(data).hexdigest()}
    assert (first["path"], first["size"], first["state"]) == ("a.txt", len(data), "complete")
    assert (second["kind"], second["index"], second["digests"]) == ("directory", 0, {})
    assert first["digests"]["sha256"] in (tmp_path / "a.html").read_text()
    for code, name in (("U234", "EX-001:b.txt"), ("U234", "EX-001"), ("U215", "EX-009:a.txt"), ("U234", "EX-001#x")):
        refused(cli, code, case, "--row", name, "-o", tmp_path / "b.html")
    refused(cli, "U232", PACKAGE, "--row", "EX-001:a.txt", "-o", tmp_path / "b.html")
    assert not (tmp_path / "b.html").exists()


def test_a_saved_verification_does_not_vouch_for_what_was_changed_since(cli, case, tmp_path):
    """Whoever altered the record after it was verified gets no page that says that it is as it was signed."""
    saved = tmp_path / "saved.json"
    saved.write_bytes(cli("verify", case, "--policy", GOOD / "policy", "--json").out)
    event = case / "custody/00000001/event.json"
    event.write_text(event.read_text().replace('"examiner"', '"somebody"'))
    facts = made(cli, tmp_path / "a.html", case, "--verification", saved)["facts"]
    assert (facts["verification"]["verdict"], facts["basis"]) == ("VERIFIED", "saved")
    page = (tmp_path / "a.html").read_text()
    assert "found that record as it was signed and sealed" not in page
    assert "whether the record is still as it was then was not checked" in page


def test_how_to_repeat_it_names_what_was_given_and_nobodys_words(cli, live, tmp_path):
    case, folder, _ = live
    strange = case.with_name("sp; rm x")
    case.rename(strange)
    cli("policy", "new", tmp_path / "policy", "--trust", f"examiner={tmp_path / 'examiner.pub'}", "--log", strange)
    since = json.loads(cli("checkpoint", "show", strange, "--json").out)
    given = (
        "--policy",
        tmp_path / "policy",
        "--source",
        f"EX-001={folder}",
        "--since",
        f"{since['size']} {since['root']}",
    )
    facts = made(cli, tmp_path / "a.html", strange, *given)["facts"]["verification"]
    assert facts["repeat"] == "evidencekit-verify CASE --policy POLICY --source EX-001=FOLDER --since CHECKPOINT"
    digests = {one["name"]: one["sha256"] for one in facts["policy"]["rows"]}
    files = [path for path in (tmp_path / "policy").rglob("*") if path.is_file()]
    assert digests == {str(path.relative_to(tmp_path / "policy")): sha256(path) for path in files}
    assert facts["checkpoint"]["base64"] in (tmp_path / "a.html").read_text()
    plain = made(cli, tmp_path / "b.html", strange)["facts"]["verification"]
    assert (plain["repeat"], plain["policy"]) == ("evidencekit-verify CASE", None)


def sha256(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_report_is_not_written_into_the_evidence_nor_where_nothing_can_be(cli, live, tmp_path):
    case, folder, _ = live
    (tmp_path / "link").symlink_to(folder)
    for out in (folder / "r.html", tmp_path / "link/r.html"):
        refused(cli, "R506", case, "--source", folder, "-o", out)
    refused(cli, "X423", case, "-o", tmp_path / "none/r.html")
    assert {path.name for path in folder.iterdir()} == {"a.txt"}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "today"])
def test_a_time_that_no_record_can_state_is_wrong_usage(cli, case, tmp_path, when):
    done = cli("report", case, "--now", when, "-o", tmp_path / "a.html", "--json")
    assert (done.code, json.loads(done.out)["error"]["code"]) == (2, "U208")
