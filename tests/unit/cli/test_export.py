"""`evidencekit export`: what a person is shown before and after, and what programs get."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zipfile

import pytest

from evidencekit.core import layout
from evidencekit.read.grounds import known_grounds


@pytest.fixture
def export(cli, case, signing, tmp_path):
    def run(out="out", *arguments):
        return cli("export", case, *([tmp_path / out] if out else []), *arguments, *signing)

    return run


def test_a_plan_writes_nothing_and_needs_no_key(cli, case, rc, tmp_path):
    before = rc.snapshot(case)
    done = cli("export", case, "--glob", "*.txt", "--withhold", "metadata:privacy", "--plan")
    assert (done.code, done.err) == (0, b"")
    said = done.out.decode()
    assert "EX-001: 5 of " in said
    assert "docs/00.txt" in said
    assert "metadata of 5 rows: privacy" in said
    assert "nothing was written: this is a plan" in said
    assert rc.snapshot(case) == before
    assert os.listdir(tmp_path) == [] or "out" not in os.listdir(tmp_path)
    document = json.loads(cli("export", case, "--glob", "*.txt", "--plan", "--json").out)
    assert document["payload"]["files"] == 4  # one of them was left out when it was acquired
    assert [row["path"] for row in document["first"]] == [f"docs/0{n}.txt" for n in range(5)]


def test_names_are_shown_harmless(cli, case):
    said = cli("export", case, "--plan").out
    assert b"\x1b" not in said


def test_the_last_line_is_the_digest_for_the_letter(export, tmp_path):
    done = export("out", "--glob", "*.txt", "--withhold", "name", "--purpose", "trial")
    assert done.code == 0
    digest = hashlib.sha256((tmp_path / "out/evidence/package.json").read_bytes()).hexdigest()
    assert done.out.decode().split()[-1] == digest
    quiet = export("again", "--glob", "*.txt", "-q")
    assert len(quiet.out.decode().split()[-1]) == 64


def test_the_document(export, case, tmp_path):
    done = export("out.zip", "--item", "EX-001", "--hash-only", "--json", "--use-limits", "trial")
    document = json.loads(done.out)
    assert (done.code, document["type"], document["items"]) == (0, "export", ["EX-001"])
    assert (document["verdict"], document["payload"]) == ("INTEGRITY ONLY", {"bytes": 0, "files": 0})
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        record = archive.read("out/evidence/package.json")
    assert document["package"] == hashlib.sha256(record).hexdigest()
    event = json.loads((case / layout.event_file(document["entry"])).read_bytes())
    assert (event["body"]["package"], event["body"]["use_limits"]) == (document["package"], "trial")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["--rows", "docs"], "U271", 2),
        (["--hash", "abc"], "U213", 2),
        (["--withhold", "names"], "U286", 2),
        (["--withhold", "name:because"], "U282", 2),
        (["--withhold", "row:privacy:nosuch*"], "U281", 2),
        (["--hash-only", "--payload"], "U286", 2),
        (["--full", "--hide-event", "all"], "U284", 2),
        (["--source", "folder"], "U286", 2),
        (["--glob", "nosuch"], "U281", 2),
        (["--item", "EX-009"], "U215", 2),
        (["--larger", "many"], "U207", 2),
        (["--encrypt-to", "age1nobody"], "U292", 2),
    ],
)
def test_what_is_refused(export, tmp_path, arguments, code, exit_code):
    done = export("out", *arguments)
    assert done.code == exit_code, done
    assert code.encode() in done.err
    assert not (tmp_path / "out").exists()


def test_an_output_that_exists_or_lies_in_the_case_is_refused(export, cli, case, signing, tmp_path):
    (tmp_path / "out").write_text("mine")
    assert export("out").code == 5
    assert (tmp_path / "out").read_text() == "mine"
    assert cli("export", case, case / "out", *signing).code == 5
    assert export(None).code == 2


def test_only_the_recipient_opens_an_encrypted_package(export, cli, tmp_path):
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    assert export("out.age", "--glob", "*.txt", "--encrypt-to", str(key.to_public())).code == 0
    data = (tmp_path / "out.age").read_bytes()
    assert b"docs/00.txt" not in data
    (tmp_path / "opened.tar").write_bytes(pyrage.decrypt(data, [key]))
    assert cli("verify", tmp_path / "opened.tar", "-q").code == 7
    with tarfile.open(tmp_path / "opened.tar") as found:
        assert {name.partition("/")[0] for name in found.getnames()} == {"out"}


def test_every_ground_of_the_list_has_a_label():
    assert all(label and label == label.strip() for label in known_grounds().values())
    assert {"not_requested", "not_stated", "erased", "privilege"} <= known_grounds().keys()
