"""A package made: built beside its place, verified by the verifier alone, recorded, and only then moved there.

What is made on the way lies in the user's own cache folder, never beside OUT: that may be a stick that is given away,
and a deleted file can be read again. A crash leaves the old state, a temporary folder there, and one beside OUT that
says that it is unfinished; after the event, a package in it that is whole and has yet to be moved (`export_place.py`).
Source: specs/package.md; cli.md (`export`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias, TypeVar

from evidencekit.catalogue.record import read_record
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import CannotFinish
from evidencekit.journeys.custody import Hand, Recorded
from evidencekit.journeys.export_making import (
    describe_bag,
    event_body,
    gather_evidence,
    package_record,
    shown_logs,
)
from evidencekit.journeys.export_payload import Contents, Progress, origins_of
from evidencekit.journeys.export_place import beside, clear_left, refuse_taken
from evidencekit.journeys.export_plan import Plan, Request, make_plan
from evidencekit.journeys.export_stage import staged
from evidencekit.package.bag import write_bag
from evidencekit.package.onward import PassedOn
from evidencekit.package.payload import Payload
from evidencekit.write.archive import Container, Folder, Stream, Tar, Zip
from evidencekit.write.durable import cannot_write
from evidencekit.write.space import refuse_too_small
from evidencekit.write.systems import flush

if TYPE_CHECKING:
    from evidencekit.verify.report import Report

Form: TypeAlias = Literal["folder", "tar", "zip"]
Wrap: TypeAlias = Callable[[BinaryIO, Path], AbstractContextManager[BinaryIO]]
"""What is laid over the file of an archive: it encrypts."""
Verify: TypeAlias = Callable[[Path], "Report"]
_List = TypeVar("_List", Payload, PassedOn)
_TAGS_SIZE = 16 << 20
"""Bytes that are asked for besides the payload, before anything is written."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A package that was made."""

    plan: Plan
    digest: str
    """SHA-256 of package.json: the package digest, in hex."""
    transfer: str
    recorded: Recorded
    report: Report


def export(
    hand: Hand,
    request: Request,
    out: Path,
    *,
    verify: Verify,
    random: Callable[[int], bytes],
    cache_folder: Path,
    form: Form = "folder",
    wrap: Wrap | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Make a package at `out`, and record that; where it cannot be made, nothing is left.

    `verify` is given the package before anything is recorded; `wrap` lays encryption over an archive.

    Raises:
        BadArgument: U280 to U284, U211 to U215, U270 to U272, what is meant.
        Refused: R501 `out` exists; R574 an earlier export has yet to end; R511 a rule of custody forbids it; R551,
            R560 rows that cannot be given; R561.
        CannotFinish: X480 the content of a row is nowhere, X481 it is not what was sealed; X482 what was made does not
            verify; X483 recorded, but not moved; X402, X403, X421 to X427, X440 to X444.
    """
    refuse_taken(out)
    ledger = hand.ledger
    clear_left(out, ledger.store)
    record = read_record(ledger.store.path)
    created_at = ledger.moment()
    transfer = encode_base64(random(16))
    with beside(out, random) as bench, staged(cache_folder, random) as stage, listed(Payload, stage) as payload:
        plan = make_plan(record, request, cache_folder=cache_folder, payload=payload)
        body = event_body(request, plan, package="0" * 64, transfer=transfer)
        ledger.draft("export", plan.items, body, actor=hand.actor, signers=hand.signers)  # refused before it is made
        refuse_too_small(bench.folder, payload.bytes + _TAGS_SIZE, payload.largest, "the package", files=payload.count)
        payload.name_all()
        evidence = gather_evidence(request, plan, payload, stage)
        contents = Contents(origins_of(plan.shares), request.sources, progress)
        with contents, open_container(form, bench.built, stage, wrap) as container:
            data = write_bag(
                container,
                describe_bag(record, f": {', '.join(plan.items)}", payload, hand, created_at, salt=random(16)),
                payload,
                evidence,
                stage,
                blocks=contents.blocks,
                pin=lambda files: package_record(
                    record,
                    hand,
                    request.stated,
                    files=files,
                    items=plan.items,
                    transfer=transfer,
                    created_at=created_at,
                    full=request.full,
                    hash_only=not plan.files,
                    **shown_logs(plan),
                ),
            )
            container.finish()
        report = verify(bench.built)
        refuse_failed(report)
        digest = sha256_hex(data)
        recorded = bench.record(hand, plan.items, event_body(request, plan, package=digest, transfer=transfer))
    return Exported(plan, digest, transfer, recorded, report)


def refuse_failed(report: Report) -> None:
    """Raise CannotFinish (X482) where what was made does not verify."""
    if report.verdict == "FAILED":
        raise CannotFinish(
            f"What was made does not verify: {report.reason}",
            code="X482",
            hint="Nothing was recorded, and nothing is left of it. `evidencekit verify CASE` says whether it is sound.",
        )


@contextmanager
def listed(kind: Callable[[Path], _List], stage: Path) -> Iterator[_List]:
    """Open a list of payload in `stage`.

    Raises:
        CannotFinish: X421 there is no room for it, X423 it cannot be kept: now or at any time while it is open.
    """
    place = stage / "payload.sqlite"
    try:
        with closing(kind(place)) as payload:
            yield payload
    except sqlite3.Error as error:
        full = error.sqlite_errorname == "SQLITE_FULL"
        raise CannotFinish(
            f"{display(str(place))} cannot be written: {error}.",
            code="X421" if full else "X423",
            hint="Is there room on that disk? XDG_CACHE_HOME names another folder.",
            path=place,
        ) from error


@contextmanager
def open_container(form: Form, built: Path, spool: Path, wrap: Wrap | None) -> Iterator[Container]:
    """Open what the package is written into; an archive is on the medium once this is left without an error."""
    if form == "folder":
        yield Folder(built)
        return
    top = built.name.removesuffix(".age").removesuffix(f".{form}")
    try:
        file: BinaryIO = built.open("xb", buffering=0)
    except OSError as error:
        raise cannot_write(built, error) from error
    with file:
        with nullcontext(file) if wrap is None else wrap(file, built) as inner:
            stream = Stream(inner, built)
            with closing(Tar(stream, top) if form == "tar" else Zip(stream, top, spool=spool)) as container:
                yield container
        try:
            flush(file.fileno())
        except OSError as error:
            raise cannot_write(built, error) from error
