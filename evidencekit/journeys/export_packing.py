"""What both kinds of export do alike: what was planned is refused or packed, verified, recorded, and given its place.

What is made on the way lies in the user's own cache folder, never beside OUT: that may be a stick that is given away,
and a deleted file can be read again. A crash leaves the old state, a temporary folder there, and one beside OUT that
says that it is unfinished; after the event, a package in it that is whole and has yet to be moved (`export_place.py`).
Source: specs/package.md sections 6 and 11.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, Literal, Protocol, TypeAlias, TypeVar

from evidencekit.catalogue.record import Record, read_record
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display, encode_base64, parse_instant
from evidencekit.errors import CannotFinish
from evidencekit.journeys.custody import Hand, Recorded
from evidencekit.journeys.export_making import describe_bag, package_record
from evidencekit.journeys.export_place import Bench, beside, clear_left, refuse_taken
from evidencekit.journeys.export_stage import staged
from evidencekit.package.bag import Tag, write_bag
from evidencekit.package.onward import PassedOn
from evidencekit.package.payload import Payload, Piece
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


class Content(Protocol):
    """Where the bytes of payload come from, each held against its sealed digest."""

    def blocks(self, piece: Piece) -> Iterator[bytes]:
        """Yield the bytes of a file."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A package that was made."""

    digest: str
    """SHA-256 of package.json: the package digest, in hex."""
    transfer: str
    recorded: Recorded
    report: Report


@dataclass(frozen=True, slots=True)
class Packing(Generic[_List]):
    """A package in the making."""

    hand: Hand
    record: Record
    bench: Bench
    stage: Path
    """Where files that go into the package are made."""
    payload: _List
    created_at: dict[str, Any]
    transfer: str
    random: Callable[[int], bytes]

    def pack(
        self,
        items: list[str],
        body: dict[str, Any],
        evidence: Callable[[], list[Tag]],
        content: AbstractContextManager[Content],
        *,
        what: str,
        stated: Mapping[str, Any],
        form: Form,
        wrap: Wrap | None,
        verify: Verify,
        **own: Any,
    ) -> Packed:
        """Make the package, verify and record it, and give it its place.

        `body` is that of the event, less package and transfer; `evidence` makes what goes below evidence/; `what` is in
        the bag's description; `own` is what only some packages have in package.json.

        Raises:
            Refused: R511 a rule of custody forbids it.
            CannotFinish: X482 what was made does not verify; X483 recorded, but not moved; X421 to X427.
        """
        hand, bench = self.hand, self.bench
        draft = body | {"package": "0" * 64, "transfer": self.transfer}
        hand.ledger.draft("export", items, draft, actor=hand.actor, signers=hand.signers)  # refused before it is made
        size = self.payload.bytes + _TAGS_SIZE
        refuse_too_small(bench.folder, size, self.payload.largest, "the package", files=self.payload.count)
        tags = evidence()
        with content as source, _open_container(form, bench.built, self.stage, wrap) as container:
            data = write_bag(
                container,
                describe_bag(self.record, what, self.payload, hand, self.created_at, salt=self.random(16)),
                self.payload,
                tags,
                self.stage,
                blocks=source.blocks,
                pin=lambda files: package_record(
                    self.record,
                    hand,
                    stated,
                    files=files,
                    items=items,
                    transfer=self.transfer,
                    created_at=self.created_at,
                    hash_only=body["hash_only"],
                    **own,
                ),
            )
            container.finish()
        report = verify(bench.built)
        _refuse_failed(report)
        digest = sha256_hex(data)
        return Packed(digest, self.transfer, bench.record(hand, items, draft | {"package": digest}), report)


@contextmanager
def packing(
    hand: Hand, out: Path, kind: Callable[[Path], _List], *, random: Callable[[int], bytes], cache_folder: Path
) -> Iterator[Packing[_List]]:
    """Begin a package at `out`; nothing is left of it, whatever happens, but where its event stands.

    Raises:
        Refused: R501 `out` exists; R574 an earlier export has yet to end. CannotFinish: X402, X403, X421, X423.
    """
    refuse_taken(out)
    created_at = hand.ledger.moment()
    now = parse_instant(created_at["time"])
    clear_left(out, hand.ledger.store, now=now)
    record = read_record(hand.ledger.store.path)
    transfer = encode_base64(random(16))
    with beside(out, random) as bench, staged(cache_folder, random, now=now) as stage, listed(kind, stage) as payload:
        yield Packing(hand, record, bench, stage, payload, created_at, transfer, random)


def _refuse_failed(report: Report) -> None:
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
def _open_container(form: Form, built: Path, spool: Path, wrap: Wrap | None) -> Iterator[Container]:
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
