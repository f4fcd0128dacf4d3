"""Private keys in memory: opened from the bytes of a file, and their bare signatures.

Promise: a key that is not of an accepted type, or that no verifier accepts, never gets as far as signing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from evidencekit.core import sshkeys
from evidencekit.core.sshsig import SignatureFields, join_ecdsa_signature, join_signature_blob
from evidencekit.core.values import decode_base64
from evidencekit.errors import CannotFinish, Refused
from evidencekit.seal.keyfile import OPENSSH_BEGIN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WORDS = {
    "weak_key": f"RSA of less than {sshkeys.RSA_MIN_BITS:,} bits",
    "key_rejected": "a key of odd numbers, which verifiers would judge differently",
    "unsupported_key": "of a type that is not used here",
    "malformed_key": "no public key in its only form",
}
"""Faults of `sshkeys.key_fault`, in plain words."""

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def check_key(blob: bytes, path: Path) -> None:
    """Refuse a public key blob that no verifier accepts.

    Raises:
        Refused: R516, RSA under 3072 bits, an odd Ed25519 or ECDSA point, an odd RSA modulus or exponent.
        CannotFinish: X413, another type, or no key at all.
    """
    fault = sshkeys.key_fault(blob)
    if fault:
        raise rejected(path, fault, _WORDS.get(fault, fault))


def rejected(path: Path, fault: str, why: str) -> CannotFinish | Refused:
    """Make R516 where `fault` is that of a key which no verifier accepts, else X413: no usable key."""
    if fault in {"weak_key", "key_rejected"}:
        return Refused(
            f"The key in {path} is not accepted: {why}.",
            code="R516",
            hint="Make a new one with `evidencekit key new`.",
            path=str(path),
            reason=fault,
        )
    return CannotFinish(
        f"{path} holds no key that can sign here: {why}.",
        code="X413",
        hint="Usable: Ed25519, ECDSA P-256 or P-384, RSA of 3072 bits or more, security keys through ssh-agent.",
        path=str(path),
    )


def unlock(data: bytes, path: Path, ask_passphrase: Callable[[str], str] | None) -> PrivateKey:
    """Open a private key: OpenSSH, or PEM (PKCS 8 and the older kinds).

    Asks for a passphrase once, and only where there is one.

    Raises:
        CannotFinish: X411 locked and nobody to ask; X412 wrong passphrase; X413 not a key of an accepted
        type.
    """
    if data.startswith(tuple(f"{name} ".encode() for name in sshkeys.ALGORITHMS)):
        raise rejected(path, "malformed_key", "it is a public key; name the private one, or call this file NAME.pub")
    if not data.startswith(b"-----BEGIN ") or b"PRIVATE KEY-----" not in data:
        puttygen = " (PuTTY's format: convert it with `puttygen -O private-openssh-new`)"
        raise rejected(path, "malformed_key", "no OpenSSH or PEM private key" + puttygen * data.startswith(b"PuTTY"))
    load = load_ssh_private_key if data.startswith(OPENSSH_BEGIN) else load_pem_private_key
    try:
        try:
            private: object = load(data, None)
        except TypeError:  # how cryptography says that there is a passphrase
            if ask_passphrase is None:
                raise CannotFinish(
                    f"The key {path} has a passphrase, and there is nobody to ask.",
                    code="X411",
                    hint="Load it into ssh-agent with `ssh-add`, or run this at a terminal.",
                    path=str(path),
                ) from None
            private = _load_locked(load, data, path, ask_passphrase(f"Passphrase for {path}: "))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise rejected(path, "malformed_key", str(error).rstrip(".") or "damaged") from error
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name not in {"secp256r1", "secp384r1"}:
        raise rejected(path, "unsupported_key", private.curve.name)
    if not isinstance(private, PrivateKey):
        raise rejected(path, "unsupported_key", type(private).__name__)
    return private


def _load_locked(load: Callable[[bytes, bytes], object], data: bytes, path: Path, passphrase: str) -> object:
    try:
        return load(data, passphrase.encode("utf-8"))
    except (ValueError, TypeError) as error:
        raise CannotFinish(f"The passphrase for {path} is wrong.", code="X412", path=str(path)) from error


def public_blob(private: PrivateKey) -> bytes:
    """Give the SSH wire blob of the public half."""
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return decode_base64(line.split(b" ")[1].decode("ascii"), "public key")


def sign_blob(private: PrivateKey, data: bytes) -> bytes:
    """Sign `data`: an SSH wire signature blob (RFC 8709, RFC 5656, RFC 8332 with rsa-sha2-512)."""
    if isinstance(private, Ed25519PrivateKey):
        return join_signature_blob(SignatureFields(sshkeys.ED25519, private.sign(data)))
    if isinstance(private, rsa.RSAPrivateKey):
        raw = private.sign(data, padding.PKCS1v15(), hashes.SHA512())
        return join_signature_blob(SignatureFields("rsa-sha2-512", raw))
    wide = private.curve.key_size == 384
    digest = hashes.SHA384() if wide else hashes.SHA256()
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
    algorithm = sshkeys.ECDSA_384 if wide else sshkeys.ECDSA_256
    return join_signature_blob(SignatureFields(algorithm, join_ecdsa_signature(r, s)))
