"""Does a time-stamp token lead to an authority that the recipient believes, at the token's own time? Asked twice.

Two libraries of different hands build the chain: OpenSSL by rfc3161-client, which also checks the signature, and the
path check of cryptography. Both have to say yes. Roots come from the recipient alone: embedded certificates can stand
in the middle, never at the end. No date of today is asked, so a good token stays good. Source: specs/time.md section 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    DuplicateExtension,
    ExtendedKeyUsage,
    ExtensionNotFound,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
)
from rfc3161_client import VerifierBuilder

from evidencekit.core.values import short
from evidencekit.errors import FormatError
from evidencekit.read.token import Token
from evidencekit.read.token_checks import Fault


@dataclass(frozen=True, slots=True)
class Authority:
    """A time-stamp authority that the recipient believes."""

    name: str
    """The recipient's own name for it: the file's, without `.pem`."""
    roots: tuple[Certificate, ...]
    others: tuple[Certificate, ...] = ()
    """Certificates of authorities between root and signer, for tokens that lack them."""

    def seems_to_have_made(self, token: Token) -> bool:
        """Tell whether a token says, by the names in its certificates, that it is of this authority."""
        mine = {certificate.subject for certificate in (*self.roots, *self.others)}
        return any(certificate.issuer in mine for certificate in token.certificates)


def parse_authority(name: str, pem: bytes) -> Authority:
    """Read a PEM file of an authority: roots (which name themselves as issuer), and what stands below them.

    Raises:
        FormatError: no certificates; one that is not an authority's; no root.
    """
    place = f"{name}.pem"
    try:
        certificates = load_pem_x509_certificates(pem)
        certifying = all(map(_is_of_authority, certificates))
    except (ValueError, DuplicateExtension, UnsupportedAlgorithm) as error:
        raise FormatError(place, expected="PEM certificates", found=short(str(error))) from error
    roots = tuple(one for one in certificates if one.issuer == one.subject)
    if not roots or not certifying:
        found = "none" if not roots else "one that may not certify others"
        raise FormatError(place, expected="a root, and certificates of authorities alone", found=found)
    return Authority(name, roots, tuple(one for one in certificates if one.issuer != one.subject))


def _is_of_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def chain_fault(token: Token, authority: Authority) -> Fault | None:
    """Return why a token does not lead to an authority's roots at its own time, None where it does."""
    expected = f"a chain to the root of {short(authority.name)} at the token's own time"
    found = library_fault(token, authority) or path_fault(token, authority)
    return None if found is None else Fault("E426", expected, found)


def library_fault(token: Token, authority: Authority) -> str | None:
    """Return what rfc3161-client objects to: signature, chain, purpose, status."""
    builder = VerifierBuilder(roots=list(authority.roots), intermediates=list(authority.others))
    try:
        builder.build().verify(token.response, token.imprint)
    except Exception as error:  # noqa: BLE001 (certificates of any form are in a token; no exception is a yes)
        return _reason_of(error)
    return None


def _reason_of(error: Exception) -> str:
    """Return what OpenSSL found, without the stack around it."""
    told = re.search(r'Verify error: ?([^"]+)|reason: "([^"]+)"', str(error))
    return short((told[1] or told[2]) if told else str(error))


def path_fault(token: Token, authority: Authority) -> str | None:
    """Return what cryptography's path check objects to."""
    leaf = ExtensionPolicy.permit_all().require_present(ExtendedKeyUsage, Criticality.CRITICAL, _only_time_stamping)
    above = ExtensionPolicy.permit_all().require_present(BasicConstraints, Criticality.AGNOSTIC, _may_certify)
    between = [one for one in (*token.certificates, *authority.others) if one != token.signer]
    try:
        at = token.response.tst_info.gen_time
        verifier = (
            PolicyBuilder()
            .store(Store(list(authority.roots)))
            .time(at)
            .extension_policies(ca_policy=above, ee_policy=leaf)
            .build_client_verifier()
        )
        for certificate in verifier.verify(token.signer, between).chain:  # the root too, which is taken as it is
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                return f"{short(certificate.subject.rfc4514_string())} was not valid at {at.isoformat()}"
    except Exception as error:  # noqa: BLE001 (as above)
        return short(str(error))
    return None


def _only_time_stamping(_policy: Policy, _certificate: Certificate, usage: ExtendedKeyUsage) -> None:
    if list(usage) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise ValueError("the signer's certificate is not for time stamping alone")


def _may_certify(_policy: Policy, _certificate: Certificate, constraints: BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("a certificate that may not certify others")
