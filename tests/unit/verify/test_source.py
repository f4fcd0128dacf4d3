"""The source walked beside its catalogue: what an acquisition left out, what cannot be looked at now, links, holes."""

from __future__ import annotations

import os
import shutil
import time

import casebuilder as cb
import pytest

from evidencekit.acquire.options import Options
from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
from evidencekit.verify.verifier import verify_case


@pytest.fixture
def taken(build, tmp_path):
    """Take a folder that `fill` fills; then `compare` it."""

    class Taken:
        source = tmp_path / "source"

        def take(self, fill=None, **options):
            self.source.mkdir()
            if fill is not None:
                fill(self.source)
            acquire_and_seal(
                build.ledger(),
                Acquisition(source=self.source, exhibit="EX-001", program=cb.PROGRAM, options=Options(**options), types=False),
                signer=build.signer, actor=build.actor(), clock=time.time_ns, random=os.urandom, utc_offset_min=None,
            )  # fmt: skip
            return self

        def compare(self, name="EX-001", **options):
            return verify_case(build.case, sources={name: self.source}, **options)

    return Taken()


def errors(report):
    return {(f.code, f.where) for f in report.findings if f.severity == "error"}


def files(*names):
    def fill(source):
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(name)

    return fill


def touched(path, change):
    """Change something inside a folder and put the folder's times back."""
    status = path.stat()
    change()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_the_same_source_is_ok(taken):
    report = taken.take(files("a", "d/b")).compare()
    assert (errors(report), report.aspects["evidence"].status) == (set(), "ok")
    assert report.checked["source_rows"] == 4
    assert report.checked["source_files"] == 2
    assert taken.compare("").aspects["evidence"].status == "ok"  # the only exhibit needs no name


def test_what_was_excluded_is_neither_missing_nor_added(taken):
    taken.take(files("a", "skip/x", "b.tmp"), exclude=("skip", "*.tmp"))
    touched(taken.source, lambda: files("skip/y", "c.tmp", "d.tmp")(taken.source))
    report = taken.compare()
    assert (errors(report), report.aspects["evidence"].status) == (set(), "ok")
    assert any(item.code == "omitted" for item in report.not_checked)
    touched(taken.source, (taken.source / "new").mkdir)
    assert errors(taken.compare()) == {("E506", "EX-001:new")}


def test_what_include_left_out_is_not_added(taken):
    taken.take(files("a.txt", "b.bin"), include=("*.txt",))
    touched(taken.source, lambda: files("c.bin")(taken.source))
    assert errors(taken.compare()) == set()
    touched(taken.source, lambda: files("d.txt")(taken.source))
    assert errors(taken.compare()) == {("E506", "EX-001:d.txt")}


def test_everything_in_an_added_folder_is_named(taken):
    taken.take(files("a"))
    touched(taken.source, lambda: files("n/x", "n/y/z")(taken.source))
    assert errors(taken.compare()) == {("E506", f"EX-001:{name}") for name in ("n", "n/x", "n/y", "n/y/z")}


def test_everything_in_a_missing_folder_is_named(taken):
    taken.take(files("a", "d/x", "d/y/z", "e"))
    touched(taken.source, lambda: shutil.rmtree(taken.source / "d"))
    assert errors(taken.compare()) == {("E505", f"EX-001:{name}") for name in ("d", "d/x", "d/y", "d/y/z")}


def test_what_cannot_be_looked_at_is_not_missing(taken, as_nobody):
    taken.take(files("a", "d/x", "e"))
    (taken.source / "d").chmod(0o700)
    (taken.source / "e").chmod(0o600)

    def look():
        report = taken.compare()
        return report.verdict, {(c, w) for c, w in errors(report) if c != "E507"}, {i.where for i in report.not_checked}

    verdict, found, skipped = as_nobody(look)
    assert found == set()
    assert skipped >= {"EX-001:d", "EX-001:d/x", "EX-001:e"}
    assert verdict == "FAILED"  # the modes differ


def test_a_source_that_is_not_there(taken):
    taken.take(files("a"))
    shutil.rmtree(taken.source)
    report = taken.compare()
    assert (report.verdict, errors(report)) == ("NOT CHECKED", set())


def test_an_exhibit_that_is_not_there(taken):
    taken.take(files("a"))
    report = taken.compare("EX-009")
    assert report.verdict == "NOT CHECKED"
    assert "EX-009" in report.reason


def test_a_file_for_a_folder(taken, tmp_path):
    taken.take(files("a"))
    shutil.rmtree(taken.source)
    taken.source.write_text("x")
    assert errors(taken.compare()) == {("E507", "EX-001:"), ("E505", "EX-001:a")}


def test_a_single_file_as_source(build, taken):
    taken.source.mkdir()
    (taken.source / "one").write_text("x")
    taken.source = taken.source / "one"
    acquire_and_seal(
        build.ledger(), Acquisition(source=taken.source, exhibit="EX-001", program=cb.PROGRAM, types=False),
        signer=build.signer, actor=build.actor(), clock=time.time_ns, random=os.urandom, utc_offset_min=None,
    )  # fmt: skip
    assert errors(taken.compare()) == set()
    taken.source.write_text("y")
    assert ("E201", "EX-001:") in errors(taken.compare())


def _link(source):
    files("a", "b", "c", "d")(source)
    (source / "b").unlink()
    os.link(source / "a", source / "b")


def test_hard_links_are_compared_as_groups(taken):
    taken.take(_link)
    assert errors(taken.compare()) == set()

    def part():
        shutil.copy2(taken.source / "a", taken.source / "t")
        (taken.source / "t").rename(taken.source / "b")

    touched(taken.source, part)
    assert errors(taken.compare()) == {("E507", "EX-001:b")}


def test_a_new_hard_link_is_named(taken):
    taken.take(files("a", "b"))

    def join():
        status = (taken.source / "b").stat()
        (taken.source / "b").unlink()
        (taken.source / "a").write_text("b")
        os.link(taken.source / "a", taken.source / "b")
        os.utime(taken.source / "b", ns=(status.st_atime_ns, status.st_mtime_ns))

    touched(taken.source, join)
    assert ("E507", "EX-001:b") in errors(taken.compare())


def test_a_link_from_outside_the_source_does_not_count(taken, tmp_path):
    taken.take(files("a"))
    os.link(taken.source / "a", tmp_path / "outside")
    assert errors(taken.compare()) == set()


def test_large_attributes_are_compared_by_their_digest(taken, set_xattr):
    def fill(source):
        files("a")(source)
        set_xattr(source / "a", b"user.large", b"v" * 3900)
        set_xattr(source / "a", b"user.small", b"\0\xff")

    taken.take(fill)
    assert errors(taken.compare()) == set()
    os.setxattr(taken.source / "a", "user.large", b"w" * 3900)
    assert errors(taken.compare()) == {("E507", "EX-001:a")}


def test_holes_only_warn(taken):
    def fill(source):
        with (source / "a").open("wb") as file:
            file.truncate(1 << 20)
            file.seek(1 << 19)
            file.write(b"x" * 4096)

    taken.take(fill)
    before = (taken.source / "a").stat()
    data = (taken.source / "a").read_bytes()
    (taken.source / "a").write_bytes(data)
    os.utime(taken.source / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    report = taken.compare()
    assert errors(report) == set()
    if before.st_blocks * 512 < before.st_size:
        assert {f.code for f in report.findings} >= {"W906"}


def test_a_copy_may_have_other_times_and_modes_but_no_other_bytes(taken, tmp_path):
    taken.take(files("a", "d/b"))
    shutil.copytree(taken.source, tmp_path / "copy", copy_function=shutil.copy)
    taken.source = tmp_path / "copy"
    assert {code for code, _ in errors(taken.compare())} == {"E507"}
    report = taken.compare(as_copy=True)
    assert (errors(report), report.aspects["evidence"].status) == (set(), "ok")
    (taken.source / "a").write_text("b")
    assert errors(taken.compare(as_copy=True)) == {("E201", "EX-001:a")}


def test_rows_that_break_the_format_are_passed_over(build, taken):
    taken.source.mkdir()
    files("a", "b")(taken.source)
    rows = [cb.folder_row(), cb.file_row("a") | {"content": b"{}", "path": b"a"}, cb.file_row("b"), cb.file_row("a!")]
    build.seal(rows)
    report = taken.compare()
    assert not {code for code, _ in errors(report)} & {"E505", "E506"}
    assert {item.where for item in report.not_checked} >= {"row 1", "EX-001:a!"}
