"""journeys/field_handover.py: the order that makes a crash harmless, and what is refused before anything happens."""

from __future__ import annotations

import os
import shutil

import pytest

from evidencekit.core import layout
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.journeys import field_handover
from evidencekit.journeys.custody import Hand, events_of
from evidencekit.journeys.field_handover import branch_name, hand_over
from evidencekit.read.store import Store
from evidencekit.read.texts import load_texts
from evidencekit.verify.verifier import verify_case
from evidencekit.write import copying


@pytest.fixture(scope="module")
def made(rc, tmp_path_factory):
    """A field case with a sealed stick, its copies in it, and a telephone."""
    folder = tmp_path_factory.mktemp("made")
    office = rc.Office(folder / "office", "field.example/1")
    office.open(folder / "case")
    (folder / "source").mkdir()
    (folder / "source/letter").write_text("dear all\n")
    office.acquire(folder / "case", folder / "source", types=False, options=rc.Options(copies=True))
    actor, signers = rc.actor(office.signer), [office.signer]
    Hand(office.ledger(folder / "case"), actor, signers).record("collect", ["EX-002"], {"description": "a telephone"})
    return (
        office,
        folder / "case",
        {"id": "keeper", "key": rc.Office(folder / "lab", "lab.example/1").signer.fingerprint},
    )


class Field:
    """The team's desk, with a copy of the case."""

    def __init__(self, rc, made, folder):
        self.rc, (self.office, case, self.lab) = rc, made
        self.case, self.out = folder / "case", folder / "stick/handover"
        shutil.copytree(case, self.case)
        self.out.parent.mkdir()

    def hand(self):
        return Hand(self.office.ledger(self.case), self.rc.actor(self.office.signer), [self.office.signer])

    def over(self, **more):
        return hand_over(self.hand(), self.out, {"to": self.lab}, load_texts("en"), **more)

    @property
    def offers(self):
        return [entry for entry, _ in events_of(Store(self.case), "offer")]

    @property
    def on_the_stick(self):
        return sorted(path.name for path in self.out.parent.iterdir())


@pytest.fixture
def field(rc, made, tmp_path):
    return Field(rc, made, tmp_path)


def test_the_copy_has_the_offer_and_verifies(field):
    done = field.over()
    assert (done.items, done.left, done.offers) == (["EX-001", "EX-002"], {}, field.offers)
    report = verify_case(field.out / "case")
    assert report.verdict == "INTEGRITY ONLY"
    assert report.checkpoint == done.checkpoint
    assert sorted(path.name for path in field.out.iterdir()) == [
        "READ-ME.txt",
        "SHA256SUMS",
        "case",
        "keys",
        "offer.json",
    ]
    assert field.on_the_stick == ["handover"]


class PowerLoss(BaseException):
    """What nothing catches."""


def lose_power(*_, **__):
    raise PowerLoss


@pytest.mark.parametrize("where", ["mirror", "verify_case", "_sums", "publish"])
def test_power_lost_at_any_step_leaves_nothing_that_looks_finished(field, monkeypatch, where):
    with monkeypatch.context() as patched:
        patched.setattr(field_handover, where, lose_power)
        with pytest.raises(PowerLoss):
            field.over()
    assert not field.out.exists()
    assert all(name.startswith(layout.TEMPORARY) for name in field.on_the_stick)
    assert verify_case(field.case).verdict == "INTEGRITY ONLY"
    done = field.over()
    assert done.recorded is None
    assert len(field.offers) == 1
    assert verify_case(field.out / "case").verdict == "INTEGRITY ONLY"
    assert field.on_the_stick == ["handover"]


def test_power_lost_in_the_middle_of_the_copy_is_completed(field, monkeypatch):
    calls = []

    def stop(files, _bytes):
        calls.append(files)
        if files == 9:
            raise PowerLoss

    with pytest.raises(PowerLoss):
        field.over(progress=stop)
    (left,) = field.out.parent.iterdir()
    before = {path: path.stat().st_ino for path in left.rglob("*") if path.is_file()}
    assert before
    field.over()
    inodes = {path.stat().st_ino for path in field.out.rglob("*") if path.is_file()}
    assert set(before.values()) <= inodes


def test_a_full_disk_leaves_nothing(field, monkeypatch):
    def full(_source, target):
        raise CannotFinish(f"There is no space for {target}.", code="X421")

    with monkeypatch.context() as patched:
        patched.setattr(copying, "copy_sparse", full)
        with pytest.raises(CannotFinish):
            field.over()
    assert field.on_the_stick == []
    assert field.over().recorded is None


def test_too_little_space_is_said_before_anything_is_offered(field, monkeypatch):
    def small(path, need, largest, what, *, files):
        assert need > sum(path.stat().st_size for path in field.case.rglob("*.parquet"))
        assert files > 5
        raise CannotFinish(f"{what} is too large.", code="X426")

    monkeypatch.setattr(field_handover, "refuse_too_small", small)
    with pytest.raises(CannotFinish):
        field.over()
    assert field.offers == []


def test_what_is_left_of_another_case_is_not_completed(field):
    draft = field.out.with_name(f"{layout.TEMPORARY}handover")
    (draft / "case").mkdir(parents=True)
    (draft / "case/case.json").write_text("{}")
    (draft / "junk").write_text("x")
    field.over()
    assert not (field.out / "junk").exists()
    assert verify_case(field.out / "case").verdict == "INTEGRITY ONLY"


def test_a_link_in_the_way_is_not_followed(field, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").write_text("x")
    field.out.with_name(f"{layout.TEMPORARY}handover").symlink_to(tmp_path / "elsewhere")
    field.over()
    assert os.listdir(tmp_path / "elsewhere") == ["kept"]


def test_what_was_taken_since_is_offered_too(field):
    field.over()
    shutil.rmtree(field.out)
    field.hand().record("collect", ["EX-003"], {"description": "a router"})
    done = field.over()
    assert done.recorded.items == ["EX-003"]
    assert sorted(path.name for path in field.out.glob("offer*")) == [f"offer-{entry}.json" for entry in done.offers]
    text = (field.out / "READ-ME.txt").read_text()
    assert all(f"offer-{entry}.json" in text for entry in done.offers)


def test_what_others_have_is_named_and_not_offered(field):
    field.hand().record("loan", ["EX-002"], {"to": {"id": "expert", "key": field.lab["key"]}})
    done = field.over()
    assert (done.items, done.left) == (["EX-001"], {"EX-002": "expert"})
    assert "EX-002\n        expert" in (field.out / "READ-ME.txt").read_text()


def test_nothing_in_hand(field):
    for item in ("EX-001", "EX-002"):
        field.hand().record("release", [item], {"to": "the owner"})
    with pytest.raises(Refused) as caught:
        field.over()
    assert caught.value.code == "R511"
    assert field.on_the_stick == []


def refused(field, code):
    with pytest.raises((Refused, CannotFinish)) as caught:
        field.over()
    assert caught.value.code == code
    assert field.offers == []


def test_nothing_is_overwritten(field):
    field.out.mkdir()
    refused(field, "R501")


def test_not_inside_the_case(field):
    field.out = field.case / "handover"
    refused(field, "R506")


def test_into_a_folder_that_is_there(field):
    field.out = field.out.parent / "none/handover"
    refused(field, "X422")


def test_an_unfinished_acquisition_is_not_left_behind(field):
    (field.case / layout.WORK / "EX-004").mkdir(parents=True)
    (field.case / layout.WORK / "stray-0011-00000003.parquet").write_bytes(b"")
    refused(field, "R505")
    (field.case / layout.WORK / "EX-004").rmdir()
    assert field.over().items == ["EX-001", "EX-002"]


def test_a_case_that_does_not_verify(field):
    place = next((field.case / layout.OBJECTS).rglob("*/??/*"))
    place.chmod(0o644)
    (field.case / "custody/00000001/event.json.sig").write_bytes(b"x")
    with pytest.raises((FormatError, CannotFinish)):
        field.over()
    assert field.on_the_stick == []


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("24-117", "field-24-117"),
        ("Az. 7/2026 (Ü)", "field-az-7-2026"),
        ("№ ٣", "field"),
        ("x" * 99, "field-" + "x" * 34),
    ],
)
def test_the_name_of_the_branch(reference, name):
    assert branch_name(reference) == name
    assert layout.LABEL.match(name)
