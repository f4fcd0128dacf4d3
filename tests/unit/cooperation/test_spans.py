"""Times of returns: each is the span of what it may mean, and what can be read in two ways is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation.spans import ISO_WITHIN, Span, period_of, span_of
from evidencekit.core.typed_time import parse_moment

SECOND = 10**9
HOUR = 3600 * SECOND


def at(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND


NOON = at(2026, 10, 3, 12)


@pytest.mark.parametrize(
    ("text", "said", "span"),
    [
        ("2026-10-03T12:00:00Z", False, (NOON, NOON + SECOND - 1)),
        ("2026-10-03 14:00:00 +0200", False, (NOON, NOON + SECOND - 1)),
        ("2026-10-03 12:00:00 UTC", False, (NOON, NOON + SECOND - 1)),
        ("2026-10-03T12:00:00.000Z", False, (NOON, NOON + 10**6 - 1)),
        ("2026-10-03T12:00:00,000Z", False, (NOON, NOON + 10**6 - 1)),
        ("2026-10-03T12:00Z", False, (NOON, NOON + 60 * SECOND - 1)),
        ("2026-10-03 12:00:00", False, (NOON - 14 * HOUR, NOON + SECOND - 1 + 12 * HOUR)),
        ("Sat, 03 Oct 2026 14:00:00 +0200", False, (NOON, NOON + SECOND - 1)),
        ("3 Oct 2026 12:00:00 GMT", False, (NOON, NOON + SECOND - 1)),
        ("Sat, 03 Oct 2026 12:00:00 -0000", False, (NOON - 14 * HOUR, NOON + SECOND - 1 + 12 * HOUR)),
        (str(NOON // SECOND), True, (NOON, NOON + SECOND - 1)),
        (f"{NOON // SECOND}000", True, (NOON, NOON + SECOND - 1)),
        (f"{NOON // SECOND}.5", True, (NOON, NOON + SECOND - 1)),
        ("2026-10-03", True, (NOON - 26 * HOUR, NOON + 24 * HOUR - 1)),
        ("2026-10-03", False, None),
        (str(NOON // SECOND), False, None),
        ("03/04/2026 12:00", True, None),
        ("2026-02-31T00:00:00Z", True, None),
        ("2026-10-03T25:00:00Z", True, None),
        ("0001-01-01T00:00:00Z", True, None),
        ("1969-12-31T00:00:00Z", True, None),
        ("9999-12-31T23:59:59Z", True, None),
        ("Sat, 03 Oct 0001 12:00:00 +2359", False, None),
        ("Xxx, 99 Zzz 2026 99:99:99", False, None),
        ("", True, None),
        ("\u0662\u0660\u0662\u0666-10-03T12:00:00Z", True, None),
    ],
)
def test_what_a_text_means(text, said, span):
    assert span_of(text, is_said=said) == (None if span is None else Span(*span))


def test_a_label_that_says_utc():
    assert span_of("2026-10-03 12:00:00", is_said=True, is_utc=True) == Span(NOON, NOON + SECOND - 1)
    assert span_of("2026-10-03", is_said=True, is_utc=True).first == NOON - 12 * HOUR


def asked(start, end):
    said = {"start": start, "end": end}
    return period_of({"period": {name: parse_moment(text, name) for name, text in said.items() if text}})


@pytest.mark.parametrize(
    ("start", "end", "text", "place"),
    [
        ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-03T12:00:00Z", "inside"),
        ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-01T00:00:00Z", "inside"),
        ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-05T00:00:00Z", "inside"),
        ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-05T00:00:01Z", "outside"),
        ("2026-10-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-10-01 06:00:00", "unsure"),
        ("2026-10-01", "2026-10-05", "2026-10-01T06:00:00Z", "unsure"),
        ("2026-10-01", "2026-10-05", "2026-10-05T06:00:00Z", "inside"),
        ("2026-10-01", "2026-10-05", "2026-10-06T06:00:00Z", "unsure"),
        ("2026-10-01", "2026-10-05", "2026-10-06T13:00:00Z", "outside"),
        ("2026-10-01", "2026-10-05", "2026-09-30T09:00:00Z", "outside"),
        ("2026-10-01T00:00:00Z", None, "2099-10-06T13:00:00Z", "inside"),
        (None, "2026-10-05T00:00:00Z", "1999-10-06T13:00:00Z", "inside"),
    ],
)
def test_inside_or_outside_only_where_nothing_else_can_be(start, end, text, place):
    assert asked(start, end).place(span_of(text, is_said=False)) == place


def days(period):
    return [str(datetime.fromtimestamp(day * 86_400, UTC).date()) for day in period.days()]


def test_days_that_lie_in_a_period_as_a_whole():
    assert days(asked("2026-10-01T00:00:00Z", "2026-10-03T00:00:00Z")) == ["2026-10-01", "2026-10-02"]
    assert days(asked("2026-10-01T00:00:01Z", "2026-10-03T00:00:00Z")) == ["2026-10-02"]
    assert days(asked("2026-10-01", "2026-10-04")) == ["2026-10-02", "2026-10-03"]
    assert days(asked("2026-10-01T00:00:00Z", None)) == []
    assert period_of({}) is None


def test_a_time_within_a_line():
    line = "x 2026-10-03T14:00:00+02:00 login"
    assert ISO_WITHIN.search(line)[0] == "2026-10-03T14:00:00+02:00"
    assert ISO_WITHIN.search("[2026-10-03 14:00:00,123] y")[0] == "2026-10-03 14:00:00,123"
    assert ISO_WITHIN.search("12026-10-03 14:00:00") is None


@deep(300)
@given(
    st.text(max_size=70) | st.from_regex(r"[0-9TZ :.,+\-A-Za-z]{8,40}", fullmatch=True), st.booleans(), st.booleans()
)
def test_whatever_the_text_nothing_is_raised_and_a_span_is_one(text, said, utc):
    span = span_of(text, is_said=said, is_utc=utc)
    assert span is None or 0 <= span.first <= span.last < 4_102_444_800 * SECOND


@deep(150)
@given(st.integers(31_536_000, 4_000_000_000), st.integers(-720, 840))
def test_a_time_is_within_the_span_that_it_has_without_its_offset(when, offset):
    sign, minutes = "+" if offset >= 0 else "-", abs(offset)
    text = datetime.fromtimestamp(when, UTC).replace(tzinfo=None).isoformat()
    exact = span_of(f"{text}{sign}{minutes // 60:02d}:{minutes % 60:02d}", is_said=False)
    wide = span_of(text, is_said=False)
    assert wide.first <= exact.first <= exact.last <= wide.last
