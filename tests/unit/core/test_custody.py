"""core/custody.py against specs/custody-log.md, sections 3 and 4: what begins, is kept, is sealed, and ends."""

from __future__ import annotations

import time

import custodyevents as ce
import pytest
from custodyevents import ANNA, BEN, CARL, OPEN, ROOT, event, walk

from evidencekit.core.custody import Custody, Layers, Person, advance

ACQUIRE, SEAL, DERIVE = event("acquire", "EX-001"), event("seal", "EX-001"), event("derive", "EX-001")
HELD = [event("collect", "EX-001")]


def test_life_of_an_item():
    state, codes = walk(ACQUIRE, SEAL, DERIVE, DERIVE)
    assert not any(codes)
    assert state.size == 5
    item = state.items["EX-001"]
    assert (item.acquired, item.sealed, item.derived, item.root) == (1, 2, 4, ROOT)
    assert item.holder == item.keeper == Person(*ANNA.named.values())
    assert state.places(["EX-001", "EX-002"]) == ("4/0", None)


def test_a_comparison_is_derived_and_types_nothing():
    match = event("derive", "EX-001", kind="match")
    assert (walk(ACQUIRE, SEAL, match)[0].items["EX-001"].typed) is None
    item = walk(ACQUIRE, SEAL, DERIVE, match)[0].items["EX-001"]
    assert (item.derived, item.typed) == (4, 3)


def test_states_before_are_not_changed():
    before, _ = walk(ACQUIRE)
    after, _ = advance(before, SEAL)
    assert before.items["EX-001"].sealed is None
    assert after.items["EX-001"].sealed == 2
    assert advance(before, SEAL) == (after, ())


def test_acquiring_again_before_anything_else_makes_the_new_actor_the_holder():
    state, codes = walk(ACQUIRE, event("acquire", "EX-001", by=BEN))
    assert not any(codes)
    assert (state.items["EX-001"].acquired, state.items["EX-001"].holder_key) == (2, BEN.key)
    assert walk(ACQUIRE, event("store", "EX-001"), event("acquire", "EX-001", by=BEN))[1][-1] == ("E311",)


def test_who_is_identified_is_held_by_nobody_until_somebody_takes_it():
    state, codes = walk(event("identify", "EX-001"), event("store", "EX-001"))
    assert codes == [(), ("E311",)]
    assert state.items["EX-001"].holder is None
    for kind in ("collect", "acquire"):
        state, codes = walk(event("identify", "EX-001"), event(kind, "EX-001", by=BEN))
        assert codes == [(), ()]
        assert state.items["EX-001"].holder_key == BEN.key


BROKEN = [
    # where an event may stand, and how many items it names
    ([], OPEN, "E301"),
    ([], event("acquire"), "E301"),
    ([], event("acquire", "EX-001", "EX-002"), "E301"),
    ([], event("store"), "E301"),
    ([], event("adopt"), "E301"),
    (HELD, event("countersign", "EX-001"), "E301"),
    (HELD, event("key_retire", "EX-001", key=ANNA.key), "E301"),
    # an item that is not there, or is there already, or has a name of another case
    *(([], event(kind, "EX-001"), "E301") for kind in ("seal", "derive", "store", "offer", "hold", "dispose", "verify")),
    ([], event("split", "EX-001", "EX-001.1"), "E301"),
    (HELD, event("identify", "EX-001"), "E301"),
    (HELD, event("collect", "EX-001", by=BEN), "E301"),
    *(([], event(kind, "field/EX-001"), "E301") for kind in ("identify", "collect", "acquire")),
    # sealing
    (HELD, SEAL, "E301"),
    ([ACQUIRE], DERIVE, "E301"),
    ([ACQUIRE], event("seal", "EX-001", by=BEN), "E311"),
    ([ACQUIRE, SEAL], SEAL, "E301"),
    ([ACQUIRE, SEAL], ACQUIRE, "E301"),
    ([ACQUIRE, SEAL], event("derive", "EX-001", base_root="2" * 64), "E301"),
    # only who has it in his hands, only who is responsible for it
    *(
        (HELD, event(kind, "EX-001", by=BEN), "E311")
        for kind in ("analyse", "disclose", "physical_seal", "physical_unseal", "redact", "store", "translate")
    ),
    *((HELD, event(kind, "EX-001", by=BEN), "E311") for kind in ("transport", "view", "dispose", "release", "erase")),
    *((HELD, event(kind, "EX-001", to=CARL.named, by=BEN), "E311") for kind in ("check_out", "loan", "offer")),
    (HELD, event("split", "EX-001", "EX-001.1", by=BEN), "E311"),
    (HELD, event("receipt", "EX-001", by=BEN), "E311"),
    # parts
    (HELD, event("split", "EX-001", "EX-001.2"), "E301"),
    (HELD, event("split", "EX-001"), "E301"),
    (HELD, event("copy", "EX-001.1", "EX-001"), "E301"),
    ([*HELD, event("collect", "EX-001.1")], event("split", "EX-001", "EX-001.1"), "E301"),
    # holds
    ([*HELD, event("hold", "EX-001")], event("hold", "EX-001"), "E301"),
    (HELD, event("extend", "EX-001"), "E301"),
    (HELD, event("hold_release", "EX-001"), "E301"),
    *(([*HELD, event("hold", "EX-001")], event(kind, "EX-001"), "E316") for kind in ("dispose", "release", "erase")),
    # after the end
    *(
        ([*HELD, event("dispose", "EX-001")], event(kind, "EX-001", **({"to": BEN.named} if kind == "offer" else {})), "E315")
        for kind in ("store", "view", "offer", "hold", "incident", "dispose", "acquire", "collect", "check_in", "derive")
    ),
    ([*HELD, event("release", "EX-001")], event("store", "EX-001"), "E315"),
    ([*HELD, event("erase", "EX-001", whole=True)], event("store", "EX-001"), "E315"),
    ([*HELD, event("dispose", "EX-001")], event("reassign", "EX-001", also=(BEN,)), "E315"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "last", "code"), BROKEN, ids=lambda one: one["type"] if isinstance(one, dict) else None
)
def test_broken_rule(before, last, code):
    state, codes = walk(*before)
    assert not any(codes)
    after, remarks = advance(state, last)
    assert {remark.code for remark in remarks} == {code}
    for name, item in state.items.items():  # nothing changes but the places
        assert after.items[name] == (item if name not in last["items"] else replaced(item, after.items[name].last))
    assert all(after.items[name].unknown for name in set(after.items) - set(state.items))
    assert after.places(last["items"]) == tuple(f"{state.size}/{place}" for place in range(len(last["items"])))


def replaced(item, last):
    return type(item)(**{name: getattr(item, name) for name in type(item).__slots__} | {"last": last})


def test_the_first_event_opens():
    state, codes = walk(ACQUIRE, opened=False)
    assert codes == [("E301",)]
    assert state.items["EX-001"].unknown


@pytest.mark.parametrize("kind", ["correct", "export", "verify"])
def test_after_its_end_an_item_can_be_spoken_of(kind):
    assert walk(*HELD, event("dispose", "EX-001"), event(kind, "EX-001", by=BEN))[1][-1] == ()


@pytest.mark.parametrize("kind", ["hold", "incident", "correct", "export", "verify"])
def test_anybody_may_say_so(kind):
    assert walk(*HELD, event(kind, "EX-001", by=BEN))[1][-1] == ()


def test_an_erasure_of_some_rows_ends_nothing():
    state, codes = walk(*HELD, event("erase", "EX-001"), event("store", "EX-001"))
    assert not any(codes)
    assert state.items["EX-001"].ended is None


def test_what_ends_an_item():
    for kind, more in (("dispose", {}), ("release", {}), ("erase", {"whole": True})):
        end = walk(*HELD, event(kind, "EX-001", **more))[0].items["EX-001"].ended
        assert (end.entry, end.kind) == (2, kind)


def test_holds_open_and_close_by_name():
    state, codes = walk(
        *HELD, event("hold", "EX-001"), event("hold", "EX-001", hold="H2"), event("extend", "EX-001"),
        event("hold_release", "EX-001"), event("dispose", "EX-001"), event("hold_release", "EX-001", hold="H2"),
        event("dispose", "EX-001"),
    )  # fmt: skip
    assert codes[-3:] == [("E316",), (), ()]
    assert state.items["EX-001"].holds == ()


def test_holds_of_an_item_are_bounded():
    _, codes = walk(*HELD, *(event("hold", "EX-001", hold=f"H{n}") for n in range(257)))
    assert not any(codes[:-1])
    assert codes[-1] == ("E301",)


def test_physical_seals_of_an_item_are_bounded():
    many = [[f"S{n}-{m}" for m in range(250)] for n in range(3)]
    _, codes = walk(*HELD, *(event("physical_seal", "EX-001", seals=seals) for seals in many))
    assert codes == [(), (), (), ("E301",)]


@pytest.mark.parametrize("kind", ["split", "copy"])
def test_parts_are_items_of_the_same_holder(kind):
    parts = [{"item": "EX-001.1"}, {"item": "EX-001.2"}]
    state, codes = walk(*HELD, event("hold", "EX-001"), event(kind, "EX-001", "EX-001.1", "EX-001.2", parts=parts))
    assert not any(codes)
    for name in ("EX-001.1", "EX-001.2"):
        part = state.items[name]
        assert (part.holder_key, part.parent) == (ANNA.key, "EX-001")
        assert part.holds == (("H1",) if kind == "split" else ())
    assert state.places(["EX-001", "EX-001.1", "EX-001.2"]) == ("3/0", "3/1", "3/2")


def test_parts_follow_their_parent_in_the_same_entry():
    state, _ = walk(*HELD)
    parts = event("split", "EX-001", "EX-001.1")
    assert state.places(parts["items"], parts) == ("1/0", "2/0")
    assert state.places(parts["items"]) == ("1/0", None)


def test_who_borrowed_an_item_may_split_it_and_has_its_parts():
    loan, split = event("loan", "EX-001"), event("split", "EX-001", "EX-001.1", by=BEN)
    state, codes = walk(*HELD, loan, split, event("view", "EX-001.1", by=BEN), event("return", "EX-001.1", by=BEN))
    assert not any(codes)
    assert (state.items["EX-001.1"].keeper.key, state.items["EX-001"].keeper.key) == (ANNA.key, BEN.key)


# --- what nobody can say --------------------------------------------------------------------------------------


def test_from_an_unknown_type_on_nobody_can_say_who_holds_the_item():
    state, codes = walk(*HELD, event("migrate", "EX-001", "EX-009"))
    assert not any(codes)
    assert [state.items[name].holder for name in ("EX-001", "EX-009")] == [None, None]
    assert state.places(["EX-001", "EX-009"]) == ("2/0", "2/1")
    for kind in ("acquire", "seal", "store", "accept", "return", "dispose"):
        after, remarks = advance(state, event(kind, "EX-001", by=BEN))
        assert not remarks
        assert after.items["EX-001"].holder is None
    after, remarks = advance(state, event("reassign", "EX-001", also=(BEN,)))
    assert not remarks
    assert after.items["EX-001"].holder_key == CARL.key


def test_later_version_of_a_known_type_is_an_unknown_type():
    state, codes = walk(event("acquire", "EX-001", "EX-002", version=2))
    assert not any(codes)
    assert state.items["EX-002"].unknown


def test_an_item_that_began_with_a_broken_rule_is_unknown():
    state, codes = walk(event("acquire", "EX-001", "EX-002"), event("store", "EX-002", by=BEN))
    assert codes == [("E301",), ()]
    assert state.items["EX-002"].unknown


# --- what is last stated --------------------------------------------------------------------------------------


def test_seals_and_condition_are_compared_with_what_was_last_stated():
    collect = event("collect", "EX-001", condition_after="dusty", seals_after=["S2", "S1"])
    same = event("store", "EX-001", condition_before="dusty", seals_before=["S1", "S2"], condition_after="clean")
    other = event("view", "EX-001", condition_before="wet", seals_before=["S1"])
    state, codes = walk(collect, same, other, event("view", "EX-001", seals_before=["S1"]))
    assert codes == [(), (), ("W916", "W917"), ()]
    assert (state.items["EX-001"].seals, state.items["EX-001"].condition) == (("S1",), "wet")


def test_a_late_entry_states_nothing_about_now():
    now = event("view", "EX-001", condition_after="wet", seals_after=["S1"], when=ce.at(9))
    late = event("view", "EX-001", condition_before="dry", seals_before=["S0"], when=ce.at(5))
    state, codes = walk(*HELD, now, late)
    assert codes[-1] == ("W914",)
    assert (state.items["EX-001"].seals, state.items["EX-001"].condition) == (("S1",), "wet")


@pytest.mark.parametrize("late", ["physical_seal", "physical_unseal"])
def test_seals_of_a_late_entry_are_not_taken_as_last_stated(late):
    """What was seen later is known already: neither compared with the late entry, nor changed by it."""
    state, codes = walk(
        event("collect", "EX-001", when=ce.at(0)),
        event("physical_seal", "EX-001", seals=["S-1"], when=ce.at(30)),
        event(late, "EX-001", seals=["S-2"], when=ce.at(10)),
        event("store", "EX-001", seals_before=["S-1"], when=ce.at(40)),
    )
    assert codes[2:] == [("W914",), ()]
    assert state.items["EX-001"].seals == ("S-1",)


def test_seals_go_on_and_off():
    on = event("physical_seal", "EX-001", seals=["S1", "S2"], seals_before=["S0"])
    off, absent = (event("physical_unseal", "EX-001", seals=[name]) for name in ("S1", "S9"))
    state, codes = walk(*HELD, absent, on, off, absent)
    assert codes == [(), (), (), (), ("W916",)]
    assert state.items["EX-001"].seals == ("S0", "S2")


def test_an_acquisition_states_seals_and_condition():
    state, _ = walk(event("identify", "EX-001", condition_before="wet", seals_before=["S1"]), ACQUIRE)
    assert (state.items["EX-001"].seals, state.items["EX-001"].condition) == (("S1",), "wet")
    state, _ = walk(event("acquire", "EX-001", physical_seals=["S3"], condition="dry"))
    assert (state.items["EX-001"].seals, state.items["EX-001"].condition) == (("S3",), "dry")


# --- the mapping ----------------------------------------------------------------------------------------------


def test_items_keep_the_order_in_which_they_appeared():
    names = [f"EX-{n}" for n in range(300, 0, -1)]
    state, _ = walk(*(event("acquire", name) for name in names), event("seal", "EX-300"))
    assert list(state.items) == names
    assert len(state.items) == 300
    assert state.items["EX-300"].sealed == 301


def test_items_are_a_mapping():
    items = Layers()
    assert items == {}
    assert "EX-001" not in items
    with pytest.raises(KeyError):
        _ = items["EX-001"]


def test_long_log_does_not_cost_quadratic_time():
    def took(count: int) -> float:
        state, acquire = advance(Custody(), OPEN)[0], event("acquire", "EX-001")
        start = time.process_time()
        for number in range(count):
            state, _ = advance(state, acquire | {"items": [f"EX-{number}"], "signers": [f"key {number}"]})
        assert len(state.items) == count
        return time.process_time() - start

    took(1_000)
    assert took(40_000) < 16 * took(5_000) + 1


def test_every_type_has_its_rule():
    """A type that the table forgets would let anything through."""
    state, _ = walk(*HELD)
    for kind in set(ce.BODIES) - ce.NAMELESS - {"reassign"}:
        after, remarks = advance(state, event(kind, "EX-001", by=CARL))
        assert {item.last.entry for item in after.items.values()} == {2}
        if kind not in {"hold", "incident", "correct", "export", "verify"}:
            assert any(remark.forbids for remark in remarks), kind
