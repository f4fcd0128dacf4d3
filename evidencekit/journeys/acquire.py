"""Taking a source and sealing it, then its media types; copies on a second medium last.

Source: specs/store.md section 4; `evidencekit acquire`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.acquire.compose import Taken
from evidencekit.acquire.options import About, Edge, Options, Progress
from evidencekit.acquire.pipeline import Acquirer
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.source import Source, look_at, refuse_on_device
from evidencekit.acquire.work import Work, work_folder
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.values import decode_base64, display
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys.derive import manifest_body, refuse_reduced, seal_derived
from evidencekit.read.census import Census
from evidencekit.read.evidence import Reader
from evidencekit.seal.ledger import Clock, Ledger, Random
from evidencekit.seal.sign import Signer
from evidencekit.write.mirror import Mirrored, mirror, refuse_unfit_mirror
from evidencekit.write.space import refuse_too_small

LEAST_ROOM = 1 << 20
"""Bytes that an acquisition needs at least, however small the source is."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What `acquire` is asked to do."""

    source: Path
    exhibit: str
    program: dict[str, Any]
    """Name, version and parts, as manifest headers carry it."""
    options: Options = field(default_factory=Options)
    particulars: dict[str, Any] | None = None
    """Fields of the `acquire` event that a person stated (specs/events.json)."""
    host: str | None = None
    types: bool = True
    """Make the media types after sealing."""
    resume: bool = False
    jobs: int | None = 1
    """Processes that read; None: as many as serve the source and this computer."""
    was_finished: bool = False
    """The last step of an interrupted acquisition was finished just before: then there may be nothing left to do."""
    copy_to: Path | None = None
    """A second medium, which becomes a copy of the whole case at the end."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What came of it. `taken` is None where the exhibit was sealed before, `typed` where no types were made now."""

    taken: Taken | None
    sealed: Checkpoint | None
    typed: Taken | None
    newest: Checkpoint
    not_stated: tuple[str, ...]
    sealed_at: str | None = None
    """When the seal's entry was recorded."""
    mirrored: Mirrored | None = None
    unusable: tuple[str, ...] = ()
    """Runs of the work folder that could not be believed, and were not used."""


@dataclass(frozen=True, slots=True)
class _Tools:
    """Who acts, what the computer gives, whom to tell."""

    signer: Signer
    actor: dict[str, Any]
    clock: Clock
    random: Random
    utc_offset_min: int | None
    jobs: int
    tell: Callable[[Progress], None] | None
    on_sealed: Callable[[Taken, Checkpoint], None] | None


def acquire_and_seal(
    ledger: Ledger,
    request: Acquisition,
    *,
    signer: Signer,
    actor: dict[str, Any],
    clock: Clock,
    random: Random,
    utc_offset_min: int | None,
    progress: Callable[[Progress], None] | None = None,
    on_sealed: Callable[[Taken, Checkpoint], None] | None = None,
    reader: Callable[[Sequence[str]], Reader] = Reader,
) -> Sealed:
    """Take a source, seal its manifest, then attach its media types; each step ends with a checkpoint.

    `progress` hears how far it is; `on_sealed` is called once the seal stands; `reader` makes what reads the files, for
    the digests asked for.

    Raises:
        BadArgument: U201 no such source; U230, U231 what was asked for cannot be recorded.
        FormatError: a particular or the actor cannot stand in an event.
        Refused: R504 already sealed, R505 an unfinished acquisition, R506 source and case inside each other, R507
            another program is at it, R508 the second medium holds something else, R509 begun otherwise.
        CannotFinish: the source or the case cannot be used; X426, X427 there is too little room.
    """
    case = ledger.store.path
    _refuse_places(case, request)
    source = look_at(request.source)
    jobs = source.fit_jobs() if request.jobs is None else request.jobs
    tools = _Tools(signer, actor, clock, random, utc_offset_min, jobs, progress, on_sealed)
    for place in (case, request.copy_to):
        if place is not None:
            refuse_on_device(source, place)
    item = ledger.custody.items.get(request.exhibit)
    is_sealed = item is not None and item.sealed is not None
    lacks_types = request.types and (item is None or item.typed is None)
    if is_sealed and lacks_types:
        reduction = ledger.log.reductions.get(int(ledger.log.seals[request.exhibit]["manifest"]))
        refuse_reduced(request.exhibit, 0 if reduction is None else reduction.rows, "typed")
    if is_sealed:
        _refuse_sealed(ledger, request, lacks_types=lacks_types)
    else:  # refused now rather than after hours
        body = _particulars(request, source, ledger.moment(), ledger.moment())
        ledger.draft("acquire", [request.exhibit], body, actor=tools.actor, signers=[tools.signer])
    about = About(
        decode_base64(ledger.record["case"]),
        request.exhibit,
        request.options,
        request.program,
        request.host,
        utc_offset_min,
    )
    acquirer = Acquirer(source, about, Edge(clock, random, reader, jobs), progress)
    medium = None if request.copy_to is None else medium_of(request.copy_to)
    secret = ledger.derive_secret(b"runs " + request.exhibit.encode())
    taken = sealed = sealed_at = typed = None
    with Work(case, request.exhibit, secret, resume=request.resume) as work:
        if not is_sealed:
            _refuse_too_small(case, request, source)
            taken = acquirer.take(work)
            work.objects.publish(work.digests())
            sealed = _seal(ledger, request, source, taken, tools)
            sealed_at = ledger.recorded_at
            if tools.on_sealed is not None:
                tools.on_sealed(taken, sealed)
        if lacks_types:
            typed = _type(ledger, request, work, about, tools)
        mirrored = None if request.copy_to is None else mirror_on(case, request.copy_to, medium, tools.tell)
        work.remove()
    return Sealed(
        taken,
        sealed,
        typed,
        Checkpoint(ledger.origin, ledger.log.size, ledger.log.root),
        tuple(ledger.log.not_stated.get(request.exhibit, ())),
        sealed_at,
        mirrored,
        tuple(work.unusable),
    )


def refuse_nesting(case: Path, source: Path) -> None:
    """Raise Refused (R506) where the case lies inside the source or the source inside the case."""
    if not os.path.lexists(source):
        raise BadArgument(f"The source {display(str(source))} does not exist.", code="U201", hint="Check the path.")
    inner, outer = Path(os.path.realpath(case)), Path(os.path.realpath(source))
    if inner == outer or inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise Refused(
            f"The case {display(str(case))} and the source {display(str(source))} lie inside each other.",
            code="R506",
            hint="Nothing was written. Keep the case on another medium, or in another folder.",
        )


def _refuse_places(case: Path, request: Acquisition) -> None:
    """Refuse places that lie inside each other, and a second medium that holds something else."""
    refuse_nesting(case, request.source)
    if request.copy_to is not None:
        refuse_nesting(request.copy_to, request.source)
        if os.path.lexists(request.copy_to):
            refuse_nesting(case, request.copy_to)
        refuse_unfit_mirror(case, request.copy_to)


def _refuse_sealed(ledger: Ledger, request: Acquisition, *, lacks_types: bool) -> None:
    """Raise Refused (R504), unless this takes up an acquisition that was sealed, but came not to its end."""
    unfinished = (
        lacks_types
        or request.was_finished
        or request.copy_to is not None
        or work_folder(ledger.store.path, request.exhibit).exists()
    )
    if request.resume and unfinished:
        return
    raise Refused(
        f"{request.exhibit} is already sealed by entry {ledger.custody.items[request.exhibit].sealed}.",
        code="R504",
        hint="Nothing was changed. A new acquisition needs a new exhibit number.",
    )


def _refuse_too_small(case: Path, request: Acquisition, source: Source) -> None:
    """Refuse before reading what cannot fit: with copies everything is counted first, by name and size alone."""
    if request.resume:  # much of it may be there already; what does not fit is told when it is written (X421)
        return
    need, largest, files = LEAST_ROOM, 0, 0
    if request.options.copies:
        selection = Selection(request.options.include, request.options.exclude)
        census = Census(source.path, prune=selection.excludes, wants=selection.wants)
        census.count()
        need, largest, files = need + census.allocated, census.largest, census.files
    what = "the copies" if request.options.copies else "the catalogue"
    refuse_too_small(case, need, largest, what, files=files)
    if request.copy_to is not None:
        refuse_too_small(request.copy_to, need, largest, "the second copies", files=files)


def _particulars(
    request: Acquisition, source: Source, started_at: dict[str, Any], finished_at: dict[str, Any]
) -> dict[str, Any]:
    """Return the body of the `acquire` event."""
    return {
        "acquisition_type": "physical" if source.kind == "block_device" else "logical",
        **(request.particulars or {}),
        "digests": request.options.all_digests,
        "finished_at": finished_at,
        "started_at": started_at,
        "tool": request.program,
    }


def _seal(ledger: Ledger, request: Acquisition, source: Source, taken: Taken, tools: _Tools) -> Checkpoint:
    """Publish the manifest, enter `acquire` and `seal`, and write the checkpoint last."""
    header = taken.header_record
    body = _particulars(request, source, header["started_at"], header["finished_at"])
    number = ledger.add_manifest(taken.path, taken.path.with_suffix(layout.TILES))
    ledger.append("acquire", [request.exhibit], body, actor=tools.actor, signers=[tools.signer])
    ledger.append("seal", [request.exhibit], manifest_body(taken, number), actor=tools.actor, signers=[tools.signer])
    return ledger.checkpoint()


def _type(ledger: Ledger, request: Acquisition, work: Work, about: About, tools: _Tools) -> Taken:
    """Make the media types of the item's sealed manifest, and seal them."""
    from evidencekit.acquire.identify import identify  # noqa: PLC0415 (many are made later, or never)

    base = ledger.log.seals[request.exhibit]
    taken = identify(
        request.source,
        ledger.store.path / layout.manifest_file(int(base["manifest"])),
        work.types,
        case=about.case,
        exhibit=about.exhibit,
        base_manifest=int(base["manifest"]),
        base_root=bytes.fromhex(base["root"]),
        program=about.program,
        random=tools.random,
        clock=tools.clock,
        utc_offset_min=about.utc_offset_min,
        progress=tools.tell,
        jobs=tools.jobs,
    )
    seal_derived(ledger, request.exhibit, taken, signer=tools.signer, actor=tools.actor)
    return taken


def medium_of(place: Path) -> int:
    """Return the number of the device that a place lies on, or will."""
    real = Path(os.path.realpath(place))
    return next(folder for folder in (real, *real.parents) if folder.exists()).stat().st_dev


def mirror_on(case: Path, place: Path, medium: int | None, tell: Callable[[Progress], None] | None) -> Mirrored:
    """Make the second medium a copy of the case, if it is still the one that it was at the beginning (`medium_of`).

    Raises:
        CannotFinish: X428, it is another one. Further as `write.mirror.mirror`.
    """
    if medium_of(place) != medium:
        raise CannotFinish(
            f"{display(os.fsencode(place))} does not lie on the medium any more that was there at the beginning.",
            code="X428",
            hint="Nothing was copied there; the case is sealed. Attach it again; then the same command with --resume.",
            path=place,
        )
    heard = None if tell is None else lambda files, size: tell(Progress("mirror", files, size))
    return mirror(case, place, progress=heard, medium=medium)
