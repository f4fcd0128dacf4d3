"""The story goes on: the laboratory sends rows of a copy that it kept to the partner, who verifies, takes them over and
answers, and passes a part on to a court.
"""

from __future__ import annotations

import json
import shutil

import pytest

COURT = "court.example/3"


@pytest.fixture(scope="module")
def sent(story, tmp_path_factory):
    """The laboratory's and the partner's cases after the transfer, and what was said of it."""
    told = {}
    for name in ("lab", "partner"):
        shutil.copytree(story.path(name), story.path(f"later/{name}"))
    lab, partner = story.path("later/lab/case"), story.path("later/partner/case")
    package, receipt = story.path("later/EX-101.tar"), story.path("later/receipt.json")
    story.run("acquire", lab, story.path("sources/image"), "--exhibit", "EX-101", *story.signed("lab", "keeper2"))
    told["export"] = story.json(
        "export", lab, package, "--item", "EX-101", "--glob", "*.txt", "--to", f"{story.key('liaison')}.pub",
        "--purpose", "trial", "--onward-transfer", "to the court", *story.signed("lab", "keeper2"),
    )  # fmt: skip
    told["verify"] = story.json("verify", package, "--policy", story.path("partner/policy"), code=None)
    told["receive"] = story.json(
        "receive", package, "--into", partner, "--receipt", receipt, "--policy", story.path("partner/policy"),
        "--as", "EX-101=P-1", "--place", "Room 1", *story.signed("partner", "liaison"),
    )  # fmt: skip
    told["receipt"] = story.json(
        "custody", "receipt", lab, receipt, "--policy", story.path("lab/policy"), *story.signed("lab", "keeper2")
    )
    told["onward"] = story.json(
        "export", partner, story.path("later/COURT.zip"), "--package", told["export"]["package"][:16],
        "--glob", "0.txt", "--to", f"{story.key('judge')}.pub", *story.signed("partner", "liaison"),
    )  # fmt: skip
    return told


def test_the_partner_verifies_under_its_own_policy(sent):
    report = sent["verify"]
    assert not [one for one in report["findings"] if one["severity"] == "error"]
    for aspect in ("record", "evidence", "custody"):
        assert report["aspects"][aspect]["status"] == "ok", report["aspects"][aspect]
    assert sent["receive"]["verdict"] == report["verdict"]


def test_the_receipt_closes_the_transfer(story, sent):
    assert sent["receipt"]["items"] == ["EX-101"]
    event = json.loads(
        (story.path("later/lab/case/custody") / f"{sent['receipt']['entry']:08d}/event.json").read_bytes()
    )
    assert event["body"]["export"]["entry"] == str(sent["export"]["entry"])
    story.run(
        "custody", "receipt", story.path("later/lab/case"), story.path("later/receipt.json"),
        *story.signed("lab", "keeper2"), code=5,
    )  # fmt: skip
    for name in ("lab", "partner"):
        report = story.verify(f"later/{name}/case", code=None)
        assert not [one for one in report["findings"] if one["severity"] == "error"]


def test_the_court_can_prove_the_first_seal(story, sent):
    """It has a policy of its own, and two logs to admit: the partner's, and the laboratory's above it."""
    assert sent["onward"]["previous"] == sent["export"]["package"]
    report = story.verify("later/COURT.zip", code=7)
    assert (report["verdict"], report["counts"]["rows"]) == ("INTEGRITY ONLY", 1)
    report = story.verify("later/COURT.zip", "partner/policy", code=None)
    assert not [one for one in report["findings"] if one["severity"] == "error"]
    done = story.json(
        "receive", story.path("later/COURT.zip"), "--into", story.path("later/court"), "--origin", COURT,
        "--receipt", story.path("later/receipt2.json"), *story.signed("later", "judge"),
    )  # fmt: skip
    assert done["items"] == ["P-1"]
    assert story.verify("later/court", code=7)["counts"]["packages"] == 1


@pytest.fixture(scope="module")
def adopted(story, sent):
    """An exhibit that the field team seized goes from the laboratory, which adopted its case, to the partner and on."""
    told = {}
    lab, partner = story.path("later/lab/case"), story.path("later/partner/case")
    package, receipt = story.path("later/field.zip"), story.path("later/field-receipt.json")
    keeper, liaison = story.signed("lab", "keeper2"), story.signed("partner", "liaison")
    told["plan"] = story.json("export", lab, "--item", "field/EX-002", "--plan")
    told["export"] = story.json(
        "export", lab, package, "--item", "field/EX-002", "--glob", "*.txt", "--to", f"{story.key('liaison')}.pub",
        "--purpose", "trial", *keeper,
    )  # fmt: skip
    told["verify"] = story.json("verify", package, "--policy", story.path("partner/policy"), code=None)
    told["receive"] = story.json(
        "receive", package, "--into", partner, "--receipt", receipt, "--policy", story.path("partner/policy"),
        "--as", "field/EX-002=P-2", "--place", "Room 1", *liaison,
    )  # fmt: skip
    told["receipt"] = story.json("custody", "receipt", lab, receipt, "--policy", story.path("lab/policy"), *keeper)
    told["onward"] = story.json(
        "export", partner, story.path("later/COURT2.tar"), "--package", told["export"]["package"][:16], "--item", "P-2",
        "--glob", "3.txt", "--to", f"{story.key('judge')}.pub", *liaison,
    )  # fmt: skip
    return told


def test_the_first_seal_of_the_field_team_is_proved_by_its_own_log(adopted):
    assert adopted["plan"]["items"] == ["field/EX-002"]
    assert [one["name"] for one in adopted["plan"]["branches"]] == ["field"]
    report = adopted["verify"]
    assert not [one for one in report["findings"] if one["severity"] == "error"]
    assert (report["counts"]["rows"], report["counts"]["checked"]["branches"]) == (4, 1)
    for aspect in ("record", "evidence", "custody", "identity"):
        assert report["aspects"][aspect]["status"] == "ok", report["aspects"][aspect]
    assert adopted["receive"]["items"] == ["P-2"]
    assert adopted["receipt"]["items"] == ["field/EX-002"]


def test_the_court_sees_three_logs(story, adopted):
    report = story.verify("later/COURT2.tar", "partner/policy", code=None)
    assert not [one for one in report["findings"] if one["severity"] == "error"]
    assert (report["counts"]["rows"], report["aspects"]["identity"]["status"]) == (1, "ok")
    assert report["counts"]["checked"]["branches"] == 1
    strict = story.verify(
        "later/COURT2.tar", "field/policy", code=None
    )  # which admits the field's log and the laboratory's
    wheres = [one["where"] for one in strict["findings"] if one["code"] == "E407"]
    assert [one for one in wheres if "/branches/field/" not in one] == wheres != []
    story.path("later/court2").mkdir()
    done = story.json(
        "receive", story.path("later/COURT2.tar"), "--into", story.path("later/court2/case"), "--origin", COURT,
        "--receipt", story.path("later/receipt3.json"), *story.signed("later/court2", "judge"),
    )  # fmt: skip
    assert done["items"] == ["P-2"]
    assert story.verify("later/court2/case", code=7)["counts"]["packages"] == 1
