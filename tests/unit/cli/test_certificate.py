"""`evidencekit certificate`: a file for a person to sign; refusals write nothing; the case is not changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from htmlpage import Page

GOOD = Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_small"
WHEN = ("--now", "2026-11-23T09:00:00Z", "--lang", "en")
OWN = """
id = "ours"
title = "Ours"
language = "en"
instrument = "None"
citation = "None"
version = "1"
mark = "none"

[[part]]
block = [{ text = "Case {case.reference}." }, { blank = "person.signature", label = "Signature" }]
"""


@pytest.fixture
def sealed(tmp_path):
    """A copy of a sealed case with a policy that knows its people."""
    shutil.copytree(GOOD / "case", tmp_path / "sealed")
    return tmp_path / "sealed"


def made(cli, out, *arguments):
    done = cli("certificate", *arguments, *WHEN, "-o", out, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def refused(cli, code, *arguments):
    done = cli("certificate", *arguments, "--json")
    assert done.code != 0
    assert json.loads(done.out)["error"]["code"] == code
    return json.loads(done.out)["error"]["message"]


def files_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_forms_and_slots_are_listed(cli):
    document = json.loads(cli("certificate", "--list", "--json").out)
    assert [form["id"] for form in document["forms"]] == [
        *("bsa-63-4-a", "bsa-63-4-b", "fre-902-13", "fre-902-14", "generic"),
    ]
    assert {
        "name": "person.signature",
        "kind": "person",
        "source": "the person who signs",
        "absent": "not_recorded",
    } in (document["slots"])
    text = cli("certificate", "--list").out.decode()
    for form in document["forms"]:
        assert f"{form['id']}" in text
        assert form["citation"]
    assert "unconfirmed" in text


def test_a_certificate_and_what_verification_came_to(cli, sealed, tmp_path):
    before = files_of(sealed)
    known = made(cli, tmp_path / "a.html", sealed, "--form", "fre-902-14", "--policy", GOOD / "policy")
    unknown = made(cli, tmp_path / "b.html", sealed, "--form", "fre-902-14")
    assert known["facts"]["statement"]["verification"]["verdict"] == "VERIFIED"
    assert unknown["facts"]["statement"]["verification"] is None
    assert (known["form"], known["items"], known["out"]) == ("fre-902-14", ["EX-001"], str(tmp_path / "a.html"))
    assert "Result: VERIFIED" in Page((tmp_path / "a.html").read_text()).text
    assert "Nothing was verified" in Page((tmp_path / "b.html").read_text()).text
    said = cli("certificate", sealed, "--form", "generic", "-o", tmp_path / "c.html").out.decode()
    assert said.startswith("Nothing was verified")
    assert "Nobody has signed it." in said
    assert files_of(sealed) == before


def test_it_is_written_whatever_the_verdict(cli, sealed, tmp_path):
    (sealed / "custody/00000002/event.json.sig").write_text("nobody's")
    options = ("--form", "generic", "--policy", GOOD / "policy", *WHEN, "-o", tmp_path / "a.html")
    done = cli("certificate", sealed, *options)
    assert done.code == 0
    assert done.out.startswith(b"FAILED")
    assert "THE VERIFICATION OF THIS CASE FAILED" in (tmp_path / "a.html").read_text()


def test_the_files_themselves_are_compared_where_they_are_named(cli, rc, tmp_path):
    """An item that is one file: its SHA-256 stands as such, on the form and in the hash report."""
    office, source = rc.Office(tmp_path / "office"), tmp_path / "disk.img"
    office.open(tmp_path / "one")
    source.write_bytes(b"\0" * 5000)
    office.acquire(tmp_path / "one", source)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    options = ("--form", "bsa-63-4-a", "--source", f"EX-001={source}")
    found = made(cli, tmp_path / "a.html", tmp_path / "one", *options)["facts"]
    assert found["items"]["rows"][0]["item.sha256"] == digest
    said = Page((tmp_path / "a.html").read_text()).text
    assert re.search(f"record/s is blake3 [0-9a-f]{{64}}; sha256 {digest} , obtained through", said)
    assert f"SHA-256 of the item, if it is one file or one device {digest}" in said
    assert "(the source itself)" in said
    assert found["statement"]["verification"]["scope"] == "record and evidence"
    source.write_bytes(b"\1" * 5000)
    again = made(cli, tmp_path / "b.html", tmp_path / "one", *options)["facts"]
    assert again["statement"]["verification"]["verdict"] == "FAILED"
    assert again["items"]["rows"][0]["item.sha256"] == digest


def test_odd_names_and_omissions(cli, case, tmp_path):
    found = made(cli, tmp_path / "a.html", case, "--form", "fre-902-13")["facts"]
    text = (tmp_path / "a.html").read_text()
    assert found["statement"]["catalogue"]["omissions"]["total"] > 0
    assert found["items"]["rows"][0]["item.omitted"] == found["statement"]["catalogue"]["omitted"] > 0
    assert "\\u{202e}gpj.exe" in text
    assert not {"\u202e", "\x1b", "\x07", "\x9b"} & set(text)


def test_a_form_of_ones_own(cli, sealed, tmp_path):
    own = tmp_path / "ours.toml"
    own.write_text(OWN)
    assert made(cli, tmp_path / "a.html", sealed, "--template", own)["form"] == "ours"
    said = Page((tmp_path / "a.html").read_text()).text
    assert "Case 24-117 ." in said
    assert "The form did not come with the program." in said
    own.write_text(OWN.replace("{case.reference}", "{case.secret}"))
    message = refused(cli, "U621", sealed, "--template", own, "-o", tmp_path / "b.html")
    assert "part[0].block[0].text" in message
    assert "case.secret" in message
    assert not (tmp_path / "b.html").exists()


def test_the_same_bytes_again_and_in_french(cli, sealed, tmp_path):
    for name in ("a.html", "b.html"):
        made(cli, tmp_path / name, sealed, "--form", "generic")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert cli("certificate", sealed, "--form", "generic", "--lang", "fr", "-o", tmp_path / "fr.html").code == 0
    assert 'lang="fr"' in (tmp_path / "fr.html").read_text()


@pytest.mark.judge("typst")
@pytest.mark.parametrize("form", ["bsa-63-4-b", "fre-902-13"])
def test_as_pdf(cli, sealed, tmp_path, form):
    done = cli("certificate", sealed, "--form", form, "--pdf", *WHEN, "-o", tmp_path / "a.pdf")
    assert done.code == 0, done.err
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF-")


def test_refusals_write_nothing(cli, sealed, tmp_path):
    out = tmp_path / "r.html"
    form = ("--form", "generic")
    refused(cli, "U620", sealed, "-o", out)
    refused(cli, "U620", sealed, "--form", "nobody", "-o", out)
    refused(cli, "U620", sealed, *form, "--template", sealed / "case.json", "-o", out)
    refused(cli, "U621", sealed, "--template", sealed / "case.json", "-o", out)
    refused(cli, "U200", *form, "-o", out)
    refused(cli, "U233", sealed, *form)
    refused(cli, "U215", sealed, *form, "--item", "EX-009", "-o", out)
    refused(cli, "R506", sealed, *form, "-o", sealed / "r.html")
    refused(cli, "X401", tmp_path / "none", *form, "-o", out)
    assert not out.exists()
    out.write_text("mine")
    refused(cli, "R501", sealed, *form, "-o", out)
    assert out.read_text() == "mine"


def test_the_list_is_asked_for_alone(cli, sealed, tmp_path):
    for beside in (
        (sealed,),
        ("--form", "generic"),
        ("-o", tmp_path / "r.html"),
        ("--pdf",),
        ("--policy", GOOD / "policy"),
    ):
        refused(cli, "U232", "--list", *beside)


def test_an_unfinished_case_gives_no_certificate(cli, sealed, tmp_path):
    max((sealed / "checkpoints").iterdir()).unlink()
    refused(cli, "R502", sealed, "--form", "generic", "-o", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_a_case_in_which_nothing_is_sealed(cli, rc, tmp_path):
    rc.Office(tmp_path / "office").open(tmp_path / "empty")
    refused(cli, "X440", tmp_path / "empty", "--form", "generic", "-o", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_a_record_that_cannot_be_read_gives_no_certificate(cli, sealed, tmp_path):
    (sealed / "custody/00000001/event.json").write_text("{}")
    refused(cli, "X446", sealed, "--form", "generic", "--policy", GOOD / "policy", "-o", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()
