"""`evidencekit report --pdf`: written, signed or refused before anything is verified."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest
from paperkey import p12

from evidencekit.cli import surroundings
from evidencekit.core.values import parse_instant
from evidencekit.report.pdf import facts_json

CASE = Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_custody/case"
WHEN = "2026-11-23T09:00:00Z"
NOW = parse_instant("2026-11-23T09:00:00.000000000Z")


@pytest.fixture
def report(cli, tmp_path):
    """Write a report; return the exit code, the document on stdout, and the file."""

    def run(*arguments, out="report.pdf"):
        done = cli("report", CASE, "--now", WHEN, "--lang", "en", "-o", tmp_path / out, "--json", *arguments)
        return done.code, json.loads(done.out), tmp_path / out

    return run


@pytest.fixture
def key(tmp_path, monkeypatch):
    monkeypatch.setattr(surroundings, "ask_passphrase", lambda prompt, **_: "open")
    (tmp_path / "me.p12").write_bytes(p12(NOW))
    return tmp_path / "me.p12"


def test_the_same_pdf_again_with_its_facts(report):
    code, said, first = report("--pdf")
    assert (code, said["verdict"]) == (0, "INTEGRITY ONLY")
    _, _, second = report("--pdf", out="again.pdf")
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.judge("pdfdetach")
def test_the_facts_inside_are_those_that_are_printed(report, tmp_path):
    _, said, file = report("--pdf")
    subprocess.run(["pdfdetach", "-save", "1", "-o", tmp_path / "facts.json", file], check=True)
    assert (tmp_path / "facts.json").read_bytes() == facts_json(said["facts"])


@pytest.mark.judge("pdfsig")
def test_a_signed_one_says_what_it_is(cli, key, tmp_path):
    done = cli("report", CASE, "--now", WHEN, "--pdf", "--pdf-key", key, "-o", tmp_path / "a.pdf")
    assert done.code == 0
    assert b"Signed by CN=A. Examiner: that signs this paper, not the evidence." in done.out + done.err
    told = subprocess.run(["pdfsig", tmp_path / "a.pdf"], capture_output=True, text=True, check=True).stdout
    assert "Signature is Valid" in told


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--pdf", "--html"], "U232"),
        (["--pdf-key", "KEY"], "U232"),
        (["--html", "--pdf-key", "KEY"], "U232"),
        (["--pdf", "--pdf-key", "OTHER"], "X410"),
        (["--pdf", "--pdf-key", "JUNK"], "U614"),
        (["--pdf", "--pdf-key", "OLD"], "R602"),
    ],
    ids=" ".join,
)
def test_refusals_write_nothing(report, key, options, expected):
    files = {"KEY": key, "OTHER": key.parent / "none.p12", "JUNK": key.parent / "junk", "OLD": key.parent / "old"}
    files["JUNK"].write_bytes(b"junk")
    files["OLD"].write_bytes(p12(NOW - 300 * 86_400 * 10**9))
    code, said, file = report(*(files.get(word, word) for word in options))
    assert (said["error"]["code"], code) == (expected, {"U": 2, "X": 4, "R": 5}[expected[0]])
    assert not file.exists()


def test_a_passphrase_needs_somebody_to_ask(report, tmp_path):
    (tmp_path / "me.p12").write_bytes(p12(NOW))
    assert report("--pdf", "--pdf-key", tmp_path / "me.p12")[1]["error"]["code"] == "X411"


@pytest.mark.parametrize(("name", "options"), [("typst", ()), ("pyhanko", ("KEY",))])
def test_without_the_extra_it_says_how_to_get_it(report, key, monkeypatch, name, options):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == name else there(asked))
    code, said, file = report("--pdf", *(word for _ in options for word in ("--pdf-key", str(key))))
    assert (code, said["error"]["code"]) == (4, "X453")
    assert "evidencekit[pdf]" in said["error"]["hint"]
    assert not file.exists()
    assert report("--html", out="report.html")[0] == 0
