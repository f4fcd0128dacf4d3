"""A small time-stamp authority: tokens of any time, with any one fault, for fixtures, tests and the self-test.

Run as a program it makes `evidencekit/read/rogue_token.py`, if that is not there. Its keys are thrown away.
"""

from __future__ import annotations

import base64
import hashlib
import textwrap
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidencekit.read import token_form as form

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = "1.3.6.1.4.1.99999.1"
SHA512 = ObjectIdentifier("2.16.840.1.101.3.4.2.3")
SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")
ECDSA_SHA256 = ObjectIdentifier("1.2.840.10045.4.3.2")
STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def certify(
    name: str,
    by: Holder | None = None,
    *,
    ca: bool = False,
    usage: tuple[ObjectIdentifier, ...] = (),
    critical: bool = True,
    begins: datetime = START,
    days: int = 365 * 20,
) -> Holder:
    """A certificate by somebody, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(subject(name) if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + days * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=critical)
    return Holder(builder.sign(key if by is None else by.key, hashes.SHA256()), key)


@dataclass
class Maker:
    """An authority: root, one below it, and the signer of tokens."""

    name: str = "City time"
    begins: datetime = START
    days: int = 365 * 20
    """How long the signer's certificate is valid; those above it are for longer."""
    usage: tuple[ObjectIdentifier, ...] = (STAMPING,)
    critical: bool = True
    root: Holder = field(init=False)
    below: Holder = field(init=False)
    signer: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.root = certify(f"{self.name} root", ca=True)
        self.below = certify(f"{self.name} CA", self.root, ca=True)
        self.signer = certify(
            f"{self.name} stamp", self.below, usage=self.usage, critical=self.critical, begins=self.begins,
            days=self.days,
        )  # fmt: skip

    def stamp(self, message: bytes, at: datetime, **more: Any) -> bytes:
        """A response over `message`."""
        return make_response(self.signer, [self.signer.der, self.below.der], message, at, **more)

    def answer(self, request: bytes, at: datetime, **more: Any) -> bytes:
        """A response to a request."""
        asked = asn1.decode_der(form.TimeStampRequest, request)
        return self.stamp(b"", at, **{"imprint": asked.imprint.digest, "nonce": asked.nonce, **more})


def make_response(
    signer: Holder,
    certificates: list[bytes],
    message: bytes,
    at: datetime,
    *,
    nonce: int | None = None,
    policy: str = POLICY,
    accuracy: int | None = 1,
    status: int = 0,
    unsorted: bool = False,
    hash_of: bytes | None = None,
    with_hash: bool = True,
    old_hash: bool = False,
    digest: ObjectIdentifier = SHA512,
    imprint: bytes | None = None,
    over: bytes | None = None,
    signature: bytes | None = None,
) -> bytes:
    """A response; `hash_of` is another certificate whose hash is signed, `over` another digest of the TSTInfo."""
    imprint = imprint or hashlib.new("sha512" if digest == SHA512 else "sha256", message).digest()
    info = asn1.encode_der(
        form.TimeStampInfo(
            version=1, policy=ObjectIdentifier(policy),
            imprint=form.Imprint(algorithm=_algorithm(digest), digest=imprint),
            serial=x509.random_serial_number(), at=asn1.GeneralizedTime(at),
            accuracy=None if accuracy is None else form.Accuracy(seconds=accuracy, millis=None, micros=None),
            ordering=False, nonce=nonce, authority=None, extensions=None,
        )
    )  # fmt: skip
    attributes = [
        _attribute(form.CONTENT_TYPE, form.TST_INFO),
        _attribute(form.MESSAGE_DIGEST, over or hashlib.sha256(info).digest()),
    ]
    named = signer.der if hash_of is None else hash_of
    if with_hash and old_hash:
        ids = [form.CertificateId(digest=hashlib.sha1(named).digest(), issuer=None)]  # noqa: S324 (RFC 2634)
        attributes.append(
            _attribute(form.SIGNING_CERTIFICATE, form.SigningCertificate(certificates=ids, policies=None))
        )
    elif with_hash:
        ids = [form.CertificateIdV2(algorithm=None, digest=hashlib.sha256(named).digest(), issuer=None)]
        new = form.SigningCertificateV2(certificates=ids, policies=None)
        attributes.append(_attribute(form.SIGNING_CERTIFICATE_V2, new))
    attributes.sort(key=asn1.encode_der)
    kept = [_tlv(attribute) for attribute in attributes]
    signed = signer.key.sign(form.as_set(kept), ec.ECDSA(hashes.SHA256()))
    one = form.SignerInfo(
        version=1, signer=_issuer_and_serial(signer.certificate), digest_algorithm=_algorithm(SHA256),
        attributes=kept,
        algorithm=form.SignatureAlgorithm(oid=ECDSA_SHA256, parameters=None),
        signature=signature or signed, others=None,
    )  # fmt: skip
    chain = sorted(certificates, reverse=unsorted)
    token = form.Token(
        oid=form.SIGNED_DATA,
        content=form.SignedData(
            version=3,
            digest_algorithms=asn1.SetOf([_tlv(_algorithm(SHA256))]),
            content=form.Content(oid=form.TST_INFO, content=info),
            certificates=[asn1.decode_der(asn1.TLV, der) for der in chain],
            revocations=None,
            signers=asn1.SetOf([one]),
        ),
    )
    granted = form.Status(status=status, texts=None, failure=None)
    return asn1.encode_der(form.Response(status=granted, token=token if status in {0, 1} else None))


def _algorithm(oid: ObjectIdentifier) -> form.Algorithm:
    return form.Algorithm(oid=oid, parameters=None)


def _tlv(value: Any) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, asn1.encode_der(value))


def _attribute(oid: ObjectIdentifier, value: Any) -> form.Attribute:
    return form.Attribute(oid=oid, values=asn1.SetOf([_tlv(value)]))


@asn1.sequence
class IssuerAndSerial:
    """IssuerAndSerialNumber."""

    issuer: asn1.TLV
    serial: int


def _issuer_and_serial(certificate: x509.Certificate) -> asn1.TLV:
    issuer = asn1.decode_der(asn1.TLV, certificate.issuer.public_bytes())
    return _tlv(IssuerAndSerial(issuer=issuer, serial=certificate.serial_number))


# --- the rogue tokens of the program's self-test -------------------------------------------------------------------

MESSAGE = b"evidencekit self-test\n"
AT = datetime(2026, 6, 1, tzinfo=UTC)


def rogue_tokens() -> dict[str, bytes]:
    """Tokens that nobody may believe who believes `root`: each seems to be of that authority, by its names."""
    good, rogue = Maker("Self-test"), Maker("Self-test")
    its = [rogue.signer.der, rogue.below.der, rogue.root.der]
    outsider = certify("Self-test web server", good.below, usage=(ExtendedKeyUsageOID.SERVER_AUTH,))
    return {
        "ROOT": good.root.pem,
        "GOOD": good.stamp(MESSAGE, AT),
        "ROGUE_AUTHORITY": make_response(rogue.signer, its, MESSAGE, AT),
        "ROGUE_BESIDE_GOOD": make_response(
            rogue.signer, [*its, good.signer.der, good.below.der, good.root.der], MESSAGE, AT
        ),
        "ROGUE_MEMBER": make_response(outsider, [outsider.der, good.signer.der, good.below.der], MESSAGE, AT),
    }  # fmt: skip


MODULE = Path(__file__).parents[2] / "evidencekit/read/rogue_token.py"
HEAD = '''"""Tokens of a rogue authority, for the self-test, as `specs/vectors/make_tokens.py` made them.

Source: specs/time.md section 5.
"""

from __future__ import annotations

MESSAGE = b"{message}"
'''
SAYS = {
    "ROOT": "PEM of the root that the test believes; base64.",
    "GOOD": "A token under that root: it has to be believed.",
    "ROGUE_AUTHORITY": "Another authority of the same names, whose own root is embedded.",
    "ROGUE_BESIDE_GOOD": "The same, with the good certificates embedded beside it.",
    "ROGUE_MEMBER": "By somebody under the good root whose certificate is for web servers.",
}


def main() -> None:
    """Make the module of the self-test; one that is there stays, since signatures are random."""
    if MODULE.exists():
        return
    text = [HEAD.format(message=MESSAGE.decode().replace("\n", "\\n"))]
    for name, data in rogue_tokens().items():
        lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(base64.b64encode(data).decode(), 100))
        text.append(f'{name} = (\n{lines}\n)\n"""{SAYS[name]}"""\n')
    MODULE.write_text("".join(text))


if __name__ == "__main__":
    main()
