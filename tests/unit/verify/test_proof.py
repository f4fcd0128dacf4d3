"""One row's proof: every link is computed again, and each one that breaks is named."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.core import encoding
from evidencekit.core.encoding import PROOF
from evidencekit.core.proofs import TlogProof, format_tlog_proof, parse_tlog_proof
from evidencekit.package.row_proof import prove_row
from evidencekit.verify.verifier import verify_proof

GROUPS = ("name", "content", "metadata")


@pytest.fixture
def proof(sealed) -> bytes:
    return prove_row(sealed.case, "EX-001:d/b", groups=GROUPS).whole


def errors(report):
    return {(f.code, f.where) for f in report.findings if f.severity == "error"}


def changed(proof: bytes, change) -> bytes:
    """The proof with its record changed."""
    parsed = parse_tlog_proof(proof)
    record = encoding.decode(parsed.extra, PROOF)
    record = change(record) or record
    return format_tlog_proof(TlogProof(parsed.index, parsed.hashes, parsed.checkpoint, encoding.encode(record, PROOF)))


def test_a_sound_proof(sealed, proof):
    report = verify_proof(proof)
    assert (report.verdict, report.exit_code, errors(report)) == ("INTEGRITY ONLY", 7, set())
    assert report.counts["row"] == {"index": "3", "item": "EX-001", "kind": "file"}
    assert report.aspects["record"].status == "ok"
    assert report.aspects["custody"].status == "not_checked"
    report = verify_proof(proof, policy=sealed.policy())
    assert (report.verdict, report.line) == ("VERIFIED", "VERIFIED (row)")


def test_withheld_groups_are_said_to_be(sealed):
    data = prove_row(sealed.case, "EX-001#3", groups=("name",)).whole
    report = verify_proof(data, policy=sealed.policy())
    assert report.verdict == "VERIFIED"
    assert {item.where for item in report.not_checked if item.code == "withheld"} == {
        "proof groups.content", "proof groups.metadata",
    }  # fmt: skip


def test_a_policy_that_does_not_know_the_log_or_the_person(sealed, proof):
    assert errors(verify_proof(proof, policy=sealed.policy(logs="quorum none\n"))) == {("E407", "proof checkpoint")}
    assert errors(verify_proof(proof, policy=sealed.policy(signers=""))) == {("E408", "proof event")}


def test_keys_of_the_policy_come_before_those_of_the_proof(sealed, proof):
    other = cb.new_log_keys(cb.ORIGIN).vkeys
    logs = "".join(f"log {key}\n" for key in other) + "quorum none\n"
    report = verify_proof(proof, policy=sealed.policy(logs=logs))
    assert {code for code, _ in errors(report)} == {"E405", "E407"}


def test_a_log_that_is_vouched_for_cannot_be_judged_by_one_row(sealed, proof):
    settings = f'[[log]]\norigin = "{cb.ORIGIN}"\nvouched_by = ["examiner"]\n'
    report = verify_proof(proof, policy=sealed.policy(settings, logs="quorum none\n"))
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())


def test_a_bare_proof_proves_no_row(sealed):
    report = verify_proof(prove_row(sealed.case, "EX-001#1", groups=GROUPS).bare)
    assert errors(report) == {("E101", "proof")}


CHANGES = {
    "group": (lambda r: r["groups"]["name"].update(bytes=r["groups"]["name"]["bytes"].replace("d/b", "d/c")), "E201"),
    "group form": (lambda r: r["groups"]["name"].update(bytes="{}"), "E101"),
    "salt": (lambda r: r["groups"]["content"].update(salt="A" * 22 + "=="), "E201"),
    "leaf": (lambda r: r.update(leaf=r["leaf"].replace('"file"', '"fifo"')), "E207"),
    "leaf form": (lambda r: r.update(leaf="x"), "E101"),
    "index": (lambda r: r.update(index="2"), "E207"),
    "index beyond": (lambda r: r.update(index="99"), "E207"),
    "path": (lambda r: r.update(proof=r["proof"][1:]), "E207"),
    "event": (lambda r: r.update(event=r["event"].replace('"rows":"4"', '"rows":"5"')), "E201"),
    "event form": (lambda r: r.update(event="{}"), "E101"),
    "entry": (lambda r: r.update(entry=r["entry"].replace('"head":"2"', '"head":"1"')), "E207"),
    "entry form": (lambda r: r.update(entry="[]"), "E101"),
    "signature": (lambda r: r.update(signatures=[r["signatures"][0].replace("U1NI", "U1NJ")]), "E402"),
    "signatures": (lambda r: r.update(signatures=r["signatures"] * 2), "E401"),
    "keys": (lambda r: r.update(log_keys=list(cb.new_log_keys(cb.ORIGIN).vkeys)), "E405"),
    "keys of another name": (lambda r: r.update(log_keys=list(cb.new_log_keys("a.example/x").vkeys)), "E101"),
    "unknown member": (lambda r: r.update(more="x"), "E101"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_link_is_named(proof, name):
    change, code = CHANGES[name]
    report = verify_proof(changed(proof, change))
    assert code in {code for code, _ in errors(report)}, report.findings
    assert report.verdict == "FAILED"


def test_a_newer_record_is_not_checked(proof):
    report = verify_proof(changed(proof, lambda r: r.update({"_t": "evidencekit/row-proof/2"})))
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())


def test_another_event_than_a_seal(sealed):
    data = prove_row(sealed.case, "EX-001#1", groups=()).whole
    other = (sealed.case / "custody/00000001/event.json").read_text()
    report = verify_proof(changed(data, lambda r: r.update(event=other)))
    assert ("E101", "proof event") in errors(report)


@pytest.mark.parametrize("place", range(0, 100, 3))
def test_a_flipped_byte_is_found(proof, place):
    at = len(proof) * place // 100
    report = verify_proof(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :])
    assert report.verdict == "FAILED"


@pytest.mark.parametrize("data", [b"", b"x", b"c2sp.org/tlog-proof@v1\n", b"\0" * 1000, b"x" * (9 << 20)])
def test_other_bytes_are_no_proof(data):
    report = verify_proof(data)
    assert (report.verdict, errors(report)) == ("FAILED", {("E101", "proof")})
