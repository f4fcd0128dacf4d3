"""Opening a case: the folder appears whole or not at all, and says who opened it, where, with which keys."""

from __future__ import annotations

import json
import os

import pytest

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import decode_entry, decode_event
from evidencekit.core.merkle import EMPTY_ROOT, leaf_hash
from evidencekit.errors import CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.seal import opening
from evidencekit.verify.verifier import verify_case

FILES = {
    "case.json",
    "custody/00000000/event.json",
    "custody/00000000/event.json.sig",
    "custody/00000000/entry",
    "checkpoints/00000001",
}


def test_what_a_new_case_holds(rc, office, tmp_path):
    tree = office.open(tmp_path / "case")
    case = tmp_path / "case"
    assert rc.snapshot(case, whole=True).keys() == FILES
    assert sorted(os.listdir(case)) == ["case.json", "checkpoints", "custody", "manifests"]
    leaf = (case / layout.entry_file(0)).read_bytes()
    assert tree == Checkpoint(office.origin, 1, leaf_hash(leaf))
    entry = decode_entry(leaf)
    assert (entry.head, entry.prior_size, entry.prior_root, entry.items_prev) == (0, 0, EMPTY_ROOT, ())
    event = decode_event((case / layout.event_file(0)).read_bytes())
    record = json.loads((case / "case.json").read_bytes())
    assert event["seen"] == {"origin": office.origin, "root": EMPTY_ROOT.hex(), "size": "0"}
    assert {name: value for name, value in event["body"].items() if name != "_t"} == {
        name: value for name, value in record.items() if name not in {"_t", "case"}
    }
    assert (event["case"], record["log_keys"]) == (record["case"], list(office.keys.vkeys))
    assert (event["type"], event["items"], event["not_stated"]) == ("open", [], [])
    assert sorted(os.listdir(tmp_path)) == ["case", "office"]


def test_a_new_case_is_empty_and_so_not_verified(office, tmp_path):
    office.open(tmp_path / "case")
    for policy in (None, office.policy()):
        report = verify_case(tmp_path / "case", policy=policy)
        assert report.verdict == "NOT CHECKED"
        assert list(report.findings) == []
    assert office.ledger(tmp_path / "case").log.size == 1


def test_an_empty_folder_becomes_the_case_and_keeps_its_mode(office, tmp_path):
    (tmp_path / "case").mkdir(mode=0o700)
    office.open(tmp_path / "case")
    assert (tmp_path / "case").stat().st_mode & 0o777 == 0o700
    office.ledger(tmp_path / "case")


def test_two_cases_of_one_moment_differ(rc, office, tmp_path):
    for name in ("one", "two"):
        office.open(tmp_path / name, clock=lambda: 1, identity=name.ljust(16).encode())
    one, two = (rc.snapshot(tmp_path / name) for name in ("one", "two"))
    assert all(one[place] != two[place] for place in FILES)


def test_the_same_identity_gives_another_event(rc, office, tmp_path):
    """The nonce: nobody can guess event 0 from what the case file says."""
    for name in ("one", "two"):
        office.open(tmp_path / name, clock=lambda: 1)
    one, two = (rc.snapshot(tmp_path / name) for name in ("one", "two"))
    assert one["case.json"] == two["case.json"]
    assert one["custody/00000000/event.json"] != two["custody/00000000/event.json"]


def make_file(path):
    path.write_text("mine")


def make_full(path):
    path.mkdir()
    (path / "mine").write_text("mine")


def make_dangling(path):
    path.symlink_to("nowhere")


def make_link(path):
    (path.parent / "empty").mkdir()
    path.symlink_to("empty")


@pytest.mark.parametrize("make", [make_file, make_full, make_dangling, make_link, os.mkfifo])
def test_a_name_that_is_taken_is_refused(rc, office, tmp_path, make):
    case = tmp_path / "case"
    make(case)

    def state():
        found = os.lstat(case)  # but for its access time: looking at a link moves it
        return found.st_ino, found.st_mode, found.st_mtime_ns, found.st_ctime_ns, sorted(os.listdir(tmp_path))

    before = state()
    with pytest.raises(Refused) as caught:
        office.open(case)
    assert caught.value.code == "R501"
    assert state() == before


def test_the_folder_that_one_stands_in_is_refused(office, tmp_path, monkeypatch):
    """It would be replaced, and the shell left in a folder that is no more."""
    (tmp_path / "case").mkdir()
    monkeypatch.chdir(tmp_path / "case")
    from pathlib import Path

    for name in (Path(), tmp_path / "case"):
        with pytest.raises(Refused) as caught:
            office.open(name)
        assert caught.value.code == "R501"
    assert os.listdir(tmp_path / "case") == []


def test_the_folder_above_must_be_there(office, tmp_path):
    with pytest.raises(CannotFinish) as caught:
        office.open(tmp_path / "no/case")
    assert caught.value.code == "X422"
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_may_not_be_written(office, tmp_path, as_nobody, there):
    (tmp_path / "closed").mkdir()
    if there:
        (tmp_path / "closed/case").mkdir()
    office.open(tmp_path / "warm")  # what a fork of root loads, it loads before

    def step():
        try:
            office.open(tmp_path / "closed/case")
        except EvidenceError as error:
            return error.code
        return "opened"

    assert as_nobody(step) == "X422"
    assert os.listdir(tmp_path / "closed") == (["case"] if there else [])


def test_an_unreadable_folder_in_its_place(office, tmp_path, as_nobody):
    (tmp_path / "case").mkdir(mode=0)

    def step():
        try:
            opening.refuse_taken(tmp_path / "case")
        except EvidenceError as error:
            return error.code
        return "free"

    assert as_nobody(step) == "X422"


@pytest.mark.parametrize(
    "given",
    [{"reference": "x" * 5000}, {"agency": "\udcff"}, {"identity": b"short"}, {"actor": {"id": "x"}}],
    ids=["a long reference", "an agency that is not text", "a short identity", "half an actor"],
)
def test_what_cannot_be_recorded_leaves_nothing(office, tmp_path, given):
    with pytest.raises(FormatError):
        office.open(tmp_path / "case", **given)
    assert os.listdir(tmp_path) == ["office"]


class Boom(BaseException):
    """As a KeyboardInterrupt: no Exception."""


@pytest.mark.parametrize("error", [Boom(), OSError(5, "Input/output error"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", range(7))
def test_a_failure_at_any_step_leaves_nothing(office, tmp_path, monkeypatch, error, step):
    (tmp_path / "case").mkdir()
    done = []
    for name in ("write_new", "publish"):
        real = getattr(opening, name)

        def call(*given, real=real, **more):
            done.append(real)
            if len(done) == step + 1:
                raise error
            return real(*given, **more)

        monkeypatch.setattr(opening, name, call)
    if step == 6:
        office.open(tmp_path / "case")
        return
    with pytest.raises(CannotFinish if isinstance(error, OSError) else type(error)):
        office.open(tmp_path / "case")
    assert len(done) == step + 1
    left = sorted(os.listdir(tmp_path))
    assert left in (["case", "office"], ["office"])  # the empty folder may be gone, and nothing else is there
    assert "case" not in left or os.listdir(tmp_path / "case") == []


def test_two_that_open_one_folder_at_once(office, tmp_path, monkeypatch):
    """The name goes to one of them; the other is refused and leaves nothing."""
    real = opening.publish
    office.open(tmp_path / "first")

    def publish(temporary, final, **more):
        os.rename(tmp_path / "first", final)
        return real(temporary, final, **more)

    monkeypatch.setattr(opening, "publish", publish)
    with pytest.raises(Refused) as caught:
        office.open(tmp_path / "case")
    assert caught.value.code == "R501"
    assert sorted(os.listdir(tmp_path)) == ["case", "office"]
    office.ledger(tmp_path / "case")
