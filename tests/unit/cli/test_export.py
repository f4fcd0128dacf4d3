"""`evidencekit export`: what a person is shown before and after, and what programs get."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zipfile

import pytest
from blake3 import blake3

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


# --- selections, as they are typed ------------------------------------------------------------------------------------


def shown(cli, case, *arguments):
    done = cli("export", case, *arguments, "--plan", "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    return {row["path"] for row in document["first"]}


def test_digest_lists_of_other_tools(cli, case, tmp_path):
    """sha256sum, md5sum with an escaped name, b3sum, hashdeep-like columns, comments, blank lines, upper case."""
    letters = {n: (f"letter {n}\n" * n).encode() for n in (1, 2)}
    one, two = (hashlib.sha256(letters[n]).hexdigest() for n in (1, 2))
    md5, blake = hashlib.new("md5", letters[1], usedforsecurity=False).hexdigest(), blake3(letters[2]).hexdigest()
    path = tmp_path / "list"
    for text in (
        f"{one}  docs/01.txt\n{two} *docs/02.txt\n",
        f"# comment {'0' * 64}\n\n\\{one}  a\\nb\r\n{two.upper()}\n{'0' * 64}  not here\n",
        f"{md5}  x\n{blake}  y",
    ):
        path.write_text(text)
        assert shown(cli, case, "--hash-list", path, "--glob", "0*.txt") == {"docs/01.txt", "docs/02.txt"}
    assert shown(cli, case, "--hash", one.upper(), "--hash", two, "--glob", "0*.txt") == {"docs/01.txt", "docs/02.txt"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--hash", "0" * 64], "U281", "0" * 64),
        (["--hash", "0" * 63], "U213", "128"),
        (["--after", "yesterday"], "U208", "2026-11-22"),
        (["--before", "2020-13-01"], "U208", "2026-11-22"),
        (["--larger", "-1"], "U207", "4096"),
        (["--smaller", "1.5M"], "U207", "4096"),
        (["--smaller", "0"], "U280", "No row"),
        (["--after", "2999-01-01"], "U280", "No row"),
        (["--sql", "nosuch = 1"], "U211", "nosuch"),
        (["--sql", "1) UNION SELECT item, idx FROM rows --"], "U211", ""),
        (["--glob", "*.txt", "--larger", "900G"], "U280", "No row"),
        (["--rows", "EX-001#999999"], "U272", "999999"),
    ],
)
def test_a_selection_that_cannot_be_is_refused_clearly(export, tmp_path, arguments, code, says):
    for more in ([], ["--plan"]):
        done = export("out" if not more else None, *arguments, *more)
        assert (done.code, code.encode() in done.err, says.encode() in done.err) == (2, True, True), done
    assert not (tmp_path / "out").exists()


def test_a_digest_list_with_something_else_in_it_is_refused(cli, case, tmp_path):
    (tmp_path / "list").write_text("0" * 64 + "  fine\nnot-a-digest  bad\n")
    done = cli("export", case, "--hash-list", tmp_path / "list", "--plan")
    assert (done.code, b"U213" in done.err, b"not-a-digest" in done.err) == (2, True, True)
    (tmp_path / "list").write_text("")
    assert b"U280" in cli("export", case, "--hash-list", tmp_path / "list", "--plan").err
    assert b"X403" in cli("export", case, "--hash-list", tmp_path / "nowhere", "--plan").err


# --- the digest of the letter ------------------------------------------------------------------------------------------


def test_the_digest_of_the_letter_is_compared(export, cli, case, tmp_path):
    assert export("out", "--glob", "*.txt").code == 0
    digest = hashlib.sha256((tmp_path / "out/evidence/package.json").read_bytes()).hexdigest()
    typed = " ".join(digest[at : at + 8].upper() for at in range(0, 64, 8))
    for text in (digest, typed):
        done = cli("verify", tmp_path / "out", "--digest", text, "--json")
        document = json.loads(done.out)
        assert (done.code, [one for one in document["findings"] if one["severity"] == "error"]) == (7, [])
        assert document["aspects"]["completeness"]["status"] == "ok"
        assert "the package's digest, which is the one of the letter" in document["checked"]
    without = json.loads(cli("verify", tmp_path / "out", "--json").out)
    assert without["aspects"]["completeness"]["status"] == "not_checked"
    other = "0" * 64
    done = cli("verify", tmp_path / "out", "--digest", other, "--json")
    document = json.loads(done.out)
    (found,) = (one for one in document["findings"] if one["severity"] == "error")
    assert (done.code, found["code"], found["where"]) == (3, "E201", "evidence/package.json")
    assert other in found["expected"]
    assert digest in found["found"]
    assert not any("letter" in line for line in document["checked"])


def test_the_digest_of_the_letter_is_one_and_of_a_package(export, cli, case, tmp_path):
    assert export("out", "--glob", "*.txt").code == 0
    for text in ("0" * 63, "x" * 64, ""):
        assert b"U213" in cli("verify", tmp_path / "out", "--digest", text).err
    assert b"U232" in cli("verify", case, "--digest", "0" * 64).err
    (tmp_path / "out/evidence/package.json").unlink()
    done = cli("verify", tmp_path / "out", "--digest", "0" * 64, "--json")
    assert done.code in {2, 3, 4}


# --- encrypted packages held against each other ------------------------------------------------------------------------


def test_encrypted_packages_are_compared_by_whoever_can_open_them(export, cli, case, tmp_path):
    pyrage = pytest.importorskip("pyrage")
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "age.key").write_text(f"{key}\n")
    assert export("A.age", "--glob", "0[012].txt", "--encrypt-to", str(key.to_public())).code == 0
    assert export("B.tar", "--glob", "0[123].txt").code == 0
    a, b = tmp_path / "A.age", tmp_path / "B.tar"
    assert b"U291" in cli("compare", a, b).err
    done = cli("compare", a, b, "--identity", tmp_path / "age.key", "--json")
    document = json.loads(done.out)
    assert (done.code, document["relation"]) == (0, "extended_by")
    assert document["exports"]["rows"]["added"] >= 1
    assert document["exports"]["rows"]["removed"] >= 1
    assert cli("compare", case, a, "--identity", tmp_path / "age.key").code == 0
    (tmp_path / "other.key").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert cli("compare", a, b, "--identity", tmp_path / "other.key").code == 4
    (tmp_path / "none.key").write_text("nothing\n")
    assert b"U290" in cli("compare", a, b, "--identity", tmp_path / "none.key").err
