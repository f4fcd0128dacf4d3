"""The case's own medium fails: full at any stage, read-only, closed, gone. One clear message, exit code 4, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

from evidencekit.verify.verifier import verify_case

LONG = os.environ.get("EVIDENCEKIT_LONG") == "1"
PAGE = 4096
ROOM = "64m"
NO_SPACE = {"X421", "X426"}
NOT_ALLOWED = "X422"
NOBODY = 65534


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Enough rows and bytes that each stage takes several pages."""
    folder = tmp_path_factory.mktemp("disk") / "source"
    folder.mkdir()
    for number in range(150):
        (folder / f"{number:03d}").write_bytes(b"GIF89a %d" % number * 500)  # quickly typed
    (folder / "large").write_bytes(os.urandom(2 << 20))
    os.setxattr(folder / "000", "user.large", b"x" * 3500)
    return folder


@pytest.fixture
def medium(bench, tmpfs):
    """The case on a medium of its own."""
    found = tmpfs(ROOM)
    shutil.move(bench.case, found.path / "case")
    bench.case = found.path / "case"
    return found


def used(medium):
    status = os.statvfs(medium.path)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


@pytest.mark.parametrize(
    ("more", "stride"),
    [
        ((), 6),
        (("--copy",), 150),
        pytest.param((), 2, marks=pytest.mark.long),
        pytest.param(("--copy",), 20, marks=pytest.mark.long),
    ],
    ids=["digests", "copies", "digests, many sizes", "copies, many sizes"],
)
def test_a_medium_that_becomes_full_at_any_stage(bench, source, medium, capsys, monkeypatch, more, stride):
    """There was room when it was looked for, and others took it: from nothing left up to just enough."""
    monkeypatch.setattr("evidencekit.journeys.acquire.refuse_too_small", lambda *_, **__: None)
    undisturbed = bench.undisturbed(source, *more)
    empty = bench.copy_of_case()
    failed = 0
    while True:
        medium.again(size=str(used(medium) + failed * stride * PAGE))
        code, errors = bench.said(capsys, *bench.arguments(source, "--quiet", *more))
        bench.check_left()
        medium.again(size=ROOM)
        if code == 0:
            break
        assert (code, bench.error_in(errors)) == (4, "X421")
        failed += 1
        assert bench.acquire(source, "--resume", "--quiet", *more) == 0
        bench.check_whole(source, undisturbed)
        shutil.rmtree(bench.case)
        shutil.copytree(empty, bench.case)
    assert failed >= 5
    bench.check_whole(source, undisturbed)


def test_a_medium_that_is_too_small_from_the_first(bench, source, medium, capsys):
    """It is said before anything is read, and nothing is left behind."""
    before = bench.rc.snapshot(bench.case, whole=True)
    for more, room in ((("--copy",), 2 << 20), ((), 10 * PAGE), ((), 0)):
        medium.again(size=str(used(medium) + room))
        assert bench.fail(capsys, *bench.arguments(source, *more)) in NO_SPACE
        assert bench.rc.snapshot(bench.case, whole=True) == before


def test_a_medium_that_is_read_only(bench, source, medium, capsys):
    before = bench.rc.snapshot(bench.case, whole=True)
    medium.again(read_only=True)
    assert bench.fail(capsys, *bench.arguments(source)) == NOT_ALLOWED
    assert bench.rc.snapshot(bench.case, whole=True) == before


def test_a_case_that_may_not_be_written(bench, capsys, as_nobody, tmp_path):
    """Somebody who may read the case, and use its keys, but not write into it."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("content")
    before = bench.rc.snapshot(bench.case, whole=True)
    undisturbed = bench.undisturbed(source)  # loads what the fork needs
    bench.give_keys_to(NOBODY)
    code, errors = as_nobody(lambda: bench.said(capsys, *bench.arguments(source)))
    assert (code, bench.error_in(errors)) == (4, NOT_ALLOWED)
    assert bench.rc.snapshot(bench.case, whole=True) == before
    assert bench.acquire(source, "--resume", "--quiet") == 0
    bench.check_whole(source, undisturbed)


# --- while it is at work ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """So many files that there is time to do something to the case."""
    folder = tmp_path_factory.mktemp("disk") / "many"
    folder.mkdir()
    for number in range(2500):
        (folder / f"{number:04d}").write_bytes(b"GIF89a %d" % number)
    return folder


def in_the_middle(bench, source, do, *more):
    """Begin an acquisition, stop it while rows are being taken, do something, let it go on; return code and errors."""
    process = bench.start(*bench.arguments(source, *more))
    bench.wait_for_rows()
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    do()
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_a_medium_that_becomes_full_in_the_middle(bench, many, medium):
    undisturbed = bench.undisturbed(many)
    code, errors = in_the_middle(bench, many, lambda: medium.again(size=str(used(medium))))
    assert (code, bench.error_in(errors)) == (4, "X421")
    bench.check_left()
    medium.again(size=ROOM)
    assert bench.acquire(many, "--resume", "--quiet") == 0
    bench.check_whole(many, undisturbed)


def test_a_case_that_is_deleted_in_the_middle(bench, many):
    code, errors = in_the_middle(bench, many, lambda: shutil.rmtree(bench.case))
    assert code == 4
    assert bench.error_in(errors)
    assert not bench.case.exists()


def test_a_medium_that_is_taken_away_in_the_middle(bench, many, medium, second_name, tmp_path):
    """What was written goes on to be there; where it was, nothing is made."""
    undisturbed = bench.undisturbed(many)
    other = second_name(medium.path, tmp_path / "elsewhere")
    code, errors = in_the_middle(bench, many, medium.pull)
    assert code == 4
    assert bench.error_in(errors)
    assert os.listdir(medium.path) == []
    bench.case = other.path / "case"
    bench.check_left()
    assert bench.acquire(many, "--resume", "--quiet") == 0
    bench.check_whole(many, undisturbed)


# --- the second medium --------------------------------------------------------------------------------------------


def test_a_second_medium_that_becomes_full(bench, source, tmpfs, capsys, monkeypatch):
    """The case is sealed by then. What stands on the second medium is an earlier state of it, and can be completed."""
    monkeypatch.setattr("evidencekit.journeys.acquire.refuse_too_small", lambda *_, **__: None)
    undisturbed = bench.undisturbed(source, "--copy")
    second = tmpfs(ROOM, "second")
    target = second.path / "case"
    second.again(size="1m")
    more = ("--quiet", "--copy", "--copy-to", target)
    code, errors = bench.said(capsys, *bench.arguments(source, *more))
    assert (code, bench.error_in(errors)) == (4, "X421")
    assert verify_case(bench.case).verdict == "INTEGRITY ONLY"
    assert verify_case(target).verdict == "NOT CHECKED"
    second.again(size=ROOM)
    assert bench.acquire(source, "--resume", *more) == 0
    bench.check_whole(source, undisturbed)
    assert bench.rc.snapshot(target) == bench.rc.snapshot(bench.case)


def test_a_second_medium_that_is_taken_away(bench, many, tmpfs):
    """What lies below its place now is another medium, and no second one: nothing is copied there."""
    undisturbed = bench.undisturbed(many, "--copy")
    second = tmpfs(ROOM, "second")
    target = second.path / "case"
    code, errors = in_the_middle(bench, many, second.pull, "--copy-to", target)
    assert (code, bench.error_in(errors)) == (4, "X428")
    assert os.listdir(second.path) == []
    assert verify_case(bench.case).verdict == "INTEGRITY ONLY"
    assert bench.acquire(many, "--resume", "--quiet", "--copy-to", target) == 0  # this time it is the one to be meant
    bench.check_whole(many, undisturbed)
    assert bench.rc.snapshot(target) == bench.rc.snapshot(bench.case)
