"""What the log of a case says is sealed: events below the newest checkpoint, read and believed, not verified.

Promise: nothing above the newest checkpoint is taken for sealed; a record that cannot be read is refused, not skipped.
Source: specs/store.md section 5, specs/custody-log.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.custody import Custody, advance
from evidencekit.core.event import decode_event, knows_type
from evidencekit.core.note import parse_note
from evidencekit.core.records import CASE
from evidencekit.core.reduced import Reduction, reductions_of
from evidencekit.core.selection import Split, split_of
from evidencekit.core.values import decode_base64, display, parse_count
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.store import Store

VERIFY = "`evidencekit verify CASE` says everything that is wrong."


@dataclass(frozen=True, slots=True)
class Sealed:
    """A manifest that an event names: a `seal`, or a `derive` with its `kind`."""

    item: str
    entry: int
    """Index of the event."""
    manifest: int
    """Number of the file."""
    file_sha256: str
    root: str
    header: str
    """Commitment to the header, hex."""
    rows: int
    kind: str = "rows"
    """`rows`, or the kind of opinion (`media-type`, `match`)."""
    base_root: str = ""
    engine: str = ""
    """Name and version of what concluded it."""
    data_sha256: str | None = None
    """Digest of what the engine went by: its database, or a list."""
    reduced: int = 0
    """K of the reduced form that stands for it; 0: the full one does. `file_sha256` is that of the one that stands."""
    erased: int = 0
    """Rows of which something is erased."""

    @property
    def place(self) -> str:
        """The file, relative to the case."""
        return layout.manifest_file(self.manifest, self.reduced)


@dataclass(frozen=True, slots=True)
class Record:
    """A case as its log tells it."""

    store: Store
    case: dict[str, Any]
    identity: bytes
    """16 bytes."""
    checkpoint: Checkpoint | None
    """The newest one; its signatures were not checked."""
    entries: int
    """Entry folders that are there; those from the checkpoint's size on are unfinished."""
    custody: Custody
    acquisitions: dict[str, dict[str, Any]]
    """The newest `acquire` event of each item."""
    sealed: tuple[Sealed, ...]
    """Manifests of rows, in the order of their items' names."""
    derived: tuple[Sealed, ...]
    """Manifests of opinions, in the order of the log."""
    splits: tuple[Split, ...] = ()
    """Events that divided items by rows, or copied rows, in the order of the log."""

    def of_item(self, item: str | None) -> tuple[Sealed, ...]:
        """Return the sealed manifests of one item, or of all.

        Raises:
            BadArgument: U215, there is no such sealed item.
        """
        chosen = tuple(manifest for manifest in self.sealed if item in {None, manifest.item})
        if item is not None and not chosen:
            known = ", ".join(sorted({manifest.item for manifest in self.sealed})[:20]) or "none"
            raise BadArgument(
                f"{display(item)} is not a sealed exhibit of this case.", code="U215", hint=f"Sealed are: {known}."
            )
        return chosen

    def media_types(self, manifest: Sealed) -> Sealed | None:
        """Return the newest manifest of media types about a manifest of rows."""
        about = self.opinions("media-type", manifest)
        return about[-1] if about else None

    def opinions(self, kind: str, manifest: Sealed) -> tuple[Sealed, ...]:
        """Return the manifests of one kind of opinion about a manifest of rows, the oldest first."""
        return tuple(one for one in self.derived if one.kind == kind and one.base_root == manifest.root)


def read_record(case: Path) -> Record:
    """Read the log of a case.

    Raises:
        CannotFinish: X401 not a case, X402 or X403 a file is missing or not readable, X446 a record is malformed.
    """
    store = Store(case)
    try:
        record = encoding.decode(store.read(layout.CASE_FILE, layout.MAX_RECORD_FILE))
        CASE.check(record)
    except FormatError as error:
        raise _malformed(layout.CASE_FILE, error) from error
    checkpoint = _newest_checkpoint(store, record["origin"])
    custody = Custody()
    acquisitions: dict[str, dict[str, Any]] = {}
    sealed: list[Sealed] = []
    derived: list[Sealed] = []
    reductions: dict[int, Reduction] = {}
    splits: list[Split] = []
    for index in range(checkpoint.size if checkpoint else 0):
        where = layout.event_file(index)
        try:
            event = decode_event(store.read(where, layout.MAX_RECORD_FILE))
        except FormatError as error:
            raise _malformed(where, error) from error
        custody, _ = advance(custody, event)
        if not knows_type(event) or not event["items"]:
            continue
        match event["type"]:
            case "acquire":
                acquisitions[event["items"][0]] = event
            case "seal":
                sealed.append(_named(event, index))
            case "derive":
                derived.append(_named(event, index))
            case "split" | "copy":
                splits.append(split_of(index, event))
            case "erase":
                reductions |= {one.manifest: one for one in reductions_of(index, event)}
    sealed, derived = ([_standing(one, reductions.get(one.manifest)) for one in each] for each in (sealed, derived))
    return Record(
        store=store,
        case=record,
        identity=decode_base64(record["case"]),
        checkpoint=checkpoint,
        entries=store.newest_entry(),
        custody=custody,
        acquisitions=acquisitions,
        sealed=tuple(sorted(sealed, key=lambda one: (one.item.encode(), one.entry))),
        derived=tuple(derived),
        splits=tuple(splits),
    )


def _named(event: dict[str, Any], index: int) -> Sealed:
    body = event["body"]
    opinion = event["type"] == "derive"
    engine = body["engine"] if opinion else {"data_sha256": None, "name": "", "version": ""}
    return Sealed(
        item=event["items"][0],
        entry=index,
        manifest=parse_count(body["manifest"]),
        file_sha256=body["file_sha256"],
        root=body["root"],
        header=body["header"],
        rows=parse_count(body["rows"]),
        kind=body["kind"] if opinion else "rows",
        base_root=body["base_root"] if opinion else "",
        engine=f"{engine['name']} {engine['version']}".rstrip(),
        data_sha256=engine["data_sha256"],
    )


def _standing(sealed: Sealed, reduction: Reduction | None) -> Sealed:
    """Return a manifest as it stands now: in its reduced form, where an event says so."""
    if reduction is None:
        return sealed
    return replace(sealed, reduced=reduction.reduced, file_sha256=reduction.file_sha256, erased=reduction.rows)


def _newest_checkpoint(store: Store, origin: str) -> Checkpoint | None:
    """Return the largest note that is well formed and of this log."""
    for size in reversed(store.numbers(layout.CHECKPOINTS)):
        try:
            note = parse_note(store.read(layout.checkpoint_file(size), layout.MAX_NOTE_FILE))
            checkpoint = parse_checkpoint(note.text)
        except FormatError:
            continue
        if (checkpoint.origin, checkpoint.size) == (origin, size):
            return checkpoint
    return None


def _malformed(where: str, error: FormatError) -> CannotFinish:
    return CannotFinish(f"{where}: {error.message}", code="X446", hint=VERIFY, path=where)
