"""A return in words: each reason has some, every name is harmless, lists that are not whole say so."""

from __future__ import annotations

from typing import get_args

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cli.returned_words import REASONS, return_lines
from evidencekit.cooperation.returns import Difference
from evidencekit.cooperation.sighting import Sighting, asked_of
from evidencekit.core.typed_time import parse_moment
from evidencekit.read.returned_values import Reason

PERIOD = {name: parse_moment(text, name) for name, text in (("start", "2026-01-01Z"[:10]), ("end", "2026-03-01"))}


def said(request, *values, unread=()):
    asked = asked_of(request)
    difference, seen = Difference(asked), Sighting("a.csv", asked)
    seen.read(values)
    difference.add(seen)
    for reason in unread:
        difference.add_unread(f"{reason}.bin", reason)
    head = {"exhibit": "EX-007", "named_by_acquisition": True, "reference": "R\x1b", "sha256": "ab" * 32}
    return [text for text, _ in return_lines(head | difference.document())]


def test_every_reason_has_words():
    assert REASONS.keys() == set(get_args(Reason))


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_in_words(reason):
    lines = said({}, unread=[reason])
    assert any(REASONS[reason].split(":")[0] in line for line in lines)
    assert "  read      1 file; NOT READ: 1" in lines


def test_what_has_nothing_to_say():
    lines = said({})
    assert "  none: the request names no identifier" in lines
    assert "  no time was recognised, so nothing can be told of it" in lines
    assert not any(line.startswith(("asked categories", "not asked for", "not read")) for line in lines)


def test_lists_that_are_not_whole_say_so():
    others = [(None, f"u{number}@x.example") for number in range(30)]
    days = [("time", f"2026-{month:02d}-{day:02d}T12:00Z") for month in (1, 2) for day in range(1, 28, 4)]
    lines = said({"period": PERIOD}, *others, *days, unread=["pdf"] * 25)
    assert any("the 10 that are there most often" in line for line in lines)
    assert "more stretches" in " ".join(" ".join(lines).split())
    assert any("not all of them are named here" in line for line in lines)


def test_each_day_of_a_period():
    days = [("time", f"2026-01-0{day}T12:00Z") for day in range(1, 4)]
    period = {name: parse_moment(f"2026-01-0{day}T00:00Z", name) for name, day in (("start", 1), ("end", 3))}
    assert "  each day of the period has a time" in said({"period": period}, *days)


@deep(100)
@given(
    st.lists(st.tuples(st.sampled_from(["time", "account", None]), st.text(max_size=60)), max_size=6),
    st.text(min_size=1, max_size=60),
)
def test_no_control_reaches_the_screen(values, name):
    lines = said({"identifiers": [{"type": "account", "value": name}], "categories": ["traffic"]}, *values)
    assert all("\x1b" not in line and "\n" not in line and "\u202e" not in line for line in lines)
