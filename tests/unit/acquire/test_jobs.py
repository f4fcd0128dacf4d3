"""Jobs: however often a piece is handed back, each row is given once, in its place, with a folder that is open."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire import jobs
from evidencekit.acquire.jobs import Cutter, Done, Listed
from evidencekit.acquire.row import Entry
from evidencekit.read.folders import FILE_MARK, LINK_MARK, OTHER_MARK

MARKS = (FILE_MARK, OTHER_MARK, LINK_MARK)


def ready(path):
    return Entry(
        path=path, stream=b"", kind="directory", name=b"", content=b"", metadata=b"", size=None, state="complete",
        sha256=None, mtime_ns=None,
    )  # fmt: skip


def done(taken, *, is_before_large=False):
    return Done(
        packed=b"", rows=taken, taken=taken, files=0, size=0, omissions=0, is_hopeful=False,
        is_before_large=is_before_large, touched=False, objects=b"",
    )  # fmt: skip


def handles():
    return {int(name) for name in os.listdir("/proc/self/fd")}


def rows_of(piece):
    """What a piece asks for: paths, each with the folder whose handle stands for it."""
    found = []
    for item in piece.job.items:
        if isinstance(item, Listed):
            place = os.readlink(f"/proc/self/fd/{piece.handles[item.folder]}")
            found += [(item.prefix + name.rstrip(b"\0"), place) for name in item.names]
        else:
            found.append((item.path, None))
    return found


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Five folders, each with a handle."""
    base = tmp_path_factory.mktemp("folders")
    opened = []
    for number in range(5):
        (base / f"{number}").mkdir()
        opened.append(os.open(base / f"{number}", os.O_RDONLY))
    yield opened
    for handle in opened:
        os.close(handle)


def gather(data, folders, cutter):
    """Let a walk find anything; return what it found."""
    expected = []
    for number in range(data.draw(st.integers(0, 12))):
        if data.draw(st.booleans()):
            cutter.add(ready(b"%03d" % number))
            expected.append((b"%03d" % number, None))
        else:
            at = data.draw(st.integers(0, 4))
            names = [b"%03d-%03d" % (number, n) for n in range(data.draw(st.integers(0, 30)))]
            cutter.add_names(folders[at], b"%d/" % at, [name + data.draw(st.sampled_from(MARKS)) for name in names])
            expected += [(b"%d/%b" % (at, name), os.readlink(f"/proc/self/fd/{folders[at]}")) for name in names]
    cutter.flush()
    return expected


@given(st.data())
@settings(max_examples=80)
def test_each_row_is_given_once_and_in_its_place(folders, data):
    before = handles()
    waiting, found = [], {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ROWS", data.draw(st.integers(1, 12)))
        cutter = Cutter(waiting.append)
        patch.setattr(cutter, "_most_folders", data.draw(st.integers(1, 5)))
        cutter.device = 7
        try:
            expected = gather(data, folders, cutter)
            whole = {piece.number: len(piece) for piece in waiting}
            assert list(whole) == list(range(len(waiting)))
            while waiting:
                piece = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
                asked = rows_of(piece)
                assert len(asked) == len(piece) > 0
                assert piece.first == asked[0][0]
                assert piece.job.device == 7
                assert not piece.job.is_large or len(piece) == 1
                is_before_large = not piece.job.is_large and data.draw(st.booleans())
                taken = data.draw(st.integers(0 if is_before_large else 1, len(asked) - is_before_large))
                for at, row in enumerate(asked[:taken], piece.begin):
                    assert (piece.number, at) not in found
                    found[piece.number, at] = row
                rest = piece.rest(done(taken, is_before_large=is_before_large))
                assert sum(map(len, rest)) == len(asked) - taken
                waiting += rest
                piece.release()
            assert handles() == before, "each folder was closed when its last piece was done"
        finally:
            cutter.close()
    assert sorted(found) == [(number, at) for number, rows in whole.items() for at in range(rows)]
    assert [found[place] for place in sorted(found)] == expected


def test_a_piece_keeps_its_folders_open_as_long_as_it_is_there(folders, monkeypatch):
    monkeypatch.setattr(jobs, "ROWS", 6)
    pieces, before = [], handles()
    Cutter(pieces.append).add_names(folders[0], b"", [b"%d\0" % n for n in range(6)])
    (piece,) = pieces
    rest = piece.rest(done(2))
    assert [len(one) for one in rest] == [2, 2]
    piece.release()
    rest[1].release()
    assert len(handles() - before) == 1
    os.fstat(rest[0].handles[0])
    rest[0].release()
    assert handles() == before


def test_a_folder_is_kept_open_though_the_walk_has_left_it(tmp_path):
    (tmp_path / "file").touch()
    pieces = []
    cutter = Cutter(pieces.append)
    handle = os.open(tmp_path, os.O_RDONLY)
    cutter.add_names(handle, b"", [b"file\0"])
    os.close(handle)
    cutter.flush()
    assert os.listdir(pieces[0].handles[0]) == ["file"]
    cutter.close()


def test_what_was_never_done_is_closed_too(folders):
    """An acquisition was stopped: some pieces wait, one was handed back in part, one is not full."""
    before = handles()
    pieces = []
    cutter = Cutter(pieces.append)
    for number in range(600):
        cutter.add_names(folders[number % 5], b"%d/" % (number % 5), [b"%03d\0" % number])
    assert len(pieces) > 1
    assert len(handles()) > len(before)
    pieces[0].rest(done(3))
    pieces[0].release()
    cutter.close()
    assert handles() == before
    cutter.close()


@pytest.mark.parametrize(("count", "most"), [(1, 64), (2, 32), (8, 8), (64, 1)])
def test_handles_are_bounded_whatever_the_folders(folders, count, most):
    """A job of the walk of a million folders with a file each lies in many folders: four jobs a process are open."""
    pieces, before = [], handles()
    cutter = Cutter(pieces.append, jobs=count)
    for number in range(300):
        cutter.add_names(folders[number % 2], b"%d/" % number, [b"x\0"])
    cutter.flush()
    assert max(len(piece.handles) for piece in pieces) == most
    assert sum(map(len, pieces)) == 300
    cutter.close()
    assert handles() == before


@pytest.mark.parametrize(
    ("taken", "is_before_large", "sizes"),
    [
        (256, False, []),
        (100, False, [100, 56]),
        (1, False, [1] * 255),
        (0, True, [1, 255]),
        (255, True, [1]),
        (100, True, [1, 100, 55]),
    ],
)
def test_what_is_handed_back_is_cut_by_the_work_that_was_done(folders, taken, is_before_large, sizes):
    pieces = []
    cutter = Cutter(pieces.append)
    cutter.add_names(folders[0], b"", [b"%03d\0" % n for n in range(256)])
    (piece,) = pieces
    rest = piece.rest(done(taken, is_before_large=is_before_large))
    assert [len(one) for one in rest] == sizes
    assert [one.job.is_large for one in rest] == [is_before_large, *[False] * len(rest)][: len(rest)]
    assert [one.begin for one in rest] == [taken + sum(sizes[:at]) for at in range(len(sizes))]
    cutter.close()


def test_full_jobs_are_handed_over_at_once(folders):
    pieces = []
    cutter = Cutter(pieces.append)
    for number in range(255):
        cutter.add(ready(b"%d" % number))
    assert pieces == []
    cutter.add_names(folders[0], b"x/", [b"a\0", b"b\0\0"])
    assert [len(piece) for piece in pieces] == [256]
    cutter.flush()
    cutter.flush()
    assert [(piece.number, len(piece)) for piece in pieces] == [(0, 256), (1, 1)]
    cutter.close()
