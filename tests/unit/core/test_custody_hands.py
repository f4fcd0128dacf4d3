"""core/custody_hands.py against specs/custody-log.md, section 4: loans, offers and their answers, other logs, adoption."""

from __future__ import annotations

import custodyevents as ce
import pytest
from custodyevents import ANNA, BEN, CARL, OTHER, event, offer_of, walk

from evidencekit.core.custody import Custody, advance
from evidencekit.errors import FormatError

HELD = [event("collect", "EX-001"), event("collect", "EX-002")]
OFFERED = [*HELD, event("offer", "EX-001", "EX-002")]
FOREIGN = {
    "message": {"bytes": "1", "sha256": ce.H},
    "offer": {"entry": "4", "event": ce.H, "origin": OTHER},
    "offered_by": ANNA.named,
}
CHECKED = {"digests_checked": "full"}


def accept(*items, entry=3, by=BEN, **more):
    return event("accept", *items, by=by, offer=offer_of(entry), **CHECKED, **more)


# --- for a while ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("out", "back"), [("loan", "return"), ("check_out", "check_in")])
def test_out_and_back(out, back):
    state, codes = walk(*HELD, event(out, "EX-001"))
    item = state.items["EX-001"]
    assert (item.holder.key, item.keeper.key, item.out.kind) == (ANNA.key, BEN.key, out)
    assert advance(state, event("analyse", "EX-001", by=BEN))[1] == ()
    for by in (ANNA, BEN):
        after, remarks = advance(state, event(back, "EX-001", by=by))
        assert (remarks, after.items["EX-001"].out) == ((), None)
    assert not any(codes)


@pytest.mark.parametrize(
    ("before", "last", "code"),
    [
        ([], event("loan", "EX-001", by=CARL), "E311"),
        ([], event("return", "EX-001"), "E301"),
        ([event("loan", "EX-001")], event("check_in", "EX-001"), "E301"),
        ([event("check_out", "EX-001")], event("return", "EX-001"), "E301"),
        ([event("loan", "EX-001")], event("return", "EX-001", by=CARL), "E311"),
        ([event("loan", "EX-001")], event("store", "EX-001"), "E311"),
        *(
            ([event("loan", "EX-001")], event(kind, "EX-001", **more), "E301")
            for kind, more in (("loan", {}), ("check_out", {}), ("offer", {}), ("dispose", {}), ("release", {}))
        ),
        ([event("loan", "EX-001")], event("offer", "EX-001", by=BEN, to=CARL.named), "E311"),
    ],
)
def test_out_and_back_with_one_fault(before, last, code):
    _, codes = walk(*HELD, *before, last)
    assert codes[-1] == (code,)
    assert not any(codes[:-1])


# --- from hand to hand ----------------------------------------------------------------------------------------


def test_an_offer_that_is_accepted():
    state, codes = walk(*OFFERED)
    assert {item.offer.to.key for item in state.items.values()} == {BEN.key}
    assert {item.holder.key for item in state.items.values()} == {ANNA.key}
    state, remarks = advance(state, accept("EX-001", "EX-002"))
    assert not any(codes)
    assert not remarks
    assert {(item.holder.key, item.offer) for item in state.items.values()} == {(BEN.key, None)}


def test_an_offer_that_is_accepted_in_part_and_one_that_is_refused():
    refused = [{"item": "EX-002", "reason": "wet"}]
    state, codes = walk(*OFFERED, accept("EX-001", "EX-002", refused=refused))
    assert not any(codes)
    assert [item.holder.key for item in state.items.values()] == [BEN.key, ANNA.key]
    state, codes = walk(*OFFERED, event("refuse", "EX-001", by=BEN, offer=offer_of(3)))
    assert not any(codes)
    assert [item.holder.key for item in state.items.values()] == [ANNA.key, ANNA.key]
    assert [item.offer is None for item in state.items.values()] == [True, False]


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([event("offer", "EX-001", to=ANNA.named)], "E301"),
        ([accept("EX-001", entry=2)], "E314"),
        ([accept("EX-001", entry=1)], "E314"),
        ([event("offer", "EX-001"), accept("EX-001", by=CARL)], "E313"),
        ([event("offer", "EX-001"), event("refuse", "EX-001", by=CARL, offer=offer_of(3))], "E313"),
        ([event("offer", "EX-001"), event("refuse", "EX-001", by=ANNA, offer=offer_of(3))], "E313"),
        ([event("offer", "EX-001"), accept("EX-001"), accept("EX-001")], "E314"),
        ([event("offer", "EX-001"), accept("EX-002")], "E314"),
        ([event("offer", "EX-001"), accept("EX-001", refused=[{"item": "EX-001", "reason": ""}])], "E301"),
        ([event("offer", "EX-001"), accept("EX-001", refused=[{"item": "EX-002", "reason": ""}])], "E301"),
        ([event("offer", "EX-001"), accept("EX-001", "EX-009")], "E301"),
    ],
)
def test_an_answer_with_one_fault(events, code):
    before, _ = walk(*HELD, *events[:-1])
    state, remarks = advance(before, events[-1])
    assert [remark.code for remark in remarks] == [code]
    assert [(item.holder, item.offer) for item in state.items.values() if not item.unknown] == [
        (item.holder, item.offer) for item in before.items.values()
    ]


@pytest.mark.parametrize(
    ("last", "codes"),
    [
        (event("offer", "EX-001", to=CARL.named), ("W911",)),
        (event("loan", "EX-001"), ("W911",)),
        (event("check_out", "EX-001"), ("W911",)),
        (event("dispose", "EX-001"), ("W911",)),
        (event("reassign", "EX-001", also=(BEN,)), ("W911",)),
        (event("store", "EX-001"), ()),
    ],
)
def test_an_offer_that_nobody_will_answer_any_more_is_named(last, codes):
    state, found = walk(*HELD, event("offer", "EX-001"), last)
    assert found[-1] == codes
    assert (state.items["EX-001"].offer is None) == (bool(codes) and last["type"] != "offer")


def test_time_in_nobodys_hands():
    for more, codes in (({}, ("W912",)), ({"carrier": "DHL"}, ())):
        offer = event("offer", "EX-001", handed_over_at=ce.at(5), when=ce.at(4), **more)
        assert walk(*HELD, offer, accept("EX-001", when=ce.at(9)))[1][-1] == codes
    offer = event("offer", "EX-001", handed_over_at=ce.at(5), when=ce.at(4))
    assert walk(*HELD, offer, accept("EX-001", when=ce.at(5)))[1][-1] == ()


@pytest.mark.parametrize(
    ("stated", "codes"), [({"digests_checked": "none"}, ("W918",)), ({}, ("W918",)), (CHECKED, ())]
)
def test_digests_checked_on_receipt(stated, codes):
    last = event("accept", "EX-001", by=BEN, offer=offer_of(3), **stated)
    assert walk(*HELD, event("offer", "EX-001"), last)[1][-1] == codes


# --- other logs -----------------------------------------------------------------------------------------------


def taken(*items, by=BEN, without=(), **more):
    return event("accept", *items, by=by, without=without, **(FOREIGN | CHECKED | more))


def test_an_item_that_comes_from_another_log_begins_here():
    state, codes = walk(taken("EX-001", "EX-007", offered_as=["EX-001", "EX-002"]))
    assert not any(codes)
    assert [item.holder.key for item in state.items.values()] == [BEN.key, BEN.key]


@pytest.mark.parametrize(
    "last",
    [
        taken("EX-009", without=("message",)),
        taken("EX-009", without=("offered_by",)),
        taken("EX-009", offered_as=["EX-001", "EX-002"]),
        taken("EX-008", "EX-009", offered_as=["EX-001", "EX-001"]),
        taken("EX-009", offered_as=["EX-001"], refused=[{"item": "EX-001", "reason": ""}]),
        taken("field/EX-009"),
        event("refuse", by=BEN, offer=FOREIGN["offer"]),
        event("refuse", "EX-001", by=BEN, offer=FOREIGN["offer"], message=FOREIGN["message"]),
    ],
)
def test_an_answer_to_another_log_with_one_fault(last):
    assert walk(*HELD, last)[1][-1] == ("E301",)


def test_an_item_comes_back_from_whom_it_went_to():
    away = event("receipt", "EX-001", offer={"entry": "3", "event": ce.H})
    state, codes = walk(*HELD, event("offer", "EX-001"), away)
    item = state.items["EX-001"]
    assert not any(codes)
    assert (item.holder.key, item.away) == (BEN.key, OTHER)
    assert advance(state, event("store", "EX-001"))[1][0].code == "E311"
    after, remarks = advance(state, taken("EX-001", by=ANNA, offered_by=BEN.named))
    assert not remarks
    assert (after.items["EX-001"].holder.key, after.items["EX-001"].away) == (ANNA.key, None)
    assert advance(state, taken("EX-001", by=ANNA, offered_by=CARL.named))[1][0].code == "E311"


def test_what_was_refused_there_stays_here():
    offer = event("offer", "EX-001", "EX-002")
    body = {"offer": {"entry": "3", "event": ce.H}}
    part = event("receipt", "EX-001", "EX-002", refused=[{"item": "EX-002", "reason": "wet"}], **body)
    state, codes = walk(*HELD, offer, part)
    assert not any(codes)
    assert [item.holder.key for item in state.items.values()] == [BEN.key, ANNA.key]
    state, codes = walk(*HELD, offer, event("receipt", "EX-001", "EX-002", answered="refuse", **body))
    assert not any(codes)
    assert {(item.holder.key, item.offer) for item in state.items.values()} == {(ANNA.key, None)}


@pytest.mark.parametrize(
    ("more", "code"),
    [({"answered_by": CARL.named}, "E313"), ({"offer": {"entry": "2", "event": ce.H}}, "E314")],
)
def test_a_receipt_with_one_fault(more, code):
    last = event("receipt", "EX-001", **({"offer": {"entry": "3", "event": ce.H}} | more))
    assert walk(*HELD, event("offer", "EX-001"), last)[1][-1] == (code,)


def test_nothing_is_offered_to_another_log_s_refusal():
    last = event("refuse", by=BEN, offer=FOREIGN["offer"], message=FOREIGN["message"])
    assert walk(*HELD, last)[1][-1] == ()


# --- freed, and taken over ------------------------------------------------------------------------------------


def test_two_persons_free_an_item():
    state, codes = walk(*HELD, event("reassign", "EX-001", by=BEN, also=(CARL,)))
    assert not any(codes)
    assert state.items["EX-001"].holder.key == CARL.key
    assert walk(*HELD, event("reassign", "EX-001", by=BEN))[1][-1] == ("E310",)


def test_two_keys_of_one_person_are_not_two_persons():
    ben2 = ce.someone("ben2")
    add = event("key_add", by=BEN, also=(ben2,), public_key=ben2.line, id="ben")
    both = event("reassign", "EX-001", by=BEN, also=(ben2,))
    assert walk(*HELD, add, both)[1][-1] == ()  # added, not in place of: another key of whoever
    add = event("key_add", by=BEN, also=(ben2,), public_key=ben2.line, id="ben", replaces=BEN.key)
    codes = walk(*HELD, add, event("reassign", "EX-001", by=ben2, also=(BEN,)))[1][-1]
    assert set(codes) == {"E310", "E312"}


def test_a_case_that_is_adopted():
    adopt = event("adopt", "field/EX-001", "field/EX-002")
    state, codes = walk(adopt)
    assert not any(codes)
    assert {item.holder.key for item in state.items.values()} == {ANNA.key}
    assert list(state.branches) == ["field"]
    assert walk(adopt, event("adopt", "field/EX-003"))[1][-1] == ("E301",)
    assert walk(adopt, event("adopt", "field/EX-001", branch="field2"))[1][-1] == ("E301",)
    assert walk(event("adopt", "EX-001"))[1][-1] == ("E301",)
    assert walk(event("adopt", "fields/EX-001"))[1][-1] == ("E301",)


def test_who_adopted_an_item_says_how_it_came():
    """The offer of the adopted case, answered in the adopter's log: nothing changes hands."""
    adopt = event("adopt", "field/EX-001", by=BEN)
    state, codes = walk(adopt, taken("field/EX-001", offered_as=["EX-001"]))
    assert not any(codes)
    assert state.items["field/EX-001"].holder.key == BEN.key
    for wrong in (
        taken("field/EX-001", offered_as=["EX-002"]),
        taken("field/EX-001", offered_as=["field/EX-001"]),
        taken("field/EX-001", offered_as=["EX-001"], by=CARL),
    ):
        assert walk(adopt, wrong)[1][-1] == ("E311",)
    assert walk(taken("field/EX-001", offered_as=["EX-001"]))[1][-1] == ("E301",)


def test_a_broken_adoption_takes_no_name():
    state, _ = walk(event("adopt", "EX-001"))
    assert list(state.branches) == []
    assert advance(Custody(), event("adopt", "field/EX-001"))[1][0].code == "E301"


# --- packages ---------------------------------------------------------------------------------------------------


def test_what_comes_in_a_package_is_held_by_who_received_it():
    state, codes = walk(event("receive", "EX-100", "EX-101", by=BEN, offered_as=["EX-001", "EX-002"]))
    assert not any(codes)
    assert {item.holder.key for item in state.items.values()} == {BEN.key}
    assert list(state.packages) == [ce.H]


def test_more_rows_come_in_another_package():
    first = event("receive", "EX-100", by=BEN)
    other = {"package": "2" * 64}
    assert walk(first, event("receive", "EX-100", by=BEN, **other))[1][-1] == ()
    assert walk(first, event("receive", "EX-100", by=CARL, **other))[1][-1] == ("E311",)
    assert walk(first, event("dispose", "EX-100", by=BEN), event("receive", "EX-100", by=BEN, **other))[1][-1] == (
        "E315",
    )


REFUSED = [{"item": "EX-002", "reason": "not asked for"}]


@pytest.mark.parametrize(
    ("items", "more"),
    [
        (["EX-001"], {"log": {"origin": ce.ORIGIN, "root": ce.H, "size": "1"}}),
        (["field/EX-001"], {}),
        ([], {}),
        (["EX-002"], {"refused": REFUSED}),
        (["EX-001"], {"offered_as": ["EX-002"], "refused": REFUSED}),
        (["EX-001", "EX-003"], {"offered_as": ["EX-002"]}),
        (["EX-001", "EX-003"], {"offered_as": ["EX-002", "EX-002"]}),
    ],
)
def test_a_package_received_with_one_fault(items, more):
    state, codes = walk(event("receive", *items, **more))
    assert codes[-1] == ("E301",)
    assert not list(state.packages)


def test_a_package_is_received_once_and_may_be_refused_as_a_whole():
    refused = event("receive", refused=REFUSED)
    assert walk(refused)[1] == [()]
    assert walk(refused, event("receive", "EX-001"))[1][-1] == ("E301",)


def test_a_package_s_receipt_is_entered_by_anybody_and_changes_nothing():
    receipt = event(
        "receipt", "EX-001", by=CARL, answered="receive", export={"entry": "1", "event": ce.H}, without=("offer",)
    )
    before, _ = walk(*HELD)
    state, codes = walk(*HELD, receipt)
    assert not any(codes)
    assert state.items["EX-001"].holder == before.items["EX-001"].holder
    assert walk(*HELD, event("dispose", "EX-001"), receipt)[1][-1] == ()
    assert walk(receipt)[1][-1] == ("E301",)


@pytest.mark.parametrize(
    "more",
    [
        {"answered": "receive"},
        {"answered": "receive", "export": {"entry": "1", "event": ce.H}},
        {"export": {"entry": "1", "event": ce.H}},
        {"export": {"entry": "1", "event": ce.H}, "without": ("offer",)},
        {"without": ("offer",)},
    ],
)
def test_a_receipt_answers_an_offer_or_an_export(more):
    with pytest.raises(FormatError):
        event("receipt", "EX-001", **more)
