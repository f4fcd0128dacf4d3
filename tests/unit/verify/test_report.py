"""The report: verdicts in their order, counts that add up, bounds, and the net under every step."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import casebuilder as cb
import jsonschema
import pytest

from evidencekit.core.finding import ASPECTS, Finding
from evidencekit.verify import examine, verifier
from evidencekit.verify.findings import LISTED, LISTED_NOT_CHECKED, NOT_CHECKED, Findings, NotChecked
from evidencekit.verify.report import EXIT_CODES, Judgement
from evidencekit.verify.run import Run
from evidencekit.verify.verifier import verify_case, verify_proof

SCHEMA = json.loads((Path(__file__).parents[3] / "specs" / "report.schema.json").read_text())


def check(report) -> dict:
    """The document, which fits the schema, and whose counts add up."""
    document = json.loads(json.dumps(report.as_record()))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    counts = document["counts"]
    assert counts["findings"]["total"] == sum(counts["findings"]["by_code"].values())
    assert counts["rows"] == sum(counts["states"].values())
    files = counts["files_of_record"]
    assert files["total"] == files["checked"] + files["not_checked"]
    assert document["exit_code"] == EXIT_CODES[document["verdict"]]
    assert {item["code"] for item in document["not_checked"]} <= NOT_CHECKED.keys()
    for name, aspect in document["aspects"].items():
        assert aspect["status"] == "ok" or aspect["reason"], name
    return document


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_reports_fit_the_schema(sealed, tmp_path):
    (tmp_path / "source").mkdir()
    check(verify_case(sealed.case))
    check(verify_case(sealed.case, policy=sealed.policy(), sources={"EX-001": tmp_path / "source"}))
    check(verify_proof(b"x"))
    (sealed.case / "case.json").write_bytes(b"x")
    (sealed.case / "x").write_bytes(b"x")
    assert check(verify_case(sealed.case))["verdict"] == "FAILED"


# --- the verdict -----------------------------------------------------------------------------------------------


def judge(**changes):
    facts = {
        "failed": {}, "codes": Counter(), "not_checked": {}, "done": set(ASPECTS), "required": {"record"},
        "has_policy": True, "has_seal": True,
    } | changes  # fmt: skip
    judgement = Judgement(**facts)
    return judgement.verdict(judgement.aspects())[0]


SKIPPED = NotChecked("record", "unreadable", "x", "y")


def test_the_order_of_verdicts():
    assert judge() == "VERIFIED"
    assert judge(has_policy=False) == "INTEGRITY ONLY"
    assert judge(has_seal=False) == "NOT CHECKED"
    assert judge(codes=Counter(W901=1)) == "NOT CHECKED"
    assert judge(codes=Counter(W902=1)) == "NOT CHECKED"
    assert judge(codes=Counter(W905=1)) == "VERIFIED"
    assert judge(codes=Counter(E103=1)) == "NOT CHECKED"
    assert judge(asked_in_vain="x") == "NOT CHECKED"
    assert judge(done=set()) == "NOT CHECKED"
    assert judge(not_checked={"record": SKIPPED}) == "NOT CHECKED"
    assert judge(not_checked={"custody": SKIPPED}) == "VERIFIED"
    assert judge(not_checked={"custody": SKIPPED}, required={"custody"}) == "NOT CHECKED"
    for aspect in ASPECTS:
        assert judge(failed={aspect: Finding("E101", "x")}, has_seal=False, has_policy=False) == "FAILED"


# --- bounds ----------------------------------------------------------------------------------------------------


def test_more_findings_than_are_listed():
    findings = Findings()
    for number in range(LISTED + 5):
        findings.add(11, "W902", f"w{number}")
    findings.add(9, "E212", "e", count=3)
    listed = findings.listed()
    assert len(listed) == LISTED + 1
    assert (listed[0].code, listed[-1].code) == ("E212", "W999")
    assert listed[-1].found == "8 more"
    assert findings.counts == {"W902": LISTED + 5, "E212": 3}
    assert findings.errors == 3


def test_errors_are_kept_before_warnings():
    findings = Findings()
    for number in range(LISTED):
        findings.add(1, "W902", f"w{number}")
    for number in range(LISTED):
        findings.add(2, "E107", f"e{number}")
    assert {finding.code for finding in findings.listed()} == {"E107", "W999"}


def test_long_texts_are_cut():
    findings = Findings()
    findings.add(1, "E101", "w" * 9999, "e" * 9999, "f" * 9999)
    (finding,) = findings.listed()
    assert max(len(finding.where), len(finding.expected), len(finding.found)) == 1024


def test_ten_thousand_strays_are_counted(sealed):
    for number in range(LISTED + 10):
        (sealed.case / f"x{number}").touch()
    document = check(verify_case(sealed.case))
    assert document["counts"]["findings"]["by_code"]["W902"] == LISTED + 10
    assert len(document["findings"]) == LISTED + 1
    assert document["findings"][-1]["code"] == "W999"


def test_many_things_not_checked_are_counted():
    run = Run()
    for number in range(LISTED_NOT_CHECKED + 7):
        run.skip("custody", "gap", str(number), "x")
    assert len(run.not_checked) == LISTED_NOT_CHECKED
    assert run.not_checked_total == LISTED_NOT_CHECKED + 7
    assert run.first_not_checked["custody"].where == "0"


# --- the net -----------------------------------------------------------------------------------------------------


STEPS = [
    "check_opening",
    "check_notes",
    "LogWalk",
    "Objects",
    "check_manifests",
    "CustodyWalk",
    "check_branches",
    "check_strays",
    "check_outside",
]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("error", [RuntimeError("boom"), MemoryError(), RecursionError(), KeyError("x")])
def test_a_mistake_of_the_program_is_never_green(sealed, monkeypatch, name, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(examine, name, fail)
    report = verify_case(sealed.case, policy=sealed.policy())
    assert report.verdict in {"NOT CHECKED", "FAILED"}
    assert any("internal error in step" in item.reason for item in report.not_checked)
    check(report)


def test_a_mistake_in_a_proof_is_never_green(monkeypatch):
    monkeypatch.setattr(verifier, "check_proof", lambda *_: 1 / 0)
    report = verify_proof(b"x")
    assert report.verdict == "NOT CHECKED"
    assert any("internal error" in item.reason for item in report.not_checked)


def test_an_interruption_is_not_swallowed(sealed, monkeypatch):
    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(examine, "check_notes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        verify_case(sealed.case)


def test_progress_is_told(sealed):
    lines = []
    verify_case(sealed.case, progress=lines.append)
    assert "4 of 4 rows" in lines
    assert "3 of 3 entries" in lines


def test_what_was_checked_is_said_in_words(sealed):
    record = verify_case(sealed.case).as_record()
    assert any(line.startswith("4 catalogue rows") for line in record["checked"])
    assert record["counts"]["checked"]["rows"] == 4
    assert record["checkpoint"] == {"origin": cb.ORIGIN, "root": sealed.root().hex(), "size": 3}
