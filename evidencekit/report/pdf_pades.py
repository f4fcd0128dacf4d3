"""How pyHanko is asked for a signature of the form PAdES B-B. Loaded by `pdf_signature` alone, where it is installed.

Promises: the PDF stays as it is, byte by byte, and what is added stands behind it; no clock is asked, nothing fetched.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore

_FIELD = "Signature1"


def signed(
    document: bytes,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    certificates: Sequence[x509.Certificate],
    when: datetime,
) -> bytes:
    """Return the document with a signature of `key`, whose certificate is the first of `certificates`."""
    chain = [asn1.Certificate.load(one.public_bytes(Encoding.DER)) for one in certificates]
    signer = signers.SimpleSigner(
        signing_cert=chain[0],
        signing_key=keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        cert_registry=SimpleCertificateStore.from_certs(chain),  # type: ignore[no-untyped-call]  # it says no types
    )
    asked = signers.PdfSignatureMetadata(
        field_name=_FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    out = _At(asked, signer, when).sign_pdf(_Addition(io.BytesIO(document)))
    return bytes(out.getvalue())


class _Addition(IncrementalPdfFileWriter):
    """Leaves the document's metadata alone: its date is the one that it was made with, and not the clock's."""

    def _update_meta(self) -> None:
        pass

    def ensure_output_version(self, version: Any) -> None:
        """Stay with PDF 1.7, on which PDF/A-3 rests: signatures of this form are an extension of it."""


class _At(signers.PdfSigner):
    """Signs as of a time that it is told."""

    def __init__(self, asked: signers.PdfSignatureMetadata, signer: signers.Signer, when: datetime) -> None:
        super().__init__(asked, signer)
        self._when = when

    def init_signing_session(self, *arguments: Any, **options: Any) -> PdfSigningSession:
        session = super().init_signing_session(*arguments, **options)
        session.system_time = self._when
        return session
