"""What would leave a case: which rows and groups, which contents, which events, on what grounds the rest stays.

Source: cli.md (`export --plan`); specs/package.md sections 2, 4, 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from evidencekit.catalogue.build import Catalogue, open_catalogue
from evidencekit.catalogue.manifest import open_manifest, read_header, unreadable
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.core.layout import MAX_BRANCHES
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys.export_custody import Custody, HideEvent, Hiding, gather_custody
from evidencekit.journeys.export_items import Chosen, choose
from evidencekit.journeys.export_logs import Log, items_with_origins, logs_of
from evidencekit.journeys.export_rows import Wanted, Withhold
from evidencekit.package.choice import NOT_REQUESTED, Choice, Tally
from evidencekit.package.payload import Payload
from evidencekit.package.records import Said, survey

FIRST = 20
"""Rows that a plan names."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be in a package, and for whom it is."""

    wanted: Wanted = field(default_factory=Wanted)
    withhold: Sequence[Withhold] = ()
    hide_events: Sequence[HideEvent] = ()
    hash_only: bool = False
    """No payload at all."""
    with_sensitive: bool = False
    """The payload of sensitive exhibits, too."""
    full: bool = False
    """The sealed manifests go with it."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """Where the contents of an item are, instead of where it was taken."""
    stated: Mapping[str, Any] = field(default_factory=dict)
    """Members of the event's body: `to`, `use_limits`, `confidentiality`, `onward_transfer`, `purpose` …"""

    def refuse_impossible(self) -> None:
        """Raise BadArgument (U284) where --full comes with something that is left out."""
        wanted = self.wanted
        if self.full and (wanted.has_criteria or wanted.rows or self.withhold or self.hide_events):
            raise BadArgument(
                "A full package has the sealed catalogues, which have every row: nothing can be left out of it.",
                code="U284",
                hint="Leave out --full; or everything that selects, withholds or hides.",
            )


@dataclass(slots=True)
class Share:
    """What would leave of one log: the case's own, or that of a case that it adopted."""

    log: Log
    items: list[str]
    """In the words of the log, ascending: those of which something is shown, and those that they were taken from."""
    choices: list[Choice]
    custody: Custody = field(default_factory=Custody)
    headers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the manifest of rows of each exhibit."""
    tallies: dict[int, Tally] = field(default_factory=dict)
    """By manifest."""


@dataclass(slots=True)
class Plan:
    """What would leave."""

    shares: list[Share]
    """That of the case's own log first; each after the one that adopted it."""
    first: list[tuple[str, Said]] = field(default_factory=list)
    """Item and row, of the first rows of facts that are shown."""
    files: int = 0
    bytes: int = 0
    """Payload."""
    kept_back: list[str] = field(default_factory=list)
    """Sensitive items whose payload stays."""

    @property
    def items(self) -> list[str]:
        """The items of which something is shown, and those that they were taken from, ascending."""
        return self.shares[0].items


def make_plan(record: Record, request: Request, *, cache_folder: Path, payload: Payload | None = None) -> Plan:
    """Return what would leave a case; every content that would is added to `payload`.

    Raises:
        BadArgument: U280 to U284, U211 to U215, U270 to U272. Refused: R551, R560, R561.
        CannotFinish: X402, X403, X440 nothing is sealed under a checkpoint, X441 to X444, X446.
    """
    request.refuse_impossible()
    logs = logs_of(record)
    if record.checkpoint is None or not any(log.record.sealed for log in logs):
        raise CannotFinish("No exhibit of this case is sealed.", code="X440", hint="`evidencekit acquire` seals one.")
    with ExitStack() as catalogues:

        def catalogue_of(log: Log) -> Catalogue:
            return catalogues.enter_context(open_catalogue(log.record.store.path, cache_folder=cache_folder))

        chosen = choose(logs, catalogue_of, request.wanted, request.withhold)
    plan = Plan(_shares(logs, chosen, Hiding(request.hide_events)))
    for share in plan.shares:
        for choice in share.choices:
            _survey(share, request, choice, plan, payload)
    if request.full and any(NOT_REQUESTED in tally.hidden for share in plan.shares for tally in share.tallies.values()):
        raise BadArgument(
            "A full package has the sealed catalogues, which have rows that were not asked for.",
            code="U284",
            hint="Leave out --full; or name the exhibit and all of its parts.",
        )
    return plan


def _shares(logs: list[Log], chosen: list[Chosen], hiding: Hiding) -> list[Share]:
    """Return what is shown of each log, with its history."""
    by_log = {one.log.name: one for one in chosen}
    items = items_with_origins(logs, {name: one.items for name, one in by_log.items()})
    number, shares = count(), list[Share]()
    for log in logs:
        if log.name not in items:
            continue
        choices = by_log[log.name].choices if log.name in by_log else []
        choices = [replace(choice, number=next(number)) for choice in choices]
        demanded = {0, *(choice.entry for choice in choices)}
        demanded |= {one.adopted for one in logs if one.name in items and one.name and one.above == log.name}
        custody = gather_custody(log, items[log.name], demanded, hiding)
        tallies = {choice.manifest: Tally() for choice in choices}
        shares.append(Share(log, sorted(items[log.name]), choices, custody, {}, tallies))
    hiding.refuse_unused()
    if len(shares) > MAX_BRANCHES + 1:
        raise Refused(
            f"The package would show {len(shares) - 1} adopted cases; {MAX_BRANCHES} are possible.",
            code="R561",
            hint="Nothing was written. Make several packages.",
        )
    return shares


def sealed_of(share: Share, choice: Choice) -> Sealed:
    """Return the manifest of a choice, as the log names it."""
    record = share.log.record
    return next(one for one in (*record.sealed, *record.derived) if one.manifest == choice.manifest)


def _survey(share: Share, request: Request, choice: Choice, plan: Plan, payload: Payload | None) -> None:
    has_payload = not request.hash_only and (request.with_sensitive or not choice.is_sensitive)
    item = share.log.whole(choice.item)
    if not choice.is_derived and choice.is_sensitive and not has_payload:
        plan.kept_back.append(item)
    sealed = sealed_of(share, choice)
    with open_manifest(share.log.record.store, sealed) as manifest:
        if not choice.is_derived:
            share.headers[choice.item] = read_header(manifest, sealed)
        try:
            for said in survey(choice, manifest, share.tallies[choice.manifest], has_payload=has_payload):
                if len(plan.first) < FIRST:
                    plan.first.append((item, said))
                if said.size is not None:
                    plan.files += 1
                    plan.bytes += said.size
                    if payload is not None:
                        where = (item, choice.number, said.index, said.path, said.stream)
                        payload.add(*where, is_named=said.is_named, size=said.size, sha256=said.sha256)
        except FormatError as error:
            raise unreadable(sealed, error.message) from error
