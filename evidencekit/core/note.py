"""Signed notes and verifier keys: C2SP signed-note@v1.0.0, and its rules for text, names and base64.

Promises: each parser answers with a value or a `FormatError`, whatever the bytes; what it accepts re-formats
to the same bytes, and a second spelling is refused; a `Note` or `VerifierKey` that exists is well formed.
Signatures are not checked here: that needs a library, and a text MUST be ignored until it is done.

Narrower than C2SP where it leaves room: at most 64 signatures and 1 MiB a note, canonical base64 only, and
verifier keys of the types 0x01, 0x04 and 0x06 only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

ED25519 = 0x01
"""Ed25519 over the note's text."""
ED25519_COSIGNATURE = 0x04
"""Ed25519 with a timestamp (C2SP tlog-cosignature)."""
MLDSA44 = 0x06
"""ML-DSA-44 with a timestamp (C2SP tlog-cosignature)."""

KEY_SIZES = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44: 1312}
"""Signature type to bytes of a public key."""

MAX_NOTE = 1 << 20
"""Bytes of a note."""
MAX_SIGNATURES = 64

KEY_ID_SIZE = 4
MAX_COSIGNER = 255
"""Bytes of a name that ML-DSA-44 signs with (C2SP tlog-cosignature)."""
_MAX_VKEY = 1 << 14

# C2SP means those below U+0020; U+007F and U+0080 to U+009F are let through. Surrogates are no UTF-8.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")
# "Unicode spaces" as the property White_Space, listed: `str.isspace` follows Python's Unicode version.
_NOT_IN_NAME = re.compile("[\x00-\x20+\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")


def decode_text(data: bytes, place: str, *, limit: int) -> str:
    """UTF-8 of at most `limit` bytes to text. Raises FormatError at `place`."""
    if len(data) > limit:
        raise FormatError(place, expected=f"at most {limit} bytes", found=f"{len(data)} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(place, expected="UTF-8", found=f"another byte at {error.start}") from None


def check_key_name(name: str, place: str) -> None:
    """Raises FormatError at `place` unless `name` may name a key. Source: C2SP signed-note, Format."""
    if not name or _NOT_IN_NAME.search(name):
        raise FormatError(place, expected="a key name without spaces and `+`", found=short(name))


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line of a note."""

    name: str
    """Key name."""
    key_id: bytes
    """4 bytes."""
    signature: bytes
    """What follows the key id; its form depends on the type of the key."""


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signature lines under it. Well formed, not verified."""

    text: str
    """Ends with a newline, which is part of it."""
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n") or _CONTROL.search(self.text):
            raise FormatError("note text", expected="lines without control characters", found=short(self.text[-60:]))
        if not 0 < len(self.signatures) <= MAX_SIGNATURES:
            raise FormatError("note", expected=f"1 to {MAX_SIGNATURES} signatures", found=str(len(self.signatures)))
        for number, each in enumerate(self.signatures, start=1):
            _check_signature(each, f"note signature {number}")


def _check_signature(signature: NoteSignature, place: str) -> None:
    check_key_name(signature.name, place)
    if len(signature.key_id) != KEY_ID_SIZE or not signature.signature:
        found = f"{len(signature.key_id)} and {len(signature.signature)} bytes"
        raise FormatError(place, expected="a key id of 4 bytes and a signature", found=found)


def parse_note(data: bytes) -> Note:
    """Read a note. Raises FormatError for any bytes that `format_note` would not write.

    Source: C2SP signed-note, section Format.
    """
    whole = decode_text(data, "note", limit=MAX_NOTE)
    # The last empty line parts text and signatures; the newline before it belongs to the text.
    text, blank, block = whole.rpartition("\n\n")
    if not blank:
        raise FormatError("note", expected="an empty line before the signatures", found="none")
    lines = block.split("\n")
    if lines.pop() != "" or not lines:
        raise FormatError("note", expected="signature lines, each with a newline", found=short(block[-60:]))
    if len(lines) > MAX_SIGNATURES:
        raise FormatError("note", expected=f"1 to {MAX_SIGNATURES} signatures", found=str(len(lines)))
    signatures = (parse_signature(line, f"note signature {n}") for n, line in enumerate(lines, start=1))
    return Note(text + "\n", tuple(signatures))


def parse_signature(line: str, place: str) -> NoteSignature:
    """Read one signature line, without its newline. Raises FormatError. Source: C2SP signed-note, section Format."""
    dash, _, rest = line.partition(" ")
    name, space, encoded = rest.partition(" ")
    if dash != "\u2014" or not space:
        raise FormatError(place, expected="`\u2014 NAME BASE64`", found=short(line))
    raw = decode_base64(encoded, place)
    signature = NoteSignature(name, raw[:KEY_ID_SIZE], raw[KEY_ID_SIZE:])
    _check_signature(signature, place)
    return signature


def format_note(note: Note) -> bytes:
    """The bytes of a note. Raises FormatError above 1 MiB. Source: C2SP signed-note, section Format."""
    data = f"{note.text}\n{''.join(map(format_signature, note.signatures))}".encode()
    if len(data) > MAX_NOTE:
        raise FormatError("note", expected=f"at most {MAX_NOTE} bytes", found=f"{len(data)} bytes")
    return data


def format_signature(signature: NoteSignature) -> str:
    """One signature line with its newline. Source: C2SP signed-note, section Format."""
    return f"\u2014 {signature.name} {encode_base64(signature.key_id + signature.signature)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and signature type ("vkey")."""

    name: str
    kind: int
    """`ED25519`, `ED25519_COSIGNATURE` or `MLDSA44`."""
    key: bytes
    """Public key: 32, 32 or 1312 bytes. Whether it is a sound key is for the signature check to say."""

    def __post_init__(self) -> None:
        check_key_name(self.name, "verifier key")
        if self.kind not in KEY_SIZES:
            raise FormatError("verifier key", expected="type 0x01, 0x04 or 0x06", found=f"0x{self.kind:02x}")
        if self.kind == MLDSA44 and len(self.name.encode()) > MAX_COSIGNER:
            raise FormatError(
                "verifier key", expected=f"a name of at most {MAX_COSIGNER} bytes", found=short(self.name)
            )
        if len(self.key) != KEY_SIZES[self.kind]:
            expected = f"{KEY_SIZES[self.kind]} bytes of key"
            raise FormatError("verifier key", expected=expected, found=f"{len(self.key)} bytes")

    @property
    def key_id(self) -> bytes:
        """4 bytes. Source: C2SP signed-note, section Signatures."""
        return sha256(b"%b\n%c%b" % (self.name.encode(), self.kind, self.key)).digest()[:KEY_ID_SIZE]

    def matches(self, signature: NoteSignature) -> bool:
        """Whether the line says that this key made it: same name and key id."""
        return signature.name == self.name and signature.key_id == self.key_id


def parse_vkey(text: str) -> VerifierKey:
    """Read `NAME+KEYID+BASE64`. Raises FormatError for any text that `format_vkey` would not write.

    Source: C2SP signed-note, section Verifier keys.
    """
    parts = text.split("+", 2)
    if len(parts) != 3 or len(text) > _MAX_VKEY:
        raise FormatError("verifier key", expected="NAME+KEYID+BASE64", found=short(text))
    name, key_id, encoded = parts
    raw = decode_base64(encoded, "verifier key")
    if not raw:
        raise FormatError("verifier key", expected="a type and a key", found="nothing")
    vkey = VerifierKey(name, raw[0], raw[1:])
    if key_id != vkey.key_id.hex():
        raise FormatError("verifier key", expected=f"key id {vkey.key_id.hex()}", found=short(key_id))
    return vkey


def format_vkey(key: VerifierKey) -> str:
    """`NAME+KEYID+BASE64` without a newline. Source: C2SP signed-note, section Verifier keys."""
    return f"{key.name}+{key.key_id.hex()}+{encode_base64(bytes([key.kind]) + key.key)}"
