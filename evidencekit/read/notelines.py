"""The lines of a note against one key: a log's own, and a witness's cosignature. They answer; they do not raise.

A line of ML-DSA-44 without a time is a log's own, one with a time is a cosignature: so neither passes for the other.
Source: specs/checkpoint.md sections 4 and 9, C2SP tlog-cosignature.
"""

from __future__ import annotations

from collections.abc import Sequence

from evidencekit.core.checkpoint import (
    ED25519_SIGNATURE_SIZE,
    Checkpoint,
    cosignature_message,
    ed25519_message,
    mldsa44_message,
    split_timestamped,
)
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, MLDSA44, NoteSignature, VerifierKey
from evidencekit.errors import FormatError
from evidencekit.read.signature import verify_ed25519, verify_mldsa44


def verify_log_line(key: VerifierKey, line: NoteSignature, tree: Checkpoint) -> bool:
    """Whether `line` is the log's own over `tree`, by `key` (type 0x01 or 0x06).

    Raises:
        CannotFinish: X419, no ML-DSA here.
    """
    if not key.matches(line):
        return False
    if key.kind == ED25519:
        return verify_ed25519(key.key, line.signature, ed25519_message(tree))
    try:
        timestamp, bare = split_timestamped(line.signature)
    except FormatError:
        return False
    if key.kind != MLDSA44 or timestamp != 0:
        return False
    return verify_mldsa44(key.key, bare, mldsa44_message(tree, name=key.name, timestamp=0))


def verify_cosignature(key: VerifierKey, line: NoteSignature, tree: Checkpoint) -> bool:
    """Whether `line` is a witness's cosignature of `tree`, by `key` (type 0x04 or 0x06), with a time.

    Raises:
        CannotFinish: X419, no ML-DSA here.
    """
    if not key.matches(line):
        return False
    try:
        timestamp, bare = split_timestamped(line.signature)
    except FormatError:
        return False
    if timestamp == 0:
        return False
    if key.kind == ED25519_COSIGNATURE:
        is_sized = len(bare) == ED25519_SIGNATURE_SIZE
        return is_sized and verify_ed25519(key.key, bare, cosignature_message(tree, timestamp))
    if key.kind != MLDSA44:
        return False
    return verify_mldsa44(key.key, bare, mldsa44_message(tree, name=key.name, timestamp=timestamp))


def is_signed_by(key: VerifierKey, lines: Sequence[NoteSignature], tree: Checkpoint) -> bool:
    """Whether a log's key signed `tree`: the first line that says to be its own decides.

    Raises:
        CannotFinish: X419, no ML-DSA here.
    """
    line = next(filter(key.matches, lines), None)
    return line is not None and verify_log_line(key, line, tree)


def is_signed(lines: Sequence[NoteSignature], keys: Sequence[VerifierKey], tree: Checkpoint, *, every: bool) -> bool:
    """Whether a log's keys signed: one of them, or with `every` all; and no line that says to be theirs is bad.

    Raises:
        CannotFinish: X419, no ML-DSA here.

    Source: C2SP signed-note, section Verification: a note with a bad line of a known key is malformed.
    """
    signed = set()
    for line in lines:
        for key in keys:
            if key.matches(line):
                if not verify_log_line(key, line, tree):
                    return False
                signed.add(key)
    return bool(signed) and (not every or len(signed) == len(set(keys)))
