"""A list of another tool compared with a sealed exhibit, and what came of it sealed.

Source: specs/manifest.md section 8; `evidencekit match`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evidencekit.acquire.derived import Subject
from evidencekit.acquire.match import Asked, Matched, match
from evidencekit.catalogue.manifest import open_manifest, read_header
from evidencekit.catalogue.record import Record, Sealed, read_record
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.derive import refuse_reduced, seal_derived
from evidencekit.seal.ledger import Clock, Ledger, Random
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import make_folders


@dataclass(frozen=True, slots=True)
class ListMatch:
    """What `match` is asked to do."""

    asked: Asked
    program: dict[str, Any]
    """Name, version and parts, as manifest headers carry it."""
    exhibit: str | None = None
    """None where the case has but one that is sealed."""


@dataclass(frozen=True, slots=True)
class ListMatched:
    """What came of it."""

    exhibit: str
    matched: Matched
    newest: Checkpoint


@contextmanager
def match_list(
    ledger: Ledger,
    request: ListMatch,
    *,
    signer: Signer,
    actor: dict[str, Any],
    clock: Clock,
    random: Random,
    utc_offset_min: int | None,
    progress: Callable[[str, int], None] | None = None,
) -> Iterator[ListMatched]:
    """Compare a list with a sealed exhibit, seal the results as a derived manifest, and hand out what came of it.

    The names can be asked for inside the `with` statement; then the temporary files are removed. `progress` hears what
    is counted, and how many.

    Raises:
        BadArgument: U215 no such sealed exhibit, U236 several and none named; U217 to U219, U231 as `acquire.match`.
        FormatError: the actor cannot stand in an event.
        Refused: R511, a rule of custody forbids it; R554, rows of the exhibit were erased.
        CannotFinish: X402, X403, X441, X443 the exhibit's manifest is not what was sealed; X440 nothing is sealed; X403
            the list cannot be read; X405, X421 to X424, X447 it cannot be carried out. Interrupted: X499.
    """
    record = read_record(ledger.store.path)
    sealed = _chosen(record, request.exhibit)
    refuse_reduced(sealed.item, sealed.erased, "compared with a list")
    _draft(ledger, sealed, signer, actor)  # refused now rather than after the comparison
    subject = Subject(
        record.identity, sealed.item, sealed.manifest, bytes.fromhex(sealed.root), request.program, utc_offset_min
    )
    work = ledger.store.path / layout.WORK / f"{layout.TEMPORARY}{random(8).hex()}"
    try:
        make_folders(work, below=ledger.store.path)
        with open_manifest(record.store, sealed) as manifest:
            header = read_header(manifest, sealed)
            matched = match(request.asked, manifest, header, work, subject, clock=clock, random=random, tell=progress)
        with matched:
            seal_derived(ledger, sealed.item, matched.taken, signer=signer, actor=actor)
            newest = Checkpoint(ledger.origin, ledger.log.size, ledger.log.root)
            yield ListMatched(sealed.item, matched, newest)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _chosen(record: Record, exhibit: str | None) -> Sealed:
    chosen = record.of_item(exhibit)
    if not chosen:
        raise CannotFinish("No exhibit of this case is sealed.", code="X440", hint="`evidencekit acquire` seals one.")
    if len(chosen) > 1:
        known = ", ".join(sealed.item for sealed in chosen[:20])
        raise BadArgument(
            "Nobody said with which exhibit the list is to be compared.", code="U236", hint=f"--exhibit, of {known}."
        )
    return chosen[0]


def _draft(ledger: Ledger, sealed: Sealed, signer: Signer, actor: dict[str, Any]) -> None:
    """Draft an event of the kind that will be entered; it names the exhibit's own manifest, for want of the other."""
    body = {
        "base_root": sealed.root,
        "engine": {"data_sha256": None, "name": "", "version": ""},
        "file_sha256": sealed.file_sha256,
        "header": sealed.header,
        "kind": "match",
        "manifest": str(sealed.manifest),
        "root": sealed.root,
        "rows": str(sealed.rows),
    }
    ledger.draft("derive", [sealed.item], body, actor=actor, signers=[signer])
