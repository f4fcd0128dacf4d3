"""Signatures with a certificate: the CA's signature, its key, its demands; refused certificates of every kind."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidencekit.core.sshkeys import Ed25519Fields, fingerprint, join_key_blob
from evidencekit.core.sshsig import SignatureFields, SshSignature, join_signature_blob, signed_data, sk_signed_data
from evidencekit.core.sshwire import put_string
from evidencekit.read.signature import sound_certificate, verify_sshsig

spec = importlib.util.spec_from_file_location("certmaker", Path(__file__).parents[2] / "certmaker.py")
cm = sys.modules.setdefault("certmaker", importlib.util.module_from_spec(spec))
if not hasattr(cm, "certificate"):
    spec.loader.exec_module(cm)

NAMESPACE = "evidencekit-event"
MESSAGE = b"{}"
DATA = signed_data(NAMESPACE, hashlib.sha512(MESSAGE).digest())
SK = "sk-ssh-ed25519@openssh.com"
SK_CERT = b"sk-ssh-ed25519-cert-v01@openssh.com"
SMALL = bytes([1]) + bytes(31)
VERIFY = cm.strings(b"verify-required", b"")


def signed(blob, fields=None):
    fields = fields or SignatureFields("ssh-ed25519", cm.KEY.sign(DATA))
    return SshSignature(blob, NAMESPACE, "sha512", join_signature_blob(fields))


def on_security_key(flags):
    data = sk_signed_data(b"ssh:", flags, 9, DATA)
    return SignatureFields(SK, cm.KEY.sign(data), flags, 9)


def test_a_good_one():
    sig = signed(cm.certificate())
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) is None
    assert sig.fingerprint == fingerprint(cm.ed25519_blob(cm.KEY))
    assert verify_sshsig(sig, b"other", NAMESPACE) == "bad_signature"
    assert verify_sshsig(sig, MESSAGE, "file") == "wrong_namespace"


def test_by_another_key_than_the_certified():
    fields = SignatureFields("ssh-ed25519", cm.CA.sign(DATA))
    assert verify_sshsig(signed(cm.certificate(), fields), MESSAGE, NAMESPACE) == "bad_signature"


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 2},
        {"critical": cm.strings(b"force-command", put_string(b"x"))},
        {"signature": cm.strings(b"ssh-ed25519", bytes(64))},
        {"signature": b""},
        {"signature": cm.strings(b"ssh-rsa", bytes(64))},
        {
            "ca_blob": cm.ed25519_blob(Ed25519PrivateKey.from_private_bytes(bytes(32)))
        },  # names another CA than signed it
        {"ca_blob": put_string(b"ssh-ed25519") + put_string(SMALL)},
        {"ca_blob": put_string(b"ssh-dss") + put_string(b"x")},
        {"key": put_string(SMALL)},
        {"key": put_string(b"\xff" * 32)},
        {"tail": b"x"},
    ],
)
def test_certificates_that_are_refused(fields):
    blob = cm.certificate(**fields)
    assert sound_certificate(blob) is None
    assert verify_sshsig(signed(blob), MESSAGE, NAMESPACE) == "certificate_rejected"


def test_any_changed_byte_is_found():
    blob = cm.certificate()
    for at in range(60, len(blob), 7):
        wrong = bytearray(blob)
        wrong[at] ^= 1
        assert verify_sshsig(signed(bytes(wrong)), MESSAGE, NAMESPACE) is not None


def test_a_plain_key_never_stands_for_its_certificate():
    assert sound_certificate(cm.ed25519_blob(cm.KEY)) is None


@pytest.mark.parametrize(
    ("critical", "flags", "reason"),
    [
        (b"", 1, None),
        (b"", 0, "not_touched"),
        (VERIFY, 5, None),
        (VERIFY, 1, "not_checked_person"),
        (VERIFY, 4, "not_touched"),
    ],
)
def test_security_keys_and_what_the_ca_demands(critical, flags, reason):
    key = put_string(cm.KEY.public_key().public_bytes_raw()) + put_string(b"ssh:")
    blob = cm.certificate(name=SK_CERT, key=key, critical=critical)
    assert verify_sshsig(signed(blob, on_security_key(flags)), MESSAGE, NAMESPACE) == reason
    plain = join_key_blob(Ed25519Fields(SK, cm.KEY.public_key().public_bytes_raw(), b"ssh:"))
    assert signed(blob).fingerprint == fingerprint(plain)


def test_a_demand_that_an_ordinary_key_cannot_meet():
    assert verify_sshsig(signed(cm.certificate(critical=VERIFY)), MESSAGE, NAMESPACE) == "not_checked_person"
