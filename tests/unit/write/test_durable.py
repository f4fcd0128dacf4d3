"""Publishing: whole and durable under its name, or not there at all; never over something that stands there."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from dataclasses import replace

import pytest

from evidencekit.errors import CannotFinish, Refused
from evidencekit.write import durable, systems
from evidencekit.write.durable import cannot_write, publish, write_new, write_plain, write_temporary
from evidencekit.write.systems import THIS, system_for


def failing(number):
    def call(*_):
        raise OSError(number, os.strerror(number))

    return call


NO_RENAME = replace(THIS, rename_new=failing(errno.EINVAL))
NO_LINKS = replace(NO_RENAME, link=failing(errno.EPERM))
SYSTEMS = {"rename": THIS, "hard link": NO_RENAME, "lock": NO_LINKS}
each_system = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)


@each_system
def test_new_file_is_whole_and_alone(tmp_path, system):
    write_new(tmp_path / "record", b"content", system=system)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"record": b"content"}
    assert (tmp_path / "record").stat().st_nlink == 1


@each_system
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_mode(tmp_path, system, mode):
    write_new(tmp_path / "key", b"secret", mode=mode, system=system)
    assert (tmp_path / "key").stat().st_mode & 0o777 == mode


@each_system
@pytest.mark.parametrize("there", ["file", "folder", "dangling link"])
def test_name_that_is_taken_is_refused(tmp_path, system, there):
    final = tmp_path / "record"
    if there == "file":
        final.write_bytes(b"before")
    elif there == "folder":
        final.mkdir()
    else:
        final.symlink_to("nowhere")
    before = final.lstat()
    with pytest.raises(Refused) as caught:
        write_new(final, b"after", system=system)
    assert caught.value.code == "R501"
    assert caught.value.exit_code == 5
    assert final.lstat() == before
    assert list(tmp_path.iterdir()) == [final]


def make_folder(path):
    path.mkdir()
    write_plain(path / "event.json", b"{}")
    write_plain(path / "entry", b"leaf")
    return path


@each_system
def test_folder_is_published_as_one(tmp_path, system):
    temporary = make_folder(tmp_path / ".tmp-x")
    publish(temporary, tmp_path / "00000000", system=system)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["00000000", "entry", "event.json"]


@each_system
@pytest.mark.parametrize("full", [False, True], ids=["empty", "with content"])
def test_folder_that_is_there_is_refused(tmp_path, system, full):
    final = tmp_path / "00000000"
    final.mkdir()
    if full:
        (final / "entry").write_bytes(b"first")
    temporary = make_folder(tmp_path / ".tmp-x")
    with pytest.raises(Refused) as caught:
        publish(temporary, final, system=system)
    assert caught.value.code == "R501"
    assert sorted(path.name for path in final.iterdir()) == (["entry"] if full else [])
    assert sorted(path.name for path in temporary.iterdir()) == ["entry", "event.json"]


@each_system
def test_of_many_writers_one_wins(tmp_path, system):
    won, lost = [], []
    barrier = threading.Barrier(8)

    def write(number):
        temporary = write_temporary(tmp_path / "record", b"%d" % number)
        barrier.wait()
        try:
            publish(temporary, tmp_path / "record", system=system)
            won.append(number)
        except Refused:
            lost.append(number)

    threads = [threading.Thread(target=write, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(lost) == 7
    assert (tmp_path / "record").read_bytes() == b"%d" % won[0]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "X421"),
        (errno.EDQUOT, "X421"),
        (errno.EFBIG, "X427"),
        (errno.EROFS, "X422"),
        (errno.EACCES, "X422"),
        (errno.EPERM, "X422"),
        (errno.EIO, "X423"),
        (errno.EXDEV, "X423"),
        (errno.EEXIST, "R501"),
        (errno.ENOTEMPTY, "R501"),
    ],
)
@pytest.mark.parametrize("step", ["rename_new", "link", "rename_over", "lock", "sync"])
def test_errors_leave_nothing_half_written(tmp_path, step, number, code):
    system = {"link": NO_RENAME, "rename_over": NO_LINKS, "lock": NO_LINKS}.get(step, THIS)
    if step == "link" and number in {errno.EACCES, errno.EPERM}:
        pytest.skip("that is how file systems without hard links refuse them")
    with pytest.raises((CannotFinish, Refused)) as caught:
        write_new(tmp_path / "record", b"content", system=replace(system, **{step: failing(number)}))
    assert caught.value.code == code
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    # An error of the folder's fsync comes after the rename: the name stands, and what stands there is whole.
    assert left == ({"record": b"content"} if step == "sync" else {})


def test_folder_that_cannot_be_renamed_leaves_nothing(tmp_path):
    temporary = make_folder(tmp_path / ".tmp-x")
    with pytest.raises(CannotFinish):
        publish(temporary, tmp_path / "final", system=replace(NO_RENAME, rename_over=failing(errno.EIO)))
    assert [path.name for path in tmp_path.iterdir()] == [".tmp-x"]


@each_system
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_no_crash_leaves_an_empty_name(tmp_path, system, kind):
    """The last call before the rename is the last one before a crash: no claim, no lock file."""

    def crash(*_):
        raise KeyboardInterrupt

    temporary = write_temporary(tmp_path / "x", b"rows") if kind == "file" else make_folder(tmp_path / ".tmp-x")
    with pytest.raises(KeyboardInterrupt):
        publish(temporary, tmp_path / "final", system=replace(system, rename_over=crash, rename_new=crash, link=crash))
    assert list(tmp_path.iterdir()) == [temporary]


def test_without_links_a_folder_is_held_between_the_look_and_the_rename(tmp_path):
    """Two who see that the name is free must not both rename."""
    barrier = threading.Barrier(2)

    def rename_over(old, new):
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(timeout=0.2)  # both would come here if both had looked
        os.rename(old, new)

    outcomes = []

    def write(data):
        try:
            write_new(tmp_path / "record", data, system=replace(NO_LINKS, rename_over=rename_over))
            outcomes.append(data)
        except Refused:
            outcomes.append(None)

    threads = [threading.Thread(target=write, args=[data]) for data in (b"one", b"two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert barrier.broken
    assert outcomes.count(None) == 1
    assert (tmp_path / "record").read_bytes() in outcomes


def test_of_two_folders_the_second_is_refused_by_the_system_itself(tmp_path):
    """Where another computer comes between the look and the rename (NFS has no lock of folders)."""
    first = make_folder(tmp_path / ".tmp-x")

    def rename_over(old, new):
        make_folder(tmp_path / "00000000")
        os.rename(old, new)

    with pytest.raises(Refused) as caught:
        publish(first, tmp_path / "00000000", system=replace(NO_RENAME, rename_over=rename_over))
    assert caught.value.code == "R501"


def test_real_errors(tmp_path):
    with pytest.raises(CannotFinish) as caught:
        write_new(tmp_path / "no-folder" / "record", b"content")
    assert caught.value.code == "X423"
    with pytest.raises(CannotFinish) as caught:
        publish(tmp_path / "nothing", tmp_path / "record")
    assert caught.value.code == "X423"


def test_full_disk(tmp_path, monkeypatch):
    """/dev/full is a disk without space."""
    real = os.open
    monkeypatch.setattr(durable.os, "open", lambda path, flags, mode=0o777: real("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(durable.os, "fsync", lambda handle: None)
    with pytest.raises(CannotFinish) as caught:
        write_plain(tmp_path / "record", b"content")
    assert caught.value.code == "X421"


def test_folder_without_permission(tmp_path, as_nobody):
    def write():
        try:
            write_new(tmp_path / "record", b"content")
        except CannotFinish as error:
            return error.code
        return "written"

    assert as_nobody(write) == "X422"


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "record", b"content", system=replace(THIS, rename_new=interrupt))
    monkeypatch.setattr(durable.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "record", b"content")
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_not_in_the_way(tmp_path):
    for count in range(3):
        (tmp_path / f".tmp-{os.getpid():x}-{count}").write_bytes(b"of a crash")
    write_new(tmp_path / "record", b"content")
    assert (tmp_path / "record").read_bytes() == b"content"


def test_file_is_synced_before_its_name_and_the_folder_after(tmp_path, monkeypatch):
    steps = []

    def note(name, call):
        def noted(*arguments):
            steps.append((name, *(getattr(argument, "name", "") for argument in arguments)))
            return call(*arguments)

        return noted

    system = replace(THIS, **{name: note(name, getattr(THIS, name)) for name in ("rename_new", "link", "sync")})
    fsync = os.fsync
    monkeypatch.setattr(durable.os, "fsync", lambda handle: (steps.append(("fsync",)), fsync(handle)))
    write_new(tmp_path / "record", b"content", system=system)
    temporary = f".tmp-{os.getpid():x}-0"
    expected = [("fsync",), ("rename_new", temporary, "record"), ("sync", tmp_path.name), ("fsync",)]
    assert steps == expected
    steps.clear()
    publish(make_folder(tmp_path / ".tmp-x"), tmp_path / "folder", system=system)
    renamed = steps.index(("rename_new", ".tmp-x", "folder"))
    assert steps.index(("sync", ".tmp-x")) < renamed < steps.index(("sync", tmp_path.name))


def test_temporary_and_final_folder_are_both_synced(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "manifests").mkdir()
    (tmp_path / "work" / "file").write_bytes(b"rows")
    synced = []
    publish(tmp_path / "work/file", tmp_path / "manifests/00000001.parquet", system=replace(THIS, sync=synced.append))
    assert synced == [tmp_path / "work" / "file", tmp_path / "manifests", tmp_path / "work"]


def test_messages_escape_names(tmp_path):
    error = cannot_write(tmp_path / "\x1b[31m\u202e", OSError(errno.EEXIST, "File exists"))
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)


# --- the systems -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: Linux only")
def test_linux_renames_without_replacing(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    systems.linux_rename_new(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").write_bytes(b"again")
    with pytest.raises(FileExistsError):
        systems.linux_rename_new(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"a"
    with pytest.raises(FileNotFoundError):
        systems.linux_rename_new(tmp_path / "nothing", tmp_path / "c")


@pytest.mark.skipif(sys.platform == "darwin", reason="NOT RUN: macOS has the call")
def test_call_that_is_missing_is_not_offered(tmp_path):
    with pytest.raises(OSError, match="not implemented") as caught:
        systems.macos_rename_new(tmp_path / "a", tmp_path / "b")
    assert caught.value.errno == errno.ENOSYS


def test_systems():
    assert system_for("linux").rename_new is systems.linux_rename_new
    assert system_for("darwin").rename_new is systems.macos_rename_new
    assert system_for("win32").rename_new is systems.windows_rename_new
    assert system_for("win32").sync is systems.windows_sync
    with pytest.raises(OSError, match="not implemented"):
        system_for("freebsd14").rename_new("a", "b")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_file_system_that_cannot_sync_folders(tmp_path, monkeypatch, number):
    monkeypatch.setattr(systems.os, "fsync", failing(number))
    systems.sync(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=os.strerror(number)):
        systems.sync(tmp_path / "file")


def test_a_lock_is_one_at_a_time_and_leaves_nothing(tmp_path):
    held = threading.Event()

    def wait():
        with systems.lock(tmp_path):
            held.set()

    other = threading.Thread(target=wait)
    with systems.lock(tmp_path):
        other.start()
        assert not held.wait(0.1)
    assert held.wait(10)
    other.join()
    assert list(tmp_path.iterdir()) == []


def test_a_system_without_locks_says_so(tmp_path):
    with pytest.raises(OSError, match="not implemented"):
        system_for("win32").lock(tmp_path)


def test_a_drive_of_a_mac_is_told_to_empty_its_cache(tmp_path, monkeypatch):
    import fcntl

    asked, synced = [], []
    monkeypatch.setattr(systems.sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda handle, command: asked.append((handle, command)))
    monkeypatch.setattr(systems.os, "fsync", synced.append)
    systems.flush(7)
    assert (asked, synced) == ([(7, 51)], [])
    monkeypatch.setattr(fcntl, "fcntl", failing(errno.ENOTSUP))
    systems.flush(7)
    assert synced == [7]


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: Linux only")
def test_a_whole_file_system_is_synced_and_then_its_drive(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(systems, "_call", lambda name, *_: steps.append(name))
    monkeypatch.setattr(systems.os, "fsync", lambda _: steps.append("fsync"))
    system_for("linux").sync_all(tmp_path)
    assert steps == ["syncfs", "fsync"]
    assert system_for("darwin").sync_all is None


def test_windows_sync_skips_folders(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(systems.os, "fsync", synced.append)
    systems.windows_sync(tmp_path)
    assert synced == []
    (tmp_path / "file").touch()
    systems.windows_sync(tmp_path / "file")
    assert len(synced) == 1
