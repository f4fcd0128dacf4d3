"""The difference of asked and returned: what is recognised, what is not, what nobody can tell."""

from __future__ import annotations

import json

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation import sighting
from evidencekit.cooperation.returns import LISTED, LISTED_OTHERS, LISTED_UNREAD, Difference
from evidencekit.cooperation.sighting import MAX_TEXT, Sighting, asked_of
from evidencekit.cooperation.vocabulary import meaning_of, names_certificate, speaks_of_certificate, vocabulary
from evidencekit.core.request import IDENTIFIER_TYPES
from evidencekit.core.typed_time import parse_moment

REQUEST = {
    "identifiers": [
        {"type": "email", "value": "Jane@mail.example"},
        {"type": "ip", "value": "203.0.113.7"},
        {"type": "phone", "value": "+33 4 72 60 70 12"},
        {"type": "account", "value": "jane_77"},
        {"type": "ip", "value": "203.0.113.7"},
        {"type": "account", "value": "77"},
    ],
    "categories": ["subscriber", "user_identification"],
    "period": {name: parse_moment(text, name) for name, text in
               {"start": "2026-10-01T00:00:00Z", "end": "2026-10-08T00:00:00Z"}.items()},
}  # fmt: skip


def look(*values, file="a.csv", request=REQUEST, **more):
    seen = Sighting(file, asked_of(request), **more)
    seen.read((None, value) if isinstance(value, str) else value for value in values)
    return seen


def difference(*seen, request=REQUEST):
    whole = Difference(asked_of(request))
    for one in seen:
        whole.add(one)
    return whole.document()


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ("Jane@MAIL.example", {0}),
        ('"Doe, Jane" <Jane@mail.example>, bob@other.example', {0}),
        ("203.0.113.7", {1, 4}),
        ("bob@x.example; 203.0.113.7:80", {1, 4}),
        ("login from [203.0.113.7] at noon", {1, 4}),
        (("Called Number", "0033472607012"), {2}),
        (("x", "33472607012"), {2}),
        (("phone", "+33 4 72 60 70 12"), {2}),
        (("x", "472607012"), set()),
        (("x", "jane_77"), {3}),
        ("user jane_77 logged in", {3}),
        (("x", "jane_777"), set()),
        (("x", "77"), set()),
        (("User ID", "77"), {5}),
        (("count", "203.0.113.70"), set()),
        ("", set()),
    ],
)
def test_an_asked_identifier_is_found_in_each_of_its_spellings_and_in_no_other(value, places):
    assert look(value).exact == places


def test_other_capitals_are_told_apart():
    seen = look("jane@mail.example", ("username", "JANE_77"))
    assert (seen.exact, seen.folded) == (set(), {0, 3})
    first, *_ = difference(seen)["identifiers"]
    assert (first["found"], first["count"], first["other_capitals"]) == (False, 0, {"count": 1, "files": ["a.csv"]})
    assert not seen.others


def test_both_identifiers_of_one_form_are_found():
    found = [one["found"] for one in difference(look("203.0.113.7"))["identifiers"]]
    assert found == [False, True, False, False, True, False]


def test_what_nobody_asked_for_is_counted_and_listed_by_how_often():
    seen = look("bob@other.example", "bob@other.example", ("imei", "490154203237518"), ("note", "490154203237518"),
                ("From number", "112"), "198.51.100.9, carol@third.example")  # fmt: skip
    others = difference(seen)["not_asked"]
    assert others["counts"] == {"email": 2, "imei": 1, "ip": 1}
    assert others["listed"][0] == {"times": 2, "type": "email", "value": "bob@other.example"}
    assert not others["has_more"]


def test_what_nobody_asked_for_is_bounded(monkeypatch):
    monkeypatch.setattr(sighting, "MAX_OTHERS", 60)
    seen = look(*(f"u{number}@x.example" for number in range(70)))
    others = difference(seen, look("z@z.example"))["not_asked"]
    assert (others["counts"], others["has_more"], len(others["listed"])) == ({"email": 61}, True, LISTED_OTHERS)


def test_a_url_without_end_is_not_kept_but_found():
    url = "https://x.example/" + "y" * 600
    assert look(url, request={"identifiers": [{"type": "url", "value": url}]}).exact == {0}
    seen = look(url)
    assert (len(seen.others), seen.has_more) == (0, True)


def test_times_by_the_asked_period():
    seen = look(
        ("Time (UTC)", "2026-10-01 00:00:00"), ("created_at", "2026-09-30T23:59:59Z"), ("time", "2026-10-08 01:00"),
        ("timestamp", "1790899200"), ("date", "03/04/2026"), ("note", "2026-10-05"), ("amount", "1790899200"),
    )  # fmt: skip
    period = difference(seen)["period"]
    assert [period[name] for name in ("times", "inside", "outside", "unsure", "times_not_read")] == [4, 2, 1, 1, 1]
    assert (period["earliest"]["text"], period["latest"]["text"]) == ("2026-09-30T23:59:59Z", "2026-10-08 01:00")
    assert period["earliest"]["from"] == "2026-09-30T23:59:59.000000000Z"
    assert period["without"] == {
        "days": 4, "listed": [{"first": "2026-10-03", "last": "2026-10-06"}], "looked_for": True, "stretches": 1,
    }  # fmt: skip


def stretches(*times, request=REQUEST):
    without = difference(look(*(("time", time) for time in times)), request=request)["period"]["without"]
    return [(one["first"][8:], one["last"][8:]) for one in without["listed"]], without["days"]


def test_missing_stretches_are_days_on_which_no_time_can_lie():
    assert stretches("2026-10-03T12:00:00Z") == ([("01", "02"), ("04", "07")], 6)
    assert stretches("2026-10-03 23:00:00") == ([("01", "02"), ("05", "07")], 5)
    assert stretches(*(f"2026-10-0{day}T12:00:00Z" for day in range(1, 8))) == ([], 0)
    assert stretches("2026-11-03T12:00:00Z") == ([("01", "07")], 7)


def test_no_stretch_is_claimed_without_a_time_or_a_period():
    assert stretches() == ([], 0)
    without = difference(look(("time", "2026-10-03T12:00:00Z"), request={}), request={})["period"]
    assert (without["asked"], without["inside"], without["without"]["looked_for"]) == (False, None, False)
    open_ = REQUEST | {"period": {"start": REQUEST["period"]["start"]}}
    assert stretches("2026-10-03T12:00:00Z", request=open_) == ([], 0)


def test_a_period_of_a_thousand_years_costs_nothing():
    long = {
        "period": {
            name: parse_moment(text, name) for name, text in (("start", "1000-01-01Z"[:10]), ("end", "9999-12-30"))
        }
    }
    assert stretches("2026-10-03T12:00:00Z", request=long) == ([], 0)


def test_categories_are_named_or_not_told():
    seen = [look(file="export/Subscriber-Info.pdf"), look(("Data Category", "user identification"), file="b.csv"),
            look(("note", "subscriber"), file="c.csv")]  # fmt: skip
    assert [(one["name"], one["told"], one["files"]) for one in difference(*seen)["categories"]] == [
        ("subscriber", "named", ["export/Subscriber-Info.pdf"]),
        ("user_identification", "named", ["b.csv"]),
    ]
    assert [one["told"] for one in difference(look("subscriber"))["categories"]] == ["not_told", "not_told"]


@pytest.mark.parametrize(
    ("file", "line", "by"),
    [
        ("docs/Certificate of records.pdf", "", "name"),
        ("customDeclaration.txt", "", "name"),
        ("certificates/letter.pdf", "", ""),
        ("a.txt", "I am the  Custodian of\tRecords of Example Mail", "text"),
        ("a.txt", "Pursuant to FRE 902(11): so", "text"),
        ("a.txt", "The certified copy", ""),
    ],
)
def test_what_may_be_a_certificate(file, line, by):
    assert look(line, file=file, is_text=True).certificate == by


def test_a_table_that_speaks_of_certificates_is_none():
    assert look("custodian of records").certificate == ""


def test_a_line_of_text_is_read_on_both_sides_of_its_colon():
    seen = look(("2026-10-03T14:22:07Z 203.0.113.7 said", "hello"), ("Phone", "+33 4 72 60 70 12"), is_text=True)
    assert (seen.exact, seen.times.count) == ({1, 2, 4}, 1)


def test_a_long_value_is_looked_at_at_its_beginning():
    seen = look("203.0.113.7 " + "x" * MAX_TEXT, "x" * MAX_TEXT + " bob@other.example")
    assert (seen.cut, seen.exact, len(seen.others)) == (2, {1, 4}, 0)


def test_what_is_not_read_is_counted_and_named():
    whole = Difference(asked_of(REQUEST))
    for number in range(LISTED_UNREAD + 5):
        whole.add_unread(f"{number}.pdf", "pdf")
    whole.add_unread("certificate.pdf", "pdf")
    whole.add(look("203.0.113.7", file="half.csv"), "damaged")
    whole.add(look(file="none.csv"), "damaged")
    document = whole.document()
    assert document["files"] == {"in_part": 1, "not_read": LISTED_UNREAD + 7, "read": 0}
    assert document["not_read"]["reasons"] == {"damaged": 2, "pdf": LISTED_UNREAD + 6}
    assert len(document["not_read"]["listed"]) == LISTED_UNREAD
    assert document["certificate"] == {"count": 1, "fields": "not_checked", "files": ["certificate.pdf"]}
    assert document["identifiers"][1]["found"]


def test_files_of_an_identifier_are_bounded():
    one = difference(*(look("203.0.113.7", file=f"{number}.csv") for number in range(LISTED + 5)))["identifiers"][1]
    assert (one["count"], len(one["files"])) == (LISTED + 5, LISTED)


@pytest.mark.parametrize("label", ["phoneNumber", "Phone Number", "phone_number", "PHONE-NUMBER 2", "  phone.number "])
def test_spellings_of_a_label(label):
    assert meaning_of(label).kind == "phone"


def test_labels_mean_what_the_table_says_and_nothing_else():
    assert (meaning_of("Event Time (UTC)").kind, meaning_of("Event Time (UTC)").is_utc) == ("time", True)
    assert meaning_of("phone of his aunt").kind is None
    assert meaning_of("x" * 10_000).kind is None
    assert meaning_of(None).kind is None
    assert set(vocabulary().kinds.values()) <= {*IDENTIFIER_TYPES, "category", "time"}
    for kind_label, kind in vocabulary().kinds.items():
        assert meaning_of(kind_label).kind == kind
    assert not names_certificate("letter.pdf")
    assert all(map(speaks_of_certificate, vocabulary().certificate_texts))


LABELS = st.none() | st.sampled_from(["time", "phone", "category", "account", "x"]) | st.text(max_size=20)


@deep(150)
@given(st.lists(st.tuples(LABELS, st.text(max_size=80)), max_size=8), st.booleans())
def test_whatever_the_values_a_document_comes_out(values, is_text):
    document = difference(look(*values, is_text=is_text))
    assert json.loads(json.dumps(document)) == document
    assert document["files"]["read"] == 1
