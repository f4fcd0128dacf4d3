"""Room: what is known of a medium is asked before it is written to, what is not known refuses nothing."""

from __future__ import annotations

import errno
import os

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.write import space as space_module
from evidencekit.write.space import Room, refuse_too_small

ROW = b"1 0 8:1 / / rw - %s /dev/sda rw\n"


def statvfs(**figures):
    """A file system of 1,000 blocks of 4 KiB, half of it free."""
    known = {
        "f_bsize": 65536, "f_frsize": 4096, "f_blocks": 1000, "f_bfree": 510, "f_bavail": 500,
        "f_files": 100, "f_ffree": 60, "f_favail": 50, "f_flag": 0, "f_namemax": 255,
    } | figures  # fmt: skip
    return lambda _: os.statvfs_result(known.values())


def room(tmp_path, fs_type=b"ext4", **figures):
    return Room(tmp_path, mounts=ROW % fs_type, statvfs=statvfs(**figures))


def test_figures_are_for_programs_without_privileges(tmp_path):
    found = room(tmp_path)
    assert (found.free, found.total, found.files) == (500 * 4096, 1000 * 4096, 50)
    assert (found.fs_type, found.largest_file, found.read_only) == ("ext4", None, False)


def test_block_size_where_there_is_no_other(tmp_path):
    assert room(tmp_path, f_frsize=0).free == 500 * 65536


@pytest.mark.parametrize("fs_type", [b"vfat", b"msdos"])
def test_fat_ends_below_4_gib(tmp_path, fs_type):
    assert room(tmp_path, fs_type).largest_file == 2**32 - 1


@pytest.mark.parametrize("fs_type", [b"exfat", b"ntfs3", b"fuseblk", b"xfs"])
def test_others_do_not(tmp_path, fs_type):
    assert room(tmp_path, fs_type).largest_file is None


@pytest.mark.parametrize(
    ("fs_type", "at_once"),
    [(b"ext4", True), (b"vfat", True), (b"tmpfs", True), (b"fuseblk", False), (b"fuse.sshfs", False), (b"nfs4", False)],
)
def test_one_sync_for_all_is_for_disks_of_this_computer(tmp_path, fs_type, at_once):
    assert room(tmp_path, fs_type).syncs_at_once == at_once


def test_what_a_file_system_does_not_tell_is_unknown(tmp_path):
    found = room(tmp_path, f_blocks=0, f_bavail=0, f_files=0, f_favail=0)
    assert (found.free, found.total, found.files) == (None, None, None)
    refuse_too_small(tmp_path, 1 << 60, 1 << 60, "the copies", files=1 << 40, room=found)


def test_more_than_all_is_less_than_nothing(tmp_path):
    """Where more is reserved than is free, some systems say a negative number, which counts have no place for."""
    assert room(tmp_path, f_bavail=2**64 - 3).free == 0


def test_numbers_beyond_64_bits(tmp_path):
    assert room(tmp_path, f_frsize=1 << 20, f_blocks=1 << 60, f_bavail=1 << 59).free == 1 << 79


def test_no_mountinfo(tmp_path, monkeypatch):
    monkeypatch.setattr(space_module, "MOUNTS", tmp_path / "nothing")
    found = Room(tmp_path)
    assert (found.fs_type, found.largest_file, found.syncs_at_once) == ("", None, False)
    assert found.free > 0


def test_a_place_that_is_still_to_be_made(tmp_path):
    assert Room(tmp_path / "not" / "yet").total == Room(tmp_path).total


def test_a_link_is_the_place_that_it_leads_to(tmp_path):
    (tmp_path / "link").symlink_to("/proc")
    assert Room(tmp_path / "link" / "self").fs_type == Room(tmp_path / "link").fs_type == "proc"


@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, "X422"), (errno.EIO, "X423")])
def test_a_file_system_that_cannot_be_asked(tmp_path, failing, number, code):
    with pytest.raises(CannotFinish) as caught:
        Room(tmp_path, statvfs=failing(number))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("need", "largest", "files", "code"),
    [
        (500 * 4096, 2**32 - 1, 50, None),
        (500 * 4096 + 1, 0, 0, "X426"),
        (0, 0, 51, "X426"),
        (0, 2**32, 0, "X427"),
        (2**40, 2**32, 51, "X427"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, need, largest, files, code):
    found = room(tmp_path, b"vfat")
    if code is None:
        refuse_too_small(tmp_path, need, largest, "the copies", files=files, room=found)
        return
    with pytest.raises(CannotFinish) as caught:
        refuse_too_small(tmp_path, need, largest, "the copies", files=files, room=found)
    assert caught.value.code == code


def test_the_message_says_how_much_is_needed_and_there(tmp_path):
    with pytest.raises(CannotFinish) as caught:
        refuse_too_small(tmp_path, 3_048_000, 0, "the copies", room=room(tmp_path))
    for part in ("The copies need 3,048,000 bytes", str(tmp_path), "2,048,000", "1,000,000 too few", "larger medium"):
        assert part in str(caught.value)


def test_a_file_system_that_is_read_only(tmp_path):
    with pytest.raises(CannotFinish) as caught:
        refuse_too_small(tmp_path, 0, 0, "the copies", room=room(tmp_path, f_flag=os.ST_RDONLY))
    assert caught.value.code == "X422"


def test_a_real_disk(small_disk):
    place = small_disk("1m", nr_inodes=100)
    refuse_too_small(place, 1 << 19, 1 << 19, "the copies", files=50)
    for need, files in ((1 << 21, 0), (0, 200)):
        with pytest.raises(CannotFinish) as caught:
            refuse_too_small(place, need, need, "the copies", files=files)
        assert caught.value.code == "X426"
