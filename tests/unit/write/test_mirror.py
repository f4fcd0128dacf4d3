"""A second medium: byte for byte, in an order that a crash can cut anywhere, over nothing that stands there."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evidencekit.core.layout import object_file
from evidencekit.errors import CannotFinish, Refused
from evidencekit.verify.verifier import verify_case
from evidencekit.write import copying as copying_module
from evidencekit.write.mirror import Mirrored, mirror, refuse_unfit_mirror
from evidencekit.write.systems import THIS

GOOD = Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_small/case"
ONE_BY_ONE = replace(THIS, sync_all=None)
SYSTEMS = {"at once": THIS, "one by one": ONE_BY_ONE}
each_system = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)


@pytest.fixture
def case(tmp_path):
    """A sealed case: 4 entries, 3 notes, 2 manifests."""
    shutil.copytree(GOOD, tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "target"


def add_object(case, data):
    place = case / object_file(hashlib.sha256(data).hexdigest())
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def record(tree, folder):
    """The files of the record."""
    return {place: data for place, data in tree(folder).items() if data is not None and "work/" not in place}


def code_of(act):
    try:
        act()
    except CannotFinish as error:
        return error.code
    return None


# --- what is copied -------------------------------------------------------------------------------------------------


@each_system
def test_a_mirror_is_the_record_byte_for_byte(case, target, tree, system):
    for number in range(600):
        add_object(case, b"letter %d" % number)
    heard = []
    done = mirror(case, target, progress=lambda *figures: heard.append(figures), system=system)
    expected = record(tree, case)
    assert record(tree, target) == expected
    assert done == Mirrored(len(expected), sum(map(len, expected.values())))
    assert heard[-1] == tuple(done)
    assert [files for files, _ in heard] == list(range(1, len(expected) + 1))
    assert not [place for place in tree(target) if ".tmp-" in place]


def test_a_mirror_verifies_like_the_case(case, target):
    mirror(case, target)
    ours, theirs = verify_case(case), verify_case(target)
    assert theirs.verdict == ours.verdict == "INTEGRITY ONLY"


def test_what_is_disposable_linked_special_or_dropped_is_not_copied(case, target, tree):
    expected = record(tree, case)
    for name in ("index.sqlite", "manifests/1.tiles", ".tmp-1", "objects/.tmp-2", ".DS_Store", "custody/.tmp-3/entry"):
        (case / name).parent.mkdir(exist_ok=True)
        (case / name).write_bytes(b"x")
    (case / "work/EX-002").mkdir(parents=True)
    (case / "work/EX-002/run-00000001").write_bytes(b"x")
    (case / "link").symlink_to(case / "case.json")
    (case / "manifests/linked").symlink_to("/etc")
    (case / "custody/00000000/linked").symlink_to("event.json")
    os.mkfifo(case / "checkpoints/fifo")
    assert mirror(case, target).files == len(expected)
    assert record(tree, target) == expected


def test_what_is_unexpected_is_copied_for_it_is_not_ours_to_judge(case, target, tree):
    (case / "branches/lab/custody").mkdir(parents=True)
    (case / "branches/lab/case.json").write_bytes(b"{}")
    (case / "branches/lab/custody/x").write_bytes(b"x")
    (case / "notes.txt").write_bytes(b"note")
    (case / "custody/notes").write_bytes(b"note")
    (case / "custody/00000000/deep/er").mkdir(parents=True)
    (case / "custody/00000000/deep/er/x").write_bytes(b"x")
    (case / "checkpoints/00000001.witness.cosig").write_bytes(b"line")
    mirror(case, target)
    assert record(tree, target) == record(tree, case)


def test_holes_stay_holes(case, target):
    hole = 64 << 20
    digest = hashlib.sha256(bytes(hole)).hexdigest()
    place = case / object_file(digest)
    place.parent.mkdir(parents=True)
    place.touch()
    os.truncate(place, hole)
    mirror(case, target)
    assert (target / object_file(digest)).stat().st_size == hole
    assert (target / object_file(digest)).stat().st_blocks * 512 < 1 << 20


def test_a_closed_case_has_a_closed_mirror(case, target):
    case.chmod(0o700)
    mirror(case, target)
    assert target.stat().st_mode & 0o777 == 0o700


def test_names_are_given_in_the_order_in_which_the_case_grew(case, target):
    add_object(case, b"object")
    (case / "branches").mkdir()
    (case / "branches/x").write_bytes(b"x")
    (case / "checkpoints/00000003.tsa.tsr").write_bytes(b"token")
    names = []

    def rename_new(old, new):
        names.append(str(new.relative_to(target)))
        THIS.rename_new(old, new)

    mirror(case, target, system=replace(THIS, rename_new=rename_new))
    assert names == [
        "case.json", object_file(hashlib.sha256(b"object").hexdigest()),
        "manifests/00000001.parquet", "manifests/00000002.parquet", "branches/x",
        "custody/00000000", "checkpoints/00000001", "custody/00000001", "custody/00000002",
        "checkpoints/00000003", "checkpoints/00000003.tsa.tsr", "custody/00000003", "checkpoints/00000004",
    ]  # fmt: skip


# --- what is there already -----------------------------------------------------------------------------------------


@each_system
def test_a_mirror_is_completed_when_the_case_has_grown(case, target, tree, system):
    mirror(case, target, system=system)
    before = {place: os.lstat(target / place).st_ino for place in record(tree, target)}
    add_object(case, b"new")
    shutil.copytree(case / "custody/00000003", case / "custody/00000004")
    (case / "checkpoints/00000005").write_bytes(b"note")
    mirror(case, target, system=system)
    assert record(tree, target) == record(tree, case)
    assert before.items() <= {place: os.lstat(target / place).st_ino for place in record(tree, target)}.items()


@pytest.mark.parametrize("there", ["absent", "empty", "droppings", "mirror", "part of a mirror"])
def test_places_that_are_fit(case, target, there):
    if there != "absent":
        target.mkdir()
    if there == "droppings":
        (target / ".DS_Store").write_bytes(b"x")
        (target / ".tmp-x").write_bytes(b"x")
        (target / "lost+found").mkdir()
    if "mirror" in there:
        mirror(case, target)
        if "part" in there:
            shutil.rmtree(target / "custody/00000003")
    refuse_unfit_mirror(case, target)
    mirror(case, target)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda target: (target / "case.json").write_bytes(b"{}"),
        lambda target: (target / "case.json").unlink(),
        lambda target: (target / "other").write_bytes(b"x"),
        lambda target: (target / "custody/00000009").mkdir() or (target / "custody/00000009/entry").write_bytes(b"x"),
        lambda target: (target / "custody/00000001/entry").write_bytes(b"longer or shorter"),
        lambda target: (target / "link").symlink_to("case.json"),
        lambda target: (target / "case.json").unlink() or (target / "case.json").symlink_to(GOOD / "case.json"),
    ],
    ids=["another case", "no case", "other file", "other entry", "other length", "link", "linked case"],
)
def test_places_that_are_not_fit_stay_as_they_are(case, target, tree, spoil):
    mirror(case, target)
    (target / "checkpoints/00000004").unlink()
    spoil(target)
    before = tree(target)
    for act in (refuse_unfit_mirror, mirror):
        with pytest.raises(Refused) as caught:
            act(case, target)
        assert caught.value.code == "R508"
        assert tree(target) == before


@pytest.mark.parametrize("place", ["custody/00000001/entry", "manifests/00000001.parquet", "object"])
def test_other_bytes_of_the_same_length_are_found_and_stay(case, target, place):
    name = add_object(case, b"an object")
    mirror(case, target)
    spoilt = target / (name.relative_to(case) if place == "object" else place)
    data = bytearray(spoilt.read_bytes())
    data[-1] ^= 1
    spoilt.write_bytes(data)
    refuse_unfit_mirror(case, target)
    with pytest.raises(Refused) as caught:
        mirror(case, target)
    assert caught.value.code == "R508"
    assert spoilt.read_bytes() == data


def test_a_file_is_no_place(case, target):
    target.write_bytes(b"x")
    with pytest.raises(Refused) as caught:
        mirror(case, target)
    assert caught.value.code == "R508"


@pytest.mark.parametrize("how", ["itself", "inside", "around", "by a link"])
def test_case_and_mirror_do_not_lie_inside_each_other(case, target, how):
    target.symlink_to(case)
    place = {"itself": case, "inside": case / "work/copy", "around": case.parent, "by a link": target}[how]
    with pytest.raises(Refused) as caught:
        mirror(case, place)
    assert caught.value.code == "R506"


def test_a_folder_is_not_made_out_of_nothing(case, target):
    with pytest.raises(CannotFinish) as caught:
        mirror(case, target / "not" / "there")
    assert caught.value.code == "X422"


# --- what goes wrong ------------------------------------------------------------------------------------------------


@each_system
def test_a_medium_that_does_not_hold_what_was_written(case, target, tree, monkeypatch, system):
    real = copying_module.copy_sparse

    def copy(source, path):
        done = real(source, path)
        if source.name.endswith("2.parquet"):
            data = path.read_bytes()
            path.write_bytes(bytes(len(data)))
        return done

    monkeypatch.setattr(copying_module, "copy_sparse", copy)
    with pytest.raises(CannotFinish) as caught:
        mirror(case, target, system=system)
    assert caught.value.code == "X425"
    assert record(tree, target).items() <= record(tree, case).items()
    assert not list(target.rglob("*.parquet"))
    assert not list(target.rglob(".tmp-*"))


def test_a_damaged_object_is_not_passed_on(case, target):
    add_object(case, b"object").write_bytes(b"OBJECT")
    with pytest.raises(CannotFinish) as caught:
        mirror(case, target)
    assert caught.value.code == "X425"
    assert not (target / "objects/sha256").exists() or not [*(target / "objects/sha256").rglob("*")][1:]


def test_a_name_that_somebody_took_meanwhile(case, target):
    def rename_new(old, new):
        if new.name == "00000002.parquet":
            new.write_bytes(b"of another program")
        THIS.rename_new(old, new)

    with pytest.raises(Refused) as caught:
        mirror(case, target, system=replace(THIS, rename_new=rename_new))
    assert caught.value.code == "R508"
    assert (target / "manifests/00000002.parquet").read_bytes() == b"of another program"


@each_system
@pytest.mark.parametrize("call", ["write", "mkdir", "fsync", "open", "read", "listdir"])
def test_an_error_at_every_call_is_ours_and_leaves_nothing_half_done(case, tmp_path, tree, fails_at, system, call):
    for nth in range(1, 400, 1 if call in {"mkdir", "fsync"} else 7):
        target = tmp_path / f"target-{nth}"
        with fails_at(call, nth, errno.EIO) as calls:
            code = code_of(lambda target=target: mirror(case, target, system=system))
        assert code in {"X403", "X423", None}
        if code is None:  # a folder that is there need not be made
            assert len(calls) < nth or call == "mkdir"
            assert record(tree, target) == record(tree, case)
        elif target.exists():
            assert record(tree, target).items() <= record(tree, case).items()
            assert not list(target.rglob(".tmp-*"))
        if len(calls) < nth:
            break
    else:
        pytest.fail("it never came to its end")


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "X421"), (errno.EROFS, "X422"), (errno.EIO, "X423")])
def test_a_rename_that_is_refused(case, target, failing, number, code):
    with pytest.raises(CannotFinish) as caught:
        mirror(case, target, system=replace(THIS, rename_new=failing(number)))
    assert caught.value.code == code
    assert list(target.iterdir()) == []


def test_a_disk_that_is_full_and_then_a_larger_one(case, small_disk, tree):
    add_object(case, os.urandom(200_000))
    place = small_disk("128k") / "mirror"
    with pytest.raises(CannotFinish) as caught:
        mirror(case, place)
    assert caught.value.code == "X421"
    assert record(tree, place).items() <= record(tree, case).items()
    larger = small_disk("8m")
    shutil.copytree(place, larger / "mirror")
    mirror(case, larger / "mirror")
    assert record(tree, larger / "mirror") == record(tree, case)


# --- power ----------------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    """Nothing comes after it, no cleaning up either."""


def cut_at(monkeypatch, system, step):
    """The calls of a system, of which the one with number `step` is the last before the power goes."""
    count = []

    def wrap(call):
        def wrapped(*given):
            count.append(call)
            if len(count) == step:
                raise PowerCut
            return call(*given)

        return call and wrapped

    monkeypatch.setattr(copying_module.Copying, "__exit__", lambda *_: None)
    return replace(system, **{name: wrap(getattr(system, name)) for name in ("rename_new", "sync", "sync_all")})


@each_system
def test_a_cut_anywhere_leaves_an_earlier_state_that_is_completed(case, target, tree, monkeypatch, system):
    expected, seen = record(tree, case), {}
    for step in range(1, 200):
        with monkeypatch.context() as patch:
            cutting = cut_at(patch, system, step)
            try:
                mirror(case, target, system=cutting)
                break
            except PowerCut:
                pass
        found = {place: data for place, data in record(tree, target).items() if ".tmp-" not in place}
        assert found.items() <= expected.items()
        if found and len(found) not in seen:
            seen[len(found)] = report = verify_case(target)
            assert {finding.code for finding in report.findings} <= {"W901", "W902", "W903"}
        mirror(case, target, system=system)
        assert record(tree, target) == expected
        shutil.rmtree(target)
    assert len(seen) == 1 + 2 + 4 + 3, "case.json, each manifest, each entry, each note"
    verdicts = [seen[count].verdict for count in sorted(seen)]
    assert verdicts == ["NOT CHECKED"] * 9 + ["INTEGRITY ONLY"]


def test_a_mirror_outlives_the_power(case, disk, tree):
    mirror(case, disk.place / "mirror")
    after = disk.cut_power()
    assert record(tree, after / "mirror") == record(tree, case)


def test_a_disk_that_loses_its_power_in_the_middle(case, disk, tree):
    cuts = []

    def rename_new(old, new):
        cuts.append(disk.cut_power())
        THIS.rename_new(old, new)

    mirror(case, disk.place / "mirror", system=replace(THIS, rename_new=rename_new))
    known = 0
    for after in cuts[1::2]:
        found = {place: data for place, data in record(tree, after / "mirror").items() if ".tmp-" not in place}
        assert found.items() <= record(tree, case).items()
        assert len(found) >= known
        known = len(found)
        report = verify_case(after / "mirror")
        assert {finding.code for finding in report.findings} <= {"W901", "W902", "W903"}
        mirror(case, after / "mirror")
        assert record(tree, after / "mirror") == record(tree, case)
