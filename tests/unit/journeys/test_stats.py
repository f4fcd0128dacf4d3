"""journeys/stats.py: what of a request is counted, from when, and what came of it. `tests/story` has whole cases."""

from __future__ import annotations

import pytest

from evidencekit.cooperation.exchange import Answer, Request
from evidencekit.cooperation.figures import NO_OUTCOME, OTHER
from evidencekit.core.values import parse_instant
from evidencekit.journeys.stats import asked_of

SENT, CAME = parse_instant("2026-10-31T20:00:00.000000000Z"), parse_instant("2026-11-01T08:00:00.000000000Z")
HOUR, WHO = 3600 * 10**9, {"id": "point", "key": "k"}


def answered(after, outcome):
    """An answer so many hours after receipt; None: it cannot be read."""
    return Answer(9, CAME + after * HOUR, WHO, None if outcome is None else {"outcome": outcome}, (None, 9))


def request(*answers, side="received", **more):
    whole = {
        "entry": 1, "recorded": SENT, "sent": {}, "by": WHO, "digest": "d", "instrument": "un-42",
        "record": {"status": "new"}, "kept": "k", "received": CAME, "answers": list(answers),
    }  # fmt: skip
    return Request(side=side, **(whole | more))


def counted(*answers, **more):
    return asked_of(request(*answers, **more), {"un-42"})


def test_what_came_counts_from_its_receipt_and_what_went_out_from_its_event():
    came, sent = counted(answered(2, "executed")), counted(answered(2, "executed"), side="sent")
    assert (came.side, came.month, came.first_s, came.answer_s) == ("received", "2026-11", 7200, 7200)
    assert (sent.side, sent.month, sent.first_s, sent.answer_s) == ("sent", "2026-10", 14 * 3600, 14 * 3600)
    assert counted(side="sent", received=None).month == "2026-10"


@pytest.mark.parametrize(
    ("answers", "outcome", "first", "whole"),
    [
        ([], NO_OUTCOME, None, None),
        ([(1, "received")], NO_OUTCOME, 1, None),
        ([(1, "received"), (5, "partial")], "partial", 1, 5),
        ([(1, "received"), (5, "partial"), (9, "executed")], "executed", 1, 5),
        ([(5, "refused"), (6, "received")], "refused", 5, 5),
        ([(1, None)], NO_OUTCOME, 1, None),
        ([(1, None), (5, "executed")], "executed", 1, 5),
        ([(-1, "executed")], "executed", None, None),
        ([(0, "executed")], "executed", 0, 0),
        ([(7, "partial"), (2, "received"), (5, "refused")], "refused", 2, 5),
    ],
)
def test_outcome_and_times(answers, outcome, first, whole):
    found = counted(*(answered(*one) for one in answers))
    assert (found.outcome, found.first_s, found.answer_s) == (
        outcome, None if first is None else first * 3600, None if whole is None else whole * 3600
    )  # fmt: skip


def test_what_cannot_be_read_counts_as_other_and_as_no_extension():
    found = counted(instrument=None, record=None, digest=None)
    assert (found.instrument, found.extends) == (OTHER, False)
    assert counted(instrument="the letter of John Doe").instrument == OTHER
    assert counted(record={"status": "follow_up"}).extends is False
    assert counted(record={"status": "extension"}).extends is True


def test_withdrawn():
    assert [counted(withdrawn=entry).withdrawn for entry in (None, 7)] == [False, True]
