"""The state of a sitting, and what each move makes of it: what is asked next, what was answered, what is under way.

Promises: pure; the same moves lead to the same state, so a sitting that was cut off goes on where it was by making them
again; a question that was answered is not asked again, unless somebody goes back to it.
Source: specs/field.md section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from evidencekit.field.table import ANY, Question, Table


class Answer(NamedTuple):
    """What somebody answered."""

    text: str | None
    """In its normal spelling (field/answers.py); None: not known."""
    at: int
    """Nanoseconds since 1970, by the clock of this computer."""


Answers = Mapping[str, Answer]


class Move(NamedTuple):
    """A line of the journal."""

    name: str
    """`given`, `answer`, `back`, `change`, `seal`, `reopen`, `done`, `next` or `close`; others change nothing."""
    key: str = ""
    """The question, of what is given, answered or changed."""
    text: str | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """Where a sitting is."""

    given: Answers = field(default_factory=dict)
    """Known from the case itself: never asked, never changed."""
    sitting: Answers = field(default_factory=dict)
    exhibit: Answers = field(default_factory=dict)
    """Of the device that is asked about now."""
    done: tuple[Answers, ...] = ()
    """Of the devices that are recorded."""
    cursor: str | None = None
    """The question to which somebody went back."""
    phase: str = "ask"
    """`ask` (the review, where nothing is left to ask), `work`, `more` (is there another device?), `closed`."""
    is_recorded: bool = False
    """The recording of this device began: what is not `late` is fixed."""

    @property
    def answers(self) -> Answers:
        """All answers that are there, also of questions that do not apply any more."""
        return {**self.sitting, **self.exhibit, **self.given}


def applies(table: Table, question: Question, answers: Answers) -> bool:
    """Tell whether a question is asked, as far as the answers go."""
    return all(_is_met(table, key, wanted, answers) for key, wanted in question.when)


def applying(table: Table, answers: Answers) -> dict[str, Answer]:
    """Return the answers that count, in the order of the questions."""
    return {one.key: answers[one.key] for one in table if one.key in answers and applies(table, one, answers)}


def current(table: Table, state: State) -> Question | None:
    """Return the question that is asked now; None at the review, and where nothing is asked."""
    if state.phase != "ask":
        return None
    if state.cursor is not None:
        return table[state.cursor]
    answers = state.answers
    return next((one for one in table if one.key not in answers and applies(table, one, answers)), None)


def may_change(table: Table, state: State, key: str) -> bool:
    """Tell whether an answer can still be changed."""
    question = table[key]
    if key in state.given or key not in state.answers or not applies(table, question, state.answers):
        return False
    if question.scope == "case" and (state.done or state.is_recorded):
        return False
    return question.late or not state.is_recorded


def advance(table: Table, state: State, move: Move) -> State:
    """Return the state after a move; a move that means nothing now changes nothing."""
    match state.phase, move.name:
        case _, "given":
            return replace(state, given={**state.given, move.key: Answer(move.text, move.at)})
        case "ask", "answer":
            return _answered(table, state, move)
        case "ask", "back":
            return replace(state, cursor=_before(table, state))
        case "ask", "change" if move.key in state.answers and may_change(table, state, move.key):
            return replace(state, cursor=move.key)
        case "ask", "seal" if current(table, state) is None:
            return replace(state, phase="work", is_recorded=True)
        case "work", "reopen":
            return replace(state, phase="ask")
        case "work", "done":
            finished = (*state.done, applying(table, state.answers))
            return replace(state, done=finished, exhibit={}, phase="more", is_recorded=False)
        case "more", "next":
            return replace(state, phase="ask")
        case "more", "close":
            return replace(state, phase="closed")
        case "closed", "next":
            return replace(state, phase="ask")
    return state


def _answered(table: Table, state: State, move: Move) -> State:
    question = current(table, state)
    if question is None or question.key != move.key:
        return state
    answer = {move.key: Answer(move.text, move.at)}
    if question.scope == "exhibit":
        return replace(state, cursor=None, exhibit={**state.exhibit, **answer})
    return replace(state, cursor=None, sitting={**state.sitting, **answer})


def _before(table: Table, state: State) -> str | None:
    """Return the question before the one that is asked; that one where there is none."""
    asked = current(table, state)
    before = None
    for question in table:
        if asked is not None and question.key == asked.key:
            break
        if may_change(table, state, question.key):
            before = question.key
    return before if before is not None else state.cursor


def _is_met(table: Table, key: str, wanted: tuple[str, ...], answers: Answers) -> bool:
    answer = answers.get(key)
    if answer is None or answer.text is None or not applies(table, table[key], answers):
        return False
    return wanted == (ANY,) or answer.text in wanted
