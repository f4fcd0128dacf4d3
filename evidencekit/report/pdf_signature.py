"""A person's signature on a PDF: PAdES B-B (ETSI EN 319 142-1), by a key and certificate of a PKCS#12 file.

It signs the paper, not the evidence: a verifier of ours does not look at it, and whether its certificate is to be
believed is for the reader's own program to say. Promises: nothing is fetched; no time but the one that is given.
ECDSA and the identifier of the file differ in each run, and so do the bytes.
Source: specs/reporting.md, 4.3; RFC 7292 (PKCS#12).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from evidencekit.core.values import display, format_instant
from evidencekit.errors import BadArgument, CannotFinish, Refused

MAX_FILE = 1 << 20
_LEAST_RSA = 2048
_SECOND = 1_000_000_000


class PaperKey(NamedTuple):
    """Who signs: his key, his certificate, and those that lead to its issuer."""

    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]

    @property
    def subject(self) -> str:
        """The name in the certificate (RFC 4514), as a person may see it."""
        return display(self.certificate.subject.rfc4514_string())


def load_paper_key(data: bytes, passphrase: str, *, name: str, now: int) -> PaperKey:
    """Return what a PKCS#12 file holds.

    Args:
        data: the file; larger than MAX_FILE is refused.
        passphrase: of the file; an empty one for none.
        name: of the file, for messages.
        now: the time of signing, nanoseconds since 1970.

    Raises:
        BadArgument: U614, it is no PKCS#12, has no key with a certificate, or a key that is neither P-256 nor RSA with
            2048 bits or more.
        CannotFinish: X412, another passphrase.
        Refused: R602, the certificate does not hold at `now`.
    """
    if len(data) > MAX_FILE:
        raise _unusable(name, "it is too large")
    try:
        loaded = pkcs12.load_pkcs12(data, passphrase.encode() or None)
    except ValueError as error:
        if "password" in str(error).lower():
            raise CannotFinish(f"The passphrase does not open {name}.", code="X412", hint="Try again.") from error
        raise _unusable(name, "it is no PKCS#12") from error
    if loaded.key is None or loaded.cert is None:
        raise _unusable(name, "it has no key with a certificate")
    key, certificate = loaded.key, loaded.cert.certificate
    is_elliptic = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    if not is_elliptic and not (isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_RSA):
        raise _unusable(name, "its key is neither P-256 nor RSA with 2048 bits or more")
    from_, to = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not from_ <= _date(now) <= to:
        raise Refused(
            f"The certificate in {name} holds from {from_:%Y-%m-%d} to {to:%Y-%m-%d}, not at {format_instant(now)}.",
            code="R602",
            hint="Use one that holds now.",
        )
    others = tuple(one.certificate for one in loaded.additional_certs)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)  # noqa: S101 (for the type checker)
    return PaperKey(key, certificate, others)


def sign_pdf(document: bytes, by: PaperKey, *, now: int) -> bytes:
    """Return the PDF with a signature that covers all of it: an addition at its end, invisible on the pages.

    Raises:
        ModuleNotFoundError: pyHanko is not installed.
    """
    from evidencekit.report.pdf_pades import signed  # noqa: PLC0415 (an extra: who signs no paper needs none)

    return signed(document, by.key, (by.certificate, *by.others), _date(now))


def _date(now: int) -> datetime:
    return datetime.fromtimestamp(now // _SECOND, tz=UTC)


def _unusable(name: str, why: str) -> BadArgument:
    hint = "Give a PKCS#12 file (.p12) with a P-256 or RSA key and its certificate."
    return BadArgument(f"{name} cannot sign paper: {why}.", code="U614", hint=hint)
