"""The story verifies with each party's own policy, and outside programs say the same of its signatures and time-stamps."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from story import LAB, PERSONS

from evidencekit.core import layout


@pytest.mark.parametrize(
    ("case", "policy", "more"),
    [
        ("field/case", "field/policy", set()),
        ("lab/case", "lab/policy", {"time"}),
        ("lab/case", "partner/policy", {"time", "witness"}),
    ],
)
def test_each_party_verifies_by_its_own_policy(story, case, policy, more):
    report = story.verify(case, policy)
    assert report["verdict"] == "VERIFIED"
    ok = {name for name, aspect in report["aspects"].items() if aspect["status"] == "ok"}
    assert ok == {"record", "identity", "custody"} | more
    assert not [finding for finding in report["findings"] if finding["severity"] == "error"]


def test_without_a_policy_nobody_is_believed(story):
    report = story.verify("lab/case", code=7)
    assert report["verdict"] == "INTEGRITY ONLY"
    assert report["aspects"]["time"]["status"] == report["aspects"]["witness"]["status"] == "not_checked"


def test_who_has_what_in_the_end(story):
    items = {one["item"]: one for one in story.json("custody", "status", story.path("lab/case"))["items"]}
    assert set(items) == {"EX-001", "EX-100", "field/EX-002"}
    assert items["EX-001"]["ended"]
    assert items["EX-100"]["holder"] == {"name": PERSONS["liaison"], "key": story.fingerprint("liaison")}
    assert items["field/EX-002"]["holder"]["name"] == PERSONS["keeper"]
    assert not any(one["open_offers"] for one in items.values())
    field = {one["item"]: one for one in story.json("custody", "status", story.path("field/case"))["items"]}
    assert field["EX-001"]["holder"]["name"] == PERSONS["keeper"]
    assert [offer["to"]["name"] for offer in field["EX-002"]["open_offers"]] == [PERSONS["keeper"]]


def test_one_item_tells_its_story(story):
    told = story.run("custody", "log", story.path("lab/case"), "--item", "field/EX-002")
    for word in ("adopt", "loan", "analyse", "return", "correct", "it was done in Room 6", PERSONS["analyst"]):
        assert word in told


def test_an_earlier_copy_is_extended_and_another_one_is_a_fork(story, tmp_path):
    lab, one, other = story.path("lab/case"), tmp_path / "one", tmp_path / "other"
    for copy in (one, other):
        shutil.copytree(lab, copy)
        story.run("custody", "add", copy, "view", "--item", "field/EX-002", "--place", "here", "--purpose", copy.name,
                  *story.signed("lab", "keeper2"))  # fmt: skip
    assert story.json("compare", lab, one)["relation"] == "extended_by"
    assert story.json("compare", one, lab)["relation"] == "extends"
    assert story.json("compare", one, other, code=3)["relation"] == "fork"
    assert story.json("compare", one, story.path("field/case"), code=4)["relation"] == "unrelated"
    # The witness knows the log, and cosigns one of the two: the other it refuses.
    shutil.copytree(story.path("partner/state"), tmp_path / "state")
    witness = ["--witness-key", story.path("partner/witness"), "--state", tmp_path / "state"]
    story.run("checkpoint", "cosign", one, *witness, "-o", tmp_path / "one.cosigned")
    story.run("checkpoint", "cosign", other, *witness, "-o", tmp_path / "other.cosigned", code=5)
    assert not (tmp_path / "other.cosigned").exists()


def test_published_tiles_verify(story, tmp_path):
    story.run("publish", story.path("lab/case"), tmp_path / "tiles")
    assert (tmp_path / "tiles/checkpoint").read_bytes().startswith(LAB.encode() + b"\n")
    report = story.json("verify", tmp_path / "tiles", "--policy", story.path("partner/policy"), code=4)
    assert report["aspects"]["record"]["status"] == "ok"
    assert story.json("compare", tmp_path / "tiles", story.path("lab/case"))["relation"] == "equal"


@pytest.mark.judge("ssh-keygen")
@pytest.mark.parametrize("party", ["field", "lab", "partner"])
def test_ssh_keygen_verifies_every_signature_by_the_policy(story, party):
    count = 0
    for folder in sorted((story.path(party) / "case/custody").iterdir()):
        data = (folder / "event.json").read_bytes()
        event = json.loads(data)
        for place, key in enumerate(event["signers"]):
            person = next(name for name in PERSONS if story.fingerprint(name) == key)
            signature = folder / layout.signature_name(place)
            subprocess.run(
                ["ssh-keygen", "-Y", "verify", "-f", story.path("partner/policy/allowed_signers"), "-I", PERSONS[person],
                 "-n", "evidencekit-event", "-s", signature],
                input=data, check=True, capture_output=True,
            )  # fmt: skip
            count += 1
    assert count >= 4


@pytest.mark.judge("openssl")
def test_openssl_verifies_every_time_stamp(story):
    tokens = sorted((story.path("lab/case") / layout.CHECKPOINTS).glob("*.tsr"))
    assert len(tokens) == 4
    for token in tokens:
        size, name, _ = token.name.split(".")
        subprocess.run(
            ["openssl", "ts", "-verify", "-in", token, "-data", token.parent / size,
             "-CAfile", story.path(f"authorities/{name}.pem")],
            check=True, capture_output=True,
        )  # fmt: skip
