"""Which rows somebody means, and what is said where he means none."""

from __future__ import annotations

import pytest

from evidencekit.core.selectors import Selectors
from evidencekit.errors import BadArgument

ROWS = [b"", b"docs", b"docs/a.txt", b"docs/b", b"docs2", b"x\xff.txt"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["EX-1:docs"], [1, 2, 3]),
        (["EX-1:docs/"], [1, 2, 3]),
        (["EX-1:docs/a.txt"], [2]),
        (["EX-1:"], [0, 1, 2, 3, 4, 5]),
        (["EX-1#0"], [0]),
        (["*.txt"], [2, 5]),
        (["docs/*"], [2, 3]),
        (["EX-1#4", "b"], [3, 4]),
        (["EX-1:x\udcff.txt"], [5]),
        (["*"], [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_is_meant(texts, expected):
    chosen = Selectors("EX-1", texts)
    assert [index for index, path in enumerate(ROWS) if chosen.matches(index, path)] == expected
    chosen.refuse_unused()


def test_all_of_them():
    chosen = Selectors("EX-1", [], everything=True)
    assert all(chosen.matches(index, None) for index in range(3))
    chosen.refuse_unused()


def test_a_row_without_a_name_is_known_by_its_number():
    chosen = Selectors("EX-1", ["EX-1#1", "EX-1:docs", "*"])
    assert [chosen.matches(index, None) for index in range(3)] == [False, True, False]


@pytest.mark.parametrize(
    ("texts", "code"),
    [([], "U270"), (["EX-2:a"], "U271"), (["EX-1#x"], "U271"), (["EX-1#01"], "U271"), (["EX-11#1"], "U271")],
)
def test_what_nobody_can_mean(texts, code):
    with pytest.raises(BadArgument) as caught:
        Selectors("EX-1", texts)
    assert caught.value.code == code


def test_what_matches_nothing_is_named():
    chosen = Selectors("EX-1", ["EX-1:docs", "*.nothing"])
    chosen.matches(1, b"docs")
    with pytest.raises(BadArgument, match=r"\*\.nothing") as caught:
        chosen.refuse_unused()
    assert caught.value.code == "U272"
