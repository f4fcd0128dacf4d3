"""`evidencekit field` at a pseudo-terminal: whole seizures, refusals, kill -9 and restart at any question."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from evidencekit.seal.sign import new_key
from evidencekit.verify.verifier import verify_case

sys.path.insert(0, str(Path(__file__).parent))
from officer import PASSPHRASE, Officer, bare

LAST = ("seized_end", "notes")


@pytest.fixture
def scene(tmp_path):
    """A stick with a source, a photograph, a second medium; and the answers."""
    for name in ("home", "source", "stick", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "a.txt").write_text("hello")
    (tmp_path / "photo.jpg").write_bytes(b"jpeg")
    return tmp_path


def answers(scene: Path, **changed: str) -> dict[str, str]:
    return {
        "reference": "24-117", "agency": "Unit 7", "origin": "", "key": "", "officer": "A. Examiner", "role": "examiner",
        "second": str(scene / "second"), "exhibit": "", "legal_channel": "1", "authority_type": "warrant", "authority_number": "7",
        "authority_issuer": "Court", "authority_date": "2026-11-20", "authority_scope": "all media", "authority_until": "",
        "purpose": "fraud", "place": "desk", "device": "7", "encryption": "2", "make": "Acme", "model": "S1", "serial": "4C",
        "identifiers": "", "quantity": "", "description": "", "condition": "good", "photos": str(scene / "photo.jpg"),
        "seals_found": "", "bag": "B-1", "seals": "S-1; S-2", "witnesses": "W. One; W. Two", "seized_by": "", "seized_from": "B. Holder",
        "owner_present": "1", "host_clock": "", "measure": "2", "seized_start": "", "source": str(scene / "source"), "taken_as": "",
        "write_blocked": "2", "write_block_none": "mounted read-only", "copies": "", "marks": "", "receipt_given": "2", "notes": "",
        "seized_end": "",
    } | changed  # fmt: skip


OTHERS = {
    "close_up": "", "end_handover": "2", "end_receipt": "1", "more": "2", "more_lines": "", "passphrase": PASSPHRASE,
    "passphrase_again": PASSPHRASE, "passphrase_new": PASSPHRASE, "review_keys": "0",
}  # fmt: skip


def officer(scene: Path, language: str = "en", **how) -> Officer:
    found = Officer(scene / "stick" / "24-117", language, home=scene / "home", **how)
    found.start()
    return found


def events(case: Path, kind: str) -> list[dict]:
    found = [json.loads(path.read_text()) for path in sorted(case.glob("custody/*/event.json"))]
    return [one for one in found if one["type"] == kind]


def steady(body: dict) -> dict:
    """A body without what differs from run to run."""
    left_out = {"attachments", "finished_at", "photos", "seized_at", "started_at", "tool"}
    return {name: item for name, item in body.items() if name not in left_out}


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_whole_seizure(scene, language):
    one = officer(scene, language, plain=language == "en")
    assert not one.work(answers(scene), others=OTHERS)
    assert one.end() == 0, one.seen
    assert one.has(one.seen, "end_intact")
    lines = [bare(line.rpartition("\r")[2]) for line in one.raw.split("\r\n")]
    assert [line for line in lines if len(line) > 80 and "/" not in line] == []
    assert len(set(one.asked)) == len(one.asked), "nothing is asked twice"
    assert ("\x1b[" in one.raw) == (language == "fr"), "a plain terminal gets lines alone"
    for case in (one.case, scene / "second"):
        report = verify_case(case)
        assert (report.verdict, [finding.code for finding in report.findings]) == ("INTEGRITY ONLY", ["W903"])
    assert (events(one.case, "collect")[0]["not_stated"], events(one.case, "physical_seal")[0]["not_stated"]) == (
        [],
        [],
    )
    assert events(one.case, "acquire")[0]["not_stated"] == ["clock_reference"]
    assert one.has(one.seen, "missing"), "and the review said so"
    assert events(one.case, "acquire")[0]["body"]["witnesses"] == ["W. One", "W. Two"]
    assert events(one.case, "collect")[0]["actor"]["role"] == "examiner"
    receipt = (scene / "stick" / "24-117-receipt.html").read_text()
    assert "EX-001" in receipt
    assert f'lang="{language}"' in receipt


@pytest.mark.long
def test_two_devices_in_one_sitting_the_second_is_not_read(scene):
    one = officer(scene)
    told = {"more": iter(["1", "2"])}
    again = {
        "place": "", "device": "4", "power": "1", "screen": "1", "lock": "1", "isolation": "2", "live_actions": "bag", "change_why": "wipe",
        "device_clock": "2026-11-22 09:00:00", "device_clock_method": "", "measure": "1", "source": "", "receipt_given": "",
    }  # fmt: skip
    given = answers(scene)
    while text := one.prompt():
        key = one.question(text) or next(other for other in OTHERS if one.has(text, other))
        if key == "more":
            given |= again
        one.type(next(told["more"]) if key == "more" else {**given, **OTHERS}[key])
    assert one.end() == 0, one.seen
    assert one.asked.count("witnesses") == one.asked.count("agency") == 1
    assert one.asked.count("place") == 2
    first, second = events(one.case, "collect")
    assert second["items"] == ["EX-002"]
    assert second["body"]["place"] == "desk", "of the device before"
    assert second["body"]["witnesses"] == first["body"]["witnesses"]
    assert second["body"]["device_state"] == {
        "encryption": "not_encrypted", "live_actions": "bag", "lock": "locked", "network_isolation": "shielded", "power": "on", "screen": "lit",
    }  # fmt: skip
    assert second["body"]["device_clock"]["device_clock"]["time"] == "2026-11-22T09:00:00.000000000Z"
    assert [one["items"] for one in events(one.case, "acquire")] == [["EX-001"]]
    assert verify_case(scene / "second").verdict == "INTEGRITY ONLY"


def test_what_is_no_answer_is_explained_and_asked_again(scene):
    one = officer(scene)
    bad = {
        "reference": [("", "bad_empty_essential"), ("-", "bad_essential"), ("\x1b[31mred", "bad_controls"), ("?", "h_reference")],
        "legal_channel": [("9", "bad_choice"), ("", "bad_empty")],
        "authority_date": [("20.11.2026", "bad_day")],
        "photos": [("/gone.jpg", "bad_photo")],
        "witnesses": [("A; A", "bad_twice")],
        "source": [("/gone", "cannot_use")],
        "seized_end": [("25:00", "bad_moment")],
    }  # fmt: skip
    wrong = {key: list(lines) for key, lines in bad.items()}
    given = answers(scene)
    asked = ""
    while text := one.prompt():
        key = one.question(text) or next((other for other in OTHERS if one.has(text, other)), asked)
        if asked in bad and key == asked:
            line, expected = bad[asked][len(bad[asked]) - len(wrong[asked]) - 1]
            assert one.has(text, expected), (line, text)
            assert "\x1b[31" not in one.raw
        asked = key
        one.type(wrong[key].pop(0)[0] if wrong.get(key) else {**given, **OTHERS}[key])
    assert one.end() == 0
    assert not any(wrong.values())


@pytest.mark.long
def test_handed_over_at_the_end_and_gone_on_with_later(scene):
    new_key(scene / "lab", comment="lab", passphrase=None)
    one = officer(scene)
    one.work(
        answers(scene, second="", seals="", source=""),
        others=OTHERS | {"end_handover_key": str(scene / "lab.pub"), "end_handover": "1"},
    )
    assert one.end() == 0, one.seen
    folder = scene / "stick" / "24-117-handover"
    assert {"READ-ME.txt", "SHA256SUMS", "case"} <= {path.name for path in folder.iterdir()}
    assert events(one.case, "offer")[0]["body"]["to"]["id"] == "lab"
    two = officer(scene)
    more = iter(["1", "2"])
    wrong = iter(["not it", PASSPHRASE])
    given = answers(scene, place="", second="", seals="", source="", receipt_given="", measure="")
    others = OTHERS | {"work_what_now": "1"}
    while text := two.prompt():
        key = two.question(text) or next(other for other in others if two.has(text, other))
        two.type(next(more) if key == "more" else next(wrong) if key == "passphrase" else {**given, **others}[key])
    assert two.end() == 0, two.seen
    assert "X412" in two.seen, "a wrong passphrase is said, and asked again"
    assert "witnesses" not in two.asked, "a later sitting knows them, too"
    assert [one["items"] for one in events(two.case, "collect")] == [["EX-001"], ["EX-002"]]
    assert (scene / "stick" / "24-117-receipt-2.html").exists()


@pytest.mark.long
def test_back_and_change_at_the_review(scene):
    one = officer(scene)
    given = answers(scene, witnesses="-", make="-")
    steps = iter(["99", "20", "0"])
    while text := one.prompt():
        key = one.question(text) or next(other for other in OTHERS if one.has(text, other))
        if key == "review_keys":
            assert one.has(text, "missing") or "Please type a number" in text
            line = next(steps)
        elif key == "role" and one.asked.count("role") == 1:
            line = "<"
        else:
            line = {**given, **OTHERS}[key]
        if key == "make" and one.asked.count("make") == 2:
            line = "Changed"
        one.type(line)
    assert one.end() == 0, one.seen
    assert one.asked.count("officer") == 2, "< went back"
    body = events(one.case, "collect")[0]
    assert body["body"]["make"] == "Changed"
    assert "witnesses" in events(one.case, "acquire")[0]["not_stated"]
    assert "witnesses" not in body["body"], "not known is not invented"


def test_ctrl_c_and_the_end_of_the_line_say_how_to_go_on(scene):
    for leave in ("sendintr", "sendeof"):
        one = officer(scene)
        one.prompt()
        getattr(one.child, leave)()
        assert one.prompt() == ""
        assert one.has(one.seen, "stopped")
        assert f"evidencekit field {one.case}" in one.seen.replace("\n", "")
        assert one.end() == 4


def test_one_guide_at_a_time(scene):
    first = officer(scene)
    first.prompt()
    second = officer(scene, "fr")
    assert second.prompt() == ""
    assert second.end() == 5
    assert "R507\N{NO-BREAK SPACE}: C\N{RIGHT SINGLE QUOTATION MARK}est en cours en ce moment." in second.raw
    assert "    Another program is asking about" in second.seen, "below it what a laboratory searches for"
    first.kill()


def killed_at(scene: Path, *places: str) -> Officer:
    """A sitting that was killed at questions or other prompts, one after the other, and gone on with to its end."""
    answered: set[str] = set()
    for where in places:
        one = officer(scene)
        assert one.work(answers(scene), others=OTHERS, until=lambda _, key, at=where: key == at)
        one.kill()
        assert not answered & set(one.asked), "what was answered is not asked again"
        answered |= set(one.asked[:-1] if one.asked[-1:] == [where] else one.asked)
    last = officer(scene)
    last.work(answers(scene), others=OTHERS)
    assert last.end() == 0, last.seen
    assert not answered & set(last.asked)
    if where in last.names.values() and answered:
        assert last.asked[0] == where
    if answered:
        assert last.has(last.seen, "resumed")
    return last


def assert_as_if_never_cut(scene: Path, case: Path) -> None:
    report = verify_case(case)
    assert (report.verdict, [finding.code for finding in report.findings]) == ("INTEGRITY ONLY", ["W903"])
    kinds = [json.loads(path.read_text())["type"] for path in sorted(case.glob("custody/*/event.json"))]
    assert kinds == ["open", "collect", "acquire", "seal", "derive", "physical_seal"]
    assert steady(events(case, "collect")[0]["body"])["witnesses"] == ["W. One", "W. Two"]
    assert verify_case(scene / "second").verdict == "INTEGRITY ONLY"


def test_killed_at_a_question_and_again_while_it_works(scene):
    assert_as_if_never_cut(scene, killed_at(scene, "photos", "close_up").case)


@pytest.mark.long
@pytest.mark.parametrize("pause", [0, 0.1, 0.3, 0.6, 1, 2])
def test_killed_while_the_content_is_taken(scene, pause):
    for number in range(3000):
        (scene / "source" / f"{number:04}").write_bytes(b"x" * number)
    one = officer(scene)
    one.work(answers(scene), others=OTHERS, until=lambda _, key: key == "passphrase_again")
    one.type(PASSPHRASE)
    one.child.expect("EX-001 is recorded as collected")
    time.sleep(pause)
    one.kill()
    two = officer(scene)
    two.work(answers(scene), others=OTHERS)
    assert two.end() == 0, two.seen
    assert_as_if_never_cut(scene, two.case)


@pytest.mark.long
@pytest.mark.parametrize("where", sorted({*answers(Path("/")), "review_keys", "passphrase_again", "more"}))
def test_killed_at_any_question(scene, where):
    assert_as_if_never_cut(scene, killed_at(scene, where).case)


@pytest.mark.long
def test_a_medium_that_is_in_the_way_is_said_and_can_be_changed(scene):
    one = officer(scene)
    (scene / "source" / "big").write_bytes(b"x")
    given = answers(scene)
    others = OTHERS | {"work_what_now": "2"}
    moved = False
    while text := one.prompt():
        key = one.question(text) or next(other for other in others if one.has(text, other))
        if key == "review_keys" and not moved:
            (scene / "second" / "foreign").write_text("of no case")
            moved = True
        elif key == "review_keys" and one.asked.count("second") == 1:
            one.type("7")
            continue
        if key == "second" and one.asked.count("second") == 2:
            one.type("-")
            continue
        one.type({**given, **others}[key])
    assert one.end() == 0, one.seen
    assert "R508" in one.seen
    assert len(events(one.case, "collect")) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["start", "--help"], ["receipt", "--help"], ["handover", "--help"]])
def test_the_group_finds_its_commands(arguments):
    from click.testing import CliRunner

    from evidencekit.cli.field import field

    done = CliRunner().invoke(field, arguments)
    assert done.exit_code == 0
    assert "Usage: " in done.output
    assert ("Exit codes" in done.output) == (arguments != ["--help"])
