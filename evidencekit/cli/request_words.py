"""Requests and answers in words. Promises: pure; what others wrote is escaped; what is recorded is never called true.

Source: specs/cooperation.md section 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evidencekit.cli.hold_words import left, short, stage
from evidencekit.cli.law import marked
from evidencekit.cli.words import Line, unfinished_line
from evidencekit.core.values import display

HEADS = ("entry", "", "reference", "state", "answer due", "left")
_REFERENCE, _MINUTE = 20, 16
"""Columns: a longer reference stands below; times to the minute."""
_OUTCOMES = {
    "received": "it is being dealt with",
    "executed": "all of it was done",
    "partial": "a part of it was done",
    "refused": "it is refused",
}
_PROSE = ("ground", "risk", "note")


def answer_lines(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an answer says."""
    yield f"answer    {record['outcome']}: {_OUTCOMES[record['outcome']]}"
    if "ticket" in record:
        yield f"ticket    {display(record['ticket'])}"
    yield from (f"{name:<9} {display(record[name])}" for name in _PROSE if name in record)
    for one in record.get("identifiers", ()):
        note = f" ({display(one['note'])})" if "note" in one else ""
        yield f"{one['state'].replace('_', ' '):<9} {one['type']} {display(one['value'])}{note}"
    for one in record.get("holds", ()):
        until = f" until {short(one['until']['time'])} UTC" if "until" in one else ", no end stated"
        yield f"kept      {display(one['name'])}{until}"
    for digest in record.get("packages", ()):
        yield f"package   {digest}"
    if "other_holder" in record:
        holder = record["other_holder"]
        more = ", ".join(display(holder[name]) for name in ("state", "contact") if name in holder)
        yield f"also with {display(holder['name'])}" + (f" ({more})" if more else "")


def status_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a request as a row under HEADS."""
    due, reference = one["answer_due"], "NOT READ" if one["reference"] is None else display(one["reference"])
    return (
        str(one["entry"]),
        "to" if one["side"] == "sent" else "from",
        reference if len(reference) <= _REFERENCE else f"{reference[: _REFERENCE - 1]}…",
        one["state"] if one["outcome"] is None or one["state"] == "withdrawn" else f"answered: {one['outcome']}",
        short(due["until"])[:_MINUTE],
        left(due["left_s"]),
    )


def status_lines(document: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what does not fit into the rows: who, answers, holds, what answers it, what was not checked."""
    for one in document["requests"]:
        yield "", None
        other = one["to"] if one["side"] == "sent" else one["authority"]
        way = "to" if one["side"] == "sent" else "from"
        yield f"entry {one['entry']}: {way} {display(other or 'nobody named')}", "bold"
        yield from ((f"  {text}", style) for text, style in _lines(one))
    for one in document["not_followed"]:
        yield f"not followed: entry {one['entry']}, {one['type']}: {display(one['reason'])}", "warning"
    for text in document["not_checked"][1:]:  # the first is said of every status
        yield f"not shown: {display(text)}", "warning"
    yield from map(unfinished_line, document["unfinished"])


def _lines(one: Mapping[str, Any]) -> Iterator[Line]:
    due = one["answer_due"]
    if one["sha256"] is None:
        yield "the request cannot be read: `evidencekit verify` says more", "warning"
    else:
        reference = "NOT READ" if one["reference"] is None else display(one["reference"])
        yield f"request   {reference}, under {display(one['instrument'])}", None
        yield f"SHA-256   {one['sha256']}", None
    if one["received_at"] is not None:
        by = ", as the other side says" if one["side"] == "sent" else ""
        yield f"received  {short(one['received_at'])} UTC{by}", None
    if due["source"] is not None:
        style = "warning" if due["source"]["mark"] != "confirmed" else None
        yield f"answer    due {short(due['until'])} UTC at the latest", None
        yield f"rests on  {marked(due['source']['citation'], due['source']['mark'])}", style
    if due["left_s"] is not None and due["left_s"] < 0:
        yield f"OVERDUE   the answer was due {left(due['left_s'])}", "error"
    if due["late_s"] is not None:
        yield f"LATE      the answer was recorded {left(due['late_s'])} after it was due", "warning"
    if one["extends"]:
        entries = " and ".join(f"entry {entry}" for entry in one["extends"])
        yield f"{one['status'].replace('_', ' ')} of the request of {entries}", None
    for answer in one["answers"]:
        yield f"entry {answer['entry']}, recorded {short(answer['recorded_at'])} UTC", None
        if answer["record"] is None:
            yield "  the answer cannot be read", "warning"
        else:
            yield from ((f"  {line}", None) for line in answer_lines(answer["record"]))
    for hold in one["holds"]:
        style = "warning" if hold["stage"] in {"week", "day", "lapsed", "no_end"} else None
        ends = f", ends {short(hold['until'])} UTC" if hold["until"] else ""
        yield f"hold      {display(hold['hold'])} of {', '.join(hold['items'])}: {stage(hold['stage'])}{ends}", style
    for name, title in (("returns", "returned"), ("exports", "exported")):
        for event in one[name]:
            yield f"{title}  {', '.join(event['items'])}, entry {event['entry']}", None
    if one["withdrawn"] is not None:
        yield f"WITHDRAWN by entry {one['withdrawn']}: what was kept for it stays until somebody releases it", "warning"
    yield from ((f"not checked: {display(text)}", "warning") for text in due["not_checked"])
