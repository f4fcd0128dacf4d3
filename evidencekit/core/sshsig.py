"""A person's signature: OpenSSH's SSHSIG, as `ssh-keygen -Y sign` writes it (PROTOCOL.sshsig).

    -----BEGIN SSH SIGNATURE-----
    U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgJKxoLBJBivUPNTUJUSslQTt2hD
    …
    -----END SSH SIGNATURE-----

Promise: what `parse_sshsig` accepts, `format_sshsig` writes again to the byte; ssh-keygen itself is laxer.
Base64 in lines of 70 columns, one line feed after END, version 1, nothing reserved, hash sha512. Parsing
says nothing about the key or the signature inside: `evidencekit.read.signature.verify_sshsig` does.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from evidencekit.core import sshkeys
from evidencekit.core.sshcert import plain_key
from evidencekit.core.sshwire import WireReader, put_mpint, put_string
from evidencekit.core.values import decode_base64, encode_base64, short
from evidencekit.errors import FormatError

NAMESPACE_EVENT: Final = "evidencekit-event"
NAMESPACE_PACKAGE: Final = "evidencekit-package"
NAMESPACE_RECEIPT: Final = "evidencekit-receipt"
NAMESPACE_MESSAGE: Final = "evidencekit-message"
NAMESPACES: Final = (NAMESPACE_EVENT, NAMESPACE_PACKAGE, NAMESPACE_RECEIPT, NAMESPACE_MESSAGE)

SIGNATURE_ALGORITHMS: Final = {
    sshkeys.ED25519: (sshkeys.ED25519,),
    sshkeys.SK_ED25519: (sshkeys.SK_ED25519,),
    sshkeys.SK_ECDSA: (sshkeys.SK_ECDSA,),
    sshkeys.ECDSA_256: (sshkeys.ECDSA_256,),
    sshkeys.ECDSA_384: (sshkeys.ECDSA_384,),
    sshkeys.RSA: (
        "rsa-sha2-512",
        "rsa-sha2-256",
    ),  # ssh-rsa, which is SHA-1, MUST NOT be: PROTOCOL.sshsig, section 2
}
"""Key type → the signature algorithms that may stand beside it."""

MAGIC: Final = b"SSHSIG"
VERSION: Final = 1
HASH: Final = "sha512"
BEGIN: Final = "-----BEGIN SSH SIGNATURE-----\n"
END: Final = "-----END SSH SIGNATURE-----\n"
COLUMNS: Final = 70
MAX_SIGNATURE: Final = 16_384
"""Bytes of an armored signature; RSA of 16384 bits needs about 6,000."""
MAX_NAMESPACE: Final = 255


@dataclass(frozen=True, slots=True)
class SshSignature:
    """One SSHSIG."""

    public_key: bytes
    """The signer's key or certificate, an SSH wire blob: a claim, until compared with keys that the reader trusts."""
    namespace: str
    """What the signature is for; printable ASCII without spaces, never empty."""
    hash_name: str
    """Always `sha512`."""
    signature: bytes
    """SSH wire signature blob."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the key that signed, as ssh-keygen prints it: a certificate's is that of its key."""
        return sshkeys.fingerprint(plain_key(self.public_key))


@dataclass(frozen=True, slots=True)
class SignatureFields:
    """The fields of an SSH signature blob."""

    algorithm: str
    raw: bytes
    """Ed25519: R ‖ S, 64 bytes. RSA: as long as the modulus. ECDSA: two mpints (`split_ecdsa_signature`)."""
    flags: int | None = None
    """Security keys only: 0x01 touched, 0x04 the person was checked (PIN, finger)."""
    counter: int | None = None
    """Security keys only."""


def check_namespace(namespace: str) -> None:
    """Refuse a namespace that a signature may not carry.

    Raises:
        FormatError: empty, over 255 characters, or not printable ASCII without spaces.
    """
    if not 0 < len(namespace) <= MAX_NAMESPACE or not all("!" <= char <= "~" for char in namespace):
        expected = f"1 to {MAX_NAMESPACE} printable ASCII characters without spaces"
        raise FormatError("signature.namespace", expected=expected, found=short(namespace))


def parse_sshsig(armored: bytes) -> SshSignature:
    """Parse an armored signature; the bytes of a whole `.sig` file.

    Raises:
        FormatError: `format_sshsig` would not have written these bytes.
    """
    if len(armored) > MAX_SIGNATURE:
        raise FormatError("signature", expected=f"at most {MAX_SIGNATURE} bytes", found=f"{len(armored)} bytes")
    try:
        text = armored.decode("ascii")
    except UnicodeDecodeError:
        raise FormatError("signature", expected="ASCII", found="other bytes") from None
    if not text.startswith(BEGIN):
        raise FormatError("signature", expected=BEGIN.strip(), found=short(text[: len(BEGIN)]))
    if not text.endswith("\n" + END):
        raise FormatError("signature", expected=END.strip() + " and one line feed", found=short(text[-len(END) :]))
    body = text[len(BEGIN) : -len(END)]
    reader = WireReader(decode_base64(body.replace("\n", ""), "signature"), "signature")
    magic = reader.take(len(MAGIC), "magic")
    if magic != MAGIC:
        raise FormatError("signature.magic", expected="SSHSIG", found=short(magic))
    version = reader.uint32("version")
    if version != VERSION:
        raise FormatError("signature.version", expected=str(VERSION), found=str(version))
    public_key, namespace = reader.string("publickey"), reader.text("namespace")
    check_namespace(namespace)
    reserved = reader.string("reserved")
    if reserved:
        raise FormatError("signature.reserved", expected="nothing", found=f"{len(reserved)} bytes")
    hash_name = reader.text("hash_algorithm")
    if hash_name != HASH:
        raise FormatError("signature.hash_algorithm", expected=HASH, found=short(hash_name))
    parsed = SshSignature(public_key, namespace, hash_name, reader.string("signature"))
    reader.end()
    if format_sshsig(parsed) != armored:  # the line breaks, all else is strict above
        raise FormatError("signature", expected=f"base64 in lines of {COLUMNS} columns", found="other line breaks")
    return parsed


def format_sshsig(sig: SshSignature) -> bytes:
    """Write the armored signature as ssh-keygen does (PROTOCOL.sshsig, sections 1 and 2)."""
    blob = b"".join(
        (
            MAGIC,
            struct.pack(">I", VERSION),
            put_string(sig.public_key),
            put_string(sig.namespace.encode("ascii")),
            put_string(b""),
            put_string(sig.hash_name.encode("ascii")),
            put_string(sig.signature),
        )
    )
    text = encode_base64(blob)
    lines = (text[start : start + COLUMNS] + "\n" for start in range(0, len(text), COLUMNS))
    return (BEGIN + "".join(lines) + END).encode("ascii")


def signed_data(namespace: str, message_digest: bytes) -> bytes:
    """Give the bytes that the key signs (PROTOCOL.sshsig, section 3).

    Args:
        namespace: what the signature is for.
        message_digest: SHA-512 of the message, 64 bytes.

    Raises:
        FormatError: not a namespace, or not 64 bytes.
    """
    check_namespace(namespace)
    if len(message_digest) != 64:
        raise FormatError("signature.digest", expected="64 bytes of SHA-512", found=f"{len(message_digest)} bytes")
    return b"".join(
        (
            MAGIC,
            put_string(namespace.encode("ascii")),
            put_string(b""),
            put_string(HASH.encode("ascii")),
            put_string(message_digest),
        )
    )


def sk_signed_data(application: bytes, flags: int, counter: int, data: bytes) -> bytes:
    """Give the bytes that a security key signs for `data` (PROTOCOL.u2f, SSH U2F signatures)."""
    digests = hashlib.sha256(application).digest(), hashlib.sha256(data).digest()
    return digests[0] + struct.pack(">BI", flags, counter) + digests[1]


def split_signature_blob(blob: bytes) -> SignatureFields:
    """Split an SSH signature blob; the algorithm may be one that nobody accepts.

    Raises:
        FormatError: missing or trailing bytes.
    """
    reader = WireReader(blob, "signature")
    algorithm = reader.text("algorithm")
    raw = reader.string("raw")
    flags = counter = None
    if algorithm in {sshkeys.SK_ED25519, sshkeys.SK_ECDSA}:
        flags, counter = reader.byte("flags"), reader.uint32("counter")
    reader.end()
    return SignatureFields(algorithm, raw, flags, counter)


def join_signature_blob(fields: SignatureFields) -> bytes:
    """Encode a signature blob: the inverse of `split_signature_blob`."""
    blob = put_string(fields.algorithm.encode("ascii")) + put_string(fields.raw)
    if fields.flags is None or fields.counter is None:
        return blob
    return blob + struct.pack(">BI", fields.flags, fields.counter)


def split_ecdsa_signature(raw: bytes) -> tuple[int, int]:
    """Split the raw part of an ECDSA signature into r and s (RFC 5656, section 3.1.2).

    Raises:
        FormatError: not two positive mpints in their shortest form.
    """
    reader = WireReader(raw, "signature")
    r, s = reader.mpint("r"), reader.mpint("s")
    reader.end()
    return r, s


def join_ecdsa_signature(r: int, s: int) -> bytes:
    """Encode the raw part of an ECDSA signature."""
    return put_mpint(r) + put_mpint(s)
