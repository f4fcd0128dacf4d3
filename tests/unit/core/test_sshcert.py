"""Certificates of an ssh CA: which are well formed, and what allowed_signers makes of them."""

from __future__ import annotations

import base64
import importlib.util
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization.ssh import SSHCertificateBuilder, SSHCertificateType

from evidencekit.core.allowed_signers import parse_allowed_signers
from evidencekit.core.sshcert import (
    CERTIFICATES,
    LAST_SECOND,
    certified_signers,
    is_certificate,
    parse_certificate,
    parse_certificate_line,
    plain_key,
)
from evidencekit.core.sshkeys import fingerprint, key_algorithm, key_fault
from evidencekit.core.sshwire import put_string
from evidencekit.errors import FormatError

spec = importlib.util.spec_from_file_location("certmaker", Path(__file__).parents[2] / "certmaker.py")
cm = sys.modules.setdefault("certmaker", importlib.util.module_from_spec(spec))
if not hasattr(cm, "certificate"):
    spec.loader.exec_module(cm)
CA_LINE = f"ssh-ed25519 {base64.b64encode(cm.ed25519_blob(cm.CA)).decode()}"
OTHER_LINE = f"ssh-ed25519 {base64.b64encode(cm.ed25519_blob(cm.KEY)).decode()}"


def test_every_field():
    parsed = parse_certificate(cm.certificate(after=1_000, before=2_000, critical=cm.strings(b"verify-required", b"")))
    assert parsed.key == cm.ed25519_blob(cm.KEY)
    assert parsed.ca == cm.ed25519_blob(cm.CA)
    assert (parsed.serial, parsed.key_id, parsed.principals) == (7, "Jane, card 7", (cm.JANE,))
    assert (parsed.valid_after, parsed.valid_before) == (1_000, 1_999)  # OpenSSH's end does not belong to it
    assert parsed.verify_required
    cm.CA.public_key().verify(parsed.signature[-64:], parsed.signed)


def test_for_ever():
    parsed = parse_certificate(cm.certificate())
    assert (parsed.valid_after, parsed.valid_before, parsed.verify_required) == (None, None, False)


@pytest.mark.parametrize("before", [LAST_SECOND, LAST_SECOND + 1, 2**63, 2**64 - 2])
def test_an_end_that_no_calendar_has_is_none(before):
    parsed = parse_certificate(cm.certificate(after=2**62 if before > 2**62 else 5, before=before))
    assert parsed.valid_before in {None, LAST_SECOND - 1}
    assert parsed.valid_after <= LAST_SECOND


def of_another_library(private, ca):
    builder = SSHCertificateBuilder().public_key(private.public_key()).serial(1).type(SSHCertificateType.USER)
    builder = builder.key_id(b"id").valid_principals([b"jane"]).valid_after(1).valid_before(2**63)
    made = builder.add_extension(b"permit-pty", b"").sign(ca)
    return made.public_bytes()


@pytest.mark.parametrize(
    "private",
    [
        Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 3072),
    ],
    ids=lambda private: type(private).__name__,
)
def test_what_another_library_makes(private):
    blob, _ = parse_certificate_line(of_another_library(private, cm.CA) + b" Jane\n")
    parsed = parse_certificate(blob)
    assert key_fault(parsed.key) is None
    assert CERTIFICATES[key_algorithm(blob)] == key_algorithm(parsed.key)
    assert (parsed.principals, parsed.ca) == (("jane",), cm.ed25519_blob(cm.CA))


REFUSED = {
    "host": {"kind": 2},
    "neither user nor host": {"kind": 0},
    "for everybody": {"principals": b""},
    "empty name": {"principals": cm.strings(b"")},
    "pattern": {"principals": cm.strings(b"*@x")},
    "comma": {"principals": cm.strings(b"a,b")},
    "control character": {"principals": cm.strings(b"a\x1b")},
    "not UTF-8": {"principals": cm.strings(b"\xff")},
    "too many names": {"principals": cm.strings(*[b"a"] * 257)},
    "cut names": {"principals": cm.strings(b"a")[:-1]},
    "unknown option": {"critical": cm.strings(b"force-command", put_string(b"x"))},
    "another unknown option": {"critical": cm.strings(b"source-address", put_string(b"10.0.0.0/8"))},
    "option with a value": {"critical": cm.strings(b"verify-required", b"x")},
    "option twice": {"critical": cm.strings(b"verify-required", b"", b"verify-required", b"x")},
    "extensions out of order": {"extensions": cm.strings(b"permit-pty", b"", b"permit-X11-forwarding", b"")},
    "key id": {"key_id": b"a\n"},
    "no window": {"after": 5, "before": 5},
    "window the wrong way round": {"after": 6, "before": 5},
    "reserved": {"reserved": b"x"},
    "another type": {"name": b"ssh-dss-cert-v01@openssh.com"},
    "another version": {"name": b"ssh-ed25519-cert-v02@openssh.com"},
    "a key of another type": {"key": put_string(b"x" * 31)},
    "nested": {"ca_blob": cm.certificate()},
    "more": {"tail": b"x"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(FormatError):
        parse_certificate(cm.certificate(**REFUSED[name]))


def test_cut_anywhere():
    blob = cm.certificate()
    for size in range(len(blob)):
        with pytest.raises(FormatError):
            parse_certificate(blob[:size])
    with pytest.raises(FormatError):
        parse_certificate(blob + bytes(16_384))


def test_the_fingerprint_is_that_of_the_key():
    blob = cm.certificate()
    assert plain_key(blob) == cm.ed25519_blob(cm.KEY)
    assert fingerprint(plain_key(blob)) == fingerprint(cm.ed25519_blob(cm.KEY))
    assert plain_key(cm.certificate(kind=2)) == cm.ed25519_blob(cm.KEY)  # whose it is, even where it is refused
    assert is_certificate(blob)
    for other in (cm.ed25519_blob(cm.KEY), b"", b"\0\0\0\x01x", blob[:40]):
        assert plain_key(other) == other


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"ssh-ed25519 AAAA",
        b"ssh-rsa-cert-v01@openssh.com " + base64.b64encode(cm.certificate()),
        b"ssh-ed25519-cert-v01@openssh.com " + base64.b64encode(cm.certificate(kind=2)),
        b"ssh-ed25519-cert-v01@openssh.com " + base64.b64encode(cm.certificate()) + b" a\nb",
        b"\xff",
    ],
)
def test_lines_that_are_refused(line):
    with pytest.raises(FormatError):
        parse_certificate_line(line)


def allowed(text, **fields):
    return certified_signers(parse_allowed_signers(text.encode()), parse_certificate(cm.certificate(**fields)))


def test_what_a_ca_says_becomes_a_line():
    (line,) = allowed(
        f'# x\n*@unit7.example cert-authority,namespaces="evidencekit-*" {CA_LINE}\n',
        principals=cm.strings(b"jane@unit7.example", b"root", b"j@unit7.example"),
    )
    assert line.principals == ("jane@unit7.example", "j@unit7.example")
    assert (line.namespaces, line.line, line.cert_authority) == (("evidencekit-*",), 2, False)
    assert line.key.blob == cm.ed25519_blob(cm.KEY)
    assert line.matches("j@unit7.example", "evidencekit-event")
    assert not line.matches("root")


@pytest.mark.parametrize(
    "text",
    [
        f"*@unit7.example {CA_LINE}",  # the CA may sign by itself, and certify nobody
        f"*@unit7.example cert-authority {OTHER_LINE}",
        f"*@other.example cert-authority {CA_LINE}",
        f"*,!jane@* cert-authority {CA_LINE}",
        f"{cm.JANE} {OTHER_LINE}",  # whose key it is; but he signed with a certificate, as ssh-keygen sees it
    ],
)
def test_whom_no_line_lets_sign(text):
    assert allowed(text) == ()


@pytest.mark.parametrize(
    ("options", "after", "before", "window"),
    [
        ("", 0, 2**64 - 1, (None, None)),
        ("", 100, 200, (100, 199)),
        (',valid-after="19700101000300Z"', 100, 200, (180, 199)),
        (',valid-after="19700101000130Z"', 100, 200, (100, 199)),
        (',valid-before="19700101000300Z"', 100, 200, (100, 180)),
        (',valid-before="19700101000300Z"', 0, 2**64 - 1, (None, 180)),
        (',valid-before="19700101000100Z"', 100, 200, (100, 60)),  # never both: outside at any time
    ],
)
def test_both_windows_hold(options, after, before, window):
    (line,) = allowed(f"* cert-authority{options} {CA_LINE}", after=after, before=before)
    assert (line.valid_after, line.valid_before) == window
