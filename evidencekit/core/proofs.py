"""Checking Merkle proofs, and the proof file of C2SP tlog-proof@v1.

Promises: `verify_*` follow RFC 9162 sections 2.1.3.2 and 2.1.4.2 step by step and answer False to whatever is
wrong with a proof, never with an exception; a proof file that is accepted re-formats to the same bytes.
The code that makes proofs is `merkle`; only its `node_hash` and limits are shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidencekit.core.checkpoint import parse_checkpoint, parse_decimal
from evidencekit.core.merkle import HASH_SIZE, SIZE_LIMIT, node_hash
from evidencekit.core.note import MAX_NOTE, decode_text, parse_note
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HASHES = 63
"""A path has at most one hash for each bit of a size below 2^63."""
MAX_EXTRA = 4 << 20
"""Bytes of the `extra` data, before base64."""

_HEADER = "c2sp.org/tlog-proof@v1\n"
_MAX_PROOF = len(_HEADER) + (MAX_EXTRA + 2) // 3 * 4 + (MAX_HASHES + 3) * 45 + MAX_NOTE


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_SIZE for value in values)


def verify_inclusion(*, index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` leads from the leaf at `index` to the root over `size` leaves.

    All hashes have 32 bytes, sizes are below 2^63: anything else is False. Source: RFC 9162 section 2.1.3.2.
    """
    # Step 1.
    if not 0 <= index < size < SIZE_LIMIT or not _are_hashes([leaf_hash, root, *proof]):
        return False
    # Steps 2 and 3.
    fn, sn, r = index, size - 1, leaf_hash
    # Step 4.
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    # Step 5.
    return sn == 0 and r == root


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `old` leaves is the beginning of the tree of `new` leaves.

    Sizes are above 0 and below 2^63, all hashes have 32 bytes: anything else is False. Equal sizes need equal
    roots and an empty proof. Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < old <= new < SIZE_LIMIT or not _are_hashes([old_root, new_root, *proof]):
        return False
    if old == new:
        return not proof and old_root == new_root
    # Step 1.
    if not proof:
        return False
    # Step 2: a perfect old tree is itself the first node.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    # Steps 3 and 4.
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # Step 5.
    fr = sr = path[0]
    # Step 6.
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    # Step 7.
    return fr == old_root and sr == new_root and sn == 0


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof file: where an entry stands in a log, and the checkpoint that says so."""

    index: int
    """Position of the entry, from 0."""
    hashes: tuple[bytes, ...]
    """The inclusion proof, from the leaf upwards: 32 bytes each."""
    checkpoint: bytes
    """The note, verbatim."""
    extra: bytes | None = None
    """Data that nothing authenticates: recompute whatever is taken from it. None when there is none."""

    def __post_init__(self) -> None:
        if not 0 <= self.index < SIZE_LIMIT:
            raise FormatError("proof index", expected="0 to 2^63-1", found=str(self.index))
        if len(self.hashes) > MAX_HASHES:
            raise FormatError("proof", expected=f"at most {MAX_HASHES} hashes", found=str(len(self.hashes)))
        for place, value in enumerate(self.hashes, start=1):
            if len(value) != HASH_SIZE:
                raise FormatError(f"proof hash {place}", expected=f"{HASH_SIZE} bytes", found=f"{len(value)} bytes")
        if self.extra is not None and not 0 < len(self.extra) <= MAX_EXTRA:
            raise FormatError("proof extra", expected=f"1 to {MAX_EXTRA} bytes", found=f"{len(self.extra)} bytes")
        parse_checkpoint(parse_note(self.checkpoint).text)


def parse_tlog_proof(data: bytes) -> TlogProof:
    """Read a proof file. Raises FormatError for any bytes that `format_tlog_proof` would not write.

    Whether the proof holds is for `verify_inclusion` to say. Source: C2SP tlog-proof, section Format.
    """
    text = decode_text(data, "proof", limit=_MAX_PROOF)
    if not text.startswith(_HEADER):
        raise FormatError("proof line 1", expected=_HEADER.strip(), found=short(text.partition("\n")[0]))
    head, blank, checkpoint = text.removeprefix(_HEADER).partition("\n\n")
    if not blank:
        raise FormatError("proof", expected="an empty line before the checkpoint", found="none")
    extra_line, index_line, hash_lines = _split_head(head.split("\n"))
    if len(hash_lines) > MAX_HASHES:
        raise FormatError("proof", expected=f"at most {MAX_HASHES} hashes", found=str(len(hash_lines)))
    return TlogProof(
        index=parse_decimal(index_line, "proof index"),
        hashes=tuple(decode_base64(line, f"proof hash {n}") for n, line in enumerate(hash_lines, start=1)),
        checkpoint=checkpoint.encode(),
        extra=None if extra_line is None else decode_base64(extra_line, "proof extra"),
    )


def _split_head(lines: list[str]) -> tuple[str | None, str, list[str]]:
    extra = lines.pop(0).removeprefix("extra ") if lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        found = short(lines[0]) if lines else "the end"
        raise FormatError("proof", expected="a line `index N`", found=found)
    return extra, lines[0].removeprefix("index "), lines[1:]


def format_tlog_proof(proof: TlogProof) -> bytes:
    """The bytes of a proof file. Source: C2SP tlog-proof, section Format."""
    lines = [] if proof.extra is None else ["extra " + encode_base64(proof.extra)]
    lines.append(f"index {proof.index}")
    lines.extend(encode_base64(value) for value in proof.hashes)
    return (_HEADER + "\n".join(lines) + "\n\n").encode() + proof.checkpoint
