"""Runs: what was added comes back in order, up to the first byte that is not as it was written."""

from __future__ import annotations

import hmac
import itertools
import os

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire.batch import Batch
from evidencekit.acquire.journal import (
    FLUSH_SECONDS,
    ROWS,
    SYNC_SECONDS,
    TITLE,
    EarlierRun,
    Place,
    Run,
)
from evidencekit.acquire.row import Entry
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


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_rows_come_back(new_folder, any_rows, data):
    rows = data.draw(st.lists(any_rows.entries, max_size=20))
    path = write(new_folder() / "run", rows)
    run = EarlierRun(path, SECRET)
    assert list(run.rows()) == rows
    assert run.head == {"_t": "evidencekit/run/1"}
    assert not run.torn


def test_every_cut_leaves_whole_frames_only(tmp_path):
    rows = [row(b"%03d" % number) for number in range(600)]
    data = write(tmp_path / "run", rows).read_bytes()
    lengths = set()
    for size in range(0, len(data), 131):
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
    for place in range(0, len(data), 53):
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
    (tmp_path / "spliced").write_bytes(start + other.read_bytes()[len(TITLE) + 16 :])
    assert read(tmp_path / "spliced") == [row()]


@pytest.mark.parametrize("data", [b"", TITLE, bytes(range(100)), TITLE + bytes(200), TITLE[:-1]])
def test_what_is_no_run(tmp_path, data):
    (tmp_path / "run").write_bytes(data)
    with pytest.raises(FormatError):
        EarlierRun(tmp_path / "run", SECRET)


def test_run_of_an_older_form_is_not_ours(tmp_path):
    """Its frames are made under the same secret, but its rows lie otherwise: it is refused before a row is read."""
    data = write(tmp_path / "run", [row()]).read_bytes()
    nonce = data[len(TITLE) : len(TITLE) + 16]
    older = b"evidencekit/run/1\n"
    key = hmac.digest(SECRET, older + nonce, "sha256")
    frames = b""
    for number, payload in enumerate([b'{"_t":"evidencekit/run/1"}', b"rows"]):
        mac = blake3(number.to_bytes(8, "little"), key=key).update(payload).digest()
        frames += len(payload).to_bytes(4, "little") + mac + payload
    (tmp_path / "older").write_bytes(older + nonce + frames)
    (tmp_path / "renamed").write_bytes(TITLE + nonce + frames)
    for name in ("older", "renamed"):
        with pytest.raises(FormatError):
            EarlierRun(tmp_path / name, SECRET)


# --- batches in the order in which they were finished ------------------------------------------------------------------


@st.composite
def dispatched(draw):
    """Jobs cut into pieces: a list of `(place, paths)` in the order of a manifest, as it may be written, and a cut."""
    in_order = []
    for job in range(draw(st.integers(0, 5))):
        whole, begin = draw(st.integers(1, 9)), 0
        while begin < whole:
            taken = draw(st.integers(1, whole - begin))
            rows = []
            for at in range(begin, begin + taken):
                rows.append(row(b"%03d/%03d" % (job, at)))
                if draw(st.integers(0, 4)) == 0:  # a named stream is a row more, and none that was asked for
                    rows.append(row(b"%03d/%03d" % (job, at), stream=b"s"))
            in_order.append((Place(job, begin, taken, whole), rows))
            begin += taken
    order = draw(st.permutations(range(len(in_order))))
    return in_order, order, draw(st.integers(0, len(in_order)))


@given(dispatched())
@settings(max_examples=100)
def test_batches_come_in_the_order_of_a_manifest(new_folder, given_batches):
    """Whatever order they were finished in, and whichever of them a crash took."""
    in_order, order, missing = given_batches
    path = new_folder() / "run"
    run = Run(path, SECRET, {"_t": "x"}, random=os.urandom)
    ends = []
    for at in order:
        place, rows = in_order[at]
        run.add_packed(place, pack(rows))
        ends.append(path.stat().st_size)
    run.close()
    kept = order[: len(order) - missing]
    if missing:
        os.truncate(path, ends[len(kept)] - 1)
    earlier = EarlierRun(path, SECRET)
    found = list(earlier.rows())
    assert found == [one for at in sorted(kept) for one in in_order[at][1]]
    assert earlier.torn == bool(missing)


def test_batch_is_given_as_soon_as_all_before_it_are_there(tmp_path, monkeypatch):
    """What waits is bounded by the jobs that are ahead, not by the length of the run."""
    run = Run(tmp_path / "run", SECRET, {"_t": "x"}, random=os.urandom)
    for job in range(0, 100, 2):
        for number in (job + 1, job):
            run.add_packed(Place(number, 0, 1, 1), pack([row(b"%03d" % number)]))
    run.close()
    read_so_far = []
    frames = EarlierRun._frames

    def counted(self, file):
        for payload in frames(self, file):
            read_so_far.append(len(payload))
            yield payload

    monkeypatch.setattr(EarlierRun, "_frames", counted)
    earlier = EarlierRun(tmp_path / "run", SECRET)
    read_so_far.clear()
    for number, batch in enumerate(earlier.batches()):
        assert [one.path for one in batch.entries()] == [b"%03d" % number]
        assert len(read_so_far) <= number + 1 + 2, "the head, and one frame ahead"


def pack(rows):
    batch = Batch()
    for one in rows:
        batch.add(one, os.urandom(16))
    return batch.pack()


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


def test_memory_is_one_frame_a_run(tmp_path):
    rows = (row(b"%08d" % number, name=bytes(2000)) for number in range(3000))
    run = EarlierRun(write(tmp_path / "run", rows), SECRET)
    assert sum(1 for _ in itertools.islice(run.rows(), 3000)) == 3000
