"""Which items are meant, of the case and of cases that it adopted; and what of the rows of each is to leave.

An item is an exhibit, or a part that has rows of its own; its rows stand in the manifest of the exhibit.
Source: specs/package.md sections 2, 4 and 5; specs/manifest.md section 11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import orjson

from evidencekit.catalogue.build import Catalogue
from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.record import Sealed
from evidencekit.core.globs import Globs
from evidencekit.core.reduced import GROUPS
from evidencekit.core.selectors import Selectors
from evidencekit.core.values import display, read_name
from evidencekit.errors import BadArgument, FormatError, Refused
from evidencekit.journeys.export_logs import Log, items_with_origins
from evidencekit.journeys.export_rows import Search, Wanted, Withhold, check_ground, nowhere
from evidencekit.journeys.rows_of_item import OWN, choose_rows
from evidencekit.package.choice import MAX_GROUNDS, NOT_REQUESTED, Choice


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of one log is meant."""

    log: Log
    items: set[str]
    """Items of which rows are chosen, in the words of the log."""
    choices: list[Choice]
    """Of each manifest of rows, then of media types about them, in the order of their numbers."""


def choose(
    logs: list[Log], catalogue_of: Callable[[Log], Catalogue], wanted: Wanted, withhold: Iterable[Withhold]
) -> list[Chosen]:
    """Return what is shown of which logs. Memory: six bytes a row of the items that are meant.

    Raises:
        BadArgument: U215 no such sealed item, U211 to U214 a criterion that cannot be; U271, U272 a row that is not
            there; U280 nothing is chosen, U281 something that was asked for is nowhere, U282 no such ground.
        Refused: R551 a row was given to a part; R560 an item without rows.
        CannotFinish: X402, X403, X441, X443, X444.
    """
    rules, search = _Rules(withhold), Search(wanted)
    found = []
    for log, meant in _meant(logs, wanted):
        marks = search.marks(catalogue_of(log), log.record.sealed) if wanted.has_criteria else None
        items, rows = set(), dict[int, tuple[Sealed, bytearray]]()
        for item in meant:
            sealed, chosen = _rows(log, item, wanted, marks)
            if any(chosen):
                items.add(item)
                before = rows.get(sealed.manifest)
                rows[sealed.manifest] = (sealed, chosen if before is None else bytearray(map(max, before[1], chosen)))
        choices = [rules.apply(log, sealed, chosen) for sealed, chosen in rows.values()]
        opinions = [_about(base, types) for base in choices if (types := _media_types(log, base)) is not None]
        if choices:
            found.append(Chosen(log, items, sorted([*choices, *opinions], key=lambda choice: choice.manifest)))
    search.refuse_unseen()
    if not found:
        raise BadArgument(
            "No row is chosen.", code="U280", hint="Nothing was written. `evidencekit find` shows what there is."
        )
    rules.refuse_unused()
    return found


def all_items(logs: list[Log]) -> list[str]:
    """Return the items of a case that are exported where nothing is chosen, ascending."""
    meant = {log.name: set(items) for log, items in _meant(logs, Wanted())}
    return sorted(items_with_origins(logs, meant).get("", ()))


# --- which rows -----------------------------------------------------------------------------------------------------


def _meant(logs: list[Log], wanted: Wanted) -> Iterator[tuple[Log, list[str]]]:
    """Yield each log of which items are meant, and these."""
    named = {*wanted.items, *(_item_of(text) for text in wanted.rows)}
    for item in sorted(named):
        _refuse_without_rows(logs, item)
    everything = not wanted.items and (wanted.has_criteria or not named)
    for log in logs:
        meant = [item for item in _with_rows(log) if everything or log.whole(item) in named]
        meant += [item for item in _copies(log) if log.whole(item) in named]
        here = [item for item in meant if log.whole(item) in logs[0].record.custody.items]
        if here:
            yield log, here


def _item_of(text: str) -> str:
    return text.partition(":")[0].partition("#")[0]


def _with_rows(log: Log) -> list[str]:
    """Return the exhibits of a log that are sealed, and parts that have some of their rows."""
    parts = {part.part for split in log.record.splits if not split.is_copy for part in split.parts}
    return sorted({sealed.item for sealed in log.record.sealed} | parts)


def _copies(log: Log) -> list[str]:
    """Return the copies of rows: they are exported by name only, since the rows stay with the item, too."""
    return sorted({part.part for split in log.record.splits if split.is_copy for part in split.parts})


def _refuse_without_rows(logs: list[Log], item: str) -> None:
    """Raise where an item is not one of the case (U215), or there are no rows of it (U215, R560)."""
    name, slash, own = item.rpartition("/")
    log = next((log for log in logs if log.name == name + slash), None)
    if log is not None and item in logs[0].record.custody.items:
        if own in {*_with_rows(log), *_copies(log)}:
            return
        known = log.record.custody.items.get(own)
        if known is not None and known.parent is not None:
            raise Refused(
                f"{display(item)} was taken from {display(log.whole(known.parent))}, and has no rows of its own.",
                code="R560",
                hint=f"Nothing was written. Export {display(log.whole(known.parent))}, or rows of it.",
            )
    items = logs[0].record.custody.items
    sealed = [log.whole(one) for log in logs for one in _with_rows(log) if log.whole(one) in items]
    known_items = ", ".join(sealed[:20]) or "none"
    raise BadArgument(
        f"{display(item)} is not a sealed item of this case.", code="U215", hint=f"Sealed are: {known_items}."
    )


def _rows(log: Log, item: str, wanted: Wanted, marks: dict[str, bytearray] | None) -> tuple[Sealed, bytearray]:
    """Return the manifest that the rows of an item stand in, and which of them are meant, a byte a row."""
    whole = log.whole(item)
    texts = [text.removeprefix(log.name) for text in wanted.rows if _item_of(text) == whole]
    rows = choose_rows(log.record, item, Selectors(item, texts, everything=not texts), copies=True)
    if marks is None:
        return rows.sealed, rows.chosen
    chosen = rows.chosen if texts else bytearray(rows.sealed.rows)
    if not wanted.items or whole in wanted.items:
        of_item = marks[rows.sealed.item]
        for index, belongs in enumerate(rows.belongs):
            if belongs == OWN and of_item[index]:
                chosen[index] = 1
    return rows.sealed, chosen


# --- which groups ---------------------------------------------------------------------------------------------------


class _Rules:
    """What of the chosen rows is not opened, and why."""

    def __init__(self, withhold: Iterable[Withhold]) -> None:
        self._rules = list(withhold)
        others = (rule.ground for rule in self._rules if rule.ground != NOT_REQUESTED)
        self._grounds = ("", NOT_REQUESTED, *dict.fromkeys(others))
        for ground in self._grounds[1:]:
            check_ground(ground)
        if len(self._grounds) > MAX_GROUNDS:
            number = len(self._grounds)
            raise BadArgument(f"{number} grounds are too many.", code="U282", hint=f"At most {MAX_GROUNDS}.")
        self._unused = {rule.glob for rule in self._rules if rule.glob is not None}

    def refuse_unused(self) -> None:
        """Raise BadArgument (U281) where a glob matched no chosen row: what was to be withheld would leave."""
        if self._unused:
            raise nowhere(f"{min(self._unused)}, which is to be withheld, among what is chosen")

    def apply(self, log: Log, sealed: Sealed, chosen: bytearray) -> Choice:
        """Return what is shown of the chosen rows."""
        not_requested = self._grounds.index(NOT_REQUESTED)
        groups = {name: bytearray(chosen.translate(bytes([not_requested, 0]) + bytes(254))) for name in GROUPS}
        for rule in self._rules:
            if rule.glob is None:
                table = bytes([self._grounds.index(rule.ground), *range(1, 256)])
                for name in rule.groups:
                    groups[name] = bytearray(groups[name].translate(table))
        with open_manifest(log.record.store, sealed) as manifest:
            header = read_header(manifest, sealed)
            narrow = [(Globs([rule.glob]), rule) for rule in self._rules if rule.glob is not None]
            for indexes, names in read_columns(manifest, sealed, ("index", "name")) if narrow else ():
                for index, name in zip(indexes, names, strict=True):
                    if chosen[index] and name is not None:
                        self._narrow(narrow, groups, index, _path(sealed, index, name))
        return Choice(
            item=sealed.item,
            manifest=sealed.manifest,
            entry=sealed.entry,
            root=sealed.root,
            rows=sealed.rows,
            is_shuffled=header["order"] == "shuffled",
            is_sensitive=header["options"]["sensitive"],
            grounds=self._grounds,
            groups=groups,
        )

    def _narrow(
        self, narrow: list[tuple[Globs, Withhold]], groups: dict[str, bytearray], index: int, path: bytes
    ) -> None:
        for globs, rule in narrow:
            if globs.match(path):
                self._unused.discard(rule.glob or "")
                for group in rule.groups:
                    groups[group][index] = self._grounds.index(rule.ground)


def _path(sealed: Sealed, index: int, name: bytes) -> bytes:
    try:
        return read_name(orjson.loads(name), "path")
    except (FormatError, KeyError, orjson.JSONDecodeError) as error:
        raise unreadable(sealed, f"row {index}: {error}") from error


def _media_types(log: Log, base: Choice) -> Sealed | None:
    """Return the newest manifest of media types about a manifest of rows. Other opinions quote names of other lists."""
    (sealed,) = (one for one in log.record.sealed if one.manifest == base.manifest)
    return log.record.media_types(sealed)


def _about(base: Choice, sealed: Sealed) -> Choice:
    """Return what is shown of opinions about the rows of `base`."""
    return replace(
        base,
        item=sealed.item,
        manifest=sealed.manifest,
        entry=sealed.entry,
        root=sealed.root,
        rows=sealed.rows,
        is_shuffled=False,
        base_root=base.root,
    )
