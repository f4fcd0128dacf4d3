"""`evidencekit custody`: what is recorded by hand, handed over in one case or two, told and refused; one document each."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shutil

import pytest

from evidencekit.cli.custody_fields import BY_COMMAND, BY_HAND
from evidencekit.core import encoding, sshkeys
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.message import MESSAGE_LIMITS
from evidencekit.seal.logkeys import new_log_keys, save_log_keys

FIELD, LAB = "field.example/24-117", "lab.example/7"


@pytest.fixture(scope="module")
def parties(rc, tmp_path_factory):
    """Two parties with a case each; the field team has sealed two items."""
    folder = tmp_path_factory.mktemp("parties")
    for name, origin in (("field", FIELD), ("lab", LAB)):
        office = rc.Office(folder / f"{name}keys", origin)
        office.open(folder / name, identity=name.encode().ljust(16, b"."))
        save_log_keys(office.keys, folder / f"{name}.pem")
        if name == "field":
            source = folder / "source"
            source.mkdir()
            (source / "letter").write_text("dear all\n")
            for exhibit in ("EX-001", "EX-002"):
                office.acquire(folder / name, source, exhibit, types=False)
    return folder


class Desk:
    """A copy of both cases, and the commands of who sits there."""

    def __init__(self, folder, cli):
        self.folder, self.cli = folder, cli

    def key(self, who):
        party, _, name = who.partition(".")
        return self.folder / f"{party}keys" / name

    def run(self, command, party, *more, by=None, code=0):
        case = self.folder / party
        signed = [] if by is None else ["--signer", self.key(by), "--log-key", self.folder / f"{party}.pem"]
        done = self.cli("custody", command, case, *more, *signed)
        assert done.code == code, (command, more, done.out.decode(), done.err.decode())
        assert done.code or not done.err
        return done

    def json(self, *arguments, **more):
        done = self.run(*arguments, "--json", **more)
        assert done.out.isascii()
        return json.loads(done.out)

    def refused(self, *arguments, **more):
        """The code and message of a refusal, after which both cases are as they were."""
        before = self.record()
        error = self.json(*arguments, **more)["error"]
        assert self.record() == before
        return error["code"], error["message"] + " " + error["hint"]

    def record(self):
        places = (path for party in ("field", "lab") for path in sorted((self.folder / party).rglob("*")))
        return {path: path.read_bytes() for path in places if path.is_file()}

    def verify(self, party):
        return json.loads(self.cli("verify", self.folder / party, "--json").out)

    def offer(self, *items, out="offer.json", **more):
        chosen = [word for item in items or ("EX-001",) for word in ("--item", item)]
        path = self.folder / out
        more = {"by": "field.examiner"} | more
        self.run("offer", "field", *chosen, "--to", f"{self.key('lab.examiner')}.pub", "--purpose", "analysis",
                 "--out", path, **more)  # fmt: skip
        return path

    def holders(self, party):
        return {one["item"]: one["holder"]["key"] for one in self.json("status", party)["items"] if one["holder"]}


@pytest.fixture
def desk(parties, tmp_path, cli):
    shutil.copytree(parties, tmp_path / "desk", symlinks=True)
    return Desk(tmp_path / "desk", cli)


def fingerprint(desk, who):
    return sshkeys.fingerprint(sshkeys.parse_public_key_line(desk.key(who).with_suffix(".pub").read_bytes()).blob)


ITEM = ("--item", "EX-001")


# --- by hand --------------------------------------------------------------------------------------------------------


def test_what_is_recorded_and_what_nobody_stated(desk):
    told = desk.json("add", "field", "store", *ITEM, "--place", "Room 4", "--purpose", "keep", by="field.examiner")
    assert (told["type"], told["items"], told["entry"], told["checkpoint"]["size"]) == ("store", ["EX-001"], 5, 6)
    assert told["not_stated"] == ["authority", "condition_after", "condition_before", "seals_after", "seals_before"]
    assert (told["late"], told["remarks"]) == (False, [])
    said = desk.run("add", "field", "view", *ITEM, by="field.examiner").out.decode()
    assert "not stated, and recorded as such: --authority, --condition-after" in said
    told = desk.json("log", "field", *ITEM)["events"][-2]
    assert told["body"] == {"place": "Room 4", "purpose": "keep"}


def test_a_late_entry_is_marked(desk):
    desk.run("add", "field", "store", *ITEM, "--place", "A", by="field.examiner")
    told = desk.json(
        "add", "field", "view", *ITEM, "--occurred-at", "2026-01-02T03:04+01:00", "--time-class", "witnessed",
        by="field.examiner",
    )  # fmt: skip
    assert told["late"]
    assert "W914" in {remark["code"] for remark in told["remarks"]}
    last = desk.json("log", "field")["events"][-1]
    assert last["late"]
    assert last["time_class"] == "witnessed"
    assert last["occurred_at"] == {
        "precision": "min", "time": "2026-01-02T02:04:00.000000000Z", "utc_offset_min": 60
    }  # fmt: skip
    said = desk.run("log", "field").out.decode()
    assert "2026-01-02 02:04:00*" in said
    assert "* LATE: witnessed time; recorded" in said


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["store", "--seals-before", "none"], "seals_before", []),
        (["store", "--seals-before", "S-1", "--seals-before", "S-2"], "seals_before", ["S-1", "S-2"]),
        (["store", "--field", "place=Room 4"], "place", "Room 4"),
        (["store", "--field", "condition-after=wet = cold"], "condition_after", "wet = cold"),
        (["incident", "--what", "a fall", "--clock-reference", "offset_ms=12"], "clock_reference", {"offset_ms": "12"}),
        (["disclose", "--to", "court", "--rows", "EX-001#1"], "rows", "EX-001#1"),
        (["dispose", "--authority", "o", "--method", "m", "--witness", "Joe"], "witness", [{"id": "Joe"}]),
        (["verify", "--result", "failed"], "result", "failed"),
        (["hold", "--hold", "H", "--until", "2030-02-03"], "until",
         {"precision": "day", "time": "2030-02-03T00:00:00.000000000Z", "utc_offset_min": None}),
        (["analyse", "--report", "ab" * 32], "report", "ab" * 32),
        (["copy", "--parts", "EX-001-C=an image"], "parts", [{"description": "an image", "item": "EX-001-C"}]),
    ],
    ids=str,
)  # fmt: skip
def test_each_form_of_field(desk, words, name, value):
    kind, *options = words
    desk.run("add", "field", kind, *ITEM, *options, by="field.examiner")
    assert desk.json("log", "field")["events"][-1]["body"][name] == value


def test_persons_files_and_entries_as_values(desk):
    report = desk.folder / "report.txt"
    report.write_text("found nothing\n")
    key = fingerprint(desk, "lab.examiner")
    desk.run("add", "field", "analyse", *ITEM, "--report", report, "--attachments", report, by="field.examiner")
    body = desk.json("log", "field")["events"][-1]["body"]
    assert body["attachments"] == [{"name": "report.txt", "sha256": body["report"]}]
    assert body["report"] == hashlib.sha256(b"found nothing\n").hexdigest()
    desk.run("add", "field", "loan", *ITEM, "--to", f"Lab of C={key}", by="field.examiner")
    assert desk.json("log", "field")["events"][-1]["body"]["to"] == {"id": "Lab of C", "key": key}
    desk.run("add", "field", "correct", *ITEM, "--corrects", 5, "--text", "nothing of note", by="field.examiner")
    events = desk.json("log", "field")["events"]
    assert events[-1]["body"]["corrects"] == {"entry": "5", "event": events[5]["event"]}
    assert events[5]["corrected_by"] == [7]
    assert "CORRECTED by entry 7, examiner: nothing of note" in desk.run("log", "field", *ITEM).out.decode()


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (["nonsense", *ITEM], "U261", 2), (["store", *ITEM, "--to", "x.pub"], "U261", 2),
        (["store", *ITEM, "--field", "to=x"], "U261", 2), (["store", *ITEM, "--field", "place"], "U263", 2),
        (["store", *ITEM, "--place", "A", "--place", "B"], "U260", 2), (["store"], "U266", 2),
        (["store", *ITEM, *ITEM], "U266", 2), (["countersign", *ITEM, "--of", "1"], "U266", 2),
        (["correct", *ITEM, "--corrects", "99", "--text", "x"], "U262", 2),
        (["correct", *ITEM, "--corrects", "one", "--text", "x"], "U260", 2),
        (["loan", *ITEM, "--to", "somebody"], "U260", 2), (["loan", *ITEM, "--to", "gone.pub"], "X410", 4),
        (["verify", *ITEM, "--result", "fine"], "U260", 2), (["analyse", *ITEM, "--report", "gone"], "U260", 2),
        (["hold", *ITEM, "--hold", "H", "--until", "soon"], "U260", 2),
        (["store", *ITEM, "--occurred-at", "yesterday"], "U260", 2),
        (["store", *ITEM, "--clock-reference", "drift=1"], "U260", 2),
        (["dispose", *ITEM, "--place", "P"], "R541", 5), (["loan", *ITEM], "R541", 5),
        (["key_add", "--id", "x"], "R541", 5), (["view", "--item", "EX-009"], "R511", 5),
        *(([kind, *ITEM], "R540", 5) for kind in sorted(BY_COMMAND)),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else None,
)  # fmt: skip
def test_what_cannot_be_recorded(desk, words, code, exit_code):
    found, _ = desk.refused("add", "field", *words, by="field.examiner", code=exit_code)
    assert found == code


def test_essential_fields_are_named_with_their_options(desk):
    _, said = desk.refused("add", "field", "dispose", *ITEM, "--place", "P", by="field.examiner", code=5)
    assert "without authority, method, witness" in said
    assert "--authority (by what right); --method (how); --witness (who saw it)" in said


def test_every_type_is_recorded_by_one_command():
    assert set(BY_HAND) | set(BY_COMMAND) == set(EVENT_TYPES)
    assert not set(BY_HAND) & set(BY_COMMAND)


def test_types_and_their_fields(cli):
    said = json.loads(cli("custody", "types", "--json").out)["types"]
    assert set(said) == set(EVENT_TYPES)
    assert said["dispose"]["fields"]["witness"]["option"] == "--witness"
    assert not said["offer"]["by_hand"]
    assert b"--witness" in cli("custody", "types", "dispose").out
    assert json.loads(cli("custody", "types", "nonsense", "--json").out)["error"]["code"] == "U261"


def test_the_help_of_a_type_lists_its_fields(cli):
    said = cli("custody", "add", "CASE", "physical_seal", "--help").out.decode()
    assert "Fields of physical_seal:" in said
    assert re.search(r"--seals … +Seal numbers put on\.  \[text; must\s+be given\]", said)


def test_without_a_signer_nothing_is_done(desk):
    assert desk.refused("add", "field", "store", *ITEM, code=2)[0] == "U200"


def test_parts_without_rows(desk):
    told = desk.json(
        "split", "field", *ITEM, "--into", "EX-001-1", "--into", "EX-001-2", "--description", "a card",
        by="field.examiner",
    )  # fmt: skip
    assert told["items"] == ["EX-001", "EX-001-1", "EX-001-2"]
    parts = desk.json("log", "field")["events"][-1]["body"]["parts"]
    assert parts == [{"description": "a card", "item": "EX-001-1"}, {"item": "EX-001-2"}]
    assert {"EX-001-1", "EX-001-2"} < set(desk.holders("field"))
    assert desk.refused("split", "field", *ITEM, "--into", "EX-001-1", by="field.examiner", code=5)[0] == "R511"
    assert desk.refused("split", "field", *ITEM, "--into", "E X", by="field.examiner", code=2)[0] == "U231"


def test_a_part_that_is_some_rows(desk):
    told = desk.json("split", "field", *ITEM, "--into", "EX-001-1", "--rows", "EX-001:letter", by="field.examiner")
    assert told["items"] == ["EX-001", "EX-001-1"]
    (part,) = desk.json("log", "field")["events"][-1]["body"]["parts"]
    assert part["selection"]["rows"] == "1"
    more = ["--rows", "EX-001:letter"]
    assert desk.refused("split", "field", *ITEM, "--into", "EX-001-2", *more, by="field.examiner", code=5)[0] == "R551"
    assert desk.refused("split", "field", *ITEM, "--into", "EX-001-1", *more, by="field.examiner", code=5)[0] == "R511"
    parts = ["--into", "EX-001-2", "--into", "EX-001-3"]
    assert desk.refused("split", "field", *ITEM, *parts, *more, by="field.examiner", code=2)[0] == "U270"
    assert not [one for one in desk.verify("field")["findings"] if one["severity"] == "error"]


def test_rows_are_erased_by_an_order(desk):
    more = ["--rows", "EX-001:letter", "--authority", "order 9", "--yes"]
    desk.run("add", "field", "erase", *ITEM, *more, by="field.examiner")
    assert desk.json("log", "field", *ITEM)["events"][-1]["type"] == "erase"
    assert desk.refused("add", "field", "erase", *ITEM, *ITEM, *more, by="field.examiner", code=2)[0] == "U266"
    both = [*ITEM, "--item", "EX-002"]
    assert desk.refused("add", "field", "erase", *both, *more, by="field.examiner", code=2)[0] == "U266"


def test_keys_live_by_events(desk):
    new = desk.key("field.other")
    desk.run(
        "add", "field", "key_add", "--public-key", f"{new}.pub", "--id", "examiner", "--replaces",
        f"{desk.key('field.examiner')}.pub", "--second-signer", new, by="field.examiner",
    )  # fmt: skip
    code, said = desk.refused("add", "field", "store", *ITEM, by="field.examiner", code=5)
    assert (code, "signs no more since entry" in said) == ("R511", True)
    holder = desk.json("status", "field", *ITEM)["items"][0]["holder"]
    assert (holder["key"], holder["key_in_use"]) == (
        fingerprint(desk, "field.examiner"),
        fingerprint(desk, "field.other"),
    )
    assert f"(key now {holder['key_in_use']})" in desk.run("status", "field").out.decode()
    desk.run("add", "field", "store", *ITEM, by="field.other")
    assert desk.json("add", "field", "countersign", "--of", 2, "--meaning", "seen", by="field.other")["items"] == []
    desk.run("add", "field", "key_revoke", "--key", fingerprint(desk, "field.examiner"), "--from-size", 5,
             "--reason", "lost", by="field.other")  # fmt: skip
    assert desk.json("log", "field")["events"][2]["countersigned_by"] == [7]


# --- refusals name the person, the item, the time, and what to do ---------------------------------------------------


def test_somebody_else_holds_it(desk):
    _, said = desk.refused("add", "field", "store", *ITEM, by="field.other", code=5)
    assert re.search(r"store of EX-001 by other: it is held by examiner SHA256:\S+ since 20\d\d-\d\d-\d\dT", said)
    assert "Ask examiner to offer it: `evidencekit custody offer CASE --item EX-001 --to YOUR.pub …`" in said


def test_it_is_out_under_hold_and_ended(desk):
    to = f"{desk.key('lab.examiner')}.pub"
    desk.run("add", "field", "loan", *ITEM, "--to", to, "--due", "2031-01-01", by="field.examiner")
    end = ["--authority", "order 7", "--method", "shredded", "--witness", to]
    _, said = desk.refused("add", "field", "dispose", *ITEM, *end, by="field.examiner", code=5)
    assert re.search(r"it is out with examiner SHA256:\S+ by loan of entry 5, due 2031-01-01T", said)
    assert "custody add CASE return --item EX-001" in said
    desk.run("add", "field", "return", *ITEM, by="field.examiner")
    desk.run("add", "field", "hold", *ITEM, "--hold", "H-1", by="field.other")
    _, said = desk.refused("add", "field", "dispose", *ITEM, *end, by="field.examiner", code=5)
    assert "it is under the hold H-1" in said
    assert "hold_release" in said
    desk.run("add", "field", "hold_release", *ITEM, "--hold", "H-1", "--authority", "order 8", by="field.other")
    desk.run("add", "field", "dispose", *ITEM, *end, by="field.examiner")
    _, said = desk.refused("add", "field", "store", *ITEM, by="field.examiner", code=5)
    assert "nothing after dispose by entry 9" in said
    status = next(one for one in desk.json("status", "field")["items"] if one["item"] == "EX-001")
    assert status["ended"] == {"entry": 9, "kind": "dispose"}


def test_status_says_what_is_out_and_overdue(desk):
    to = f"{desk.key('lab.examiner')}.pub"
    desk.run("add", "field", "loan", *ITEM, "--to", to, "--due", "2020-01-01", by="field.examiner")
    (status,) = desk.json("status", "field", *ITEM)["items"]
    assert status["holder"]["key"] == fingerprint(desk, "field.examiner")
    assert status["keeper"]["key"] == fingerprint(desk, "lab.examiner")
    assert (status["out"]["kind"], status["out"]["overdue"]) == ("loan", True)
    assert [finding["code"] for finding in status["findings"]] == ["W919"]
    said = desk.run("status", "field").out.decode()
    assert "OVERDUE" in said
    assert said.splitlines()[-1].startswith("Recorded, not verified")


def test_an_item_that_is_not_known(desk):
    for command in ("log", "status"):
        assert desk.refused(command, "field", "--item", "EX-009", code=2)[0] == "U215"


# --- from hand to hand ----------------------------------------------------------------------------------------------


def test_two_cases_that_never_meet(desk):
    offer = desk.offer("EX-001", "EX-002")
    assert [len(one["open_offers"]) for one in desk.json("status", "field")["items"]] == [1, 1]
    answer = desk.folder / "answer.json"
    told = desk.json(
        "accept", "lab", offer, "--refuse", "EX-002:bag torn", "--digests", "full", "--seals-found", "S-1",
        "--condition", "intact", "--as", "EX-001=EX-107", "--out", answer, by="lab.examiner",
    )  # fmt: skip
    assert told["items"] == ["EX-107"]
    assert told["not_checked"] == ["nobody's identity was checked: no --policy was given"]
    body = desk.json("log", "lab")["events"][-1]["body"]
    assert body["offered_as"] == ["EX-001"]
    assert body["refused"] == [{"item": "EX-002", "reason": "bag torn"}]
    assert (body["digests_checked"], body["seals_before"], body["condition_before"]) == ("full", ["S-1"], "intact")
    kept = desk.folder / "lab/objects/sha256" / body["message"]["sha256"][:2] / body["message"]["sha256"]
    assert kept.read_bytes() == offer.read_bytes()
    assert desk.holders("field")["EX-001"] == fingerprint(desk, "field.examiner")  # until the answer is entered
    told = desk.json("receipt", "field", answer, by="field.examiner")
    assert told["items"] == ["EX-001", "EX-002"]
    assert desk.holders("field") == {
        "EX-001": fingerprint(desk, "lab.examiner"), "EX-002": fingerprint(desk, "field.examiner")
    }  # fmt: skip
    by_item = {one["item"]: one for one in desk.json("status", "field")["items"]}
    assert (by_item["EX-001"]["away"], by_item["EX-002"]["open_offers"]) == (LAB, [])
    for party in ("field", "lab"):
        found = desk.verify(party)["findings"]
        assert not [one for one in found if one["severity"] == "error"], found


def test_an_answer_is_entered_once(desk):
    answer = desk.folder / "answer.json"
    desk.run("accept", "lab", desk.offer(), "--out", answer, by="lab.examiner")
    desk.run("receipt", "field", answer, by="field.examiner")
    code, said = desk.refused("receipt", "field", answer, by="field.examiner", code=5)
    assert (code, "entered already, by entry 6" in said) == ("R546", True)
    assert desk.refused("receipt", "lab", answer, by="lab.examiner", code=5)[0] == "R546"  # it stands there


def test_an_answer_written_anew_is_still_entered_once(desk):
    answer, again = desk.folder / "answer.json", desk.folder / "again.json"
    desk.run("accept", "lab", desk.offer(), "--out", answer, by="lab.examiner")
    desk.run("receipt", "field", answer, by="field.examiner")
    desk.run("add", "lab", "store", *ITEM, by="lab.examiner")  # so that the newest checkpoint is another one
    desk.run("accept", "lab", "--again", 1, "--out", again)
    assert again.read_bytes() != answer.read_bytes()
    assert desk.refused("receipt", "field", again, by="field.examiner", code=5)[0] == "R511"


def test_a_refusal_from_another_log(desk):
    offer, answer = desk.offer("EX-001", "EX-002"), desk.folder / "answer.json"
    told = desk.json("refuse", "lab", offer, "--reason", "not ours", "--out", answer, by="lab.examiner")
    assert told["items"] == []
    assert desk.json("status", "lab")["items"] == []
    assert desk.json("receipt", "field", answer, by="field.examiner")["items"] == ["EX-001", "EX-002"]
    assert [one["open_offers"] for one in desk.json("status", "field")["items"]] == [[], []]
    again = desk.offer("EX-001", out="offer2.json")
    desk.run("accept", "lab", again, "--out", desk.folder / "answer2.json", by="lab.examiner")
    desk.run("receipt", "field", desk.folder / "answer2.json", by="field.examiner")
    assert desk.holders("field")["EX-001"] == fingerprint(desk, "lab.examiner")


def test_an_offer_that_was_answered(desk):
    offer = desk.offer("EX-001", "EX-002")
    desk.run("accept", "lab", offer, "--only", "EX-001", by="lab.examiner")
    code, said = desk.refused("accept", "lab", offer, by="lab.examiner", code=5)
    assert (code, "EX-001: this offer was answered by entry 1 (accept by examiner)" in said) == ("R544", True)
    desk.run("accept", "lab", offer, "--only", "EX-002", by="lab.examiner")
    assert desk.refused("refuse", "lab", offer, "--reason", "late", by="lab.examiner", code=5)[0] == "R544"


def test_parts_of_an_offer_are_entered_one_by_one(desk):
    offer = desk.offer("EX-001", "EX-002")
    for number, item in enumerate(("EX-002", "EX-001")):
        answer = desk.folder / f"answer{number}.json"
        desk.run("accept", "lab", offer, "--only", item, "--out", answer, by="lab.examiner")
        assert desk.json("receipt", "field", answer, by="field.examiner")["items"] == [item]
    assert set(desk.holders("field").values()) == {fingerprint(desk, "lab.examiner")}


def test_an_offer_answered_in_its_own_log(desk):
    offer, answer = desk.offer("EX-001", "EX-002"), desk.folder / "answer.json"
    signed = ["--signer", desk.key("lab.examiner"), "--log-key", desk.folder / "field.pem"]
    told = desk.json(
        "accept", "field", offer, "--refuse", "EX-002:torn", "--digests", "sample", "--out", answer, *signed
    )
    assert told["items"] == ["EX-001", "EX-002"]
    assert "message" not in desk.json("log", "field")["events"][-1]["body"]
    assert desk.holders("field") == {
        "EX-001": fingerprint(desk, "lab.examiner"), "EX-002": fingerprint(desk, "field.examiner")
    }  # fmt: skip
    code, said = desk.refused("receipt", "field", answer, by="field.examiner", code=5)
    assert (code, "appended to this very log, as entry 6" in said) == ("R546", True)
    code, said = desk.refused("accept", "field", offer, *signed, code=5)
    assert (code, "no open offer" in said) == ("R511", True)
    assert desk.refused("accept", "field", offer, "--as", "EX-001=EX-9", *signed, code=2)[0] == "U263"


def test_what_goes_out_and_comes_back(desk):
    answer, back = desk.folder / "answer.json", desk.folder / "back.json"
    desk.run("accept", "lab", desk.offer(), "--as", "EX-001=EX-107", "--out", answer, by="lab.examiner")
    desk.run("receipt", "field", answer, by="field.examiner")
    desk.run("offer", "lab", "--item", "EX-107", "--to", f"{desk.key('field.examiner')}.pub", "--purpose", "return",
             "--out", back, by="lab.examiner")  # fmt: skip
    code, said = desk.refused("accept", "field", back, "--as", "EX-107=EX-002", by="field.examiner", code=5)
    assert (code, "--as THEIRS=OURS" in said) == ("R511", True)
    desk.run("accept", "field", back, "--as", "EX-107=EX-001", by="field.examiner")
    assert desk.holders("field")["EX-001"] == fingerprint(desk, "field.examiner")
    assert desk.json("status", "field", *ITEM)["items"][0]["away"] is None


def test_the_wrong_receiver(desk):
    code, said = desk.refused("accept", "lab", desk.offer(), by="lab.other", code=5)
    assert code == "R542"
    assert f"offered to examiner {fingerprint(desk, 'lab.examiner')}, not to other" in said


def rewritten(path, **members):
    """A message with other members, spelled canonically."""
    record = encoding.decode(path.read_bytes(), MESSAGE_LIMITS) | members
    other = path.with_name("rewritten.json")
    other.write_bytes(encoding.encode(record, MESSAGE_LIMITS))
    return other


def test_a_tampered_offer(desk):
    offer = desk.offer()
    record = encoding.decode(offer.read_bytes(), MESSAGE_LIMITS)
    event = base64.b64decode(record["event"]).replace(b"analysis", b"analysiz")
    note = record["checkpoint"].replace("\n6\n", "\n7\n")
    changes = [
        {"event": base64.b64encode(event).decode()}, {"proof": record["proof"][::-1]}, {"kind": "answer"},
        {"checkpoint": note}, {"checkpoint": None, "entry": None, "proof": []},
        {"signatures": [base64.b64encode(b"nothing").decode()]},
    ]  # fmt: skip
    for members in changes:
        code, said = desk.refused("accept", "lab", rewritten(offer, **members), by="lab.examiner", code=3)
        assert code == "F100"
        assert "Ask the sender for the file as he wrote it" in said
    truncated = desk.folder / "truncated.json"
    truncated.write_bytes(offer.read_bytes()[:-1])
    assert desk.refused("accept", "lab", truncated, by="lab.examiner", code=3)[0] == "F100"
    assert desk.refused("receipt", "lab", offer, by="lab.examiner", code=3)[0] == "F100"
    assert desk.refused("accept", "lab", desk.folder / "gone", by="lab.examiner", code=4)[0] == "X471"


def test_an_answer_to_another_log(desk):
    answer = desk.folder / "answer.json"
    desk.run("offer", "lab", *ITEM, "--to", f"{desk.key('field.examiner')}.pub", "--out", desk.folder / "x.json",
             by="lab.examiner", code=5)  # fmt: skip
    desk.run("accept", "lab", desk.offer(), "--out", answer, by="lab.examiner")
    shutil.rmtree(desk.folder / "field/custody/00000005")
    (desk.folder / "field/checkpoints/00000006").unlink()
    code, said = desk.refused("receipt", "field", answer, by="field.examiner", code=5)
    assert (code, "which this log does not have" in said) == ("R547", True)


def test_an_older_copy_of_the_offering_log(desk):
    offer = desk.offer()
    shutil.rmtree(desk.folder / "field/custody/00000005")
    (desk.folder / "field/checkpoints/00000006").unlink()
    signed = ["--signer", desk.key("lab.examiner"), "--log-key", desk.folder / "field.pem"]
    assert desk.refused("accept", "field", offer, *signed, code=5)[0] == "R545"
    desk.run("add", "field", "store", *ITEM, by="field.examiner")  # now the log has another entry in its place
    assert desk.refused("accept", "field", offer, *signed, code=5)[0] == "R545"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--only", "EX-009"], "U264"), (["--refuse", "EX-009:x"], "U264"), (["--refuse", "EX-001"], "U263"),
        (["--refuse", "EX-001:x"], "U265"), (["--as", "EX-001"], "U263"), (["--as", "EX-001=E X"], "U263"),
        (["--as", "EX-001=a/EX-001"], "U263"), (["--as", "EX-009=EX-1"], "U264"), (["--digests", "some"], "U260"),
        (["--field", "refused=x"], "U261"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_an_acceptance_that_makes_no_sense(desk, words, code):
    assert desk.refused("accept", "lab", desk.offer(), *words, by="lab.examiner", code=2)[0] == code


def test_files_are_never_overwritten_and_never_lost(desk):
    offer = desk.offer()
    code, _ = desk.refused("offer", "field", *ITEM, "--to", f"{desk.key('lab.examiner')}.pub", "--out", offer,
                           by="field.examiner", code=5)  # fmt: skip
    assert code == "R501"
    again = desk.folder / "again.json"
    desk.run("offer", "field", "--again", 5, "--out", again)
    assert again.read_bytes() == offer.read_bytes()
    assert desk.refused("offer", "field", "--again", 5, "--out", again, code=5)[0] == "R501"
    assert desk.refused("offer", "field", "--again", 1, "--out", desk.folder / "x", code=2)[0] == "U268"
    assert desk.refused("offer", "field", "--again", 9, "--out", desk.folder / "x", code=2)[0] == "U262"
    assert desk.refused("offer", "field", *ITEM, code=2)[0] == "U267"
    assert desk.refused("offer", "field", "--out", desk.folder / "x", by="field.examiner", code=2)[0] == "U266"
    assert desk.refused("offer", "field", *ITEM, "--out", desk.folder / "x", by="field.examiner", code=5)[0] == "R541"
    assert desk.refused("offer", "field", *ITEM, "--out", desk.folder / "field/x", code=5)[0] == "R506"


def test_the_policy_says_whom_to_believe(desk):
    policy = desk.folder / "policy"
    policy.mkdir()
    offer = desk.offer()
    (policy / "policy.toml").write_text("version = 1\n")
    key = " ".join(desk.key("field.examiner").with_suffix(".pub").read_text().split()[:2])
    vkeys = json.loads((desk.folder / "field/case.json").read_bytes())["log_keys"]
    other = json.loads((desk.folder / "lab/case.json").read_bytes())["log_keys"]

    def believed(signers, logs, code=0):
        (policy / "allowed_signers").write_text(signers)
        (policy / "logs.policy").write_text("".join(f"log {vkey}\n" for vkey in logs) + "quorum none\n")
        if code:
            return desk.refused("accept", "lab", offer, "--policy", policy, by="lab.examiner", code=code)
        return desk.run("accept", "lab", offer, "--policy", policy, by="lab.examiner").out.decode()

    code, said = believed("", vkeys, 5)
    assert (code, "allowed_signers does not give this key to him: examiner" in said) == ("R543", True)
    assert believed(f"somebody {key}\n", vkeys, 5)[0] == "R543"
    (policy / "revoked.toml").write_text(
        f'[[key]]\nfingerprint = "{fingerprint(desk, "field.examiner")}"\nreason = "stolen"\n'
        f'sizes = {{ "{FIELD}" = 5 }}\n'
    )
    assert "revoked: stolen" in believed(f"examiner {key}\n", vkeys, 5)[1]
    text = (policy / "revoked.toml").read_text()
    (policy / "revoked.toml").write_text(text.replace("= 5 }", "= 6 }"))  # the offer, entry 5, was made before
    assert "the policy lists no keys of the log" in believed(f"examiner {key}\n", other)
    told = desk.json("log", "lab")["events"][-1]
    assert told["type"] == "accept"


def test_the_log_that_the_policy_names_must_have_signed(desk):
    policy = desk.folder / "policy"
    policy.mkdir()
    (policy / "policy.toml").write_text("version = 1\n")
    key = " ".join(desk.key("field.examiner").with_suffix(".pub").read_text().split()[:2])
    (policy / "allowed_signers").write_text(f"examiner {key}\n")

    def with_keys(vkeys):
        (policy / "logs.policy").write_text("".join(f"log {vkey}\n" for vkey in vkeys) + "quorum none\n")

    offer = desk.offer()
    with_keys(new_log_keys(FIELD).vkeys)
    code, said = desk.refused("accept", "lab", offer, "--policy", policy, by="lab.examiner", code=5)
    assert (code, f"0 of the 2 keys that it lists for {FIELD} signed the checkpoint" in said) == ("R543", True)
    with_keys(json.loads((desk.folder / "field/case.json").read_bytes())["log_keys"])
    assert b"NOT CHECKED" not in desk.run("accept", "lab", offer, "--policy", policy, by="lab.examiner").out


def test_names_do_not_act_on_the_terminal(desk):
    desk.run("add", "field", "store", *ITEM, "--place", "Room \u202e4", "--purpose", "a\x1b[31mb", by="field.examiner")
    desk.run("add", "field", "hold", *ITEM, "--hold", "H\x1b[2J", "--actor", "e\x07ve", by="field.examiner")
    for command in ("log", "status"):
        said = desk.run(command, "field").out.decode()
        assert not {"\x1b", "\u202e", "\x07"} & set(said)


# --- a case taken over ----------------------------------------------------------------------------------------------


def test_another_case_becomes_a_branch(desk):
    desk.offer("EX-001")
    told = desk.json(
        "adopt", "lab", desk.folder / "field", "--as", "field", "--authority", "order 3", by="lab.examiner"
    )
    assert (told["items"], told["branch"], told["verdict"]) == (["field/EX-001"], "field", "INTEGRITY ONLY")
    body = desk.json("log", "lab")["events"][-1]["body"]
    assert body["log"]["origin"] == FIELD
    assert base64.b64decode(body["case"]) == b"field...........".ljust(16, b".")
    for path in sorted((desk.folder / "field").rglob("*")):
        place = path.relative_to(desk.folder / "field")
        if path.is_file() and path.suffix != ".tiles" and place.parts[0] != "work":
            assert (desk.folder / "lab/branches/field" / place).read_bytes() == path.read_bytes()
    assert desk.holders("lab") == {"field/EX-001": fingerprint(desk, "lab.examiner")}
    desk.run("add", "lab", "store", "--item", "field/EX-001", "--place", "Room 4", by="lab.examiner")
    code, said = desk.refused("adopt", "lab", desk.folder / "field", "--as", "field", by="lab.examiner", code=5)
    assert (code, "field is there already" in said) == ("R511", True)


def test_an_adopted_item_keeps_the_hold_that_it_came_with(desk):
    desk.run("add", "field", "hold", *ITEM, "--hold", "keep-1", "--until", "2027-06-01", by="field.examiner")
    desk.offer("EX-001")
    told = desk.json("adopt", "lab", desk.folder / "field", "--as", "field", by="lab.examiner")
    assert told["held"] == {"field/EX-001": ["keep-1"]}
    gone = ("--item", "field/EX-001", "--method", "shredder", "--authority", "order 7", "--witness", "W")
    assert desk.refused("add", "lab", "dispose", *gone, by="lab.examiner", code=5)[0] == "R583"
    held = ("--item", "field/EX-001", "--hold", "keep-1")
    desk.run("add", "lab", "hold", *held, by="lab.examiner")
    assert desk.refused("add", "lab", "dispose", *gone, by="lab.examiner", code=5)[0] == "R511"
    desk.run("add", "lab", "hold_release", *held, "--authority", "letter", by="lab.examiner")
    desk.run("add", "lab", "dispose", *gone, by="lab.examiner")


def test_an_adopted_item_goes_on_under_another_name(desk):
    desk.offer("EX-001")
    desk.run("adopt", "lab", desk.folder / "field", "--as", "field", by="lab.examiner")
    out = desk.folder / "o.json"
    desk.run("offer", "lab", "--item", "field/EX-001", "--to", f"{desk.key('field.other')}.pub", "--out", out,
             by="lab.examiner")  # fmt: skip
    code, said = desk.refused("accept", "field", out, by="field.other", code=2)
    assert (code, "say --as field/EX-001=EX-001" in said) == ("U263", True)
    desk.run("accept", "field", out, "--as", "field/EX-001=EX-500", by="field.other")


def test_a_case_that_is_not_taken_over(desk):
    field = desk.folder / "field"
    assert desk.refused("adopt", "lab", field, "--as", "field", by="lab.examiner", code=5)[0] == "R548"
    desk.offer("EX-001")
    for name in ("Field", "a/b", "..", "x" * 41):
        assert desk.refused("adopt", "lab", field, "--as", name, by="lab.examiner", code=2)[0] == "U269"
    assert desk.refused("adopt", "lab", field, "--as", "field", by="lab.other", code=5)[0] == "R548"
    (field / "hello").write_text("x")
    code, said = desk.refused("adopt", "lab", field, "--as", "field", by="lab.examiner", code=5)
    assert (code, "W902" in said) == ("R549", True)
    (field / "hello").unlink()
    event = field / "custody/00000002/event.json"
    event.write_bytes(event.read_bytes() + b" ")
    code, _ = desk.refused("adopt", "lab", field, "--as", "field", by="lab.examiner", code=3)
    assert code == "F100"
    assert not (desk.folder / "lab/branches").exists()


def test_a_case_comes_with_those_that_it_adopted(desk, rc):
    """As many inside each other as an exhibit's number has room for, and no more."""
    offices = {"field": "field", "lab": "lab"}
    for number in range(1, 5):
        name = f"more{number}"
        office = rc.Office(desk.folder / f"{name}keys", f"more.example/{number}")
        office.open(desk.folder / name, identity=bytes([number]) * 16)
        save_log_keys(office.keys, desk.folder / f"{name}.pem")
        offices[name] = name
    chain, item = list(offices), "EX-001"
    for below, above in itertools.pairwise(chain):
        to = f"{desk.key(above + '.examiner')}.pub"
        desk.run(
            "offer", below, "--item", item, "--to", to, "--out", desk.folder / f"{below}.json", by=f"{below}.examiner"
        )
        if above == chain[-1]:
            break
        told = desk.json("adopt", above, desk.folder / below, "--as", below, by=f"{above}.examiner")
        item = f"{below}/{item}"
        assert told["items"] == [item]
    assert item.count("/") == 4
    assert not [one for one in desk.verify(chain[-2])["findings"] if one["severity"] == "error"]
    assert (desk.folder / chain[-2] / "branches/more2/branches/more1/branches/lab/branches/field/case.json").exists()
    code, said = desk.refused("adopt", above, desk.folder / below, "--as", below, by=f"{above}.examiner", code=5)
    assert (code, "4 adopted cases lie in each other there" in said) == ("R549", True)
