"""verify/key_times.py: specs/policy.md 5, 6 and 8, by proven bounds."""

from __future__ import annotations

import pytest

from evidencekit.core.proven_time import ProvenTime, Span
from evidencekit.verify.key_times import Question, Window, answer

S = 10**9
DAY = 86_400 * S


def span(earliest=None, latest=None):
    """Bounds in seconds."""
    after = None if earliest is None else ProvenTime(0, 1, earliest * S, 0, "a", "time-stamp")
    before = None if latest is None else ProvenTime(3, 3, latest * S, 0, "b", "time-stamp")
    return Span(1, 2, after, before)


def code(question, bounds, now=None):
    found = answer(question, bounds, now)
    return "ok" if found is None else found.code or "open"


@pytest.mark.parametrize(
    ("windows", "bounds", "expected"),
    [
        ([(None, 100)], (None, 100), "ok"),
        ([(None, 100)], (None, 101), "open"),  # it may have been signed before
        ([(None, 100)], (None, None), "open"),
        ([(None, 100)], (100, None), "open"),  # within the last second
        ([(None, 100)], (101, None), "E409"),
        ([(50, None)], (50, None), "ok"),
        ([(50, None)], (49, None), "open"),
        ([(50, None)], (None, 60), "open"),
        ([(50, None)], (None, 49), "E409"),
        ([(50, None)], (None, 50), "open"),
        ([(50, 100)], (50, 100), "ok"),
        ([(50, 100)], (10, 200), "open"),
        ([(50, 100)], (101, 200), "E409"),
        ([(50, 100), (200, 300)], (110, 190), "E409"),
        ([(50, 100), (200, 300)], (210, 290), "ok"),
        ([(50, 100), (200, 300)], (90, 210), "open"),
        ([(100, 50)], (None, None), "E409"),  # nothing in common
        ([], (None, None), "ok"),
    ],
)
def test_windows(windows, bounds, expected):
    assert code(Question("k", tuple(Window(*one) for one in windows)), span(*bounds)) == expected


@pytest.mark.parametrize(("latest", "expected"), [(None, "E410"), (99, "ok"), (100, "ok"), (101, "E410")])
def test_revoked_after(latest, expected):
    assert code(Question("k", not_after=100 * S, reason="lost"), span(None, latest)) == expected


@pytest.mark.parametrize(
    ("latest", "now", "expected"),
    [
        (None, None, "open"), (None, 99, "ok"), (None, 101, "E411"),
        (99, None, "ok"), (99, 500, "ok"), (101, None, "open"), (101, 500, "E411"), (101, 99, "ok"),
    ],
)  # fmt: skip
def test_algorithm_until(latest, now, expected):
    question = Question("k", algorithm="ssh-rsa", until=100 * S)
    assert code(question, span(None, latest), None if now is None else now * S) == expected


@pytest.mark.parametrize(("now", "expected"), [(None, "open"), (100, "ok"), (101, "open")])
def test_nobody_has_signed_later_than_now(now, expected):
    """Without an earliest time it is not E409: it may have been signed before."""
    question = Question("k", (Window(None, 100),))
    assert code(question, span(), None if now is None else now * S) == expected


def test_each_answer_says_the_facts():
    question = Question("SHA256:k", (Window(50, 100),), reason="lost")
    found = answer(question, span(101, 200), None)
    assert found.expected == "signed by SHA256:k from 1970-01-01T00:00:50Z to 1970-01-01T00:01:40Z"
    assert found.found == "not before 1970-01-01T00:01:41.000000000Z, not after 1970-01-01T00:03:20.000000000Z"
