"""What a source is, where it lies, what is wanted of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from evidencekit.acquire import source as source_module
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.source import find_mount, look_at, refuse_inside
from evidencekit.core.records import SOURCE
from evidencekit.errors import BadArgument, CannotFinish, Refused

MOUNTS = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 8:1 / /mnt/usb\040stick ro,nosuid,nodev shared:5 master:2 - vfat /dev/sdb1 ro,fmask=0022,utf8
31 30 8:2 / /mnt/usb\040stick/inner rw - ext4 /dev/sdc\134x rw
32 22 0:40 / /over rw - tmpfs first rw
33 22 0:41 / /over rw - tmpfs second rw,size=10k
34 22 0:42 / /odd rw - fuse.\377x /dev/\303\251 rw
broken line
35 22 0:43 / /short rw -
"""


@pytest.mark.parametrize(
    ("path", "device", "fs_type"),
    [
        (b"/", "/dev/vda", "ext4"),
        (b"/home/x", "/dev/vda", "ext4"),
        (b"/mnt/usb stick", "/dev/sdb1", "vfat"),
        (b"/mnt/usb stick/DCIM", "/dev/sdb1", "vfat"),
        (b"/mnt/usb stick2", "/dev/vda", "ext4"),
        (b"/mnt/usb stick/inner/x", "/dev/sdc\\x", "ext4"),
        (b"/over/x", "second", "tmpfs"),
        (b"/odd/x", "/dev/\u00e9", "fuse.\\xffx"),
        (b"/procfs", "/dev/vda", "ext4"),
    ],
)
def test_mount_is_the_nearest_and_latest(path, device, fs_type):
    mount = find_mount(MOUNTS, path)
    assert (mount["device"], mount["fs_type"]) == (device, fs_type)


def test_options_of_mount_and_file_system_stand_once():
    assert find_mount(MOUNTS, b"/mnt/usb stick")["options"] == "ro,nosuid,nodev,fmask=0022,utf8"
    assert find_mount(MOUNTS, b"/over")["options"] == "rw,size=10k"


def test_read_only_mount_of_a_writable_file_system_says_ro():
    text = b"1 0 8:1 / / ro,relatime - ext4 /dev/sda rw,discard\n"
    assert find_mount(text, b"/x")["options"] == "ro,relatime,discard"


@pytest.mark.parametrize("text", [b"", b"nonsense\n", b"1 0 8:1 / /elsewhere rw - ext4 /dev/sda rw\n"])
def test_no_mount_is_null(text):
    assert find_mount(text, b"/x") is None


def test_options_longer_than_a_header_holds_are_cut():
    text = b"1 0 0:1 / / rw - overlay overlay lowerdir=" + b"/very/long:" * 1000 + b"\n"
    assert len(find_mount(text, b"/")["options"]) == 4096


def test_facts_of_a_folder(tmp_path):
    found = look_at(tmp_path, mounts=b"1 0 8:1 / / rw - ext4 /dev/sda rw\n")
    record = found.record(host="here", touched=False)
    SOURCE.check(record, "source")
    assert record == {
        "atime": "untouched",
        "host": "here",
        "kind": "directory",
        "mount": {"device": "/dev/sda", "fs_type": "ext4", "options": "rw"},
        "path": str(tmp_path),
    }
    assert found.record(host=None, touched=True)["atime"] == "may_change"


def test_system_without_mountinfo(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "MOUNTS", tmp_path / "nothing")
    assert look_at(tmp_path).mount is None


def test_real_mount_is_found(tmp_path):
    if not source_module.MOUNTS.exists():
        pytest.skip("NOT RUN: Linux only")
    SOURCE.check(look_at(tmp_path).record(host=None, touched=False), "source")
    has_root = any(line.split()[4] == "/" for line in source_module.MOUNTS.read_text().splitlines())
    assert (look_at(tmp_path).mount is not None) or not has_root  # in a bare chroot nothing is mounted at /
    assert look_at(Path("/proc/version")).mount["fs_type"] == "proc"


def test_read_only_mount_is_known(monkeypatch, tmp_path):
    real = os.statvfs

    def read_only(path):
        values = list(real(path))
        values[8] |= os.ST_RDONLY
        return os.statvfs_result(values)

    monkeypatch.setattr(source_module.os, "statvfs", read_only)
    found = look_at(tmp_path)
    assert found.record(host=None, touched=True)["atime"] == "read_only_mount"


def test_path_is_absolute_and_links_on_the_way_are_resolved(tmp_path, monkeypatch):
    (tmp_path / "real" / "folder").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    for spelled in ["link/folder", "link/folder/", "./real/folder", "real/folder/."]:
        assert look_at(Path(spelled)).real == os.fsencode(tmp_path / "real" / "folder")
    monkeypatch.chdir(tmp_path / "real" / "folder")
    assert look_at(Path()).real == os.fsencode(tmp_path / "real" / "folder")
    assert look_at(Path("..")).real == os.fsencode(tmp_path / "real")
    assert look_at(Path("/")).real == b"/"


def test_path_that_is_not_utf8(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff"
    Path(os.fsdecode(folder)).mkdir()
    record = look_at(Path(os.fsdecode(folder))).record(host=None, touched=False)
    assert record["path_hex"] == folder.hex()
    SOURCE.check(record, "source")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "X430"),
        (lambda path: path.symlink_to("."), "X432"),
        (lambda path: path.symlink_to("dangling"), "X432"),
        (os.mkfifo, "X433"),
    ],
)
def test_what_is_no_source(tmp_path, make, code):
    make(tmp_path / "source")
    with pytest.raises(CannotFinish) as caught:
        look_at(tmp_path / "source")
    assert caught.value.code == code


def test_device_is_no_source(tmp_path):
    with pytest.raises(CannotFinish) as caught:
        look_at(Path("/dev/null"))
    assert caught.value.code == "X433"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("source", "out", "inside"),
    [
        ("a", "a/m.parquet", True),
        ("a", "a/b/m.parquet", True),
        ("a", "link/m.parquet", True),
        ("a", "ab/m.parquet", False),
        ("a", "m.parquet", False),
        ("a/b", "a/m.parquet", False),
        ("/", "m.parquet", True),
    ],
)
def test_manifest_in_its_own_source(tmp_path, source, out, inside):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "link").symlink_to("a")
    facts = look_at(tmp_path / source)
    if inside:
        with pytest.raises(Refused) as caught:
            refuse_inside(facts, tmp_path / out)
        assert caught.value.code == "R506"
    else:
        refuse_inside(facts, tmp_path / out)


# --- globs --------------------------------------------------------------------------------------------------------------

GLOBS = [
    ("*.txt", b"a.txt", True),
    ("*.txt", b"folder/a.txt", True),
    ("*.txt", b"a.txt/b", False),
    ("*.txt", b"a.TXT", False),
    ("folder/*.txt", b"folder/a.txt", True),
    ("folder/*.txt", b"folder/deeper/a.txt", True),
    ("folder/*.txt", b"other/folder/a.txt", False),
    ("*/a.txt", b"a.txt", False),
    ("a.txt", b"folder/a.txt", True),
    ("a?c", b"abc", True),
    ("a?c", "a\u00e9c".encode(), True),
    ("a?c", b"a\xffc", True),
    ("[ab]", b"b", True),
    ("[!ab]", b"b", False),
    ("a\nb*", b"a\nbc", True),
    ("*", b"anything\n", True),
    ("a.c", b"abc", False),
    ("a", b"a\n", False),
]


@pytest.mark.parametrize(("glob", "path", "matches"), GLOBS)
def test_globs(glob, path, matches):
    assert Selection(exclude=[glob]).excludes(path) == matches
    assert Selection(exclude=[glob]).wants(path) != matches
    assert Selection(include=[glob]).wants(path) == matches
    assert Selection(include=[glob]).excludes(path) is False
    assert Selection(exclude=["nothing", glob, "x/y"]).excludes(path) == matches


def test_exclusion_is_stronger():
    selection = Selection(include=["*.txt"], exclude=["secret*"])
    assert selection.wants(b"a.txt")
    assert not selection.wants(b"secret.txt")


def test_source_itself_is_always_wanted():
    assert Selection(include=["x"], exclude=["*"]).wants(b"")


def test_without_globs_everything_is_wanted():
    assert Selection().everything
    assert Selection().wants(b"anything")
    assert not Selection().excludes(b"anything")


@pytest.mark.parametrize("glob", ["", "/etc", "folder/", "x" * 4097, "\udc80"], ids=ascii)
def test_globs_that_are_refused(glob):
    with pytest.raises(BadArgument) as caught:
        Selection(exclude=["good", glob])
    assert caught.value.code == "U230"
    assert caught.value.exit_code == 2
