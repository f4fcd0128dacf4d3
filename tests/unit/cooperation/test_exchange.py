"""cooperation/exchange.py: any events in any order; each is part of a request, or is named with the reason."""

from __future__ import annotations

import custodyevents as ce
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation.exchange import Said, exchange_of
from evidencekit.core.event import Entry
from evidencekit.core.message import Message, Opened
from evidencekit.core.values import parse_instant

RECORD = {"reference": "PR-3"}
KINDS = ["request_sent", "request_received", "request_answered", "request_withdrawn", "acknowledge"]
CARRIED = ["request_sent", "request_received", "request_answered", "request_withdrawn", "offer"]


def ref(entry):
    return {"entry": str(entry), "event": ce.H}


def came(kind, place=7, *, origin=ce.OTHER, **body):
    """What a file of another log says, and where it stands there."""
    theirs = ce.event(kind, by=ce.BEN, **body)
    theirs |= {"seen": theirs["seen"] | {"origin": origin}}
    entry = Entry(place, bytes(32), 0, (), bytes(32), place, ce.TIME["time"], ())
    return Opened(Message("request", b"", ()), theirs, ce.H, entry, None, None)


def said(entry, kind, other=None, *, record=None, void=None, **body):
    return Said(entry, ce.event(kind, **body), entry, other, record, void)


def sent(entry=1, **more):
    return said(entry, "request_sent", record=RECORD, **more)


def received(entry=1, other=None, **more):
    return said(entry, "request_received", came("request_sent") if other is None else other, record=RECORD, **more)


def entered(entry, other, about=1, side="sent", **more):
    return said(entry, "acknowledge", other, without=tuple({"received", "sent"} - {side}), **{side: ref(about)}, **more)


def only(*events):
    found = exchange_of(events)
    assert found.not_followed == []
    (request,) = found.requests
    return request


# --- a request that was sent ---------------------------------------------------------------------------------------


def test_a_request_that_was_sent():
    request = only(sent())
    assert (request.side, request.entry, request.sent, request.state, request.is_open) == (
        "sent",
        1,
        None,
        "sent",
        True,
    )
    assert (request.digest, request.instrument, request.record) == (ce.H, "budapest-29", RECORD)
    assert request.by == ce.ANNA.named
    assert (request.received, request.outcome) == (None, None)


def test_the_clock_starts_at_the_earliest_receipt():
    times = [ce.at(minute) for minute in (5, 2, 9)]
    request = only(sent(), *(entered(2 + n, came("request_received", received_at=at)) for n, at in enumerate(times)))
    assert (request.state, request.receipts) == ("received", [2, 3, 4])
    assert request.received == parse_instant(times[1]["time"])


def test_the_newest_answer_of_a_log_counts_in_whatever_order_they_come():
    first, second = {"outcome": "received"}, {"outcome": "refused"}
    request = only(
        sent(),
        entered(2, came("request_answered", 9), record=second),
        entered(3, came("request_answered", 8), record=first),
    )
    assert [one.entry for one in request.answers] == [3, 2]
    assert [one.by for one in request.answers] == [ce.BEN.named] * 2
    assert (request.outcome, request.state, request.is_open) == ("refused", "answered", False)


def test_of_two_logs_the_answer_that_came_last_counts():
    elsewhere = came("request_answered", 2, origin="third.example/1")
    request = only(
        sent(), entered(2, came("request_answered", 9), record={"outcome": "refused"}), entered(3, elsewhere)
    )
    assert [one.entry for one in request.answers] == [2, 3]
    assert (request.outcome, request.is_open) == (None, True)


@pytest.mark.parametrize(
    ("outcome", "is_open"), [("received", True), ("partial", True), ("executed", False), ("refused", False)]
)
def test_what_is_yet_to_come(outcome, is_open):
    answered = entered(2, came("request_answered"), record={"outcome": outcome})
    assert only(sent(), answered).is_open == is_open
    request = only(sent(), answered, said(3, "request_withdrawn", sent=ref(1)))
    assert (request.state, request.withdrawn, request.is_open) == ("withdrawn", 3, False)


# --- a request that came -------------------------------------------------------------------------------------------


def test_a_request_that_came():
    at = ce.at(3)
    request = only(received(received_at=at))
    assert (request.side, request.state, request.received) == ("received", "received", parse_instant(at["time"]))
    assert (request.by, request.digest, request.record) == (ce.BEN.named, ce.H, RECORD)
    assert request.sent["origin"] == ce.OTHER
    request = only(received(), said(2, "request_answered", received=ref(1), record={"outcome": "executed"}))
    assert (request.state, request.answers[0].by, request.is_open) == ("answered", ce.ANNA.named, False)
    request = only(received(), entered(2, came("request_withdrawn"), side="received"))
    assert (request.state, request.withdrawn) == ("withdrawn", 2)


@pytest.mark.parametrize("other", [came("request_answered"), came("offer")])
def test_a_file_of_another_type_is_no_request(other):
    """What E309 names: nothing is taken from it."""
    request = only(received(other=other))
    assert (request.by, request.digest, request.instrument, request.record) == (None, None, None, None)


def test_a_file_that_cannot_be_read_leaves_the_request_there():
    request = only(said(1, "request_received"))
    assert (request.by, request.digest, request.state) == (None, None, "received")


# --- what cannot be followed ---------------------------------------------------------------------------------------

SENT, RECEIVED = sent(), received()
NOT_FOLLOWED = {
    "no such request": (SENT, said(2, "request_withdrawn", sent=ref(7)), "entry 7 is no request that was sent"),
    "one that came is not withdrawn": (RECEIVED, said(2, "request_withdrawn", sent=ref(1)), "entry 1 is no request that was sent"),
    "one that was sent is not answered": (SENT, said(2, "request_answered", received=ref(1)), "entry 1 is no request that was received"),
    "a file that cannot be read": (SENT, entered(2, None), "what it enters cannot be read"),
    "a withdrawal of one's own request": (SENT, entered(2, came("request_withdrawn")), "it enters an event of type request_withdrawn, about a request that was sent"),
    "an answer to what came": (RECEIVED, entered(2, came("request_answered"), side="received"), "it enters an event of type request_answered, about a request that was received"),
    "an offer": (SENT, entered(2, came("offer")), "it enters an event of type offer, about a request that was sent"),
    "a broken rule": (SENT, sent(2, void="E312: expected a key"), "E312: expected a key"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_FOLLOWED)
def test_what_cannot_be_followed_is_named(name):
    first, second, reason = NOT_FOLLOWED[name]
    found = exchange_of([first, second])
    assert [(one.entry, one.kind, one.reason) for one in found.not_followed] == [(2, second.event["type"], reason)]
    (request,) = found.requests
    assert (request.withdrawn, request.answers, request.receipts) == (None, [], [])


def test_what_is_withdrawn_twice_was_withdrawn_first():
    found = exchange_of([sent(), *(said(entry, "request_withdrawn", sent=ref(1)) for entry in (2, 3))])
    assert found.requests[0].withdrawn == 2
    assert found.not_followed[0].reason == "entry 2 withdrew it before"


def test_an_event_of_another_form_is_named_and_not_looked_into():
    odd = Said(1, ce.event("request_sent", version=9), 1, void="it is of a form that this version does not know")
    found = exchange_of([odd])
    assert (found.requests, found.not_followed[0].reason) == ([], "it is of a form that this version does not know")


# --- any events -----------------------------------------------------------------------------------------------------


@st.composite
def stories(draw):
    """Events of all kinds, about requests that are there and others that are not."""
    story = []
    for entry in range(1, draw(st.integers(1, 12)) + 1):
        kind, about = draw(st.sampled_from(KINDS)), draw(st.integers(0, entry))
        carried = draw(st.sampled_from([None, *CARRIED]))
        at = {"received_at": ce.at(draw(st.integers(0, 5)))}
        other = (
            None
            if carried is None
            else came(carried, draw(st.integers(1, 4)), **(at if carried == "request_received" else {}))
        )
        record = draw(
            st.sampled_from([None, *({"outcome": one} for one in ("received", "partial", "executed", "refused"))])
        )
        void = draw(st.sampled_from([None] * 9 + ["E312"]))
        match kind:
            case "request_sent":
                story.append(sent(entry, void=void))
            case "request_received":
                story.append(received(entry, other, void=void, **at))
            case "request_answered":
                story.append(said(entry, kind, received=ref(about), record=record, void=void))
            case "request_withdrawn":
                story.append(said(entry, kind, sent=ref(about), void=void))
            case "acknowledge":
                side = draw(st.sampled_from(["sent", "received"]))
                story.append(entered(entry, other, about, side, record=record, void=void))
    return story


def spoken_of(request):
    """Every entry that a request is made of."""
    withdrawn = [] if request.withdrawn is None else [request.withdrawn]
    return [request.entry, *request.receipts, *(one.entry for one in request.answers), *withdrawn]


@given(stories())
def test_nothing_is_dropped_and_nothing_counts_twice(story):
    found = exchange_of(story)
    told = [entry for request in found.requests for entry in spoken_of(request)]
    assert sorted(told + [one.entry for one in found.not_followed]) == [one.entry for one in story]
    assert {one.entry for one in story if one.void} <= {one.entry for one in found.not_followed}


@given(stories())
def test_what_is_said_of_a_request_is_about_it(story):
    by_entry = {one.entry: one for one in story}
    for request in exchange_of(story).requests:
        for entry in spoken_of(request)[1:]:
            assert by_entry[entry].body[request.side] == ref(request.entry)
        given_at = [one.given[1] for one in request.answers]
        assert given_at == sorted(given_at)
        if request.side == "sent":
            times = [
                parse_instant(by_entry[entry].other.event["body"]["received_at"]["time"]) for entry in request.receipts
            ]
            assert request.received == min(times, default=None)
        assert request.is_open == (request.withdrawn is None and request.outcome not in {"executed", "refused"})


@given(st.permutations(range(5)))
def test_files_may_come_in_any_order(order):
    """What stands in the end is the same."""
    files = [
        (came("request_received", 1, received_at=ce.at(4)), None),
        (came("request_received", 2, received_at=ce.at(3)), None),
        *(
            (came("request_answered", 3 + n), {"outcome": one})
            for n, one in enumerate(("received", "partial", "executed"))
        ),
    ]
    story = [entered(entry, files[number][0], record=files[number][1]) for entry, number in enumerate(order, 2)]
    request = only(sent(), *story)
    assert [one.outcome for one in request.answers] == ["received", "partial", "executed"]
    assert (request.received, request.is_open) == (parse_instant(ce.at(3)["time"]), False)
