r"""What a witness is asked, and the rules by which it answers: C2SP tlog-witness, call `add-checkpoint`. No I/O.

    old 3
    y0Zk…=                                     the consistency proof, one hash a line
                                               an empty line
    unit7.example/24-117                       the checkpoint, verbatim
    …

Promises: bytes that are accepted re-format to themselves; `fault` lets nothing through that is not the tree seen
before, grown. Signatures are not checked here. Source: specs/checkpoint.md section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint, parse_decimal
from evidencekit.core.merkle import EMPTY_ROOT, HASH_SIZE, SIZE_LIMIT
from evidencekit.core.note import MAX_SIGNATURES, NoteSignature, decode_text, parse_note, parse_signature
from evidencekit.core.proofs import MAX_HASHES, verify_consistency
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

MAX_REQUEST = 1 << 18
"""Bytes of a request: a note of 64 lines of ML-DSA-44 fits."""
MAX_ANSWER = 1 << 18
SIZE_TYPE = "text/x.tlog.size"
"""Content-Type of an answer that only says which size the witness stands at."""
BEGINS = b"old "
"""Tells a request from a note."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: cosign this checkpoint, which extends the one of size `old`."""

    old: int
    """Size that the witness cosigned last; 0 for none."""
    proof: tuple[bytes, ...]
    """Consistency proof, 32 bytes each."""
    note: bytes
    """The checkpoint, verbatim, with its log's lines."""

    def __post_init__(self) -> None:
        if not 0 <= self.old < SIZE_LIMIT:
            raise FormatError("old size", expected="0 to 2^63-1", found=str(self.old))
        if len(self.proof) > MAX_HASHES:
            raise FormatError("proof", expected=f"at most {MAX_HASHES} hashes", found=str(len(self.proof)))
        for place, value in enumerate(self.proof, start=1):
            if len(value) != HASH_SIZE:
                raise FormatError(f"proof hash {place}", expected=f"{HASH_SIZE} bytes", found=f"{len(value)} bytes")
        if self.old > self.tree.size:
            expected = f"at most the checkpoint's size {self.tree.size}"
            raise FormatError("old size", expected=expected, found=str(self.old))

    @property
    def tree(self) -> Checkpoint:
        """What the checkpoint says."""
        return parse_checkpoint(parse_note(self.note).text)


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Read a request. Raises FormatError for any bytes that `format_add_checkpoint` would not write.

    Source: C2SP tlog-witness, section add-checkpoint.
    """
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise FormatError("request", expected="an empty line before the checkpoint", found="none")
    return AddCheckpoint(*parse_proof(head + b"\n"), note)


def parse_proof(data: bytes) -> tuple[int, tuple[bytes, ...]]:
    """Read what stands above the empty line: old size and consistency proof. An empty line at the end is let be.

    Raises FormatError. Source: C2SP tlog-witness, section add-checkpoint.
    """
    text = decode_text(data, "request", limit=MAX_REQUEST)
    first, *lines = text.removesuffix("\n").removesuffix("\n").split("\n")
    if not first.startswith("old ") or not text.endswith("\n"):
        raise FormatError("request line 1", expected="a line `old SIZE`", found=short(first))
    if len(lines) > MAX_HASHES:
        raise FormatError("proof", expected=f"at most {MAX_HASHES} hashes", found=str(len(lines)))
    hashes = tuple(decode_base64(line, f"proof hash {n}") for n, line in enumerate(lines, start=1))
    return parse_decimal(first.removeprefix("old "), "old size"), hashes


def format_add_checkpoint(request: AddCheckpoint) -> bytes:
    """The bytes of a request. Source: C2SP tlog-witness, section add-checkpoint."""
    lines = [f"old {request.old}", *map(encode_base64, request.proof)]
    return ("\n".join(lines) + "\n\n").encode() + request.note


def parse_answer(data: bytes) -> tuple[NoteSignature, ...]:
    """Read what a witness answers: signature lines, from 1 to 64. Raises FormatError."""
    lines = decode_text(data, "answer", limit=MAX_ANSWER).split("\n")
    if lines.pop() != "" or not 0 < len(lines) <= MAX_SIGNATURES:
        raise FormatError("answer", expected=f"1 to {MAX_SIGNATURES} signature lines", found=short(data[:60]))
    return tuple(parse_signature(line, f"answer line {n}") for n, line in enumerate(lines, start=1))


CONFLICT, FORK, UNPROVED = "conflict", "fork", "unproved"


def fault(last: Checkpoint | None, old: int, proof: Sequence[bytes], tree: Checkpoint) -> str | None:
    """Name why a witness that saw `last` must not cosign `tree`; None where it may.

    Args:
        last: what it cosigned last for this origin; None where nothing.
        old: the size that whoever asks believes it to be.
        proof: consistency from `old` to `tree`.
        tree: the checkpoint; its signatures were checked.

    Returns:
        `CONFLICT`: `old` is another size than that of `last`. `FORK`: the size of `last` with another root, or a
        tree without leaves and not its root. `UNPROVED`: the proof does not lead from `last` to `tree`.

    Source: C2SP tlog-witness, section add-checkpoint.
    """
    if old != (0 if last is None else last.size):
        return CONFLICT
    if tree.size == 0 and tree.root != EMPTY_ROOT:
        return FORK
    if last is None or old == 0:
        return UNPROVED if proof else None
    if tree.size == last.size and tree.root != last.root:
        return FORK
    grown = verify_consistency(old=old, new=tree.size, old_root=last.root, new_root=tree.root, proof=proof)
    return None if grown else UNPROVED
