"""What is typed for a field: times as precise as they were written, and the one value that the form takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cli.custody_fields import option_of, stated_fields
from evidencekit.cli.custody_values import field_value
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.schema import MOMENT
from evidencekit.core.typed_time import parse_moment
from evidencekit.errors import EvidenceError, FormatError


def nobody(entry):
    raise AssertionError(entry)


@pytest.mark.parametrize(
    ("text", "time", "precision", "offset"),
    [
        ("2026-11-22", "2026-11-22T00:00:00.000000000Z", "day", None),
        ("2026-11-22T09:00", "2026-11-22T09:00:00.000000000Z", "min", None),
        ("2026-11-22 09:00Z", "2026-11-22T09:00:00.000000000Z", "min", 0),
        ("2026-11-22T09:00:07+01:00", "2026-11-22T08:00:07.000000000Z", "s", 60),
        ("2026-11-22T00:30:07-03:30", "2026-11-22T04:00:07.000000000Z", "s", -210),
        ("2026-11-22T09:00:07.250Z", "2026-11-22T09:00:07.250000000Z", "ms", 0),
        ("2026-11-22T09:00:07.250001Z", "2026-11-22T09:00:07.250001000Z", "ns", 0),
    ],
)
def test_times(text, time, precision, offset):
    assert parse_moment(text, "--due") == {"precision": precision, "time": time, "utc_offset_min": offset}


@pytest.mark.parametrize(
    "text", ["", "today", "2026-13-01", "2026-11-22T24:30", "0001-01-01T00:00+14:00", "2026-W01-8"]
)
def test_what_is_no_time(text):
    with pytest.raises(FormatError):
        parse_moment(text, "--due")


@given(st.datetimes(), st.sampled_from(["", "Z", "+05:45", "-12:00"]), st.sampled_from(["auto", "minutes", "seconds"]))
def test_any_time_is_of_its_form_or_refused(when, offset, spec):
    try:
        value = parse_moment(when.isoformat(timespec=spec) + offset, "--due")
    except FormatError:
        assert when.year in {1, 9999}
        return
    MOMENT.check(value, "due")


FIELDS = sorted({f"{kind}.{name}" for kind in EVENT_TYPES for name in stated_fields(kind)})
TYPED = (["x"], ["none"], ["a", "b"], ["x" * 5000], ["yes"], ["NAME=SHA256:" + "A" * 43], ["a=b"], ["gone.pub"])


def taken(form, texts, option):
    """Whether texts are a value of the form; else the code of the refusal."""
    try:
        value = field_value(form, texts, option, nobody)
    except EvidenceError as error:
        return error.code
    form.check(value, option)
    return "taken"


def test_any_text_is_of_a_fields_form_or_refused():
    said = {}
    for field in FIELDS:
        kind, _, name = field.partition(".")
        form = EVENT_TYPES[kind].fields[name].form
        said[field] = {taken(form, texts, option_of(name)) for texts in TYPED}
    # X410: the file of a key is not there
    assert {field: codes for field, codes in said.items() if not codes <= {"taken", "U260", "X410"}} == {}
    assert len(said) > 400
