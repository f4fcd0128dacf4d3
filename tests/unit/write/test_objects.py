"""Objects: once, whole, on the medium before they have a name in the case; what rots is found, never what is sealed lost."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
import tracemalloc
from dataclasses import replace

import pytest

from evidencekit.core.layout import TEMPORARY, object_file
from evidencekit.errors import CannotFinish
from evidencekit.write import objects as objects_module
from evidencekit.write.objects import Objects
from evidencekit.write.systems import THIS, no_rename_new

ONE_BY_ONE = replace(THIS, sync_all=None)
NO_RENAME = replace(ONE_BY_ONE, rename_new=THIS.rename_over)


def refuse(*_):
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


SYSTEMS = {
    "at once": THIS,
    "one by one": ONE_BY_ONE,
    "no links": replace(ONE_BY_ONE, rename_new=no_rename_new, link=refuse),
}
each_system = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)


@pytest.fixture
def make(tmp_path):
    """A program that comes to the folder of the same acquisition."""

    def come(system=THIS, place=tmp_path):
        (place / "case/work/EX-001").mkdir(parents=True, exist_ok=True)
        return Objects(place / "case/work/EX-001/objects", kept=place / "case/objects", system=system)

    return come


def digest(data):
    return hashlib.sha256(data).digest()


def sealed(tmp_path, data):
    return tmp_path / "case" / object_file(hashlib.sha256(data).hexdigest())


def own(tmp_path, data):
    return tmp_path / "case/work/EX-001" / object_file(hashlib.sha256(data).hexdigest())


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


LETTERS = [b"letter %d" % number for number in range(20)]


# --- taking ---------------------------------------------------------------------------------------------------------


def test_a_value_lies_under_its_digest(make, tmp_path):
    objects = make()
    assert objects.put(b"value") == digest(b"value")
    assert own(tmp_path, b"value").read_bytes() == b"value"
    assert objects.put(b"value") == digest(b"value")
    assert files(tmp_path) == [own(tmp_path, b"value")]


def test_nothing_is_made_before_there_is_something(make, tmp_path):
    objects = make()
    objects.sync()
    assert objects.size() == 0
    assert list(objects.check([])) == []
    objects.publish([])
    assert sorted(tmp_path.rglob("*")) == [tmp_path / place for place in ("case", "case/work", "case/work/EX-001")]


@pytest.mark.parametrize("gone", ["case/work", "case"])
def test_nothing_is_made_where_a_medium_was(make, tmp_path, gone):
    """A case whose medium was taken away must not grow on what lies below."""
    objects = make()
    objects.put(b"value")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / gone).rename(tmp_path / "elsewhere/gone")
    before = sorted((tmp_path / "case").rglob("*"))
    with pytest.raises(CannotFinish):
        objects.put(b"another value")
    with pytest.raises(CannotFinish):
        objects.publish([digest(b"value")])
    assert sorted((tmp_path / "case").rglob("*")) == before


def test_what_is_there(make, tmp_path):
    objects = make()
    objects.put(b"mine")
    sealed(tmp_path, b"of the case").parent.mkdir(parents=True)
    sealed(tmp_path, b"of the case").write_bytes(b"of the case")
    for data in (b"mine", b"of the case"):
        assert objects.has(digest(data))
        assert objects.has(digest(data), len(data))
        assert not objects.has(digest(data), len(data) + 1)
        assert not objects.has(digest(data), 0)
    assert not objects.has(digest(b"nowhere"))
    objects.put(b"")
    assert objects.has(digest(b""), 0)


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_plain_file_is_no_object(make, tmp_path, kind):
    objects = make()
    place = sealed(tmp_path, b"x")
    place.parent.mkdir(parents=True)
    (tmp_path / "x").write_bytes(b"x")
    place.symlink_to(tmp_path / "x") if kind == "link" else place.mkdir()
    assert not objects.has(digest(b"x"))


def test_what_the_case_has_is_not_written_again(make, tmp_path):
    sealed(tmp_path, b"x").parent.mkdir(parents=True)
    sealed(tmp_path, b"x").write_bytes(b"x")
    make().put(b"x")
    assert files(tmp_path) == [sealed(tmp_path, b"x")]


@pytest.mark.parametrize("torn", [b"", b"val"])
def test_what_a_crash_cut_off_is_replaced(make, tmp_path, torn):
    make().put(b"value")
    own(tmp_path, b"value").write_bytes(torn)
    make().put(b"value")
    assert own(tmp_path, b"value").read_bytes() == b"value"


def test_leftovers_of_a_crash_are_removed(make, tmp_path):
    make().put(b"value")
    folder = tmp_path / "case/work/EX-001/objects"
    (folder / ".tmp-0").write_bytes(b"half a ")
    (folder / ".tmp-7").write_bytes(b"half a ")
    objects = make()
    objects.put(b"other")
    assert files(tmp_path) == sorted([own(tmp_path, b"value"), own(tmp_path, b"other")])


def test_size_is_what_it_takes_up(make, tmp_path):
    objects = make()
    objects.put(b"x" * 10_000)
    with objects.draft() as draft:
        draft.skip(1 << 30)
        draft.keep(b"\xab" * 32)
    assert 10_000 <= objects.size() < 1 << 20


# --- onto the medium ------------------------------------------------------------------------------------------------


def test_one_call_for_all(make):
    calls = []
    objects = make(replace(THIS, sync_all=lambda path: calls.append(path.name), sync=None))
    objects.sync()
    assert calls == []
    for letter in LETTERS:
        objects.put(letter)
    objects.sync()
    objects.sync()
    assert calls == ["objects"]


def test_each_file_and_folder_where_there_is_no_such_call(make, tmp_path):
    synced = []
    objects = make(replace(ONE_BY_ONE, sync=synced.append))
    objects.put(b"one")
    objects.sync()
    folder = tmp_path / "case/work/EX-001/objects"
    place = own(tmp_path, b"one")
    assert synced[0] == place
    assert set(synced[1:]) == {place.parent, folder / "sha256", folder, folder.parent}
    synced.clear()
    objects.sync()
    assert synced == []
    objects.put(b"two")
    objects.sync()
    assert place not in synced
    assert own(tmp_path, b"two") in synced


def test_what_an_earlier_program_left_is_synced_too(make, tmp_path):
    make().put(b"one")
    synced = []
    make(replace(ONE_BY_ONE, sync=synced.append)).sync()
    assert own(tmp_path, b"one") in synced


@each_system
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_sync_that_fails_is_told_and_not_taken_for_done(make, failing, system, number):
    broken = replace(system, sync=failing(number), sync_all=system.sync_all and failing(number))
    objects = make(broken)
    objects.put(b"x")
    for act in (objects.sync, lambda: objects.publish([digest(b"x")]), lambda: list(objects.check([digest(b"x")]))):
        with pytest.raises(CannotFinish) as caught:
            act()
        assert caught.value.code == ("X421" if number == errno.ENOSPC else "X423")


def test_file_systems_that_do_not_pass_it_on_are_synced_one_by_one(make, monkeypatch, tmp_path):
    """FUSE takes syncfs, and does not tell its program."""
    monkeypatch.setattr("evidencekit.write.space.Room.syncs_at_once", False)
    synced = []
    objects = make(replace(THIS, sync_all=None, sync=synced.append))
    objects.put(b"x")
    objects.sync()
    assert own(tmp_path, b"x") in synced


# --- several processes ----------------------------------------------------------------------------------------------


def test_drafts_of_several_processes_have_names_of_their_own(make):
    """They write into one folder at the same time."""
    parent = make()
    workers = [pickle.loads(pickle.dumps(parent)) for _ in range(2)]  # noqa: S301 - just made
    for number, worker in enumerate(workers, start=4000):
        worker.move_in(number)
    parent.put(b"x")
    each = [parent, *workers]
    names = [objects.temporary().name for objects in each for _ in range(3)]
    assert len(names) == len(set(names)) == 9
    assert all(name.startswith(TEMPORARY) for name in names), "what a crash leaves of them is removed"


def test_who_joins_leaves_alone_what_is_being_written(make, tmp_path):
    parent = make()
    with parent.draft() as draft:
        draft.write(memoryview(b"x" * 2_000_000))
        (half,) = files(tmp_path)
        worker = pickle.loads(pickle.dumps(parent))  # noqa: S301
        worker.move_in(7)
        worker.put(b"other")
        assert half.exists()
        draft.keep(digest(b"x" * 2_000_000))
    assert set(files(tmp_path)) == {own(tmp_path, b"other"), own(tmp_path, b"x" * 2_000_000)}
    assert parent.has(digest(b"other"))
    assert worker.has(digest(b"x" * 2_000_000))


@pytest.mark.parametrize("copied", [False, True], ids=["fork", "spawn"])
def test_a_process_that_joins_syncs_nothing_of_others(make, copied):
    """Its parent does, when it was told: a worker that calls syncfs would make all wait."""
    calls = []
    parent = make(replace(THIS, sync_all=calls.append, sync=None))
    parent.put(b"before")
    worker = parent
    if copied:
        worker = pickle.loads(pickle.dumps(parent))  # noqa: S301
        worker._sync_all = calls.append
    worker.move_in(7)
    worker.sync()
    assert calls == []


def test_what_another_process_kept_is_synced(make, tmp_path):
    synced = []
    parent = make(replace(ONE_BY_ONE, sync=synced.append))
    worker = pickle.loads(pickle.dumps(parent))  # noqa: S301
    worker.move_in(7)
    digests = [worker.put(letter) for letter in LETTERS[:3]]
    parent.sync()
    assert synced == []
    parent.took(b"".join(digests))
    parent.sync()
    assert set(synced) >= {own(tmp_path, letter) for letter in LETTERS[:3]}
    assert all(own(tmp_path, letter).parent in synced for letter in LETTERS[:3])
    synced.clear()
    parent.took(b"")
    parent.sync()
    assert synced == []


def test_what_another_process_found_in_the_case_needs_no_sync(make, tmp_path):
    """It is told of as all others; it is not in the acquisition's own folder."""
    sealed(tmp_path, b"of the case").parent.mkdir(parents=True)
    sealed(tmp_path, b"of the case").write_bytes(b"of the case")
    parent = make(ONE_BY_ONE)
    parent.took(digest(b"of the case"))
    parent.sync()
    assert files(tmp_path) == [sealed(tmp_path, b"of the case")]


def test_two_processes_that_keep_the_same(make, tmp_path):
    """The one that comes last replaces the other's: the same bytes."""
    one, other = make(), pickle.loads(pickle.dumps(make()))  # noqa: S301
    other.move_in(7)
    with one.draft() as first, other.draft() as second:
        for draft in (first, second):
            draft.write(memoryview(b"y" * 2_000_000))
        first.keep(digest(b"y" * 2_000_000))
        second.keep(digest(b"y" * 2_000_000))
    assert files(tmp_path) == [own(tmp_path, b"y" * 2_000_000)]
    assert list(one.check([digest(b"y" * 2_000_000)])) == []


# --- read again -----------------------------------------------------------------------------------------------------


@each_system
def test_good_objects_pass(make, system):
    objects, heard = make(system), []
    digests = [objects.put(letter) for letter in LETTERS]
    assert list(objects.check([*digests, *digests], heard.append)) == []
    assert heard == [len(letter) for letter in LETTERS]


@each_system
@pytest.mark.parametrize("spoil", [b"", b"LETTER 3", b"letter 30", None])
def test_a_spoilt_object_is_found_and_removed(make, tmp_path, system, spoil):
    objects = make(system)
    digests = [objects.put(letter) for letter in LETTERS]
    place = own(tmp_path, LETTERS[3])
    place.unlink() if spoil is None else place.write_bytes(spoil)
    assert list(objects.check(digests)) == [digests[3]]
    assert not objects.has(digests[3])
    assert len(files(tmp_path)) == len(LETTERS) - 1
    objects.put(LETTERS[3])
    assert list(objects.check(digests)) == []


def test_a_spoilt_object_of_the_case_is_found_and_stays(make, tmp_path):
    objects = make()
    objects.put(b"value")
    objects.publish([digest(b"value")])
    sealed(tmp_path, b"value").write_bytes(b"VALUE")
    assert list(make().check([digest(b"value")])) == [digest(b"value")]
    assert sealed(tmp_path, b"value").read_bytes() == b"VALUE"


def test_an_object_that_cannot_be_read_is_taken_again(make, tmp_path, fails_at):
    objects = make()
    objects.put(b"value")
    with fails_at("read", 1, errno.EIO):
        assert list(objects.check([digest(b"value")])) == [digest(b"value")]
    assert files(tmp_path) == []


def test_what_cannot_be_removed_is_said(make, failing, monkeypatch, tmp_path):
    objects = make()
    objects.put(b"value")
    own(tmp_path, b"value").write_bytes(b"VALUE")
    monkeypatch.setattr(os, "unlink", failing(errno.EROFS))
    with pytest.raises(CannotFinish) as caught:
        list(objects.check([digest(b"value")]))
    assert caught.value.code == "X422"


def test_many_names_take_little_memory(make, monkeypatch):
    monkeypatch.setattr(objects_module, "_REMEMBERED", 8)
    objects, heard = make(), []
    digests = [objects.put(letter) for letter in LETTERS]
    assert list(objects.check(digests * 2, heard.append)) == []
    assert len(heard) == 2 * len(LETTERS)  # forgotten, and read once more


# --- into the case --------------------------------------------------------------------------------------------------


@each_system
def test_named_objects_go_to_the_case(make, tmp_path, system):
    objects = make(system)
    digests = [objects.put(letter) for letter in LETTERS]
    objects.put(b"named by no row")
    objects.publish([*digests, *digests])
    assert files(tmp_path / "case/objects") == sorted(sealed(tmp_path, one) for one in LETTERS)
    assert all(sealed(tmp_path, letter).read_bytes() == letter for letter in LETTERS)
    assert files(tmp_path / "case/work") == [own(tmp_path, b"named by no row")]
    assert all(objects.has(one) for one in digests)


@each_system
def test_an_object_that_is_there_stays(make, tmp_path, system):
    objects = make(system)
    objects.put(b"value")
    place = sealed(tmp_path, b"value")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"value")
    before = place.stat()
    objects.publish([digest(b"value")])
    assert place.stat().st_ino == before.st_ino


def test_an_object_of_another_length_is_not_taken_for_it(make, tmp_path):
    objects = make()
    objects.put(b"value")
    sealed(tmp_path, b"value").parent.mkdir(parents=True)
    sealed(tmp_path, b"value").write_bytes(b"torn")
    with pytest.raises(CannotFinish) as caught:
        objects.publish([digest(b"value")])
    assert caught.value.code == "X425"
    assert sealed(tmp_path, b"value").read_bytes() == b"torn"


def test_a_missing_object_is_said(make):
    objects = make()
    with pytest.raises(CannotFinish) as caught:
        objects.publish([digest(b"never put")])
    assert caught.value.code == "X425"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_rename_that_fails_loses_nothing(make, tmp_path, failing, number):
    objects = make(replace(THIS, rename_new=failing(number)))
    objects.put(b"value")
    with pytest.raises(CannotFinish):
        objects.publish([digest(b"value")])
    assert own(tmp_path, b"value").read_bytes() == b"value"
    make().publish([digest(b"value")])
    assert sealed(tmp_path, b"value").read_bytes() == b"value"


@pytest.mark.parametrize("cut", range(len(LETTERS)))
def test_a_crash_at_every_move_is_taken_up(make, tmp_path, cut):
    moved = []

    def rename_new(old, new):
        if len(moved) == cut:
            raise KeyboardInterrupt
        moved.append(new)
        THIS.rename_new(old, new)

    objects = make(replace(THIS, rename_new=rename_new))
    digests = [objects.put(letter) for letter in LETTERS]
    with pytest.raises(KeyboardInterrupt):
        objects.publish(digests)
    again = make()
    assert list(again.check(digests)) == []
    again.publish(digests)
    assert all(sealed(tmp_path, letter).read_bytes() == letter for letter in LETTERS)


def test_bytes_are_on_the_medium_before_names_and_each_folder_is_synced_once(make, tmp_path):
    steps = []

    def rename_new(old, new):
        steps.append(new)
        THIS.rename_new(old, new)

    for system in (THIS, ONE_BY_ONE):
        objects = make(
            replace(
                system,
                rename_new=rename_new,
                sync=steps.append,
                sync_all=system.sync_all and (lambda path: steps.append(f"all {path.name}")),
            )
        )
        digests = [objects.put(letter + system.sync.__name__.encode() * (system is THIS)) for letter in LETTERS]
        steps.clear()
        objects.publish(digests)
        if system is THIS:
            assert steps[0] == steps[-1] == "all objects"
            assert len(steps) == 2 + len(LETTERS)
            continue
        first = next(place for place, step in enumerate(steps) if step.is_relative_to(tmp_path / "case/objects"))
        assert {own(tmp_path, letter) for letter in LETTERS} <= set(steps[:first])
        after = steps[first + len(LETTERS) :]
        assert len(after) == len(set(after))
        assert {sealed(tmp_path, letter).parent for letter in LETTERS} < set(after)
        assert {tmp_path / "case/objects/sha256", tmp_path / "case/objects", tmp_path / "case"} < set(after)


def test_publishing_many_takes_little_memory(make):
    objects = make(replace(THIS, sync=lambda _: None, sync_all=lambda _: None))

    def digests(count):
        for number in range(count):
            yield objects.put(b"%d" % number)

    objects.publish(digests(500))
    tracemalloc.start()
    objects.publish(digests(1000))
    _, first = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    objects.sync()
    objects.publish(digests(1000))
    _, second = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert second < first + 50_000


# --- power ----------------------------------------------------------------------------------------------------------


def test_what_was_synced_outlives_the_power(make, disk):
    objects = make(place=disk.place)
    digests = [objects.put(letter) for letter in LETTERS]
    large = bytes(range(256)) * 8192
    digests.append(objects.put(large))
    objects.sync()
    objects.put(b"not synced")
    after = disk.cut_power()
    survived = make(place=after)
    assert list(survived.check(digests)) == []
    assert own(after, large).read_bytes() == large
    assert list(survived.check([digest(b"not synced")])), "or the cut cuts nothing"


def test_what_was_published_outlives_the_power(make, disk):
    objects = make(place=disk.place)
    digests = [objects.put(letter) for letter in LETTERS]
    objects.publish(digests)
    after = disk.cut_power()
    assert all(sealed(after, letter).read_bytes() == letter for letter in LETTERS)


def test_a_cut_at_every_move_never_shows_a_name_without_its_bytes(make, disk):
    """The disk writes back what it likes when it likes; after each cut what has a name in the case is whole."""
    cuts = []

    def rename_new(old, new):
        THIS.rename_new(old, new)
        if len(cuts) < 3:
            os.sync()
            cuts.append(disk.cut_power())

    objects = make(replace(THIS, rename_new=rename_new), place=disk.place)
    digests = [objects.put(letter) for letter in LETTERS]
    objects.publish(digests)
    for number, after in enumerate(cuts):
        found = files(after / "case/objects")
        assert len(found) == number + 1
        assert all(path.name == hashlib.sha256(path.read_bytes()).hexdigest() for path in found)
        again = make(place=after)
        assert list(again.check(digests)) == []
