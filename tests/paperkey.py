"""PKCS#12 files that sign paper, made for a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12

DAYS = timedelta(days=100)


def p12(now, opened_by="open", key=None, *, since=-DAYS, until=DAYS, certificate=True):
    """A key (P-256 where none is given) with a certificate that it signed itself; `now` in nanoseconds since 1970."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A. Examiner")])
    moment = datetime.fromtimestamp(now // 10**9, tz=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(moment + since)
        .not_valid_after(moment + until)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    protection = BestAvailableEncryption(opened_by.encode()) if opened_by else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"a", key, made if certificate else None, None, protection)
