"""The facts of a row beside its content. That its bytes are the format's is held by tests/property/test_row_writer.py."""

from __future__ import annotations

import ctypes
import errno
import grp
import hashlib
import os
import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidencekit.acquire import facts
from evidencekit.acquire.facts import Facts, Owners
from evidencekit.core.encoding import GROUP, decode
from evidencekit.core.records import METADATA
from evidencekit.read import extents
from evidencekit.read.extents import Extras, extras_reader, holes
from evidencekit.read.tree import walk


def test_owners_are_asked_once(monkeypatch):
    asked = []

    def getpwuid(uid):
        asked.append(uid)
        if uid == 7:
            raise KeyError(uid)
        return SimpleNamespace(pw_name="ann\udcff" if uid == 8 else "ann")

    monkeypatch.setattr(pwd, "getpwuid", getpwuid)
    monkeypatch.setattr(grp, "getgrgid", lambda gid: SimpleNamespace(gr_name='st"aff'))
    owners = Owners()
    for _ in range(3):
        assert owners.members(1, 1) == ('"group":"st\\"aff",', '"owner":"ann",')
        assert owners.members(7, 1) == ('"group":"st\\"aff",', "")
        assert owners.members(8, 1)[1] == f'"owner_hex":"{os.fsencode("ann" + chr(0xDCFF)).hex()}",'
    assert asked == [1, 7, 8]


def test_owners_are_kept_within_a_bound(monkeypatch):
    monkeypatch.setattr(facts, "_MAX_CACHED", 10)
    owners = Owners()
    for uid in range(2_000_000, 2_000_100):
        assert owners.members(uid, uid) == ("", "")
    assert len(owners._known) <= 10


# --- holes, birth times -------------------------------------------------------------------------------------------------


@pytest.fixture
def sparse(tmp_path):
    """A file of 1 MiB with data in the 64 KiB at 256 KiB and at its end."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 20)
        for place in (256 << 10, 960 << 10):
            file.seek(place)
            file.write(bytes([1]) * (64 << 10))
    if path.stat().st_blocks * 512 >= 1 << 20:
        pytest.skip("NOT RUN: this file system has no holes")
    handle = os.open(path, os.O_RDONLY)
    yield handle
    os.close(handle)


def test_holes(sparse):
    assert holes(sparse, 1 << 20) == [(0, 256 << 10), (320 << 10, 640 << 10)]


def test_holes_end_where_the_size_says(sparse):
    assert holes(sparse, 100 << 10) == [(0, 100 << 10)]
    assert holes(sparse, 0) == []


def test_hole_at_the_end(tmp_path):
    with (tmp_path / "file").open("wb+") as file:
        file.write(bytes([1]) * (64 << 10))
        file.truncate(1 << 20)
        file.flush()
        found = holes(file.fileno(), 1 << 20)
        if not found:
            pytest.skip("NOT RUN: this file system has no holes")
        assert found == [(64 << 10, (1 << 20) - (64 << 10))]


def test_more_holes_than_are_listed(sparse):
    with pytest.raises(OSError, match="long") as caught:
        holes(sparse, 1 << 20, limit=1)
    assert caught.value.errno == errno.E2BIG


def test_file_system_that_does_not_tell_of_holes(monkeypatch, sparse):
    def refusing(handle, start, whence):
        raise OSError(errno.EINVAL, "")

    monkeypatch.setattr(extents.os, "lseek", refusing)
    assert holes(sparse, 1 << 20) == []


def test_birth_time_lies_before_now(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    read = extras_reader()
    with (tmp_path / "file").open("rb") as file:
        own = read(file.fileno(), b"")
    folder = os.open(tmp_path, os.O_RDONLY)
    by_name = read(folder, b"file")
    nothing = read(folder, b"nothing")
    os.close(folder)
    assert own == by_name
    assert nothing == Extras()
    if own.btime_ns is None:
        pytest.skip("NOT RUN: this file system keeps no birth times")
    assert abs(own.btime_ns - (tmp_path / "file").stat().st_mtime_ns) < 10**9


def test_attributes_have_names(tmp_path):
    """FS_NODUMP_FL, set as chattr does: everybody may set it on a file of his own."""
    (tmp_path / "file").write_bytes(b"")
    handle = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        flags = ctypes.c_long(0x40)
        if ctypes.CDLL(None).ioctl(handle, ctypes.c_ulong(0x40086602), ctypes.byref(flags)) != 0:
            pytest.skip("NOT RUN: this file system has no such attribute")
        assert "no_dump" in extras_reader()(handle, b"").attributes
    finally:
        os.close(handle)


def test_system_without_statx(monkeypatch):
    monkeypatch.setattr(extents.sys, "platform", "darwin")
    assert extras_reader()(0, b"") == Extras()


# --- whole groups ----------------------------------------------------------------------------------------------------


def metadata_of(folder, path, store=None):
    found = Facts(store)
    for node in walk(folder):
        if node.path == path:
            handle = node.open() if node.kind == "file" else -1
            try:
                data, content_xattrs = found.of(node, node.status, handle=handle)
            finally:
                if handle >= 0:
                    os.close(handle)
            record = decode(data, GROUP)
            METADATA.check(record)
            return record, content_xattrs
    raise AssertionError(path)


def test_metadata_of_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(0o4640)
    expected = path.stat()
    record, _ = metadata_of(tmp_path, b"file")
    record.pop("btime_ns", None)
    record.pop("attributes", None)
    assert record == {
        "_t": "evidencekit/metadata/1",
        "atime_ns": str(expected.st_atime_ns),
        "ctime_ns": str(expected.st_ctime_ns),
        "device": str(expected.st_dev),
        "gid": str(expected.st_gid),
        "group": grp.getgrgid(expected.st_gid).gr_name,
        "inode": str(expected.st_ino),
        "mode": str(0o4640),
        "mtime_ns": str(expected.st_mtime_ns),
        "nlink": "1",
        "owner": pwd.getpwuid(expected.st_uid).pw_name,
        "uid": str(expected.st_uid),
    }


def test_folders_are_in_no_link_group(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert "link_group" not in metadata_of(tmp_path, b"a")[0]


def test_attributes_are_split_by_what_they_give_away(tmp_path, set_xattr):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    names = [b"user.a", b"user.checksum", b"user.hash.sha1", b"user.hashed", b"user.shatag.ts", b"user.z"]
    for name in names:
        set_xattr(path, name, name)
    record, content = metadata_of(tmp_path, b"file")
    assert [item["name"] for item in record["xattrs"]] == ["user.a", "user.z"]
    assert [item["name"] for item in decode(b'{"x":%s}' % content.encode())["x"]] == [
        "user.checksum",
        "user.hash.sha1",
        "user.hashed",
        "user.shatag.ts",
    ]


def test_many_holes_go_aside(tmp_path):
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.truncate(1200 * 8192)
        for number in range(1200):
            file.seek(number * 8192)
            file.write(bytes([1]) * 4096)
    if path.stat().st_blocks * 512 >= 1200 * 8192:
        pytest.skip("NOT RUN: this file system has no holes")
    kept = []
    record, _ = metadata_of(tmp_path, b"file", kept.append)
    if "holes" not in record or isinstance(record["holes"], list):
        pytest.skip("NOT RUN: this file system has larger blocks")
    (whole,) = kept
    assert record["holes"] == {
        "bytes": str(len(whole)),
        "count": "1200",
        "sha256": hashlib.sha256(whole).hexdigest(),
    }


def test_holes_that_cannot_be_asked_for(tmp_path, monkeypatch):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(1 << 20)
    if Path(tmp_path / "file").stat().st_blocks * 512 >= 1 << 20:
        pytest.skip("NOT RUN: this file system has no holes")

    def failing(handle, size):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(facts, "holes", failing)
    assert metadata_of(tmp_path, b"file")[0]["unreadable_metadata"] == ["holes"]
