"""Several runs read as one: of each name the row that counts, in order, in stretches that are as long as may be."""

from __future__ import annotations

import os
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire import journal
from evidencekit.acquire.journal import EarlierRun, Run
from evidencekit.acquire.merging import Recall, Stretch, merged, merged_stretches
from evidencekit.acquire.row import Entry, newer, sort_key
from evidencekit.core import records

SECRET = bytes(range(32))


def row(path=b"a", **more):
    given_row = {
        "path": path, "stream": b"", "kind": "file", "name": b"{}", "content": b"{}", "metadata": b"{}",
        "size": 1, "state": "complete", "sha256": bytes(32), "mtime_ns": -5,
    }  # fmt: skip
    return Entry(**(given_row | more))


def write(path, rows, *, flush_at=()):
    """A run in which a batch ends before each row of these places."""
    run = Run(path, SECRET, {"_t": "x"}, random=os.urandom, elapsed=lambda: 0.0)
    for at, one in enumerate(rows):
        if at in flush_at:
            run.flush()
        run.add(one)
    run.close()
    return path


def test_the_newer_row_counts():
    """Also one that says less: what was read before is another state of what is there."""
    whole, worse = row(), row(state="not_read", sha256=None)
    assert newer(whole, worse) is worse
    assert newer(worse, whole) is whole
    folder = row(kind="directory")
    assert newer(whole, folder) is folder, "of another kind: it is not the same thing any more"


def test_what_could_not_be_looked_at_does_not_hide_what_was_read():
    blind = row(kind="unknown", state="not_read", reason="io_error")
    assert newer(row(), blind) == row()
    assert newer(blind, blind) is blind


@pytest.mark.parametrize(("state", "expected"), [("not_read", "not_listed"), ("vanished", "vanished")])
def test_folder_that_could_not_be_looked_at_is_not_complete(state, expected):
    """Its content stays in its place, and nobody says that it is all of it."""
    blind = row(kind="unknown", state=state, reason="io_error")
    found = newer(row(kind="directory"), blind)
    assert (found.kind, found.state, found.reason) == ("directory", expected, "io_error")


def test_runs_are_merged_in_the_order_of_a_manifest(tmp_path):
    order = [b"", b"a", b"a/b", b"a/b/c", b"a-b", b"a.b", b"a0", b"b"]
    assert sorted(order, key=sort_key) == sorted(order, key=lambda path: records.sort_key(path, b"")) == order
    first = write(tmp_path / "1", [row(path) for path in order[::2]])
    second = write(tmp_path / "2", [row(path, size=2) for path in order[1:]])
    found = list(merged([EarlierRun(first, SECRET), EarlierRun(second, SECRET)]))
    assert [one.path for one in found] == order
    assert [one.size for one in found] == [1] + [2] * 7


@given(st.data())
def test_one_sort_key(any_rows, data):
    keys = data.draw(st.lists(any_rows.keys, unique=True))
    assert sorted(keys, key=lambda key: sort_key(*key)) == sorted(keys, key=lambda key: records.sort_key(*key))


def test_recall(tmp_path):
    recall = Recall([EarlierRun(write(tmp_path / "run", map(row, [b"a", b"b", b"c", b"e"])), SECRET)])
    assert recall.find(b"a").path == b"a"
    assert list(recall.before(b"aa")) == []
    assert recall.find(b"aa") is None
    assert [one.path for one in recall.before(b"c")] == [b"b"]
    assert recall.find(b"c").path == b"c"
    assert recall.find(b"d") is None
    assert [one.path for one in recall.before(None)] == [b"e"]
    assert Recall([]).find(b"a") is None


# --- stretches --------------------------------------------------------------------------------------------------------


def key_of(entry):
    return sort_key(entry.path, entry.stream)


@given(st.data())
@settings(max_examples=150)
def test_a_merge_is_that_of_one_row_after_the_other(new_folder, any_rows, data):
    """Any runs, cut into any batches."""
    universe = data.draw(st.lists(any_rows.keys, unique=True, max_size=12))
    folder = new_folder()
    runs, expected = [], {}
    for number in range(data.draw(st.integers(0, 4))):
        keys = sorted(
            data.draw(st.lists(st.sampled_from(universe), unique=True)) if universe else [],
            key=lambda one: sort_key(*one),
        )
        rows = [data.draw(any_rows.entries)._replace(path=path, stream=stream) for path, stream in keys]
        flush_at = data.draw(st.sets(st.integers(0, len(rows))))
        runs.append(EarlierRun(write(folder / f"{number}", rows, flush_at=flush_at), SECRET))
        for one in rows:
            expected.setdefault(key_of(one), []).append(one)
    whole = [reduce(newer, expected[key]) for key in sorted(expected)]
    assert list(merged(runs)) == whole
    found = list(merged_stretches(runs))
    assert [
        one for stretch in found for one in ([stretch] if isinstance(stretch, Entry) else stretch.entries())
    ] == whole
    assert all(stretch.start < stretch.stop for stretch in found if isinstance(stretch, Stretch)), "none is empty"
    single = {key for key, rows in expected.items() if len(rows) == 1}
    assert all(key_of(one) not in single for one in found if isinstance(one, Entry))
    for one, other in pairwise(found):
        if isinstance(one, Stretch) and isinstance(other, Stretch) and one.batch is other.batch:
            between = [rows for key, rows in expected.items() if key_of(last_of(one)) < key < key_of(first_of(other))]
            assert between, "neighbours of one batch that nothing lies between are one stretch"


def first_of(stretch):
    return next(stretch.entries())


def last_of(stretch):
    return list(stretch.entries())[-1]


def test_a_single_run_is_not_looked_into(tmp_path, monkeypatch):
    """Most acquisitions have one: no key is made of its rows."""
    run = EarlierRun(write(tmp_path / "1", [row(b"%03d" % n) for n in range(600)]), SECRET)
    monkeypatch.setattr("evidencekit.acquire.batch.sort_key", None)
    assert [(one.start, one.stop) for one in merged_stretches([run])] == [(0, 256), (0, 256), (0, 88)]


@given(st.data())
@settings(max_examples=75)
def test_recall_finds_what_is_there_and_passes_what_is_not_asked_for(new_folder, any_rows, data):
    keys = sorted(data.draw(st.lists(any_rows.keys, unique=True, max_size=10)), key=lambda one: sort_key(*one))
    there = [one for one in keys if data.draw(st.booleans())]
    asked = [one for one in keys if data.draw(st.booleans())]
    run = write(new_folder() / "1", [row(path, stream=stream) for path, stream in there])
    recall = Recall([EarlierRun(run, SECRET)])
    assert recall.is_empty == (not there)
    found, passed = [], []
    for one in asked:
        passed += recall.before(sort_key(*one))
        found.append(recall.find(sort_key(*one)))
    passed += recall.before(None)
    assert recall.is_empty
    assert [one and (one.path, one.stream) for one in found] == [one if one in there else None for one in asked]
    assert [(one.path, one.stream) for one in passed] == [one for one in there if one not in asked]


@pytest.mark.parametrize("crash", [False, True])
def test_batches_of_several_processes_are_merged_with_a_retry(tmp_path, monkeypatch, crash):
    """The first run in the order in which workers finished, and torn; the second, of the second look, whole."""
    monkeypatch.setattr(journal, "ROWS", 3)
    first = Run(tmp_path / "1", SECRET, {"_t": "x"}, random=os.urandom)
    for job in (1, 3, 0, 2):
        first.add_packed(journal.Place(job, 0, 2, 2), packed([row(b"%d" % (2 * job + at)) for at in range(2)]))
    first.close()
    if crash:
        os.truncate(tmp_path / "1", (tmp_path / "1").stat().st_size - 1)
    write(tmp_path / "2", [row(b"%d" % number, size=2) for number in (3, 4, 9)])
    found = list(merged(EarlierRun(tmp_path / name, SECRET) for name in "12"))
    expected = [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), *([] if crash else [(5, 1)]), (6, 1), (7, 1), (9, 2)]
    assert [(int(one.path), one.size) for one in found] == expected


def packed(rows):
    batch = journal.Batch()
    for one in rows:
        batch.add(one, os.urandom(16))
    return batch.pack()
