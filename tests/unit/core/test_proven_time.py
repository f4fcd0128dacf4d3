"""core/proven_time.py against the two sentences of specs/time.md section 3, entry by entry."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.proven_time import Bounds, ProvenTime


def time(entry, size, at, accuracy=0):
    return ProvenTime(entry, size, at, accuracy, "city", "time-stamp")


TIMES = st.lists(st.builds(time, st.integers(0, 12), st.integers(0, 14), st.integers(0, 50), st.integers(0, 5)))


@given(TIMES, st.integers(0, 12))
def test_each_entry_has_the_bounds_of_the_text(times, size):
    bounds = Bounds(times, size)
    known = [one for one in times if one.entry < size and 0 < one.size <= size]
    for entry in range(size):
        span = bounds.of(entry)
        after = [one.at_ns - one.accuracy_ns for one in known if one.entry < entry]
        before = [one.at_ns + one.accuracy_ns for one in known if one.size > entry]
        assert span.earliest_ns == max(after, default=None)
        assert span.latest_ns == min(before, default=None)
        assert span.contradicts_itself == bool(after and before and max(after) > min(before))


@given(TIMES, st.integers(0, 12))
def test_spans_cover_the_log_once(times, size):
    spans = Bounds(times, size).spans
    assert [entry for span in spans for entry in range(span.first, span.end)] == list(range(size))
    assert len(spans) <= 2 * len(times) + 1


def test_what_lies_outside_has_no_bounds():
    bounds = Bounds([time(2, 2, 10)], 3)
    assert bounds.of(0).latest_ns == 10
    assert bounds.of(2).latest_ns is None
    for entry in (3, 10**18):
        assert (bounds.of(entry).earliest_ns, bounds.of(entry).latest_ns) == (None, None)


def test_a_time_about_entries_that_are_not_there_says_nothing():
    assert Bounds([time(2, 9, 10), time(9, 2, 10), time(2, 0, 10)], 3).of(0).latest_ns is None


def test_huge_logs_cost_nothing():
    assert Bounds([time(5, 4, 10)], 2**62).of(2**61).earliest_ns == 10
