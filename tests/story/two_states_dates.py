"""What both sides of `two_states.py` see at each of its dates, and what stands in their logs in the end. Times are UTC."""

from __future__ import annotations

MINUTE, HOUR, DAY = 60, 3600, 86_400
OLD = [("2026-10-31T13:30", "2026-11-03T09:00", "6")]
"""The lapse of the first hold, once its extension was entered."""
FIRST, SECOND, THIRD = (
    ("budapest-29-1", "2026-10-31T13:30"),
    ("budapest-29-1", "2026-12-30T13:30"),
    ("budapest-29-1", "2027-02-28T13:30"),
)
OTHER, UNION = ("un-42-1", "2027-03-06T09:00"), ("eu-preservation-1", "2027-04-02T09:00")
LONGER, LONGEST = ("eu-preservation-1", "2027-05-02T09:00"), ("eu-preservation-1", "2027-06-01T09:00")
GONE = [(*THIRD, "released", None), (*OTHER, "released", None)]
HOLDS = {
    "sent": ("2026-09-01T10:00", []),
    "held": ("2026-09-01T14:00", [(*FIRST, "running", 0)]),
    "half": ("2026-10-02T00:00", [(*FIRST, "half", 50)]),
    "last week": ("2026-10-25T09:00", [(*FIRST, "week", 89)]),
    "lapsed": ("2026-11-02T08:00", [(*FIRST, "lapsed", 100)]),
    "extended": ("2026-11-03T09:00", [(*SECOND, "running", 0)]),
    "extended again": ("2026-12-21T09:00", [(*THIRD, "running", 0)]),
    "under another": ("2027-01-05T09:00", [(*THIRD, "running", 21), (*OTHER, "running", 0)]),
    "answered": ("2027-01-20T10:00", [(*THIRD, "running", 43), (*OTHER, "running", 25)]),
    "for the union": ("2027-02-01T09:00", [(*THIRD, "half", 60), (*OTHER, "running", 45), (*UNION, "running", 0)]),
    "withdrawn": ("2027-02-20T09:00", [(*UNION, "running", 31), *GONE]),
    "ordered": ("2027-03-01T09:00", [(*UNION, "running", 46), *GONE]),
    "overdue": ("2027-03-12T09:00", [(*UNION, "half", 65), *GONE]),
    "refused": ("2027-03-12T09:00", [(*UNION, "half", 65), *GONE]),
    "by the table": ("2027-03-25T09:00", [(*LONGER, "running", 0), *GONE]),
    "by an authority": ("2027-04-28T09:00", [(*LONGEST, "running", 0), *GONE]),
}
"""Each date with what `hold due` shows: hold, end, stage, share; what is due first on top."""
KEPT, DONE, PART = ("answered", "received", True), ("answered", "executed", False), ("answered", "partial", True)
CAME, BACK = ("received", None, True), ("withdrawn", "received", False)
REQUESTS = {
    "sent": [("sent", None, True)],
    "held": [KEPT],
    "half": [KEPT],
    "last week": [KEPT, ("sent", None, True)],
    "lapsed": [KEPT, ("sent", None, True)],
    "extended": [KEPT, DONE],
    "extended again": [KEPT, DONE, CAME],
    "under another": [KEPT, DONE, CAME, CAME],
    "answered": [KEPT, DONE, CAME, PART],
    "for the union": [KEPT, DONE, CAME, PART, CAME],
    "withdrawn": [BACK, DONE, CAME, PART, CAME],
    "ordered": [BACK, DONE, CAME, PART, CAME, CAME],
    "overdue": [BACK, DONE, CAME, PART, CAME, CAME],
    "refused": [BACK, DONE, CAME, PART, CAME, ("answered", "refused", False)],
    "by the table": [BACK, DONE, CAME, PART, CAME, ("answered", "refused", False)],
    "by an authority": [BACK, DONE, CAME, PART, CAME, ("answered", "refused", False)],
}
"""State, outcome, and whether it is open, of Lyon's requests in their order, as Lyon sees them."""
HALF_HOUR, LATE = 30 * MINUTE, 5 * DAY + HOUR
TIMES = {
    "sent": ((None, None), (None, None)),
    **dict.fromkeys(("held", "half", "last week", "lapsed"), ((HALF_HOUR, None), (4 * HOUR, None))),
    **dict.fromkeys(
        ("extended", "extended again", "under another"), ((HALF_HOUR, LATE), (4 * HOUR, 9 * DAY))
    ),
    **dict.fromkeys(("answered", "for the union", "withdrawn", "ordered", "overdue"), ((LATE, LATE), (9 * DAY, 9 * DAY))),
    **dict.fromkeys(("refused", "by the table", "by an authority"), ((LATE, 11 * DAY), (9 * DAY, 11 * DAY))),
}  # fmt: skip
"""Median seconds to the first answer and to an outcome: from receipt in Bucharest, from sending in Lyon."""
ENTRIES = {
    "asking": [
        "open", "request_sent", "acknowledge", "acknowledge", "request_sent", "acknowledge", "acknowledge", "request_sent",
        "acknowledge", "request_sent", "acknowledge", "acknowledge", "receive", "request_sent", "acknowledge",
        "request_withdrawn", "request_sent", "acknowledge", "acknowledge",
    ],
    "asked": [
        "open", "identify", "request_received", "hold", "request_answered", "request_received", "extend",
        "request_answered", "request_received", "extend", "request_received", "hold", "acquire", "seal", "export",
        "request_answered", "receipt", "request_received", "hold", "acknowledge", "hold_release", "hold_release",
        "request_received", "request_answered", "extend", "extend",
    ],
}  # fmt: skip
