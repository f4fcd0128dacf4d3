"""`verify --source`: every difference between the evidence and its record is named."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from evidencekit.verify.verifier import verify_case


@pytest.fixture
def evidence(sealed, tmp_path) -> Path:
    """A copy of the source that `verify` takes for the source: everything kept, hard links and times too."""
    target = tmp_path / "evidence"
    made: dict[int, Path] = {}

    def copy(source: str, to: str) -> str:
        status = os.lstat(source)
        if stat.S_ISFIFO(status.st_mode):
            os.mkfifo(to, stat.S_IMODE(status.st_mode))
        elif status.st_ino in made:
            os.link(made[status.st_ino], to)
        else:
            shutil.copy2(source, to, follow_symlinks=False)
            made[status.st_ino] = Path(to)
        return to

    shutil.copytree(sealed.source, target, symlinks=True, copy_function=copy)
    for base, folders, files in os.walk(os.fsencode(target), topdown=False):
        for name in [*files, *folders, b""]:
            there = os.path.join(base, name)
            here = os.path.join(os.fsencode(sealed.source), os.path.relpath(there, os.fsencode(target)))
            status = os.lstat(here)
            os.utime(there, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)
    return target


def verdict(sealed, evidence, **options):
    report = verify_case(sealed.path, sources={"EX-001": evidence}, **options)
    return report, {(finding.code, finding.where) for finding in report.findings if finding.severity == "error"}


def test_the_same_evidence_is_ok_though_another_exhibit_was_not_looked_at(sealed, evidence):
    report, errors = verdict(sealed, evidence)
    assert errors == set()
    assert report.as_record()["aspects"]["evidence"]["status"] == "not_checked"  # EX-002
    both = verify_case(
        sealed.path, sources={"EX-001": evidence, "EX-002": sealed.source.parent / "second"}, policy=sealed.policy
    )
    assert both.verdict == "VERIFIED"
    assert both.as_record()["scope"] == "record and evidence"


def keep_times(path: Path, change) -> None:
    status = path.lstat()
    change(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


CHANGES = {
    "byte": (lambda e: keep_times(e / "docs/03.txt", lambda p: p.write_bytes(p.read_bytes().replace(b"l", b"L", 1))), "E201", "docs/03.txt"),
    "size": (lambda e: (e / "docs/03.txt").write_text("longer" * 99), "E507", "docs/03.txt"),
    "name": (lambda e: (e / "docs/03.txt").rename(e / "docs/3.txt"), "E505", "docs/03.txt"),
    "new name": (lambda e: (e / "docs/03.txt").rename(e / "docs/3.txt"), "E506", "docs/3.txt"),
    "link target": (lambda e: ((e / "link").unlink(), (e / "link").symlink_to("docs/01.txt")), "E507", "link"),
    "mode": (lambda e: (e / "docs/03.txt").chmod(0o600), "E507", "docs/03.txt"),
    "folder mode": (lambda e: (e / "docs").chmod(0o700), "E507", "docs"),
    "mtime": (lambda e: os.utime(e / "docs/03.txt", ns=(0, 0)), "E507", "docs/03.txt"),
    "mtime by 1 ns": (lambda e: os.utime(e / "docs/03.txt", ns=(0, (e / "docs/03.txt").stat().st_mtime_ns + 1)), "E507", "docs/03.txt"),
    "emptied folder": (lambda e: (e / "docs/full/inside").unlink(), "E505", "docs/full/inside"),
    "removed empty folder": (lambda e: (e / "docs/empty").rmdir(), "E505", "docs/empty"),
    "planted link": (lambda e: (e / "docs/planted").symlink_to("/etc"), "E506", "docs/planted"),
    "planted pipe": (lambda e: os.mkfifo(e / "docs/pipe"), "E506", "docs/pipe"),
    "planted folder": (lambda e: (e / "docs/empty/deeper").mkdir(), "E506", "docs/empty/deeper"),
    "kind": (lambda e: ((e / "fifo").unlink(), (e / "fifo").write_text("")), "E507", "fifo"),
    "hard link parted": (lambda e: (shutil.copy2(e / "hard", e / "x"), (e / "x").rename(e / "hard")), "E507", "hard"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_is_named(sealed, evidence, name):
    change, code, path = CHANGES[name]
    change(evidence)
    report, errors = verdict(sealed, evidence)
    assert report.verdict == "FAILED"
    assert any(c == code and where.endswith(path) for c, where in errors), errors
    assert report.as_record()["aspects"]["evidence"]["status"] == "failed"
    assert report.as_record()["aspects"]["record"]["status"] == "ok"


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="NOT RUN: this system has no extended attributes")
@pytest.mark.parametrize("value", [b"\x00\x01changed", None])
def test_an_attribute_is_named(sealed, evidence, value):
    path = evidence / "docs/02.txt"
    os.removexattr(path, "user.note") if value is None else os.setxattr(path, "user.note", value)
    _, errors = verdict(sealed, evidence)
    assert any(code == "E507" and where.endswith("docs/02.txt") for code, where in errors)


def test_as_copy_warns_of_what_copying_changes(sealed, evidence):
    (evidence / "docs/03.txt").chmod(0o600)
    os.utime(evidence / "docs/04.txt", ns=(0, 0))
    report, errors = verdict(sealed, evidence, as_copy=True)
    assert errors == set()
    warned = {finding.where for finding in report.findings if finding.severity == "warning"}
    assert any(where.endswith("docs/03.txt") for where in warned)
    assert any(where.endswith("docs/04.txt") for where in warned)


def test_as_copy_still_finds_content(sealed, evidence):
    (evidence / "docs/03.txt").write_text("letter 3\n" * 3 + "Letter 3\n")
    report, errors = verdict(sealed, evidence, as_copy=True)
    assert report.verdict == "FAILED"
    assert any(code == "E201" for code, _ in errors)


def test_an_exhibit_that_the_case_does_not_have(sealed, evidence):
    report = verify_case(sealed.path, sources={"EX-777": evidence})
    assert report.verdict in {"NOT CHECKED", "INTEGRITY ONLY"}
    assert any("EX-777" in str(item) for item in report.as_record()["not_checked"])
