"""Cosignatures enter the record: asked for at a witness, or come by file. Each gets its file, its anchor, a checkpoint.

Promise: a cosignature that does not verify under a key of the policy never enters; one by a witness that the policy
does not know enters as what it is, unchecked. Source: specs/checkpoint.md section 9.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint, split_timestamped
from evidencekit.core.log_types import COSIGNATURE
from evidencekit.core.note import NoteSignature, VerifierKey, format_signature, parse_note
from evidencekit.core.values import display, encode_base64, format_instant
from evidencekit.core.witness import parse_answer
from evidencekit.errors import BadArgument, FormatError, Refused
from evidencekit.journeys.logcopy import LogCopy
from evidencekit.read.notelines import verify_cosignature
from evidencekit.seal.anchors import Anchor, enter_anchors
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.sign import Signer
from evidencekit.verify.policy import Policy

_COSIGNATURE_SIZES = {72, 2428}
_DASH = "\u2014".encode()

_Judged: TypeAlias = tuple[NoteSignature, VerifierKey | None]
"""A line, and the key of the policy under which it verifies."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A cosignature that belongs to the record from now on."""

    witness: str
    """Its key name."""
    size: int
    at: str
    file: str
    """Its place in the case."""
    verified: bool
    """Under a key of the policy; else nobody has checked it."""


def read_lines(data: bytes, copy: LogCopy, size: int | None) -> tuple[int, tuple[NoteSignature, ...]]:
    """Return which size a file's cosignatures are about, and the lines: of a cosigned note, or lines alone.

    Lines alone are about the newest checkpoint unless `size` says otherwise.

    Raises:
        BadArgument: U257, neither.
        Refused: R539, a note of another log, or of another tree of this log.
    """
    if _DASH not in data[: 1 << 20]:
        raise _no_cosignature("it has no signature line")
    if data.startswith(_DASH):
        try:
            return (copy.tree.size if size is None else size), parse_answer(data)
        except FormatError as error:
            raise _no_cosignature(error.message) from error
    try:
        note = parse_note(data)
        tree = parse_checkpoint(note.text)
    except FormatError as error:
        raise _no_cosignature(error.message) from error
    if tree.origin != copy.tree.origin or copy.root(tree.size) != tree.root or size not in {None, tree.size}:
        raise Refused(
            f"The cosigned checkpoint is of {tree.origin}, size {tree.size}, root {encode_base64(tree.root)}; that is "
            f"no tree of this case ({copy.tree.origin}, size {copy.tree.size}).",
            code="R539",
            hint="Nothing was entered. If it is of this log, keep it: `evidencekit compare CASE FILE`.",
        )
    return tree.size, note.signatures


def enter_cosignatures(
    ledger: Ledger,
    lines: Sequence[NoteSignature],
    size: int,
    *,
    signer: Signer,
    actor: dict[str, Any],
    policy: Policy | None = None,
) -> list[Entered]:
    """Enter cosignatures of the note at `size`: file, `anchor` event, and one checkpoint at the end.

    The log's own lines, and lines of no witness, are passed over; with a policy, so are those of unknown keys. So is
    what was entered before, where something else is new.

    Raises:
        BadArgument: U257, no line is a cosignature that may be entered.
        Refused: R536, one of a known witness does not verify; R539, the case has no such note, or has them all.
    """
    tree = _tree(ledger, size)
    known = () if policy is None else tuple(policy.logs.witnesses.values())
    taken = [(line, _key_of(line, known)) for line in lines if _is_cosignature(line, ledger.origin)]
    taken = [(line, key) for line, key in taken if key is not None or not known]
    if not taken:
        raise _no_cosignature("no line is by a witness" + (" that the policy knows" if known else ""))
    for line, key in taken:
        _refuse_bad(key, line, tree)
    new = _new(ledger, taken, tree)
    anchors = [_anchor(line, size) for line, _ in new]
    enter_anchors(ledger, anchors, signer=signer, actor=actor)
    return [
        Entered(anchor.by, size, anchor.at, f"{layout.CHECKPOINTS}/{anchor.file}", key is not None)
        for anchor, (_, key) in zip(anchors, new, strict=True)
    ]


def _tree(ledger: Ledger, size: int) -> Checkpoint:
    if size not in ledger.store.numbers(layout.CHECKPOINTS) or not 0 < size <= ledger.log.size:
        raise Refused(
            f"The case {ledger.origin} has no checkpoint of size {size}.",
            code="R539",
            hint="Nothing was entered. Is it the right case, and its newest copy?",
        )
    return Checkpoint(ledger.origin, size, ledger.log.roots[size])


def _is_cosignature(line: NoteSignature, origin: str) -> bool:
    """Tell whether a line can be a witness's: a log's own has no time, or the log's name."""
    if len(line.signature) not in _COSIGNATURE_SIZES or line.name == origin:
        return False
    try:
        return split_timestamped(line.signature)[0] > 0
    except FormatError:
        return False


def _key_of(line: NoteSignature, known: Sequence[VerifierKey]) -> VerifierKey | None:
    return next((key for key in known if key.matches(line)), None)


def _refuse_bad(key: VerifierKey | None, line: NoteSignature, tree: Checkpoint) -> None:
    if key is not None and not verify_cosignature(key, line, tree):
        raise Refused(
            f"The line of {display(line.name)} is no good cosignature of {tree.origin} at size {tree.size}.",
            code="R536",
            hint="Nothing was entered. Ask the witness for its answer again, and for its vkey.",
        )


def _new(ledger: Ledger, taken: Sequence[_Judged], tree: Checkpoint) -> list[_Judged]:
    """Return the lines that no event names yet, each file once; where a crash left a file, the line that is in it.

    A witness who is asked again answers with another time, and the first answer is as good.

    Raises:
        Refused: R539, there is none that is new; or a file that is there is no such cosignature.
    """
    new: dict[str, _Judged] = {}
    for line, key in taken:
        place = _place(line, tree.size)
        if layout.cosignature_name(tree.size, line.key_id) not in ledger.log.anchors and place not in new:
            new[place] = (_left(ledger, place, line, key, tree), key)
    if not new:
        line, _ = taken[0]
        raise _there(line, tree, "One cosignature of a witness is enough for a size.")
    return list(new.values())


def _left(ledger: Ledger, place: str, line: NoteSignature, key: VerifierKey | None, tree: Checkpoint) -> NoteSignature:
    """Return what a step that was interrupted left for a line: it may be another one, by the same witness."""
    if not os.path.lexists(ledger.store.path / place):
        return line
    try:
        data = ledger.store.read(place, layout.MAX_SIGNATURE_FILE)
        (left,) = parse_answer(data)
        good = left == line or (key is not None and verify_cosignature(key, left, tree))
    except (FormatError, ValueError) as error:
        raise _there(line, tree, f"Take {place} away: {error}") from error
    if not good or format_signature(left).encode() != data:
        raise _there(line, tree, f"No event names {place}, and it is another line: import it, or take it away.")
    return left


def _there(line: NoteSignature, tree: Checkpoint, hint: str) -> Refused:
    place = _place(line, tree.size)
    return Refused(
        f"{display(line.name)} has cosigned size {tree.size} of {tree.origin} already: {place} is there.",
        code="R539",
        hint=f"Nothing was entered. {hint}",
    )


def _place(line: NoteSignature, size: int) -> str:
    return f"{layout.CHECKPOINTS}/{layout.cosignature_name(size, line.key_id)}"


def _anchor(line: NoteSignature, size: int) -> Anchor:
    at = format_instant(split_timestamped(line.signature)[0] * 1_000_000_000)
    file = layout.cosignature_name(size, line.key_id)
    return Anchor(COSIGNATURE, file, format_signature(line).encode(), size, line.name, at)


def _no_cosignature(why: str) -> BadArgument:
    return BadArgument(
        f"This is no cosignature of a checkpoint: {why.rstrip('.')}.",
        code="U257",
        hint="Take the file that the witness made, or its answer, as it is.",
    )
