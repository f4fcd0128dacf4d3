"""Chains of items followed through events that are withheld: who was touched is known, and a false place is found."""

from __future__ import annotations

import pytest

from evidencekit.verify.hidden import HiddenEvents
from evidencekit.verify.run import Run

UNKNOWN = {"type": "view", "body": {"_t": "evidencekit/view/1"}}
SPLIT = {"type": "split", "body": {"_t": "evidencekit/split/1"}}


def follow(steps, grounds):
    """Each step is (items or None where hidden, places); returns codes found, and what was touched."""
    run = Run()
    hidden = HiddenEvents(run, grounds)
    for index, (items, places, *kind) in enumerate(steps):
        if items is None:
            assert index in hidden
            hidden.hide(index, places, f"custody/{index:08d}/entry")
        else:
            hidden.take(index, {**(kind[0] if kind else UNKNOWN), "items": items}, places)
    return sorted(run.findings.counts.elements()), dict(hidden.touched)


TABLE = {
    "nothing hidden": ([(["A"], (None,)), (["A"], ("0/0",))], {}, [], {}),
    "hidden between": ([(["A"], (None,)), (None, ("0/0",)), (["A"], ("1/0",))], {1: "p"}, [], {"A": 1}),
    "hidden at the end": ([(["A"], (None,)), (None, ("0/0",))], {1: "p"}, [], {"A": 1}),
    "hidden at the beginning": ([(None, (None,)), (["A"], ("0/0",))], {0: "p"}, [], {"A": 1}),
    "twice at the beginning": ([(None, (None,)), (None, ("0/0",)), (["A"], ("1/0",))], {0: "p", 1: "p"}, [], {"A": 2}),
    "of another item": ([(["A"], (None,)), (None, (None,)), (["A"], ("0/0",))], {1: "p"}, [], {}),
    "of two, the second": ([(["A", "B"], (None, None)), (None, ("0/1",)), (["A"], ("0/0",))], {1: "p"}, [], {"B": 1}),
    "a hidden event passed by": ([(["A"], (None,)), (None, ("0/0",)), (["A"], ("0/0",))], {1: "p"}, ["E307"], {"A": 1}),
    "a place of nothing": ([(["A"], (None,)), (["A"], ("0/5",))], {}, ["E302"], {}),
    "a place of another item": ([(["A", "B"], (None, None)), (["A"], ("0/1",))], {}, ["E302"], {}),
    "begins anew": ([(["A"], (None,)), (["A"], (None,))], {}, ["E302"], {}),
    "a hidden one follows an old place": (
        [(["A"], (None,)), (["A"], ("0/0",)), (None, ("0/0",))], {2: "p"}, ["E307"], {"A": 1},
    ),
    "a hidden one follows nothing that is there": ([(["A"], (None,)), (None, ("0/7",))], {1: "p"}, ["E302"], {}),
    "a shown part": ([(["A"], (None,)), (["A", "A.1"], ("0/0", "1/0"), SPLIT)], {}, [], {}),
    "a hidden split": (
        [(["A"], (None,)), (None, ("0/0", "1/0")), (["A.1"], ("1/1",)), (["A"], ("1/0",))], {1: "p"}, [],
        {"A": 1, "A.1": 1},
    ),
    "places that are too few": ([(["A", "B"], (None,))], {}, ["E302"], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_chains(name):
    steps, grounds, codes, touched = TABLE[name]
    assert follow(steps, grounds) == (codes, touched)


def test_an_entry_that_cannot_be_read_is_no_lie():
    run = Run()
    hidden = HiddenEvents(run, {1: "p"})
    hidden.take(0, {**UNKNOWN, "items": ["A"]}, (None,))
    hidden.lose()
    hidden.take(2, {**UNKNOWN, "items": ["A"]}, ("1/0",))
    assert not run.findings.counts
    assert run.first_not_checked["custody"].code == "gap"
