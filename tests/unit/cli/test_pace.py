"""Rates of lately, and a remaining time that drifts: told by numbers, no clock."""

from __future__ import annotations

import itertools
import random

import pytest

from evidencekit.cli.pace import FILE_COST, Pace, Sample


def run(pace, until, *, since=0.0, files=0, size=0, step=0.1, start=(0, 0)):
    """Feed samples at an even rate; return where it came to."""
    done_files, done_bytes = start
    at = since
    while at < until:
        at = round(at + step, 6)
        done_files += files * step
        done_bytes += size * step
        pace.add(Sample(at, int(done_files), int(done_bytes)))
    return done_files, done_bytes


def test_nothing_is_known_at_first():
    assert Pace().rate() == (0.0, 0.0)
    assert Pace().left(10, 10) is None
    pace = Pace()
    run(pace, 0.9, files=100, size=1000)
    assert pace.rate() == (0.0, 0.0)
    assert pace.left(10_000, 100_000) is None


def test_a_rate_is_that_of_the_last_ten_seconds():
    pace = Pace()
    done = run(pace, 60, files=100, size=1_000_000)
    assert pace.rate() == pytest.approx((100, 1_000_000), rel=0.01)
    run(pace, 72, since=60, files=10, size=5_000, start=done)
    assert pace.rate() == pytest.approx((10, 5_000), rel=0.05)


def test_a_rate_spans_a_standstill():
    pace = Pace()
    done = run(pace, 20, files=100)
    pace.add(Sample(320, int(done[0]) + 1, 0))  # a bad sector, five minutes
    assert pace.rate()[0] < 5


def test_counts_that_go_back_have_no_rate():
    pace = Pace()
    run(pace, 20, files=100, size=100)
    pace.add(Sample(21, 0, 0))
    assert pace.rate() == (0.0, 0.0)


def test_little_is_kept():
    pace = Pace()
    run(pace, 3600, files=10)
    assert len(pace._samples) < 100


@pytest.mark.parametrize(
    ("files", "size", "total", "expected"),
    [
        (100, 0, (6_000, None), 40),
        (0, 1_000_000, (None, 60_000_000), 40),
        (100, 100 * FILE_COST, (6_000, 6_000 * FILE_COST), 40),
        (100, 0, (6_000, 4_000 * FILE_COST), 80),  # small files first; 10,000 units of cost at 100 a second
    ],
)
def test_what_is_left_is_counted_in_files_and_bytes(files, size, total, expected):
    pace = Pace()
    run(pace, 20, files=files, size=size)
    assert pace.left(*total) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("total", [(None, None), (1_999, None), (None, 1_999), (2_000, 2_000)])
def test_what_nobody_can_know_is_not_said(total):
    pace = Pace()
    run(pace, 20, files=100, size=100)
    assert pace.left(*total) is None


def test_nothing_is_foretold_in_the_first_seconds_nor_at_a_standstill():
    pace = Pace()
    done = run(pace, 4, files=100)
    assert pace.left(10_000, None) is None
    run(pace, 60, since=4, start=done)
    assert pace.left(10_000, None) is None


def test_reused_rows_say_nothing_of_what_must_be_read():
    pace = Pace()
    for second in range(20):
        pace.add(Sample(second, second * 10_000, 0, reused=second * 10_000))
    assert pace.left(1_000_000, None) is None
    for second in range(20, 60):
        pace.add(Sample(second, 190_000 + second, 0, reused=190_000))
    assert pace.left(1_000_000, None) == pytest.approx(1_000_000 - 190_059, rel=0.01)


def test_it_does_not_jump_when_the_medium_becomes_ten_times_slower():
    pace = Pace()
    done = run(pace, 60, size=100_000_000)
    total = 60_000_000_000
    before = pace.left(None, total)
    assert before == pytest.approx(540, rel=0.01)
    seen = [before]
    for second in range(60, 180):
        done = run(pace, second + 1, since=second, size=10_000_000, start=done)
        seen.append(pace.left(None, total))
    assert all(later / earlier < 1.25 for earlier, later in itertools.pairwise(seen))
    assert seen[-1] == pytest.approx((total - done[1]) / 10_000_000, rel=0.05)


def test_it_does_not_jump_where_sizes_differ_wildly():
    """Files from nothing to gigabytes on a medium that reads 150 MB/s and opens a file in 0.4 ms."""
    dice = random.Random(7)
    sizes = [int(dice.paretovariate(0.6) * 2_000) % 4_000_000_000 for _ in range(60_000)]
    total = sum(sizes)
    pace, at, seen, next_look = Pace(), 0.0, [], 0.0
    done = 0
    for files, size in enumerate(sizes):
        at += 0.000_4
        left = size
        while left > 0:
            block = min(left, 8_000_000)
            left -= block
            done += block
            at += block / 150_000_000
            if at >= next_look:
                next_look = at + 0.1
                pace.add(Sample(at, files, done))
                seen.append((at, pace.left(len(sizes), total)))
    assert at > 60
    told = [(when, left) for when, left in seen if left is not None and when < at - 10]
    assert told[0][0] < 10
    for (_, earlier), (_, later) in zip(told, told[10:], strict=False):
        assert abs(later - earlier) < 0.15 * earlier + 3
    assert all(0.4 < (left + 5) / (at - when + 5) < 2.5 for when, left in told)
