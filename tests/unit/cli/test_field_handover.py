"""`evidencekit field handover` and `receipt`: what the laboratory types is what READ-ME.txt says."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess

import pytest

from evidencekit.core import layout
from evidencekit.read.texts import load_texts


class Parties:
    """A team with two exhibits, and a laboratory with a case of its own; everybody's log keys lie in one home."""

    def __init__(self, cli, folder):
        self.cli, self.folder = cli, folder

    def run(self, *words, code=0):
        done = self.cli(*words)
        assert done.code == code, (words, done)
        return done

    def json(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code).out)

    def build(self):
        """Seize something."""
        at = self.folder
        for who in ("officer", "keeper"):
            self.run("key", "new", at / who, "--no-passphrase")
        for name, who in (("field", "officer"), ("lab", "keeper")):
            self.run(
                "init", at / name, "--reference", f"{name} 24/117", "--agency", "Unit 7",
                "--origin", f"{name}.example/1", "--signer", at / who,
            )  # fmt: skip
        (at / "stick").mkdir()
        (at / "stick/letter").write_text("dear all\n")
        self.run(
            "acquire", at / "field", at / "stick", "--exhibit", "EX-001", "--copy", "--no-identify",
            "--signer", at / "officer",
        )  # fmt: skip
        self.run(
            "custody", "add", at / "field", "collect", "--item", "EX-002", "--description", "a telephone",
            "--place", "12 Example Street", "--signer", at / "officer",
        )  # fmt: skip

    def hand_over(self, *more, code=0):
        at = self.folder
        words = (
            "--to",
            at / "keeper.pub",
            "--purpose",
            "analysis",
            "--signer",
            at / "officer",
            "--out",
            at / "out",
            *more,
        )
        return self.run("field", "handover", at / "field", *words, code=code)


@pytest.fixture(scope="module")
def made(cli, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patched.setenv(name, str(folder / "home"))
        Parties(cli, folder).build()
    return folder


@pytest.fixture
def parties(cli, made, tmp_path):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Parties(cli, tmp_path)


def typed_in(text):
    """The commands of the first language of a READ-ME.txt, as words."""
    ours = text.partition("-" * 78)[0]
    return [shlex.split(line) for line in ours.splitlines() if line.startswith(("    evidencekit ", "    sha256sum "))]


def test_the_laboratory_types_what_the_read_me_says(parties, judge, monkeypatch):
    judge("sha256sum")
    at = parties.folder
    done = json.loads(parties.hand_over("--lang", "fr", "--json").out)
    assert (done["items"], done["left"], done["recorded"]) == (["EX-001", "EX-002"], {}, True)
    text = (at / "out/READ-ME.txt").read_text()
    assert [load_texts(language)("readme_title") in text for language in ("fr", "en", "es")] == [True, True, False]
    theirs = {"LABCASE": "../lab", "POLICY": "../policy", "KEY": "../keeper", "FIELDCASE": "../field"}
    theirs |= {"keeper=KEY.pub": "keeper=../keeper.pub"}
    monkeypatch.chdir(at / "out")
    steps = typed_in(text)
    assert [words[2] for words in steps] == ["-c", "new", "adopt", "accept", "LABCASE", "receipt"]
    for step in steps:
        words = [theirs.get(word, word) for word in step]
        if words[0] == "sha256sum":
            assert subprocess.run(words, check=False).returncode == 0
            continue
        if words[1:3] == ["custody", "receipt"]:
            words[words.index("--signer") + 1] = "../officer"
        parties.run(*words[1:])
    report = parties.json("verify", at / "lab", "--policy", at / "policy")
    assert report["verdict"] == "VERIFIED"
    (adopted, other) = parties.json("custody", "status", at / "lab")["items"]
    assert (adopted["item"], other["item"]) == ("field-field-24-117/EX-001", "field-field-24-117/EX-002")
    assert adopted["holder"]["name"] == "keeper"
    theirs_now = parties.json("custody", "status", at / "field")["items"]
    assert [(one["holder"]["name"], one["open_offers"]) for one in theirs_now] == [("keeper", []), ("keeper", [])]
    parties.hand_over("--json", "--out", at / "again", code=5)  # nothing is left in hand


def test_a_crash_before_the_checkpoint_is_finished(parties):
    at = parties.folder
    parties.hand_over()
    shutil.rmtree(at / "out")
    newest = max((at / "field/checkpoints").iterdir())
    newest.unlink()
    done = parties.hand_over()
    assert b"finished: checkpoint" in done.err
    assert b"was offered before" in done.out
    assert (at / "out/case/checkpoints" / newest.name).exists()


def test_what_is_said(parties):
    done = parties.hand_over()
    said = done.out.decode()
    assert "EX-001, EX-002 for keeper" in said
    assert "offered now: entry 4" in said
    assert "READ-ME.txt" in said
    assert b"R501" in parties.hand_over(code=5).err


def test_an_unknown_language_or_no_folder(parties):
    at = parties.folder
    parties.hand_over("--lang", "xx", code=2)
    parties.run("field", "handover", at / "field", "--to", at / "keeper.pub", "--signer", at / "officer", code=2)
    assert not (at / "out").exists()


def test_a_receipt_of_what_was_taken(parties):
    at = parties.folder
    before = sorted(path for path in (at / "field").rglob("*"))
    made = parties.json("field", "receipt", at / "field", "--lang", "ar", "-o", at / "r.html")
    assert [item["exhibit"] for item in made["items"]] == ["EX-001", "EX-002"]
    assert made["items"][1]["description"] == "a telephone"
    assert 'dir="rtl"' in (at / "r.html").read_text()
    assert sorted(path for path in (at / "field").rglob("*")) == before
    parties.run("field", "receipt", at / "field", "-o", at / "r.html", code=5)
    parties.run("field", "receipt", at / "field", "-o", at / "field/r.html", code=5)
    parties.run("field", "receipt", at / "field", code=2)
    parties.run("field", "receipt", at / "field", "--item", "EX-009", "-o", at / "no.html", code=2)
    made = parties.json("field", "receipt", at / "field", "--item", "EX-002", "-o", at / "one.html")
    assert "EX-001" not in (at / "one.html").read_text()
    assert layout.parse_number(f"{made['checkpoint']['size']:08d}") == 4


def test_no_receipt_where_nothing_was_taken(parties):
    at = parties.folder
    assert b"X440" in parties.run("field", "receipt", at / "lab", "-o", at / "r.html", code=4).err
    assert not (at / "r.html").exists()


def test_no_receipt_of_an_unfinished_case(parties):
    at = parties.folder
    max((at / "field/checkpoints").iterdir()).unlink()
    assert b"R502" in parties.run("field", "receipt", at / "field", "-o", at / "r.html", code=5).err
    assert not (at / "r.html").exists()


def test_a_receipt_says_what_was_corrected(parties):
    at = parties.folder
    (entry,) = (one["entry"] for one in parties.json("custody", "log", at / "field", "--item", "EX-002")["events"])
    parties.run(
        "custody", "add", at / "field", "correct", "--item", "EX-002", "--corrects", str(entry), "--text", "a tablet",
        "--signer", at / "officer",
    )  # fmt: skip
    made = parties.json("field", "receipt", at / "field", "-o", at / "r.html")
    assert [item["corrected"] for item in made["items"]] == [[], [entry + 1]]
