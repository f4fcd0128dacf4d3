"""Table and chart of made-up results: what is missing is named, what is missed is said, and both are well-formed."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.agreement import compared
from benchmarks.chart import chart
from benchmarks.machine import Machine
from benchmarks.ratios import Outcome, Runs
from benchmarks.report import BEGIN, END, Results, filled, markdown, shown, shown_goal
from benchmarks.scale import STEPS, Size, Took

MACHINE = Machine(
    "2026-01-01", "A processor", 2, False, "Linux 6.1", "3.11.2", "OpenSSL 3", "0.10", "0.1.0", {"rhash": None}
)


def ran(name: str, *wall: float, goal: float | None = None) -> Runs:
    rounds = len(wall)
    return Runs(
        name, goal, wall=list(wall), cpu=[0.5] * rounds, peak=[1 << 20] * rounds, together=[2 << 20] * rounds,
        read=[0] * rounds,
    )  # fmt: skip


@pytest.fixture
def results() -> Results:
    contenders = [
        ran("evidencekit", 1.0, 2.0),
        ran("near <&>", 2.0, 4.4, goal=2),
        ran("slower", 0.5, 1.0, goal=0.95),
        ran("far", 500.0, 1000.0, goal=50),
        Runs("rhash", goal=3, not_run="rhash is not installed"),
    ]
    outcome = Outcome("small", "Seal", "2 files", "2026-01-01", "0.10", contenders, {"Read": "5 bytes"})
    sizes = [Size(10 * n, 11 * n, dict.fromkeys(STEPS, Took(n, 1 << 20, 0)), 1000 * n, 1 << 20) for n in (1, 10)]
    return Results(MACHINE, [outcome], compared({b"a": ("x/y", "")}, {b"a": ("x/z", "")}), sizes)


def test_table(results):
    text = markdown(results)
    assert "| near <&> | **2.10** (2.00\N{EN DASH}2.20) | ≥ 2: reached | 3.20 (2.00\N{EN DASH}4.40) |" in text
    assert "| slower | **0.50** (0.50\N{EN DASH}0.50) | ≥ 0.95: **missed** |" in text
    assert "| rhash | not run: rhash is not installed | ≥ 3: not known |" in text
    assert "rhash **not installed**" in text
    assert "without SHA instructions" in text
    assert "0 of 1 sealed opinions (0.000 %)" in text
    assert "1 | x/y | x/z | a" in text
    assert "e = | 1.00 |" in text


def test_results_come_back_from_their_record(results):
    assert Results.of(results.as_record()) == results


def test_results_take_their_place_only(results):
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = filled(text, results)
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once
    assert filled(once, results) == once


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_no_place_is_refused(results, text):
    with pytest.raises(ValueError, match="no place"):
        filled(text, results)


def test_new_results_join_earlier_ones(results):
    other = Outcome("one", "One", "", "2026-01-02", "0.20", [ran("evidencekit", 1.0)])
    again = Outcome("small", "Again", "", "2026-01-02", "0.20", [ran("evidencekit", 1.0)])
    joined = Results(MACHINE, [other, again]).joined(results)
    assert [outcome.title for outcome in joined.outcomes] == ["Again", "One"]
    assert (joined.agreement, joined.scale) == (results.agreement, results.scale)


def test_chart_is_well_formed_and_names_everybody(results):
    root = ET.fromstring(chart(results.outcomes))  # noqa: S314 (our own)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"near <&>", "slower", "far", "rhash", "not run (rhash is not installed)"} <= set(words)
    width = float(root.get("viewBox").split()[2])
    for bar in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(bar.get("x", "0")) <= width
        assert float(bar.get("width")) > 0


def test_chart_of_nothing_is_well_formed():
    root = ET.fromstring(chart([]))  # noqa: S314 (our own)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize(
    ("figure", "words"), [(0.949, "0.95"), (9.949, "9.95"), (9.951, "10.0"), (99.6, "100"), (1234.5, "1234")]
)
def test_ratios_have_three_figures(figure, words):
    assert shown(figure) == words


@pytest.mark.parametrize(("goal", "words"), [(50, "50"), (2, "2"), (2.5, "2.5"), (1 / 3, "0.33"), (0.95, "0.95")])
def test_goals_have_the_figures_that_they_were_set_with(goal, words):
    assert shown_goal(goal) == words
