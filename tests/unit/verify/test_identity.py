"""The policy: who may say that this log is his, who signed, and what is then not proved."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.core.note import ED25519_COSIGNATURE, VerifierKey, format_vkey
from evidencekit.verify.policy import read_policy
from evidencekit.verify.verifier import verify_case

LOG = f'[[log]]\norigin = "{cb.ORIGIN}"\n'
VOUCHED = LOG + 'vouched_by = ["examiner"]\n'


def errors(report):
    return {(f.code, f.where) for f in report.findings if f.severity == "error"}


def identity(build, *args, now=None, **more):
    """The errors, and the aspect's status."""
    report = verify_case(build.case, policy=build.policy(*args, **more), now=now)
    return {code for code, _ in errors(report)}, report.aspects["identity"].status, report


def test_known_keys_and_persons_are_verified(sealed):
    found, status, report = identity(sealed)
    assert (found, status, report.verdict, report.line) == (set(), "ok", "VERIFIED", "VERIFIED (record)")
    assert report.checked["persons"] == 3
    assert report.checked["log_policy"] == 1


def test_a_policy_may_be_read_before(sealed):
    assert verify_case(sealed.case, policy=read_policy(sealed.policy())).verdict == "VERIFIED"


def test_one_listed_key_is_enough_until_all_are_asked_for(sealed):
    one = f"log {sealed.keys.vkeys[1]}\nquorum none\n"
    other = cb.new_log_keys(cb.ORIGIN).vkeys[0]
    mixed = f"log {sealed.keys.vkeys[0]}\nlog {other}\nquorum none\n"
    assert identity(sealed, logs=one)[:2] == (set(), "ok")
    assert identity(sealed, logs=mixed)[:2] == (set(), "ok")
    assert identity(sealed, LOG + "all_required_from = 4\n", logs=mixed)[:2] == (set(), "ok")
    assert identity(sealed, LOG + "all_required_from = 3\n", logs=mixed)[:2] == ({"E407"}, "failed")


@pytest.mark.parametrize("settings", ["", LOG, '[[log]]\norigin = "other.example/x"\nvouched_by = ["examiner"]\n'])
def test_a_log_that_nobody_admits(sealed, settings):
    found, status, report = identity(sealed, settings, logs="quorum none\n")
    assert (found, status, report.verdict) == ({"E407"}, "failed", "FAILED")


def test_keys_of_the_same_name_by_somebody_else(sealed):
    logs = "".join(f"log {key}\n" for key in cb.new_log_keys(cb.ORIGIN).vkeys) + "quorum none\n"
    assert identity(sealed, logs=logs)[0] == {"E407"}
    assert identity(sealed, VOUCHED, logs=logs)[0] == {"E407"}  # listed keys come first


def test_a_person_vouches_for_a_log(sealed):
    assert identity(sealed, VOUCHED, logs="quorum none\n")[:2] == (set(), "ok")
    nobody = LOG + 'vouched_by = ["somebody else"]\n'
    assert identity(sealed, nobody, logs="quorum none\n")[0] == {"E407"}


def test_vouching_with_a_bad_signature_is_none(sealed):
    (sealed.case / layout.signature_file(0, 0)).write_bytes(sealed.other.sign(b"x", "evidencekit-event"))
    found, _, _ = identity(sealed, VOUCHED, logs="quorum none\n")
    assert "E407" in found


@pytest.mark.parametrize(
    "revoked", ['sizes = {"unit7.example/built" = 0}', 'not_after = "2020-01-01T00:00:00.000000000Z"']
)
def test_a_revoked_person_does_not_vouch(sealed, revoked):
    table = f'[[key]]\nfingerprint = "{sealed.signer.fingerprint}"\nreason = "lost"\n{revoked}\n'
    assert identity(sealed, VOUCHED, logs="quorum none\n", revoked=table)[0] == {"E407", "E410"}


@pytest.mark.parametrize("name", ['"somebody else"', "examiner,!examiner"])
def test_a_person_of_another_name(sealed, name):
    found, status, _ = identity(sealed, signers=f"{name} {sealed.public_key()}\n")
    assert (found, status) == ({"E408"}, "failed")


def test_a_key_that_signs_for_another_purpose(sealed):
    signers = f'examiner namespaces="git" {sealed.public_key()}\n'
    assert identity(sealed, signers=signers)[0] == {"E408"}
    signers = f'examiner namespaces="evidencekit-*" {sealed.public_key()}\n'
    assert identity(sealed, signers=signers)[:2] == (set(), "ok")


def test_further_signers_need_some_name(sealed):
    event = sealed.event("acquire", ["EX-002"], {"acquisition_type": "logical", "digests": ["blake3", "sha256"],
                         "finished_at": cb.WHEN, "started_at": cb.WHEN, "tool": cb.PROGRAM})  # fmt: skip
    event["signers"] += [sealed.other.fingerprint]
    sealed.enter(event, signers=[sealed.signer, sealed.other])
    mine = f"examiner {sealed.public_key()}\n"
    assert identity(sealed, signers=mine)[0] == {"E408"}
    assert identity(sealed, signers=f"{mine}anybody {sealed.public_key('other')}\n")[:2] == (set(), "ok")


def test_a_window_cannot_be_judged_without_proven_times(sealed):
    window = f'examiner valid-after="20200101Z" {sealed.public_key()}\n'
    found, status, report = identity(sealed, signers=window)
    assert (found, status, report.verdict) == (set(), "not_checked", "NOT CHECKED")
    assert "unproven_time" in {item.code for item in report.not_checked}
    assert identity(sealed, signers=window + f"examiner {sealed.public_key()}\n")[:2] == (set(), "ok")
    assert identity(sealed, VOUCHED, signers=window, logs="quorum none\n")[:2] == (set(), "not_checked")


def test_a_revoked_key_is_believed_below_its_size(sealed):
    def revoked(text):
        table = f'[[key]]\nfingerprint = "{sealed.signer.fingerprint}"\nreason = "lost"\n{text}\n'
        _, _, report = identity(sealed, revoked=table)
        return {where for code, where in errors(report) if code == "E410"}

    assert revoked(f'sizes = {{"{cb.ORIGIN}" = 3}}') == set()
    assert revoked(f'sizes = {{"{cb.ORIGIN}" = 2}}') == {layout.event_file(2)}
    assert len(revoked('not_after = "2020-01-01T00:00:00.000000000Z"')) == 3
    assert len(revoked("not_after = 2020-01-01T00:00:00Z")) == 3
    assert len(revoked('sizes = {"other.example/x" = 1}')) == 3


def test_a_kind_of_key_that_is_no_longer_accepted(sealed):
    settings = LOG + '[algorithms]\n"ssh-ed25519" = 2026-11-22\n"ssh-rsa" = true\n'
    day = 86_400 * 1_000_000_000
    until = 1_795_305_600 * 1_000_000_000 + day - 1  # the end of 2026-11-22
    assert identity(sealed, settings, now=until)[:2] == (set(), "ok")
    assert identity(sealed, settings, now=until + 1)[:2] == ({"E411"}, "failed")
    assert identity(sealed, settings)[:2] == (set(), "not_checked")


def test_a_broken_signature_says_nothing_about_who(sealed):
    (sealed.case / layout.signature_file(1, 0)).unlink()
    _, status, report = identity(sealed)
    assert (status, report.verdict) == ("not_checked", "FAILED")


def test_what_the_policy_requires_must_be_ok(sealed):
    for aspect in ("time", "witness", "evidence", "completeness"):
        _, _, report = identity(sealed, f'require = ["{aspect}"]\n' + LOG)
        assert report.verdict == "NOT CHECKED"
        assert aspect in report.reason


def test_a_quorum_requires_witnesses(sealed):
    point = cb.new_log_keys("w.example/w").ed25519.public_key().public_bytes_raw()
    witness = f"witness W {format_vkey(VerifierKey('w.example', ED25519_COSIGNATURE, point))}\n"
    logs = "".join(f"log {one}\n" for one in sealed.keys.vkeys) + witness + "quorum W\n"
    _, _, report = identity(sealed, logs=logs)
    assert report.verdict == "NOT CHECKED"
    assert "witness" in report.reason
