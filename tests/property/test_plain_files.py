"""What is taken plainly is the very row that the general way gives; what is not plain leaves nothing behind.

The quick way opens a listed name without looking at it before, and spells its row by few calls.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import tempfile
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evidencekit.acquire.batch import Batch, Packed
from evidencekit.acquire.entry import Taker
from evidencekit.acquire.plain import PlainFiles, _is_plain
from evidencekit.acquire.selection import Selection
from evidencekit.read.evidence import SMALL_BLOCK, Reader
from evidencekit.read.handles import Opener
from evidencekit.read.tree import look_at

GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602
NO_DUMP, IMMUTABLE, APPEND_ONLY = 0x40, 0x10, 0x20
DAY = 86_400 * 10**9

names = st.one_of(
    st.binary(min_size=1, max_size=255),
    st.text(min_size=1, max_size=60).map(lambda text: text.encode(errors="surrogateescape")[:255]),
    st.sampled_from([b"x" * 255, b"\xff", b"a\nb", b'"\\', "\u202e".encode(), b"\xed\xa0\x80", b"\x7f", b"-"]),
).filter(lambda name: name not in {b".", b".."} and b"/" not in name and b"\0" not in name)
prefixes = st.just(b"") | st.lists(names, min_size=1, max_size=3).map(lambda parts: b"/".join(parts) + b"/")
times = st.one_of(st.integers(-100 * 365 * DAY, 400 * 365 * DAY), st.sampled_from([0, -1, -1_000_000_001, 10**18 + 1]))
contents = st.binary(max_size=200) | st.integers(0, SMALL_BLOCK - 1).map(lambda size: b"c" * size)
files = st.fixed_dictionaries(
    {
        "name": names,
        "prefix": prefixes,
        "content": contents,
        "mode": st.integers(0, 0o7777),
        "mtime": times,
        "atime": times,
        "links": st.integers(0, 3),
        "flags": st.sampled_from([0, 0, NO_DUMP, IMMUTABLE, APPEND_ONLY]),
        "owner": st.sampled_from([None, (0, 0), (54_321, 0), (0, 54_321), (65_534, 65_534)]),
        "is_home": st.booleans(),
        "stable_inodes": st.booleans(),
    }
)


@contextmanager
def folder_of(file):
    """A folder with one file in it, of any sort that a file system takes; yields its path and a handle on it."""
    with tempfile.TemporaryDirectory(prefix="plain-") as text:
        folder = os.fsencode(text)
        path = folder + b"/" + file.name
        handle = os.open(folder, os.O_RDONLY)
        try:
            try:
                with open(path, "wb") as out:
                    out.write(file.content)
                for number in range(file.links):
                    os.link(path, b"%b/%b.%d" % (folder, file.name[:200], number))
                if file.owner is not None and os.geteuid() == 0:
                    os.chown(path, *file.owner)
                os.chmod(path, file.mode if os.geteuid() == 0 else file.mode | 0o400)
                os.utime(path, ns=(file.atime, file.mtime))
            except OSError:
                assume(False)  # this file system does not take such a name or time
            flagged = set_flags(path, file.flags)
            try:
                yield path, handle
            finally:
                if flagged:
                    set_flags(path, 0)
        finally:
            os.close(handle)


def set_flags(path, flags):
    """Set attributes as chattr does, where the file system and the rights allow it."""
    opened = os.open(path, os.O_RDONLY | os.O_NOATIME)
    try:
        fcntl.ioctl(opened, SET_FLAGS, struct.pack("@l", flags | (get_flags(opened) & ~0x70)))
    except OSError:
        return False
    finally:
        os.close(opened)
    return True


def get_flags(opened):
    return ctypes.c_int.from_buffer_copy(fcntl.ioctl(opened, GET_FLAGS, bytes(8))).value


class Taking:
    """Both ways of taking, side by side."""

    def __init__(self, *, stable_inodes=True, reader=None):
        self.opener = Opener()
        self.salts = []
        self.taker = Taker(Selection(), reader or Reader(), None, stable_inodes=stable_inodes)
        self.general = Taker(Selection(), Reader(), None, stable_inodes=stable_inodes)
        self.plain = self.taker.plain_files(self.opener, self._salt)
        self.batch = Batch()
        self.taker.device = self.general.device = 0

    def _salt(self):
        self.salts.append(os.urandom(16))
        return self.salts[-1]

    def quickly(self, handle, name, prefix=b"", device=0):
        return self.plain.take(handle, name, prefix + name, device, self.batch)

    def slowly(self, handle, name, prefix=b"", device=0):
        self.general.device = device
        return self.general.take(look_at(self.opener, handle, name, prefix + name))

    def rows(self):
        return list(Packed(self.batch.pack()).entries())


@given(files)
@example(
    {
        "name": b"\xff", "prefix": b"", "content": b"", "mode": 0o4000, "mtime": -1, "atime": -(10**18), "links": 2,
        "flags": NO_DUMP, "owner": (54_321, 54_321), "is_home": True, "stable_inodes": False,
    }
)  # fmt: skip
@settings(max_examples=150)
def test_the_row_is_that_of_the_general_way(file):
    file = SimpleNamespace(**file)
    taking = Taking(stable_inodes=file.stable_inodes)
    with folder_of(file) as (path, handle):
        status = os.stat(path)
        device = status.st_dev if file.is_home else status.st_dev + 1
        slow = taking.slowly(handle, file.name, file.prefix, device)
        is_taken = taking.quickly(handle, file.name, file.prefix, device)
        fits = status.st_blocks * 512 >= status.st_size and -(2**63) < status.st_mtime_ns < 2**63
        assert is_taken == (fits and not os.listxattr(path))
        assert os.stat(path).st_atime_ns == status.st_atime_ns
        if is_taken:
            assert taking.rows() == [slow]
            assert slow.state == "complete"
            assert bool(slow.link) == (file.links > 0)
            assert len(taking.salts) == 1
            assert taking.batch.salt == taking.salts
            again = Batch()
            again.add(slow, taking.salts[0])
            assert again.pack() == taking.batch.pack()
            assert again.weight == taking.batch.weight


def test_this_file_system_has_plain_files(tmp_path):
    """Without it the test above would hold whatever the code is."""
    (tmp_path / "file").write_bytes(b"content")
    if os.listxattr(tmp_path / "file"):
        pytest.skip("NOT RUN: every file here has attributes, so none is plain")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        assert Taking().quickly(handle, b"file")
    finally:
        os.close(handle)


def failing(_handle, _buffers, _offset):
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def changing(change):
    """Reading of a file during which somebody changes something, once."""
    changed = set()

    def preadv(handle, buffers, offset):
        size = os.preadv(handle, buffers, offset)
        inode = os.fstat(handle).st_ino
        if inode not in changed:
            changed.add(inode)
            change(handle)
        return size

    return preadv


def grow(handle):
    with open(f"/proc/self/fd/{handle}", "ab") as file:
        file.write(b"more")


def rewrite(handle):
    with open(f"/proc/self/fd/{handle}", "r+b") as file:
        file.write(b"C")
    os.utime(f"/proc/self/fd/{handle}", ns=(5, 5))


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fsdecode(path))


def a_hole(path):
    with open(path, "wb") as file:
        file.truncate(200_000)
        file.seek(100_000)
        file.write(b"island")
    if os.stat(path).st_blocks * 512 >= 200_000:
        pytest.skip("NOT RUN: this file system has no holes")


def attributes(path):
    a_file(path)
    try:
        os.setxattr(path, b"user.note", b"x")
    except OSError as error:
        pytest.skip(f"NOT RUN: this file system takes no attributes: {error.strerror}")


def a_file(path, size=9):
    with open(path, "wb") as file:
        file.write(b"c" * size)


DECLINED = {
    "gone": (lambda _: None, None),
    "link": (lambda path: os.symlink(b"nowhere", path), None),
    "fifo": (os.mkfifo, None),
    "folder": (os.mkdir, None),
    "socket": (a_socket, None),
    "attributes": (attributes, None),
    "hole": (a_hole, None),
    "large": (partial(a_file, size=SMALL_BLOCK), None),
    "larger": (partial(a_file, size=SMALL_BLOCK + 1), None),
    "unreadable": (a_file, lambda: failing),
    "grows": (a_file, lambda: changing(grow)),
    "shrinks": (a_file, lambda: changing(lambda handle: os.truncate(f"/proc/self/fd/{handle}", 3))),
    "is rewritten": (a_file, lambda: changing(rewrite)),
    "is touched": (a_file, lambda: changing(lambda handle: os.utime(handle, ns=(5, 5)))),
    "gets a name": (
        a_file,
        lambda: changing(lambda handle: os.fchmod(handle, 0o600 | (os.fstat(handle).st_mode & 0o77) ^ 1)),
    ),
    "gives less": (
        a_file,
        lambda: lambda handle, buffers, offset: os.preadv(handle, [buffers[0][:5]], offset) if not offset else 0,
    ),
}


@pytest.mark.parametrize("what", DECLINED)
@pytest.mark.parametrize("before", [0, 2])
def test_what_is_not_plain_leaves_nothing(tmp_path, what, before):
    make, make_preadv = DECLINED[what]
    preadv = None if make_preadv is None else make_preadv()
    make(os.fsencode(tmp_path / "odd"))
    for number in range(before):
        a_file(tmp_path / f"{number}")
    status = os.lstat(tmp_path / "odd") if what != "gone" else None
    taking = Taking(reader=Reader() if preadv is None else None)
    odd = Taking(reader=Reader(preadv=preadv)) if preadv is not None else taking
    handle = os.open(tmp_path, os.O_RDONLY)
    count = len(os.listdir("/proc/self/fd"))
    try:
        for number in range(before):
            assert taking.quickly(handle, b"%d" % number) or os.listxattr(tmp_path / f"{number}")
        packed, weight, salts = taking.batch.pack(), taking.batch.weight, list(taking.salts)
        odd.batch = taking.batch
        assert not odd.plain.take(handle, b"odd", b"odd", 0, taking.batch)
        node = odd.plain.declined
        assert (node is not None) == (what not in {"gone", "link", "fifo", "folder", "socket"}), "it is open still"
        assert len(os.listdir("/proc/self/fd")) == count + (node is not None)
    finally:
        os.close(handle)
    assert (taking.batch.pack(), taking.batch.weight) == (packed, weight)
    assert taking.salts == salts
    assert odd.salts in ([], salts)
    if node is not None:
        assert (node.kind, node.path, node.status.st_mtime_ns, node.status.st_size) == (
            "file", b"odd", status.st_mtime_ns, status.st_size,
        )  # fmt: skip
        os.unlink(tmp_path / "odd")  # nobody could open it again
        row = odd.taker.take(node)
        assert row.state == ("not_read" if what == "unreadable" else "changed")
        assert len(os.listdir("/proc/self/fd")) == count - 1, "the folder, too, is closed"


@given(
    st.fixed_dictionaries(
        {
            "st_mode": st.sampled_from(
                [0o100644, 0o100000, 0o010644, 0o040755, 0o120777, 0o140755, 0o020600, 0o060600]
            ),
            "st_size": st.integers(0, 2 * SMALL_BLOCK) | st.sampled_from([SMALL_BLOCK - 1, SMALL_BLOCK]),
            "st_blocks": st.integers(0, 4096),
            "st_mtime_ns": st.integers(-(2**64), 2**64) | st.sampled_from([2**63 - 1, 2**63, -(2**63), 1 - 2**63]),
        }
    )
)
def test_what_is_plain_fits_every_column(status):
    """Whatever a file system says: a size that is read at once, a time of 64 bits, no holes."""
    if _is_plain(SimpleNamespace(**status)):
        assert status["st_mode"] >> 12 == 0o10
        assert status["st_size"] < SMALL_BLOCK
        assert status["st_blocks"] * 512 >= status["st_size"]
        assert -(2**63) <= status["st_mtime_ns"] < 2**63


def test_a_planted_fifo_does_not_stop_it(tmp_path):
    """Nobody ever opens its other end: without O_NONBLOCK this would wait for ever."""
    os.mkfifo(tmp_path / "file")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        assert not PlainFiles(
            Opener(), Reader(), None, None, None, stable_inodes=True
        ).take(handle, b"file", b"file", 0, Batch())  # fmt: skip
    finally:
        os.close(handle)
