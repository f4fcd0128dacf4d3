"""The log as a package has it: every entry, the events that are shown, checkpoints, attestations, objects.

Source: specs/package.md section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from evidencekit.core import layout
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.values import parse_count
from evidencekit.errors import BadArgument
from evidencekit.journeys.export_rows import NOT_STATED, check_ground
from evidencekit.package.bag import Tag, tag
from evidencekit.package.choice import NOT_REQUESTED
from evidencekit.read.store import Store
from evidencekit.verify.log_facts import objects_of

EVIDENCE = "evidence"
_OF_THE_LOG = ("anchor", "key_add", "key_retire", "key_revoke", "open")


@dataclass(frozen=True, slots=True)
class HideEvent:
    """Events of shown items that are hidden all the same."""

    which: str
    """The number of an entry, a type of events, or `all`."""
    ground: str = NOT_STATED


class Demanded(Protocol):
    """An item that is shown, and the event that it cannot be shown without: a `Choice`, or what was received."""

    @property
    def item(self) -> str: ...  # noqa: D102
    @property
    def entry(self) -> int: ...  # noqa: D102


@dataclass(slots=True)
class Custody:
    """What of the log goes with a package."""

    tags: list[Tag] = field(default_factory=list)
    hidden: list[dict[str, str]] = field(default_factory=list)
    """`{"entry": count, "ground": ground}`."""
    shown: int = 0


def gather_custody(store: Store, size: int, choices: Iterable[Demanded], hide: Iterable[HideEvent]) -> Custody:
    """Return the log up to a checkpoint: what is about the log, the seals of `choices`, and what touches their items.

    Raises:
        BadArgument: U282 no such ground, U283 an event is to be hidden that has to be shown, or is not there.
        FormatError, CannotFinish: the case cannot be read.
    """
    choices, rules = list(choices), list(hide)
    for rule in rules:
        check_ground(rule.ground)
    items = {choice.item for choice in choices}
    demanded = {0, *(choice.entry for choice in choices)}
    found, used, shown = Custody(), set[str](), set[int]()
    for entry in range(size):
        event = decode_event(store.read(layout.event_file(entry), layout.MAX_RECORD_FILE))
        found.tags.append(_tag(store, layout.entry_file(entry), layout.MAX_RECORD_FILE))
        ground = _ground(entry, event, items, demanded, shown, rules, used)
        if ground is not None:
            found.hidden.append({"entry": str(entry), "ground": ground})
            continue
        shown.add(entry)
        _show(store, entry, event, found)
    unused = sorted({rule.which for rule in rules} - used)
    if unused:
        raise BadArgument(
            f"No event of a shown item that could be hidden: {', '.join(unused)}.",
            code="U283",
            hint="Event 0, seals and events about keys are always shown. `evidencekit custody log CASE` lists events.",
        )
    for number in store.numbers(layout.CHECKPOINTS):
        if number <= size:
            found.tags.append(_tag(store, layout.checkpoint_file(number), layout.MAX_NOTE_FILE))
    found.shown = len(shown)
    found.tags = list({one.path: one for one in found.tags}.values())
    return found


def _ground(
    entry: int,
    event: dict[str, Any],
    items: set[str],
    demanded: Collection[int],
    shown: Collection[int],
    rules: list[HideEvent],
    used: set[str],
) -> str | None:
    """Return why an event is hidden; None where it is shown."""
    kind = event["type"]
    if entry in demanded or kind in _OF_THE_LOG:
        return None
    if kind == "countersign" and knows_type(event):
        return None if parse_count(event["body"]["of"]["entry"]) in shown else NOT_REQUESTED
    if items.isdisjoint(event["items"]):
        return NOT_REQUESTED
    for rule in rules:
        if rule.which in {"all", kind, str(entry)}:
            used.add(rule.which)
            return rule.ground
    return None


def _show(store: Store, entry: int, event: dict[str, Any], found: Custody) -> None:
    """Take an event, its signatures, and the files that it names."""
    found.tags.append(_tag(store, layout.event_file(entry), layout.MAX_RECORD_FILE))
    for place in range(len(event["signers"])):
        found.tags.append(_tag(store, layout.signature_file(entry, place), layout.MAX_SIGNATURE_FILE))
    if not knows_type(event):
        return
    if event["type"] == "anchor":
        found.tags.append(_tag(store, f"{layout.CHECKPOINTS}/{event['body']['file']}", layout.MAX_NOTE_FILE))
    for one in objects_of(entry, event):
        where = layout.object_file(one.sha256)
        with store.open(where):
            found.tags.append(tag(f"{EVIDENCE}/{where}", store.path / where))


def _tag(store: Store, where: str, limit: int) -> Tag:
    return tag(f"{EVIDENCE}/{where}", store.read(where, limit))
