"""Custody journeys where something comes between: an interruption, a full disk, another computer."""

from __future__ import annotations

import errno
import os
import shutil

import pytest

from evidencekit.core import layout
from evidencekit.core.event_forms import object_record
from evidencekit.core.message import decode_message
from evidencekit.core.values import moment
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys import custody_adopt, custody_messages
from evidencekit.journeys.custody import Hand, events_of, read_event, reference
from evidencekit.journeys.custody_answers import accept, enter_answer, refuse
from evidencekit.journeys.custody_choice import Wanted
from evidencekit.journeys.custody_messages import message_of, read_message, write_message
from evidencekit.journeys.holds_adopted import ENDING, holds_of_adopted, refuse_held_elsewhere
from evidencekit.read.store import Store
from evidencekit.seal import objects
from evidencekit.verify.verifier import verify_case

FIELD, LAB = "field.example/1", "lab.example/1"


class Party:
    """An office with a case."""

    def __init__(self, rc, folder, origin, number):
        self.rc, self.case = rc, folder / "case"
        self.office = rc.Office(folder / "office", origin)
        self.office.open(self.case, identity=bytes([number]) * 16)

    def hand(self, signer=None, **more):
        person = signer or self.office.signer
        return Hand(self.office.ledger(self.case, **more), self.rc.actor(person), [person])

    @property
    def person(self):
        return {"id": "examiner", "key": self.office.signer.fingerprint}


@pytest.fixture(scope="module")
def made(rc, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    field, lab = Party(rc, folder / "field", FIELD, 1), Party(rc, folder / "lab", LAB, 2)
    (folder / "source").mkdir()
    (folder / "source/letter").write_text("dear all\n")
    field.office.acquire(field.case, folder / "source", types=False)
    return field, lab


@pytest.fixture
def parties(made, tmp_path):
    for name, party in zip(("field", "lab"), made, strict=True):
        shutil.copytree(party.case.parent, tmp_path / name)
    field, lab = (Party.__new__(Party) for _ in made)
    for name, party, other in (("field", field, made[0]), ("lab", lab, made[1])):
        party.rc, party.office, party.case = other.rc, other.office, tmp_path / name / "case"
    return field, lab


@pytest.fixture
def offered(parties, tmp_path):
    field, lab = parties
    recorded = field.hand().record("offer", ["EX-001"], {"to": lab.person})
    write_message(Store(field.case), recorded.entry, tmp_path / "offer.json")
    return read_message(tmp_path / "offer.json", "offer")


def test_a_message_is_written_from_the_record_alone(parties, offered):
    field, _ = parties
    data, opened = offered
    assert message_of(Store(field.case), opened.entry.index) == data
    assert decode_message(data).note == (field.case / layout.checkpoint_file(4)).read_bytes()


def test_a_full_disk_after_the_event(parties, tmp_path, monkeypatch):
    """The event stands, and says how its file is written later."""
    field, lab = parties
    recorded = field.hand().record("offer", ["EX-001"], {"to": lab.person})

    def full(*_):
        raise CannotFinish("There is no space.", code="X421")

    monkeypatch.setattr(custody_messages, "write_new", full)
    with pytest.raises(CannotFinish) as caught:
        write_message(Store(field.case), recorded.entry, tmp_path / "offer.json")
    assert caught.value.code == "X472"
    assert f"--again {recorded.entry} writes" in caught.value.hint
    monkeypatch.undo()
    write_message(Store(field.case), recorded.entry, tmp_path / "offer.json")
    assert read_message(tmp_path / "offer.json", "offer")[1].entry.index == recorded.entry
    with pytest.raises(CannotFinish) as caught:  # somebody made the file meanwhile: nothing is overwritten
        write_message(Store(field.case), recorded.entry, tmp_path / "offer.json")
    assert caught.value.code == "X472"


def test_stopped_while_signing_leaves_nothing(rc, parties, offered):
    _, lab = parties
    before = rc.snapshot(lab.case, whole=True)

    class Stopped:
        fingerprint, public_key = lab.office.signer.fingerprint, lab.office.signer.public_key

        def sign(self, *_):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        accept(lab.hand(Stopped()), *offered, Wanted())
    assert rc.snapshot(lab.case, whole=True) == before


def test_stopped_between_object_and_event_is_completed(rc, parties, offered, monkeypatch):
    """The object that nobody names is said (W902); the same command names it."""
    _, lab = parties
    before = rc.snapshot(lab.case)
    with monkeypatch.context() as patched:
        patched.setattr("evidencekit.seal.ledger.Ledger._enter", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            accept(lab.hand(), *offered, Wanted())
    (left,) = set(rc.snapshot(lab.case)) - set(before)
    assert left == layout.object_file(object_record(offered[0])["sha256"])
    accept(lab.hand(), *offered, Wanted())
    found = verify_case(lab.case).findings
    assert not [one for one in found if one.severity == "error"]


def test_an_object_is_kept_once_and_never_replaced(tmp_path):
    record = object_record(b"message")
    place = tmp_path / layout.object_file(record["sha256"])
    objects.keep_object(tmp_path, b"message")
    objects.keep_object(tmp_path, b"message")
    assert (place.read_bytes(), record["bytes"]) == (b"message", "7")
    place.write_bytes(b"another")
    with pytest.raises(CannotFinish) as caught:
        objects.keep_object(tmp_path, b"message")
    assert caught.value.code == "X470"
    assert place.read_bytes() == b"another"


def test_an_object_without_room(tmp_path, monkeypatch):
    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", no_room)
    with pytest.raises(CannotFinish) as caught:
        objects.keep_object(tmp_path, b"message")
    assert caught.value.code == "X421"


def test_a_refused_acceptance_leaves_no_object(rc, parties, offered):
    _, lab = parties
    accept(lab.hand(), *offered, Wanted(names={"EX-001": "EX-7"}))
    before = rc.snapshot(lab.case, whole=True)
    with pytest.raises(Refused):
        refuse(lab.hand(), *offered, {"reason": "late"})
    assert rc.snapshot(lab.case, whole=True) == before


def test_somebody_else_enters_an_event_first(parties, offered):
    """Both open the case; the answer is entered after what the other one did."""
    _, lab = parties
    slow = lab.hand()
    lab.hand().record("collect", ["EX-900"], {})
    recorded = accept(slow, *offered, Wanted())
    assert recorded.entry == 2
    assert list(map(type_of(lab), range(3))) == ["open", "collect", "accept"]


def type_of(party):
    return lambda entry: read_event(Store(party.case), entry)[1]["type"]


def test_an_answer_goes_back(parties, offered, tmp_path):
    field, lab = parties
    recorded = accept(lab.hand(), *offered, Wanted(stated={"digests_checked": "full"}))
    write_message(Store(lab.case), recorded.entry, tmp_path / "answer.json")
    data, answer = read_message(tmp_path / "answer.json", "accept", "refuse")
    entered = enter_answer(field.hand(), data, answer, {"notes": "by post"})
    assert entered.items == ["EX-001"]
    assert field.hand().ledger.custody.items["EX-001"].holder == (lab.person["id"], lab.person["key"])
    with pytest.raises(FormatError):
        read_message(tmp_path / "answer.json", "offer")


def test_only_the_holder_enters_it(rc, parties, offered, tmp_path):
    field, lab = parties
    recorded = accept(lab.hand(), *offered, Wanted())
    write_message(Store(lab.case), recorded.entry, tmp_path / "answer.json")
    before = rc.snapshot(field.case, whole=True)
    with pytest.raises(Refused) as caught:
        enter_answer(field.hand(field.office.other), *read_message(tmp_path / "answer.json", "accept", "refuse"), {})
    assert caught.value.code == "R511"
    assert rc.snapshot(field.case, whole=True) == before


def test_entries_that_are_not_there(parties):
    store = Store(parties[0].case)
    for entry in (-1, 3, 99):
        with pytest.raises(BadArgument):
            reference(store, entry)
    assert [entry for entry, _ in events_of(store, "acquire", "seal")] == [1, 2]


# --- adoption -------------------------------------------------------------------------------------------------------


def adopt(parties, **more):
    field, lab = parties
    return custody_adopt.adopt(lab.hand(), field.case, "field", stated={}, **more)


def test_stopped_while_copying(rc, parties, offered, monkeypatch):
    """Nothing of the record is there, and the same command completes it."""
    _, lab = parties
    before, calls = rc.snapshot(lab.case), []

    def stop(files, _size):
        calls.append(files)
        if len(calls) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(parties, progress=stop)
    assert rc.snapshot(lab.case) == before
    assert adopt(parties).recorded.items == ["field/EX-001"]


def test_stopped_before_the_event(rc, parties, offered, monkeypatch):
    """The branch is there and no event names it; the same command compares it, and enters the event."""
    _, lab = parties
    with monkeypatch.context() as patched:
        patched.setattr(Hand, "record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            adopt(parties)
    assert (lab.case / "branches/field/case.json").exists()
    done = adopt(parties)
    assert done.recorded.items == ["field/EX-001"]
    assert done.copied.files == sum(1 for place in rc.snapshot(lab.case) if place.startswith("branches/field/"))


def test_a_branch_that_differs_stays_as_it_is(parties, offered, monkeypatch):
    _, lab = parties
    with monkeypatch.context() as patched:
        patched.setattr(Hand, "record", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            adopt(parties)
    place = lab.case / "branches/field/custody/00000001/entry"
    place.write_bytes(place.read_bytes().swapcase())
    with pytest.raises(Refused) as caught:
        adopt(parties)
    assert caught.value.code == "R508"
    assert lab.hand().ledger.log.size == 1


def test_a_case_that_changes_while_it_is_copied(rc, parties, offered):
    field, lab = parties
    before = rc.snapshot(lab.case)
    done = []

    def another_event(_files, _size):
        if not done:
            done.append(field.hand().record("store", ["EX-001"], {}))

    with pytest.raises(CannotFinish) as caught:
        adopt(parties, progress=another_event)
    assert caught.value.code == "X473"
    assert rc.snapshot(lab.case) == before


def test_who_adopted_accepts_too_and_the_field_team_hears_of_it(parties, offered, tmp_path):
    """The items are those of the branch; once; and both logs verify."""
    field, lab = parties
    adopt(parties)
    recorded = accept(lab.hand(), *offered, Wanted(stated={"digests_checked": "full"}))
    assert recorded.items == ["field/EX-001"]
    with pytest.raises(Refused) as caught:
        accept(lab.hand(), *offered, Wanted())
    assert caught.value.code == "R544"
    write_message(Store(lab.case), recorded.entry, tmp_path / "answer.json")
    enter_answer(field.hand(), *read_message(tmp_path / "answer.json", "accept", "refuse"), {})
    assert field.hand().ledger.custody.items["EX-001"].holder_key == lab.office.signer.fingerprint
    for party in parties:
        assert verify_case(party.case).verdict == "INTEGRITY ONLY"


def test_another_name_makes_an_item_of_its_own(parties, offered):
    _, lab = parties
    adopt(parties)
    assert accept(lab.hand(), *offered, Wanted(names={"EX-001": "EX-107"})).items == ["EX-107"]


def held_at_home(field, *more):
    """The field team has its exhibit under two holds, of which one was released, when it offers it."""
    for name in ("old-1", "preserve-2"):
        field.hand().record("hold", ["EX-001"], {"hold": name, "until": moment(0)})
    field.hand().record("hold_release", ["EX-001"], {"authority": "letter", "hold": "old-1"})
    for kind, body in more:
        field.hand().record(kind, ["EX-001"], body)


@pytest.mark.parametrize("kind", sorted(ENDING))
def test_an_adopted_item_stays_under_the_hold_that_it_came_with(parties, tmp_path, kind):
    """Until the adopting log has taken it over; then it is this log's hold that keeps it."""
    field, lab = parties
    held_at_home(field, ("offer", {"to": lab.person}))
    adopt(parties)
    item = "field/EX-001"
    assert list(holds_of_adopted(lab.case, item)) == ["preserve-2"]
    with pytest.raises(Refused) as caught:
        refuse_held_elsewhere(lab.case, kind, [item])
    assert caught.value.code == "R583"
    assert "--name preserve-2" in caught.value.hint
    lab.hand().record("hold", [item], {"hold": "another-1"})
    with pytest.raises(Refused):
        refuse_held_elsewhere(lab.case, kind, [item])
    lab.hand().record("hold", [item], {"hold": "preserve-2"})
    refuse_held_elsewhere(lab.case, kind, [item])
    with pytest.raises(Refused) as caught:
        lab.hand().record("release", [item], {"to": "the owner"})
    assert caught.value.code == "R511"


def test_what_ends_nothing_asks_of_no_other_log(parties):
    field, lab = parties
    held_at_home(field, ("offer", {"to": lab.person}))
    adopt(parties)
    refuse_held_elsewhere(lab.case, "store", ["field/EX-001"])
    refuse_held_elsewhere(lab.case, "dispose", [])
    assert list(holds_of_adopted(field.case, "EX-001")) == []


def test_a_case_is_not_adopted_into_itself(parties, offered):
    field, lab = parties
    hand = Hand(field.office.ledger(field.case), field.rc.actor(lab.office.signer), [lab.office.signer])
    with pytest.raises(Refused) as caught:
        custody_adopt.adopt(hand, field.case, "self", stated={})
    assert caught.value.code == "R506"
