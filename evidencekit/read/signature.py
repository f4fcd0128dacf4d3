"""Signature checks for whoever reads evidence: SSHSIG, Ed25519, ML-DSA-44. They answer; they do not raise.

Promise: bad evidence of any kind gives a reason, never an exception. Every check refuses the same keys and
points that enrolment refuses (`core.sshkeys.key_fault`, `core.ed25519_points`), so that no two verifiers
disagree about a signature. Nothing of the writing side is imported.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from evidencekit.core import sshkeys
from evidencekit.core.ed25519_points import point_fault, signature_fault
from evidencekit.core.sshcert import Certificate, is_certificate, parse_certificate
from evidencekit.core.sshsig import (
    SIGNATURE_ALGORITHMS,
    SignatureFields,
    SshSignature,
    signed_data,
    sk_signed_data,
    split_ecdsa_signature,
    split_signature_blob,
)
from evidencekit.errors import CannotFinish, FormatError

TOUCHED = 0x01
"""The flag of a security key that a person touched it (PROTOCOL.u2f)."""
MLDSA44_KEY = 1312
MLDSA44_SIGNATURE = 2420

CHECKED = 0x04
"""The flag of a security key that it checked the person, by PIN or finger (PROTOCOL.u2f)."""
REASONS = (
    "wrong_namespace",
    "malformed_key",
    "unsupported_key",
    "weak_key",
    "key_rejected",
    "certificate_rejected",
    "malformed_signature",
    "unsupported_algorithm",
    "not_touched",
    "not_checked_person",
    "bad_signature",
)
"""What `verify_sshsig` may answer, in the order in which it asks."""

# one key signs many events, and the check of a point costs milliseconds
_key_fault = lru_cache(maxsize=1024)(sshkeys.key_fault)
_point_fault = lru_cache(maxsize=1024)(point_fault)


def verify_sshsig(sig: SshSignature, message: bytes, namespace: str) -> str | None:
    """Check a person's signature over `message`. Whose key it is, is another question: see allowed_signers.

    Returns:
        None if it is good; else the first of REASONS that holds: another namespace than `namespace`; a key as
        `core.sshkeys.key_fault` names it; a certificate that is none for a user, asks for what is not honoured here, or
        is not signed by the CA that it names; a signature blob that has not its one encoding; an algorithm that
        does not go with the key (ssh-rsa, which is SHA-1, never does); a security key that was not touched, or did not
        check the person where the certificate demands it; or the signature is not of these bytes by this key.

    Source: PROTOCOL.sshsig section 3, PROTOCOL.u2f, PROTOCOL.certkeys, RFC 8332, RFC 5656, RFC 8709.
    """
    if sig.namespace != namespace:
        return "wrong_namespace"
    key, flags = sig.public_key, TOUCHED
    if is_certificate(key):
        certificate = sound_certificate(key)
        if certificate is None:
            return "certificate_rejected"
        key, flags = certificate.key, TOUCHED | CHECKED if certificate.verify_required else TOUCHED
    fault = _key_fault(key)
    if fault:
        return fault
    try:
        data = signed_data(namespace, hashlib.sha512(message).digest())
    except FormatError:
        return "malformed_signature"
    return _verify_blob(key, sig.signature, data, flags)


@lru_cache(maxsize=256)
def sound_certificate(blob: bytes) -> Certificate | None:
    """Parse a certificate that its CA signed, both with accepted keys; None for any other bytes.

    Whether the CA is believed, for these names, at that time, is another question: `core.sshcert.certified_signers`.
    """
    try:
        certificate = parse_certificate(blob)
    except FormatError:
        return None
    fault = (
        _key_fault(certificate.key)
        or _key_fault(certificate.ca)
        or _verify_blob(certificate.ca, certificate.signature, certificate.signed, TOUCHED)
    )
    return None if fault else certificate


def _verify_blob(key_blob: bytes, signature: bytes, data: bytes, flags: int) -> str | None:
    """Check an SSH wire signature over `data` by an accepted key; security keys need all of `flags`."""
    try:
        key, fields = sshkeys.split_key_blob(key_blob), split_signature_blob(signature)
    except FormatError:
        return "malformed_signature"
    if fields.algorithm not in SIGNATURE_ALGORITHMS[key.algorithm]:
        return "unsupported_algorithm"
    if isinstance(key, sshkeys.RsaFields):
        return _verify_rsa(key, fields, data)
    if key.application is not None:
        if fields.flags is None or fields.counter is None:
            return "malformed_signature"
        if not fields.flags & TOUCHED:
            return "not_touched"
        if flags & ~fields.flags:
            return "not_checked_person"
        data = sk_signed_data(key.application, fields.flags, fields.counter, data)
    elif flags & CHECKED:
        return "not_checked_person"
    if isinstance(key, sshkeys.EcdsaFields):
        return _verify_ecdsa(key, fields, data)
    if len(fields.raw) != 64:
        return "malformed_signature"
    return None if verify_ed25519(key.point, fields.raw, data) else "bad_signature"


def _verify_rsa(key: sshkeys.RsaFields, fields: SignatureFields, data: bytes) -> str | None:
    """RSASSA-PKCS1-v1_5; the signature is as long as the modulus (RFC 8332, section 3; RFC 8017, 8.2.2)."""
    if len(fields.raw) != (key.modulus.bit_length() + 7) // 8:
        return "malformed_signature"
    digest = hashes.SHA512() if fields.algorithm == "rsa-sha2-512" else hashes.SHA256()
    try:
        public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
        public.verify(fields.raw, data, padding.PKCS1v15(), digest)
    except (InvalidSignature, ValueError):
        return "bad_signature"
    return None


def _verify_ecdsa(key: sshkeys.EcdsaFields, fields: SignatureFields, data: bytes) -> str | None:
    """ECDSA with the hash that RFC 5656, section 6.2.1, ties to the curve; security keys use P-256 and SHA-256."""
    try:
        r, s = split_ecdsa_signature(fields.raw)
    except FormatError:
        return "malformed_signature"
    wide = key.curve == "nistp384"
    curve: ec.EllipticCurve = ec.SECP384R1() if wide else ec.SECP256R1()
    digest = hashes.SHA384() if wide else hashes.SHA256()
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(curve, key.point)
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest))
    except (InvalidSignature, ValueError):
        return "bad_signature"
    return None


def check_ed25519_public_key(key: bytes) -> str | None:
    """Name why 32 bytes are not accepted as an Ed25519 public key; None if they are.

    Returns:
        None, `not_canonical`, `not_on_curve`, `small_order` or `mixed_order`: see `core.ed25519_points`.
    """
    return _point_fault(bytes(key))


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) is of `message` by an accepted `key` (32 bytes).

    Stricter than RFC 8032, section 5.1.7: see `core.ed25519_points`. The equation is OpenSSL's, without
    cofactor.
    """
    if check_ed25519_public_key(key) or signature_fault(signature):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_mldsa44(key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (2420 bytes) is of `message` by `key` (1312 bytes): FIPS 204, algorithm 3, no context.

    Raises:
        CannotFinish: X419, the installed cryptography has no ML-DSA (this says nothing about the evidence).
    """
    if len(key) != MLDSA44_KEY or len(signature) != MLDSA44_SIGNATURE:
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm as error:
        raise CannotFinish(
            "The installed cryptography library has no ML-DSA-44, so log signatures cannot be checked.",
            code="X419",
            hint="Install cryptography 48 or newer from its own wheels.",
        ) from error
    return True
