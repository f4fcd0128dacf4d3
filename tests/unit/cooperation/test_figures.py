"""Figures: small groups are pooled, small counts left out, nothing is had by subtraction, nothing is counted twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation.figures import NO_OUTCOME, OTHER, Asked, Counted, Held, Taken, figures, pooled

MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")


def taken(month=MONTHS[0], waited=60, **more):
    return Taken(month, **({"rows": 2, "bytes": 10, "omissions": 1} | more), waited_s=waited)


def held(month=MONTHS[0], instrument="invented", *, extensions=0, lapsed=False, released=False):
    return Held(month, instrument, extensions, lapsed, released)


def asked(side="received", month=MONTHS[0], instrument="invented", outcome=NO_OUTCOME, times=(None, None), **more):
    return Asked(side, month, instrument, outcome, *times, **({"withdrawn": False, "extends": False} | more))


ASKED = st.lists(
    st.builds(
        asked, st.sampled_from(("received", "sent")), st.sampled_from(MONTHS), st.sampled_from(("a", "b", OTHER)),
        st.sampled_from(("executed", "partial", "refused", NO_OUTCOME)), withdrawn=st.booleans(), extends=st.booleans(),
    ),
    max_size=60,
)  # fmt: skip
ROWS = st.lists(st.builds(held, st.sampled_from(MONTHS), st.sampled_from(("a", "b", OTHER))), max_size=40)


@given(ROWS, st.integers(1, 9))
def test_no_group_is_small_and_none_is_had_by_subtraction(rows, least):
    groups = {}
    for row in rows:
        groups.setdefault(row.instrument, []).append(row)
    shown = pooled(groups, least)
    counts = [len(members) for members in shown.values()]
    assert all(count >= least for count in counts)
    assert sum(counts) in ({len(rows)} if len(rows) >= least else {0})
    for name, members in shown.items():
        assert name == OTHER or members == groups[name]


@given(ROWS, st.integers(1, 9))
def test_a_total_and_its_groups_agree_or_there_are_none(rows, least):
    holds = figures(Counted(1, [], rows), least)["holds"]
    for groups in (holds["by_month"], holds["by_instrument"]):
        if 0 < len(rows) < least:
            assert holds["total"] is None
            assert groups == []
        else:
            assert sum(group["holds"] for group in groups) == holds["total"]["holds"] == len(rows)


def test_the_smallest_group_goes_along_until_there_are_enough():
    groups = {"a": [1] * 9, "b": [1] * 6, "c": [1] * 2}
    assert {name: len(rows) for name, rows in pooled(groups, 5).items()} == {"a": 9, OTHER: 8}
    assert {name: len(rows) for name, rows in pooled({"a": [1] * 9, "c": [1] * 5}, 5).items()} == {"a": 9, "c": 5}


def test_items():
    rows = [taken(waited=number) for number in (50, 10, 20, 30, 40)] + [taken(MONTHS[1], None)]
    items = figures(Counted(1, rows, []), 5)["items"]
    whole = {"bytes": 60, "items": 6, "omissions": 6, "rows": 12}
    assert items["total"] == whole | {"seizure_to_seal_s": {"median": 30, "ninth_decile": 50}}
    assert items["by_month"] == [{"month": OTHER} | items["total"]]
    assert figures(Counted(1, rows, []), 6)["items"]["total"] == whole | {"seizure_to_seal_s": None}
    assert figures(Counted(1, rows, []), 7)["items"] == {"by_month": [], "total": None}
    alone = figures(Counted(1, rows, []), 1)["items"]["by_month"]
    assert [(row["month"], row["items"], row["seizure_to_seal_s"]) for row in alone] == [
        (MONTHS[0], 5, {"median": 30, "ninth_decile": 50}),
        (MONTHS[1], 1, None),
    ]


def test_few_of_many_are_not_said_nor_many_but_a_few():
    rows = [held(lapsed=number < 2, released=number < 9, extensions=3 * (number < 5)) for number in range(10)]
    total = figures(Counted(1, [], rows), 5)["holds"]["total"]
    assert total == {"holds": 10, "lapsed": None, "released": None, "extended": 5, "extensions": 15}
    total = figures(Counted(1, [], [held(lapsed=True)] * 6), 5)["holds"]["total"]
    assert total == {"holds": 6, "lapsed": 6, "released": 0, "extended": 0, "extensions": 0}


@given(ASKED, st.integers(1, 9))
def test_requests_of_each_side_agree_with_their_total_and_none_is_few(rows, least):
    found = figures(Counted(1, [], [], rows), least)["requests"]
    for side in ("received", "sent"):
        own = [row for row in rows if row.side == side]
        total = found[side]["total"]
        for name in ("month", "instrument", "outcome"):
            groups = found[side][f"by_{name}"]
            assert all(group["requests"] >= least for group in groups)
            assert sum(group["requests"] for group in groups) == (0 if total is None else len(own))
        assert (total is None) == (0 < len(own) < least)
        for name, count in (
            ("withdrawn", sum(row.withdrawn for row in own)), ("extensions", sum(row.extends for row in own)),
        ):  # fmt: skip
            few = any(0 < part < least for part in (count, len(own) - count))
            assert total is None or total[name] == (None if few else count)


def test_times_to_answer():
    rows = [asked(outcome="executed", times=(number, 10 * number)) for number in range(1, 11)]
    rows += [asked(month=MONTHS[1], outcome="refused", times=(100, 100))] * 3
    rows += [asked(month=MONTHS[1], times=(None, None))] * 4 + [asked("sent", times=(7, None))] * 5
    found = figures(Counted(1, [], [], rows), 5)["requests"]
    first, whole = {"median": 5, "ninth_decile": 9}, {"median": 50, "ninth_decile": 90}
    assert found["received"]["by_month"] == [
        {"month": MONTHS[0], "requests": 10, "first_answer_s": first, "answer_s": whole},
        {"month": MONTHS[1], "requests": 7, "first_answer_s": None, "answer_s": None},
    ]
    # Three refusals and four without an outcome are few each: together they are not.
    assert found["received"]["by_outcome"] == [
        {"outcome": "executed", "requests": 10},
        {"outcome": OTHER, "requests": 7},
    ]
    assert found["received"]["total"]["answer_s"] == {"median": 70, "ninth_decile": 100}
    assert found["sent"]["total"] == {
        "answer_s": None, "extensions": 0, "first_answer_s": {"median": 7, "ninth_decile": 7}, "requests": 5, "withdrawn": 0,
    }  # fmt: skip
