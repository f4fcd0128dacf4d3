"""The ASN.1 of a time-stamp response, as far as rfc3161-client does not hand it out: forms only, nothing is checked.

Source: RFC 3161 section 2.4.2; RFC 5652 sections 5 and 10; RFC 5035 sections 3 and 4.

A SET OF whose order a signature does not cover is declared as a list: authorities send certificates in any order, and a
reader of strict DER refuses them. A context tag hides whether it is a SET or a SEQUENCE, so both encode alike.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

from evidencekit.core.values import short
from evidencekit.errors import FormatError

T = TypeVar("T")
SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")
TST_INFO = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = ObjectIdentifier("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE = ObjectIdentifier("1.2.840.113549.1.9.16.2.12")
SIGNING_CERTIFICATE_V2 = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")


def decode(kind: type[T], data: bytes, place: str) -> T:
    """Return what `data` spells.

    Raises:
        FormatError: other bytes than DER of this form.
    """
    try:
        return asn1.decode_der(kind, data)
    except ValueError as error:
        raise FormatError(place, expected="DER of RFC 3161", found=short(str(error))) from error


def raw(value: asn1.TLV) -> bytes:
    """Return the whole DER of a value that was kept as it is."""
    return bytes(value.tag_bytes) + _length(len(value.data)) + bytes(value.data)


def as_set(values: list[asn1.TLV]) -> bytes:
    """Return values as a SET OF in the order in which they came, which a signature covers (RFC 5652, 5.4)."""
    content = b"".join(map(raw, values))
    return b"\x31" + _length(len(content)) + content


def _length(size: int) -> bytes:
    """DER's length; written out, since older releases of cryptography do not encode a value that they kept."""
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def in_order(data: bytes, members: list[asn1.TLV] | None) -> bytes:
    """Return a response with the members of a set, as they stand in it, put into DER's order."""
    found = [raw(member) for member in members or ()]
    return data.replace(b"".join(found), b"".join(sorted(found)), 1) if found else data


@asn1.sequence
class Algorithm:
    """AlgorithmIdentifier of a digest."""

    oid: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class MaskAlgorithm:
    """AlgorithmIdentifier of MGF1."""

    oid: ObjectIdentifier
    digest: Algorithm


@asn1.sequence
class PssParameters:
    """RSASSA-PSS-params (RFC 4055): with SHA-1, the default of each, such a signature is not accepted anyway."""

    digest: Annotated[Algorithm | None, asn1.Explicit(0)]
    mask: Annotated[MaskAlgorithm | None, asn1.Explicit(1)]
    salt: Annotated[int | None, asn1.Explicit(2)]
    trailer: Annotated[int | None, asn1.Explicit(3)]


@asn1.sequence
class SignatureAlgorithm:
    """AlgorithmIdentifier of a signature."""

    oid: ObjectIdentifier
    parameters: asn1.Null | PssParameters | None


@asn1.sequence
class Imprint:
    """MessageImprint."""

    algorithm: Algorithm
    digest: bytes


@asn1.sequence
class Accuracy:
    """Accuracy."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TimeStampInfo:
    """TSTInfo up to the nonce; what follows (the authority's name, extensions) is kept as it is."""

    version: int
    policy: ObjectIdentifier
    imprint: Imprint
    serial: int
    at: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(value=False)]
    nonce: int | None
    authority: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class TimeStampRequest:
    """TimeStampReq."""

    version: int
    imprint: Imprint
    policy: ObjectIdentifier | None
    nonce: int | None
    wants_certificate: Annotated[bool, asn1.Default(value=False)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]


@asn1.sequence
class Attribute:
    """Attribute."""

    oid: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class SignerInfo:
    """SignerInfo."""

    version: int
    signer: asn1.TLV
    digest_algorithm: Algorithm
    attributes: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    """Of the form `Attribute`, kept as they are: they were signed."""
    algorithm: SignatureAlgorithm
    signature: bytes
    others: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class Content:
    """EncapsulatedContentInfo."""

    oid: ObjectIdentifier
    content: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """SignedData."""

    version: int
    digest_algorithms: Annotated[asn1.SetOf[asn1.TLV], asn1.Size(min=1, max=16)]
    content: Content
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    revocations: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class Token:
    """TimeStampToken: a ContentInfo."""

    oid: ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


@asn1.sequence
class Status:
    """PKIStatusInfo."""

    status: int
    texts: list[str] | None
    failure: asn1.BitString | None


@asn1.sequence
class Response:
    """TimeStampResp."""

    status: Status
    token: Token | None


@asn1.sequence
class IssuerSerial:
    """IssuerSerial: GeneralNames and the serial number."""

    issuer: list[asn1.TLV]
    serial: int


@asn1.sequence
class CertificateId:
    """ESSCertID, with SHA-1 (RFC 2634)."""

    digest: bytes
    issuer: IssuerSerial | None


@asn1.sequence
class CertificateIdV2:
    """ESSCertIDv2; where no algorithm stands it is SHA-256."""

    algorithm: Algorithm | None
    digest: bytes
    issuer: IssuerSerial | None


@asn1.sequence
class SigningCertificate:
    """SigningCertificate."""

    certificates: list[CertificateId]
    policies: list[asn1.TLV] | None


@asn1.sequence
class SigningCertificateV2:
    """SigningCertificateV2."""

    certificates: list[CertificateIdV2]
    policies: list[asn1.TLV] | None
