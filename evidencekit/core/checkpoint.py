r"""Checkpoints and what is signed over them: C2SP tlog-checkpoint@v1.0.0 and tlog-cosignature.

    sis.police.example/cases/2026-117
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Promises: a `Checkpoint` that exists is well formed; what `parse_checkpoint` accepts re-formats to the same
text; the messages are those that C2SP defines, byte for byte. Narrower than C2SP: no extension lines (a 0x06
signature does not cover them), and an origin must look like `host.with.dot/path`.

A log signs its own checkpoints with exactly two lines, both named by the origin: type 0x01, then type 0x06
with timestamp 0, since it makes no statement about the time (tlog-cosignature, ML-DSA-44 signed message).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from evidencekit.core.merkle import HASH_SIZE, SIZE_LIMIT
from evidencekit.core.note import (
    ED25519,
    MAX_COSIGNER,
    MLDSA44,
    Note,
    NoteSignature,
    VerifierKey,
    check_key_name,
)
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

MAX_ORIGIN = 200
MAX_TIMESTAMP = (1 << 63) - 1

ED25519_SIGNATURE_SIZE = 64
MLDSA44_SIGNATURE_SIZE = 2420
_TIMESTAMP_SIZE = 8

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_ORIGIN = re.compile(r"[A-Za-z0-9_~-]*\.[A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)+")


def parse_decimal(text: str, place: str) -> int:
    """ASCII decimal without sign, leading zeros or separators, below 2^63. Raises FormatError at `place`."""
    if not _DECIMAL.fullmatch(text) or int(text) >= SIZE_LIMIT:
        raise FormatError(place, expected="a decimal number below 2^63", found=short(text))
    return int(text)


def check_origin(origin: str) -> None:
    """Raises FormatError unless `origin` is `host.with.dot/path` as evidencekit requires.

    At least two segments of `[A-Za-z0-9._~-]+`, split by `/`, the first with a dot; at most 200 bytes.
    """
    if len(origin) > MAX_ORIGIN or not _ORIGIN.fullmatch(origin):
        expected = f"host.with.dot/path of [A-Za-z0-9._~-], at most {MAX_ORIGIN} bytes"
        raise FormatError("origin", expected=expected, found=short(origin))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's tree at one size. Well formed, not verified."""

    origin: str
    """Names the log."""
    size: int
    """Number of leaves, below 2^63."""
    root: bytes
    """32 bytes."""

    def __post_init__(self) -> None:
        check_origin(self.origin)
        if not 0 <= self.size < SIZE_LIMIT:
            raise FormatError("checkpoint size", expected="0 to 2^63-1", found=str(self.size))
        if len(self.root) != HASH_SIZE:
            raise FormatError("checkpoint root", expected=f"{HASH_SIZE} bytes", found=f"{len(self.root)} bytes")


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises FormatError for any text that `format_checkpoint` would not write.
    Source: C2SP tlog-checkpoint, section Note text.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        found = short(text)
        raise FormatError("checkpoint", expected="three lines: origin, size, root", found=found)
    origin, size, root, _ = lines
    return Checkpoint(origin, parse_decimal(size, "checkpoint size"), decode_base64(root, "checkpoint root"))


def format_checkpoint(cp: Checkpoint) -> str:
    """The text of a checkpoint: three lines. Source: C2SP tlog-checkpoint, section Note text."""
    return f"{cp.origin}\n{cp.size}\n{encode_base64(cp.root)}\n"


def ed25519_message(cp: Checkpoint) -> bytes:
    """What a line of type 0x01 signs. Source: C2SP signed-note, section Ed25519 signatures."""
    return format_checkpoint(cp).encode()


def cosignature_message(cp: Checkpoint, timestamp: int) -> bytes:
    """What a line of type 0x04 signs; the timestamp in seconds since 1970.

    Raises FormatError above 2^63-1. Source: C2SP tlog-cosignature, section Ed25519 signed message.
    """
    _check_timestamp(timestamp)
    return b"cosignature/v1\ntime %d\n" % timestamp + ed25519_message(cp)


def mldsa44_message(cp: Checkpoint, *, name: str, timestamp: int) -> bytes:
    """What a line of type 0x06 signs: `cosigned_message` over the whole tree.

    `name` is the signer's key name, at most 255 bytes of UTF-8; the timestamp in seconds since 1970, or 0 for
    no statement about the time. Raises FormatError.
    Source: C2SP tlog-cosignature, section ML-DSA-44 signed message.
    """
    check_key_name(name, "cosigner name")
    _check_timestamp(timestamp)
    origin = cp.origin.encode()
    cosigner = name.encode()
    if len(cosigner) > MAX_COSIGNER:
        raise FormatError("cosigner name", expected=f"at most {MAX_COSIGNER} bytes", found=f"{len(cosigner)} bytes")
    return b"".join(
        (
            b"subtree/v1\n\0",
            struct.pack(">B", len(cosigner)) + cosigner,
            struct.pack(">Q", timestamp),
            struct.pack(">B", len(origin)) + origin,
            struct.pack(">QQ", 0, cp.size),
            cp.root,
        )
    )


def _check_timestamp(timestamp: int) -> None:
    if not 0 <= timestamp <= MAX_TIMESTAMP:
        raise FormatError("cosignature timestamp", expected="0 to 2^63-1", found=str(timestamp))


def split_timestamped(signature: bytes) -> tuple[int, bytes]:
    """A `timestamped_signature` (72 or 2428 bytes) to timestamp and bare signature (64 or 2420 bytes).

    Raises FormatError for other lengths and timestamps above 2^63-1.
    Source: C2SP tlog-cosignature, section Format.
    """
    bare = signature[_TIMESTAMP_SIZE:]
    if len(bare) not in (ED25519_SIGNATURE_SIZE, MLDSA44_SIGNATURE_SIZE):
        raise FormatError("cosignature", expected="72 or 2428 bytes", found=f"{len(signature)} bytes")
    timestamp = int.from_bytes(signature[:_TIMESTAMP_SIZE], "big")
    _check_timestamp(timestamp)
    return timestamp, bare


def join_timestamped(timestamp: int, signature: bytes) -> bytes:
    """A `timestamped_signature` of a timestamp and a bare signature (64 or 2420 bytes).

    Raises FormatError. Source: C2SP tlog-cosignature, section Format.
    """
    _check_timestamp(timestamp)
    joined = struct.pack(">Q", timestamp) + signature
    split_timestamped(joined)
    return joined


def log_signatures(note: Note, ed25519: VerifierKey, mldsa44: VerifierKey) -> tuple[bytes, bytes]:
    """The bare signatures (64 and 2420 bytes) of a note that carries a log's own two lines and no other.

    Raises FormatError when a line is missing, in excess, out of order, of another key, of another length,
    with a timestamp, or named otherwise than the origin. The signatures themselves are not checked.
    """
    origin = note.text.partition("\n")[0]
    if (ed25519.kind, mldsa44.kind) != (ED25519, MLDSA44):
        raise FormatError("log keys", expected="types 0x01 and 0x06", found="other types")
    if not ed25519.name == mldsa44.name == origin:
        found = f"{short(ed25519.name)} and {short(mldsa44.name)}"
        raise FormatError("log keys", expected=f"the origin {short(origin)} as name", found=found)
    if len(note.signatures) != 2:
        raise FormatError("checkpoint", expected="the log's two lines", found=f"{len(note.signatures)} lines")
    first, second = note.signatures
    if not ed25519.matches(first) or len(first.signature) != ED25519_SIGNATURE_SIZE:
        raise FormatError("note signature 1", expected="the log's Ed25519 line", found=_line(first))
    if not mldsa44.matches(second) or len(second.signature) != _TIMESTAMP_SIZE + MLDSA44_SIGNATURE_SIZE:
        raise FormatError("note signature 2", expected="the log's ML-DSA-44 line", found=_line(second))
    timestamp, bare = split_timestamped(second.signature)
    if timestamp != 0:
        raise FormatError("note signature 2", expected="timestamp 0", found=str(timestamp))
    return first.signature, bare


def _line(signature: NoteSignature) -> str:
    return f"{short(signature.name)} {signature.key_id.hex()}, {len(signature.signature)} bytes"
