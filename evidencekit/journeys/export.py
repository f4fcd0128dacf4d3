"""A package made: built beside its place, verified by the verifier alone, recorded, and only then moved there.

A crash leaves the old state and a temporary folder beside OUT; after the event, a package that is whole and has yet to
be moved, which the message names. Source: specs/package.md; cli.md (`export`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from evidencekit.catalogue.record import read_record
from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import CannotFinish, EvidenceError, Refused
from evidencekit.journeys.custody import Hand, Recorded
from evidencekit.journeys.export_making import (
    describe_bag,
    event_body,
    gather_evidence,
    manifest_facts,
    package_record,
)
from evidencekit.journeys.export_payload import Contents, Progress
from evidencekit.journeys.export_plan import Plan, Request, make_plan
from evidencekit.package.bag import write_bag
from evidencekit.package.payload import Payload
from evidencekit.write.archive import Container, Folder, Stream, Tar, Zip
from evidencekit.write.durable import cannot_write, publish
from evidencekit.write.space import refuse_too_small
from evidencekit.write.systems import flush

if TYPE_CHECKING:
    from evidencekit.verify.report import Report

Form: TypeAlias = Literal["folder", "tar", "zip"]
Wrap: TypeAlias = Callable[[BinaryIO, Path], AbstractContextManager[BinaryIO]]
"""What is laid over the file of an archive: it encrypts."""
Verify: TypeAlias = Callable[[Path], "Report"]
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
        Refused: R501 `out` exists; R511 a rule of custody forbids it; R551, R560 rows that cannot be given; R561.
        CannotFinish: X480 the content of a row is nowhere, X481 it is not what was sealed; X482 what was made does not
            verify; X483 recorded, but not moved; X402, X403, X421 to X427, X440 to X444.
    """
    refuse_taken(out)
    ledger = hand.ledger
    record = read_record(ledger.store.path)
    created_at = ledger.moment()
    transfer = encode_base64(random(16))
    with beside(out, random) as work, _payload(work) as payload:
        plan = make_plan(record, request, cache_folder=cache_folder, payload=payload)
        body = event_body(request, plan, package="0" * 64, transfer=transfer)
        ledger.draft("export", plan.items, body, actor=hand.actor, signers=hand.signers)  # refused before it is made
        refuse_too_small(work, payload.bytes + _TAGS_SIZE, payload.largest, "the package", files=payload.count)
        payload.name_all()
        evidence = gather_evidence(record, request, plan, payload, work)
        built = work / "built" / out.name
        contents = Contents(record.store, plan.headers, request.sources, progress)
        with contents, open_container(form, built, work, wrap) as container:
            data = write_bag(
                container,
                describe_bag(record, f": {', '.join(plan.items)}", payload, hand, created_at),
                payload,
                evidence,
                work,
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
                    manifests=[manifest_facts(choice, plan) for choice in plan.choices],
                ),
            )
            container.finish()
        report = verify(built)
        refuse_failed(report)
        digest = sha256_hex(data)
        recorded = hand.record("export", plan.items, event_body(request, plan, package=digest, transfer=transfer))
        move(built, out, recorded.entry)
    return Exported(plan, digest, transfer, recorded, report)


def refuse_failed(report: Report) -> None:
    """Raise CannotFinish (X482) where what was made does not verify."""
    if report.verdict == "FAILED":
        raise CannotFinish(
            f"What was made does not verify: {report.reason}",
            code="X482",
            hint="Nothing was recorded, and nothing is left of it. `evidencekit verify CASE` says whether it is sound.",
        )


def refuse_taken(out: Path) -> None:
    """Raise Refused (R501) where the package's name is taken."""
    if os.path.lexists(out):
        raise Refused(
            f"{display(str(out))} exists already.", code="R501", hint="Nothing was written. Choose another name."
        )


@contextmanager
def beside(out: Path, random: Callable[[int], bytes]) -> Iterator[Path]:
    """Make a temporary folder beside the place of the package, and take it away, whatever happens."""
    work = out.parent / f"{layout.TEMPORARY}export-{random(8).hex()}"
    try:
        (work / "built").mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _payload(work: Path) -> Iterator[Payload]:
    place = work / "payload.sqlite"
    try:
        with closing(Payload(place)) as payload:
            yield payload
    except sqlite3.Error as error:
        raise CannotFinish(
            f"{display(str(place))} cannot be written: {error}.", code="X423", hint="Is there room on the disk?"
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


def move(built: Path, out: Path, entry: int) -> None:
    """Give the package its place. It is recorded by now: where that fails, it is kept beside."""
    try:
        publish(built, out)
    except EvidenceError as error:
        kept = out.with_name(f"{out.name}.entry-{entry}")
        try:
            publish(built, kept)
            hint = f"It is whole, at {display(str(kept))}: rename it."
        except EvidenceError:
            hint = "Nothing is left of it: export again."
        raise CannotFinish(
            f"Entry {entry} records the export, and the package did not get its place: {error.message}",
            code="X483",
            hint=hint,
        ) from error
