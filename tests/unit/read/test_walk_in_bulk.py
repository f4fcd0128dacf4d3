"""The walk in bulk: the names of `walk`, in its order; what is no folder comes by name alone, and is looked at later."""

from __future__ import annotations

import errno
import itertools
import os
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.records import sort_key
from evidencekit.read import folders, tree
from evidencekit.read.folders import (
    FILE_MARK,
    LINK_MARK,
    MARK,
    OTHER_MARK,
    Folder,
    mark_of,
    marked_kind,
    marked_names_in,
)
from evidencekit.read.handles import Opener
from evidencekit.read.tree import MAX_NAMES, Names, Node, look_at, walk, walk_in_bulk


def flat(source, **options):
    """What a walk in bulk yields: `(path, kind)`, looked at on the way."""
    found = []
    opener = Opener()
    for one in walk_in_bulk(source, opener=opener, **options):
        if isinstance(one, Node):
            found.append((one.path, one.kind, one.problem))
            continue
        assert 0 < len(one.names) <= MAX_NAMES
        assert all(name.endswith(MARK) for name in one.names)
        for name in one.names:
            bare = name.rstrip(MARK)
            node = look_at(opener, one.parent, bare, one.prefix + bare)
            assert marked_kind(name) in {node.kind, "unknown"}
            assert (name == bare + FILE_MARK) == (node.kind == "file")
            found.append((node.path, node.kind, node.problem))
    return found


def plainly(source, **options):
    return [(node.path, node.kind, node.problem) for node in walk(source, **options)]


def make_tree(folder, seed):
    rng = random.Random(seed)
    alphabet = [b"a", b"b", b"-", b".x", b"0", b"\xc3\xa9", b"\xff", b" ", b"\n"]
    makers = [
        lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)), os.mkfifo, lambda path: os.symlink(b"x", path),
        lambda path: os.makedirs(path, exist_ok=True),
    ]  # fmt: skip
    for _ in range(200):
        parts = [b"".join(rng.choices(alphabet, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 5))]
        *above, last = [part for part in parts if part not in {b".", b".."}] or [b"z"]
        try:
            os.makedirs(os.path.join(os.fsencode(folder), *above), exist_ok=True)
            rng.choice(makers)(os.path.join(os.fsencode(folder), *above, last))
        except OSError:
            continue  # there is something else under one of the names already


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_walk(tmp_path, seed):
    make_tree(tmp_path, seed)
    found = flat(tmp_path)
    assert found == plainly(tmp_path)
    assert [path for path, *_ in found] == sorted((path for path, *_ in found), key=lambda path: sort_key(path, b""))
    assert {kind for _, kind, _ in found} == {"directory", "file", "fifo", "symlink"}


def test_pruned_folders_are_not_walked(tmp_path):
    make_tree(tmp_path, 1)
    prune = lambda path: path.endswith(b"a")  # noqa: E731
    assert flat(tmp_path, prune=prune) == plainly(tmp_path, prune=prune)
    assert len(flat(tmp_path)) > len(flat(tmp_path, prune=prune))


def test_neighbours_come_together_up_to_a_bound(tmp_path):
    for number in range(600):
        (tmp_path / f"{number:03d}").touch()
    (tmp_path / "300 folder").mkdir()
    sizes = [len(one.names) if isinstance(one, Names) else one.path for one in walk_in_bulk(tmp_path)]
    assert sizes == [b"", 256, 45, b"300 folder", 256, 43]


def test_tree_deeper_than_the_handles_that_are_kept(tmp_path):
    """Folders are parked, and opened again for the names that are left."""
    place = tmp_path
    for depth in range(100):
        (place / "a").touch()
        (place / "z").touch()
        place = place / f"m{depth}"
        place.mkdir()
    before = len(os.listdir("/proc/self/fd"))
    assert flat(tmp_path) == plainly(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_folder_that_is_lost_under_the_walk(tmp_path):
    """What was listed and cannot be found again has a row, and a problem: no name is lost."""
    place = tmp_path / "source"
    place.mkdir()
    for depth in range(100):
        (place / "z").touch()
        (place / "zz").touch()
        place = place / f"m{depth:02d}"
        place.mkdir()
    moved = False
    found = []
    for one in walk_in_bulk(tmp_path / "source"):
        if isinstance(one, Names):
            found += [(one.prefix + name.rstrip(MARK), None) for name in one.names]
            continue
        found.append((one.path, one.problem))
        if one.path.endswith(b"/m99") and not moved:
            moved = True
            deep = tmp_path / "source" / "/".join(f"m{depth:02d}" for depth in range(10))
            (deep / "m10/m11").rename(tmp_path / "away")  # no way up leads back,
            (deep / "m10").rename(deep / "another")  # and none down
    assert moved
    assert len(found) == 301
    lost = [path.rpartition(b"/")[2] for path, problem in found if problem is not None]
    assert lost == [b"z", b"zz"]
    assert {problem.reason for _, problem in found if problem is not None} == {"other"}
    assert [path for path, _ in found] == sorted((path for path, _ in found), key=lambda path: sort_key(path, b""))


def test_left_early_it_gives_its_handles_back(tmp_path):
    make_tree(tmp_path, 2)
    before = set(os.listdir("/proc/self/fd"))
    nodes = walk_in_bulk(tmp_path)
    list(itertools.islice(nodes, 9))
    nodes.close()
    assert set(os.listdir("/proc/self/fd")) == before


def test_listing_that_does_not_tell_kinds(tmp_path, monkeypatch):
    """On some file systems each kind costs a stat; where that fails, the walk looks itself."""
    make_tree(tmp_path, 3)
    expected = plainly(tmp_path)
    real = os.scandir

    class Entry:
        def __init__(self, entry):
            self.name = entry.name

        def is_file(self, *, follow_symlinks):
            raise OSError(errno.EACCES, "")

    class Listing:
        def __init__(self, handle):
            self._real = real(handle)

        def __enter__(self):
            return map(Entry, self._real.__enter__())

        def __exit__(self, *given):
            return self._real.__exit__(*given)

    monkeypatch.setattr(folders.os, "scandir", Listing)
    assert [one.path for one in walk_in_bulk(tmp_path) if isinstance(one, Node)] == [path for path, *_ in expected]
    assert flat(tmp_path) == expected


def test_marks_tell_kinds_of_the_listing(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        names = sorted(marked_names_in(handle))
    finally:
        os.close(handle)
    expected = [b"file" + FILE_MARK, b"folder", b"link" + LINK_MARK, b"pipe" + OTHER_MARK, b"socket" + OTHER_MARK]
    assert names == expected
    assert [marked_kind(name) for name in names] == ["file", "unknown", "symlink", "unknown", "unknown"]
    assert [mark_of(kind) for kind in ("file", "symlink", "fifo", "char_device", "unknown")] == [
        FILE_MARK, LINK_MARK, OTHER_MARK, OTHER_MARK, OTHER_MARK,
    ]  # fmt: skip


BARE = st.binary(min_size=1, max_size=4).filter(lambda name: MARK not in name)


@given(st.lists(BARE, unique=True, max_size=30), st.data())
def test_marked_names_are_taken_from_the_front_in_order(bare, data):
    marks = st.sampled_from([b"", FILE_MARK, OTHER_MARK, LINK_MARK])
    names = [name + data.draw(marks) for name in bare]
    in_order = sorted(names, key=lambda name: name.rstrip(MARK))
    assert sorted(names) == in_order, "a mark keeps a name in its place"
    folder = Folder(-1, b"x", b"", in_order[::-1], os.stat("/"))
    taken = []
    while folder.names:
        most = data.draw(st.integers(1, 5))
        bulk = folder.take_marked(most)
        assert len(bulk) <= most
        assert all(name.endswith(MARK) for name in bulk)
        if len(bulk) < most:
            assert not folder.names or not folder.names[-1].endswith(MARK)
        taken += bulk or [folder.names.pop()]
    assert taken == in_order
    assert folder.take_marked(3) == []


# --- a name that is looked at later -------------------------------------------------------------------------------------


@pytest.fixture
def looking(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    yield lambda name: look_at(Opener(), handle, name, b"above/" + name)
    os.close(handle)


def test_what_is_looked_at_is_what_the_walk_would_see(tmp_path, looking):
    make_tree(tmp_path, 4)
    for _ in walk(tmp_path):  # the first time that a link is read its atime moves: not while it is looked at
        pass
    for node in walk(tmp_path):
        if node.path and b"/" not in node.path and node.kind != "directory":
            found = looking(node.path)
            assert (found.kind, found.status, found.target, found.problem, found.after, found.path, found.name) == (
                node.kind, node.status, node.target, None, None, b"above/" + node.path, node.path,
            )  # fmt: skip


def test_what_is_gone_or_became_a_folder(tmp_path, looking):
    gone = looking(b"gone")
    assert (gone.kind, gone.status, gone.problem.reason) == ("unknown", None, "not_found")
    (tmp_path / "folder").mkdir()
    found = looking(b"folder")
    assert (found.kind, found.problem.reason, found.handle) == ("directory", "other", -1)
    assert found.status.st_ino == (tmp_path / "folder").stat().st_ino


def test_a_folder_that_took_a_name_is_not_listed_at_once(tmp_path, looking, monkeypatch):
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(tree, "_list", None)
    assert looking(b"folder").problem.detail
