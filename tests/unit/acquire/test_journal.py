"""Runs: what was added comes back, up to the first byte that is not as it was written; merges say the most there is."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire.journal import (
    FLUSH_SECONDS,
    ROWS,
    SYNC_SECONDS,
    EarlierRun,
    Recall,
    Run,
    merged,
)
from evidencekit.acquire.row import Entry, newer, sort_key
from evidencekit.core import records
from evidencekit.errors import FormatError

SECRET = bytes(range(32))


def row(path=b"a", **more):
    given_row = {
        "path": path, "stream": b"", "kind": "file", "name": b"{}", "content": b"{}", "metadata": b"{}",
        "size": 1, "state": "complete", "sha256": bytes(32), "mtime_ns": -5,
    }  # fmt: skip
    return Entry(**(given_row | more))


def write(path, rows, *, secret=SECRET, **more):
    run = Run(path, secret, {"_t": "evidencekit/run/1"}, random=os.urandom, **more)
    for one in rows:
        run.add(one)
    run.close()
    return path


def read(path, secret=SECRET):
    return list(EarlierRun(path, secret).rows())


# --- one run ----------------------------------------------------------------------------------------------------------

names = st.binary(min_size=1, max_size=8).filter(lambda name: b"\0" not in name and b"/" not in name)
paths = st.lists(names, max_size=4).map(b"/".join)
entries = st.builds(
    Entry, path=paths, stream=st.just(b"") | names, kind=st.sampled_from(records.KINDS), name=st.binary(), content=st.binary(),
    metadata=st.binary(), size=st.none() | st.integers(0, 2**63 - 1), state=st.sampled_from(records.STATES),
    sha256=st.none() | st.binary(min_size=32, max_size=32), mtime_ns=st.none() | st.integers(-(2**63), 2**63 - 1),
    reason=st.sampled_from(("", *records.REASONS)), copied=st.none() | st.binary(min_size=32, max_size=32),
    stamp=st.none() | st.binary(), link=st.binary(), large=st.binary(), lost=st.integers(0, 2**63 - 1), gone=st.integers(0, 1),
)  # fmt: skip


@given(st.lists(entries, max_size=20))
@settings(max_examples=50, deadline=None)
def test_rows_come_back(tmp_path_factory, rows):
    path = write(tmp_path_factory.mktemp("run") / "run", rows)
    run = EarlierRun(path, SECRET)
    assert list(run.rows()) == rows
    assert run.head == {"_t": "evidencekit/run/1"}
    assert not run.torn


def test_every_cut_leaves_whole_frames_only(tmp_path):
    rows = [row(b"%03d" % number) for number in range(600)]
    data = write(tmp_path / "run", rows).read_bytes()
    lengths = set()
    for size in range(0, len(data), 37):
        (tmp_path / "cut").write_bytes(data[:size])
        try:
            run = EarlierRun(tmp_path / "cut", SECRET)
        except FormatError:
            continue
        found = list(run.rows())
        assert found == rows[: len(found)]
        lengths.add(len(found))
        assert run.torn or len(found) % ROWS == 0
    assert lengths == {0, 256, 512}


def test_every_altered_byte_ends_the_run_there(tmp_path):
    rows = [row(b"%03d" % number) for number in range(ROWS * 2)]
    data = write(tmp_path / "run", rows).read_bytes()
    for place in range(0, len(data), 11):
        (tmp_path / "bad").write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        try:
            run = EarlierRun(tmp_path / "bad", SECRET)
        except FormatError:
            continue
        found = list(run.rows())
        assert len(found) < len(rows)
        assert found == rows[: len(found)]
        assert run.torn


def test_another_key_another_run(tmp_path):
    """A frame of one run is none in another, nor at another place of its own."""
    path = write(tmp_path / "run", [row()])
    with pytest.raises(FormatError):
        EarlierRun(path, bytes(32))
    other = write(tmp_path / "other", [row(b"planted")])
    start = path.read_bytes()
    (tmp_path / "spliced").write_bytes(start + other.read_bytes()[len(b"evidencekit/run/1\n") + 16 :])
    assert read(tmp_path / "spliced") == [row()]


@pytest.mark.parametrize("data", [b"", b"evidencekit/run/1\n", bytes(range(100)), b"evidencekit/run/1\n" + bytes(200)])
def test_what_is_no_run(tmp_path, data):
    (tmp_path / "run").write_bytes(data)
    with pytest.raises(FormatError):
        EarlierRun(tmp_path / "run", SECRET)


def test_what_a_kill_costs(tmp_path):
    """Rows are handed over after a tenth of a second, or when a frame is full; the medium has them after two seconds."""
    now = [0.0]
    synced = []
    run = Run(
        tmp_path / "run", SECRET, {"_t": "x"}, random=os.urandom,
        before_sync=lambda: synced.append(now[0]), elapsed=lambda: now[0],
    )  # fmt: skip
    run.add(row(b"a"))
    assert read(tmp_path / "run") == []
    now[0] += FLUSH_SECONDS
    run.add(row(b"b"))
    assert [one.path for one in read(tmp_path / "run")] == [b"a", b"b"]
    for number in range(ROWS):
        run.add(row(b"c%03d" % number))
    assert len(read(tmp_path / "run")) == 2 + ROWS
    assert synced == []
    now[0] += SYNC_SECONDS
    run.add(row(b"d"))
    assert synced == [now[0]]
    run.close()
    assert len(read(tmp_path / "run")) == 3 + ROWS


def test_a_slow_medium_is_not_busy_with_syncing_alone(tmp_path):
    now = [0.0]
    synced = []

    def sync():
        synced.append(now[0])
        now[0] += 5.0

    run = Run(tmp_path / "run", SECRET, {"_t": "x"}, random=os.urandom, before_sync=sync, elapsed=lambda: now[0])
    for number in range(1000):
        now[0] += 1.0
        run.add(row(b"%04d" % number))
    assert 8 <= len(synced) <= 12
    run.close()


# --- several runs -----------------------------------------------------------------------------------------------------


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


@given(st.lists(st.tuples(paths, st.just(b"") | names), unique=True))
def test_one_sort_key(keys):
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


def test_memory_is_one_frame_a_run(tmp_path):
    rows = (row(b"%08d" % number, name=bytes(2000)) for number in range(3000))
    run = EarlierRun(write(tmp_path / "run", rows), SECRET)
    assert sum(1 for _ in itertools.islice(run.rows(), 3000)) == 3000
