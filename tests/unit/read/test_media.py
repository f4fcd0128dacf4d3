"""Holes that cost nothing and are believed only so far; media that disappear; devices."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import stat
import subprocess
import threading
from pathlib import Path

import pytest
from blake3 import blake3

from evidencekit.errors import CannotFinish
from evidencekit.read import media
from evidencekit.read.evidence import LARGE_FILE, SMALL_BLOCK, Reader
from evidencekit.read.extents import holes
from evidencekit.read.media import LARGE_BLOCK
from evidencekit.read.tree import walk

MIB = 1 << 20
KIB = 1 << 10
GONE = [errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT]


def read(path, reader=None, **options):
    handle = os.open(path, os.O_RDONLY)
    try:
        return (reader or Reader()).read(handle, **options)
    finally:
        os.close(handle)


def digests(data):
    return {"blake3": blake3(data).digest(), "sha256": hashlib.sha256(data).digest()}


def zeroed(data, ranges):
    data = bytearray(data)
    for offset, length in ranges:
        data[offset : offset + length] = bytes(length)
    return bytes(data)


class Copy:
    """A sink that is a file as it should become, and what it was told."""

    def __init__(self):
        self.content = bytearray()
        self.skipped = []

    def write(self, data):
        assert data.readonly
        assert len(data)
        self.content += data

    def skip(self, length):
        assert length > 0
        if self.skipped and sum(self.skipped[-1]) == len(self.content):
            self.skipped[-1] = (self.skipped[-1][0], self.skipped[-1][1] + length)
        else:
            self.skipped.append((len(self.content), length))
        self.content += bytes(length)


class Medium:
    """A reading call that fails where and when it is told to, and remembers what was asked of it."""

    def __init__(self, fails=lambda offset, length, call: None, *, most=1 << 30):
        self.fails = fails
        self.most = most
        self.calls = []

    def __call__(self, handle, buffers, offset):
        (buffer,) = buffers
        self.calls.append((offset, len(buffer)))
        number = self.fails(offset, len(buffer), len(self.calls))
        if number:
            raise OSError(number, os.strerror(number))
        return os.preadv(handle, [buffer[: self.most]], offset)


@pytest.fixture
def file(tmp_path):
    def make(data):
        path = tmp_path / "evidence"
        path.write_bytes(data)
        return path

    return make


@pytest.fixture
def sparse(tmp_path):
    """Return a function that makes a file of a size with some islands of random bytes, `{offset: length}`."""

    def make(size, islands):
        path = tmp_path / "sparse"
        with path.open("wb") as out:
            out.truncate(size)
            for offset, length in islands.items():
                os.pwrite(out.fileno(), os.urandom(length), offset)
            os.fsync(out.fileno())
        status = path.stat()
        if status.st_blocks * 512 >= status.st_size:
            pytest.skip("NOT RUN: this file system has no holes")
        return path

    return make


# --- holes ---------------------------------------------------------------------------------------------------------

SHAPES = {
    "nothing but a hole": (5 * MIB, {}),
    "an island": (5 * MIB, {2 * MIB: 100 * KIB}),
    "both ends": (5 * MIB + 1, {0: 64 * KIB, 5 * MIB: 1}),
    "large, all hole": (70 * MIB + 7, {}),
    "large, a hole in each block": (40 * MIB, {n * 8 * MIB: 5 * MIB for n in range(5)}),
    "large, holes over borders": (50 * MIB, {0: 7 * MIB, 20 * MIB: 5 * MIB, 49 * MIB: MIB}),
    "fragments": (4 * MIB, {n * 64 * KIB: 32 * KIB for n in range(64)}),
}


@pytest.mark.parametrize(("size", "islands"), SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("most", [1 << 30, 100_000], ids=["whole reads", "short reads"])
def test_holes_are_hashed_and_not_read(sparse, size, islands, most):
    path = sparse(size, islands)
    content = path.read_bytes()
    medium, copy, heard = Medium(most=most), Copy(), []
    reading = read(path, Reader(("sha1",), preadv=medium), sink=copy, on_block=heard.append)
    assert reading.digests == {**digests(content), "sha1": hashlib.sha1(content, usedforsecurity=False).digest()}
    assert (reading.state, reading.size, reading.unreadable) == ("complete", size, [])
    assert copy.content == content
    assert sum(heard) == (size if size >= LARGE_FILE else 0)
    with path.open("rb") as opened:
        assert copy.skipped == holes(opened.fileno(), size)
    # One block at either end of a hole is looked at; beyond that, only data was read.
    for offset, length in medium.calls:
        inside = any(start <= offset and offset + length <= start + hole for start, hole in copy.skipped)
        assert not inside or length <= 4096
    assert len([call for call in medium.calls if call[1] <= 4096]) <= 2 * len(copy.skipped) + most // 4096


def test_dense_file_is_not_asked_for_holes(file):
    def asked(handle, size):
        raise AssertionError

    data = os.urandom(2 * MIB)
    assert read(file(data), Reader(holes=asked)).digests == digests(data)


def test_small_file_is_given_in_one_piece(sparse):
    path = sparse(SMALL_BLOCK - 1, {4096: 4096})
    copy = Copy()
    read(path, sink=copy)
    assert (copy.content, copy.skipped) == (path.read_bytes(), [])


def lying(*found, error=None):
    def told(handle, size):
        yield from found
        if error:
            raise OSError(error, os.strerror(error))

    return told


def test_hole_that_holds_something_is_read(sparse):
    """OpenZFS said "hole" of what was not written to disk yet: openzfs/zfs issue 15526."""
    path = sparse(6 * MIB, {0: 4096, 2 * MIB: 4096, 4 * MIB + 5000: 1})
    content = path.read_bytes()
    for found in [(0, 6 * MIB), (2 * MIB, MIB), (3 * MIB, MIB + 5001)]:
        copy = Copy()
        reading = read(path, Reader(holes=lying((MIB, 4096), found, (5 * MIB, MIB))), sink=copy)
        assert reading.digests == digests(content)
        assert copy.content == content
        assert copy.skipped == [(MIB, 4096)]  # what it said before stood the test; after, it is not asked again


def test_hole_that_cannot_be_read_is_no_hole(sparse):
    path = sparse(4 * MIB, {0: 4096})

    def fails(offset, length, call):
        return errno.EIO if offset < 2 * MIB + 100 and offset + length > 2 * MIB else None

    reading = read(path, Reader(preadv=Medium(fails), holes=lying((2 * MIB, MIB))))
    assert (reading.state, reading.unreadable) == ("partial", [(2 * MIB, 4096)])


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOTTY, errno.EOPNOTSUPP])
def test_file_system_that_breaks_off_telling_holes(sparse, number):
    path = sparse(6 * MIB, {2 * MIB: 4096})
    copy = Copy()
    reading = read(path, Reader(holes=lying((0, MIB), error=number)), sink=copy)
    assert (reading.state, reading.digests) == ("complete", digests(path.read_bytes()))
    assert copy.skipped == [(0, MIB)]


@pytest.mark.parametrize(
    "answers",
    [[0, 0], [0, 4096, 0], [4096, 0], [-1], [1 << 62], [0, 1 << 62]],
    ids=str,
)
def test_whatever_the_file_system_answers_it_ends(sparse, monkeypatch, answers):
    path = sparse(3 * MIB, {})
    answers = iter(answers)
    real = os.lseek
    monkeypatch.setattr(os, "lseek", lambda *asked: next(answers, None) or real(*asked))
    assert read(path).digests == digests(bytes(3 * MIB))


def test_system_without_holes(sparse, monkeypatch):
    path = sparse(3 * MIB, {})
    monkeypatch.delattr(os, "SEEK_HOLE")
    copy = Copy()
    assert read(path, sink=copy).digests == digests(bytes(3 * MIB))
    assert copy.skipped == []


@pytest.mark.parametrize("size", [3 * MIB, 40 * MIB])
@pytest.mark.parametrize("to", [100, 7 * MIB // 2, 100 * MIB], ids=["cut off", "cut in a hole", "grown"])
def test_sparse_file_that_changes_size(sparse, size, to):
    path = sparse(size, {0: 4096, 2 * MIB: 4096})
    done = []

    def fails(offset, length, call):
        if offset == 0 and length > 4096 - 1 and not done:
            done.append(os.truncate(path, to))

    copy = Copy()
    reading = read(path, Reader(preadv=Medium(fails)), sink=copy)
    assert reading.state == "changed"
    assert reading.digests == digests(copy.content)
    assert reading.size == len(copy.content) >= min(size, to)
    assert reading.stated == to


def test_data_written_into_a_hole_meanwhile_is_a_change(sparse):
    path = sparse(4 * MIB, {0: 4096})
    os.utime(path, ns=(0, 0))
    done = []

    def fails(offset, length, call):
        if offset == 0 and not done:
            with path.open("r+b") as out:
                done.append(os.pwrite(out.fileno(), b"new", 2 * MIB))

    assert read(path, Reader(preadv=Medium(fails))).state == "changed"


def test_memory_does_not_grow_with_a_hole(sparse):
    path = sparse(1 << 30, {512 * MIB: 5})
    reader = Reader()
    read(sparse(LARGE_FILE, {}), reader)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = sparse(1 << 30, {512 * MIB: 5})
    assert read(path, reader).state == "complete"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * KIB  # counted in KiB


# --- what the sink does ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [100, 3 * MIB, 40 * MIB], ids=["at once", "small", "large"])
@pytest.mark.parametrize("after", [0, 1])
def test_error_of_the_sink_is_not_one_of_the_source(file, size, after):
    class Full(Copy):
        def write(self, data):
            super().write(data)
            if len(self.content) > after * MIB:
                raise CannotFinish("The medium is full.", code="X421")

    if size < after * MIB:
        return
    threads = threading.active_count()
    reader = Reader()
    path = file(os.urandom(1024) * (size // 1024 + 1))
    with pytest.raises(CannotFinish):
        read(path, reader, sink=Full())
    assert threading.active_count() == threads
    assert read(path, reader).digests == digests(path.read_bytes())


def test_sink_is_called_only_when_a_small_file_was_read(file):
    data = os.urandom(10_000)
    medium = Medium(lambda offset, length, call: errno.EIO if call <= 2 else None)
    copy = Copy()
    assert read(file(data), Reader(preadv=medium), sink=copy).state == "complete"
    assert copy.content == data


@pytest.mark.parametrize("size", [20_000, 40 * MIB])
def test_unreadable_ranges_come_to_the_sink_as_zeros(file, size):
    data = os.urandom(size)
    copy = Copy()

    def fails(offset, length, call):
        return errno.EIO if offset < 9000 and offset + length > 8192 else None

    reading = read(file(data), Reader(preadv=Medium(fails)), sink=copy)
    assert reading.unreadable == [(8192, 4096)]
    assert copy.content == zeroed(data, reading.unreadable)
    assert copy.skipped == []
    assert reading.digests == digests(copy.content)


# --- errors that pass ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20_000, 3 * MIB, 40 * MIB])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENODEV, errno.EACCES, errno.EINTR])
def test_error_that_passes_leaves_no_trace(file, size, number):
    data = os.urandom(size)
    medium = Medium(lambda offset, length, call: number if call == 2 else None)
    reading = read(file(data), Reader(preadv=medium))
    assert (reading.state, reading.problem) == ("complete", None)
    assert reading.digests == digests(data)


def test_interruptions_are_gone_through(file):
    data = os.urandom(3 * MIB)
    medium = Medium(lambda offset, length, call: errno.EINTR if call % 5 else None)
    reading = read(file(data), Reader(preadv=medium))
    assert (reading.state, reading.digests) == ("complete", digests(data))


# --- media that disappear -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", GONE)
@pytest.mark.parametrize("size", [20 * MIB + 5, 33 * MIB + 5], ids=["small blocks", "large blocks"])
def test_lost_medium_costs_a_few_calls(file, number, size):
    data = os.urandom(MIB) * (size // MIB + 1)
    data = data[:size]
    medium = Medium(lambda offset, length, call: number if call > 2 else None)
    copy = Copy()
    reading = read(file(data), Reader(preadv=medium), sink=copy)
    ((start, length),) = reading.unreadable
    assert (start + length, reading.size) == (size, size)
    assert start == 2 * (SMALL_BLOCK if size < LARGE_FILE else LARGE_BLOCK)
    assert len(medium.calls) == 5
    assert reading.state == "partial"
    assert reading.problem.reason == "io_error"
    assert reading.problem.detail.startswith(errno.errorcode[number])
    assert copy.content == zeroed(data, reading.unreadable)
    assert copy.skipped == reading.unreadable
    assert reading.digests == digests(copy.content)


@pytest.mark.parametrize("number", GONE)
def test_medium_that_was_lost_before_anything_was_read(file, number):
    """Nobody needs the digests of zeros, which take hours for a large medium."""
    medium = Medium(lambda offset, length, call: number)
    reading = read(file(bytes(40 * MIB)), Reader(preadv=medium))
    assert (reading.state, reading.unreadable) == ("not_read", [(0, 40 * MIB)])
    assert len(medium.calls) == 3


def test_medium_lost_while_bad_places_are_read_over(file):
    data = os.urandom(MIB) * 5
    bad = (2 * MIB + 8192, 2 * MIB + 8193)

    def fails(offset, length, call):
        if len(medium.calls) > 20:
            return errno.ENODEV
        return errno.EIO if offset < bad[1] and bad[0] < offset + length else None

    medium = Medium(fails)
    reading = read(file(data), Reader(("md5",), preadv=medium))
    assert reading.unreadable[0] == (2 * MIB + 8192, 4096)
    assert reading.unreadable[-1][0] + reading.unreadable[-1][1] == 5 * MIB
    assert len(medium.calls) < 300
    assert reading.digests["sha256"] == hashlib.sha256(zeroed(data, reading.unreadable)).digest()


def test_error_of_one_place_that_speaks_of_the_whole_is_tried_exactly(file):
    data = os.urandom(MIB) * 3

    def fails(offset, length, call):
        return errno.ENXIO if offset < MIB + 10 and offset + length > MIB else None

    reading = read(file(data), Reader(("md5",), preadv=Medium(fails)))
    assert reading.unreadable == [(MIB, 4096)]
    assert reading.problem.reason == "io_error"


def test_server_that_forgets_the_file_after_it_was_read(file, monkeypatch):
    path = file(os.urandom(3 * MIB))
    real, asked = os.fstat, []

    def fstat(handle):
        asked.append(handle)
        if len(asked) > 1:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", fstat)
        reading = read(path)
    assert (reading.state, reading.problem.reason) == ("not_read", "io_error")


def test_plain_errors_all_over_cost_one_call_a_block(file):
    """A file system whose medium was pulled out says EIO at once, for each block: one call each, and no more."""
    medium = Medium(lambda *asked: errno.EIO)
    reading = read(file(os.urandom(MIB) * 32), Reader(preadv=medium))
    assert (reading.state, reading.unreadable) == ("not_read", [(0, 32 * MIB)])
    assert len(medium.calls) <= 32 * MIB // 4096 + 10


def test_plain_errors_of_a_device_that_was_taken_away(file):
    """A stick that was pulled out while mounted: its file system goes on, and says EIO of each block."""
    path = file(os.urandom(MIB) * 32)
    asked = []
    medium = Medium(lambda offset, length, call: errno.EIO if offset + length > 8 * MIB else None)
    reading = read(path, Reader(preadv=medium, unlisted=lambda number: bool(asked.append(number)) or True))
    assert asked == [path.stat().st_dev]
    assert reading.unreadable == [(8 * MIB, 24 * MIB)]
    assert len(medium.calls) == 4


# --- asking again -----------------------------------------------------------------------------------------------------

PLACES = {
    "nothing asked": ([], False),
    "still bad": ([(4096, 4096)], False),
    "first place of a range": ([(0, 4096), (4096, 4096)], True),
    "last place of a range": ([(4096, 8192)], True),
    "middle of a range": ([(4096, 100_000)], True),
    "one byte": ([(0, 1)], True),
    "behind the end": ([(1 << 40, 4096)], False),
}


@pytest.mark.parametrize(("ranges", "answer"), PLACES.values(), ids=PLACES)
def test_probe(file, ranges, answer):
    medium = Medium(lambda offset, length, call: errno.EIO if 4096 <= offset < 8192 else None)
    handle = os.open(file(bytes(80_000)), os.O_RDONLY)
    assert Reader(preadv=medium).probe(handle, ranges) is answer
    assert len(medium.calls) <= 3 * len(ranges)
    assert all(length <= 512 for _, length in medium.calls)
    os.close(handle)


@pytest.mark.parametrize(("number", "calls"), [(errno.EIO, 3000), (errno.EACCES, 3000), (errno.ENODEV, 1)])
def test_probe_never_raises_and_ends(file, number, calls):
    medium = Medium(lambda *asked: number)
    handle = os.open(file(b"x"), os.O_RDONLY)
    assert Reader(preadv=medium).probe(handle, [(n * 10_000, 9000) for n in range(1000)]) is False
    assert len(medium.calls) == calls
    os.close(handle)


# --- devices -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def device(tmp_path):
    """Return a function that makes a block device of some bytes."""
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can make loop devices")
    made = []

    def make(data):
        image = tmp_path / "image"
        image.write_bytes(data)
        done = subprocess.run(
            ["losetup", "--read-only", "-f", "--show", image], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"NOT RUN: no loop device: {done.stderr.strip()}")
        made.append(Path(done.stdout.strip()))
        return made[-1]

    yield make
    for path in made:
        subprocess.run(["losetup", "-d", path], check=True)


@pytest.mark.judge("losetup")
@pytest.mark.parametrize("size", [MIB, 40 * MIB])
def test_device_that_is_the_source(device, size):
    data = os.urandom(MIB) * (size // MIB)
    ((reading, copy),) = walk_open(device(data))
    assert (reading.state, reading.size, reading.stated) == ("complete", size, size)
    assert reading.digests == digests(data)
    assert copy.content == data


def walk_open(path, reader=None):
    found = []
    for node in walk(path):
        assert node.kind == "block_device"
        handle = node.open()
        copy = Copy()
        found.append(((reader or Reader()).read(handle, None, node.opened, copy), copy))
        os.close(handle)
    return found


@pytest.mark.judge("losetup")
def test_bad_sectors_of_a_device_are_exact(device):
    data = os.urandom(MIB)

    def fails(offset, length, call):
        return errno.EIO if offset < 5121 and offset + length > 5120 else None

    ((reading, copy),) = walk_open(device(data), Reader(preadv=Medium(fails)))
    assert reading.unreadable == [(5120, 512)]
    assert copy.content == zeroed(data, reading.unreadable)


class FakeDevice:
    """A device of a size that is nobody's: what the system says when one is pulled out, step by step."""

    def __init__(self, monkeypatch, size):
        self.size = size
        monkeypatch.setattr(media.os, "lseek", lambda *asked: self.size)
        monkeypatch.setattr(media.stat, "S_ISBLK", lambda mode: True)


@pytest.mark.parametrize("last", [0, errno.EIO], ids=["reads as ended", "plain errors"])
def test_device_that_is_pulled_out_has_no_size_any_more(file, monkeypatch, last):
    """Linux sets its size to zero: what is read then looks like the end, or like a bad sector."""
    data = os.urandom(MIB) * 4
    fake = FakeDevice(monkeypatch, len(data))

    def preadv(handle, buffers, offset):
        if offset < 2 * MIB:
            return os.preadv(handle, buffers, offset)
        fake.size = 0
        if last:
            raise OSError(last, os.strerror(last))
        return 0

    reading = read(file(data), Reader(("md5",), preadv=preadv))
    assert reading.unreadable == [(2 * MIB, 2 * MIB)]
    assert reading.problem.reason == "io_error"
    assert reading.digests["sha256"] == hashlib.sha256(zeroed(data, reading.unreadable)).digest()


@pytest.mark.judge("losetup")
def test_device_whose_image_became_shorter(device, tmp_path):
    """A real one that gives fewer bytes than it said: the kernel answers with errors, and every byte is accounted for."""
    data = os.urandom(MIB) * 4
    path = device(data)
    os.truncate(tmp_path / "image", 2 * MIB)
    subprocess.run(["blockdev", "--flushbufs", path], check=False, capture_output=True)
    ((reading, copy),) = walk_open(path)
    assert stat.S_ISBLK(reading.before.st_mode)
    assert (reading.size, len(copy.content)) == (4 * MIB, 4 * MIB)
    assert reading.digests == digests(copy.content)
    assert copy.content[: 2 * MIB - 4096] == data[: 2 * MIB - 4096]
    assert reading.state == ("partial" if reading.unreadable else "complete")
