"""SSH public keys: the wire blob, its fields, the one-line text, the fingerprint.

    ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKxoLBJBivUPNTUJUSslQTt2hDjozKvHarKeN8uYFqg jane@unit7.example

Sources: RFC 4253 section 6.6 (ssh-rsa), RFC 5656 section 3.1 (ecdsa-sha2-*), RFC 8709 section 4
(ssh-ed25519), OpenSSH PROTOCOL.u2f (sk-*). A key that is not accepted here is accepted nowhere: the same
check stands at enrolment (a `.pub` line, allowed_signers) and at verification
(`evidencekit.read.signature`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evidencekit.core.ed25519_points import point_fault
from evidencekit.core.sshwire import WireReader, put_mpint, put_string
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ED25519: Final = "ssh-ed25519"
SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
ECDSA_256: Final = "ecdsa-sha2-nistp256"
ECDSA_384: Final = "ecdsa-sha2-nistp384"
RSA: Final = "ssh-rsa"
ALGORITHMS: Final = (ED25519, SK_ED25519, SK_ECDSA, ECDSA_256, ECDSA_384, RSA)
"""The key types accepted."""

RSA_MIN_BITS: Final = 3072
RSA_MAX_BITS: Final = 16384
"""OpenSSL's and OpenSSH's own ceiling."""
MAX_BLOB: Final = 8192
MAX_COMMENT: Final = 1024

CURVES: Final = {
    # SEC 2: field prime p, coefficient b (a is -3 in both), bytes of a coordinate
    "nistp256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        32,
    ),
    "nistp384": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        48,
    ),
}


@dataclass(frozen=True, slots=True)
class Ed25519Fields:
    """ssh-ed25519 and sk-ssh-ed25519@openssh.com."""

    algorithm: str
    point: bytes
    """32 bytes."""
    application: bytes | None
    """A security key's application (`ssh:`); None for a plain key."""


@dataclass(frozen=True, slots=True)
class EcdsaFields:
    """ecdsa-sha2-nistp256, ecdsa-sha2-nistp384 and sk-ecdsa-sha2-nistp256@openssh.com."""

    algorithm: str
    curve: str
    point: bytes
    """Uncompressed: 0x04, x, y."""
    application: bytes | None


@dataclass(frozen=True, slots=True)
class RsaFields:
    """ssh-rsa."""

    algorithm: str
    exponent: int
    modulus: int


KeyFields = Ed25519Fields | EcdsaFields | RsaFields


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as ssh keeps it, with the name its owner gave it."""

    blob: bytes
    """The wire blob."""
    algorithm: str
    comment: str
    """Free text after the key; may be empty."""


def key_algorithm(blob: bytes) -> str:
    """Read the key type that stands first in any key blob, accepted or not.

    Raises:
        FormatError: no name stands there.
    """
    return WireReader(blob, "key").text("type")


def split_key_blob(blob: bytes) -> KeyFields:
    """Split a key blob into its fields. Says nothing about their values: see `key_fault`.

    Raises:
        FormatError: not a key of an accepted type in its one encoding.
    """
    if len(blob) > MAX_BLOB:
        raise FormatError("key", expected=f"at most {MAX_BLOB} bytes", found=f"{len(blob)} bytes")
    reader = WireReader(blob, "key")
    algorithm = reader.text("type")
    fields: KeyFields
    if algorithm in {ED25519, SK_ED25519}:
        point = reader.string("point")
        if len(point) != 32:
            raise FormatError("key.point", expected="32 bytes", found=f"{len(point)} bytes")
        fields = Ed25519Fields(algorithm, point, reader.string("application") if algorithm == SK_ED25519 else None)
    elif algorithm in {ECDSA_256, ECDSA_384, SK_ECDSA}:
        expected = "nistp384" if algorithm == ECDSA_384 else "nistp256"
        curve = reader.text("curve")
        if curve != expected:
            raise FormatError("key.curve", expected=expected, found=short(curve))
        point = reader.string("point")
        if len(point) != 1 + 2 * CURVES[curve][2] or point[0] != 4:
            raise FormatError("key.point", expected=f"an uncompressed {curve} point", found=f"{len(point)} bytes")
        application = reader.string("application") if algorithm == SK_ECDSA else None
        fields = EcdsaFields(algorithm, curve, point, application)
    elif algorithm == RSA:
        fields = RsaFields(algorithm, reader.mpint("exponent"), reader.mpint("modulus"))
    else:
        raise FormatError("key.type", expected="one of " + ", ".join(ALGORITHMS), found=short(algorithm))
    reader.end()
    return fields


def join_key_blob(fields: KeyFields) -> bytes:
    """Encode a key blob: the inverse of `split_key_blob`."""
    head = put_string(fields.algorithm.encode("ascii"))
    if isinstance(fields, RsaFields):
        return head + put_mpint(fields.exponent) + put_mpint(fields.modulus)
    curve = put_string(fields.curve.encode("ascii")) if isinstance(fields, EcdsaFields) else b""
    application = b"" if fields.application is None else put_string(fields.application)
    return head + curve + put_string(fields.point) + application


def key_fault(blob: bytes) -> str | None:
    """Name why a key is not accepted; None if it is.

    Returns:
        None; `malformed_key` (not the one encoding of anything), `unsupported_key` (a type not in
        ALGORITHMS), `weak_key` (RSA under 3072 bits), `key_rejected` (a point off the curve, non-canonical,
        or not of prime order; an RSA modulus that is even or over 16384 bits; an exponent that is even,
        under 3 or over 64 bits).
    """
    try:
        if key_algorithm(blob) not in ALGORITHMS:
            return "unsupported_key"
        fields = split_key_blob(blob)
    except FormatError:
        return "malformed_key"
    if isinstance(fields, RsaFields):
        if fields.modulus.bit_length() < RSA_MIN_BITS:
            return "weak_key"
        sound = (
            fields.modulus.bit_length() <= RSA_MAX_BITS
            and fields.modulus & 1
            and fields.exponent & 1
            and 3 <= fields.exponent < 2**64
        )
        return None if sound else "key_rejected"
    if isinstance(fields, EcdsaFields):
        return None if _on_curve(fields) else "key_rejected"
    return "key_rejected" if point_fault(fields.point) else None


def _on_curve(fields: EcdsaFields) -> bool:
    """Whether y² = x³ - 3x + b with both coordinates below p (SEC 1, section 3.2.2.1; the cofactor is 1)."""
    p, b, size = CURVES[fields.curve]
    x, y = int.from_bytes(fields.point[1 : 1 + size], "big"), int.from_bytes(fields.point[1 + size :], "big")
    return x < p and y < p and (y * y - x * x * x + 3 * x - b) % p == 0


def fingerprint(public_key_blob: bytes) -> str:
    """Give the fingerprint as `ssh-keygen -l` prints it: `SHA256:` and unpadded base64."""
    digest = hashlib.sha256(public_key_blob).digest()
    return "SHA256:" + encode_base64(digest).rstrip("=")


def check_fingerprint(text: str) -> None:
    """Refuse any text that `fingerprint` could not have written.

    Raises:
        FormatError: it could not.
    """
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", text):
        raise FormatError("fingerprint", expected="SHA256: and 43 characters of base64", found=short(text))
    decode_base64(text.removeprefix("SHA256:") + "=", "fingerprint")


def check_comment(text: str, place: str) -> None:
    """Refuse a comment or principal that could not stand on one line, or that a terminal would obey.

    Raises:
        FormatError: control characters, lone surrogates, or over 1024 bytes.
    """
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029\ufeff" for char in text):
        raise FormatError(place, expected="text without control characters", found=short(text))
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise FormatError(place, expected="UTF-8", found=short(text)) from None
    if size > MAX_COMMENT:
        raise FormatError(place, expected=f"at most {MAX_COMMENT} bytes", found=f"{size} bytes")


def parse_public_key_line(line: bytes | str) -> PublicKey:
    """Parse one `.pub` line: type, one space, base64 and, after one more space, the comment.

    One line feed at the end is allowed, as is the bare space that ssh-keygen writes before an empty comment.

    Raises:
        FormatError: anything else; a type that is not the blob's; a key that `key_fault` names.
    """
    if len(line) > 2 * MAX_BLOB:
        raise FormatError("public key", expected=f"at most {2 * MAX_BLOB} bytes", found=f"{len(line)} bytes")
    if isinstance(line, bytes):
        try:
            line = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("public key", expected="UTF-8", found=str(error.reason)) from None
    name, _, rest = line.removesuffix("\n").partition(" ")
    text, _, comment = rest.partition(" ")
    if name not in ALGORITHMS:
        raise FormatError("public key.type", expected="one of " + ", ".join(ALGORITHMS), found=short(name))
    blob = decode_base64(text, "public key.base64")
    check_comment(comment, "public key.comment")
    fields = split_key_blob(blob)
    if fields.algorithm != name:
        raise FormatError("public key.type", expected=f"{fields.algorithm}, as in the base64", found=name)
    fault = key_fault(blob)
    if fault:
        raise FormatError("public key", expected="a key that every verifier accepts alike", found=fault)
    return PublicKey(blob, name, comment)


def format_public_key_line(key: PublicKey) -> str:
    """Write the `.pub` line, without its line feed."""
    text = f"{key.algorithm} {encode_base64(key.blob)}"
    return f"{text} {key.comment}" if key.comment else text


def raw_key(blob: bytes) -> bytes:
    """Give the bare key: the 32 bytes of Ed25519, to be compared with a log's or witness's; else the blob.

    Raises:
        FormatError: not a key blob of an accepted type.
    """
    fields = split_key_blob(blob)
    return fields.point if isinstance(fields, Ed25519Fields) else blob


def shared_keys(roles: Mapping[str, Iterable[bytes]]) -> tuple[tuple[str, str, bytes], ...]:
    """Name every bare key that stands in two roles (person, witness and log keys must differ).

    Args:
        roles: role name → bare keys (of SSH keys: `raw_key`).

    Returns:
        (one role, another role, key), in the order of the roles and then of the bytes.
    """
    sets = [(role, set(keys)) for role, keys in roles.items()]
    return tuple(
        (first, second, key)
        for place, (first, mine) in enumerate(sets)
        for second, theirs in sets[place + 1 :]
        for key in sorted(mine & theirs)
    )
