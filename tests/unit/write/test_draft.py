"""Drafts: what is written and skipped is what is kept, whatever the order; what is not kept leaves nothing."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.errors import CannotFinish
from evidencekit.write import draft as draft_module
from evidencekit.write.draft import Draft
from evidencekit.write.objects import Objects


@pytest.fixture
def objects(tmp_path):
    return Objects(tmp_path / "work", kept=tmp_path / "kept")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(draft_module, "HELD", 64)


def digest(data):
    return hashlib.sha256(data).digest()


def stored(tree, folder):
    return {place: data for place, data in tree(folder).items() if data is not None}


def name(data):
    found = hashlib.sha256(data).hexdigest()
    return f"work/sha256/{found[:2]}/{found}"


CALLS = {"open": 1, "write": 2, "ftruncate": 1, "replace": 1}
"""How often a long content with a hole in it makes each call."""
NO_ERROR = contextlib.nullcontext()
PIECES = st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 100)), max_size=8)


@given(contents=st.lists(PIECES, max_size=4))
def test_what_was_written_and_skipped_is_what_is_there(contents):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft_module, "HELD", 64)
        objects = Objects(Path(folder, "work"), kept=Path(folder, "kept"))
        expected = set()
        with objects.draft() as draft:
            for pieces in contents:
                logical = b""
                for piece in pieces:
                    if isinstance(piece, int):
                        draft.skip(piece)
                        logical += bytes(piece)
                    else:
                        draft.write(memoryview(piece))
                        logical += piece
                    assert draft.size == len(logical)
                draft.keep(digest(logical))
                expected.add(logical)
        found = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert {path.read_bytes() for path in found} == expected
        assert all(path.name == hashlib.sha256(path.read_bytes()).hexdigest() for path in found)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1000])
def test_of_every_size(objects, tmp_path, tree, small, size):
    data = b"x" * size
    with objects.draft() as draft:
        for start in range(0, size, 16):
            draft.write(memoryview(data)[start : start + 16])
        draft.keep(digest(data))
    assert stored(tree, tmp_path) == {name(data): data}


def test_the_buffer_may_be_used_again(objects, tmp_path, tree):
    buffer = bytearray(b"first")
    with objects.draft() as draft:
        draft.write(memoryview(buffer))
        buffer[:] = b"other"
        draft.keep(digest(b"first"))
    assert stored(tree, tmp_path) == {name(b"first"): b"first"}


def test_a_large_hole_takes_no_space(objects, tmp_path):
    size = 1 << 30
    with objects.draft() as draft:
        draft.skip(size)
        draft.keep(b"\xab" * 32)
    path = tmp_path / "work/sha256/ab" / ("ab" * 32)
    assert path.stat().st_size == size
    assert path.stat().st_blocks * 512 < 1 << 20


def test_a_duplicate_is_never_written(objects, tmp_path, monkeypatch):
    objects.put(b"content")
    opened = []
    monkeypatch.setattr(draft_module, "Appended", opened.append)
    with objects.draft() as draft:
        draft.write(memoryview(b"content"))
        draft.keep(digest(b"content"))
    assert opened == []


@pytest.mark.parametrize("data", [b"short", b"long" * 100])
def test_what_is_not_kept_leaves_nothing(objects, tmp_path, tree, small, data):
    with objects.draft() as draft:
        draft.write(memoryview(data))
    assert stored(tree, tmp_path) == {}
    with objects.draft() as draft:  # and is not part of what comes after
        draft.write(memoryview(data))
        draft.drop()
        draft.write(memoryview(b"next"))
        draft.keep(digest(b"next"))
    assert stored(tree, tmp_path) == {name(b"next"): b"next"}


def test_a_stop_in_the_middle_leaves_nothing(objects, tmp_path, tree, small):
    def act():
        with objects.draft() as draft:
            draft.write(memoryview(bytes(1000)))
            assert stored(tree, tmp_path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        act()
    assert stored(tree, tmp_path) == {}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "X421"), (errno.EROFS, "X422"), (errno.EIO, "X423")])
def test_an_error_at_every_call(objects, tmp_path, tree, small, fails_at, call, number, code):
    """None of them is a bare OSError, which a reader would take for an error of the source."""
    objects.put(b"before")
    data = b"a" * 100

    def act():
        with objects.draft() as draft:
            draft.write(memoryview(data))
            draft.skip(10)
            draft.write(memoryview(data))
            draft.keep(digest(data + bytes(10) + data))

    nth = 1
    while not objects.has(digest(data + bytes(10) + data)):
        with fails_at(call, nth, number), pytest.raises(CannotFinish) if nth <= CALLS[call] else NO_ERROR as caught:
            act()
        if caught is not None:
            assert caught.value.code == code
            assert stored(tree, tmp_path) == {name(b"before"): b"before"}
        nth += 1
    assert nth == CALLS[call] + 2


def test_a_full_disk(small_disk, tree):
    place = small_disk("4m")
    objects = Objects(place / "work", kept=place / "kept")
    objects.put(b"before")
    with objects.draft() as draft, pytest.raises(CannotFinish) as caught:
        draft.write(memoryview(bytes(8 << 20)))
    assert caught.value.code == "X421"
    assert list(stored(tree, place)) == [name(b"before")]
    objects.put(b"x" * (2 << 20))  # what was half written is gone, and there is room again


def test_a_draft_needs_no_more_than_a_shelf(tmp_path):
    class Shelf:
        def __init__(self):
            self.taken = []

        def has(self, digest, size=None):
            return False

        def temporary(self):
            return tmp_path / "draft"

        def take(self, path, digest):
            self.taken.append((path.read_bytes(), digest))

    shelf = Shelf()
    with Draft(shelf) as draft:
        draft.write(memoryview(b"x"))
        draft.keep(b"digest")
    assert shelf.taken == [(b"x", b"digest")]
