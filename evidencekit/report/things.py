"""Items as a record describes them, whatever brought them into it: taken, made as a part, handed in, taken over. Pure.

Promise: what several events say of an item is put together, the later word last; what came from another log, and what
was corrected, is said to be; nothing is verified.
Source: specs/reporting.md section 6, specs/events.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.custody_state import DIVIDING
from evidencekit.report.receipt import Taken, receipt_of

TAKES = frozenset({"acquire", "collect"})
DESCRIBES = TAKES | {"identify"}
Event = Mapping[str, Any]
Seals = Callable[[str], Iterable[str] | None]


@dataclass(frozen=True, slots=True)
class Thing:
    """One item."""

    said: Taken
    """What is said of it; where it was not taken here, times and persons are those by whom it came into the record."""
    event: dict[str, Any]
    """The same as `receipt_of` reads it: the event by which it was taken, with what the others say in its body."""
    was_taken: bool
    """Tell whether it was taken in this case, and not only named, made of another item, or received."""
    entries: frozenset[int]
    """The events that this was read from."""
    elsewhere: str | None
    """Origin of the log that has its earlier history, which was not read; None where this one has all of it."""


@dataclass(slots=True)
class _Story:
    """What was read of one item so far."""

    event: dict[str, Any]
    entries: set[int]
    elsewhere: str | None
    corrected: list[int] = field(default_factory=list)

    def take(self, entry: int, event: Event, body: dict[str, Any]) -> None:
        """Put what one more event says to it."""
        if event["type"] in TAKES:
            self.event = {**event, "items": self.event["items"], "body": self.event["body"] | body}
            self.entries.add(entry)
        elif body:
            self.event = {**self.event, "body": self.event["body"] | body}
            self.entries.add(entry)


def things_of(
    case: Mapping[str, Any], events: Iterable[tuple[int, Event]], items: Iterable[str], tree: Checkpoint, seals: Seals
) -> dict[str, Thing]:
    """Return some items in their order.

    Args:
        case: the case record.
        events: entries of the log, the oldest first, of known types; each of `items` is in one of them.
        items: exhibits.
        tree: the checkpoint up to which the events go.
        seals: gives the physical seals on an item as last stated, None where nobody said.
    """
    found: dict[str, _Story] = {}
    for entry, event in events:
        for item, body in _said(event):
            if item in found:
                found[item].take(entry, event, body)
            else:
                began = {**event, "items": [item], "body": body}
                found[item] = _Story(began, {entry}, _elsewhere(event, found, tree.origin))
        if event["type"] == "correct":
            _correct(entry, event, found)
    return {item: _thing(case, found[item], tree, seals) for item in items}


def _thing(case: Mapping[str, Any], story: _Story, tree: Checkpoint, seals: Seals) -> Thing:
    event, (item,) = story.event, story.event["items"]
    corrected = {item: tuple(story.corrected)}
    receipt = receipt_of(case, [event], tree, seals=seals, now=0, program="", corrected=corrected)
    ((_, (said,)),) = receipt.seizures
    entries = frozenset(story.entries) - {*story.corrected}
    return Thing(said, event, event["type"] in TAKES, entries, story.elsewhere)


def _correct(entry: int, event: Event, found: Mapping[str, _Story]) -> None:
    """Put a correction to the items of which it corrects what was read, or an earlier correction of it."""
    corrects = int(event["body"]["corrects"]["entry"])
    for item in event["items"] or found:
        if corrects in found[item].entries:
            found[item].corrected.append(entry)
            found[item].entries.add(entry)


def _elsewhere(event: Event, found: Mapping[str, _Story], origin: str) -> str | None:
    """Return the log from which an event brings its items, or that of the item that it divides."""
    body = event["body"]
    if event["type"] in {"adopt", "receive"}:
        return str(body["log"]["origin"])
    if event["type"] == "accept" and body["offer"]["origin"] != origin:
        return str(body["offer"]["origin"])
    if event["type"] in DIVIDING and event["items"][0] in found:
        return found[event["items"][0]].elsewhere
    return None


def _said(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each item of an event with what the event says of the thing itself."""
    body = event["body"]
    parts = {part["item"]: part for part in body["parts"]} if event["type"] in DIVIDING else {}
    for item in event["items"]:
        if event["type"] in DESCRIBES:
            yield item, dict(body)
        elif item in parts:
            yield item, {name: parts[item][name] for name in ("description",) if name in parts[item]}
        else:
            yield item, {name: body[name] for name in ("bag",) if name in body}
