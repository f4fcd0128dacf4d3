"""A received package passed on, whole or in part, so that the first seal stays provable after any number of hands.

What it had in `evidence/` goes below `evidence/previous/DIGEST/`, less the lines of rows that are not passed on; above
it stands this case's own log, in which the package was received. Source: specs/package.md section 7.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.catalogue.record import Record, read_record
from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.globs import Globs
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.custody import Hand, Recorded, events_of
from evidencekit.journeys.export import (
    Form,
    Verify,
    Wrap,
    beside,
    move,
    open_container,
    refuse_failed,
    refuse_taken,
)
from evidencekit.journeys.export_custody import EVIDENCE, Custody, HideEvent, gather_custody
from evidencekit.journeys.export_making import describe_bag, package_record, withheld_file
from evidencekit.journeys.export_previous import carry, layers_of
from evidencekit.package.bag import BLOCK, tag, write_bag
from evidencekit.package.onward import PassedOn
from evidencekit.package.payload import Piece
from evidencekit.read.package import Package, open_package
from evidencekit.verify.report import Report
from evidencekit.write.space import refuse_too_small

_TAGS_SIZE = 16 << 20
Progress = Callable[[int, int, str], None]
"""Hears of files, bytes and the path that was copied last."""


@dataclass(frozen=True, slots=True)
class Onward:
    """What of a received package is passed on."""

    package: str
    """Its digest, or a beginning of it."""
    items: tuple[str, ...] = ()
    """As this case names them; all that were accepted, where none is named."""
    globs: tuple[str, ...] = ()
    hash_only: bool = False
    hide_events: tuple[HideEvent, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passed:
    """A package that was made."""

    items: list[str]
    contents: list[dict[str, str]]
    """As the `export` event has them."""
    files: int
    bytes: int
    digest: str
    previous: str
    transfer: str
    recorded: Recorded
    report: Report


class _Taken(NamedTuple):
    """An item, and the event by which it came."""

    item: str
    entry: int


def export_onward(
    hand: Hand,
    wanted: Onward,
    out: Path,
    *,
    verify: Verify,
    random: Callable[[int], bytes],
    form: Form = "folder",
    wrap: Wrap | None = None,
    progress: Progress = lambda *_: None,
) -> Passed:
    """Make a package of a part of one that was received, and record that; where it cannot be made, nothing is left.

    Raises:
        BadArgument: U294 no such package or item, U295 nothing of it is left to pass on; U282, U283.
        Refused: R501, R511. CannotFinish: X481 to X483; X402, X403, X421 to X427. FormatError: the package is damaged.
    """
    refuse_taken(out)
    record = read_record(hand.ledger.store.path)
    entry, received = _received(hand, wanted.package)
    digest = received["body"]["package"]
    names = _names(received, wanted.items)
    created_at, transfer = hand.ledger.moment(), encode_base64(random(16))
    folder = record.store.path / layout.package_folder(digest)
    with beside(out, random) as work, open_package(folder) as package, _payload(work) as payload:
        layers = [*layers_of(package, names)]
        evidence, contents = carry(
            package, folder, digest, layers, Globs(wanted.globs), payload, work, hash_only=wanted.hash_only
        )
        if not contents:
            raise BadArgument(
                "Nothing of that package is left to pass on.",
                code="U295",
                hint="Nothing was written. Choose other rows.",
            )
        items = sorted(names.values())
        custody = _own_log(record, [_Taken(item, entry) for item in items], wanted)
        body = {**wanted.stated, "contents": contents, "hash_only": not payload.count, "transfer": transfer}
        draft = body | {"package": "0" * 64}
        hand.ledger.draft("export", items, draft, actor=hand.actor, signers=hand.signers)  # refused before it is made
        refuse_too_small(work, payload.bytes + _TAGS_SIZE, payload.largest, "the package", files=payload.count)

        previous = [{"origin": layers[0].record["checkpoint"]["origin"], "package": digest}]
        built = work / "built" / out.name
        with open_container(form, built, work, wrap) as container:
            data = write_bag(
                container,
                describe_bag(record, f", passed on: {', '.join(items)}", payload, hand, created_at),
                payload,
                [*custody.tags, withheld_file(custody.hidden), tag(f"{EVIDENCE}/records.jsonl", b""), *evidence],
                work,
                blocks=_Contents(package, progress).blocks,
                pin=lambda files: package_record(
                    record,
                    hand,
                    wanted.stated,
                    files=files,
                    items=items,
                    transfer=transfer,
                    created_at=created_at,
                    hash_only=not payload.count,
                    previous=previous,
                ),
            )
            container.finish()
        report = verify(built)
        refuse_failed(report)
        recorded = hand.record("export", items, body | {"package": sha256_hex(data)})
        move(built, out, recorded.entry)
        return Passed(
            items, contents, payload.count, payload.bytes, sha256_hex(data), digest, transfer, recorded, report
        )


def _received(hand: Hand, beginning: str) -> tuple[int, dict[str, Any]]:
    """Return the event by which a package came, of which something was taken."""
    known = []
    for entry, event in events_of(hand.ledger.store, "receive"):
        if event["items"]:
            known.append(event["body"]["package"][:16])
            if len(beginning) >= 8 and event["body"]["package"].startswith(beginning):
                return entry, event
    raise BadArgument(
        f"This case has received no package {display(beginning)}.",
        code="U294",
        hint=f"Received were: {', '.join(known[:20]) or 'none'}. At least eight digits of the digest are needed.",
    )


def _names(received: dict[str, Any], items: tuple[str, ...]) -> dict[str, str]:
    """Return the items that are passed on: the sender's names to ours."""
    body = received["body"]
    names = dict(zip(body.get("offered_as", received["items"]), received["items"], strict=True))
    unknown = sorted(set(items) - set(names.values()))
    if unknown:
        raise BadArgument(
            f"{', '.join(map(display, unknown))} did not come in that package.",
            code="U294",
            hint=f"Of it this case has {', '.join(sorted(names.values())[:20])}.",
        )
    return {theirs: ours for theirs, ours in names.items() if not items or ours in items}


def _own_log(record: Record, taken: list[_Taken], wanted: Onward) -> Custody:
    if record.checkpoint is None:
        raise CannotFinish("This case has no checkpoint.", code="X440", hint="`evidencekit checkpoint finish CASE`.")
    return gather_custody(record.store, record.checkpoint.size, taken, wanted.hide_events)


class _Contents:
    """The payload of the received package, held against the sealed digest while it is copied."""

    def __init__(self, package: Package, progress: Progress) -> None:
        self._package, self._progress = package, progress
        self._files = self._bytes = 0

    def blocks(self, piece: Piece) -> Iterator[bytes]:
        hasher, size = hashlib.sha256(), 0
        with self._package.open(piece.place) as file:
            while block := file.read(BLOCK):
                hasher.update(block)
                size += len(block)
                yield block
        if hasher.digest() != piece.sha256 or size != piece.size:
            raise CannotFinish(
                f"{display(piece.place)} of the received package is not what was sealed.",
                code="X481",
                hint="Nothing is left of this one. `evidencekit verify CASE` says what else is damaged.",
            )
        self._files += 1
        self._bytes += size
        self._progress(self._files, self._bytes, piece.place)


def _payload(work: Path) -> closing[PassedOn]:
    try:
        return closing(PassedOn(work / "payload.sqlite"))
    except sqlite3.Error as error:
        raise CannotFinish(f"{display(str(work))} cannot be written: {error}.", code="X423") from error
