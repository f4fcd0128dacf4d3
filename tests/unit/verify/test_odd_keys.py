"""Odd Ed25519 keys are refused wherever one can come in: at enrolment of a person, CA, log, witness, and at each check.

The keys: small order, not canonical, off the curve, of mixed order; implementations disagree on each of them.
"""

from __future__ import annotations

import base64
import hashlib
import json

import casebuilder as cb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidencekit.core import ed25519_points as points
from evidencekit.core.allowed_signers import parse_allowed_signers
from evidencekit.core.checkpoint import Checkpoint, cosignature_message
from evidencekit.core.log_types import LOG_TYPES
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, VerifierKey, format_vkey
from evidencekit.core.sshkeys import key_fault, parse_public_key_line
from evidencekit.core.sshsig import SignatureFields, SshSignature, join_signature_blob
from evidencekit.core.sshwire import put_string
from evidencekit.errors import FormatError
from evidencekit.read.signature import verify_ed25519, verify_sshsig
from evidencekit.verify.tlog_policy import parse_tlog_policy
from evidencekit.verify.verifier import verify_case

BASE = points.decode(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))
ORDER_8 = points.decode(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
ODD = {
    **{f"small order {number}": point for number, point in enumerate(sorted(points.SMALL_ORDER))},
    "order 1, not canonical": (points.P + 1).to_bytes(32, "little"),
    "order 1, with a sign": b"\1" + bytes(30) + b"\x80",
    "y = p": points.P.to_bytes(32, "little"),
    "y over p": b"\xff" * 31 + b"\x7f",
    "all ones": b"\xff" * 32,
    "off the curve": b"\2" + bytes(31),
    "mixed order": points.encode(points.add(BASE, ORDER_8)),
}
each = pytest.mark.parametrize("point", ODD.values(), ids=ODD)


def blob(point: bytes, kind: bytes = b"ssh-ed25519") -> bytes:
    application = put_string(b"ssh:") if kind.startswith(b"sk-") else b""
    return put_string(kind) + put_string(point) + application


def pub(point: bytes, kind: bytes = b"ssh-ed25519") -> str:
    return f"{kind.decode()} {base64.b64encode(blob(point, kind)).decode()}"


@each
@pytest.mark.parametrize("kind", [b"ssh-ed25519", b"sk-ssh-ed25519@openssh.com"])
def test_a_persons_key(point, kind):
    assert key_fault(blob(point, kind)) == "key_rejected"
    with pytest.raises(FormatError):
        parse_public_key_line(pub(point, kind))
    for options in ("", "cert-authority "):
        with pytest.raises(FormatError, match="line 2"):
            parse_allowed_signers(f"# x\njane {options}{pub(point, kind)}\n".encode())
    raw = SignatureFields(kind.decode(), b"\1" + bytes(63), *((1, 0) if kind.startswith(b"sk-") else ()))
    sig = SshSignature(blob(point, kind), "file", "sha512", join_signature_blob(raw))
    assert verify_sshsig(sig, b"", "file") == "key_rejected"


@each
def test_a_key_that_an_event_adds(point):
    body = {"_t": "evidencekit/key_add/1", "id": "jane", "public_key": pub(point)}
    with pytest.raises(FormatError, match="public_key"):
        LOG_TYPES["key_add"].body.check(body, "body")


@each
@pytest.mark.parametrize("kind", [ED25519, ED25519_COSIGNATURE])
def test_a_logs_and_a_witnesss_key(point, kind):
    vkey = format_vkey(VerifierKey("a.example/x", kind, point))
    line = f"log {vkey}" if kind == ED25519 else f"witness w {vkey}"
    with pytest.raises(FormatError, match="line 1: expected a key that every verifier accepts alike"):
        parse_tlog_policy(f"{line}\nquorum none\n".encode())


@each
def test_no_signature_by_it_is_good(point):
    """R = neutral element or the key itself, S = 0: good to somebody, for keys of small order."""
    message = cosignature_message(Checkpoint("a.example/x", 1, bytes(32)), 5)
    for r in (b"\1" + bytes(31), point):
        assert not verify_ed25519(point, r + bytes(32), message)


@each
def test_an_odd_r_is_refused_under_a_sound_key(point):
    sound = hashlib.sha256(b"seed").digest()
    private = Ed25519PrivateKey.from_private_bytes(sound)
    assert not verify_ed25519(private.public_key().public_bytes_raw(), point + bytes(32), b"x")


@pytest.mark.parametrize("name", ["small order 0", "all ones", "mixed order"])
def test_a_case_that_was_opened_with_one(sealed, name):
    """case.json names such a key: no line of its log is good, whatever stands there."""
    path = sealed.case / "case.json"
    record = json.loads(path.read_text())
    record["log_keys"][0] = format_vkey(VerifierKey(cb.ORIGIN, ED25519, ODD[name]))
    path.write_bytes(cb.jcs(record))
    report = verify_case(sealed.case)
    assert report.verdict == "FAILED"
    assert {finding.code for finding in report.findings} & {"E101", "E104", "E405", "E406"}
