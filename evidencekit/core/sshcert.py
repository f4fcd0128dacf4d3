"""Certificates of an ssh CA: somebody whom the policy believes says whose key this is, and from when to when.

    ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAINED5L… jane@unit7.example

Promise: a `Certificate` that exists is well formed, for a user, and asks for nothing that is not honoured here. The
signature of its CA is checked by `evidencekit.read.signature`; whether the CA is believed, by the policy. Names in it
are exact, never patterns. Narrower than ssh-keygen, which does not look at critical options: only `verify-required` is
taken.

Source: OpenSSH PROTOCOL.certkeys, PROTOCOL.u2f; specs/custody-log.md section 1, specs/policy.md point 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from evidencekit.core import sshkeys
from evidencekit.core.allowed_signers import AllowedSigner, matches_pattern_list
from evidencekit.core.sshwire import WireReader, put_string
from evidencekit.core.values import decode_base64, short
from evidencekit.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIX: Final = "-cert-v01@openssh.com"
_STRINGS: Final = {
    sshkeys.ED25519: 1,
    sshkeys.SK_ED25519: 2,
    sshkeys.SK_ECDSA: 3,
    sshkeys.ECDSA_256: 2,
    sshkeys.ECDSA_384: 2,
    sshkeys.RSA: 2,
}
"""Key type to the number of strings of its key (mpints are strings, too)."""
CERTIFICATES: Final = {name.removesuffix("@openssh.com") + _SUFFIX: name for name in sshkeys.ALGORITHMS}
"""Certificate type to key type."""

USER: Final = 1
MAX_CERTIFICATE: Final = 16_384
MAX_PRINCIPALS: Final = 256
"""OpenSSH's own ceiling."""
LAST_SECOND: Final = 253_402_300_799
"""The last of the year 9999: whatever is valid for longer ends never."""
_PATTERN: Final = frozenset('*?!,"')


@dataclass(frozen=True, slots=True)
class Certificate:
    """A user's certificate, its CA's signature not yet checked."""

    key: bytes
    """The certified key: an SSH wire blob of an accepted type."""
    key_id: str
    """The CA's own words for it."""
    serial: int
    principals: tuple[str, ...]
    """Names that the key may sign as, to the letter; at least one."""
    valid_after: int | None
    """First second (since 1970, UTC) in which it is valid, or None."""
    valid_before: int | None
    """Last second in which it is valid, or None."""
    verify_required: bool
    """A security key has to have checked the person (PIN, finger), not only the touch."""
    ca: bytes
    """The CA's key: an SSH wire blob, itself no certificate."""
    signed: bytes
    """What the CA signed."""
    signature: bytes
    """The CA's SSH wire signature blob."""


def is_certificate(blob: bytes) -> bool:
    """Tell whether a key blob says that it is a certificate of a type that is known here."""
    try:
        return sshkeys.key_algorithm(blob) in CERTIFICATES
    except FormatError:
        return False


def plain_key(blob: bytes) -> bytes:
    """Return the key that a certificate certifies; any other blob as it is.

    ssh-keygen gives both the same fingerprint: the certificate says who somebody is, the key is what he signs with.
    """
    if not is_certificate(blob):
        return blob
    try:
        return _take_key(WireReader(blob, "certificate"))
    except FormatError:
        return blob


def _take_key(reader: WireReader) -> bytes:
    """Take type, nonce and key off the front; give the key as it stands without a certificate."""
    name = reader.text("type")
    if name not in CERTIFICATES:
        raise FormatError("certificate.type", expected="one of " + ", ".join(CERTIFICATES), found=short(name))
    algorithm = CERTIFICATES[name]
    reader.string("nonce")
    fields = (put_string(reader.string("key")) for _ in range(_STRINGS[algorithm]))
    return put_string(algorithm.encode("ascii")) + b"".join(fields)


def parse_certificate(blob: bytes) -> Certificate:
    """Parse a certificate's wire blob (PROTOCOL.certkeys). Says nothing about the values of its two keys.

    Raises:
        FormatError: not of a type that is known, or not in its one encoding; a host's; without names, or with one that
        could not stand on a line of allowed_signers; with a critical option other than `verify-required`.
    """
    if len(blob) > MAX_CERTIFICATE:
        raise FormatError("certificate", expected=f"at most {MAX_CERTIFICATE} bytes", found=f"{len(blob)} bytes")
    reader = WireReader(blob, "certificate")
    key = _take_key(reader)
    sshkeys.split_key_blob(key)
    serial, kind = reader.uint64("serial"), reader.uint32("kind")
    if kind != USER:
        raise FormatError("certificate.kind", expected="1, a user's", found=str(kind))
    key_id = _text(reader.string("key id"), "certificate.key id")
    principals = _principals(reader.string("principals"))
    after, before = reader.uint64("valid after"), reader.uint64("valid before")
    if before <= after:
        raise FormatError("certificate.valid before", expected="later than valid after", found=str(before))
    options = _options(reader.string("critical options"), "certificate.critical options")
    for option, value in options.items():
        if option != "verify-required" or value:
            raise FormatError("certificate.critical options", expected="verify-required, or none", found=short(option))
    _options(reader.string("extensions"), "certificate.extensions")
    if reader.string("reserved"):
        raise FormatError("certificate.reserved", expected="nothing", found="some bytes")
    ca, signature = reader.string("signature key"), reader.string("signature")
    reader.end()
    if is_certificate(ca):
        raise FormatError("certificate.signature key", expected="a key", found="another certificate")
    return Certificate(
        key=key,
        key_id=key_id,
        serial=serial,
        principals=principals,
        valid_after=min(after, LAST_SECOND) or None,
        valid_before=None if before > LAST_SECOND else before - 1,  # OpenSSH: up to, but not including
        verify_required="verify-required" in options,
        ca=ca,
        signed=blob[: -len(put_string(signature))],
        signature=signature,
    )


def _text(data: bytes, place: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(place, expected="UTF-8", found=short(data)) from None
    sshkeys.check_comment(text, place)
    return text


def _principals(data: bytes) -> tuple[str, ...]:
    place = "certificate.principals"
    reader = WireReader(data, "certificate")
    names = []
    while reader.rest:
        names.append(_text(reader.string("principals"), place))
        if len(names) > MAX_PRINCIPALS or not names[-1] or _PATTERN & set(names[-1]):
            expected = f'1 to {MAX_PRINCIPALS} names, not empty, without * ? ! , "'
            raise FormatError(place, expected=expected, found=short(names[-1]))
    if not names:  # such a certificate is for everybody: sshd once took it so, sshsig never did
        raise FormatError(place, expected="at least one name", found="none")
    return tuple(names)


def _options(data: bytes, place: str) -> dict[str, bytes]:
    reader = WireReader(data, "certificate")
    options: dict[str, bytes] = {}
    while reader.rest:
        name = reader.text("option")
        options[name] = reader.string("option")
    if any(first >= second for first, second in pairwise(options)):
        raise FormatError(place, expected="options in ascending order, each once", found=short(list(options)))
    return options


def parse_certificate_line(line: bytes) -> tuple[bytes, str]:
    """Parse the one line of a `KEY-cert.pub` file to the certificate's wire blob and its comment.

    Raises:
        FormatError: anything else.
    """
    if len(line) > 2 * MAX_CERTIFICATE:
        raise FormatError("certificate", expected=f"at most {2 * MAX_CERTIFICATE} bytes", found=f"{len(line)} bytes")
    name, _, rest = line.removesuffix(b"\n").partition(b" ")
    encoded, _, words = rest.partition(b" ")
    comment = _text(words, "certificate.comment")
    blob = decode_base64(encoded.decode("latin-1"), "certificate.base64")
    parse_certificate(blob)
    inside = sshkeys.key_algorithm(blob)
    if inside.encode() != name:
        raise FormatError("certificate.type", expected=f"{inside}, as in the base64", found=short(name))
    return blob, comment


def certified_signers(signers: Iterable[AllowedSigner], certificate: Certificate) -> tuple[AllowedSigner, ...]:
    """Give what allowed_signers says of a certificate, as lines about the certified key, in file order.

    Each `cert-authority` line with the CA's key that allows some of the certificate's names gives a line with just
    these names, and the window in which both are valid (which may be empty). As `ssh-keygen -Y verify` judges it.
    """
    key = sshkeys.PublicKey(certificate.key, sshkeys.key_algorithm(certificate.key), certificate.key_id)
    found = []
    for signer in signers:
        if not signer.cert_authority or signer.key.blob != certificate.ca:
            continue
        names = tuple(name for name in certificate.principals if matches_pattern_list(name, signer.principals))
        starts = [start for start in (signer.valid_after, certificate.valid_after) if start is not None]
        ends = [end for end in (signer.valid_before, certificate.valid_before) if end is not None]
        if names:
            window = max(starts, default=None), min(ends, default=None)
            found.append(AllowedSigner(names, signer.namespaces, *window, key, signer.line))
    return tuple(found)
