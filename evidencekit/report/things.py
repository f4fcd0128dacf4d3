"""Items as a record describes them, whatever brought them into it: taken, made as a part, handed in, taken over. Pure.

Promise: what several events say of an item is put together, the later word last; nothing is verified.
Source: specs/reporting.md section 6, specs/events.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
    was_taken: bool
    """Tell whether it was taken in this case, and not only named, made of another item, or received."""
    entries: frozenset[int]
    """The events that this was read from."""


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
    found: dict[str, tuple[dict[str, Any], frozenset[int]]] = {}
    for entry, event in events:
        for item, body in _said(event):
            before, entries = found.get(item, (None, frozenset[int]()))
            if before is None or event["type"] in TAKES:
                merged = {**event, "body": {**(before or {"body": {}})["body"], **body}, "items": [item]}
                found[item] = merged, entries | {entry}
            elif body:
                found[item] = {**before, "body": before["body"] | body}, entries | {entry}
    made = {}
    for item in items:
        event, entries = found[item]
        receipt = receipt_of(case, [event], tree, seals=seals, now=0, program="")
        ((_, (said,)),) = receipt.seizures
        made[item] = Thing(said, event["type"] in TAKES, entries)
    return made


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
