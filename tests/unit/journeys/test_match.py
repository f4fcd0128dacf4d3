"""match_list: which exhibit, what is sealed, what is left behind; and what is refused before the work."""

from __future__ import annotations

import hashlib
import os
import shutil
import time

import pytest

from evidencekit.acquire.match import Asked
from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError
from evidencekit.journeys import match as journey
from evidencekit.journeys.match import ListMatch, match_list
from evidencekit.verify.verifier import verify_case


@pytest.fixture(scope="module")
def made(rc, tmp_path_factory):
    """A case with one sealed exhibit, without media types."""
    folder = tmp_path_factory.mktemp("made")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    (folder / "source/docs").mkdir(parents=True)
    (folder / "source/a.txt").write_text("one\n")
    (folder / "source/docs/b.txt").write_text("two\n")
    office.acquire(folder / "case", folder / "source", types=False, options=Options(digests=("md5",)))
    return folder, office


@pytest.fixture
def case(made, tmp_path):
    shutil.copytree(made[0] / "case", tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def listed(tmp_path):
    digest = hashlib.md5(b"one\n", usedforsecurity=False).hexdigest()
    (tmp_path / "list").write_text(f"{digest}  a.txt\n{'0' * 32}  gone\n")
    return tmp_path / "list"


@pytest.fixture
def match(made, case, listed, rc):
    _, office = made

    def run(*, exhibit=None, actor=None, **asked):
        return match_list(
            office.ledger(case), ListMatch(Asked(listed, **asked), rc.PROGRAM, exhibit), signer=office.signer,
            actor=actor or rc.actor(office.signer), clock=time.time_ns, random=os.urandom, utc_offset_min=60,
        )  # fmt: skip

    return run


def newest(case):
    size = len(list((case / "custody").iterdir()))
    return decode_event((case / layout.event_file(size - 1)).read_bytes())


def untouched(case, before, rc):
    assert rc.snapshot(case) == before
    assert not (case / "work").exists() or not list((case / "work").iterdir())


def test_what_came_of_it_is_sealed(match, case, made, listed, rc):
    with match() as done:
        assert done.exhibit == "EX-001"
        answers = [(answer.path, answer.index) for answer in done.matched.answers()]
    assert answers == [(b"docs/b.txt", 3), (b"gone", None)]
    event = newest(case)
    assert (event["type"], event["items"], event["body"]["kind"]) == ("derive", ["EX-001"], "match")
    assert event["body"]["engine"]["data_sha256"] == hashlib.sha256(listed.read_bytes()).hexdigest()
    assert event["body"]["root"] == done.matched.taken.root.hex()
    assert done.newest.size == 4
    assert list((case / "work").iterdir()) == []
    report = verify_case(case, policy=made[1].policy())
    assert report.verdict == "VERIFIED"
    assert report.counts["derived_rows"] == 2


def test_any_number_of_lists(match, case, made):
    for size in (4, 5, 6):
        with match() as done:
            assert done.newest.size == size
    assert verify_case(case, policy=made[1].policy()).verdict == "VERIFIED"


def test_media_types_are_made_after_a_comparison_as_before_it(match, case, made):
    folder, office = made
    with match():
        pass
    item = office.ledger(case).custody.items["EX-001"]
    assert (item.derived, item.typed) == (3, None)
    done = office.acquire(case, folder / "source", resume=True)
    assert done.typed is not None
    assert newest(case)["body"]["kind"] == "media-type"
    assert verify_case(case, policy=office.policy()).verdict == "VERIFIED"


def test_the_exhibit_must_be_named_where_there_are_several(match, case, made):
    folder, office = made
    office.acquire(case, folder / "source/docs", "EX-002", types=False)
    with pytest.raises(BadArgument) as caught, match():
        pass
    assert caught.value.code == "U236"
    assert "EX-001, EX-002" in caught.value.hint
    with match(exhibit="EX-001") as done:
        assert done.exhibit == "EX-001"


def refused(match, case, rc, error, code, **more):
    before = rc.snapshot(case)
    with pytest.raises(error) as caught, match(**more):
        pass
    assert caught.value.code == code
    untouched(case, before, rc)


def test_no_such_exhibit(match, case, rc):
    refused(match, case, rc, BadArgument, "U215", exhibit="EX-009")


def test_nothing_is_sealed(made, tmp_path, listed, rc):
    _, office = made
    office.open(tmp_path / "new", identity=bytes(16))
    request = ListMatch(Asked(listed), rc.PROGRAM)
    with (
        pytest.raises(CannotFinish) as caught,
        match_list(
            office.ledger(tmp_path / "new"), request, signer=office.signer, actor=rc.actor(office.signer),
            clock=time.time_ns, random=os.urandom, utc_offset_min=None,
        ),
    ):  # fmt: skip
        pass
    assert caught.value.code == "X440"


def test_an_actor_that_cannot_stand_in_an_event_is_refused_first(match, case, rc, made, monkeypatch):
    monkeypatch.setattr(journey, "match", lambda *_, **__: pytest.fail("the work was begun"))
    refused(match, case, rc, FormatError, "F100", actor=rc.actor(made[1].signer) | {"id": "x" * 5000})


@pytest.mark.parametrize(("more", "code"), [({"under": b"no"}, "U219"), ({"form": "csv"}, "U217")])
def test_what_cannot_be_compared_leaves_nothing(match, case, rc, more, code):
    refused(match, case, rc, BadArgument, code, **more)


def test_a_header_that_cannot_say_it_leaves_nothing(match, case, rc, monkeypatch):
    monkeypatch.setitem(rc.PROGRAM, "name", "x" * 5000)
    refused(match, case, rc, BadArgument, "U231")


def test_a_manifest_that_is_not_what_was_sealed(match, case, rc):
    path = case / layout.manifest_file(1)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    refused(match, case, rc, CannotFinish, "X441")


def test_a_case_without_room_for_the_work(match, case, rc, monkeypatch):
    (case / "work").mkdir(exist_ok=True)
    (case / "work").rmdir()
    (case / "work").write_text("in the way")
    before = rc.snapshot(case)
    with pytest.raises(EvidenceError), match():
        pass
    assert rc.snapshot(case) == before


def test_whatever_happens_to_the_reader_of_the_answers_the_seal_stands(match, case, made):
    class Stop(BaseException):
        pass

    with pytest.raises(Stop), match():
        raise Stop
    assert list((case / "work").iterdir()) == []
    assert verify_case(case, policy=made[1].policy()).verdict == "VERIFIED"
