"""core/custody.py against specs/custody-log.md, sections 3 and 4."""

from __future__ import annotations

import time

import pytest

from evidencekit.core.custody import Custody, Items, Violation, advance

ALICE, BOB = "SHA256:" + "a" * 43, "SHA256:" + "b" * 43
ROOT = "1" * 64


def event(kind: str, /, *items: str, actor: str = ALICE, version: int = 1, **body: object) -> dict:
    """What `advance` looks at; the schema is tested elsewhere."""
    facts = {"seal": {"root": ROOT}, "derive": {"base_root": ROOT, "kind": "media-type"}}.get(kind, {})
    return {
        "type": kind,
        "items": list(items),
        "actor": {"id": "A" if actor == ALICE else "B", "key": actor},
        "body": {"_t": f"evidencekit/{kind}/{version}", **facts, **body},
    }


def walk(*events: dict) -> tuple[Custody, list[tuple[Violation, ...]]]:
    state, broken = Custody(), []
    for each in events:
        state, found = advance(state, each)
        broken.append(found)
    return state, broken


OPEN = event("open")
ACQUIRE, SEAL, DERIVE = event("acquire", "EX-001"), event("seal", "EX-001"), event("derive", "EX-001")


def test_life_of_an_item():
    state, broken = walk(OPEN, ACQUIRE, SEAL, DERIVE, DERIVE)
    assert not any(broken)
    assert state.size == 5
    item = state.items["EX-001"]
    assert (item.acquired, item.sealed, item.derived, item.root) == (1, 2, 4, ROOT)
    assert (item.holder_id, item.holder_key) == ("A", ALICE)
    assert state.places(["EX-001", "EX-002"]) == ("4/0", None)


def test_a_comparison_is_derived_and_types_nothing():
    state, broken = walk(OPEN, ACQUIRE, SEAL, event("derive", "EX-001", kind="match"))
    assert not any(broken)
    assert (state.items["EX-001"].derived, state.items["EX-001"].typed) == (3, None)
    state, _ = walk(OPEN, ACQUIRE, SEAL, DERIVE, event("derive", "EX-001", kind="match"))
    assert (state.items["EX-001"].derived, state.items["EX-001"].typed) == (4, 3)


def test_states_before_are_not_changed():
    before, _ = walk(OPEN, ACQUIRE)
    after, _ = advance(before, SEAL)
    assert before.items["EX-001"].sealed is None
    assert after.items["EX-001"].sealed == 2
    assert advance(before, SEAL) == (after, ())


def test_acquiring_again_before_the_seal_makes_the_new_actor_the_holder():
    state, broken = walk(OPEN, ACQUIRE, event("acquire", "EX-001", actor=BOB))
    assert not any(broken)
    assert (state.items["EX-001"].acquired, state.items["EX-001"].holder_key) == (2, BOB)


@pytest.mark.parametrize(
    ("before", "last", "expected"),
    [
        ([], ACQUIRE, "open as event 0"),
        ([OPEN], OPEN, "open as event 0"),
        ([OPEN], event("acquire"), "one item"),
        ([OPEN], event("acquire", "EX-001", "EX-002"), "one item"),
        ([OPEN], SEAL, "an item that was acquired"),
        ([OPEN], DERIVE, "an item that is sealed"),
        ([OPEN, ACQUIRE], DERIVE, "an item that is sealed"),
        ([OPEN, ACQUIRE], event("seal", "EX-002"), "an item that was acquired"),
        ([OPEN, ACQUIRE], event("seal", "EX-001", actor=BOB), "sealing by the holder"),
        ([OPEN, ACQUIRE, SEAL], SEAL, "an item that is not sealed yet"),
        ([OPEN, ACQUIRE, SEAL], ACQUIRE, "an item that is not sealed yet"),
        ([OPEN, ACQUIRE, SEAL], event("derive", "EX-001", base_root="2" * 64), "the item's sealed root"),
        ([OPEN, ACQUIRE], event("open", "EX-001"), "no items in this event"),
    ],
)
def test_broken_rule(before, last, expected):
    _, broken = walk(*before, last)
    assert not any(broken[:-1])
    assert any(violation.expected.startswith(expected) for violation in broken[-1])


def test_sealed_item_keeps_its_seal_whatever_is_tried():
    state, _ = walk(OPEN, ACQUIRE, SEAL, event("acquire", "EX-001", actor=BOB), event("seal", "EX-001", root="2" * 64))
    item = state.items["EX-001"]
    assert (item.acquired, item.sealed, item.root, item.holder_key) == (1, 2, ROOT, ALICE)


def test_event_that_breaks_a_rule_still_touches_its_items():
    state, _ = walk(OPEN, ACQUIRE, SEAL, ACQUIRE, event("seal", "EX-002"))
    assert state.places(["EX-001", "EX-002"]) == ("3/0", "4/0")


def test_from_an_unknown_type_on_nobody_can_say_who_holds_the_item():
    state, broken = walk(OPEN, ACQUIRE, event("offer", "EX-001", "EX-009"))
    assert not any(broken)
    assert state.items["EX-001"].holder_key is None
    assert state.items["EX-009"].holder_id is None
    assert state.places(["EX-001", "EX-009"]) == ("2/0", "2/1")
    _, broken = advance(state, event("seal", "EX-001", actor=BOB))
    assert not broken


def test_later_version_of_a_known_type_is_an_unknown_type():
    state, broken = walk(OPEN, event("acquire", "EX-001", "EX-002", version=2))
    assert not any(broken)
    assert state.items["EX-002"].holder_key is None


def test_items_keep_the_order_in_which_they_appeared():
    names = [f"EX-{n}" for n in range(300, 0, -1)]
    state, _ = walk(OPEN, *(event("acquire", name) for name in names), event("seal", "EX-300"))
    assert list(state.items) == names
    assert len(state.items) == 300
    assert state.items["EX-300"].sealed == 301


def test_items_are_a_mapping():
    items = Items()
    assert items == {}
    assert "EX-001" not in items
    with pytest.raises(KeyError):
        _ = items["EX-001"]


def test_long_log_does_not_cost_quadratic_time():
    start = time.process_time()
    state, _ = walk(OPEN, *(event("acquire", f"EX-{n}") for n in range(30_000)))
    assert len(state.items) == 30_000
    assert time.process_time() - start < 10
