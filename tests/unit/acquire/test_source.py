"""What a source is, where it lies, what is wanted of it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from evidencekit.acquire import source as source_module
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.source import look_at, refuse_on_device
from evidencekit.core.records import SOURCE
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.read.tree import walk


def test_facts_of_a_folder(tmp_path):
    found = look_at(tmp_path, mounts=b"1 0 8:1 / / rw - ext4 /dev/sda rw\n")
    record = found.record(host="here", touched=False)
    SOURCE.check(record, "source")
    assert (found.read_only, found.mounted_writable, found.inode_is_stable) == (False, True, True)
    assert record == {
        "atime": "untouched",
        "host": "here",
        "kind": "directory",
        "mount": {"device": "/dev/sda", "fs_type": "ext4", "options": "rw"},
        "path": str(tmp_path),
        "read_only": False,
    }
    assert found.record(host=None, touched=True)["atime"] == "may_change"


def test_mount_is_text_that_fits_its_members(tmp_path):
    long = b"lowerdir=" + b"/very/long:" * 1000
    mount = look_at(tmp_path, mounts=b"1 0 0:1 / / rw - fuse.\\377x /dev/\303\251 %s\n" % long).mount
    assert (mount["device"], mount["fs_type"], len(mount["options"])) == ("/dev/\u00e9", "fuse.\\xffx", 4096)


def test_system_without_mountinfo(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "MOUNTS", tmp_path / "nothing")
    found = look_at(tmp_path)
    assert (found.mount, found.inode_is_stable) == (None, False)


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
    (tmp_path / "file").touch()
    for path in [tmp_path, tmp_path / "file"]:
        found = look_at(path)
        assert (found.read_only, found.mounted_writable) == (True, False)
        record = found.record(host=None, touched=True)
        SOURCE.check(record, "source")
        assert (record["atime"], record["read_only"]) == ("read_only_mount", True)


def test_source_that_cannot_be_asked_about_its_mount(monkeypatch, tmp_path):
    def fails(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(source_module.os, "statvfs", fails)
    with pytest.raises(CannotFinish) as caught:
        look_at(tmp_path)
    assert caught.value.code == "X431"


@pytest.mark.parametrize(
    ("fs_type", "stable"),
    [("ext4", True), ("ntfs3", True), ("vfat", False), ("exfat", False), ("fuse.sshfs", False), ("fuseblk", False)],
)
def test_inode_numbers_that_are_invented_are_known(tmp_path, fs_type, stable):
    text = f"1 0 8:1 / / rw - {fs_type} /dev/sda rw\n".encode()
    assert look_at(tmp_path, mounts=text).inode_is_stable == stable


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


# --- block devices ----------------------------------------------------------------------------------------------------


@pytest.fixture
def device(tmp_path):
    """Return a function that makes a node of a device that nobody has, and one that lists devices in a folder."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can make device nodes")
    system = tmp_path / "by-number"
    system.mkdir()

    def make(minor, *, ro, children=()):
        number = os.makedev(240, minor)
        path = tmp_path / f"disk{minor}"
        try:
            os.mknod(path, stat.S_IFBLK | 0o600, number)
        except PermissionError:
            pytest.skip("NOT RUN: this machine forbids making device nodes")
        entry = system / f"240:{minor}"
        entry.mkdir()
        (entry / "ro").write_text(f"{ro}\n")
        (entry / "size").write_text("2048\n")
        for child in children:
            (entry / f"part{child}").mkdir()
            (entry / f"part{child}" / "partition").write_text("1\n")
            (entry / f"part{child}" / "dev").write_text(f"240:{child}\n")
        return lambda text=b"": look_at(path, mounts=text, system=system)

    return make


MOUNTED = b"30 22 240:%d / /mnt/evidence %s,nosuid - ext4 /dev/disk %s\n"


@pytest.mark.parametrize(
    ("ro", "text", "mounted", "writable"),
    [
        (1, b"", False, False),
        (0, b"", False, True),
        (1, MOUNTED % (0, b"ro", b"ro"), True, False),
        (0, MOUNTED % (0, b"ro", b"ro"), True, True),
        (1, MOUNTED % (1, b"ro", b"ro"), False, False),
        (1, MOUNTED % (1, b"rw", b"rw"), False, True),
        (1, MOUNTED % (2, b"rw", b"rw"), False, False),
    ],
    ids=["blocked", "open", "mounted ro", "open, mounted ro", "partition ro", "partition rw", "another"],
)
def test_facts_of_a_device(device, ro, text, mounted, writable):
    found = device(0, ro=ro, children=[1])(text)
    assert (found.kind, found.read_only, found.mounted_writable) == ("block_device", bool(ro), writable)
    assert found.inode_is_stable is False
    options = "ro,nosuid"
    assert found.mount == ({"device": "/dev/disk", "fs_type": "ext4", "options": options} if mounted else None)
    record = found.record(host=None, touched=True)
    SOURCE.check(record, "source")
    assert (record["atime"], record["kind"], record["read_only"]) == ("may_change", "block_device", bool(ro))


def test_device_of_a_file_system_of_several_is_known_by_its_path(device):
    make = device(0, ro=1)
    place = os.fsencode(make().real)
    found = make(b"30 22 0:99 / /mnt rw - btrfs %s rw\n" % place)
    assert found.mount["fs_type"] == "btrfs"
    assert found.mounted_writable
    assert os.makedev(0, 99) in found.devices


def test_device_that_the_system_says_nothing_of(device, tmp_path):
    found = look_at(device(0, ro=0)().path, mounts=b"", system=tmp_path / "nothing")
    assert (found.read_only, found.mounted_writable) == (None, True)
    record = found.record(host=None, touched=False)
    SOURCE.check(record, "source")
    assert "read_only" not in record


def test_case_on_the_device_that_is_the_source(tmp_path, device):
    source = device(0, ro=0)()
    refuse_on_device(source, tmp_path / "case")
    refuse_on_device(look_at(tmp_path), tmp_path / "case")
    here = replace(source, devices=frozenset({tmp_path.stat().st_dev}))
    for place in [tmp_path, tmp_path / "case", tmp_path / "not" / "yet" / "there"]:
        with pytest.raises(Refused) as caught:
            refuse_on_device(here, place)
        assert caught.value.code == "R506"


@pytest.mark.judge("losetup")
def test_real_device(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can make loop devices")
    image = tmp_path / "image"
    image.write_bytes(os.urandom(1 << 20))
    for options, read_only in ([], False), (["--read-only"], True):
        made = subprocess.run(["losetup", *options, "-f", "--show", image], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"NOT RUN: no loop device: {made.stderr.strip()}")
        place = Path(made.stdout.strip())
        try:
            found = look_at(place)
            assert (found.kind, found.read_only, found.mount) == ("block_device", read_only, None)
            (node,) = walk(place)
            assert (node.path, node.kind) == (b"", "block_device")
        finally:
            subprocess.run(["losetup", "-d", place], check=True)


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
