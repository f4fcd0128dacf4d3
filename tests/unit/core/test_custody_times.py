"""core/custody_times.py, and what the rules make of times, against specs/custody-log.md, section 4."""

from __future__ import annotations

import custodyevents as ce
import pytest
from custodyevents import ANNA, BEN, CARL, at, event, offer_of, walk

from evidencekit.core.custody_state import MAX_TENURES
from evidencekit.core.custody_times import clock_remarks, end_remarks, entry_remarks, latest

HOUR, DAY = 60, 1440


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        (at(0), "2026-05-28T20:26:40.000000000Z"),
        (at(0, "ms"), "2026-05-28T20:26:40.000999999Z"),
        (at(0, "s"), "2026-05-28T20:26:40.999999999Z"),
        (at(0, "min"), "2026-05-28T20:26:59.999999999Z"),
        (at(0, "day"), "2026-05-28T23:59:59.999999999Z"),
        ({"precision": "day", "time": "2026-05-27T22:00:00.000000000Z"}, "2026-05-28T21:59:59.999999999Z"),
        ({"precision": "day", "time": "9999-12-31T00:00:00.000000000Z"}, "9999-12-31T23:59:59.999999999Z"),
        ({"precision": "day", "time": "9999-12-31T12:00:00.000000000Z"}, "9999-12-31T12:00:00.000000000Z"),
    ],
)
def test_the_last_instant_that_a_moment_can_mean(moment, last):
    assert latest(moment) == last


@pytest.mark.parametrize(
    ("occurred", "recorded", "codes"),
    [
        (at(0), 0, []),
        (at(0), 60, []),
        (at(0), 60.01, ["W914"]),
        (at(5), 0, []),
        (at(5.01), 0, ["W915"]),
        (at(0, "day"), 4 * HOUR, []),
        (at(0, "day"), 5 * HOUR, ["W914"]),
    ],
)
def test_late_and_early_entries(occurred, recorded, codes):
    found = entry_remarks(event("view", "EX-001", when=occurred), at(recorded)["time"])
    assert [remark.code for remark in found] == codes


@pytest.mark.parametrize(
    ("clock", "codes"),
    [
        ({}, []),
        ({"method": "radio"}, []),
        ({"offset_ms": "0"}, []),
        ({"offset_ms": "-86400000"}, []),
        ({"offset_ms": "86400001"}, ["W920"]),
        *(({"offset_ms": text}, ["W920"]) for text in ("", "+5", "05", "-0", "1.5", "half an hour", "٣", "9" * 19)),
        ({"device_clock": at(5), "reference_clock": at(0), "offset_ms": "300000"}, []),
        ({"device_clock": at(5), "reference_clock": at(0), "offset_ms": "301000"}, []),
        ({"device_clock": at(5), "reference_clock": at(0), "offset_ms": "301001"}, ["W920"]),
        ({"device_clock": at(5), "reference_clock": at(0), "offset_ms": "-300000"}, ["W920"]),
        ({"device_clock": at(5, "min"), "reference_clock": at(0), "offset_ms": "300000"}, []),
        ({"device_clock": at(0), "reference_clock": at(DAY + 1)}, ["W920"]),
        ({"device_clock": at(0), "reference_clock": at(DAY)}, []),
    ],
)
def test_clocks(clock, codes):
    stated = event("view", "EX-001", clock_reference=clock) if clock else event("view", "EX-001")
    assert [remark.code for remark in clock_remarks(stated)] == codes
    assert walk(event("collect", "EX-001"), stated)[1][-1] == tuple(codes)


HANDOVER = [
    event("collect", "EX-001", when=at(0)),
    event("offer", "EX-001", when=at(10)),
    event("accept", "EX-001", by=BEN, offer=offer_of(2), digests_checked="full", when=at(20)),
    event("store", "EX-001", by=BEN, when=at(30)),
]


@pytest.mark.parametrize(
    ("last", "codes"),
    [
        (event("store", "EX-001", by=BEN, when=at(40)), ()),
        (event("store", "EX-001", by=BEN, when=at(25)), ("W914",)),
        (event("store", "EX-001", by=ANNA, when=at(15)), ("W914",)),  # she had it then
        (event("store", "EX-001", by=ANNA, when=at(25)), ("E311",)),
        (event("store", "EX-001", by=ANNA, when=at(40)), ("E311",)),
        (event("store", "EX-001", by=ANNA, when=at(-5)), ("E311",)),
        (event("store", "EX-001", by=CARL, when=at(15)), ("E311",)),
        (event("store", "EX-001", by=BEN, when=at(15)), ("W913", "W914")),  # she had it then, not he
        (event("store", "EX-001", by=BEN, when=at(0, "day")), ()),  # nobody can say that it was not later
        (event("store", "EX-001", by=ANNA, when=at(0, "day")), ()),
        (event("loan", "EX-001", by=ANNA, to=CARL.named, when=at(15)), ("E311",)),  # not the keeper's to do
        (event("incident", "EX-001", by=CARL, when=at(15)), ("W914",)),
    ],
)
def test_late_entries(last, codes):
    assert walk(*HANDOVER, last)[1][-1] == codes


def test_changes_of_hands_that_are_kept_in_mind_are_bounded():
    back_and_forth = [
        each for n in range(40)
        for each in (event("check_out", "EX-001", when=at(2 * n)), event("check_in", "EX-001", when=at(2 * n + 1)))
    ]  # fmt: skip
    state, codes = walk(event("collect", "EX-001"), *back_and_forth)
    assert not any(codes)
    assert len(state.items["EX-001"].tenures) == MAX_TENURES
    late = (event("view", "EX-001", by=BEN, when=at(minute)) for minute in (0.5, 78.5))
    assert walk(event("collect", "EX-001"), *back_and_forth, *late)[1][-2:] == [("E311",), ("W914",)]


def test_what_is_open_at_the_end():
    loan = event("loan", "EX-001", due=at(10, "min"))
    state, _ = walk(event("collect", "EX-001"), loan, event("collect", "EX-002"), event("offer", "EX-002"))
    assert [(entry, one.code) for entry, one in end_remarks(state, None)] == [(4, "W911")]
    on_time, late = at(10.2)["time"], at(10.5)["time"]
    assert [(entry, one.code) for entry, one in end_remarks(state, on_time)] == [(4, "W911")]
    assert [(entry, one.code) for entry, one in end_remarks(state, late)] == [(2, "W919"), (4, "W911")]
    state, _ = walk(event("collect", "EX-001"), loan, event("return", "EX-001"))
    assert end_remarks(state, ce.at(999)["time"]) == []
