"""`evidencekit custody label` and `form`: papers of a real case, whose label is whose, and what is refused."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from evidencekit.core.label import Label, parse_label
from evidencekit.journeys import custody_paper

VECTORS = Path(__file__).parents[3] / "specs/vectors"
TO = ("--purpose", "analysis")


@pytest.fixture
def papers(case, cli, desk, tmp_path, signing):
    """The case with a second item that nobody has read; commands on it."""
    cli("key", "new", tmp_path / "lab", "--no-passphrase", "--quiet")

    def run(*arguments, code=0, on=case):
        done = cli("custody", arguments[0], on, *arguments[1:])
        assert done.code == code, (arguments, done.out.decode(), done.err.decode())
        return done

    def told(*arguments, **more):
        return json.loads(run(*arguments, "--json", **more).out)

    run("add", "collect", "--item", "EX-002", "--description", "a telephone", "--seals-after", "S-1", *signing)
    run.told, run.case, run.folder, run.signing = told, case, tmp_path, signing
    return run


def offer(papers, *items, to="lab"):
    path = papers.folder / f"{to}{len(items)}.json"
    chosen = [word for item in items for word in ("--item", item)]
    papers("offer", *chosen, "--to", papers.folder / f"{to}.pub", *TO, "--out", path, *papers.signing)
    return path


def refused(papers, *arguments, code):
    error = papers.told(*arguments, code=code)["error"]
    return error["code"]


def labels(papers, *more):
    out = papers.folder / f"labels{len(list(papers.folder.glob('labels*')))}.html"
    return papers.told("label", "-o", out, *more), out.read_text()


def test_labels_of_all_that_is_held(papers):
    told, page = labels(papers)
    first, second = told["labels"]
    assert (first["label"]["item"], second["label"]["item"]) == ("EX-001", "EX-002")
    assert first["label"]["root"] is not None
    assert (second["label"]["root"], second["seals"], second["description"]) == (None, "S-1", "a telephone")
    assert page.count("<svg") == 2
    one, page = labels(papers, "--item", "EX-002", "--size", "large", "--skip", "3", "--lang", "ar")
    assert (one["labels"], one["language"], one["size"], one["skip"]) == ([second], "ar", "large", 3)
    assert page.count("<svg") == 1


def test_a_label_is_known_again_by_its_code_and_by_what_is_typed(papers):
    for one in labels(papers)[0]["labels"]:
        label = Label(**one["label"])
        for text in (str(label), f"{label.item} {label.check}"):
            told = papers.told("label", "--check", text)
            assert (told["answer"], told["item"], told["check"]) == ("same", label.item, label.check)
    said = papers("label", "--check", str(label)).out.decode()
    assert said.startswith("EX-002: this is its label\n")
    assert "nothing was verified" in said


def test_another_label_is_not_taken_for_the_item_s(papers):
    label = Label(**labels(papers)[0]["labels"][0]["label"])
    wrong = {
        "another_case": Label("lab.example/7", label.item, label.root),
        "no_such_item": Label(label.origin, "EX-009", label.root),
        "another_root": Label(label.origin, label.item, "0" * 64),
    }
    for answer, other in wrong.items():
        assert papers.told("label", "--check", str(other), code=3)["answer"] == answer
    assert papers.told("label", "--check", "EX-001 000000", code=3)["answer"] == "another_code"
    said = papers("label", "--check", str(wrong["another_case"]), code=3).out.decode()
    assert f"lab.example/7, and this case is {label.origin}" in said
    older = Label(label.origin, label.item, None)
    assert papers.told("label", "--check", str(older))["answer"] == "before_sealing"


@pytest.mark.parametrize("text", ["", "EX-001", "hello world again", "EX-001 xyz123"])
def test_what_is_no_label_is_refused(papers, text):
    assert refused(papers, "label", "--check", text, code=2) == "U277"


def test_a_slip_in_the_code_is_refused(papers):
    label = str(Label("unit7.example/real", "EX-001", "a" * 64))
    assert parse_label(label)
    assert refused(papers, "label", "--check", label.replace("aaaa", "aaba", 1), code=2) == "U277"


def test_the_code_may_come_from_standard_input(papers, monkeypatch):
    label = Label(**labels(papers)[0]["labels"][0]["label"])
    for data, code in ((str(label).encode(), 0), (b"\xff\xfe \x00", 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        papers("label", "--check", "-", code=code)


def test_what_labels_are_not(papers):
    out = papers.folder / "labels.html"
    assert refused(papers, "label", code=2) == "U233"
    assert refused(papers, "label", "--pdf", "-o", out, code=2) == "U200"
    for beside in (("-o", out), ("--item", "EX-001"), ("--skip", "0"), ("--now", "2026-01-01"), ("--html",)):
        assert refused(papers, "label", "--check", "EX-001 7f3a9c", *beside, code=2) == "U232"
    assert refused(papers, "label", "--item", "EX-009", "-o", out, code=2) == "U215"
    assert refused(papers, "label", "--size", "large", "--skip", "8", "-o", out, code=2) == "U200"
    assert refused(papers, "label", "-o", papers.case / "labels.html", code=5) == "R506"
    assert not out.exists()
    labels(papers)
    assert refused(papers, "label", "-o", papers.folder / "labels0.html", code=5) == "R501"


def test_a_case_without_items_has_no_papers(papers, cli, desk, rc, tmp_path):
    office = rc.Office(tmp_path / "office")
    office.open(tmp_path / "empty")
    for command in ("label", "form"):
        done = papers(command, "-o", tmp_path / "x", "--json", code=4, on=tmp_path / "empty")
        assert json.loads(done.out)["error"]["code"] == "X440"
        assert papers(command, "-o", tmp_path / "x", code=4, on=tmp_path / "nowhere").err.startswith(b"error X401")


def test_an_unfinished_case_has_no_papers(papers):
    max((papers.case / "checkpoints").iterdir()).unlink()
    out = papers.folder / "x"
    for arguments in (("label", "-o", out), ("label", "--check", "EX-001 7f3a9c"), ("form", "-o", out)):
        assert refused(papers, *arguments, code=5) == "R502"
    assert not out.exists()


def test_the_same_page_again(papers):
    for command in ("label", "form"):
        pages = []
        for name in ("a", "b"):
            out = papers.folder / f"{command}-{name}.html"
            papers(command, "--now", "2026-11-23T09:00:00Z", "-o", out)
            pages.append(out.read_bytes())
        assert pages[0] == pages[1]
        assert b"2026-11-23 09:00:00 UTC" in pages[0]


def test_a_hold_whose_end_has_passed_is_said_to_have_lapsed(papers):
    until = ("--until", "2026-06-01T00:00:00Z")
    papers("add", "hold", "--item", "EX-002", "--hold", "H-1", "--authority", "court", *until, *papers.signing)
    for now, code in (("2026-05-01", "hold"), ("2099-01-01", "lapsed")):
        out = papers.folder / f"{code}.html"
        facts = papers.told("form", "--item", "EX-002", "--now", now, "-o", out)["facts"]
        assert [row["code"] for row in facts["matters"]["rows"]] == [code]


@pytest.mark.parametrize("size", ["small", "large"])
def test_what_came_in_a_package_is_not_called_unsealed(papers, tmp_path, size):
    case = VECTORS / "cases/good/0.1_received/case"
    out = tmp_path / "labels.html"
    (made,) = json.loads(papers("label", "--size", size, "-o", out, "--json", on=case).out)["labels"]
    assert (made["label"]["root"], made["elsewhere"]) == ("?", "vectors.example/small")
    typed = f"{made['label']['item']} {made['check']}"
    assert json.loads(papers("label", "--check", typed, "--json", on=case).out)["answer"] == "same"
    facts = json.loads(papers("form", "-o", tmp_path / "form.html", "--json", on=case).out)["facts"]
    first, *_ = facts["matters"]["rows"]
    assert (first["code"], first["detail"]) == ("history", "vectors.example/small")


def test_too_many_items_are_refused(papers, monkeypatch):
    monkeypatch.setattr(custody_paper, "MAX_ITEMS", 1)
    assert refused(papers, "form", "-o", papers.folder / "form.html", code=2) == "U266"


def test_the_form_of_some_items(papers):
    offer(papers, "EX-002")
    told = papers.told("form", "--item", "EX-002", "--item", "EX-002", "-o", papers.folder / "form.html")
    facts = told["facts"]
    assert [item["exhibit"] for item in facts["items"]] == ["EX-002"]
    assert facts["givers"][0]["name"] == "examiner"
    assert (facts["receiver"], facts["offered"]) == (None, None)
    (matter,) = facts["matters"]["rows"]
    assert (matter["code"], matter["detail"].split()[0]) == ("offered", "lab")
    page = (papers.folder / "form.html").read_text()
    assert facts["checkpoint"]["root"][:8] in page
    assert "a telephone" in page


def test_the_form_that_goes_with_an_offer(papers):
    path = offer(papers, "EX-001", "EX-002")
    said = papers("form", "--offer", path, "-o", papers.folder / "form.html").out.decode()
    assert "NOT CHECKED: nobody's identity was checked" in said
    assert f"evidencekit custody accept CASE {path.name} --signer KEY --out answer.json" in said
    facts = papers.told("form", "--offer", path, "-o", papers.folder / "again.html")["facts"]
    assert (facts["receiver"]["name"], facts["purpose"], facts["place"]) == ("lab", "analysis", None)
    assert facts["matters"]["rows"] == []
    newer = offer(papers, "EX-001")
    facts = papers.told("form", "--offer", path, "-o", papers.folder / "late.html")["facts"]
    assert [(row["item"], row["code"]) for row in facts["matters"]["rows"]][:2] == [
        ("EX-001", "answered"),
        ("EX-001", "offered"),
    ]
    papers("form", "--offer", newer, "-o", papers.folder / "newer.html")


def test_an_offer_of_another_log_says_what_it_says_itself(papers, cli, tmp_path):
    path = offer(papers, "EX-001")
    other = tmp_path / "other"
    opened = cli(
        "init", other, "--reference", "7", "--agency", "Lab", "--origin", "lab.example/7", "--signer", tmp_path / "lab",
        "--log-key", tmp_path / "other.pem",
    )  # fmt: skip
    assert opened.code == 0
    facts = papers.told("form", "--offer", path, "-o", tmp_path / "form.html", on=other)["facts"]
    assert facts["givers"][0]["name"] == "examiner"
    assert facts["tree_of_offer"]
    assert facts["checkpoint"]["origin"] == facts["offered"]["origin"] == "unit7.example/real"
    assert [row["code"] for row in facts["matters"]["rows"]] == ["elsewhere"]
    assert facts["reference"] == "7"


def test_an_offer_of_a_newer_state_of_the_log_is_refused(papers, desk):
    path = offer(papers, "EX-001")
    done = papers("form", "--offer", path, "-o", papers.folder / "form.html", "--json", code=5, on=desk / "case")
    assert json.loads(done.out)["error"]["code"] == "R545"


def test_what_the_form_is_not(papers):
    path, out = offer(papers, "EX-001"), papers.folder / "form.html"
    assert refused(papers, "form", "--offer", path, "--item", "EX-001", "-o", out, code=2) == "U232"
    assert refused(papers, "form", "--policy", papers.folder, "-o", out, code=2) == "U232"
    assert refused(papers, "form", code=2) == "U233"
    assert refused(papers, "form", "--offer", papers.folder / "nothing", "-o", out, code=4) == "X471"
    path.write_text(path.read_text().replace('"offer"', '"answer"'))
    assert refused(papers, "form", "--offer", path, "-o", out, code=3) == "F100"
    assert not out.exists()


@pytest.mark.judge("typst")
def test_the_form_as_pdf(papers):
    out = papers.folder / "form.pdf"
    papers("form", "--pdf", "--lang", "ru", "-o", out)
    assert out.read_bytes().startswith(b"%PDF-")


def test_a_correction_of_what_an_item_is_is_named(papers):
    papers("add", "correct", "--item", "EX-002", "--corrects", "4", "--text", "it is a tablet", *papers.signing)
    entry = papers.told("log", "--item", "EX-002")["events"][0]["entry"]
    assert entry == 4
    facts = papers.told("form", "--item", "EX-002", "-o", papers.folder / "form.html")["facts"]
    assert [(row["code"], row["entry"]) for row in facts["matters"]["rows"]] == [("corrected", 5)]
