# ruff: noqa: RUF001 (digits and marks of other keyboards are what is tested)
"""What is typed: one spelling of each answer, in any keyboard's digits; what is no answer is refused with what is expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from straight import AT, TABLE

from evidencekit.core.schema import MAX_STRING
from evidencekit.field.answers import Unfit, format_moment, format_photos, normal, photos_of, plain, shown, value
from evidencekit.read.texts import load_texts


def read(key: str, typed: str) -> str:
    return normal(TABLE[key], typed, now=AT, offset=60)


@pytest.mark.parametrize(
    ("key", "typed", "text"),
    [
        ("agency", "  Unit 7 ", "Unit 7"),
        ("agency", "وحدة ٧", "وحدة ٧"),
        ("legal_channel", "1", "order"),
        ("legal_channel", "٣", "voluntary"),
        ("legal_channel", "consent", "consent"),
        ("owner_present", "２", "no"),
        ("marks", "3, 1", "out_of_scope; sensitive"),
        ("marks", "٣،١", "out_of_scope; sensitive"),
        ("witnesses", "A; B ;; C", "A; B; C"),
        ("witnesses", "A؛ B； C", "A; B; C"),
        ("witnesses", "0", "0"),
        ("quantity", "٠٠٢", "2"),
        ("authority_date", "2026-11-20", "2026-11-20"),
        ("seized_start", "9:05", "2026-11-22T09:05+01:00"),
        ("seized_start", "09：05：30", "2026-11-22T09:05:30+01:00"),
        ("seized_start", "2026-11-21 23:59", "2026-11-21T23:59+01:00"),
        ("seized_start", "2026-11-21T23:59:01Z", "2026-11-21T23:59:01Z"),
        ("device_clock", "2019-01-01 00:00:07-05:00", "2019-01-01T00:00:07-05:00"),
        ("exhibit", "EX-001", "EX-001"),
        ("origin", "unit7.example/24-117", "unit7.example/24-117"),
    ],
)
def test_one_spelling(key, typed, text):
    assert read(key, typed) == text
    assert read(key, text) == text
    value(TABLE[key], text)


@pytest.mark.parametrize(
    ("key", "typed", "why"),
    [
        ("agency", "\x1b[31mred", "bad_controls"),
        ("agency", "\udcff", "bad_controls"),
        ("agency", "é" * MAX_STRING, "bad_long"),
        ("legal_channel", "7", "bad_choice"),
        ("legal_channel", "0", "bad_choice"),
        ("legal_channel", "x", "bad_choice"),
        ("owner_present", "maybe", "bad_choice"),
        ("marks", "1, 9", "bad_choice"),
        ("witnesses", ";", "bad_list"),
        ("witnesses", "A; A", "bad_twice"),
        ("quantity", "0", "bad_count"),
        ("quantity", "-1", "bad_count"),
        ("quantity", "²", "bad_count"),
        ("authority_date", "20.11.2026", "bad_day"),
        ("authority_date", "2026-02-30", "bad_day"),
        ("seized_start", "25:00", "bad_moment"),
        ("seized_start", "2026-11-21", "bad_moment"),
        ("seized_start", "soon", "bad_moment"),
        ("exhibit", "EX 1", "bad_exhibit"),
        ("exhibit", "a/EX-1", "bad_exhibit"),
        ("origin", "no path", "bad_origin"),
    ],
)
def test_what_is_no_answer(key, typed, why):
    with pytest.raises(Unfit) as refused:
        read(key, typed)
    assert refused.value.text == why
    assert load_texts("en")(why, **refused.value.values)


@given(st.sampled_from([one for one in TABLE if one.kind != "photos"]), st.text(max_size=40))
def test_any_text_is_read_once_and_for_all_or_refused(question, typed):
    try:
        text = normal(question, typed, now=AT, offset=None)
    except Unfit as unfit:
        why = unfit.text
    else:
        why = "cannot_use"
        text = normal(question, text, now=AT + 10**18, offset=60) if question.kind not in {"moment", "clock"} else text
        assert normal(question, text, now=0, offset=None) == text
    assert why in load_texts("en")


@pytest.mark.parametrize(("typed", "command"), [("؟", "?"), ("＜", "<"), ("–", "-"), (" ٠ ", "0"), ("？", "?")])
def test_commands_of_other_keyboards(typed, command):
    assert plain(typed) == command


def test_photographs_have_one_order():
    text = format_photos([("b", "2"), ("a", "1")])
    assert photos_of(text) == [("a", "1"), ("b", "2")]
    assert shown(TABLE["photos"], text) == "a; b"


@pytest.mark.parametrize(("offset", "text"), [(None, "2026-11-22T09:40:02+00:00"), (-210, "2026-11-22T06:10:02-03:30")])
def test_now_as_it_is_typed(offset, text):
    assert format_moment(AT, offset) == text
    assert normal(TABLE["seized_end"], text, now=0, offset=0) == text
