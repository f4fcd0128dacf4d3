"""A received package passed on, whole or in part, so that the first seal stays provable after any number of hands.

What it had in `evidence/` goes below `evidence/previous/DIGEST/`, less the lines of rows that are not passed on; above
it stands this case's own log, in which the package was received. Source: specs/package.md section 7.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from evidencekit.catalogue.record import Record, read_record
from evidencekit.core import layout
from evidencekit.core.globs import Globs
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.custody import Hand, events_of
from evidencekit.journeys.export_custody import Custody, HideEvent, Hiding, gather_custody
from evidencekit.journeys.export_logs import EVIDENCE, Log
from evidencekit.journeys.export_making import withheld_file
from evidencekit.journeys.export_packing import Form, Packed, Verify, Wrap, listed, packing
from evidencekit.journeys.export_previous import carry, layers_of
from evidencekit.journeys.export_rows import Withhold, check_ground
from evidencekit.journeys.export_stage import staged
from evidencekit.package.bag import BLOCK, Tag, tag
from evidencekit.package.onward import Closing, PassedOn
from evidencekit.package.payload import Piece
from evidencekit.read.package import Package, open_package

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
    withhold: tuple[Withhold, ...] = ()
    """Groups that came open and are closed."""
    hash_only: bool = False
    hide_events: tuple[HideEvent, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class OnwardPlan:
    """What would be passed on."""

    items: list[str]
    contents: list[dict[str, str]]
    """As the `export` event has them."""
    closed: Counter[tuple[str, str, str]]
    """Groups that came open and are closed, by item, group and ground."""
    custody: Custody
    previous: str
    """Digest of the received package."""
    origin: str
    files: int
    bytes: int
    """Payload."""
    tags: list[Tag]
    """What goes below `evidence/previous/`."""


class _Received(NamedTuple):
    """A package that was received."""

    package: Package
    entry: int
    event: dict[str, Any]
    """By which it came."""


@dataclass(frozen=True, slots=True)
class Passed(Packed):
    """A package that was made of a received one."""

    plan: OnwardPlan


def plan_onward(
    case: Path, wanted: Onward, *, random: Callable[[int], bytes], cache_folder: Path, now: int
) -> OnwardPlan:
    """Return what of a received package would be passed on; nothing is written but below `cache_folder`.

    `now` is in nanoseconds since 1970.

    Raises:
        BadArgument: U294 no such package or item, U295 nothing of it is left to pass on; U281 to U283.
        CannotFinish: X402, X403, X421 to X423, X440. FormatError: the package is damaged.
    """
    record = read_record(case)
    with (
        staged(cache_folder, random, now=now) as stage,
        _received(record, wanted.package) as received,
        listed(PassedOn, stage) as payload,
    ):
        return _plan(record, wanted, received, payload, stage)


def export_onward(
    hand: Hand,
    wanted: Onward,
    out: Path,
    *,
    verify: Verify,
    random: Callable[[int], bytes],
    cache_folder: Path,
    form: Form = "folder",
    wrap: Wrap | None = None,
    progress: Progress = lambda *_: None,
) -> Passed:
    """Make a package of a part of one that was received, and record that; where it cannot be made, nothing is left.

    Raises:
        BadArgument, FormatError: as `plan_onward`. Refused: R501, R511, R574.
        CannotFinish: X481 to X483; X402, X403, X421 to X427, X440.
    """
    with (
        packing(hand, out, PassedOn, random=random, cache_folder=cache_folder) as made,
        _received(made.record, wanted.package) as received,
    ):
        plan = _plan(made.record, wanted, received, made.payload, made.stage)
        own = [*plan.custody.tags, withheld_file(plan.custody.hidden), tag(f"{EVIDENCE}/records.jsonl", b"")]
        packed = made.pack(
            plan.items,
            {**wanted.stated, "contents": plan.contents, "hash_only": not plan.files},
            lambda: [*own, *plan.tags],
            nullcontext(_Contents(received.package, progress)),
            what=f", passed on: {', '.join(plan.items)}",
            stated=wanted.stated,
            form=form,
            wrap=wrap,
            verify=verify,
            previous=[{"origin": plan.origin, "package": plan.previous}],
        )
    return Passed(packed.digest, packed.transfer, packed.recorded, packed.report, plan)


def _plan(record: Record, wanted: Onward, received: _Received, payload: PassedOn, stage: Path) -> OnwardPlan:
    """Choose what is passed on; files that are made for it lie in `stage`."""
    digest = received.event["body"]["package"]
    names = _names(received.event, wanted.items)
    layers = [*layers_of(received.package, names)]
    closing = [_closing(one) for one in wanted.withhold]
    folder = record.store.path / layout.package_folder(digest)
    carried = carry(
        received.package,
        folder,
        digest,
        layers,
        Globs(wanted.globs),
        payload,
        stage,
        closing=closing,
        hash_only=wanted.hash_only,
    )
    unused = sorted({one.glob for one in closing if one.glob is not None} - carried.used)
    if unused:  # a slip: what was to be withheld would leave
        raise BadArgument(
            f"Nothing that is passed on matches {display(unused[0])}, which is to be withheld.",
            code="U281",
            hint="Nothing was written. A row whose name was withheld before matches no glob.",
        )
    if not carried.contents:
        hint = "Nothing was written. Choose other rows."
        raise BadArgument("Nothing of that package is left to pass on.", code="U295", hint=hint)
    items = sorted(carried.items)
    return OnwardPlan(
        items=items,
        contents=carried.contents,
        closed=carried.closed,
        custody=_own_log(record, items, received.entry, wanted),
        previous=digest,
        origin=layers[0].record["checkpoint"]["origin"],
        files=payload.count,
        bytes=payload.bytes,
        tags=carried.tags,
    )


def _closing(rule: Withhold) -> Closing:
    check_ground(rule.ground)
    return Closing(rule.groups, rule.ground, rule.glob, Globs([rule.glob] if rule.glob is not None else []))


@contextmanager
def _received(record: Record, beginning: str) -> Iterator[_Received]:
    """Open the package whose digest begins so, where something of it was taken."""
    entry, event = _reception(record, beginning)
    with open_package(record.store.path / layout.package_folder(event["body"]["package"])) as package:
        yield _Received(package, entry, event)


def _reception(record: Record, beginning: str) -> tuple[int, dict[str, Any]]:
    """Return the event by which a package came, and its entry."""
    known = []
    for entry, event in events_of(record.store, "receive"):
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


def _own_log(record: Record, items: list[str], entry: int, wanted: Onward) -> Custody:
    """Return what goes along of the own log; `entry` is the event by which the items came."""
    if record.checkpoint is None:
        raise CannotFinish("This case has no checkpoint.", code="X440", hint="`evidencekit checkpoint finish CASE`.")
    hiding = Hiding(wanted.hide_events)
    custody = gather_custody(Log("", record), items, {0, entry}, hiding)
    hiding.refuse_unused()
    return custody


class _Contents:
    """The payload of the received package, held against the sealed digest while it is copied."""

    def __init__(self, package: Package, progress: Progress) -> None:
        self._package, self._progress = package, progress
        self._files = self._bytes = 0

    def blocks(self, piece: Piece) -> Iterator[bytes]:
        hasher, size = hashlib.sha256(), 0
        with self._package.open(piece.path.decode()) as file:
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
