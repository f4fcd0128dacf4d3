"""journeys/requests_told.py: when an answer is due, and what `request status` says of requests at some instant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidencekit.catalogue.history import History, Told
from evidencekit.cooperation.exchange import Answer, Exchange, NotFollowed, Request
from evidencekit.cooperation.law import known_tables
from evidencekit.core.custody import Custody
from evidencekit.core.values import format_instant, moment, parse_instant
from evidencekit.journeys.requests_told import answer_due, status_document

TABLES = known_tables(None)
AT = parse_instant("2026-11-01T08:00:00.000000000Z")
DAY = 86_400
BY = {"id": "desk", "key": "SHA256:" + "A" * 43}
CAME = Request(
    side="received", entry=1, recorded=AT, sent={"entry": "1", "event": "0" * 64, "origin": "a.example/1"}, by=BY, digest="1" * 64,
    instrument="eu-production", record={"reference": "PR-3", "status": "new", "authority": {"name": "Office", "state": "FR"}, "to": {"name": "Point"}},
    kept="2" * 64, received=AT,
)  # fmt: skip


def told(entry, kind, items, **body):
    event = {"type": kind, "items": items, "body": {"_t": f"evidencekit/{kind}/1", **body}, "occurred_at": moment(AT)}
    return Told(entry, event, "", format_instant(AT), ())


def document(*requests, now=AT, events=(), tables=TABLES, not_followed=(), unfinished=False):
    history = History("point.example/1", 9, unfinished, Custody(), list(events))
    return status_document([(history, Exchange(list(requests), list(not_followed)))], tables, now)


def shown(request=CAME, **more):
    (one,) = document(request, **more)["requests"]
    return one


def answered(outcome, entry=5):
    return Answer(
        entry,
        AT,
        BY,
        None if outcome is None else {"_t": "x", "nonce": "x", "request": "x", "outcome": outcome},
        (None, entry),
    )


# --- when an answer is due -----------------------------------------------------------------------------------------


def test_the_clock_runs_from_receipt():
    due = answer_due(CAME, TABLES)
    assert due.until == AT + 10 * DAY * 10**9
    assert due.source["citation"] == "Regulation (EU) 2023/1543, Article 10"
    assert any("emergency" in text for text in due.not_checked), "the other limit of the same clock is named"


def test_a_condition_that_the_request_states():
    urgent = replace(CAME, record=CAME.record | {"emergency": {"declared": True}})
    assert answer_due(urgent, TABLES).until == AT + 8 * 3600 * 10**9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instrument": "atlantis-7"}, "no table of law has its instrument"),
        ({"instrument": None}, "no table of law has its instrument"),
        ({"received": None, "side": "sent"}, "no receipt of the other side was entered"),
        ({"received": parse_instant("9999-12-30T00:00:00.000000000Z")}, "ends too far ahead"),
    ],
)
def test_what_nobody_can_say(change, said):
    """Never an error: what the other side states is in there."""
    due = answer_due(replace(CAME, **change), TABLES)
    assert (due.until, due.source) == (None, None)
    assert [said in text for text in due.not_checked] == [True]


def test_an_instrument_without_such_a_limit():
    due = answer_due(replace(CAME, instrument="budapest-29"), TABLES)
    assert (due.until, due.source, due.not_checked) == (None, None, ())


def test_a_table_of_one_s_own_is_told():
    own = {"eu-production": replace(TABLES["eu-production"], own=True)}
    assert any("one's own" in text for text in answer_due(CAME, own).not_checked)
    assert not any("one's own" in text for text in answer_due(CAME, TABLES).not_checked)


# --- the document -----------------------------------------------------------------------------------------------------


def test_all_members_of_a_request_are_there():
    """As specs/cooperation.md, section 7.4 lists them."""
    assert set(shown()) == {
        "case", "entry", "side", "state", "open", "outcome", "sha256", "instrument", "reference", "status", "authority", "to", "by",
        "recorded_at", "received_at", "receipts", "withdrawn", "extends", "answer_due", "answers", "holds", "returns", "exports",
    }  # fmt: skip
    assert set(document()) == {"now", "not_checked", "unfinished", "not_followed", "requests"}
    one = shown()
    assert (one["case"], one["authority"], one["to"], one["reference"]) == (
        "point.example/1",
        "Office (FR)",
        "Point",
        "PR-3",
    )


def test_what_is_not_known_is_null():
    unread = replace(CAME, by=None, digest=None, instrument=None, record=None)
    one = shown(unread)
    assert {name for name, value in one.items() if value is None} == {
        "authority", "by", "instrument", "outcome", "reference", "sha256", "status", "to", "withdrawn",
    }  # fmt: skip
    assert shown(replace(CAME, received=None, side="sent"))["received_at"] is None


@pytest.mark.parametrize(
    ("answers", "withdrawn", "is_open"),
    [
        ([], None, True), (["received"], None, True), (["partial"], None, True), (["executed"], None, False), (["refused"], None, False),
        (["executed", "partial"], None, True), ([None], None, True), ([], 7, False), (["received"], 7, False),
    ],
)  # fmt: skip
def test_nothing_is_left_of_the_time_of_a_closed_request(answers, withdrawn, is_open):
    request = replace(CAME, answers=[answered(one) for one in answers], withdrawn=withdrawn)
    one = shown(request, now=AT + DAY * 10**9)
    assert (one["open"], one["answer_due"]["left_s"]) == (is_open, 9 * DAY if is_open else None)
    assert one["answer_due"]["until"] == "2026-11-11T08:00:00.000000000Z"
    assert one["outcome"] == (answers[-1] if answers else None)


def test_what_is_overdue_has_less_than_nothing_left():
    assert shown(now=AT + 10 * DAY * 10**9 + 1)["answer_due"]["left_s"] == -1


def test_answers_are_shown_without_what_is_for_machines():
    one = shown(replace(CAME, answers=[answered("partial"), answered(None, 6)]))
    assert [answer["record"] for answer in one["answers"]] == [{"outcome": "partial"}, None]
    assert [answer["entry"] for answer in one["answers"]] == [5, 6]


def test_what_in_the_log_names_the_record():
    """Holds, returns and packages: of this request, and of no other."""
    record, other = {"request": CAME.digest}, {"request": "3" * 64}
    until = moment(AT + DAY * 10**9)
    events = [
        told(2, "acquire", ["EX-001"], **record), told(3, "acquire", ["EX-002"], **other), told(4, "acquire", ["EX-003"]),
        told(5, "hold", ["EX-001"], hold="H1", until=until, **record), told(6, "hold", ["EX-002"], hold="H2", **other),
        told(7, "export", ["EX-001", "EX-002"], **record), told(8, "export", ["EX-002"]),
    ]  # fmt: skip
    one = shown(events=events, now=AT + 2 * DAY * 10**9)
    assert one["returns"] == [{"entry": 2, "items": ["EX-001"]}]
    assert one["exports"] == [{"entry": 7, "items": ["EX-001", "EX-002"]}]
    assert one["holds"] == [{"hold": "H1", "items": ["EX-001"], "stage": "lapsed", "until": until["time"]}]
    nothing = shown(replace(CAME, digest=None), events=events)
    assert (nothing["returns"], nothing["exports"], nothing["holds"]) == ([], [], [])


def test_what_could_not_be_followed_or_is_unfinished():
    told_of = document(not_followed=[NotFollowed(4, "acknowledge", "why")], unfinished=True)
    assert told_of["not_followed"] == [{"case": "point.example/1", "entry": 4, "type": "acknowledge", "reason": "why"}]
    assert told_of["unfinished"] == ["point.example/1"]


@pytest.mark.parametrize(
    ("answers", "late_s"),
    [
        ([], None),
        ([("received", 9)], None),
        ([("received", 11)], None),  # that it is dealt with is no answer yet
        ([("partial", 10)], None),
        ([("received", 2), ("refused", 11)], DAY),
        ([("refused", 11), ("executed", 12)], DAY),
        ([(None, 3), ("executed", 12)], 2 * DAY),
    ],
)
def test_an_answer_that_came_late_stays_late(answers, late_s):
    given = [replace(answered(outcome), recorded=AT + day * DAY * 10**9) for outcome, day in answers]
    assert shown(replace(CAME, answers=given), now=AT + 40 * DAY * 10**9)["answer_due"]["late_s"] == late_s
