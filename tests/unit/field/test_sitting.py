"""The state of a sitting: whatever is answered, taken back or cut off on the way, the records are those of the straight path."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from straight import ANSWERS, AT, TABLE, answer, to_the_review

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.field.facts import collected, missing, particulars, sealed_up
from evidencekit.field.journal import decode_moves, encode_move
from evidencekit.field.sitting import Move, State, advance, applies, applying, current, may_change
from evidencekit.field.table import read_table

KEYS = [one.key for one in TABLE]


def asked_on_the_way() -> list[str]:
    state, asked = State(), []
    while (question := current(TABLE, state)) is not None:
        asked.append(question.key)
        state, _ = answer(state)
    return asked


def records(state: State):
    counted = applying(TABLE, state.answers)
    return collected(TABLE, counted), particulars(TABLE, counted), sealed_up(TABLE, counted)


def replayed(moves: list[Move]) -> State:
    """The state after a kill: what the journal's bytes lead to."""
    kept, _ = decode_moves(b"".join(map(encode_move, moves)))
    state = State()
    for move in kept:
        state = advance(TABLE, state, move)
    return state


def test_everything_that_applies_is_asked_once_in_the_order_of_the_table():
    asked = asked_on_the_way()
    assert len(set(asked)) == len(asked)
    assert asked == [key for key in KEYS if key in asked]
    assert set(KEYS) - set(asked) == {
        "write_block_make",
        "write_block_model",
        "write_block_serial",
        "write_block_tested",
    }


@pytest.mark.parametrize("device", TABLE["device"].choices)
def test_a_sitting_ends_for_every_device(device):
    state = to_the_review(answers=ANSWERS | {"device": device, "power": "off", "source": None})
    asked = applying(TABLE, state.answers).keys()
    assert not {"taken_as", "write_blocked", "write_block_none", "copies", "screen", "isolation"} & asked
    assert ("lock" in asked) == (device in {"computer", "laptop", "phone", "tablet", "camera", "wearable", "other"})


NOISE = st.lists(
    st.one_of(
        st.tuples(st.just("back"), st.just("")),
        st.tuples(st.just("kill"), st.just("")),
        st.tuples(st.just("change"), st.sampled_from(KEYS)),
        st.tuples(st.just("other"), st.sampled_from([None, "x", "0", "yes", "no", "on", "off", "stick"])),
        st.tuples(st.just("right"), st.just("")),
        st.tuples(st.sampled_from(["seal?", "next", "done", "reopen", "close", "unheard"]), st.just("")),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(NOISE)
def test_any_way_leads_to_the_records_of_the_straight_path(noise):
    moves: list[Move] = []
    state = State()

    def make(move: Move) -> None:
        nonlocal state
        moves.append(move)
        state = advance(TABLE, state, move)

    for name, what in noise:
        question = current(TABLE, state)
        if name == "kill":
            before, state = state, replayed(moves)
            assert state == before
        elif name == "other" and question is not None and question.kind == "text":
            make(Move("answer", question.key, what, AT - 1))
        elif name == "right" and question is not None:
            make(Move("answer", question.key, ANSWERS[question.key], AT))
        elif name not in {"other", "right", "seal?"}:
            make(Move(name, what if name == "change" else "", None, AT))
    while True:  # in the end, the officer puts right what is not as it should be
        question = current(TABLE, state)
        if question is not None:
            make(Move("answer", question.key, ANSWERS[question.key], AT))
            continue
        wrong = [key for key, one in applying(TABLE, state.answers).items() if one != (ANSWERS[key], AT)]
        if not wrong:
            break
        make(Move("change", wrong[0]))
    straight = to_the_review()
    assert records(state) == records(straight)
    assert replayed(moves) == state
    make(Move("seal"))
    assert state.phase == "work"


def test_back_goes_to_the_question_before_and_returns_where_it_was():
    state = State()
    for _ in range(5):
        state, _ = answer(state)
    assert current(TABLE, state).key == "role"
    back = advance(TABLE, advance(TABLE, state, Move("back")), Move("back"))
    assert current(TABLE, back).key == "key"
    again, _ = answer(back)
    assert current(TABLE, again).key == "role"


def test_back_at_the_first_question_stays_there():
    assert current(TABLE, advance(TABLE, State(), Move("back"))).key == "reference"


def test_an_answer_that_takes_a_condition_away_takes_its_questions_along():
    state = advance(TABLE, to_the_review(), Move("change", "power"))
    state = advance(TABLE, state, Move("answer", "power", "off", AT))
    assert current(TABLE, state) is None
    assert "live_actions" not in applying(TABLE, state.answers)
    assert "unavoidable_change" not in particulars(TABLE, state.answers)
    back = advance(TABLE, advance(TABLE, state, Move("change", "power")), Move("answer", "power", "on", AT))
    assert current(TABLE, back) is None, "what was answered before is not asked again"
    assert particulars(TABLE, back.answers)["unavoidable_change"]["why"] == "remote wipe"


def test_the_next_device_is_asked_for_itself_alone():
    state = to_the_review()
    for name in ("seal", "done", "next"):
        state = advance(TABLE, state, Move(name))
    asked = []
    while (question := current(TABLE, state)) is not None:
        asked.append(question)
        state, _ = answer(state, answers=ANSWERS | {"exhibit": "EX-002"})
    assert {one.scope for one in asked} == {"exhibit"}
    assert applying(TABLE, state.answers)["witnesses"].text == "W. One; W. Two"
    assert not may_change(TABLE, state, "agency"), "the case is open"
    assert may_change(TABLE, state, "witnesses")


def test_what_is_recorded_is_fixed_until_its_content_is():
    state = advance(TABLE, advance(TABLE, to_the_review(), Move("seal")), Move("reopen"))
    assert [key for key in KEYS if may_change(TABLE, state, key)] == [
        one.key for one in TABLE if one.late and applies(TABLE, one, state.answers)
    ]
    assert advance(TABLE, state, Move("change", "make")) == state


def test_what_the_case_says_is_not_asked():
    state = State()
    for key in ("reference", "agency", "origin"):
        state = advance(TABLE, state, Move("given", key, "x"))
    assert current(TABLE, state).key == "key"
    assert not may_change(TABLE, state, "reference")


def test_nothing_is_sealed_while_something_is_asked():
    state, _ = answer(State())
    assert advance(TABLE, state, Move("seal")) == state
    changing = advance(TABLE, to_the_review(), Move("change", "make"))
    assert advance(TABLE, changing, Move("seal")).phase == "ask"


def test_missing_names_what_is_expected_and_nobody_knows():
    state = to_the_review(answers=ANSWERS | {"witnesses": None, "make": None, "measure": None})
    assert missing(TABLE, state) == ["witnesses", "measure"]


def test_missing_is_what_the_record_will_list_as_not_stated():
    for changed in ({}, {"device": "stick"}, {"power": "off"}, {"witnesses": None, "measure": None}):
        state = to_the_review(answers=ANSWERS | changed)
        not_stated = EVENT_TYPES["acquire"].missing(particulars(TABLE, applying(TABLE, state.answers)))
        renamed = {"device_clock": "clock_reference"}
        assert sorted(renamed.get(key, key) for key in missing(TABLE, state)) == not_stated


def test_a_condition_may_name_single_answers():
    data = {
        "groups": {}, "choices": {"c": ["a", "b"]},
        "question": [
            {"key": "one", "scope": "case", "kind": "choice", "need": "M", "choices": "c"},
            {"key": "two", "scope": "case", "kind": "text", "need": "M", "when": {"one": "a"}},
        ],
    }  # fmt: skip
    table = read_table(data)
    state = advance(table, State(), Move("answer", "one", "b"))
    assert current(table, state) is None
    with pytest.raises(KeyError):
        table["three"]
