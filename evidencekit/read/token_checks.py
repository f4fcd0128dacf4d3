"""What can be checked of a time-stamp token without knowing its authority. Offline, at no date.

Promises: `fault` names the first thing that does not hold, by its finding code, and raises at nothing in a token.
Source: specs/time.md section 2; RFC 5652 section 5.4, RFC 5816.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple, TypeVar

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, ExtendedKeyUsage, ExtensionNotFound, ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidencekit.core.values import short
from evidencekit.read import token_form as form
from evidencekit.read.token import Token

SHA512 = "2.16.840.1.101.3.4.2.3"
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    SHA512: hashes.SHA512(),
}
_RSA, _PSS = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"
_WITH_DIGEST = {
    "1.2.840.113549.1.1.11": hashes.SHA256(), "1.2.840.113549.1.1.12": hashes.SHA384(),
    "1.2.840.113549.1.1.13": hashes.SHA512(), "1.2.840.10045.4.3.2": hashes.SHA256(),
    "1.2.840.10045.4.3.3": hashes.SHA384(), "1.2.840.10045.4.3.4": hashes.SHA512(),
}  # fmt: skip
T = TypeVar("T")


class Fault(NamedTuple):
    """The first thing that does not hold: a finding code, and what was expected and found."""

    code: str
    expected: str
    found: str


def fault(token: Token, message: bytes, *, nonce: int | None = None) -> Fault | None:
    """Return the first thing that does not hold: imprint, nonce (where the request is at hand), signature, certificate.

    `message` is what has to be stamped. The authority's identity is not looked at.
    """
    return (
        _imprint_fault(token, message)
        or _nonce_fault(token, nonce)
        or _signature_fault(token)
        or _purpose_fault(token.signer)
        or _certificate_hash_fault(token)
    )


def is_about(token: Token, message: bytes) -> bool:
    """Tell whether a token's imprint is SHA-512 of `message`."""
    return token.algorithm == SHA512 and token.imprint == hashlib.sha512(message).digest()


def _imprint_fault(token: Token, message: bytes) -> Fault | None:
    if is_about(token, message):
        return None
    expected = f"SHA-512 {hashlib.sha512(message).hexdigest()}"
    return Fault("E422", expected, f"{_name(token.algorithm)} {token.imprint.hex()[:128]}")


def _nonce_fault(token: Token, nonce: int | None) -> Fault | None:
    if nonce is None or token.nonce == nonce:
        return None
    return Fault("E422", f"nonce {nonce:x}", "none" if token.nonce is None else f"nonce {token.nonce:x}"[:200])


def _signature_fault(token: Token) -> Fault | None:
    info = token.info
    digest = _DIGESTS.get(info.digest_algorithm.oid.dotted_string)
    if digest is None:
        return Fault("E423", "SHA-256, SHA-384 or SHA-512", _name(info.digest_algorithm.oid.dotted_string))
    try:
        attributes = _attributes(info)
        content_type = _only(attributes, form.CONTENT_TYPE, ObjectIdentifier)
        stated = _only(attributes, form.MESSAGE_DIGEST, bytes)
    except ValueError as error:
        return Fault("E423", "signed attributes of RFC 3161", short(str(error)))
    computed = hashlib.new(digest.name, token.content, usedforsecurity=True).digest()
    if content_type != form.TST_INFO or stated != computed:
        return Fault("E423", f"a signature over {digest.name} {computed.hex()}", f"over {(stated or b'').hex()[:128]}")
    try:
        _verify(token.signer, info, form.as_set(info.attributes or []), digest)
    except Exception as error:  # noqa: BLE001 (a key or signature of any form is in these bytes)
        return Fault("E423", f"a good signature by {short(token.by)}", short(str(error)) if str(error) else "a bad one")
    return None


def _attributes(info: form.SignerInfo) -> dict[ObjectIdentifier, list[asn1.TLV]]:
    """Return the values of each signed attribute. Raises ValueError where one stands twice."""
    parsed = [each.parse(form.Attribute) for each in info.attributes or ()]
    attributes = {each.oid: each.values.as_list() for each in parsed}
    if len(attributes) != len(parsed):
        raise ValueError("an attribute twice")
    return attributes


def _only(attributes: dict[ObjectIdentifier, list[asn1.TLV]], oid: ObjectIdentifier, kind: type[T]) -> T | None:
    """Return the one value of an attribute, None where it is not there. Raises ValueError."""
    values = attributes.get(oid)
    if values is None:
        return None
    if len(values) != 1:
        raise ValueError(f"{len(values)} values of {oid.dotted_string}")
    parsed: T = values[0].parse(kind)
    return parsed


def _verify(signer: Certificate, info: form.SignerInfo, message: bytes, digest: hashes.HashAlgorithm) -> None:
    """Raise unless the signer's key made this signature."""
    key, algorithm = signer.public_key(), info.algorithm.oid.dotted_string
    digest = _WITH_DIGEST.get(algorithm, digest)
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm == _PSS:
            key.verify(info.signature, message, *_pss(info.algorithm.parameters))
        elif algorithm == _RSA or algorithm.startswith("1.2.840.113549.1.1.1"):
            key.verify(info.signature, message, padding.PKCS1v15(), digest)
        else:
            raise ValueError(f"an algorithm of another key: {algorithm}")
    elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm.startswith("1.2.840.10045.4.3."):
        key.verify(info.signature, message, ec.ECDSA(digest))
    else:
        raise ValueError(f"an algorithm that is not accepted: {algorithm}")


def _pss(parameters: object) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    """Return padding and digest of RSASSA-PSS. Raises ValueError where SHA-1, the default, is left to stand."""
    if not isinstance(parameters, form.PssParameters) or parameters.digest is None or parameters.mask is None:
        raise ValueError("RSASSA-PSS with SHA-1")
    digest, mask = (_DIGESTS.get(one.oid.dotted_string) for one in (parameters.digest, parameters.mask.digest))
    if digest is None or mask is None:
        raise ValueError("RSASSA-PSS with another digest")
    return padding.PSS(padding.MGF1(mask), 20 if parameters.salt is None else parameters.salt), digest


def _purpose_fault(certificate: Certificate) -> Fault | None:
    """RFC 3161, 2.3: the certificate's extended key usage is critical and names time stamping alone."""
    expected = "a certificate for time stamping alone, marked critical"
    try:
        usage = certificate.extensions.get_extension_for_class(ExtendedKeyUsage)
    except ExtensionNotFound:
        return Fault("E424", expected, "no extended key usage")
    except Exception as error:  # noqa: BLE001 (extensions of any form are in these bytes)
        return Fault("E424", expected, short(str(error)))
    if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return Fault("E424", expected, "other purposes: " + ", ".join(oid.dotted_string for oid in usage.value)[:300])
    return None if usage.critical else Fault("E424", expected, "not marked critical")


def _certificate_hash_fault(token: Token) -> Fault | None:
    """RFC 5816: what the authority signed says by its hash which certificate is the signer's."""
    der = token.signer.public_bytes(Encoding.DER)
    try:
        attributes = _attributes(token.info)
        first = _only(attributes, form.SIGNING_CERTIFICATE, form.SigningCertificate)
        second = _only(attributes, form.SIGNING_CERTIFICATE_V2, form.SigningCertificateV2)
        stated = [("sha1", one.certificates[0].digest) for one in (first,) if one is not None]
        for ids in (second,) if second is not None else ():
            algorithm = ids.certificates[0].algorithm
            name = "sha256" if algorithm is None else _DIGESTS[algorithm.oid.dotted_string].name
            stated.append((name, ids.certificates[0].digest))
    except (ValueError, IndexError, KeyError) as error:
        return Fault("E425", "the hash of the signer's certificate", short(str(error)))
    if not stated:
        return Fault("E425", "the hash of the signer's certificate", "none")
    for name, digest in stated:
        computed = hashlib.new(name, der, usedforsecurity=False).digest()
        if computed != digest:
            return Fault("E425", f"{name} {computed.hex()} of the signer's certificate", digest.hex()[:128])
    return None


def _name(oid: str) -> str:
    return f"SHA-{_DIGESTS[oid].digest_size * 8}" if oid in _DIGESTS else f"digest {short(oid)}"
