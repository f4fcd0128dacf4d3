"""A crash, or an error, at every step: afterwards the case is as it was, or unfinished; `--resume` makes it whole.

What a power cut takes back besides is in test_power_loss.py; programs that die at any moment are in test_kill.py.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil

import click
import pytest

from evidencekit.cli.main import evidencekit
from evidencekit.core import layout
from evidencekit.errors import CannotFinish, EvidenceError
from evidencekit.seal.logkeys import load_log_keys
from evidencekit.verify.verifier import verify_case
from evidencekit.write.hashed import HashedFile

LONG = os.environ.get("EVIDENCEKIT_LONG") == "1"
WORKERS = 4
"""The steps of one run are dealt out to so many tests, which run beside each other."""


def fresh(base, tmp_path):
    shutil.copytree(base.case, tmp_path / "case")
    return tmp_path / "case", base.source, base.office


def state(rc, case):
    """What a resumption can see."""
    work = case / layout.WORK
    inside = frozenset(path.relative_to(work) for path in work.rglob("*"))
    return frozenset(rc.snapshot(case)), inside if work.exists() else None


def resume(rc, after, base, case):
    """Take it up again, if anything is left to do, and judge it."""
    with contextlib.suppress(EvidenceError) if after.is_done(case) else contextlib.nullcontext():
        base.office.acquire(case, base.source, resume=True)
    after.check_whole(rc, case, base.source, base.office, base.undisturbed())


def steps_of_acquire(disk, base, tmp_path):
    case, source, office = fresh(base, tmp_path)
    with disk(tmp_path) as counted:
        office.acquire(case, source)
    shutil.rmtree(case)
    return counted.log


def no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def input_output():
    return OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, WORKERS))])
def test_power_cut_at_every_step_of_acquire(rc, after, disk, power_cut, base, tmp_path, part):
    steps = len(steps_of_acquire(disk, base, tmp_path))
    assert steps > 80
    resumed = set()
    for step in range(1 + part, steps + 1, WORKERS):
        case, source, office = fresh(base, tmp_path)
        before = rc.snapshot(case)
        with disk(tmp_path, step) as cut, pytest.raises(power_cut):
            office.acquire(case, source)
        assert cut.dead
        found = rc.snapshot(case)
        assert {place: found[place] for place in before} == before
        after.check_after_a_crash(rc, case, office)
        if LONG or state(rc, case) not in resumed:
            resumed.add(state(rc, case))
            resume(rc, after, base, case)
        shutil.rmtree(case)


def result_of(function, *given, **more):
    """What a call raised, or None."""
    try:
        function(*given, **more)
    except BaseException as error:  # noqa: BLE001 - looked at by whoever asked
        return error
    return None


@pytest.mark.parametrize("error", [no_space, input_output, KeyboardInterrupt], ids=["no space", "I/O", "Ctrl-C"])
def test_an_error_at_every_step_of_acquire(rc, after, disk, base, tmp_path, error):
    """The disk goes on after the failure: what was begun is cleaned up, and the error is one of ours."""
    steps = len(steps_of_acquire(disk, base, tmp_path))
    resumed = set()
    for step in range(1, steps + 1, 1 if LONG else 8):
        case, source, office = fresh(base, tmp_path)
        with disk(tmp_path, step, error) as failing:
            outcome = result_of(office.acquire, case, source)
        if outcome is None:  # what is only tidied up may fail, and what is disposable
            call, *where = failing.log[step - 1]
            assert call in {"rmdir", "unlink", "mkdir"} or str(where).rstrip("']").endswith(".tiles"), (call, where)
        elif error is KeyboardInterrupt:
            assert isinstance(outcome, KeyboardInterrupt)
        else:
            assert isinstance(outcome, EvidenceError), repr(outcome)
            assert outcome.exit_code == 4
        after.check_after_a_crash(rc, case, office)
        if LONG or state(rc, case) not in resumed:
            resumed.add(state(rc, case))
            resume(rc, after, base, case)
        shutil.rmtree(case)


def test_a_crash_in_a_resumption_can_be_resumed(rc, after, disk, power_cut, base, tmp_path):
    """Cut at one step, then cut the resumption at another, then resume."""
    steps = len(steps_of_acquire(disk, base, tmp_path))
    choice = random.Random(7)
    for _ in range(60 if LONG else 8):
        case, source, office = fresh(base, tmp_path)
        for _ in range(3):
            with disk(tmp_path, choice.randrange(1, steps)), contextlib.suppress(power_cut, EvidenceError):
                office.acquire(case, source, resume=True)
            after.check_after_a_crash(rc, case, office)
        resume(rc, after, base, case)
        shutil.rmtree(case)


def test_a_closed_file_is_not_written_to_by_its_number(tmp_path):
    """By then the number is another file's, and a library that was interrupted writes once more when it is cleared away."""
    closed = HashedFile(tmp_path / "closed")
    closed.close()
    with (tmp_path / "other").open("wb"), contextlib.suppress(ValueError, OSError):
        closed.write(b"late")
    assert (tmp_path / "other").read_bytes() == b""


# --- init ---------------------------------------------------------------------------------------------------------


def init(base, tmp_path):
    about = ["--reference", "1", "--agency", "A", "--origin", "a.example/1", "--quiet"]
    keys = ["--signer", str(base.folder / "office/examiner"), "--log-key", str(tmp_path / "new.pem")]
    return evidencekit.main(
        ["init", str(tmp_path / "new"), *about, *keys], prog_name="evidencekit", standalone_mode=False
    )


def check_opened_or_not(tmp_path):
    """The case is there whole, with its keys; or it is not there, and its name is free."""
    case = tmp_path / "new"
    if not case.exists() or os.listdir(case) == []:
        return False
    report = verify_case(case)
    assert (report.verdict, list(report.findings)) == ("NOT CHECKED", [])
    load_log_keys(tmp_path / "new.pem", origin="a.example/1", ask_passphrase=None)
    return True


@pytest.mark.parametrize(
    ("error", "there"),
    [("power cut", False), ("power cut", True), (input_output, False), (KeyboardInterrupt, True)],
    ids=["power cut", "power cut, empty folder", "I/O", "Ctrl-C, empty folder"],
)
def test_a_crash_at_every_step_of_init(disk, power_cut, base, tmp_path, error, there, capsys):
    with disk(tmp_path) as counted:
        init(base, tmp_path)
    shutil.rmtree(tmp_path / "new")
    (tmp_path / "new.pem").unlink()
    opened = []
    for step in range(1, counted.count + 1):
        if there:
            (tmp_path / "new").mkdir()
        with disk(tmp_path, step, power_cut if error == "power cut" else error):
            outcome = result_of(init, base, tmp_path)
        opened.append(check_opened_or_not(tmp_path))
        assert isinstance(outcome, (power_cut, CannotFinish, click.Abort)) or (outcome is None and opened[-1]), outcome
        if error != "power cut":
            assert (outcome is None) == opened[-1]
        if not opened[-1] and error != "power cut":
            assert not list(tmp_path.glob(f"{layout.TEMPORARY}*")), counted.log[step - 1]
        if step % 8 == 0 and not opened[-1] and not (tmp_path / "new.pem").exists():
            init(base, tmp_path)
            assert check_opened_or_not(tmp_path)
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert 0 < opened.count(False) >= len(opened) - 5, opened


def test_a_new_case_is_on_the_medium_when_init_ends(recorder, base, tmp_path):
    with recorder.Recorder(tmp_path) as recording:
        init(base, tmp_path)
    disk = recording.disk()
    for step in recording.steps:
        disk.do(step)
    assert disk.tree(recorder.all_lost, recorder.all_lost) == disk.tree()
