"""What needs several rooms: taking a source and sealing it, then its media types.

Source: specs/store.md section 4; `evidencekit acquire`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.acquire.identify import identify
from evidencekit.acquire.pipeline import Options, Progress, Taken, take
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import decode_base64, display
from evidencekit.errors import BadArgument, EvidenceError, Refused
from evidencekit.seal.ledger import Clock, Ledger, Random
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import cannot_write, publish, write_new
from evidencekit.write.systems import THIS

ProgressCall = Callable[[str, Progress], None]


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


@dataclass(frozen=True, slots=True)
class Sealed:
    """What came of it. `taken` is None where the exhibit was sealed before, `typed` where no types were made now."""

    taken: Taken | None
    sealed: Checkpoint | None
    typed: Taken | None
    newest: Checkpoint
    not_stated: tuple[str, ...]


def acquire_and_seal(
    ledger: Ledger,
    request: Acquisition,
    *,
    signer: Signer,
    actor: dict[str, Any],
    clock: Clock,
    random: Random,
    utc_offset_min: int | None,
    progress: ProgressCall | None = None,
    on_sealed: Callable[[Taken, Checkpoint], None] | None = None,
) -> Sealed:
    """Take a source, seal its manifest, then attach its media types; each step ends with a checkpoint.

    `progress` is called with the phase (`acquire`, `identify`) and figures; `on_sealed` once the seal stands.

    Raises:
        BadArgument: U201 no such source; U230, U231 what was asked for cannot be recorded.
        FormatError: a particular or the actor cannot stand in an event.
        Refused: R504 already sealed, R505 an unfinished acquisition, R506 source and case inside each other.
        CannotFinish: the source or the case cannot be used.
    """
    refuse_nesting(ledger.store.path, request.source)
    item = ledger.custody.items.get(request.exhibit)
    is_sealed = item is not None and item.sealed is not None
    lacks_types = request.types and (item is None or item.derived is None)
    if is_sealed:
        _refuse_sealed(ledger, request, lacks_types=lacks_types)
    else:  # refused now rather than after hours
        digests = sorted({*request.options.digests, "blake3", "sha256"})
        body = _particulars(request, digests, ledger.moment(), ledger.moment())
        ledger.draft("acquire", [request.exhibit], body, actor=actor, signers=[signer])
    work = _claim_work(ledger.store.path, request)
    case = decode_base64(ledger.record["case"])
    common: dict[str, Any] = {
        "case": case,
        "exhibit": request.exhibit,
        "program": request.program,
        "random": random,
        "clock": clock,
        "utc_offset_min": utc_offset_min,
    }

    def phase(name: str) -> Callable[[Progress], None] | None:
        return None if progress is None else lambda figures: progress(name, figures)

    taken = sealed = None
    if not is_sealed:
        try:
            taken = take(
                request.source,
                work / "taking.parquet",
                options=request.options,
                host=request.host,
                progress=phase("acquire"),
                store_object=lambda data: _store_object(work, data),
                **common,
            )
        except EvidenceError:  # nothing was recorded, and nothing in there is of use
            shutil.rmtree(work, ignore_errors=True)
            raise
        sealed = _seal(ledger, request, taken, work, signer=signer, actor=actor)
        if on_sealed is not None:
            on_sealed(taken, sealed)
    typed = None
    if lacks_types:
        typed = _derive(ledger, request, work, signer=signer, actor=actor, progress=phase("identify"), common=common)
    shutil.rmtree(work, ignore_errors=True)
    newest = Checkpoint(ledger.origin, ledger.log.size, ledger.log.root)
    return Sealed(taken, sealed, typed, newest, tuple(ledger.log.not_stated.get(request.exhibit, ())))


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


def _refuse_sealed(ledger: Ledger, request: Acquisition, *, lacks_types: bool) -> None:
    """Raise Refused (R504), unless this takes up an acquisition that was sealed, but came not to its end."""
    if request.resume and (lacks_types or _work_folder(ledger.store.path, request).exists()):
        return
    raise Refused(
        f"{request.exhibit} is already sealed by entry {ledger.custody.items[request.exhibit].sealed}.",
        code="R504",
        hint="Nothing was changed. A new acquisition needs a new exhibit number.",
    )


def _work_folder(case: Path, request: Acquisition) -> Path:
    return case / layout.WORK / request.exhibit.replace("/", "+")  # no exhibit has a +


def _claim_work(case: Path, request: Acquisition) -> Path:
    """Return the fresh work folder of an exhibit; its existence marks an unfinished acquisition."""
    work = _work_folder(case, request)
    try:
        if request.resume and work.exists():
            shutil.rmtree(work)
        work.mkdir(parents=True)
    except FileExistsError:
        raise Refused(
            f"An acquisition of {request.exhibit} is unfinished, or another program is at it just now.",
            code="R505",
            hint="Add --resume to take it up again.",
        ) from None
    except OSError as error:
        raise cannot_write(work, error) from error
    return work


def _particulars(
    request: Acquisition, digests: list[str], started_at: dict[str, Any], finished_at: dict[str, Any]
) -> dict[str, Any]:
    """Return the body of the `acquire` event."""
    return {
        "acquisition_type": "logical",
        **(request.particulars or {}),
        "digests": digests,
        "finished_at": finished_at,
        "started_at": started_at,
        "tool": request.program,
    }


def _seal(
    ledger: Ledger, request: Acquisition, taken: Taken, work: Path, *, signer: Signer, actor: dict[str, Any]
) -> Checkpoint:
    """Publish objects and manifest, enter `acquire` and `seal`, and write the checkpoint last."""
    header = taken.header_record
    body = _particulars(request, header["digests"], header["started_at"], header["finished_at"])
    _publish_objects(work, ledger.store.path)
    number = ledger.add_manifest(taken.path)
    ledger.append("acquire", [request.exhibit], body, actor=actor, signers=[signer])
    ledger.append("seal", [request.exhibit], _manifest_body(taken, number), actor=actor, signers=[signer])
    return ledger.checkpoint()


def _derive(
    ledger: Ledger,
    request: Acquisition,
    work: Path,
    *,
    signer: Signer,
    actor: dict[str, Any],
    progress: Callable[[Progress], None] | None,
    common: dict[str, Any],
) -> Taken:
    """Make the media types of the item's sealed manifest, seal them by a `derive` event, and checkpoint."""
    item = ledger.custody.items[request.exhibit]
    base = ledger.log.seals[request.exhibit]
    taken = identify(
        request.source,
        ledger.store.path / layout.manifest_file(int(base["manifest"])),
        work / "types.parquet",
        base_manifest=int(base["manifest"]),
        base_root=bytes.fromhex(base["root"]),
        progress=progress,
        **common,
    )
    body = {
        **_manifest_body(taken, ledger.add_manifest(taken.path)),
        "base_root": item.root,
        "engine": taken.header_record["engine"],
        "kind": taken.header_record["kind"],
    }
    ledger.append("derive", [request.exhibit], body, actor=actor, signers=[signer])
    ledger.checkpoint()
    return taken


def _manifest_body(taken: Taken, number: int) -> dict[str, Any]:
    return {
        "file_sha256": taken.file_sha256.hex(),
        "header": taken.header_commitment.hex(),
        "manifest": str(number),
        "root": taken.root.hex(),
        "rows": str(taken.rows),
    }


def _store_object(work: Path, data: bytes) -> None:
    """Keep a large value until the seal; a value that stands in the case and is named by no row would be a stray."""
    folder = work / layout.OBJECTS
    _make_folders(folder)
    with contextlib.suppress(Refused):  # R501: the same bytes are there already
        write_new(folder / sha256_hex(data), data)


def _publish_objects(work: Path, case: Path) -> None:
    """Move large values to `objects/`, unless they are there."""
    folder = work / layout.OBJECTS
    for item in sorted(folder.iterdir()) if folder.is_dir() else ():
        place = case / layout.object_file(item.name)
        _make_folders(place.parent)
        with contextlib.suppress(Refused):
            publish(item, place, synced=True)


def _make_folders(path: Path) -> None:
    """Make a folder and those above it, durably."""
    if path.is_dir():
        return
    _make_folders(path.parent)
    try:
        path.mkdir(exist_ok=True)
        THIS.sync(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
