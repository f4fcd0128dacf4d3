"""errors.py: the tree that its docstring draws, the exit codes, the message."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from evidencekit import errors
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Interrupted, Refused

ALL = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == errors.__name__
}


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [(BadArgument, 2), (CannotFinish, 4), (EvidenceError, 4), (FormatError, 3), (Interrupted, 4), (Refused, 5)],
)
def test_exit_codes(kind, exit_code):
    assert kind.exit_code == exit_code
    assert issubclass(kind, EvidenceError)


def test_docstring_draws_every_exception_and_its_exit_code():
    drawn = dict(re.findall(r"(\w+) +[A-Z]\w+ +exit (\d)", errors.__doc__))
    assert drawn == {name: str(kind.exit_code) for name, kind in ALL.items() if kind is not EvidenceError}


def test_message_is_fact_and_hint():
    error = Refused("The case is unfinished.", code="R502", hint="Run `checkpoint finish`.", size=3)
    assert str(error) == "The case is unfinished. Run `checkpoint finish`."
    assert (error.code, error.message, error.facts) == ("R502", "The case is unfinished.", {"size": 3})
    assert str(Refused("Short.", code="R502")) == "Short."


def test_format_error_carries_its_facts():
    error = FormatError("body.rows", expected="count", found="'01'")
    assert str(error) == "body.rows: expected count, found '01'."
    assert (error.code, error.place, error.expected, error.found) == ("F100", "body.rows", "count", "'01'")


@pytest.mark.parametrize(
    "error",
    [
        CannotFinish("No space.", code="X421", hint="Make some.", path=Path("/case"), size=3),
        FormatError("line 3", expected="a digest", found="nothing", hint="See the list."),
        Interrupted("Stopped.", code="X499"),
        Refused("It is there.", code="R501", place=b"\xff"),
        BadArgument("A glob.", code="U230"),
        EvidenceError("What?", code="X400"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_come_back_from_other_processes(error):
    """With all that they carry: a worker's error is told as if there were no worker."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - just made
    assert type(again) is type(error)
    assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
    assert again.exit_code == error.exit_code
