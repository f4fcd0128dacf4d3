"""Requests between two authorities, each with a case of its own: what goes out, what comes in, and what is refused."""

from __future__ import annotations

import shutil
import time

import pytest

from evidencekit.cooperation.law import known_tables
from evidencekit.core import layout
from evidencekit.core.answer import encode_answer
from evidencekit.core.event_forms import object_record
from evidencekit.core.message import Message
from evidencekit.core.request import encode_request
from evidencekit.core.values import format_instant, moment
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys import custody_messages
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_messages import message_of, read_message, write_message, write_standing
from evidencekit.journeys.requests import (
    acknowledge,
    answer,
    following,
    holds_for,
    read_exchange,
    receive,
    record_of,
    request_at,
    send,
    withdraw,
)
from evidencekit.journeys.requests_told import status_document
from evidencekit.read.store import Store
from evidencekit.verify.verifier import verify_case

LYON, BUCHAREST, ATHENS = "lyon.example/1", "bucharest.example/1", "athens.example/1"
INSTRUMENT = "budapest-2nd-protocol-7"
SECOND = 10**9
AT = moment(1_780_000_000 * SECOND, precision="s")
NONCE = "AAAAAAAAAAAAAAAAAAAAAA=="
RECORD = {
    "_t": "evidencekit/request/1", "authority": {"name": "Office", "state": "FR"}, "dated": moment(0, precision="day"),
    "facts": "It was so.", "nonce": NONCE, "reference": "PR-3", "status": "new",
}  # fmt: skip
REQUEST = encode_request(RECORD)
PASSED_ON = ("request_sent", "request_withdrawn", "request_received", "request_answered")


class Side:
    """An authority with a case."""

    def __init__(self, rc, folder, origin, number):
        self.rc, self.case = rc, folder / "case"
        self.office = rc.Office(folder / "office", origin)
        self.office.open(self.case, identity=bytes([number]) * 16)

    def copy(self, folder):
        """The same authority with a copy of the case, which grows on its own."""
        other = Side.__new__(Side)
        other.rc, other.office, other.case = self.rc, self.office, folder / "case"
        shutil.copytree(self.case, other.case)
        return other

    @property
    def hand(self):
        return Hand(self.office.ledger(self.case), self.rc.actor(self.office.signer), [self.office.signer])

    @property
    def store(self):
        return Store(self.case)

    @property
    def requests(self):
        return read_exchange(self.case)[1].requests

    def file(self, entry, folder):
        """The file of an entry as the other side reads it: its bytes, and what it says."""
        path = folder / f"{entry}-{time.monotonic_ns()}.json"
        write_message(self.store, entry, path)
        return read_message(path, *PASSED_ON)

    def send(self, record=REQUEST, instrument=INSTRUMENT):
        return send(self.hand, record, instrument, {}).entry

    def receive(self, file, at=AT):
        return receive(self.hand, *file, at, {}).entry

    def acknowledge(self, file):
        return acknowledge(self.hand, *file, {}).entry

    def answer(self, entry, outcome="executed", **more):
        request = request_at(read_exchange(self.case)[1], entry, "received")
        return answer(self.hand, request, answer_to(request.digest, outcome, **more), {}).entry

    def withdraw(self, entry):
        return withdraw(self.hand, request_at(read_exchange(self.case)[1], entry, "sent"), {}).entry


def answer_to(digest, outcome="executed", **more):
    return {"_t": "evidencekit/answer/1", "dated": AT, "nonce": NONCE, "outcome": outcome, "request": digest} | more


@pytest.fixture(scope="module")
def made(rc, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return [
        Side(rc, folder / origin.partition(".")[0], origin, n) for n, origin in enumerate((LYON, BUCHAREST, ATHENS))
    ]


@pytest.fixture
def sides(made, tmp_path):
    """Who asks, who is asked, and a third one."""
    return [side.copy(tmp_path / f"side-{number}") for number, side in enumerate(made)]


@pytest.fixture
def asked(sides, tmp_path):
    """Who asks, and who is asked, once the request has come."""
    ours, theirs, _ = sides
    theirs.receive(ours.file(ours.send(), tmp_path))
    return ours, theirs


def refused(code, kind, function, *arguments):
    with pytest.raises(kind) as caught:
        function(*arguments)
    assert caught.value.code == code, caught.value
    return f"{caught.value.message} {caught.value.hint}"


# --- there and back -------------------------------------------------------------------------------------------------


def test_there_and_back(asked, tmp_path):
    ours, theirs = asked
    ours.acknowledge(theirs.file(1, tmp_path))
    ours.acknowledge(theirs.file(theirs.answer(1, "received", ticket="B-77"), tmp_path))
    ours.acknowledge(theirs.file(theirs.answer(1, "partial", ground="late"), tmp_path))
    theirs.acknowledge(ours.file(ours.withdraw(1), tmp_path))
    (request,), (came,) = ours.requests, theirs.requests
    assert (request.side, request.receipts, request.withdrawn) == ("sent", [2], 5)
    assert (came.side, came.withdrawn) == ("received", 4)
    for one in (request, came):
        assert (one.state, one.outcome, one.is_open) == ("withdrawn", "partial", False)
        assert (one.digest, one.record, one.instrument) == (object_record(REQUEST)["sha256"], RECORD, INSTRUMENT)
        assert one.by == {"id": "examiner", "key": ours.office.signer.fingerprint}
        assert one.received == 1_780_000_000 * SECOND
        assert [answer.by["key"] for answer in one.answers] == [theirs.office.signer.fingerprint] * 2
    assert record_of(theirs.store, came) == REQUEST
    for side in asked:
        report = verify_case(side.case)
        assert [one.as_record() for one in report.findings] == []
        assert report.verdict == "NOT CHECKED", "nothing is sealed"


def test_the_same_record_goes_to_two(sides, tmp_path):
    """Each answers for itself; what extends the record extends both."""
    ours, theirs, others = sides
    first, second = ours.send(), ours.send()
    theirs.receive(ours.file(first, tmp_path))
    others.receive(ours.file(second, tmp_path))
    ours.acknowledge(others.file(1, tmp_path))
    ours.acknowledge(theirs.file(theirs.answer(1), tmp_path))
    assert [(one.entry, one.state) for one in ours.requests] == [(1, "answered"), (2, "received")]
    earlier = {"reference": "PR-3", "sha256": object_record(REQUEST)["sha256"]}
    ours.send(encode_request(RECORD | {"earlier": earlier, "status": "extension", "reference": "PR-4"}))
    document = status_document([read_exchange(ours.case)], known_tables(None), 0)
    assert [one["extends"] for one in document["requests"]] == [[], [], [1, 2]]


def test_both_sides_of_a_forked_log_are_heard(sides, tmp_path):
    """A sender who shows another log to everybody: each request is one, and each withdrawal is of its own."""
    ours, theirs, _ = sides
    fork = ours.copy(tmp_path / "fork")
    one, other = ours.file(ours.send(), tmp_path), fork.file(fork.send(), tmp_path)
    assert (theirs.receive(one), theirs.receive(other)) == (1, 2)
    theirs.acknowledge(fork.file(fork.withdraw(1), tmp_path))
    assert [request.state for request in theirs.requests] == ["received", "withdrawn"]
    for_one = theirs.file(1, tmp_path)
    assert "entry 1" in refused("R592", Refused, fork.acknowledge, for_one)
    ours.acknowledge(for_one)


# --- what is refused ------------------------------------------------------------------------------------------------


class Slow:
    """A person who takes so long to sign that somebody else does something first."""

    def __init__(self, signer, meanwhile):
        self.signer, self.meanwhile = signer, [meanwhile]

    def __getattr__(self, name):
        return getattr(self.signer, name)

    def sign(self, message, namespace):
        while self.meanwhile:
            self.meanwhile.pop()()
        return self.signer.sign(message, namespace)


def slow(side, meanwhile):
    signer = Slow(side.office.signer, meanwhile)
    return Hand(side.office.ledger(side.case), side.rc.actor(side.office.signer), [signer])


def test_two_commands_at_one_moment_enter_a_thing_once(sides, tmp_path):
    ours, theirs, _ = sides
    sent = ours.send()
    file = ours.file(sent, tmp_path)
    refused("R591", Refused, receive, slow(theirs, lambda: theirs.receive(file)), *file, AT, {})
    receipt = theirs.file(1, tmp_path)
    refused("R593", Refused, acknowledge, slow(ours, lambda: ours.acknowledge(receipt)), *receipt, {})
    request = request_at(read_exchange(ours.case)[1], sent, "sent")
    refused("R593", Refused, withdraw, slow(ours, lambda: ours.withdraw(sent)), request, {})
    assert [event["type"] for event in events(theirs)] == ["request_received"]
    assert [event["type"] for event in events(ours)] == ["request_sent", "acknowledge", "request_withdrawn"]


def events(side):
    return [told.event for told in read_exchange(side.case)[0].told[1:]]


def test_a_request_comes_once(rc, asked, tmp_path):
    """Also by a file that was written anew, under a newer checkpoint."""
    ours, theirs = asked
    ours.send()
    before = rc.snapshot(theirs.case, whole=True)
    assert "--again 1 --receipt" in refused("R591", Refused, theirs.receive, ours.file(1, tmp_path))
    assert rc.snapshot(theirs.case, whole=True) == before


def test_what_was_entered_is_not_entered_again(rc, asked, tmp_path):
    ours, theirs = asked
    files = [theirs.file(1, tmp_path)]
    ours.acknowledge(files[0])
    theirs.answer(1)
    files.append(theirs.file(1, tmp_path))
    assert files[0][0] != files[1][0], "a newer checkpoint makes another file"
    withdrawal = ours.file(ours.withdraw(1), tmp_path)
    theirs.acknowledge(withdrawal)
    before = [rc.snapshot(side.case, whole=True) for side in asked]
    for file in files:
        assert "by entry 2" in refused("R593", Refused, ours.acknowledge, file)
    assert "by entry 3" in refused("R593", Refused, theirs.acknowledge, withdrawal)
    assert "--again 3" in refused("R593", Refused, ours.withdraw, 1)
    assert [rc.snapshot(side.case, whole=True) for side in asked] == before


def test_a_file_of_the_log_itself(rc, asked, tmp_path):
    ours, theirs = asked
    theirs.answer(1)
    before = [rc.snapshot(side.case, whole=True) for side in asked]
    refused("R595", Refused, ours.receive, ours.file(1, tmp_path))
    for entry in (1, 2):
        refused("R595", Refused, theirs.acknowledge, theirs.file(entry, tmp_path))
    assert [rc.snapshot(side.case, whole=True) for side in asked] == before


def test_what_is_about_another_log_s_request(rc, sides, asked, tmp_path):
    ours, theirs = asked
    others = sides[2]
    others.send()
    before = rc.snapshot(others.case, whole=True)
    assert f"entry 1 of {LYON}, which this log has not sent" in refused(
        "R592", Refused, others.acknowledge, theirs.file(1, tmp_path)
    )
    withdrawal = ours.file(ours.withdraw(1), tmp_path)
    assert f"entry 1 of {LYON}, which this log has not received" in refused(
        "R592", Refused, others.acknowledge, withdrawal
    )
    assert rc.snapshot(others.case, whole=True) == before


def test_an_answer_about_another_record(rc, asked, tmp_path):
    """The event names our request, the record that goes with it another one."""
    ours, theirs = asked
    answered = answer(theirs.hand, theirs.requests[0], answer_to("ab" * 32), {})
    file = theirs.file(answered.entry, tmp_path)
    before = rc.snapshot(ours.case, whole=True)
    said = refused("F100", FormatError, ours.acknowledge, file)
    assert "record.request" in said
    assert object_record(REQUEST)["sha256"] in said
    assert rc.snapshot(ours.case, whole=True) == before


@pytest.mark.parametrize("data", [b"{}", b"", encode_answer(answer_to("00" * 32)), REQUEST + b"\n"])
def test_what_is_no_record_of_a_request(rc, sides, data, tmp_path):
    """It is not sent; who sends it all the same is not heard."""
    ours, theirs, _ = sides
    before = rc.snapshot(theirs.case, whole=True)
    with pytest.raises(FormatError):
        ours.send(data)
    sent = ours.hand.record("request_sent", [], {"instrument": "x", "request": object_record(data)}, objects=[data])
    with pytest.raises(FormatError):
        theirs.receive(ours.file(sent.entry, tmp_path))
    assert rc.snapshot(theirs.case, whole=True) == before
    assert ours.requests[0].record is None, "in the log of who sent it, it is there, and cannot be read"


@pytest.mark.parametrize("data", [b"{}", REQUEST])
def test_what_is_no_record_of_an_answer(rc, asked, data, tmp_path):
    ours, theirs = asked
    body = {"answer": object_record(data), "received": {"entry": "1", "event": theirs.file(1, tmp_path)[1].digest}}
    sent = theirs.hand.record("request_answered", [], body | {"sent": theirs.requests[0].sent}, objects=[data])
    before = rc.snapshot(ours.case, whole=True)
    with pytest.raises(FormatError):
        ours.acknowledge(theirs.file(sent.entry, tmp_path))
    assert rc.snapshot(ours.case, whole=True) == before
    assert (theirs.requests[0].state, theirs.requests[0].outcome) == ("answered", None)


def test_no_such_request(asked):
    ours, theirs = (read_exchange(side.case)[1] for side in asked)
    for exchange, entry, side in (
        (ours, 0, "sent"),
        (ours, 1, "received"),
        (theirs, 1, "sent"),
        (theirs, 9, "received"),
    ):
        said = refused("U325", BadArgument, request_at, exchange, entry, side)
        assert f"Entry {entry} is no request that was {side}." in said
        assert ("There are: 1." in said) == (side == exchange.requests[0].side)


def test_without_its_place_nothing_is_known_of_a_log(asked, tmp_path):
    ours, theirs = asked
    data, opened = ours.file(ours.send(), tmp_path)
    alone = Message(opened.message.kind, opened.message.event, opened.message.signatures, record=opened.message.record)
    bare = type(opened)(alone, opened.event, opened.digest, None, None, None)
    with pytest.raises(FormatError, match="checkpoint"):
        theirs.receive((data, bare))


# --- once more ------------------------------------------------------------------------------------------------------


def test_asking_once_more(asked, tmp_path):
    """All is taken over but what is the request's own; the number of the other side comes from its newest answer."""
    ours, theirs = asked
    tables, nonce = [known_tables(None)[INSTRUMENT]], bytes(16)
    draft = following(ours.requests[0], "follow_up", tables, nonce)
    assert (draft["status"], draft["facts"], draft["authority"]["state"]) == ("follow_up", "It was so.", "FR")
    assert draft["reference"] == draft["dated"] == ""
    assert draft["earlier"]["sha256"] == object_record(REQUEST)["sha256"]
    assert not draft["earlier"].get("ticket")
    for ticket in ("B-77", "B-78"):
        ours.acknowledge(theirs.file(theirs.answer(1, "received", ticket=ticket), tmp_path))
    assert following(ours.requests[0], "extension", tables, nonce)["earlier"]["ticket"] == "B-78"


def test_what_cannot_be_read_is_not_asked_once_more(asked):
    ours, _ = asked
    (ours.case / layout.object_file(object_record(REQUEST)["sha256"])).unlink()
    refused("U325", BadArgument, following, ours.requests[0], "extension", [known_tables(None)[INSTRUMENT]], bytes(16))


def test_holds_that_rest_on_a_request(asked):
    """Open ones, with their newest end; also where the request came later, by an extension."""
    _, theirs = asked
    theirs.hand.record("identify", ["EX-001"], {"description": "a mailbox"})
    digest = {"request": object_record(REQUEST)["sha256"]}
    later = moment(1_790_000_000 * SECOND, precision="s")
    for name, more in (
        ("kept", digest | {"until": AT}),
        ("no end", digest),
        ("another", {"until": AT}),
        ("over", digest),
    ):
        theirs.hand.record("hold", ["EX-001"], {"hold": name, **more})
    theirs.hand.record("extend", ["EX-001"], {"hold": "kept", "until": later})
    theirs.hand.record("hold_release", ["EX-001"], {"hold": "over", "authority": "letter"})
    found = holds_for(read_exchange(theirs.case)[0], theirs.requests[0])
    assert sorted(found, key=lambda one: one["name"]) == [{"name": "kept", "until": later}, {"name": "no end"}]
    theirs.hand.record("extend", ["EX-001"], {"hold": "another", "until": later, **digest})
    assert {"name": "another", "until": later} in holds_for(read_exchange(theirs.case)[0], theirs.requests[0])


# --- what is damaged, and what stops in between ---------------------------------------------------------------------


def test_what_is_gone_is_told(asked, tmp_path):
    """Files of the record that nobody can read any more: what the events say themselves is there."""
    ours, theirs = asked
    ours.acknowledge(theirs.file(1, tmp_path))
    for side in asked:
        shutil.rmtree(side.case / layout.OBJECTS)
    (request,), (came,) = ours.requests, theirs.requests
    assert (request.digest, request.record, request.received) == (object_record(REQUEST)["sha256"], None, None)
    (left,) = read_exchange(ours.case)[1].not_followed
    assert (left.entry, left.kind, left.reason) == (2, "acknowledge", "what it enters cannot be read")
    assert (came.digest, came.record, came.by) == (None, None, None)
    assert format_instant(came.received) == AT["time"]
    with pytest.raises(CannotFinish):
        record_of(theirs.store, came)
    document = status_document([read_exchange(side.case) for side in asked], known_tables(None), 0)
    assert [one["reference"] for one in document["requests"]] == [None, None]


def steps(ours, theirs, folder):
    """What leaves an object, by name: on whose side, and what is done."""
    sent, receipt = ours.file(ours.send(), folder), theirs.file(1, folder)
    return {
        "send": (ours, lambda: ours.send(encode_request(RECORD | {"reference": "PR-4"}))),
        "receive": (theirs, lambda: theirs.receive(sent)),
        "answer": (theirs, lambda: theirs.answer(1)),
        "acknowledge": (ours, lambda: ours.acknowledge(receipt)),
    }


@pytest.mark.parametrize("name", ["send", "receive", "answer", "acknowledge"])
def test_stopped_between_object_and_event_is_completed(rc, asked, tmp_path, monkeypatch, name):
    side, do = steps(*asked, tmp_path)[name]
    before = rc.snapshot(side.case)
    with monkeypatch.context() as patched:
        patched.setattr("evidencekit.seal.ledger.Ledger._enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            do()
    left = set(rc.snapshot(side.case)) - set(before)
    assert [place.partition("/")[0] for place in left] == [layout.OBJECTS]
    assert {one.code for one in verify_case(side.case).findings} == {"W902"}
    do()
    assert verify_case(side.case).findings == []


def test_a_full_disk_after_the_event(asked, tmp_path, monkeypatch):
    """The event stands, and says how its files are written later."""
    _, theirs = asked

    def full(*_):
        raise CannotFinish("There is no space.", code="X421")

    with monkeypatch.context() as patched:
        patched.setattr(custody_messages, "write_new", full)
        assert "--again 1 writes" in refused("X472", CannotFinish, write_message, theirs.store, 1, tmp_path / "receipt")
        write = lambda: record_of(theirs.store, theirs.requests[0])  # noqa: E731
        assert "--again 1 writes" in refused("X472", CannotFinish, write_standing, 1, tmp_path / "record", write)
    write_standing(1, tmp_path / "record", write)
    assert (tmp_path / "record").read_bytes() == REQUEST


def test_files_are_written_from_the_record(asked):
    ours, theirs = asked
    assert message_of(ours.store, 1) == Store(theirs.case).read(layout.object_file(theirs.requests[0].kept), 1 << 20)
    refused("U268", BadArgument, message_of, ours.store, 0)
