"""Where a timeline of hands has its bars and marks: whole numbers for an inline SVG, no script. Pure.

Promise: what is drawn has the order and the proportions of the instants; a span of no length still has a width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evidencekit.core.values import format_instant, parse_instant
from evidencekit.report.report_bounds import shown_instant

LANES = 30
"""Items that the picture has."""
LEFT, RIGHT, TOP, ROW, WIDTH = 110, 690, 24, 34, 700
_LABEL = 16
"""Characters of an item's number beside its lane."""
_TICKS = 3
_NARROWEST = 3
"""Of a span, however short."""
_WIDE_ENOUGH = 16
"""Of a bar that has room for a person's number; between two dots that have room for a place's letter."""


def timeline(
    hands: Sequence[Mapping[str, Any]],
    gaps: Iterable[Mapping[str, Any]],
    offers: Iterable[Mapping[str, Any]],
    lapses: Iterable[Mapping[str, Any]],
    places: Sequence[Mapping[str, Any]],
    until: str,
) -> dict[str, Any] | None:
    """Return the picture: a lane an item, a bar for each time in somebody's hands, marks above and below it.

    A dot below a bar is a place that somebody stated, with its letter where there is room.

    It begins with the first hands and ends with `until`, or the latest hands; what lies outside is drawn at the edge.
    None: nobody ever had anything.
    """
    lanes = [one for one in hands if one["spans"]]
    if not lanes:
        return None
    drawn = lanes[:LANES]
    marks = {
        "gap": [(one["item"], one["from"], one["to"]) for one in gaps],
        "offer": [(one["item"], one["since"], None) for one in offers],
        "lapse": [(item, one["start"], one["end"]) for one in lapses for item in one["items"]],
    }
    instants = [span[side] for one in drawn for span in one["spans"] for side in ("from", "to") if span[side]]
    known = [*map(parse_instant, instants), parse_instant(until)]
    scale = _Scale(min(known[:-1]), max(known))
    persons: dict[str, str] = {}
    for one in drawn:
        for span in one["spans"]:
            persons.setdefault(span["key"], span["name"])
    numbers = {key: number for number, key in enumerate(persons, 1)}
    return {
        "height": TOP + ROW * len(drawn) + 20,
        "lanes": [
            {
                "item": one["item"] if len(one["item"]) <= _LABEL else one["item"][: _LABEL - 1] + "…",
                "y": TOP + ROW * number,
                "bars": [_bar(span, numbers[span["key"]], scale) for span in one["spans"]],
                "marks": [
                    {"kind": kind, **scale.span(start, end)}
                    for kind, of_kind in marks.items()
                    for item, start, end in of_kind
                    if item == one["item"]
                ],
                "places": _dots([place for place in places if place["item"] == one["item"]], scale),
            }
            for number, one in enumerate(drawn)
        ],
        "left": len(lanes) - len(drawn),
        "persons": [{"number": numbers[key], "key": key, "name": name} for key, name in persons.items()],
        "ticks": [{"x": scale.at(scale.tick(number)), "at": shown_instant(format_instant(scale.tick(number)))}
                  for number in range(_TICKS)],
    }  # fmt: skip


def _bar(span: Mapping[str, Any], number: int, scale: _Scale) -> dict[str, Any]:
    place = scale.span(span["from"], span["to"])
    return {**place, "number": number, "shade": (number - 1) % 4, "open": span["to"] is None,
            "labelled": place["width"] >= _WIDE_ENOUGH}  # fmt: skip


def _dots(places: Iterable[Mapping[str, Any]], scale: _Scale) -> list[dict[str, Any]]:
    dots: list[dict[str, Any]] = []
    free = 0
    for place in sorted(places, key=lambda one: one["at"]):
        x = scale.at(parse_instant(place["at"]))
        dots.append({"x": x, "letter": place["letter"] if x >= free else None})
        if x >= free:
            free = x + _WIDE_ENOUGH
    return dots


class _Scale:
    """Instants to places."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.length = first, max(1, last - first)

    def at(self, instant: int) -> int:
        """Return the place of an instant, at an edge where it lies outside."""
        return min(RIGHT, max(LEFT, LEFT + (RIGHT - LEFT) * (instant - self.first) // self.length))

    def tick(self, number: int) -> int:
        """Return the instant of a label below."""
        return self.first + self.length * number // (_TICKS - 1)

    def span(self, start: str, end: str | None) -> dict[str, int]:
        """Return place and width; what has no end goes to the right edge."""
        x = min(RIGHT - _NARROWEST, self.at(parse_instant(start)))
        return {"x": x, "width": max(_NARROWEST, (RIGHT if end is None else self.at(parse_instant(end))) - x)}
