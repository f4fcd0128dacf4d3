"""The log as a package has it: every entry, the events that are shown, checkpoints, attestations, objects.

Source: specs/package.md section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core import layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.event_types import NO_ITEM
from evidencekit.core.exchange_types import EXCHANGE_TYPES
from evidencekit.errors import BadArgument
from evidencekit.journeys.export_logs import Log
from evidencekit.journeys.export_rows import NOT_STATED, check_ground
from evidencekit.package.bag import Tag, tag
from evidencekit.package.choice import NOT_REQUESTED
from evidencekit.verify.log_facts import objects_of


@dataclass(frozen=True, slots=True)
class HideEvent:
    """Events of shown items that are hidden all the same."""

    which: str
    """The number of an entry, a type of events, or `all`; with `NAME/` before it, of the adopted case NAME."""
    ground: str = NOT_STATED


class Hiding:
    """Which events are to be hidden: each rule has to hide one."""

    def __init__(self, rules: Iterable[HideEvent]) -> None:
        """Take the rules.

        Raises:
            BadArgument: U282, no such ground.
        """
        self._rules = list(rules)
        self._unused = {rule.which for rule in self._rules}
        for rule in self._rules:
            check_ground(rule.ground)

    def ground(self, log: str, entry: int, kind: str) -> str | None:
        """Return why an event of a shown item is hidden; None where it is shown. `log` is the name of a `Log`."""
        meant = {f"{log}{entry}", f"{log}{kind}", f"{log}all", kind, "all"}  # a type, without a name: in every log
        for rule in self._rules:
            if rule.which in meant:
                self._unused.discard(rule.which)
                return rule.ground
        return None

    def refuse_unused(self) -> None:
        """Raise BadArgument (U283) where an event is to be hidden that has to be shown, or is not there."""
        if self._unused:
            raise BadArgument(
                f"No event of a shown item that could be hidden: {', '.join(sorted(self._unused))}.",
                code="U283",
                hint="Event 0, seals, adoptions, anchors, countersignatures, events about keys and requests are always "
                "shown. `evidencekit custody log CASE` lists events.",
            )


@dataclass(slots=True)
class Custody:
    """What of a log goes with a package."""

    tags: list[Tag] = field(default_factory=list)
    hidden: list[dict[str, str]] = field(default_factory=list)
    """`{"entry": count, "ground": ground}`."""
    shown: int = 0


def gather_custody(log: Log, items: Collection[str], demanded: Collection[int], hiding: Hiding) -> Custody:
    """Return a log up to its checkpoint: what is about the log, `demanded` entries, and what touches `items`.

    Raises:
        FormatError, CannotFinish: the case cannot be read.
    """
    store, found = log.record.store, Custody()
    for entry in range(log.size):
        event = decode_event(store.read(layout.event_file(entry), layout.MAX_RECORD_FILE))
        found.tags.append(_tag(log, layout.entry_file(entry), layout.MAX_RECORD_FILE))
        ground = None if entry in demanded else _ground(log, entry, event, items, hiding)
        if ground is not None:
            found.hidden.append({"entry": str(entry), "ground": ground})
            continue
        found.shown += 1
        _show(log, entry, event, found)
    for number in store.numbers(layout.CHECKPOINTS):
        if number <= log.size:
            found.tags.append(_tag(log, layout.checkpoint_file(number), layout.MAX_NOTE_FILE))
    found.tags = list({one.path: one for one in found.tags}.values())
    return found


def _ground(log: Log, entry: int, event: dict[str, Any], items: Collection[str], hiding: Hiding) -> str | None:
    """Return why an event is hidden; None where it is shown."""
    kind = event["type"]
    if kind in NO_ITEM:
        return None  # a hidden event without items might be one about keys, and then nobody could judge these
    if not any(item in items for item in event["items"]):
        return NOT_REQUESTED
    return hiding.ground(log.name, entry, kind)


def _show(log: Log, entry: int, event: dict[str, Any], found: Custody) -> None:
    """Take an event, its signatures, and the files that it names."""
    found.tags.append(_tag(log, layout.event_file(entry), layout.MAX_RECORD_FILE))
    for place in range(len(event["signers"])):
        found.tags.append(_tag(log, layout.signature_file(entry, place), layout.MAX_SIGNATURE_FILE))
    if not knows_type(event) or event["type"] in EXCHANGE_TYPES:
        return  # requests are nobody's business but their parties'
    if event["type"] == "anchor":
        found.tags.append(_tag(log, f"{layout.CHECKPOINTS}/{event['body']['file']}", layout.MAX_NOTE_FILE))
    store = log.record.store
    for one in objects_of(entry, event):
        where = layout.object_file(one.sha256)
        with store.open(where):
            found.tags.append(tag(f"{log.place}/{where}", store.path / where))


def _tag(log: Log, where: str, limit: int) -> Tag:
    return tag(f"{log.place}/{where}", log.record.store.read(where, limit))
