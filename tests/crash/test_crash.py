"""A crash at every step: afterwards the case is as it was, or unfinished; `--resume` makes it whole.

What must never be: FAILED after a crash, VERIFIED over something half, a file under its final name with half its content.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from evidencekit.cli.main import evidencekit
from evidencekit.core import layout
from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.event import decode_entry, decode_event
from evidencekit.core.note import parse_note
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.errors import CannotFinish, EvidenceError, Refused
from evidencekit.read.parquet import ManifestFile
from evidencekit.seal.logkeys import load_log_keys, save_log_keys
from evidencekit.verify.verifier import verify_case

LONG = os.environ.get("EVIDENCEKIT_LONG") == "1"
WORKERS = 4
"""The steps of one run are dealt out to so many tests, which run beside each other."""


@pytest.fixture(scope="module")
def base(rc, tmp_path_factory):
    """An opened case, a source with a large value, and what an undisturbed acquisition of it gives."""
    folder = tmp_path_factory.mktemp("crash")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    save_log_keys(office.keys, folder / "log.pem")
    source = folder / "source"
    (source / "docs").mkdir(parents=True)
    for number in range(3):
        (source / f"docs/{number}").write_text(f"letter {number}")
    (source / "link").symlink_to("docs/0")
    with contextlib.suppress(OSError):
        os.setxattr(source / "docs/1", "user.large", b"x" * 3500)
    shutil.copytree(folder / "case", folder / "undisturbed")
    office.acquire(folder / "undisturbed", source)
    return folder, office


def fresh(base, tmp_path):
    folder, office = base
    shutil.copytree(folder / "case", tmp_path / "case")
    return tmp_path / "case", folder / "source", office


def check_every_file_is_whole(rc, case, office):
    """Under final names stand whole files only, each at its place."""
    manifests = {}
    for place, data in rc.snapshot(case).items():
        first, _, rest = place.partition("/")
        if place == "case.json" or first == "objects":
            assert first != "objects" or hashlib.sha256(data).hexdigest() == Path(rest).name
        elif first == "manifests":
            manifests[place] = hashlib.sha256(data).hexdigest()
            with (case / place).open("rb") as file:
                manifest = ManifestFile(file, place)
                assert sum(1 for _ in manifest.batches()) >= (manifest.rows_count > 0)
        elif first == "checkpoints":
            assert parse_checkpoint(parse_note(data).text).size == int(rest)
        elif rest.endswith("/entry"):
            assert decode_entry(data).index == int(rest.split("/")[0])
        elif rest.endswith("/event.json"):
            decode_event(data)
        else:
            assert rest.endswith("/event.json.sig"), place
            parse_sshsig(data)
    for folder in (case / "custody").iterdir():
        if not folder.name.startswith(layout.TEMPORARY):
            assert sorted(os.listdir(folder)) == ["entry", "event.json", "event.json.sig"]


def check_after_a_crash(case, office):
    """As before, or unfinished, or sealed: never broken, never more than what stands under a checkpoint."""
    report = verify_case(case, policy=office.policy())
    codes = {finding.code for finding in report.findings}
    assert codes <= {"W901", "W902", "W903"}, [finding.as_record() for finding in report.findings]
    sealed = any(event["type"] == "seal" for event in checkpointed(case))
    finished = not codes & {"W901", "W902"}
    assert report.verdict == ("VERIFIED" if sealed and finished else "NOT CHECKED")
    if "W902" in codes:  # large values are published just before the manifest that names them
        strays = {finding.where for finding in report.findings if finding.code == "W902"}
        assert all(where.startswith("objects/") for where in strays)
    return report


def checkpointed(case):
    size = max(int(name) for name in os.listdir(case / "checkpoints") if not name.startswith(layout.TEMPORARY))
    return [decode_event((case / layout.event_file(index)).read_bytes()) for index in range(size)]


def check_resume(rc, base, case, source, office):
    office.acquire(case, source, resume=True)
    check_whole(rc, base, case, source, office)


def check_whole(rc, base, case, source, office):
    report = verify_case(case, policy=office.policy(), sources={"EX-001": source})
    assert report.verdict == "VERIFIED", [finding.as_record() for finding in report.findings]
    item = office.ledger(case).custody.items["EX-001"]
    assert item.derived is not None
    events = checkpointed(case)
    manifest = int(next(event["body"]["manifest"] for event in events if event["type"] == "seal"))
    assert rc.facts(case, manifest) == rc.facts(base[0] / "undisturbed")
    assert not list((case / layout.WORK).glob("EX-*"))


def state(rc, case):
    """What a resumption can see."""
    return frozenset(rc.snapshot(case)), frozenset(os.listdir(case / "work")) if (case / "work").exists() else None


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


@pytest.mark.parametrize("part", range(WORKERS))
def test_power_cut_at_every_step_of_acquire(rc, disk, power_cut, base, tmp_path, part):
    steps = len(steps_of_acquire(disk, base, tmp_path))
    assert steps > 80
    resumed = set()
    for step in range(1 + part, steps + 1, WORKERS):
        case, source, office = fresh(base, tmp_path)
        before = rc.snapshot(case)
        with disk(tmp_path, step) as cut, pytest.raises(power_cut):
            office.acquire(case, source)
        assert cut.dead
        after = rc.snapshot(case)
        assert {place: after[place] for place in before} == before
        check_every_file_is_whole(rc, case, office)
        check_after_a_crash(case, office)
        if LONG or state(rc, case) not in resumed:
            resumed.add(state(rc, case))
            check_resume(rc, base, case, source, office)
        shutil.rmtree(case)


def result_of(function, *given, **more):
    """What a call raised, or None."""
    try:
        function(*given, **more)
    except BaseException as error:  # noqa: BLE001 - looked at by whoever asked
        return error
    return None


@pytest.mark.parametrize("error", [no_space, input_output, KeyboardInterrupt], ids=["no space", "I/O", "Ctrl-C"])
def test_an_error_at_every_step_of_acquire(rc, disk, base, tmp_path, error):
    """The disk goes on after the failure: what was begun is cleaned up, and the error is one of ours."""
    steps = len(steps_of_acquire(disk, base, tmp_path))
    resumed = set()
    for step in range(1, steps + 1, 1 if LONG else 5):
        case, source, office = fresh(base, tmp_path)
        with disk(tmp_path, step, error) as failing:
            outcome = result_of(office.acquire, case, source)
        if outcome is None:  # what is only tidied up may fail
            assert failing.log[step - 1][0] in {"rmdir", "unlink", "mkdir"}, failing.log[step - 1]
        elif error is KeyboardInterrupt:
            assert isinstance(outcome, KeyboardInterrupt)
        else:
            assert isinstance(outcome, EvidenceError), repr(outcome)
            assert outcome.exit_code == 4
        check_every_file_is_whole(rc, case, office)
        check_after_a_crash(case, office)
        if LONG or state(rc, case) not in resumed:
            resumed.add(state(rc, case))
            with contextlib.suppress(EvidenceError) if is_done(case) else contextlib.nullcontext():
                office.acquire(case, source, resume=True)
            check_whole(rc, base, case, source, office)
        shutil.rmtree(case)


def is_done(case):
    """Nothing is left to resume."""
    return checkpointed(case)[-1]["type"] == "derive" and not list((case / "work").glob("EX-*"))


def test_a_crash_in_a_resumption_can_be_resumed(rc, disk, power_cut, base, tmp_path):
    """Cut at one step, then cut the resumption at another, then resume."""
    steps = len(steps_of_acquire(disk, base, tmp_path))
    choice = random.Random(7)
    for _ in range(60 if LONG else 8):
        case, source, office = fresh(base, tmp_path)
        for _ in range(3):
            with disk(tmp_path, choice.randrange(1, steps)), contextlib.suppress(power_cut, EvidenceError):
                office.acquire(case, source, resume=True)
            check_every_file_is_whole(rc, case, office)
            check_after_a_crash(case, office)
        with contextlib.suppress(EvidenceError) if is_done(case) else contextlib.nullcontext():
            office.acquire(case, source, resume=True)
        check_whole(rc, base, case, source, office)
        shutil.rmtree(case)


def test_nothing_gets_its_name_before_it_is_on_the_medium(disk, base, tmp_path):
    """Content before name, folder before the next commit, all of it before the checkpoint."""
    case, source, office = fresh(base, tmp_path)
    renames = []
    with disk(case) as watched:

        def check(old, new):
            if layout.TEMPORARY in new:
                return
            renames.append(new.removeprefix(f"{case}/"))
            inside = [path for path in watched.unsynced_files.values() if path == old or path.startswith(f"{old}/")]
            assert not inside, f"{new} gets its name while {inside} are not on the medium"
            loose = watched.loose() | watched.unsynced_names.get(old, set())
            assert not loose, f"{new} gets its name while the names {loose} are not on the medium"

        watched.on_rename = check
        office.acquire(case, source)
    assert [name.split("/")[0] for name in renames if not name.startswith(("work", "objects"))] == [
        "manifests", "custody", "custody", "checkpoints", "manifests", "custody", "checkpoints",
    ]  # fmt: skip
    assert not watched.loose()


# --- init ---------------------------------------------------------------------------------------------------------


def init(base, tmp_path):
    arguments = [
        "init",
        str(tmp_path / "new"),
        "--reference",
        "1",
        "--agency",
        "A",
        "--origin",
        "a.example/1",
        "--quiet",
    ]
    arguments += ["--signer", str(base[0] / "office/examiner"), "--log-key", str(tmp_path / "new.pem")]
    return command(*arguments)


def command(*arguments):
    return evidencekit.main(list(arguments), prog_name="evidencekit", standalone_mode=False)


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


def test_a_new_case_is_on_the_medium_when_init_ends(disk, base, tmp_path):
    with disk(tmp_path) as watched:
        init(base, tmp_path)
    assert watched.unsynced_files == {}
    assert not watched.loose()


# --- kill -9 ------------------------------------------------------------------------------------------------------


def acquire_command(base, case, source, *more):
    signing = ["--signer", str(base[0] / "office/examiner"), "--log-key", str(base[0] / "log.pem")]
    return ["acquire", str(case), str(source), "--exhibit", "EX-001", "--quiet", *signing, *more]


ZYGOTE = """
import os, sys, json
import evidencekit.cli.acquire, evidencekit.journeys, evidencekit.seal.sign, pyarrow.parquet, pyarrow.compute
from evidencekit.cli.main import evidencekit, run
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        sys.argv = ["evidencekit", *json.loads(line)]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            run(evidencekit, "evidencekit")
        except SystemExit as leaving:
            os._exit(leaving.code)
        os._exit(1)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Zygote:
    """A process with evidencekit loaded, which forks itself for each command: only the command's own time is spent."""

    def __init__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def start(self, arguments):
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self):
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="module")
def zygote():
    process = Zygote()
    yield process
    process.close()


def wait_for_work(case):
    """Return when the acquisition has begun."""
    started = time.monotonic()
    while not (case / "work").exists():
        assert time.monotonic() < started + 60
        time.sleep(0.001)
    return time.monotonic()


@pytest.fixture(scope="module")
def killing(base, rc, zygote):
    """A larger source, what an undisturbed run gives, and how long it takes."""
    folder, _ = base
    source = folder / "many"
    source.mkdir()
    for number in range(150):
        (source / f"{number:03d}").write_bytes(b"%d" % number * 500)
    undisturbed = folder / "undisturbed-many"
    shutil.copytree(folder / "case", undisturbed)
    zygote.start(acquire_command(base, undisturbed, source))
    began = wait_for_work(undisturbed)
    assert zygote.wait() == 0
    return source, rc.facts(undisturbed), time.monotonic() - began


def kill_and_resume(rc, base, zygote, killing, case, share, sent):
    """Send a signal when this share of the usual time is over; return whether it came in time."""
    folder, office = base
    source, expected, usual = killing
    shutil.copytree(folder / "case", case)
    process = zygote.start(acquire_command(base, case, source))
    wait_for_work(case)
    time.sleep(share * usual)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, sent)
    code = zygote.wait()
    check_every_file_is_whole(rc, case, office)
    check_after_a_crash(case, office)
    if code == 0 or is_done(case):
        with pytest.raises(Refused, match="already sealed"):
            command(*acquire_command(base, case, source, "--resume"))
    else:
        assert command(*acquire_command(base, case, source, "--resume")) == 0
    report = verify_case(case)
    assert (report.verdict, report.exit_code) == ("INTEGRITY ONLY", 7), report.findings
    events = checkpointed(case)
    assert events[-1]["type"] == "derive"
    manifest = int(next(event["body"]["manifest"] for event in events if event["type"] == "seal"))
    assert rc.facts(case, manifest) == expected
    shutil.rmtree(case)
    assert code in {0, -sent, 4}
    return code != 0


@pytest.mark.parametrize("part", range(5))
def test_kill_9_at_random_moments(rc, base, zygote, killing, tmp_path, capsys, part):
    choice = random.Random()
    shares = [(part + choice.random()) / 5 for _ in range(5)]
    killed = [kill_and_resume(rc, base, zygote, killing, tmp_path / "case", share, signal.SIGKILL) for share in shares]
    assert part > 1 or any(killed)  # else it was not tried


@pytest.mark.long
def test_kill_9_at_many_random_moments(rc, base, zygote, killing, tmp_path, capsys):
    choice = random.Random()
    for _ in range(200):
        kill_and_resume(rc, base, zygote, killing, tmp_path / "case", choice.random() * 1.1, signal.SIGKILL)


def test_ctrl_c_at_random_moments(rc, base, zygote, killing, tmp_path, capsys):
    choice = random.Random()
    for _ in range(40 if LONG else 4):
        kill_and_resume(rc, base, zygote, killing, tmp_path / "case", choice.random(), signal.SIGINT)
