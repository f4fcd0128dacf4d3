"""A file read once: the same bytes as the file itself gives, and none of them asked for twice."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.read import once
from evidencekit.read.once import ReadOnce

DATA = random.Random(1).randbytes(50_000)


class Counted(io.BytesIO):
    """Bytes that note what was read of them; `most` bytes at a time."""

    def __init__(self, data, most=1 << 20):
        super().__init__(data)
        self.seen, self.most = [], most

    def read(self, size=-1):
        at = self.tell()
        data = super().read(min(size, self.most))
        self.seen += range(at, at + len(data))
        return data


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 20_000)), max_size=9), st.sampled_from([1000, 1 << 20])
)
def test_any_reads_give_what_the_file_gives_and_no_byte_twice(reads, most):
    source, plain = Counted(DATA, most), io.BytesIO(DATA)
    file = ReadOnce(source)
    for at, size in reads:
        assert file.seek(at) == plain.seek(at) == file.tell()
        assert file.read(size) == plain.read(size)
        assert file.tell() == plain.tell()
    assert len(source.seen) == len(set(source.seen))


def test_from_the_end_and_from_here():
    file = ReadOnce(Counted(DATA))
    assert file.readable()
    assert file.seekable()
    assert file.seek(-10, io.SEEK_END) == 49_990
    assert file.read(4) == DATA[-10:-6]
    assert file.seek(2, io.SEEK_CUR) == 49_996
    assert file.read() == DATA[-4:]
    assert file.read(1) == b""
    with pytest.raises(ValueError, match="before the beginning"):
        file.seek(-1)


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(once, "_MOST", 3)
    source = Counted(DATA)
    file = ReadOnce(source)
    for _ in range(2):
        for at in range(0, 50_000, 5000):
            file.seek(at)
            assert file.read(100) == DATA[at : at + 100]
            assert len(file._pieces) <= 3
    file.seek(0)
    assert file.read(50_000) == DATA  # more than is kept at all
    assert len(file._pieces) <= 3


def test_a_file_that_becomes_shorter_is_an_error():
    source = Counted(DATA)
    file = ReadOnce(source)
    source.truncate(10_000)
    assert file.read(8000) == DATA[:8000]
    with pytest.raises(OSError, match="shorter"):
        file.read(8000)
