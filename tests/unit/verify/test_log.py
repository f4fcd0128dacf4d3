"""The walk over the log: what is missing, contradicts itself, or cannot be read, and what follows from that."""

from __future__ import annotations

import os
import shutil

import casebuilder as cb
import pytest

from evidencekit.core import encoding, layout
from evidencekit.core.event import NAMESPACE
from evidencekit.errors import CannotFinish
from evidencekit.verify import log as log_module
from evidencekit.verify.verifier import verify_case


def errors(report) -> set[tuple[str, str]]:
    return {(finding.code, finding.where) for finding in report.findings if finding.severity == "error"}


def codes(report) -> set[str]:
    return {finding.code for finding in report.findings}


def check(build, *expected):
    report = verify_case(build.case)
    assert errors(report) == set(expected), report.findings
    assert report.verdict == "FAILED"
    return report


def test_a_sound_case_says_what_was_done(sealed):
    report = verify_case(sealed.case)
    assert (report.verdict, report.exit_code, report.line) == ("INTEGRITY ONLY", 7, "INTEGRITY ONLY")
    assert report.checked["entries"] == report.checked["events"] == report.checked["rules"] == 3
    assert report.checked["person_signatures"] == 3
    assert report.checked["checkpoints"] == 3
    assert report.checked["rows"] == 4
    assert report.counts["files_of_record"] == {"checked": 14, "not_checked": 0, "total": 14}
    assert {name: aspect.status for name, aspect in report.aspects.items()} == {
        "record": "ok", "evidence": "not_checked", "identity": "not_checked", "time": "not_checked",
        "witness": "not_checked", "custody": "ok", "completeness": "not_checked",
    }  # fmt: skip


def test_an_empty_case_is_not_verified(build):
    report = verify_case(build.case)
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())
    assert "no sealed catalogue" in report.reason


@pytest.mark.parametrize("name", ["", "file", "folder"])
def test_what_is_no_case_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotFinish) as caught:
        verify_case(tmp_path / (name or "nowhere"))
    assert caught.value.code == "X401"


def test_folders_alone_are_a_case_with_nothing_in_it(tmp_path):
    (tmp_path / "custody").mkdir()
    report = verify_case(tmp_path)
    assert report.verdict == "FAILED"
    assert errors(report) == {("E501", "case.json")}
    assert report.aspects["record"].status == "not_checked"


def test_a_gap_leaves_later_roots_unchecked(sealed):
    shutil.rmtree(sealed.case / layout.entry_folder(1))
    report = check(sealed, ("E501", layout.entry_folder(1)))
    assert {item.code for item in report.not_checked} >= {"gap", "custody_after"}
    assert report.checked["rules"] == 1


def test_a_missing_event_does_not_make_the_next_ones_wrong(sealed):
    (sealed.case / layout.event_file(1)).unlink()
    report = check(sealed, ("E501", layout.event_file(1)))
    assert report.aspects["custody"].status == "not_checked"


def test_a_checkpoint_far_above_the_log_is_bounded(sealed, monkeypatch):
    monkeypatch.setattr(log_module, "MAX_EVENTS", 50)
    sealed.checkpoint(10**15, bytes(32))
    report = verify_case(sealed.case)
    assert report.verdict == "FAILED"
    assert errors(report) == {("E102", layout.checkpoint_file(10**15)), ("E501", layout.entry_folder(3))}
    assert report.counts["files_of_record"]["not_checked"] == 2 * 47


@pytest.mark.parametrize("keep", ["entry", "event.json", None])
def test_an_entry_of_which_something_is_there_is_judged_by_its_files(sealed, keep):
    for path in (sealed.case / layout.entry_folder(1)).iterdir():
        if path.name != keep:
            path.unlink()
    missing = {(code, where) for code, where in errors(verify_case(sealed.case)) if code == "E501"}
    names = {"entry", "event.json", *(["event.json.sig"] if keep else [])} - {keep}
    assert missing == {("E501", f"{layout.entry_folder(1)}/{name}") for name in names}


def test_entries_in_a_row_without_folders_are_one_finding(sealed):
    """A folder far above the log, and a note that vouches for all up to it: neither takes time."""
    (sealed.case / layout.entry_folder(999_998)).mkdir()
    sealed.checkpoint(10**18, bytes(32))
    report = verify_case(sealed.case)
    places = (
        layout.entry_folder(3),
        layout.entry_file(999_998),
        layout.event_file(999_998),
        layout.entry_folder(999_999),
    )
    assert {where for code, where in errors(report) if code == "E501"} == set(places)
    assert next(f.expected for f in report.findings if f.where == places[0]) == "entries 3 to 999997"


def test_a_log_that_cannot_be_listed_is_read_by_its_numbers(sealed, as_nobody):
    (sealed.case / "custody").chmod(0o711)

    def look():
        report = verify_case(sealed.case)
        return report.verdict, report.checked["entries"], {item.where for item in report.not_checked}

    verdict, entries, skipped = as_nobody(look)
    assert (verdict, entries) == ("NOT CHECKED", 3)
    assert "custody" in skipped


def test_a_checkpoint_of_another_root_is_still_the_newest(sealed):
    sealed.checkpoint(3, bytes(32))
    check(sealed, ("E204", layout.checkpoint_file(3)))


def test_a_note_under_another_name_is_none(sealed):
    sealed.checkpoint(2, name=7)
    report = check(sealed, ("E105", layout.checkpoint_file(7)))
    assert report.checkpoint.size == 3


def test_entries_above_the_newest_checkpoint_are_unfinished(sealed):
    (sealed.case / layout.checkpoint_file(3)).unlink()
    report = verify_case(sealed.case)
    assert report.verdict == "NOT CHECKED"
    assert {f.where for f in report.findings if f.code == "W901"} == {layout.entry_folder(2), layout.manifest_file(1)}


def test_without_any_checkpoint_nothing_is_ok(sealed):
    shutil.rmtree(sealed.case / "checkpoints")
    report = verify_case(sealed.case)
    assert report.verdict == "NOT CHECKED"
    assert report.aspects["record"].status == "not_checked"
    assert report.checkpoint is None


def test_event_0_missing_leaves_the_keys_of_the_case_file(sealed):
    (sealed.case / layout.event_file(0)).unlink()
    report = check(sealed, ("E501", layout.event_file(0)))
    assert report.checkpoint.size == 3


def test_case_file_missing_leaves_event_0(sealed):
    (sealed.case / "case.json").unlink()
    report = check(sealed, ("E501", "case.json"))
    assert report.checkpoint.size == 3


def test_neither_leaves_nothing_to_check_by(sealed):
    (sealed.case / "case.json").unlink()
    (sealed.case / layout.event_file(0)).write_bytes(b"{}")
    report = verify_case(sealed.case)
    assert report.verdict == "FAILED"
    assert report.checkpoint is None
    assert "no_log_keys" in {item.code for item in report.not_checked}


@pytest.mark.parametrize("member", ["agency", "case", "created_at", "reference"])
def test_case_file_that_differs_from_event_0(sealed, member):
    record = encoding.decode((sealed.case / "case.json").read_bytes())
    record[member] = {"case": "A" * 22 + "==", "created_at": cb.WHEN}.get(member, "other")
    (sealed.case / "case.json").write_bytes(encoding.encode(record))
    report = check(sealed, ("E104", "case.json"))
    assert member in next(f.expected for f in report.findings if f.code == "E104")


def test_case_file_of_a_newer_version(sealed):
    record = encoding.decode((sealed.case / "case.json").read_bytes()) | {"_t": "evidencekit/case/2"}
    (sealed.case / "case.json").write_bytes(encoding.encode(record))
    report = verify_case(sealed.case)
    assert report.verdict == "NOT CHECKED"
    assert "E103" in codes(report)


def test_too_large_files(sealed):
    (sealed.case / "case.json").write_bytes(b"x" * 70_000)
    (sealed.case / layout.signature_file(1, 0)).write_bytes(b"x" * 20_000)
    (sealed.case / layout.checkpoint_file(1)).write_bytes(b"x" * (1 << 21))
    report = verify_case(sealed.case)
    assert {where for code, where in errors(report) if code == "E102"} == {
        "case.json", layout.signature_file(1, 0), layout.checkpoint_file(1),
    }  # fmt: skip


def test_an_event_of_a_newer_version_of_a_known_type(sealed):
    event = sealed.event("acquire", ["EX-002"], sealed_body())
    event["body"] = {"_t": "evidencekit/acquire/2", "more": "x"}
    sealed.enter(encoding.encode(event))
    report = verify_case(sealed.case)
    assert "E103" in codes(report)
    assert report.verdict == "NOT CHECKED"


def sealed_body():
    return {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "finished_at": cb.WHEN,
            "started_at": cb.WHEN, "tool": cb.PROGRAM}  # fmt: skip


def test_an_unknown_type_may_own_files_that_cannot_be_judged(sealed):
    event = sealed.event("acquire", ["EX-001"], sealed_body()) | {
        "type": "migrate", "body": {"_t": "evidencekit/migrate/1"},
    }  # fmt: skip
    sealed.enter(encoding.encode(event))
    (sealed.case / "branches").mkdir()
    (sealed.case / "branches/x").write_text("x")
    report = verify_case(sealed.case)
    assert report.verdict == "INTEGRITY ONLY"
    assert report.aspects["custody"].status == "not_checked"
    assert "branches/x" in {item.where for item in report.not_checked}


@pytest.mark.parametrize("place", ["1/0", "0/0", "9/0", "2/7", None])
def test_wrong_places_of_an_item(sealed, place):
    event = sealed.event("acquire", ["EX-001"], sealed_body())
    sealed.enter(event, items_prev=(place,))
    code = "E307" if place == "1/0" else "E302"
    assert (code, layout.entry_file(3)) in errors(verify_case(sealed.case))


def test_too_few_places(sealed):
    sealed.enter(sealed.event("acquire", ["EX-002"], sealed_body()), items_prev=())
    assert ("E302", layout.entry_file(3)) in errors(verify_case(sealed.case))


def test_a_state_of_another_log_is_not_checked(sealed):
    seen = {"origin": "other.example/log", "root": "00" * 32, "size": "5"}
    sealed.enter(sealed.event("acquire", ["EX-002"], sealed_body(), seen=seen))
    report = verify_case(sealed.case)
    assert (report.verdict, report.aspects["custody"].status) == ("INTEGRITY ONLY", "not_checked")
    assert "foreign_log" in {item.code for item in report.not_checked}


def test_a_clock_that_went_back_warns(sealed):
    sealed.enter(sealed.event("acquire", ["EX-002"], sealed_body()), recorded_at="2001-01-01T00:00:00.000000000Z")
    report = verify_case(sealed.case)
    assert (report.verdict, "W904" in codes(report)) == ("INTEGRITY ONLY", True)


def test_a_second_signer(sealed):
    event = sealed.event("acquire", ["EX-002"], sealed_body())
    event["signers"] += [sealed.other.fingerprint]
    sealed.enter(event, signers=[sealed.signer, sealed.other])
    assert verify_case(sealed.case).verdict == "INTEGRITY ONLY"
    second = sealed.case / layout.signature_file(3, 1)
    second.unlink()
    check(sealed, ("E401", layout.signature_file(3, 1)), ("E501", layout.signature_file(3, 1)))


def test_fewer_signatures_than_signers(sealed):
    event = sealed.event("acquire", ["EX-002"], sealed_body())
    event["signers"] += [sealed.other.fingerprint]
    sealed.enter(event)
    report = verify_case(sealed.case)
    assert ("E401", layout.entry_file(3)) in errors(report)


def test_the_logs_own_key_does_not_sign_as_a_person(build):
    from evidencekit.core import sshkeys
    from evidencekit.core.sshsig import SignatureFields, SshSignature, format_sshsig, join_signature_blob, signed_data

    point = build.keys.ed25519.public_key().public_bytes_raw()
    blob = sshkeys.join_key_blob(sshkeys.Ed25519Fields("ssh-ed25519", point, None))

    class LogSigner:
        fingerprint = sshkeys.fingerprint(blob)

        def sign(self, data, namespace):
            import hashlib

            raw = build.keys.ed25519.sign(signed_data(namespace, hashlib.sha512(data).digest()))
            fields = SignatureFields("ssh-ed25519", raw)
            return format_sshsig(SshSignature(blob, namespace, "sha512", join_signature_blob(fields)))

    signer = LogSigner()
    event = build.event("acquire", ["EX-001"], sealed_body(), actor=build.actor(signer), signers=[signer.fingerprint])
    build.enter(event, signers=[signer])
    assert ("E404", layout.signature_file(1, 0)) in errors(verify_case(build.case))


def test_a_file_that_may_not_be_read_is_no_finding(sealed, as_nobody):
    where = layout.event_file(1)
    (sealed.case / where).chmod(0o600)
    report = as_nobody(lambda: _plain(verify_case(sealed.case)))
    assert report["verdict"] == "NOT CHECKED"
    assert report["errors"] == set()
    assert ("unreadable", where) in report["not_checked"]


def test_a_folder_that_may_not_be_listed_is_no_finding(sealed, as_nobody):
    (sealed.case / "odd").mkdir()
    (sealed.case / "odd").chmod(0o700)
    report = as_nobody(lambda: _plain(verify_case(sealed.case)))
    assert report["verdict"] == "NOT CHECKED"
    assert ("unreadable", "odd") in report["not_checked"]


def _plain(report):
    items = {(item.code, item.where) for item in report.not_checked}
    return {"verdict": report.verdict, "errors": errors(report), "not_checked": items}


def test_nothing_is_written(sealed):
    def snapshot():
        return {
            str(p): (os.lstat(p).st_mtime_ns, p.read_bytes() if p.is_file() else b"") for p in sealed.case.rglob("*")
        }

    before = snapshot()
    verify_case(sealed.case)
    assert snapshot() == before


def test_a_good_signature_for_another_purpose(sealed):
    data = (sealed.case / layout.event_file(1)).read_bytes()
    (sealed.case / layout.signature_file(1, 0)).write_bytes(sealed.signer.sign(data, "evidencekit-message"))
    where = layout.signature_file(1, 0)
    assert NAMESPACE != "evidencekit-message"
    check(sealed, ("E402", where), ("E201", where))
