"""Reading evidence: every digest in one pass, over bad places too, and never a word more than what was read."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
import time
from pathlib import Path

import pytest
from blake3 import blake3

from evidencekit.read import evidence
from evidencekit.read.evidence import LARGE_FILE, SMALL_BLOCK, Reader
from evidencekit.read.problem import problem_of

MIB = 1 << 20
EXTRA = ("md5", "sha1", "sha3_256", "sha512")


def expected(data, names=("blake3", "sha256")):
    return {name: blake3(data).digest() if name == "blake3" else hashlib.new(name, data).digest() for name in names}


def read(path, reader=None, **options):
    handle = os.open(path, os.O_RDONLY)
    try:
        return (reader or Reader()).read(handle, **options)
    finally:
        os.close(handle)


@pytest.fixture
def file(tmp_path):
    def make(data):
        path = tmp_path / "evidence"
        path.write_bytes(data)
        return path

    return make


class Medium:
    """A reading call over a file with bad places, which are errors for every block that touches them."""

    def __init__(self, bad=(), *, number=errno.EIO, most=1 << 30):
        self.bad = bad
        self.number = number
        self.most = most
        self.calls = []

    def __call__(self, handle, buffers, offset):
        (buffer,) = buffers
        self.calls.append((offset, len(buffer)))
        end = min(offset + min(len(buffer), self.most), os.fstat(handle).st_size)
        if any(offset < stop and start < end for start, stop in self.bad):
            raise OSError(self.number, os.strerror(self.number))
        return os.preadv(handle, [buffer[: self.most]], offset)


@pytest.mark.parametrize(
    "size", [0, 1, 4096, SMALL_BLOCK - 1, SMALL_BLOCK, SMALL_BLOCK + 1, 3 * SMALL_BLOCK + 17], ids=str
)
def test_digests_of_every_size(file, size):
    data = os.urandom(size)
    reading = read(file(data))
    assert reading.digests == expected(data)
    assert (reading.size, reading.stated, reading.state) == (size, size, "complete")
    assert (reading.unreadable, reading.problem) == ([], None)


@pytest.mark.parametrize("size", [LARGE_FILE, LARGE_FILE + 1, 5 * evidence.LARGE_BLOCK - 1], ids=str)
@pytest.mark.parametrize("names", [(), EXTRA[:1]], ids=["two digests", "and MD5"])
def test_large_files(file, size, names):
    data = os.urandom(1000) * (size // 1000 + 1)
    data = data[:size]
    heard = []
    reading = read(file(data), Reader(names), on_block=heard.append)
    assert reading.digests == expected(data, ("blake3", "sha256", *names))
    assert reading.state == "complete"
    assert sum(heard) == size


@pytest.mark.parametrize("size", [0, 5000, SMALL_BLOCK + 5000])
def test_digests_on_request(file, size):
    data = os.urandom(size)
    names = ("blake3", *EXTRA, "sha256")
    reading = read(file(data), Reader(names))
    assert reading.digests == expected(data, names)
    assert {name: len(value) for name, value in reading.digests.items()} == {
        "blake3": 32,
        "md5": 16,
        "sha1": 20,
        "sha256": 32,
        "sha3_256": 32,
        "sha512": 64,
    }


def test_one_reader_for_many_files(tmp_path):
    reader = Reader()
    for size in [100, 3 * MIB, 7, 0, LARGE_FILE, 9, SMALL_BLOCK]:
        data = os.urandom(1000) * (size // 1000 + 1)
        path = tmp_path / "file"
        path.write_bytes(data[:size])
        assert read(path, reader).digests == expected(data[:size])


def test_helper_ends_with_the_file(file):
    before = threading.active_count()
    read(file(bytes(LARGE_FILE)))
    assert threading.active_count() == before


def test_helper_ends_when_reading_is_interrupted(file):
    before = threading.active_count()

    def interrupt(size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(file(bytes(LARGE_FILE)), on_block=interrupt)
    assert threading.active_count() == before


def test_short_reads_are_read_on(file):
    data = os.urandom(50_000)
    assert read(file(data), Reader(preadv=Medium(most=777))).digests == expected(data)


# --- what changes under the reading ------------------------------------------------------------------------------


def changing(path, change, *, at=1):
    """Read with a file that is changed after so many calls."""
    calls = 0

    def preadv(handle, buffers, offset):
        nonlocal calls
        calls += 1
        size = os.preadv(handle, buffers, offset)
        if calls == at:
            change(path)
        return size

    return Reader(preadv=preadv)


def append(path):
    with path.open("ab") as out:
        out.write(b"more")


def overwrite(path):
    with path.open("r+b") as out:
        out.write(b"other")


def replace(path):
    new = path.with_name("new")
    new.write_bytes(b"another file")
    new.rename(path)


@pytest.mark.parametrize(
    "change", [append, overwrite, replace, lambda path: path.unlink(), lambda path: path.chmod(0o600)]
)
def test_what_changes_is_read_and_said(file, change):
    data = os.urandom(2 * SMALL_BLOCK)
    path = file(data)
    time.sleep(0.02)  # so that the clock of the file system has gone on
    reading = read(path, changing(path, change))
    assert reading.state == "changed"
    assert reading.after.st_ctime_ns > reading.before.st_ctime_ns
    if change is append:
        assert reading.digests == expected(data + b"more")
        assert reading.size == len(data) + 4
    else:
        assert reading.digests == expected(data)


def test_what_grows_behind_the_end_is_said(file):
    path = file(b"x" * 100)
    reading = read(path, changing(path, append))
    assert (reading.size, reading.after.st_size, reading.state) == (100, 104, "changed")
    assert reading.digests == expected(b"x" * 100)


@pytest.mark.parametrize("size", [0, 1, 100, SMALL_BLOCK - 1, SMALL_BLOCK, SMALL_BLOCK + 1])
@pytest.mark.parametrize("more", [0, -1, 1])
def test_small_files_at_once(file, size, more):
    """One call where the size is as stated; one more sees the end where it is not."""
    data = os.urandom(size)
    calls = []

    def preadv(handle, buffers, offset):
        calls.append(offset)
        return os.preadv(handle, buffers, offset)

    with file(data).open("rb") as opened:
        found = Reader(preadv=preadv).at_once(opened.fileno(), size + more)
        if size >= SMALL_BLOCK:
            assert found is None
            return
        content, after = found
        assert bytes(content) == data
        assert after == os.fstat(opened.fileno())
        assert calls == [0, *([size] if more else [])]


def test_small_file_that_comes_in_parts_is_not_taken_at_once(file):
    """The second call would see its end, and sees more of it."""
    with file(b"x" * 100).open("rb") as opened:
        parts = Reader(preadv=lambda handle, buffers, offset: os.preadv(handle, [buffers[0][:60]], offset))
        assert parts.at_once(opened.fileno(), 100) is None
        failing = Reader(preadv=lambda *_: (_ for _ in ()).throw(OSError(5, "")))
        assert failing.at_once(opened.fileno(), 100) is None
        reading = parts.read(opened.fileno())
    assert (reading.size, reading.state, reading.digests) == (100, "complete", expected(b"x" * 100))


@pytest.mark.parametrize("left", [0, 100])
def test_what_shrinks(file, left):
    data = os.urandom(3 * SMALL_BLOCK)
    path = file(data)
    reading = read(path, changing(path, lambda path: os.truncate(path, left)))
    assert reading.state == "changed"
    assert (reading.size, reading.after.st_size) == (SMALL_BLOCK, left)
    assert reading.digests == expected(data[:SMALL_BLOCK])


def test_file_that_says_another_size_than_it_gives_counts_as_changed(tmp_path):
    with Path("/proc/version").open("rb") as file:
        reading = Reader().read(file.fileno())
        content = os.pread(file.fileno(), 10_000, 0)
    assert reading.digests == expected(content)
    assert (reading.size, reading.after.st_size, reading.state) == (len(content), 0, "changed")


# --- unreadable places ----------------------------------------------------------------------------------------------


def zeroed(data, ranges):
    data = bytearray(data)
    for offset, length in ranges:
        data[offset : offset + length] = bytes(length)
    return bytes(data)


BAD_PLACES = {
    "one byte": ([(5000, 5001)], [(4096, 4096)]),
    "first block": ([(0, 1)], [(0, 4096)]),
    "over a border": ([(8191, 8193)], [(4096, 8192)]),
    "neighbours join": ([(4096, 4097), (8192, 8193)], [(4096, 8192)]),
    "apart": ([(4096, 4097), (12288, 12289)], [(4096, 4096), (12288, 4096)]),
    "last, short block": ([(19_999, 20_000)], [(16384, 3616)]),
}


@pytest.mark.parametrize(("bad", "ranges"), BAD_PLACES.values(), ids=BAD_PLACES)
@pytest.mark.parametrize("names", [(), EXTRA], ids=["two digests", "all"])
def test_ranges_of_a_small_file_are_exact(file, bad, ranges, names):
    data = os.urandom(20_000)
    reading = read(file(data), Reader(names, preadv=Medium(bad)))
    assert reading.state == "partial"
    assert reading.unreadable == ranges
    assert reading.digests == expected(zeroed(data, ranges), ("blake3", "sha256", *names))
    assert reading.size == 20_000
    assert reading.problem.reason == "io_error"
    assert reading.problem.detail == "EIO: Input/output error"


def test_ranges_over_the_borders_of_large_blocks(file):
    data = os.urandom(1 << 16) * (LARGE_FILE >> 16) + b"tail"
    border = evidence.LARGE_BLOCK
    medium = Medium([(border - 1, border + 1), (3 * border + 100, 3 * border + 9000), (LARGE_FILE + 2, LARGE_FILE + 3)])
    reading = read(file(data), Reader(preadv=medium))
    ranges = [(border - 4096, 8192), (3 * border, 12288), (LARGE_FILE, 4)]
    assert reading.unreadable == ranges
    assert reading.digests == expected(zeroed(data, ranges))
    assert reading.state == "partial"


def test_error_after_a_short_read_stays_aligned(file):
    data = os.urandom(30_000)
    reading = read(file(data), Reader(preadv=Medium([(10_000, 10_001)], most=5000)))
    assert reading.unreadable == [(10_000, 2288)]  # up to the border of its block: what came before it was read
    assert reading.digests == expected(zeroed(data, reading.unreadable))


def test_only_the_bad_stretch_is_read_in_small_steps(file):
    medium = Medium([(2 * SMALL_BLOCK, 2 * SMALL_BLOCK + 1)])
    read(file(bytes(4 * SMALL_BLOCK)), Reader(EXTRA, preadv=medium))
    sizes = [length for _, length in medium.calls]
    assert sizes.count(4096) == SMALL_BLOCK // 4096
    assert sizes.count(SMALL_BLOCK) == 5


def test_nothing_that_can_be_read(file):
    reading = read(file(os.urandom(10_000)), Reader(preadv=Medium([(0, 10_000)])))
    assert reading.state == "not_read"
    assert reading.unreadable == [(0, 10_000)]


def test_error_in_an_empty_file(file):
    def preadv(handle, buffers, offset):
        raise OSError(errno.EIO, "")

    reading = read(file(b""), Reader(preadv=preadv))
    assert (reading.state, reading.size, reading.problem.reason) == ("not_read", 0, "io_error")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EISDIR])
def test_errors_that_are_not_of_the_medium_are_not_tried_block_by_block(file, number):
    data = os.urandom(3 * SMALL_BLOCK)
    medium = Medium([(SMALL_BLOCK, SMALL_BLOCK + 1)], number=number)
    reading = read(file(data), Reader(EXTRA, preadv=medium))
    assert reading.state == "partial"
    assert reading.unreadable == [(SMALL_BLOCK, SMALL_BLOCK)]
    assert len(medium.calls) == 5
    assert reading.problem == problem_of(OSError(number, ""))


def test_file_that_shrinks_while_read_over(file):
    data = os.urandom(20_000)
    path = file(data)
    medium = Medium([(4096, 4097)])

    def preadv(handle, buffers, offset):
        if offset == 8192 and len(buffers[0]) == 4096:
            os.truncate(path, 8192)
        return medium(handle, buffers, offset)

    reading = read(path, Reader(preadv=preadv))
    assert reading.unreadable == [(4096, 4096)]
    assert reading.size == 8192
    assert reading.digests == expected(zeroed(data[:8192], [(4096, 4096)]))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "permission_denied"),
        (errno.EPERM, "permission_denied"),
        (errno.EIO, "io_error"),
        (errno.ENOENT, "not_found"),
        (errno.ENAMETOOLONG, "too_long"),
        (errno.EFBIG, "too_large"),
        (errno.EOPNOTSUPP, "unsupported"),
        (errno.EINTR, "interrupted"),
        (errno.ELOOP, "changed_kind"),
        (errno.EMFILE, "other"),
        (99_999, "other"),
    ],
)
def test_reasons(number, reason):
    problem = problem_of(OSError(number, "words"))
    assert problem.reason == reason
    assert problem.detail
    assert "\n" not in problem.detail
