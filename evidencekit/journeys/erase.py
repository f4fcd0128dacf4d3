"""Rows erased by an order: reduced manifests first, then the event, and only after its checkpoint does anything go.

A crash leaves the old state; or a reduced manifest or an event that is unfinished; or an erasure that is recorded and
not carried out. Of the last two every writing command says so (R502), and `checkpoint finish` mends them, which calls
`finish_erasures`. Source: specs/manifest.md section 10, specs/store.md sections 4 and 5.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.catalogue.manifest import open_manifest
from evidencekit.catalogue.place import cached_files
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.core import layout
from evidencekit.core.reduced import GROUPS, OPINION_RESTS_ON, replaced_forms
from evidencekit.core.selectors import Selectors
from evidencekit.errors import BadArgument, Refused
from evidencekit.journeys.reducing import Reduced, objects_to_remove, reduce_manifest
from evidencekit.journeys.rows_of_item import OWN, Rows, choose_rows
from evidencekit.read.store import Store
from evidencekit.seal.ledger import Ledger, Random
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import make_folders
from evidencekit.write.erasing import remove


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered."""

    item: str
    rows: tuple[str, ...] = ()
    """Selectors: `EX-001:PATH` (a folder with all below it), `EX-001#INDEX`, or a glob."""
    everything: bool = False
    """All rows, instead of `rows`."""
    groups: tuple[str, ...] = GROUPS
    """What of these rows goes."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Members of the event's body: `authority` at least; never `manifests`, `objects`, `whole`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes, and what stays."""

    order: Order
    rows: int
    """Rows of which something goes that was there."""
    of: int
    """Rows of the item's manifest."""
    opinions: int
    """What programs concluded about them: media types, results of comparisons."""
    objects: dict[str, int]
    """Copies and large values: SHA-256 in hex, size."""
    manifests: tuple[str, ...]
    """Files for which reduced ones stand from now on."""
    is_whole: bool
    """Nothing of the item's rows is left: its custody ends."""
    place_shows: bool
    """The order of rows is that of names: so a place still tells between which names an erased one stood."""
    left_over: tuple[str, ...]
    """Names in work/, of which nobody knows what they hold."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it."""

    plan: Plan
    entry: int
    size: int
    """Size of the checkpoint."""
    removed: int
    """Files that are gone."""


def erase(
    ledger: Ledger,
    order: Order,
    *,
    actor: dict[str, Any],
    signers: Sequence[Signer],
    random: Random,
    cache_folder: Path,
    confirm: Callable[[Plan], bool],
    occurred_at: dict[str, Any] | None = None,
    time_class: str = "device",
) -> Erased | None:
    """Erase rows of an item; None where `confirm` said no to the plan: then nothing was written.

    Raises:
        BadArgument: U215 not a sealed exhibit; U270 to U273 the rows or groups that are meant.
        FormatError: the body or the actor cannot stand in an event.
        Refused: R511, a rule of custody forbids it (not its holder, a hold, its end); R550 nothing is left to erase;
            R551 rows of a part; R552 somebody wrote to the case meanwhile.
        CannotFinish: X402, X403, X441, X443, X475 a manifest is not what was sealed; X421 to X424.
    """
    _check_groups(order)
    _draft(ledger, order, actor, signers, occurred_at, time_class)  # refused now rather than after the work
    record = read_record(ledger.store.path)
    rows = choose_rows(record, order.item, Selectors(order.item, order.rows, everything=order.everything))
    with _reduced(
        record, order, rows, ledger.store.path / layout.WORK / f"{layout.TEMPORARY}{random(8).hex()}"
    ) as made:
        plan = _plan(record, order, rows, made)
        if not confirm(plan):
            return None
        _refuse_moved_on(ledger, record)
        named = [
            {
                "file_sha256": one.file_sha256,
                "manifest": str(one.sealed.manifest),
                "reduced": str(ledger.add_reduced(one.path, one.sealed.manifest)),
                "rows": str(one.rows),
            }
            for one in made
        ]
    body = _body(order, named, len(plan.objects), is_whole=plan.is_whole)
    entry = ledger.append(
        "erase", [order.item], body, actor=actor, signers=signers, occurred_at=occurred_at, time_class=time_class
    )
    newest = ledger.checkpoint()
    removed = finish_erasures(ledger.store.path, cache_folder=cache_folder)
    return Erased(plan, entry, newest.size, len(removed))


def finish_erasures(case: Path, *, cache_folder: Path) -> list[Path]:
    """Remove what `erase` events under a checkpoint say is gone, and is not; return the files that went.

    Objects go first and the full manifest of the facts last, since it alone says which objects there were.

    Raises:
        CannotFinish: X401 to X403, X446 the case cannot be read; X441 what stands for a manifest is not what the event
            names, so nothing goes; X443 the manifest that has to go cannot be read, so nobody knows which copies go;
            X422, X423 a file cannot be removed.
    """
    record = read_record(case)
    store, path = record.store, record.store.path
    gone: list[Path] = []
    for sealed in record.sealed:
        opinions = [one for one in record.derived if one.item == sealed.item and one.base_root == sealed.root]
        facts, others = _replaced(store, sealed), [place for one in opinions for place in _replaced(store, one)]
        if not facts and not others:
            continue
        objects = objects_to_remove(record, sealed.manifest, facts[0], path / sealed.place) if facts else {}
        gone += remove(
            [
                [path / layout.object_file(digest) for digest in sorted(objects)],
                [path / layout.tiles_file(sealed.manifest), *cached_files(path, cache_folder, record.identity)],
                others,
                facts,
            ]
        )
    return gone


def _replaced(store: Store, sealed: Sealed) -> list[Path]:
    """Return the files that are there, for which a reduced manifest stands: the newest first, the full one last."""
    forms = replaced_forms(store.names(layout.MANIFESTS), {sealed.manifest: sealed.reduced})
    if forms:
        with open_manifest(store, sealed):  # nothing goes unless what stands for it is there, byte for byte
            pass
    return [store.path / layout.manifest_file(*form) for form in forms]


def _check_groups(order: Order) -> None:
    unknown = [name for name in order.groups if name not in GROUPS]
    if unknown or not order.groups:
        raise BadArgument(
            f"{', '.join(unknown) or 'Nothing'} is not a group of a row.", code="U273", hint=f"Of {', '.join(GROUPS)}."
        )


def _body(order: Order, manifests: list[dict[str, str]], objects: int, *, is_whole: bool) -> dict[str, Any]:
    return {**order.body, "manifests": manifests, "objects": str(objects), "whole": is_whole}


def _draft(
    ledger: Ledger,
    order: Order,
    actor: dict[str, Any],
    signers: Sequence[Signer],
    occurred_at: dict[str, Any] | None,
    time_class: str,
) -> None:
    nothing = [{"file_sha256": "0" * 64, "manifest": "1", "reduced": "1", "rows": "0"}]
    body = _body(order, nothing, 0, is_whole=False)
    ledger.draft(
        "erase", [order.item], body, actor=actor, signers=signers, occurred_at=occurred_at, time_class=time_class
    )


def _refuse_moved_on(ledger: Ledger, record: Record) -> None:
    ledger.log.catch_up()
    if record.checkpoint is None or ledger.log.size != record.checkpoint.size:
        raise Refused(
            f"The log has {ledger.log.size} entries now: somebody wrote to the case meanwhile.",
            code="R552",
            hint="Nothing was erased. Do it again when nobody else writes.",
        )


@contextmanager
def _reduced(record: Record, order: Order, rows: Rows, work: Path) -> Iterator[list[Reduced]]:
    """Make the reduced forms in a temporary folder: of the facts, and of opinions that rest on what is erased."""
    try:
        make_folders(work, below=record.store.path)
        facts = reduce_manifest(
            record,
            rows.sealed,
            work / "facts",
            lambda row: order.groups if rows.chosen[row.index] else (),
            lambda row: rows.belongs[row.index] == OWN,
        )
        if not facts.new:
            raise Refused(
                f"Of these {rows.count} rows of {order.item} nothing is left to erase.",
                code="R550",
                hint="Nothing was recorded. `evidencekit custody log CASE` shows by which event it was erased.",
            )
        made = [facts]
        for one in record.derived:
            if one.base_root != rows.sealed.root or one.item != rows.sealed.item:
                continue
            if not OPINION_RESTS_ON.isdisjoint(order.groups):
                about = reduce_manifest(
                    record,
                    one,
                    work / str(one.manifest),
                    lambda row: ("opinion",) if rows.chosen[row.base_index] else (),
                    lambda row: rows.belongs[row.base_index] == OWN,
                )
                made += [about] if about.new else []
        yield made
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _plan(record: Record, order: Order, rows: Rows, made: list[Reduced]) -> Plan:
    store = record.store
    facts, *opinions = made
    objects = objects_to_remove(record, facts.sealed.manifest, store.path / facts.sealed.place, facts.path)
    return Plan(
        order,
        rows=facts.new,
        of=facts.sealed.rows,
        opinions=sum(one.new for one in opinions),
        objects=objects,
        manifests=tuple(one.sealed.place for one in made),
        is_whole=not facts.left,
        place_shows=rows.order == "path" and "name" in order.groups,
        left_over=tuple(name for name in store.names(layout.WORK) if not name.startswith(layout.TEMPORARY)),
    )
