"""The custody record in a report: who had what and when, as persons recorded and signed it. Pure.

Promises: the picture and the tables are drawn from the same facts; a late entry, a gap, an open offer and a hold that
had lapsed are never left out for want of room without being counted. Source: specs/reporting.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evidencekit.core.custody_state import MAX_TENURES
from evidencekit.core.values import format_instant
from evidencekit.report.receipt import shown_moment
from evidencekit.report.report_bounds import bounded, ends, named, said, shown_instant
from evidencekit.report.report_timeline import timeline

EVENTS = 500
"""Events that the table lists: the first and the last ones."""
ITEMS = 200
MARKS = 200
IN_EVENT = 10
"""Items that an event is shown with."""
_LETTERS = 26
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z")
_GAP, _RECORDED_LATE = "W912", "W914"


def custody_facts(history: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return events, hands, gaps, open offers, lapsed holds and seals.

    Args:
        history: `size`, `unfinished`, `events` (`catalogue.history.Told.as_record`), `items` (`item_status`, with
            `tenures`: pairs of an instant and a person's first key), `names` (key to name) and `lapses` of holds.
        now: the time of making, nanoseconds since 1970.
    """
    events, items = history["events"], history["items"]
    gaps = [gap for event in events for gap in _gaps(event)]
    offers = [
        {"item": item["item"], "entry": offer["entry"], "since": offer["since"], "to": _person(offer["to"])}
        for item in items
        for offer in item["open_offers"]
    ]
    lapses = history["lapses"]
    hands = [_hands(item, history["names"]) for item in items]
    places = _places(events)
    until = format_instant(now)
    return {
        "size": history["size"],
        "unfinished": history["unfinished"],
        "events": ends([_event(event) for event in events], EVENTS),
        "late": sum(1 for event in events if event["late"]),
        "hands_cut": sum(1 for item in items if len(item["tenures"]) >= MAX_TENURES),
        "items": bounded(
            [_status(item, hand, until) for item, hand in zip(items, hands, strict=True)],
            ITEMS,
        ),
        "gaps": bounded([{**gap, "from": shown_instant(gap["from"]), "to": shown_instant(gap["to"])} for gap in gaps],
                        MARKS),
        "offers": bounded([{**offer, "since": shown_instant(offer["since"])} for offer in offers], MARKS),
        "lapses": bounded([_lapse(lapse) for lapse in lapses], MARKS),
        "places": bounded([{**place, "at": shown_instant(place["at"])} for place in places], MARKS),
        "timeline": timeline(hands, gaps, offers, lapses, places,
                             max((one["recorded_at"] for one in events), default=until)),
    }  # fmt: skip


def shown_events(shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the events that a package shows, and in their places the entries whose events it withholds.

    Args:
        shared: `size`, `events` (as above), `withheld` (`entry`, `recorded_at` and `ground`) and `branches`.
    """
    withheld = [{**one, "ground": said(one["ground"]), "recorded_at": shown_instant(one["recorded_at"])}
                for one in shared["withheld"]]  # fmt: skip
    rows = sorted([*map(_event, shared["events"]), *withheld], key=lambda one: one["entry"])
    return {
        "part": True,
        "size": shared["size"],
        "shown": len(shared["events"]),
        "withheld": len(withheld),
        "branches": bounded(list(map(said, shared["branches"])), ITEMS),
        "events": ends(rows, EVENTS),
    }


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    remarks = [remark["code"] for remark in event["remarks"]]
    return {
        "entry": event["entry"],
        "type": said(event["type"]),
        "items": bounded([said(item) for item in event["items"]], IN_EVENT),
        "actor": named(event["actor"]["name"]),
        "key": said(event["actor"]["key"]),
        "signers": bounded(list(map(said, event["signers"])), IN_EVENT),
        "occurred_at": shown_moment(event["occurred_at"]),
        "recorded_at": shown_instant(event["recorded_at"]),
        "time_class": said(event["time_class"]),
        "late": event["late"],
        "recorded_late": _RECORDED_LATE in remarks,
        "remarks": sorted(set(remarks)),
        "corrected_by": bounded(event["corrected_by"], IN_EVENT),
        "seals": _seals(event["body"]),
    }


def _seals(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the physical seals that an event names, before and after it where it says so."""
    found = {}
    for name in ("seals", "physical_seals", "seals_before", "seals_after"):
        value = body.get(name)
        if isinstance(value, list):
            found[name] = bounded([named(str(seal)) for seal in value], IN_EVENT)
    return found


def _gaps(event: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for remark in event["remarks"]:
        if remark["code"] == _GAP:
            found = _INSTANT.findall(remark["found"])  # `in nobody's hands from A to B`, core/custody_hands.py
            start, end = (found[0], found[-1]) if found else (event["occurred_at"]["time"],) * 2
            yield {"item": remark["item"], "entry": event["entry"], "from": start, "to": end}


def _places(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return where items were, as events state it, in the order of the log; each place has its letter."""
    letters: dict[str, str] = {}
    found = []
    for event in events:
        place = event["body"].get("place")
        if isinstance(place, str):
            letter = letters.setdefault(place, _letter(len(letters)))
            found += [
                {"item": item, "at": event["occurred_at"]["time"], "entry": event["entry"], "letter": letter,
                 "place": named(place)}
                for item in event["items"]
            ]  # fmt: skip
    return found


def _letter(number: int) -> str:
    """Return a, b, … z, aa, ab and so on."""
    return (_letter(number // _LETTERS - 1) if number >= _LETTERS else "") + chr(ord("a") + number % _LETTERS)


def _hands(item: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return who had an item in his hands, from when to when; the last one has no end as long as custody goes on."""
    tenures: Sequence[tuple[str, str]] = item["tenures"]
    ended = item["ended_at"]
    spans = []
    for number, (since, key) in enumerate(tenures):
        until = tenures[number + 1][0] if number + 1 < len(tenures) else ended
        spans.append({"from": since, "to": until, "key": key, "name": named(names.get(key, key))})
    return {"item": item["item"], "spans": spans, "ended": ended}


def _status(item: Mapping[str, Any], hands: Mapping[str, Any], until: str) -> dict[str, Any]:
    return {
        "item": item["item"],
        "holder": None if item["holder"] is None else _person(item["holder"]),
        "keeper": None if item["keeper"] is None else _person(item["keeper"]),
        "due": None if item["out"] is None or item["out"]["due"] is None else shown_instant(item["out"]["due"]),
        "overdue": item["out"] is not None and item["out"]["due"] is not None and item["out"]["due"] < until,
        "ended": None if item["ended"] is None else {"entry": item["ended"]["entry"], "kind": item["ended"]["kind"]},
        "away": None if item["away"] is None else named(item["away"]),
        "unknown": item["unknown"],
        "sealed": item["sealed"],
        "seals": None if item["seals"] is None else bounded([named(seal) for seal in item["seals"]], IN_EVENT),
        "holds": bounded([named(hold) for hold in item["holds"]], IN_EVENT),
        "hands": [{**span, "from": shown_instant(span["from"]), "to": _shown(span["to"])} for span in hands["spans"]],
    }


def _lapse(lapse: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hold": named(lapse["hold"]),
        "items": bounded(lapse["items"], IN_EVENT),
        "start": shown_instant(lapse["start"]),
        "end": _shown(lapse["end"]),
    }


def _person(person: Mapping[str, str]) -> dict[str, str]:
    return {"key": said(person["key"]), "name": named(person["name"])}


def _shown(instant: str | None) -> str | None:
    return None if instant is None else shown_instant(instant)
