"""Events about requests as the verifier sees them: specs/custody-log.md section 4 points 5 to 7, messages.md section 2.

What came from the other log is made by the real writer there; the case itself by a builder that no rule holds back.
"""

from __future__ import annotations

from dataclasses import replace

import casebuilder as cb
import pytest

from evidencekit.catalogue.history import read_history
from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import NAMESPACE
from evidencekit.core.event_forms import object_record
from evidencekit.core.message import decode_message, encode_message
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_messages import message_of
from evidencekit.journeys.requests import read_exchange
from evidencekit.read.message import check_message
from evidencekit.read.store import Store
from evidencekit.verify.verifier import verify_case

OTHER = "lab.example/55"
RECORD, ANSWER = b"{}", b"[]"
"""Records: what they say is not the verifier's matter, their digests are."""
ZERO = "00" * 32
STEP_8 = {"E301", "E308", "E309", "E310", "E312"}


def codes(report):
    return [(one.code, one.where) for one in report.findings if one.code != "W903"]


def ref(build, entry, **more):
    return {"entry": str(entry), "event": sha256_hex((build.case / layout.event_file(entry)).read_bytes())} | more


def put(build, kind, items=(), **body):
    """Enter an event, whatever the rules say of it; return its number and its place."""
    entry = build.enter(build.event(kind, list(items), body))
    return layout.event_file(entry)


def keep(build, data):
    path = build.case / layout.object_file(sha256_hex(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return object_record(data)


class Abroad:
    """The other log, which says what it is told to say."""

    def __init__(self, rc, folder):
        self.case, self.office = folder / "case", rc.Office(folder / "office", OTHER)
        self.office.open(self.case, identity=bytes(16))
        self.actor = rc.actor(self.office.signer)

    def say(self, kind, *objects, **body):
        """Enter an event there; return its file, and how events here name it."""
        hand = Hand(self.office.ledger(self.case), self.actor, [self.office.signer])
        entry = hand.record(kind, [], body, objects=objects).entry
        return message_of(Store(self.case), entry), self.ref(entry)

    def ref(self, entry):
        return {
            "entry": str(entry),
            "event": sha256_hex((self.case / layout.event_file(entry)).read_bytes()),
            "origin": OTHER,
        }

    def send(self):
        return self.say("request_sent", RECORD, instrument="xx-1", request=object_record(RECORD))

    def receipt(self, sent):
        return self.say("request_received", b"{}", message=object_record(b"{}"), received_at=cb.WHEN, sent=sent)[0]

    def answer(self, sent):
        """To a request that it says it received before."""
        data, came = self.say("request_received", b"{}", message=object_record(b"{}"), received_at=cb.WHEN, sent=sent)
        del came["origin"], data
        return self.say("request_answered", ANSWER, answer=object_record(ANSWER), received=came, sent=sent)[0]

    def withdrawal(self, sent):
        return self.say("request_withdrawn", sent={name: sent[name] for name in ("entry", "event")})[0]


@pytest.fixture(scope="module")
def abroad(rc, tmp_path_factory):
    return Abroad(rc, tmp_path_factory.mktemp("abroad"))


@pytest.fixture
def asking(build):
    """A case with a request that was sent, by entry 1."""
    put(build, "request_sent", instrument="xx-1", request=keep(build, RECORD))
    return build


@pytest.fixture
def asked(build, abroad):
    """A case with a request that came, by entry 1; it has `came`, how the other log's event is named."""
    data, build.came = abroad.send()
    put(build, "request_received", message=keep(build, data), received_at=cb.WHEN, sent=build.came)
    return build


def sent_here(build):
    return ref(build, 1, origin=cb.ORIGIN)


# --- as they should be ---------------------------------------------------------------------------------------------


def test_who_asks(asking, abroad):
    for data in (abroad.receipt(sent_here(asking)), abroad.answer(sent_here(asking))):
        put(asking, "acknowledge", message=keep(asking, data), sent=ref(asking, 1))
    put(asking, "request_withdrawn", sent=ref(asking, 1), reason="over")
    report = verify_case(asking.case)
    assert codes(report) == []
    assert (report.checked["objects"], report.checked["rules"]) == (3, 5)
    assert report.aspects["custody"].status == "not_checked", "whose log that is, nobody said"


def test_who_is_asked(asked, abroad):
    put(asked, "request_answered", answer=keep(asked, ANSWER), received=ref(asked, 1), sent=asked.came)
    put(asked, "acknowledge", message=keep(asked, abroad.withdrawal(asked.came)), received=ref(asked, 1))
    report = verify_case(asked.case)
    assert codes(report) == []
    assert report.checked["objects"] == 3


def test_whose_files_they_are_the_policy_says(asked, abroad):
    logs = "".join(f"log {key}\n" for key in (*asked.keys.vkeys, *abroad.office.keys.vkeys)) + "quorum none\n"
    settings = f'[[log]]\norigin = "{cb.ORIGIN}"\n[[log]]\norigin = "{OTHER}"\nall_required_from = 0\n'
    theirs = " ".join((abroad.office.folder / "examiner.pub").read_text().split()[:2])
    known = asked.policy(settings, logs=logs, signers=f"examiner {asked.public_key()}\nexaminer {theirs}\n")
    report = verify_case(asked.case, policy=known)
    assert codes(report) == []
    assert (report.aspects["custody"].status, report.aspects["identity"].status) == ("ok", "ok")
    found = codes(verify_case(asked.case, policy=asked.policy(settings, logs=logs)))
    assert found == [("E408", layout.event_file(1))], "a stranger sent it"


# --- what an event speaks of (E308) -----------------------------------------------------------------------------------

WRONG_REFERENCES = {
    "another type": lambda build: ref(build, 0),
    "another digest": lambda build: ref(build, 1) | {"event": ZERO},
    "itself": lambda _: {"entry": "2", "event": ZERO},
    "what is yet to come": lambda _: {"entry": "18446744073709551615", "event": ZERO},
}


@pytest.mark.parametrize("fault", WRONG_REFERENCES)
def test_a_withdrawal_of_what_is_no_request(asking, fault):
    where = put(asking, "request_withdrawn", sent=WRONG_REFERENCES[fault](asking))
    assert codes(verify_case(asking.case)) == [("E308", where)]
    assert [one.entry for one in read_exchange(asking.case)[1].not_followed] == (
        [] if fault == "another digest" else [2]
    )


@pytest.mark.parametrize("fault", WRONG_REFERENCES)
def test_an_answer_to_what_did_not_come(asked, fault):
    where = put(
        asked, "request_answered", answer=keep(asked, ANSWER), received=WRONG_REFERENCES[fault](asked), sent=asked.came
    )
    assert codes(verify_case(asked.case)) == [("E308", where)]


@pytest.mark.parametrize("fault", WRONG_REFERENCES)
def test_what_is_entered_of_what_is_no_request(asking, abroad, fault):
    stated = WRONG_REFERENCES[fault](asking)
    data = abroad.receipt(stated | {"origin": cb.ORIGIN})
    where = put(asking, "acknowledge", message=keep(asking, data), sent=stated)
    assert codes(verify_case(asking.case)) == [("E308", where)], "the file says the same: E309 has nothing to add"


@pytest.mark.parametrize("fault", WRONG_REFERENCES)
def test_a_withdrawal_of_what_did_not_come(asked, abroad, fault):
    """With another digest the file is held against the entry that is named: that it says the same is no finding more."""
    data = keep(asked, abroad.withdrawal(asked.came))
    where = put(asked, "acknowledge", message=data, received=WRONG_REFERENCES[fault](asked))
    assert codes(verify_case(asked.case)) == [("E308", where)]
    read_exchange(asked.case)


def test_one_s_own_request_did_not_come(asking, abroad):
    """`received` names the request that was sent: then there is nothing that the withdrawal could be held against."""
    data = abroad.withdrawal(abroad.send()[1])
    where = put(asking, "acknowledge", message=keep(asking, data), received=ref(asking, 1))
    assert codes(verify_case(asking.case)) == [("E308", where)]


# --- files that say something else (E309) ------------------------------------------------------------------------------


def changed(data, **parts):
    return encode_message(replace(decode_message(data), **parts))


OTHER_FILES = {
    "a request": lambda abroad, _: abroad.send()[0],
    "a withdrawal": lambda abroad, _: abroad.withdrawal(abroad.send()[1]),
    "about another entry": lambda abroad, sent: abroad.receipt(sent | {"entry": "0"}),
    "about another event": lambda abroad, sent: abroad.answer(sent | {"event": ZERO}),
    "about another log": lambda abroad, sent: abroad.answer(sent | {"origin": "third.example/1"}),
    "of another kind": lambda abroad, sent: changed(abroad.receipt(sent), kind="answer"),
    "with a record too many": lambda abroad, sent: changed(abroad.receipt(sent), record=RECORD),
    "without its record": lambda abroad, sent: changed(abroad.answer(sent), record=None),
    "with another record": lambda abroad, sent: changed(abroad.answer(sent), record=ANSWER + b" "),
    "with another signature": lambda abroad, sent: changed(abroad.receipt(sent), signatures=(abroad.office.signer.sign(b"x", NAMESPACE),)),
    "signed by another": lambda abroad, sent: changed(abroad.receipt(sent), signatures=(abroad.office.other.sign(b"x", NAMESPACE),)),
    "with another proof": lambda abroad, sent: changed(abroad.receipt(sent), proof=(bytes(32),)),
    "no message": lambda *_: b"{}",
    "no JSON": lambda *_: b"\xff",
    "nothing": lambda *_: b"",
    "too large": lambda *_: b"x" * ((1 << 20) + 1),
}  # fmt: skip


@pytest.mark.parametrize("fault", OTHER_FILES)
def test_what_the_other_side_did_not_say(asking, abroad, fault):
    data = OTHER_FILES[fault](abroad, sent_here(asking))
    where = put(asking, "acknowledge", message=keep(asking, data), sent=ref(asking, 1))
    assert set(codes(verify_case(asking.case))) == {("E309", where)}
    read_exchange(asking.case)  # whatever is in there, it is told and not raised


@pytest.mark.parametrize(
    "change", [{"entry": "0"}, {"event": ZERO}, {"origin": "third.example/1"}], ids=["entry", "event", "origin"]
)
def test_what_came_is_another_event(build, abroad, change):
    data, came = abroad.send()
    where = put(build, "request_received", message=keep(build, data), received_at=cb.WHEN, sent=came | change)
    assert codes(verify_case(build.case)) == [("E309", where)]


def received(build, data, sent):
    """Enter a file as a request that came; what the verifier finds of that, and what is told of it."""
    where = put(build, "request_received", message=keep(build, data), received_at=cb.WHEN, sent=sent)
    assert set(codes(verify_case(build.case))) == {("E309", where)}
    (request,) = read_exchange(build.case)[1].requests
    assert (request.digest, request.record) == (None, None)


@pytest.mark.parametrize("say", [Abroad.withdrawal, Abroad.receipt, Abroad.answer])
def test_what_came_is_no_request(build, abroad, say):
    """The event here names it as it is: by its place, digest and log."""
    data = say(abroad, abroad.send()[1])
    received(build, data, abroad.ref(check_message(data).entry.index))


@pytest.mark.parametrize(
    "parts", [{"kind": "offer"}, {"record": None}, {"record": b"[1]"}], ids=["kind", "no record", "record"]
)
def test_what_came_is_not_whole(build, abroad, parts):
    data, came = abroad.send()
    received(build, changed(data, **parts), came)


WITHDRAWALS = {
    "of another request": lambda abroad, _: abroad.withdrawal(abroad.send()[1]),
    "a request": lambda abroad, _: abroad.send()[0],
    "an answer": lambda abroad, came: abroad.answer(came),
}


@pytest.mark.parametrize("fault", WITHDRAWALS)
def test_what_came_is_not_withdrawn(asked, abroad, fault):
    data = WITHDRAWALS[fault](abroad, asked.came)
    where = put(asked, "acknowledge", message=keep(asked, data), received=ref(asked, 1))
    assert codes(verify_case(asked.case)) == [("E309", where)]


@pytest.mark.parametrize("kind", ["answer", "receipt"])
def test_a_receipt_of_custody_is_not_what_is_said_of_a_request(asking, abroad, kind):
    """What `receipt` named before there were requests: a file of a kind that it takes, with an event that it does not."""
    build = asking
    put(build, "collect", ["EX-001"])
    put(build, "offer", ["EX-001"], to={"id": "other", "key": build.other.fingerprint})
    data = abroad.answer(sent_here(build)) if kind == "answer" else abroad.receipt(sent_here(build))
    named = (
        {"offer": ref(build, 3), "answered": "accept"}
        if kind == "answer"
        else {"export": ref(build, 2), "answered": "receive"}
    )
    body = {
        "answer": keep(build, data),
        "answered_by": abroad.actor | {},
        "log": {"origin": OTHER, "root": ZERO, "size": "1"},
    }
    body["answered_by"] = {name: abroad.actor[name] for name in ("id", "key")}
    where = put(build, "receipt", ["EX-001"], **body, **named)
    assert ("E309", where) in codes(verify_case(build.case))


@pytest.mark.parametrize("kind", ["request", "receipt"])
def test_an_acceptance_names_no_request(asking, abroad, kind):
    data, came = abroad.send() if kind == "request" else (abroad.receipt(sent_here(asking)), abroad.ref(1))
    where = put(
        asking,
        "accept",
        ["EX-001"],
        message=keep(asking, data),
        offer=came,
        offered_by={"id": "x", "key": asking.other.fingerprint},
    )
    assert ("E309", where) in codes(verify_case(asking.case))


# --- what cannot be read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_file_that_is_not_there_as_it_was(asked, what):
    place = next(path for path in (asked.case / layout.OBJECTS).rglob("*") if path.is_file())
    if what == "gone":
        place.unlink()
    else:
        place.write_bytes(place.read_bytes().replace(b"request", b"REQUEST"))
    report = verify_case(asked.case)
    assert codes(report) == [("E501" if what == "gone" else "E201", place.relative_to(asked.case).as_posix())]
    assert any("is not there as it was" in one.reason for one in report.not_checked)


@pytest.mark.parametrize("member", ["request", "answer"])
def test_a_record_that_is_gone(asking, asked_too, member):
    build = {"request": asking, "answer": asked_too}[member]
    place = layout.object_file(sha256_hex({"request": RECORD, "answer": ANSWER}[member]))
    (build.case / place).unlink()
    assert codes(verify_case(build.case)) == [("E501", place)]


@pytest.fixture
def asked_too(abroad, tmp_path):
    (tmp_path / "too").mkdir()
    build = cb.Builder(tmp_path / "too")
    data, came = abroad.send()
    put(build, "request_received", message=keep(build, data), received_at=cb.WHEN, sent=came)
    put(build, "request_answered", answer=keep(build, ANSWER), received=ref(build, 1), sent=came)
    return build


def test_a_withdrawal_of_what_cannot_be_read(asked, abroad):
    """That is said once, where it is missing; the withdrawal is held against nothing."""
    put(asked, "acknowledge", message=keep(asked, abroad.withdrawal(asked.came)), received=ref(asked, 1))
    (asked.case / layout.event_file(1)).unlink()
    report = verify_case(asked.case)
    assert not {code for code, _ in codes(report)} & STEP_8
    assert any("received names entry 1, whose event cannot be read" in one.reason for one in report.not_checked)


def test_without_event_0_nobody_knows_which_log_is_meant(asking, abroad):
    put(asking, "acknowledge", message=keep(asking, abroad.receipt(sent_here(asking))), sent=ref(asking, 1))
    (asking.case / layout.event_file(0)).write_bytes(b"{}")
    found = {code for code, _ in codes(verify_case(asking.case))}
    assert "E101" in found
    assert not found & STEP_8


# --- rules ------------------------------------------------------------------------------------------------------------------

BODIES = {
    "request_sent": lambda build: {"instrument": "xx-1", "request": keep(build, RECORD)},
    "request_received": lambda build: {
        "message": keep(build, b"{}"),
        "received_at": cb.WHEN,
        "sent": ref(build, 0, origin=OTHER),
    },
    "request_answered": lambda build: {
        "answer": keep(build, ANSWER),
        "received": ref(build, 1),
        "sent": ref(build, 0, origin=OTHER),
    },
    "request_withdrawn": lambda build: {"sent": ref(build, 1)},
    "acknowledge": lambda build: {"message": keep(build, b"{}"), "sent": ref(build, 1)},
}


@pytest.mark.parametrize("kind", BODIES)
def test_they_name_no_item(asking, kind):
    where = put(asking, kind, ["EX-001"], **BODIES[kind](asking))
    assert ("E301", where) in codes(verify_case(asking.case))
    history, exchange = read_exchange(asking.case)
    assert "EX-001" not in {name for name, item in history.custody.items.items() if item.holder}
    assert [one.entry for one in exchange.not_followed] == [2]
    assert exchange.not_followed[0].reason.startswith("E301: expected no items")


@pytest.mark.parametrize("kind", BODIES)
def test_a_version_of_tomorrow(asking, kind):
    body = {"_t": f"evidencekit/{kind}/2", "sent": ["anything"], "message": 7}
    where = layout.event_file(
        asking.enter(asking.event("incident", [], {"what": "x"}) | {"type": kind, "body": body, "not_stated": []})
    )
    assert codes(verify_case(asking.case)) == [("E103", where)]
    (left,) = read_exchange(asking.case)[1].not_followed
    assert (left.kind, left.reason) == (kind, "it is of a form that this version does not know")
    assert read_history(asking.case).size == 3
