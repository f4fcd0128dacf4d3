"""Files between parties: written from the record, so that none is ever lost; checked before anybody answers.

Source: specs/messages.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidencekit.core import layout
from evidencekit.core.encoding import RECORD
from evidencekit.core.merkle import Tree, leaf_hash, prove_inclusion
from evidencekit.core.message import CARRIES, ENCLOSED, MESSAGE_LIMITS, Message, Opened, encode_message
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.journeys.custody import read_event
from evidencekit.read.message import check_message
from evidencekit.read.store import Store
from evidencekit.write.durable import write_new

_ASK = "Nothing was recorded. Ask the sender for the file as he wrote it."
_TAKEN_BY = {
    "accept": "custody receipt CASE FILE",
    "offer": "custody accept CASE FILE",
    "receive": "custody receipt CASE FILE",
    "refuse": "custody receipt CASE FILE",
    "request_answered": "request acknowledge CASE FILE",
    "request_received": "request acknowledge CASE FILE",
    "request_sent": "request receive CASE FILE",
    "request_withdrawn": "request receive CASE FILE",
}
"""Type of event to the command that takes its file."""


def message_of(store: Store, entry: int) -> bytes:
    """Return the message file of an offer, a request, an answer or a receipt, under the log's newest checkpoint.

    Raises:
        BadArgument: U262 no such entry, U268 it is no event that a file is written of.
        Refused: R502, no checkpoint covers the entry. CannotFinish: X402, X403. FormatError: the record is damaged.
    """
    data, event = read_event(store, entry)
    kind = next((kind for kind, types in CARRIES.items() if event["type"] in types), None)
    if kind is None:
        what = f"Entry {entry} is an event of type {event['type']}"
        raise BadArgument(
            f"{what}, which no file is written of.",
            code="U268",
            hint="Name an offer, a request, an answer, or a receipt.",
        )
    size = max(store.numbers(layout.CHECKPOINTS), default=0)
    if entry >= size:  # whoever entered it was interrupted
        raise Refused(
            f"No checkpoint covers entry {entry}: run `evidencekit checkpoint finish` first.",
            code="R502",
            hint="An interrupted step is unfinished: `evidencekit checkpoint finish CASE` ends it.",
        )
    leaves = [store.read(layout.entry_file(number), layout.MAX_RECORD_FILE) for number in range(size)]
    tree = Tree(map(leaf_hash, leaves))
    return encode_message(
        Message(
            kind=kind,
            event=data,
            signatures=tuple(
                store.read(layout.signature_file(entry, place), layout.MAX_SIGNATURE_FILE)
                for place in range(len(event["signers"]))
            ),
            record=_enclosed(store, event),
            entry=leaves[entry],
            note=store.read(layout.checkpoint_file(size), layout.MAX_NOTE_FILE),
            proof=tuple(prove_inclusion(entry, size, tree.node)),
        )
    )


def _enclosed(store: Store, event: dict[str, Any]) -> bytes | None:
    """Return the record that goes with an event; None where none does."""
    member = ENCLOSED.get(event["type"])
    if member is None:
        return None
    return store.read(layout.object_file(event["body"][member]["sha256"]), RECORD.size)


def write_message(store: Store, entry: int, out: Path) -> None:
    """Write the message file of an entry.

    Raises:
        BadArgument: U262 no such entry, U268 it is no event that a file is written of.
        CannotFinish: X472, the event stands, and its file could not be written.
    """
    write_standing(entry, out, lambda: message_of(store, entry))


def write_standing(entry: int, out: Path, make: Callable[[], bytes]) -> None:
    """Write a file that goes with an entry, which stands whether this succeeds or not; `make` returns its bytes.

    Raises:
        CannotFinish: X472, the event stands, and its file could not be written. BadArgument: as `make`.
    """
    try:
        write_new(out, make())
    except BadArgument:
        raise
    except EvidenceError as error:
        raise CannotFinish(
            f"Entry {entry} stands, but its file was not written: {error.message}",
            code="X472",
            hint=f"Do not record it again. The same command with --again {entry} writes the file.",
        ) from error


def read_message(path: Path, *types: str) -> tuple[bytes, Opened]:
    """Return a message file with an event of one of some types, whole and checked as far as it can be without trust.

    Raises:
        CannotFinish: X471, it cannot be read.
        FormatError: it does not add up, or its event is of another type; it has no entry, checkpoint and proof.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MESSAGE_LIMITS.size + 1)
    except OSError as error:
        shown = display(str(path))
        raise CannotFinish(
            f"The file {shown} cannot be read: {error.strerror}.", code="X471", hint="Check its name."
        ) from error
    try:
        return data, _of_type(check_message(data), types)
    except FormatError as error:
        place = f"{display(path.name)}: {error.place}"
        hint = error.hint or _ASK
        raise FormatError(place, expected=error.expected, found=error.found, code=error.code, hint=hint) from error


def _of_type(opened: Opened, types: tuple[str, ...]) -> Opened:
    found = opened.event["type"]
    if found not in types:
        hint = f"Nothing was recorded. This file is for `evidencekit {_TAKEN_BY[found]}`."
        raise FormatError("event.type", expected=" or ".join(types), found=found, hint=hint)
    if opened.tree is None:
        raise FormatError("checkpoint", expected="entry, checkpoint and proof", found="none")
    return opened
