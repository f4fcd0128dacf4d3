"""Persons known by an ssh CA: whose certificates are believed, for which names, revoked with their CA."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import casebuilder as cb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from evidencekit.core import layout
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.sshwire import put_string
from evidencekit.core.values import format_instant
from evidencekit.seal.sign import load_signer
from evidencekit.verify.verifier import verify_case

spec = importlib.util.spec_from_file_location("certmaker", Path(__file__).parents[2] / "certmaker.py")
cm = sys.modules.setdefault("certmaker", importlib.util.module_from_spec(spec))
if not hasattr(cm, "certificate"):
    spec.loader.exec_module(cm)

CA_LINE = f"ssh-ed25519 {base64.b64encode(cm.ed25519_blob(cm.CA)).decode()}"
ANYBODY = f"* cert-authority {CA_LINE}\n"


def certified(folder, **fields):
    """The examiner, with a certificate for his key."""
    private = load_ssh_private_key((folder / "examiner").read_bytes(), None)
    fields = {"principals": cm.strings(b"examiner")} | fields
    blob = cm.certificate(key=put_string(private.public_key().public_bytes_raw()), **fields)
    path = folder / "examiner-cert.pub"
    path.write_bytes(b"ssh-ed25519-cert-v01@openssh.com " + base64.b64encode(blob) + b" examiner\n")
    return path


@pytest.fixture
def carded(tmp_path, monkeypatch):
    """A case whose every event the examiner signed with a certificate; `made(**fields)` says with which."""

    def made(**fields):
        real = cb.load_signer

        def load(path, **more):
            return real(certified(path.parent, **fields) if path.name == "examiner" else path, **more)

        monkeypatch.setattr(cb, "load_signer", load)
        build = cb.Builder(tmp_path)
        build.seal()
        return build

    return made


def judged(build, signers, **more):
    report = verify_case(build.case, policy=build.policy(signers=signers, **more))
    found = {f.code for f in report.findings if f.severity == "error"}
    return found, report.aspects["identity"].status, report


def test_a_ca_that_is_believed(carded):
    build = carded()
    found, status, report = judged(build, f"examiner cert-authority {CA_LINE}\n")
    assert (found, status, report.verdict) == (set(), "ok", "VERIFIED")
    assert report.checked["persons"] == 3
    vouched = f'[[log]]\norigin = "{cb.ORIGIN}"\nvouched_by = ["examiner"]\n'
    assert judged(build, ANYBODY, settings=vouched, logs="quorum none\n")[:2] == (set(), "ok")


def test_without_a_policy_the_certificate_is_not_asked_about(carded):
    report = verify_case(carded(before=5).case)
    assert report.verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize(
    "signers",
    [
        f"somebody cert-authority {CA_LINE}\n",
        f"*,!examiner cert-authority {CA_LINE}\n",
        f'* cert-authority,namespaces="file" {CA_LINE}\n',
        f"* {CA_LINE}\n",
        "",
    ],
)
def test_a_ca_that_is_not_believed_for_this(carded, signers):
    found, status, _ = judged(carded(), signers)
    assert (found, status) == ({"E408"}, "failed")


def test_his_plain_key_is_another_matter(carded, tmp_path):
    build = carded()
    found, _, _ = judged(build, f"examiner {build.public_key()}\n")
    assert found == {"E408"}
    plain = load_signer(tmp_path / "examiner", ask_passphrase=None)
    assert plain.fingerprint == build.signer.fingerprint  # one person in the rules of custody


def test_names_that_the_certificate_has_not(carded):
    found, _, _ = judged(carded(principals=cm.strings(b"somebody")), ANYBODY)
    assert found == {"E408"}


def test_of_another_ca(carded):
    build = carded(ca=Ed25519PrivateKey.from_private_bytes(b"d" * 32))
    assert judged(build, ANYBODY)[0] == {"E408"}


def test_a_window_needs_proven_times(carded):
    found, status, report = judged(carded(after=1_000), ANYBODY)
    assert (found, status, report.verdict) == (set(), "not_checked", "NOT CHECKED")
    assert "unproven_time" in {item.code for item in report.not_checked}


def test_both_windows_that_never_meet(carded):
    """Whatever the time was, one of them did not hold: not checked, never ok."""
    signers = f'* cert-authority,valid-before="19800101Z" {CA_LINE}\n'
    found, status, _ = judged(carded(after=1_700_000_000), signers)
    assert status in {"not_checked", "failed"}
    assert found <= {"E409"}


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 2},
        {"critical": cm.strings(b"force-command", b"")},
        {"signature": cm.strings(b"ssh-ed25519", bytes(64))},
    ],
)
def test_a_certificate_that_is_refused(carded, monkeypatch, tmp_path, fields):
    build = carded()
    bad = certified(tmp_path, **fields).read_bytes().split()[1]
    build.signer._shown = base64.b64decode(bad)
    monkeypatch.setattr("evidencekit.seal.sign.verify_sshsig", lambda *_: None)
    build.acquire("EX-002")
    found, _, report = judged(build, ANYBODY)
    assert found == {"E404", "E408"}  # refused; and so nobody says whose the key is
    (where,) = {f.where for f in report.findings if f.code == "E404"}
    assert where == layout.signature_file(3, 0)
    assert {f.found for f in report.findings if f.code == "E404"} == {"certificate_rejected"}


def test_a_signature_by_a_certificate_that_does_not_hold(carded):
    build = carded()
    (build.case / layout.signature_file(1, 0)).write_bytes(build.signer.sign(b"other", "evidencekit-event"))
    found, status, _ = judged(build, ANYBODY)
    assert (found, status) == ({"E201", "E402"}, "not_checked")


@pytest.mark.parametrize("whose", ["ca", "key"])
def test_revoked_with_its_ca(carded, whose):
    build = carded()
    key = fingerprint(cm.ed25519_blob(cm.CA)) if whose == "ca" else build.signer.fingerprint
    table = f'[[key]]\nfingerprint = "{key}"\nreason = "lost"\nsizes = {{"{cb.ORIGIN}" = 2}}\n'
    found, status, report = judged(build, ANYBODY, revoked=table)
    assert (found, status) == ({"E410"}, "failed")
    assert [f.where for f in report.findings if f.code == "E410"] == [layout.event_file(2)]
    table = table.replace("= 2}", "= 0}")
    vouched = f'[[log]]\norigin = "{cb.ORIGIN}"\nvouched_by = ["examiner"]\n'
    assert judged(build, ANYBODY, settings=vouched, logs="quorum none\n", revoked=table)[0] == {"E407", "E410"}


def test_the_writer_goes_on_after_certificates(carded):
    build = carded()
    assert build.ledger().log.size == 3


def stamp(build, maker):
    """Have the newest checkpoint stamped now, and enter the token."""
    size = len(build.leaves())
    when = datetime.now(UTC).replace(microsecond=0)
    data = maker.stamp((build.case / layout.checkpoint_file(size)).read_bytes(), when)
    file = layout.token_name(size, "city")
    (build.case / "checkpoints" / file).write_bytes(data)
    body = {
        "at": format_instant(int(when.timestamp()) * 10**9), "by": "City stamp", "file": file, "kind": "time-stamp",
        "sha256": hashlib.sha256(data).hexdigest(), "size": str(size),
    }  # fmt: skip
    build.enter(build.event("anchor", [], body))


@pytest.mark.parametrize(
    ("fields", "line", "expected"),
    [
        ({"before": 4_000_000_000}, "", (set(), "ok")),
        ({"before": 1_600_000_000}, "", ({"E409"}, "failed")),
        ({"after": 4_000_000_000}, "", ({"E409"}, "failed")),
        ({"before": 4_000_000_000}, ',valid-before="20200101Z"', ({"E409"}, "failed")),
        ({"before": 4_000_000_000}, ',valid-before="20900101Z"', (set(), "ok")),
    ],
)
def test_windows_against_proven_times(carded, tsa, fields, line, expected):
    """The certificate's and the line's, by time-stamps around the last event."""
    maker = tsa.Maker("City")
    build = carded(**fields)
    stamp(build, maker)
    build.seal(exhibit="EX-002")
    stamp(build, maker)
    policy = build.policy(signers=f"* cert-authority{line} {CA_LINE}\n")
    (policy / "tsa").mkdir()
    (policy / "tsa/city.pem").write_bytes(maker.root.pem)
    report = verify_case(build.case, policy=policy, now=time.time_ns())
    found = {f.code for f in report.findings if f.severity == "error"}
    assert (found, report.aspects["identity"].status) == expected
    if "before" in fields and expected[0]:  # what stands after the first stamp was surely signed too late
        late = [f.where for f in report.findings if f.code == "E409"]
        assert late[:2] == [layout.event_file(4), layout.event_file(5)]
