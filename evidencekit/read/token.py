"""A time-stamp token read: any bytes give a `Token` or a FormatError. Nothing in it is believed yet.

What holds of it by itself is for `read/token_checks.py`, whose it is for `read/token_chain.py`.
Source: specs/time.md section 2.1; RFC 3161 section 2.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.x509 import Certificate, NameOID, load_der_x509_certificate
from rfc3161_client import TimeStampResponse, decode_timestamp_response

from evidencekit.core.values import short
from evidencekit.errors import FormatError
from evidencekit.read import token_form as form

MAX_TOKEN_FILE = 65_536
MAX_CERTIFICATES = 20
MAX_ACCURACY_NS = 86_400 * 1_000_000_000
"""A token that may be wrong by more than a day proves no time."""
UNSTATED_ACCURACY_NS = 1_000_000_000
"""What is taken where a token states none: the unit in which most authorities give the time."""
_LAST_STATUS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, well formed. Nothing in it is believed yet."""

    at_ns: int
    """Nanoseconds since 1970."""
    accuracy_ns: int
    algorithm: str
    """OID of the imprint's digest."""
    imprint: bytes
    nonce: int | None
    policy: str
    """OID of the authority's own policy."""
    certificates: tuple[Certificate, ...]
    """As embedded, which makes none of them believed."""
    signer: Certificate
    """The embedded certificate that the signer's info names."""
    response: TimeStampResponse
    """For rfc3161-client: the same bytes, with certificates in DER's order."""
    content: bytes
    info: form.SignerInfo

    @property
    def by(self) -> str:
        """The name in the signer's certificate: its common name, else all of its subject."""
        return subject_name(self.signer)


def subject_name(certificate: Certificate) -> str:
    """Return whom a certificate names: the common name, else the whole subject (RFC 4514)."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def parse_token(data: bytes) -> Token:
    """Read a time-stamp response (`.tsr`).

    Raises:
        FormatError: other bytes; a refusal instead of a token; a limit.
    """
    if len(data) > MAX_TOKEN_FILE:
        raise FormatError("time-stamp", expected=f"at most {MAX_TOKEN_FILE} bytes", found=f"{len(data)} bytes")
    response = form.decode(form.Response, data, "time-stamp response")
    if response.status.status != 0 or response.token is None:
        status, texts = response.status.status, "; ".join(response.status.texts or ())
        number = str(status) if 0 <= status <= _LAST_STATUS else "another number"  # DER has numbers of any length
        raise FormatError("time-stamp status", expected="granted", found=f"{number} {short(texts)}")
    signed = response.token.content
    if response.token.oid != form.SIGNED_DATA or signed.content.oid != form.TST_INFO:
        raise FormatError("time-stamp content", expected="signed TSTInfo", found="another type")
    info = form.decode(form.TimeStampInfo, signed.content.content, "TSTInfo")
    if info.version != 1:
        raise FormatError("TSTInfo", expected="version 1", found="another")
    signers = signed.signers.as_list()
    if len(signers) != 1 or not 0 < len(signed.certificates or ()) <= MAX_CERTIFICATES:
        found = f"{len(signers)} and {len(signed.certificates or ())}"
        raise FormatError("time-stamp", expected=f"1 signer, 1 to {MAX_CERTIFICATES} certificates", found=found)
    # in this copy alone: no signature covers their order, and strict readers refuse another
    sorted_copy = form.in_order(form.in_order(data, signed.certificates), signed.revocations)
    return _with_signer(sorted_copy, signed.content.content, info, signers[0])


def _with_signer(data: bytes, content: bytes, info: form.TimeStampInfo, signer: form.SignerInfo) -> Token:
    try:
        parsed = decode_timestamp_response(data)
        certificates = tuple(load_der_x509_certificate(each) for each in sorted(parsed.signed_data.certificates))
        named = parsed.signed_data.signer_infos.pop()
        mine = [one for one in certificates if (one.issuer, one.serial_number) == (named.issuer, named.serial_number)]
        names = [subject_name(one) for one in certificates]  # read now: what cannot be read must fail here
        accuracy = _accuracy(info.accuracy)
        at = (info.at.as_datetime() - _EPOCH) // timedelta(microseconds=1) * 1000
    except Exception as error:
        raise FormatError("time-stamp", expected="a token of RFC 3161", found=short(str(error))) from error
    if len(mine) != 1:
        found = f"{len(mine)} of its name among {short(', '.join(names))}"
        raise FormatError("time-stamp", expected="the signer's certificate", found=found)
    return Token(
        at_ns=at,
        accuracy_ns=accuracy,
        algorithm=info.imprint.algorithm.oid.dotted_string,
        imprint=info.imprint.digest,
        nonce=info.nonce,
        policy=info.policy.dotted_string,
        certificates=certificates,
        signer=mine[0],
        response=parsed,
        content=content,
        info=signer,
    )


def _accuracy(stated: form.Accuracy | None) -> int:
    if stated is None:
        return UNSTATED_ACCURACY_NS
    parts = (stated.seconds or 0, stated.millis or 0, stated.micros or 0)
    accuracy = (parts[0] * 1_000_000 + parts[1] * 1000 + parts[2]) * 1000
    if min(parts) < 0 or accuracy > MAX_ACCURACY_NS:
        raise ValueError(f"an accuracy of {accuracy} ns")
    return accuracy
