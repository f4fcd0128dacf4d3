"""Ratios are taken round by round; a contender without figures has none."""

from __future__ import annotations

import pytest

from benchmarks.ratios import Outcome, Runs, exponent, ratio, reached


def test_ratio_is_paired():
    ours, peer = Runs("ours", wall=[1.0, 10.0, 2.0]), Runs("peer", wall=[2.0, 30.0, 8.0])
    assert ratio(peer, ours) == (3.0, 2.0, 4.0)


@pytest.mark.parametrize(("goal", "found"), [(None, None), (3.0, True), (3.1, False)])
def test_the_median_reaches_the_goal(goal, found):
    assert reached(Runs("peer", goal, wall=[3.0, 3.0, 9.0]), Runs("ours", wall=[1.0, 1.0, 1.0])) is found


@pytest.mark.parametrize(
    ("peer", "ours"),
    [
        (Runs("peer", 2.0, not_run="missing"), Runs("ours", wall=[1.0])),
        (Runs("peer", 2.0, not_run="failed", wall=[1.0]), Runs("ours", wall=[1.0, 1.0])),
        (Runs("peer", 2.0, wall=[1.0]), Runs("ours", not_run="failed")),
    ],
)
def test_no_figures_no_ratio(peer, ours):
    assert ratio(peer, ours) is None
    assert reached(peer, ours) is None


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent(power):
    counts = [10, 1000, 100_000]
    assert exponent(counts, [3 * count**power for count in counts]) == pytest.approx(power)


def test_exponent_of_one_point_is_unknown():
    assert exponent([10], [1.0]) is None


def test_an_outcome_comes_back_from_its_record():
    outcome = Outcome("t", "Title", "3 files", "2026-01-01", "0.10", [Runs("ours", wall=[1.0]), Runs("peer", 2.0)])
    assert Outcome.of(outcome.as_record()) == outcome
