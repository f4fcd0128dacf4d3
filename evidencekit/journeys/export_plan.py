"""What would leave a case: which rows and groups, which contents, which events, on what grounds the rest stays.

Source: cli.md (`export --plan`); specs/package.md sections 2, 4, 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.catalogue.build import open_catalogue
from evidencekit.catalogue.manifest import open_manifest, read_header, unreadable
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.journeys.export_custody import Custody, HideEvent, gather_custody
from evidencekit.journeys.export_rows import Wanted, Withhold, choose
from evidencekit.package.choice import Choice, Tally
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
class Plan:
    """What would leave."""

    choices: list[Choice]
    custody: Custody
    headers: dict[str, dict[str, Any]]
    """Of the manifest of rows of each item."""
    tallies: dict[int, Tally]
    """By manifest."""
    first: list[tuple[str, Said]] = field(default_factory=list)
    """Item and row, of the first rows of facts that are shown."""
    files: int = 0
    bytes: int = 0
    """Payload."""
    kept_back: list[str] = field(default_factory=list)
    """Sensitive items whose payload stays."""

    @property
    def items(self) -> list[str]:
        """The items of which something is shown, in ascending order."""
        return sorted({choice.item for choice in self.choices})


def make_plan(record: Record, request: Request, *, cache_folder: Path, payload: Payload | None = None) -> Plan:
    """Return what would leave a case; every content that would is added to `payload`.

    Raises:
        BadArgument: U280 to U284, U211 to U215, U270 to U272. Refused: R551, R560.
        CannotFinish: X402, X403, X440 nothing is sealed under a checkpoint, X441 to X444.
    """
    request.refuse_impossible()
    if record.checkpoint is None or not record.sealed:
        raise CannotFinish("No exhibit of this case is sealed.", code="X440", hint="`evidencekit acquire` seals one.")
    wanted, withhold = request.wanted, request.withhold
    if wanted.has_criteria:
        with open_catalogue(record.store.path, cache_folder=cache_folder) as catalogue:
            choices = choose(record, catalogue, wanted, withhold)
    else:
        choices = choose(record, None, wanted, withhold)
    custody = gather_custody(record.store, record.checkpoint.size, choices, request.hide_events)
    plan = Plan(choices, custody, {}, {choice.manifest: Tally() for choice in choices})
    for choice in choices:
        _survey(record, request, choice, plan, payload)
    return plan


def sealed_of(record: Record, choice: Choice) -> Sealed:
    """Return the manifest of a choice, as the log names it."""
    return next(one for one in (*record.sealed, *record.derived) if one.manifest == choice.manifest)


def _survey(record: Record, request: Request, choice: Choice, plan: Plan, payload: Payload | None) -> None:
    has_payload = not request.hash_only and (request.with_sensitive or not choice.is_sensitive)
    if not choice.is_derived and choice.is_sensitive and not has_payload:
        plan.kept_back.append(choice.item)
    sealed = sealed_of(record, choice)
    with open_manifest(record.store, sealed) as manifest:
        if not choice.is_derived:
            plan.headers[choice.item] = read_header(manifest, sealed)
        try:
            for said in survey(choice, manifest, plan.tallies[choice.manifest], has_payload=has_payload):
                if len(plan.first) < FIRST:
                    plan.first.append((choice.item, said))
                if said.size is not None:
                    plan.files += 1
                    plan.bytes += said.size
                    if payload is not None:
                        where = (choice.item, choice.manifest, said.index, said.path, said.stream)
                        payload.add(*where, is_named=said.is_named, size=said.size, sha256=said.sha256)
        except FormatError as error:
            raise unreadable(sealed, error.message) from error
