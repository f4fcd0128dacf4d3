"""Copies that the real writer kept: whatever is done to one of them is found, and the object named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evidencekit.acquire.options import Options
from evidencekit.verify.verifier import verify_case


@pytest.fixture(scope="module")
def kept(sealed, tmp_path_factory):
    """The sealed case with one exhibit more, of which every content was kept."""
    path = tmp_path_factory.mktemp("kept") / "case"
    shutil.copytree(sealed.path, path, symlinks=True)
    whole, sealed.path = sealed.path, path
    try:
        sealed.acquire(sealed.source, "EX-003", types=False, options=Options(copies=True))
    finally:
        sealed.path = whole
    return path


@pytest.fixture
def case(kept, tmp_path):
    shutil.copytree(kept, tmp_path / "case", symlinks=True)
    return tmp_path / "case"


def objects(case: Path) -> list[Path]:
    return sorted(path for path in (case / "objects").rglob("*") if path.is_file())


def test_untouched_copies_are_intact(sealed, kept):
    report = verify_case(kept, policy=sealed.policy)
    assert report.verdict == "VERIFIED", report.findings
    contents = {path.read_bytes() for path in sealed.source.rglob("*") if path.is_file()}
    assert report.checked["objects"] == len(objects(kept)) == len(contents)
    assert {path.read_bytes() for path in objects(kept)} == contents


CHANGES = {
    "removed": ("E501", lambda path, other: path.unlink()),
    "cut": ("E201", lambda path, other: path.write_bytes(path.read_bytes()[:-1])),
    "emptied": ("E201", lambda path, other: path.write_bytes(b"")),
    "longer": ("E201", lambda path, other: path.write_bytes(path.read_bytes() + b"\0")),
    "flipped": ("E201", lambda path, other: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])),
    "another's content": ("E201", lambda path, other: path.write_bytes(other.read_bytes())),
    "a link to another": ("E501", lambda path, other: (path.unlink(), path.symlink_to(other))),
    "a folder": ("E501", lambda path, other: (path.unlink(), path.mkdir())),
    "under another name": ("E501", lambda path, other: path.rename(path.with_name("0" * 64))),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_named_and_nothing_else(sealed, case, change):
    code, spoil = CHANGES[change]
    path, other = [path for path in objects(case) if path.stat().st_size > 1][:2]
    spoil(path, other)
    for policy in (None, sealed.policy):
        report = verify_case(case, policy=policy)
        errors = [(finding.code, finding.where) for finding in report.findings if finding.severity == "error"]
        assert errors == [(code, str(path.relative_to(case)))]
        assert report.verdict == "FAILED"


def test_copies_that_are_all_gone_are_all_named(case):
    places = {str(path.relative_to(case)) for path in objects(case)}
    shutil.rmtree(case / "objects")
    report = verify_case(case)
    assert {finding.where for finding in report.findings if finding.code == "E501"} == places


def test_a_planted_object_belongs_to_nothing(case):
    path = case / "objects/sha256/00" / ("0" * 64)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"planted")
    report = verify_case(case)
    assert report.verdict == "NOT CHECKED"
    assert [f.where for f in report.findings if f.code == "W902"] == [str(path.relative_to(case))]
