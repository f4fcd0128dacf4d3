"""Edges: keys that are none, programs and disks that fail, lists that are cut."""

from __future__ import annotations

import os
from collections import Counter

import casebuilder as cb
import pytest

from evidencekit.core import encoding, layout
from evidencekit.core.note import ED25519, VerifierKey, format_vkey
from evidencekit.core.versions import newer_type
from evidencekit.errors import CannotFinish
from evidencekit.verify import checkpoints, manifests, objects
from evidencekit.verify.findings import LISTED_NOT_CHECKED, NotChecked
from evidencekit.verify.report import cut
from evidencekit.verify.verifier import verify_case


def errors(report):
    return {(f.code, f.where) for f in report.findings if f.severity == "error"}


def rewrite_keys(build, keys: list[str], *, case_file: bool) -> None:
    path = build.case / layout.event_file(0)
    event = encoding.decode(path.read_bytes())
    event["body"]["log_keys"] = keys
    path.write_bytes(encoding.encode(event))
    if case_file:
        record = encoding.decode((build.case / "case.json").read_bytes())
        (build.case / "case.json").write_bytes(encoding.encode(record | {"log_keys": keys}))


@pytest.mark.parametrize("keys", [["x", "y"], list(cb.new_log_keys("a.example/x").vkeys)])
def test_event_0_whose_keys_are_none_leaves_those_of_the_case_file(sealed, keys):
    rewrite_keys(sealed, keys, case_file=False)
    report = verify_case(sealed.case)
    assert {code for code, _ in errors(report)} >= {"E101", "E201"}
    assert report.checkpoint.size == 3


def test_one_key_or_swapped_keys_are_none(sealed):
    rewrite_keys(sealed, list(reversed(sealed.keys.vkeys)), case_file=True)
    report = verify_case(sealed.case)
    assert ("E101", "case.json") in errors(report)
    assert report.checkpoint is None


def test_a_log_key_of_small_order_is_refused(sealed):
    odd = format_vkey(VerifierKey(cb.ORIGIN, ED25519, b"\x01" + bytes(31)))
    rewrite_keys(sealed, [odd, sealed.keys.vkeys[1]], case_file=True)
    assert ("E101", layout.event_file(0)) in errors(verify_case(sealed.case))


def test_a_library_without_mldsa_leaves_the_log_unchecked(sealed, monkeypatch):
    def lacks(*_args):
        raise CannotFinish("no ML-DSA here.", code="X419")

    monkeypatch.setattr(checkpoints, "verify_mldsa44", lacks)
    report = verify_case(sealed.case, policy=sealed.policy())
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())
    assert report.aspects["record"].status == "not_checked"


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_a_catalogue_that_cannot_be_read_through(sealed, monkeypatch, error):
    def fail(*_args):
        raise error

    monkeypatch.setattr(manifests, "file_sha256", fail)
    report = verify_case(sealed.case)
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())


def test_an_object_that_cannot_be_read(sealed, monkeypatch):
    import hashlib

    digest = hashlib.sha256(b"x").hexdigest()
    (sealed.case / layout.object_file(digest)).parent.mkdir(parents=True)
    (sealed.case / layout.object_file(digest)).write_bytes(b"x")
    (sealed.case / layout.object_file("ab" * 32)).parent.mkdir(parents=True)

    def fail(*_args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(objects, "file_sha256", fail)
    report = verify_case(sealed.case)
    assert report.verdict == "NOT CHECKED"
    assert layout.object_file(digest) in {item.where for item in report.not_checked}


def test_folders_that_may_not_be_listed(sealed, as_nobody):
    (sealed.case / "objects/sha256").mkdir(parents=True)
    for name in ("checkpoints", "objects/sha256"):
        (sealed.case / name).chmod(0o311)

    def look():
        report = verify_case(sealed.case)
        return report.verdict, {item.where for item in report.not_checked}

    verdict, skipped = as_nobody(look)
    assert verdict in {"NOT CHECKED", "FAILED"}
    assert skipped >= {"checkpoints", "objects/sha256"}


def test_a_linked_folder_is_not_followed(sealed, tmp_path):
    (sealed.case / "checkpoints").rename(tmp_path / "elsewhere")
    (sealed.case / "checkpoints").symlink_to(tmp_path / "elsewhere")
    report = verify_case(sealed.case)
    assert report.checkpoint is None
    assert ("W902", "checkpoints") in {(f.code, f.where) for f in report.findings}


def test_the_list_of_what_was_not_checked_is_cut():
    items = [NotChecked("record", "gap", str(number), "x") for number in range(LISTED_NOT_CHECKED)]
    assert cut(items, LISTED_NOT_CHECKED) == items
    assert cut(items, LISTED_NOT_CHECKED + 5)[-1].reason == "5 more of these"


@pytest.mark.parametrize(
    ("found", "newer"),
    [("evidencekit/case/2", True), ("evidencekit/case/10", True), ("evidencekit/case/1", False), ("evidencekit/case/0", False),
     ("evidencekit/case/02", False), ("evidencekit/event/2", False), ("evidencekit/case/" + "9" * 5000, True), (None, False), (2, False)],
)  # fmt: skip
def test_newer_versions(found, newer):
    assert (newer_type(found, "evidencekit/case/1") is not None) is newer


def test_findings_come_in_the_order_of_the_steps(sealed):
    (sealed.case / "x").write_text("x")
    (sealed.case / layout.manifest_file(1)).unlink()
    (sealed.case / "case.json").write_bytes(b"{}")
    codes = [f.code for f in verify_case(sealed.case).findings if f.severity == "error" or f.code == "W902"]
    assert codes == ["E101", "E501", "W902"]


def test_a_whole_tree_of_damage_stays_in_order(sealed):
    """Every file of the record spoilt at once: all of it is named, and the program does not stumble."""
    names = [path for path in sealed.case.rglob("*") if path.is_file()]
    for path in names:
        path.write_bytes(os.urandom(50))
    report = verify_case(sealed.case)
    assert report.verdict == "FAILED"
    assert Counter(item.code for item in report.not_checked)["internal_error"] == 0
    assert {"case.json", layout.checkpoint_file(3)} <= {f.where for f in report.findings}
