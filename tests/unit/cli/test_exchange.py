"""`request send-file` to `request status` in this process: documents, exit codes, and what a person sees of hostile texts."""

from __future__ import annotations

import json
import shutil

import pytest

from evidencekit.cli.request_answer import _doubts, _holder, _identifier
from evidencekit.cli.request_words import HEADS, answer_lines, status_lines, status_row
from evidencekit.core.event_forms import object_record
from evidencekit.core.request import encode_request
from evidencekit.core.values import moment
from evidencekit.errors import BadArgument
from evidencekit.seal.logkeys import save_log_keys

INSTRUMENT = "mu-2"
TABLE = """
id = "mu-2"
title = "T"
instrument = "Treaty of Mu"
citation = "Mu, Article 2"
version = "1999"
valid_from = 1999-01-01
mark = "confirmed"
[[limit]]
id = "answer"
of = "answer"
amount = 10
unit = "days"
bound = "most"
citation = "Mu, Article 2(2)"
mark = "confirmed"
text = "Ten days."
[[field]]
name = "facts"
need = "required"
citation = "Mu, Article 2(3)"
mark = "confirmed"
text = "what it is about"
"""
LONG = "a reference of \x1b[31mmany words\n" * 9
REQUEST = {
    "_t": "evidencekit/request/1", "authority": {"name": "Office\x1b[31m", "state": "FR"}, "dated": moment(1_700_006_400 * 10**9, precision="day"),
    "facts": "It was so.", "identifiers": [{"type": "url", "value": "https://x.example/?a=b"}], "nonce": "AAAAAAAAAAAAAAAAAAAAAA==",
    "reference": LONG, "status": "new", "to": {"name": "Point"},
}  # fmt: skip
RECEIVED = ("--received", "2026-11-01T08:00Z")


@pytest.fixture(scope="module")
def made(rc, tmp_path_factory):
    """Two cases with their keys, a table of law, and the record of a request."""
    folder = tmp_path_factory.mktemp("made")
    for number, name in enumerate(("ours", "theirs")):
        office = rc.Office(folder / f"{name}-office", f"{name}.example/1")
        office.open(folder / name, identity=bytes([number]) * 16)
        save_log_keys(office.keys, folder / f"{name}.pem")
    (folder / "law").mkdir()
    (folder / "law/mu-2.toml").write_text(TABLE)
    (folder / "request.json").write_bytes(encode_request(REQUEST))
    return folder


class Desk:
    """Both sides, as they type."""

    def __init__(self, cli, folder):
        self.cli, self.folder = cli, folder

    def signing(self, who):
        return ["--signer", self.folder / f"{who}-office/examiner", "--log-key", self.folder / f"{who}.pem"]

    def say(self, command, who, *words, code=0, law=False, signed=True):
        """What is printed; of --json the document."""
        more = ["--law", self.folder / "law"] if law else []
        signing = self.signing(who) if signed else []
        done = self.cli("request", command, self.folder / who, *words, *more, *signing)
        assert done.code == code, done
        return json.loads(done.out) if "--json" in words else done.out.decode() + done.err.decode()

    def exchange(self):
        """The request comes, and its receipt goes back."""
        sent, receipt = self.folder / "sent.json", self.folder / "receipt.json"
        told = [
            self.say(
                "send-file",
                "ours",
                self.folder / "request.json",
                "--out",
                sent,
                "--instrument",
                INSTRUMENT,
                "--json",
                law=True,
            )
        ]
        told.append(self.say("receive", "theirs", sent, "--receipt", receipt, *RECEIVED, "--json", law=True))
        told.append(self.say("acknowledge", "ours", receipt, "--json"))
        return told

    def answer(self, *words, code=0):
        out = self.folder / f"answer-{len([*self.folder.glob('answer-*')])}.json"
        return self.say("answer", "theirs", 1, *words, "--out", out, "--json", code=code)

    def status(self, who="theirs", *words):
        return self.say("status", who, *words, law=True, signed=False)


@pytest.fixture
def both(made, cli, tmp_path):
    shutil.copytree(made, tmp_path / "both")
    return Desk(cli, tmp_path / "both")


# --- documents --------------------------------------------------------------------------------------------------------


def test_documents(both):
    sent, came, entered = both.exchange()
    digest = object_record(encode_request(REQUEST))["sha256"]
    assert (sent["type"], sent["entry"], sent["instrument"]) == ("request_sent", 1, INSTRUMENT)
    assert sent["out"].endswith("sent.json")
    assert (came["type"], came["sha256"], came["received_at"][:16]) == ("request_received", digest, "2026-11-01T08:00")
    assert (came["record"], came["receipt"][-12:], len(came["not_checked"])) == (None, "receipt.json", 1)
    assert (entered["type"], entered["answer"]) == ("acknowledge", None)
    answered = both.answer("--outcome", "executed", "--ticket", "B-77")
    assert (answered["answer"]["outcome"], answered["answer"]["request"]) == ("executed", digest)
    entered = both.say("acknowledge", "ours", answered["out"], "--json")
    assert entered["answer"] == answered["answer"]
    withdrawn = both.say("withdraw", "ours", 1, "--reason", "over", "--out", both.folder / "w.json", "--json")
    assert (withdrawn["type"], withdrawn["entry"]) == ("request_withdrawn", 4)
    assert both.say("receive", "theirs", both.folder / "w.json", "--json")["type"] == "acknowledge"
    extended = both.say(
        "extend", "ours", 1, "--reference", "PR-4", "--out", both.folder / "e.json", "--json", law=True, signed=False
    )
    assert extended["earlier"] == {"reference": LONG, "sha256": digest, "ticket": "B-77"}
    assert (extended["request"]["reference"], extended["request"]["status"]) == ("PR-4", "extension")
    (ours,) = both.status("ours", "--json")["requests"]
    assert (ours["state"], ours["withdrawn"], ours["receipts"]) == ("withdrawn", 4, [2])


def test_files_again(both):
    """Of any entry that a file is written of; nothing is recorded."""
    both.exchange()
    out = {name: both.folder / f"{name}.again" for name in ("sent", "receipt", "record")}
    told = both.say("send-file", "ours", "--again", 1, "--out", out["sent"], "--json", signed=False)
    assert told == {"entry": 1, "out": str(out["sent"])}
    more = ["--receipt", out["receipt"], "--record", out["record"]]
    told = both.say("receive", "theirs", "--again", 1, *more, "--json", signed=False)
    assert told == {"entry": 1, "receipt": str(out["receipt"]), "record": str(out["record"])}
    assert out["record"].read_bytes() == (both.folder / "request.json").read_bytes()
    assert out["receipt"].read_bytes() == (both.folder / "receipt.json").read_bytes()
    assert "R501" in both.say("receive", "theirs", "--again", 1, "--record", out["record"], code=5, signed=False)
    assert len([*(both.folder / "theirs/custody").iterdir()]) == 2
    both.answer("--outcome", "executed")
    told = both.say("answer", "theirs", "--again", 2, "--out", both.folder / "answer.again", "--json", signed=False)
    assert told["entry"] == 2
    assert (both.folder / "answer.again").read_bytes() == (both.folder / "answer-0.json").read_bytes()


def test_whom_nobody_believes(both, rc):
    """A policy that does not know the sender: nothing is recorded."""
    sent = both.folder / "sent.json"
    both.say("send-file", "ours", both.folder / "request.json", "--out", sent, "--instrument", INSTRUMENT, law=True)
    policy = rc.Office(both.folder / "stranger", "s.example/1")
    policy.policy()
    said = both.say("receive", "theirs", sent, "--policy", both.folder / "stranger/policy", code=5)
    assert "error R543" in said
    assert len([*(both.folder / "theirs/custody").iterdir()]) == 1


def test_a_request_that_lacks_something_is_told_and_entered(both):
    """Whether it is complete, whoever is asked judges: it came all the same."""
    (both.folder / "law/mu-2.toml").write_text(TABLE.replace('"facts"', '"necessity"'))
    sent = both.folder / "sent.json"
    record = both.folder / "short.json"
    record.write_bytes(encode_request(REQUEST | {"necessity": "n"}))
    both.say("send-file", "ours", record, "--out", sent, "--instrument", INSTRUMENT, law=True)
    (both.folder / "law/mu-2.toml").write_text(TABLE.replace('"facts"', '"custodian.name"'))
    said = both.say("receive", "theirs", sent, *RECEIVED, law=True)
    assert "lacks     custodian.name: what it is about; Mu, Article 2(3) [confirmed]" in said
    assert "no receipt yet: `--again 1 --receipt FILE` writes it." in said
    assert "complete  under" not in said


def test_without_its_table_nobody_says_that_it_is_complete(both):
    sent = both.folder / "sent.json"
    both.say("send-file", "ours", both.folder / "request.json", "--out", sent, "--instrument", INSTRUMENT, law=True)
    said = both.say("receive", "theirs", sent)
    assert "not checked: whether it is complete: no table of law has its instrument" in said
    assert "not checked: when an answer is due: no table of law has its instrument" in said


def test_a_year_that_nobody_reaches(both):
    """What the other side says of its clock stops nobody from seeing his requests."""
    sent, receipt = both.folder / "sent.json", both.folder / "receipt.json"
    both.say("send-file", "ours", both.folder / "request.json", "--out", sent, "--instrument", INSTRUMENT, law=True)
    both.say("receive", "theirs", sent, "--receipt", receipt, "--received", "9999-12-30T00:00Z", law=True)
    both.say("acknowledge", "ours", receipt)
    assert "not checked: when an answer is due: A limit of 10 days ends too far ahead." in both.status("ours")


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("email:a@x.example=produced", ("email", "a@x.example", "produced", None)),
        ("email:a@x.example=not_found,since May", ("email", "a@x.example", "not_found", "since May")),
        ("url:https://x.example/?a=b&c=d=preserved", ("url", "https://x.example/?a=b&c=d", "preserved", None)),
        ("url:https://x.example/?is=refused=preserved", ("url", "https://x.example/?is=refused", "preserved", None)),
        ("email:a@x.example=refused,by law, and a=produced", ("email", "a@x.example", "refused", "by law, and a=produced")),
        ("other:a:b=produced", ("other", "a:b", "produced", None)),
    ],
)  # fmt: skip
def test_identifiers_as_they_are_typed(text, found):
    kind, value, state, note = found
    assert _identifier(text) == {"type": kind, "value": value, "state": state} | (
        {} if note is None else {"note": note}
    )


@pytest.mark.parametrize(
    "text", ["", "email", "email:a", "email:=produced", "a@x.example=produced", "email:a=gone", "email:a=produced;x"]
)
def test_what_is_no_identifier(text):
    with pytest.raises(BadArgument) as caught:
        _identifier(text)
    assert caught.value.code == "U327"


def test_who_else_has_it():
    assert _holder("Other Mail,IE") == _holder("Other Mail, IE") == {"name": "Other Mail", "state": "IE"}
    assert _holder("Other Mail, Inc.") == {"name": "Other Mail, Inc."}
    assert _holder(",IE") == {"name": ",IE"}
    assert _holder(None) == {}


@pytest.mark.parametrize(
    "words",
    [
        ("--outcome", "partial"),
        ("--outcome", "refused", "--ground", " "),
        ("--outcome", "executed", "--identifier", "shoe:x=produced"),
        ("--outcome", "executed", "--ticket", "x" * 4097),
        ("--outcome", "executed", "--package", "ab"),
        ("--outcome", "executed", *(word for n in range(501) for word in ("--package", f"{n:064x}"))),
    ],
)
def test_what_cannot_be_answered_is_a_slip_of_whoever_types(both, words):
    """Not a fault of a file: exit code 2, and nothing is recorded."""
    both.exchange()
    assert both.answer(*words, code=2)["error"]["code"] == "U327"
    assert len([*(both.folder / "theirs/custody").iterdir()]) == 2


def test_what_is_odd_about_an_answer(both):
    both.exchange()
    out = iter(range(9))
    say = lambda *words: both.say("answer", "theirs", 1, *words, "--out", both.folder / f"a-{next(out)}")  # noqa: E731
    assert "beware" not in say("--outcome", "executed")
    assert "beware" not in say("--outcome", "refused", "--ground", "no")
    silent = "beware: the answer does not speak of url https://x.example/?a=b"
    assert silent in say("--outcome", "partial", "--ground", "no")
    said = say("--outcome", "executed", "--identifier", "email:a@x.example=produced")
    assert silent in said
    assert "beware: email a@x.example was not asked for" in said
    assert "beware" not in say("--outcome", "executed", "--identifier", "url:https://x.example/?a=b=produced")
    both.say("withdraw", "ours", 1, "--out", both.folder / "w.json")
    both.say("receive", "theirs", both.folder / "w.json")
    assert "beware: the request was withdrawn (entry 7)" in say("--outcome", "executed")


def test_holds_are_named_unless_somebody_says_no(both):
    both.exchange()
    signing = both.signing("theirs")
    record = both.folder / "request.json"
    for words in (
        ("custody", "add", both.folder / "theirs", "identify", "--item", "EX-001", "--description", "a mailbox"),
        ("hold", "open", both.folder / "theirs", "--item", "EX-001", "--until", "2026-12-01", "--request", record),
    ):
        assert both.cli(*words, *signing).code == 0
    holds = [
        {
            "name": "hold-1",
            "until": {"precision": "day", "time": "2026-12-01T00:00:00.000000000Z", "utc_offset_min": None},
        }
    ]
    assert both.answer("--outcome", "received")["answer"]["holds"] == holds
    assert "holds" not in both.answer("--outcome", "received", "--no-holds")["answer"]


def test_an_answer_in_words():
    """All that a record may say is shown, and nothing of it acts on a terminal."""
    record = {
        "outcome": "partial", "ground": "g\x1b[31m", "risk": "r", "note": "n", "ticket": "B\n7", "packages": ["a" * 64],
        "identifiers": [{"type": "ip", "value": "::1", "state": "not_found"}, {"type": "ip", "value": "::2", "state": "produced", "note": "x"}],
        "holds": [{"name": "h"}, {"name": "i", "until": moment(0)}], "other_holder": {"name": "O", "state": "IE", "contact": "c"},
    }  # fmt: skip
    assert list(answer_lines(record)) == [
        "answer    partial: a part of it was done", "ticket    B\\n7", "ground    g\\u{1b}[31m", "risk      r", "note      n",
        "not found ip ::1", "produced  ip ::2 (x)", "kept      h, no end stated", "kept      i until 1970-01-01 00:00:00 UTC",
        "package   " + "a" * 64, "also with O (IE, c)",
    ]  # fmt: skip
    assert list(answer_lines({"outcome": "refused", "other_holder": {"name": "O"}}))[1:] == ["also with O"]


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_fits_a_terminal_of_80_columns(both):
    """Whatever the other side wrote; a long reference stands below, escaped, and is all that may go over."""
    both.exchange()
    both.answer("--outcome", "executed")
    said = both.status("theirs", "--now", "2026-11-01T09:00Z").splitlines()
    assert said[0].split() == ["entry", "reference", "state", "answer", "due", "left"]
    assert said[1].split("  ")[0:2] == ["1", ""]
    assert "answered: executed" in said[1]
    assert "…" in said[1]
    assert [line for line in said if len(line) > 80 and "request   " not in line] == []
    assert not any("\x1b" in line for line in said)
    assert "entry 1: from Office\\u{1b}[31m (FR)" in said


@pytest.mark.parametrize(
    ("change", "cells"),
    [
        ({"reference": None}, "NOT READ"),
        ({"reference": "x" * 20}, "x" * 20),
        ({"reference": "x" * 21}, "x" * 19 + "…"),
        ({"reference": "\x1b" * 9}, "\\u{1b}" * 3 + "\\…"),
    ],
)
def test_references_are_cut(both, change, cells):
    both.exchange()
    (one,) = both.status("theirs", "--json")["requests"]
    assert dict(zip(HEADS, status_row(one | change), strict=True))["reference"] == cells


def test_what_cannot_be_read_is_said(both):
    both.exchange()
    both.answer("--outcome", "executed")
    shutil.rmtree(both.folder / "theirs/objects")
    said = both.status("theirs")
    assert "NOT READ" in said
    assert "the request cannot be read: `evidencekit verify` says more" in said
    assert "the answer cannot be read" in said
    asked = both.answer("--outcome", "executed", code=2)
    assert asked["error"]["code"] == "U325"


def test_every_line_of_a_status(both):
    """Of a document with all that a request may have."""
    both.exchange()
    document = both.status("ours", "--json", "--now", "2026-11-12T00:00Z")
    (one,) = document["requests"]
    one |= {
        "answer_due": one["answer_due"] | {"not_checked": ["x"], "left_s": -1, "source": {"citation": "C", "mark": "unconfirmed", "version": "1"}},
        "exports": [{"entry": 9, "items": ["EX-001", "EX-002"]}], "extends": [1, 2], "status": "follow_up",
        "holds": [{"hold": "h", "items": ["EX-001"], "stage": "lapsed", "until": "1970-01-01T00:00:00.000000000Z"}, {"hold": "i", "items": ["EX-002"], "stage": "no_end", "until": None}],
        "returns": [{"entry": 8, "items": ["EX-001"]}], "withdrawn": 7,
    }  # fmt: skip
    document |= {
        "unfinished": ["o"],
        "not_followed": [{"case": "c", "entry": 4, "type": "acknowledge", "reason": "why"}],
    }
    said = dict(status_lines(document))
    for line, style in {
        "entry 1: to Point": "bold",
        "  received  2026-11-01 08:00:00 UTC, as the other side says": None,
        "  answer    due 2026-11-11 08:00:00 UTC at the latest": None,
        "  rests on  C [UNCONFIRMED]": "warning",
        "  OVERDUE   the answer was due 1 s ago": "error",
        "  follow up of the request of entry 1 and entry 2": None,
        "  hold      h of EX-001: lapsed, ends 1970-01-01 00:00:00 UTC": "warning",
        "  hold      i of EX-002: no end": "warning",
        "  returned  EX-001, entry 8": None,
        "  exported  EX-001, EX-002, entry 9": None,
        "  WITHDRAWN by entry 7: what was kept for it stays until somebody releases it": "warning",
        "  not checked: x": "warning",
        "not followed: entry 4, acknowledge: why": "warning",
        "UNFINISHED: entries of o above its newest checkpoint are not shown: evidencekit checkpoint finish": "warning",
    }.items():
        assert said[line] == style, said


def test_doubts_of_a_request_that_cannot_be_read():
    """Its digest is known, its record is not: nothing was asked for, as far as anybody knows."""

    class Unread:
        record, withdrawn = None, None

    assert _doubts(Unread, {"outcome": "executed"}) == []
