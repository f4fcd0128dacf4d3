"""A device entered in the record: after any crash what is left is done, nothing twice; warnings; answers that name files."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidencekit.errors import EvidenceError, Refused
from evidencekit.field.answers import Unfit, photos_of
from evidencekit.field.machine import EARLIEST, Battery
from evidencekit.field.sitting import applying
from evidencekit.journeys import field_warnings
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.field import Told, device_of, refuse_device, take_device
from evidencekit.journeys.field_checks import checked, next_exhibit
from evidencekit.seal.ledger import Ledger, finish
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import load_signer, new_key
from evidencekit.verify.verifier import verify_case

sys.path.insert(0, str(Path(__file__).parents[1] / "field"))
from straight import ANSWERS, AT, TABLE, to_the_review


class Crash(Exception):
    """A power failure."""


def answers(**changed):
    return applying(TABLE, to_the_review(answers=ANSWERS | changed).answers)


@pytest.fixture
def scene(tmp_path):
    """A case, its keys, a source, a place for the second copy."""
    new_key(tmp_path / "officer", comment="A. Examiner", passphrase=None)
    signer = load_signer(tmp_path / "officer", ask_passphrase=None)
    actor = {"id": "A. Examiner", "key": signer.fingerprint, "organisation": "Unit 7", "role": None}
    keys = new_log_keys("unit7.example/24-117")
    edge = {"clock": lambda: AT, "random": os.urandom, "utc_offset_min": 0}
    open_case(
        tmp_path / "case", identity=bytes(16), reference="24-117", agency="Unit 7", signer=signer, actor=actor, keys=keys, **edge
    )  # fmt: skip
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_text("hello")

    def take(crash: str = "", **changed):
        finish(tmp_path / "case", keys=keys, random=os.urandom)
        hand = Hand(Ledger(tmp_path / "case", keys=keys, **edge), actor, [signer])
        told: list[str] = []

        def tell(name: str) -> None:
            told.append(name)
            if name == crash:
                raise Crash(name)

        given = {"source": str(tmp_path / "source"), "second": str(tmp_path / "second")} | changed
        device = device_of(TABLE, answers(**given))
        done = take_device(
            hand, device, {"name": "evidencekit", "parts": {}, "version": "0"}, host=None, jobs=1, **edge,
            told=Told(
                recorded=lambda one: tell(one.kind), progress=lambda one: tell(one.phase),
                sealed=lambda *_: tell("sealed"), closing=lambda _: tell("closing"),
            ),
        )  # fmt: skip
        return done, told

    return SimpleNamespace(take=take, case=tmp_path / "case", second=tmp_path / "second", root=tmp_path)


def kinds(case: Path) -> list[str]:
    import json

    return [json.loads(path.read_text())["type"] for path in sorted(case.glob("custody/*/event.json"))]


WHOLE = ["open", "collect", "acquire", "seal", "derive", "physical_seal"]


def test_a_device_is_collected_read_closed_up_and_copied(scene):
    done, told = scene.take()
    assert kinds(scene.case) == WHOLE
    assert (done.sealed.not_stated, done.mirrored.files) == (
        (),
        len([p for p in scene.second.rglob("*") if p.is_file()]),
    )
    assert (
        told.index("collect")
        < told.index("sealed")
        < told.index("closing")
        < told.index("physical_seal")
        < told.index("mirror")
    )


@pytest.mark.parametrize(
    "crash", ["collect", "take", "compose", "sealed", "identify", "closing", "physical_seal", "mirror"]
)
def test_cut_anywhere_the_rest_is_done_and_nothing_twice(scene, crash):
    with pytest.raises(Crash):
        scene.take(crash)
    assert verify_case(scene.case).verdict != "FAILED"
    scene.take()
    assert kinds(scene.case) == WHOLE
    done, told = scene.take()
    assert (kinds(scene.case), done.sealed) == (WHOLE, None)
    assert set(told) == {"mirror"}
    assert [verify_case(one).verdict for one in (scene.case, scene.second)] == ["INTEGRITY ONLY"] * 2


def test_a_device_that_is_not_read(scene):
    done, _ = scene.take(source=None, seals=None, second=None)
    assert (done.sealed, done.mirrored) == (None, None)
    assert kinds(scene.case) == ["open", "collect"]


def test_what_stands_in_the_way_is_refused_before_anything_is_recorded(scene):
    scene.second.mkdir()
    (scene.second / "foreign").write_text("x")
    with pytest.raises(Refused):
        scene.take()
    for source in ("/gone", str(scene.root)):
        with pytest.raises(EvidenceError):
            scene.take(source=source, second=None)
        with pytest.raises(EvidenceError):
            refuse_device(scene.root / "new", device_of(TABLE, answers(source=source, second=None)))
    assert kinds(scene.case) == ["open"]


# --- warnings ----------------------------------------------------------------------------------------------------------


def names(warned) -> list[str]:
    return [one.text for one in warned]


@pytest.mark.parametrize(
    ("battery", "now", "found"),
    [
        (None, EARLIEST + 9, []),
        (Battery(29, is_draining=True), EARLIEST + 9, ["warn_battery"]),
        (Battery(30, is_draining=True), EARLIEST + 9, []),
        (Battery(1, is_draining=False), EARLIEST + 9, []),
        (None, EARLIEST + 3, ["warn_clock"]),
        (None, 0, ["warn_clock"]),
    ],
)
def test_warnings_of_this_computer(battery, now, found):
    assert names(field_warnings.of_this_computer(battery=battery, now=now, recorded=EARLIEST + 5)) == found


def room(**facts):
    def look(path):
        return SimpleNamespace(**{"read_only": False, "free": 1 << 40, "fs_type": "ext4", "largest_file": None} | facts)

    return look


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({}, []),
        ({"read_only": True}, ["warn_read_only"]),
        ({"free": 5 << 20}, ["warn_space"]),
        ({"free": None}, []),
        ({"fs_type": "tmpfs"}, ["warn_volatile"]),
        ({"largest_file": (4 << 30) - 1}, ["warn_fat"]),
    ],
)
def test_warnings_of_media(tmp_path, facts, found):
    assert names(field_warnings.of_places(tmp_path / "c", None, room(**facts))) == found
    assert names(field_warnings.of_places(tmp_path / "c", tmp_path / "d", room(**facts)))[-1] == "warn_same_medium"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, ["warn_running"]),
        ({"power": "off"}, []),
        ({"isolation": "connected"}, ["warn_running", "warn_connected"]),
        ({"authority_until": "2026-11-22"}, ["warn_running"]),
        ({"authority_until": "2026-11-21"}, ["warn_running", "warn_expired"]),
        ({"host_clock": "2026-11-22T09:38:00Z"}, ["warn_running", "warn_clock_off"]),
        ({"host_clock": None}, ["warn_running"]),
    ],
)
def test_warnings_of_answers(changed, found):
    assert names(field_warnings.of_answers(TABLE, answers(**changed), now=AT)) == found


def test_warnings_of_a_source(tmp_path):
    assert "warn_writable" in names(field_warnings.of_source(tmp_path))
    assert "warn_system" in names(field_warnings.of_source(Path("/etc")))
    assert names(field_warnings.of_source(tmp_path / "gone")) == []


# --- answers that name something ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "taken", "name"),
    [
        (None, (), "EX-001"), ("EX-009", (), "EX-010"), ("EX-1", ("EX-2",), "EX-3"), ("A7b", (), "A8b"), ("stick", (), "stick-1"),
        ("2026-x9-", (), "2026-x10-"),
    ],
)  # fmt: skip
def test_the_next_exhibit(last, taken, name):
    assert next_exhibit(last, taken) == name


def look(key: str, text: str, root: Path, taken=()):
    return checked(TABLE[key], text, case=root / "case", taken=taken)


def test_files_are_named_in_one_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p one.jpg").write_bytes(b"x")
    (tmp_path / "medium").mkdir()
    (tmp_path / "medium" / "something").write_text("x")
    assert look("key", "officer", tmp_path) == str(tmp_path / "officer")
    assert look("second", "medium", tmp_path) == str(tmp_path / "medium" / "case"), "a folder on the medium"
    assert look("source", "medium", tmp_path) == str(tmp_path / "medium")
    photos = look("photos", "'p one.jpg'", tmp_path)
    assert photos_of(photos) == [("p one.jpg", hashlib.sha256(b"x").hexdigest())]
    assert look("photos", photos, tmp_path) == photos, "what was hashed stays"
    assert look("exhibit", "EX-2", tmp_path, taken={"EX-1"}) == "EX-2"


@pytest.mark.parametrize(
    ("key", "text", "why"),
    [
        ("key", "gone/officer", "bad_folder"), ("key", ".", "bad_file"), ("key", "case/officer", "bad_inside"),
        ("second", "gone/second", "bad_folder"), ("photos", "gone.jpg", "bad_photo"), ("photos", ";", "bad_list"), ("exhibit", "EX-1", "bad_taken"),
    ],
)  # fmt: skip
def test_what_cannot_be_named(tmp_path, monkeypatch, key, text, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "case").mkdir()
    with pytest.raises(Unfit) as refused:
        look(key, text, tmp_path, taken={"EX-1"})
    assert refused.value.text == why
