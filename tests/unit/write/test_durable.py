"""Publishing: whole and durable under its name, or not there at all; never over something that stands there."""

from __future__ import annotations

import errno
import os
import sys
import threading
from dataclasses import replace

import pytest

from evidencekit.errors import CannotFinish, Refused
from evidencekit.write import durable, systems
from evidencekit.write.durable import cannot_write, publish, write_new, write_plain, write_temporary
from evidencekit.write.systems import THIS, System, system_for


def failing(number):
    def call(*_):
        raise OSError(number, os.strerror(number))

    return call


NO_RENAME = replace(THIS, rename_new=failing(errno.EINVAL))
NOTHING_BUT_CLAIMS = replace(NO_RENAME, link=failing(errno.EPERM))
SYSTEMS = {"rename": THIS, "hard link": NO_RENAME, "claim": NOTHING_BUT_CLAIMS}
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
        (errno.EFBIG, "X421"),
        (errno.EROFS, "X422"),
        (errno.EACCES, "X422"),
        (errno.EPERM, "X422"),
        (errno.EIO, "X423"),
        (errno.EXDEV, "X423"),
        (errno.EEXIST, "R501"),
        (errno.ENOTEMPTY, "R501"),
    ],
)
@pytest.mark.parametrize("step", ["rename_new", "link", "rename_over", "sync"])
def test_errors_leave_nothing_half_written(tmp_path, step, number, code):
    system = {"rename_new": THIS, "link": NO_RENAME, "rename_over": NOTHING_BUT_CLAIMS, "sync": THIS}[step]
    if step == "link" and number in {errno.EACCES, errno.EPERM}:
        pytest.skip("that is how file systems without hard links refuse them")
    with pytest.raises((CannotFinish, Refused)) as caught:
        write_new(tmp_path / "record", b"content", system=replace(system, **{step: failing(number)}))
    assert caught.value.code == code
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    # An error of the folder's fsync comes after the rename: the name stands, and what stands there is whole.
    assert left == ({"record": b"content"} if step == "sync" else {})


def test_folder_that_cannot_be_renamed_leaves_no_claim(tmp_path):
    temporary = make_folder(tmp_path / ".tmp-x")
    with pytest.raises(CannotFinish):
        publish(temporary, tmp_path / "final", system=replace(NO_RENAME, rename_over=failing(errno.EIO)))
    assert [path.name for path in tmp_path.iterdir()] == [".tmp-x"]


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

    system = System(*(note(name, getattr(THIS, name)) for name in ("rename_new", "rename_over", "link", "sync")))
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


def test_windows_sync_skips_folders(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(systems.os, "fsync", synced.append)
    systems.windows_sync(tmp_path)
    assert synced == []
    (tmp_path / "file").touch()
    systems.windows_sync(tmp_path / "file")
    assert len(synced) == 1
