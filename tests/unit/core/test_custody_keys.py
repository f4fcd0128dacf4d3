"""core/custody_keys.py against specs/custody-log.md, section 5."""

from __future__ import annotations

import custodyevents as ce
import pytest
from custodyevents import ANNA, BEN, CARL, event, walk

from evidencekit.core.custody import advance

DORA, ANNA2 = ce.someone("dora"), ce.someone("anna2")
ROTATE = event("key_add", also=(ANNA2,), public_key=ANNA2.line, id="anna", replaces=ANNA.key)


def add(new, *, by=ANNA, also=None, **more):
    return event("key_add", by=by, also=(new,) if also is None else also, public_key=new.line, id=new.id, **more)


def test_the_new_key_stands_for_the_same_person():
    state, codes = walk(event("collect", "EX-001"), ROTATE, event("store", "EX-001", by=ANNA2))
    assert not any(codes)
    assert state.person(ANNA2.key) == state.person(ANNA.key) == ANNA.key
    assert advance(state, event("store", "EX-001"))[1][0].code == "E312"


def test_a_second_rotation():
    third = ce.someone("anna3")
    again = add(third, by=ANNA2, replaces=ANNA2.key)
    state, codes = walk(event("collect", "EX-001"), ROTATE, again, event("store", "EX-001", by=third))
    assert not any(codes)
    assert state.person(third.key) == ANNA.key


@pytest.mark.parametrize(
    ("before", "last", "codes"),
    [
        ([], add(CARL), ()),
        ([], add(CARL, also=()), ("E310", "E310")),
        ([], add(CARL, also=(BEN,)), ("E310",)),
        ([], add(CARL, replaces=BEN.key), ("E301",)),
        ([add(CARL)], add(CARL), ("E301",)),
        ([event("hold_release", "EX-001", by=CARL)], add(CARL), ("E301",)),  # who signed is known, whatever he signed
        ([event("key_retire", key=CARL.key)], add(CARL), ("E312", "E301")),
        ([], event("key_retire", key=BEN.key), ()),  # anna opened the case
        ([], event("key_retire", by=BEN, key=BEN.key), ()),
        ([], event("key_retire", by=BEN, key=CARL.key), ("E301",)),
        ([], event("key_retire", by=BEN, also=(CARL,), key=DORA.key), ()),
        ([event("key_retire", key=BEN.key)], event("key_retire", key=BEN.key), ("E301",)),
        ([event("key_retire", key=BEN.key)], event("key_revoke", key=BEN.key), ()),
        ([event("key_retire", key=BEN.key)], event("incident", "EX-001", by=BEN), ("E312",)),
        ([event("key_revoke", key=BEN.key)], event("incident", "EX-001", by=BEN), ("E312",)),
        ([event("key_revoke", key=BEN.key)], event("reassign", "EX-001", also=(BEN,)), ("E312",)),
        ([], event("key_revoke", key=BEN.key, from_size="3"), ()),
        ([], event("key_revoke", key=BEN.key, from_size="4"), ("E301",)),
        ([], event("key_revoke", by=BEN, key=CARL.key), ("E301",)),
    ],
)
def test_events_about_keys(before, last, codes):
    begin = [event("collect", "EX-001"), event("countersign")]
    state, _ = walk(*begin, *before)
    assert tuple(remark.code for remark in advance(state, last)[1]) == codes


def test_the_earliest_revocation_counts():
    state, codes = walk(
        event("collect", "EX-001"), event("key_revoke", key=BEN.key, from_size="2"),
        event("key_revoke", key=BEN.key, from_size="3"), event("key_revoke", key=BEN.key, from_size="1"),
    )  # fmt: skip
    assert not any(codes)
    assert (state.keys[BEN.key].believed_below, state.keys[BEN.key].spent) == (1, 3)


def test_a_key_that_signs_no_more_is_refused_in_an_event_of_any_type():
    state, _ = walk(event("collect", "EX-001"), event("key_retire", key=BEN.key))
    assert [remark.code for remark in advance(state, event("migrate", "EX-001", by=BEN))[1]] == ["E312"]
