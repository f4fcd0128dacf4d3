"""A device of a sitting entered in the record: collected, its content acquired and sealed, closed up, copied.

Promises: the record itself says what was done already, so that the same device can be taken again after any crash, and
nothing is recorded twice. Everything that can be refused is refused before anything is recorded.
Source: specs/field.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidencekit.acquire.compose import Taken
from evidencekit.acquire.options import Options, Progress
from evidencekit.acquire.source import look_at, refuse_on_device
from evidencekit.acquire.work import work_folder
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.field.facts import collected, particulars, sealed_up
from evidencekit.field.sitting import Answers, applying
from evidencekit.field.table import Table
from evidencekit.journeys.acquire import (
    Acquisition,
    Sealed,
    acquire_and_seal,
    medium_of,
    mirror_on,
    refuse_nesting,
)
from evidencekit.journeys.custody import Hand, Recorded
from evidencekit.seal.ledger import Clock, Random
from evidencekit.write.mirror import Mirrored, refuse_unfit_mirror


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the answers have it."""

    exhibit: str
    collect: dict[str, Any]
    """Bodies of events."""
    acquire: dict[str, Any]
    physical_seal: dict[str, Any] | None
    """None where no seal was put on."""
    source: Path | None
    """What is read; None where the content is not taken here."""
    copies: bool
    sensitive: bool
    copy_to: Path | None
    """The second medium."""

    @property
    def options(self) -> Options:
        """Return what the acquisition is asked to do."""
        return Options(copies=self.copies, sensitive=self.sensitive)


@dataclass(frozen=True, slots=True)
class Told:
    """Whom to tell what is done."""

    recorded: Callable[[Recorded], None]
    progress: Callable[[Progress], None]
    sealed: Callable[[Taken, Checkpoint], None]
    closing: Callable[[list[str]], None]
    """Hears the numbers of the seals, and returns once they are on."""


@dataclass(frozen=True, slots=True)
class TakenDevice:
    """What came of it; None where there was nothing to do."""

    sealed: Sealed | None
    request: Acquisition | None
    mirrored: Mirrored | None


def device_of(table: Table, answers: Answers) -> Device:
    """Return what is to be entered of a device that was asked about to the end."""
    known = {key: one.text for key, one in applying(table, answers).items() if one.text is not None}
    source, second = known.get("source"), known.get("second")
    return Device(
        exhibit=known["exhibit"],
        collect=collected(table, answers),
        acquire=particulars(table, answers),
        physical_seal=sealed_up(table, answers),
        source=None if source is None else Path(source),
        copies=known.get("copies") == "yes",
        sensitive="sensitive" in known.get("marks", "").split("; "),
        copy_to=None if second is None else Path(second),
    )


def refuse_device(case: Path, device: Device) -> None:
    """Raise what stands against taking a device, before anything is recorded; the case need not be there yet.

    Raises:
        BadArgument: U201. Refused: R506, R508. CannotFinish: X403, X422, X430 to X433, X435.
    """
    if device.copy_to is not None:
        refuse_unfit_mirror(case, device.copy_to)
    if device.source is None:
        return
    source = look_at(device.source)
    for place in (case, device.copy_to):
        if place is not None:
            refuse_nesting(place, device.source)
            refuse_on_device(source, place)


def take_device(
    hand: Hand,
    device: Device,
    program: dict[str, Any],
    *,
    host: str | None,
    clock: Clock,
    random: Random,
    utc_offset_min: int | None,
    told: Told,
    jobs: int | None = None,
) -> TakenDevice:
    """Enter what is not entered yet of a device: `collect`, `acquire` and `seal`, `physical_seal`, the second medium.

    Raises:
        As `refuse_device`, `journeys.acquire.acquire_and_seal`, `Hand.record` and `mirror_on`.
    """
    case, custody = hand.ledger.store.path, hand.ledger.custody
    refuse_device(case, device)
    medium = None if device.copy_to is None else medium_of(device.copy_to)
    if device.exhibit not in custody.items:
        told.recorded(hand.record("collect", [device.exhibit], device.collect))
    request = None if device.source is None else _request(hand, device, device.source, program, host, jobs)
    sealed = None
    if request is not None and not _is_taken(hand, request.exhibit):
        sealed = acquire_and_seal(
            hand.ledger,
            request,
            signer=hand.signers[0],
            actor=hand.actor,
            clock=clock,
            random=random,
            utc_offset_min=utc_offset_min,
            progress=told.progress,
            on_sealed=told.sealed,
        )
    if device.physical_seal is not None and not _is_closed_up(hand, device, device.physical_seal):
        told.closing(device.physical_seal["seals"])
        told.recorded(hand.record("physical_seal", [device.exhibit], device.physical_seal))
    mirrored = None if device.copy_to is None else mirror_on(case, device.copy_to, medium, told.progress)
    return TakenDevice(sealed, request, mirrored)


def _request(
    hand: Hand, device: Device, source: Path, program: dict[str, Any], host: str | None, jobs: int | None
) -> Acquisition:
    """Return the acquisition; one that was cut off is taken up."""
    item = hand.ledger.custody.items[device.exhibit]
    is_begun = work_folder(hand.ledger.store.path, device.exhibit).exists()
    return Acquisition(
        source=source,
        exhibit=device.exhibit,
        program=program,
        options=device.options,
        particulars=device.acquire,
        host=host,
        resume=is_begun or item.sealed is not None,
        jobs=jobs,
    )


def _is_taken(hand: Hand, exhibit: str) -> bool:
    """Tell whether nothing is left of an acquisition: sealed, with its media types, nothing in the work folder."""
    item = hand.ledger.custody.items[exhibit]
    is_begun = work_folder(hand.ledger.store.path, exhibit).exists()
    return item.sealed is not None and item.typed is not None and not is_begun


def _is_closed_up(hand: Hand, device: Device, body: dict[str, Any]) -> bool:
    """Tell whether the seals are on it already."""
    return set(body["seals"]) <= set(hand.ledger.custody.items[device.exhibit].seals or ())
