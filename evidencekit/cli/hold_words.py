"""Holds in words. Promises: pure; names are escaped; a mark stands beside its rule.

Source: specs/cooperation.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evidencekit.cli.render import counted
from evidencekit.cli.words import Line
from evidencekit.core.values import display
from evidencekit.report.durations import duration

HEADS = ("due", "left", "stage", "hold", "items", "received", "rests on")
_NEAR = {"no_end", "week", "day", "lapsed"}


def hold_lines(body: Mapping[str, Any], late: Sequence[Mapping[str, Any]], warnings: Iterable[str]) -> Iterator[Line]:
    """Yield what was recorded of a hold: its end, what that rests on, what had lapsed before, what is odd."""
    until, basis = body.get("until"), body.get("basis")
    yield f"hold      {display(body['hold'])}" + (f" ends {short(until['time'])} UTC" if until else ""), None
    if basis is not None:
        place = f", {basis['calendar']}" if "calendar" in basis else ""
        length = f"{basis['bound']} {basis['amount']} {basis['unit'].replace('_', ' ')}"
        yield f"counted   {length} from {short(basis['start'])} UTC, {basis['zone']}{display(place)}", None
        yield f"rests on  {source(basis)}", "warning" if basis["mark"] != "confirmed" else None
        yield from ((f"left out  {display(day)}", None) for day in basis["skipped"])
        yield from ((f"not checked: {display(text)}", "warning") for text in basis["not_checked"])
    elif until is not None:
        yield "counted   not: the end was stated", None
    for name in ("received_at", "until"):
        if name in body and body[name]["precision"] == "day":
            yield f"beware: {name} is a day, and counts as it begins: {short(body[name]['time'])} UTC", "warning"
    for one in late:
        about = f"{display(one['hold'])} of {', '.join(one['items'])}"
        yield f"LAPSED: {about} had ended at {short(one['since'])} UTC; that stays on record", "warning"
    yield from ((f"beware: {text}", "warning") for text in warnings)


def due_row(hold: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a hold as a row under HEADS."""
    share = "" if hold["share"] is None else f" {hold['share']} %"
    items = hold["items"]
    return (
        short(hold["until"]),
        left(hold["left_s"]),
        f"{stage(hold['stage'])}{share}",
        display(hold["hold"]),
        ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else ""),
        short(hold["received"]),
        source(hold["source"]) if hold["source"] else "stated" if hold["until"] else "nothing",
    )


def due_lines(document: Mapping[str, Any], shown: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield what does not fit into the rows: lapses, corrections, what was not checked or followed; then the sum."""
    for hold in shown:
        about = f"{display(hold['hold'])} of {', '.join(hold['items'])}"
        for lapse in hold["lapses"]:
            end = f"to {short(lapse['to'])} (entry {lapse['by']})" if lapse["to"] else "and still"
            yield f"LAPSED      {about}: from {short(lapse['from'])} {end}", "warning"
        for one in hold["corrections"]:
            yield f"corrected   {about}: entry {one['entry']} says of {one['corrects']}: {display(one['text'])}", None
        yield from ((f"not checked {about}: {display(text)}", None) for text in hold["not_checked"])
    for one in document["not_followed"]:
        name = "" if one["hold"] is None else f" {display(one['hold'])}"
        said = f"entry {one['entry']}, {one['type']}{name} of {', '.join(one['items'])}: {display(one['reason'])}"
        yield f"not followed: {said}", "warning"
    yield from ((f"not checked: {display(text)}", "warning") for text in document["not_checked"])
    counts = document["counts"]
    still = sum(counts.values()) - counts["released"]
    each = ", ".join(f"{count} {stage(name)}" for name, count in counts.items() if count and name != "released")
    yield f"{counted(still, 'open hold')}{': ' + each if each else ''}; {counts['released']} released", None


def status_line(hold: Mapping[str, Any]) -> Line:
    """Return an open hold as `custody status` says it."""
    until = f" until {short(hold['until'])} ({stage(hold['stage'])})" if hold["until"] else " (no end)"
    said = "LAPSED, and " if hold["stage"] == "lapsed" else "lapsed before; " if hold["lapses"] else ""
    style = "warning" if hold["stage"] in _NEAR or hold["lapses"] else None
    return f"  on hold   {display(hold['hold'])}{until}: {said}not to be disposed of, released or erased", style


def source(one: Mapping[str, Any]) -> str:
    """Return where a rule comes from, with its mark."""
    mark = one["mark"] if one["mark"] == "confirmed" else "UNCONFIRMED"
    return f"{display(one['citation'])}, {display(one['version'])} ({mark})"


def stage(name: str) -> str:
    """Return a stage as people read it."""
    words = {"no_end": "no end", "three_quarters": "three quarters", "week": "last week", "day": "last day"}
    return words.get(name, name)


def left(seconds: int | None) -> str:
    """Return a time that is left, or gone by."""
    if seconds is None:
        return ""
    return f"{duration(-seconds)} ago" if seconds < 0 else duration(seconds)


def short(instant: str | None) -> str:
    """Return an instant to the second, as people read it."""
    return "-" if instant is None else instant[:19].replace("T", " ")
