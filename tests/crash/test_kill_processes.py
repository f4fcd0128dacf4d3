"""Programs of several processes that die, or are told to stop: nobody is left, nothing is held, little is read twice."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

COUNT = 2
FOLDERS, FILES = 6, 700
IN_HAND = COUNT * 2 * 256
"""Rows that a kill costs at most: of each process the job under way, and the one that nobody has heard of yet."""
MOMENT = 1600
"""So many files were opened when something happens: in the middle."""
STOPPED = r"\n?error X499: [^\n]+\n(?:  [^\n]+\n)?"
DIED = r"error X450: A worker process ended [^\n]+-9\)\.\n  What was finished is kept\.[^\n]+\n"
PATIENCE = 60


class Opened:
    """The kernel's own word on which files are opened in some folders (inotify)."""

    IN_OPEN, IN_ISDIR, IN_Q_OVERFLOW = 0x20, 0x40000000, 0x4000

    def __init__(self, folders) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = libc.inotify_init1(os.O_NONBLOCK)
        self._folders = {}
        for folder in folders:
            number = libc.inotify_add_watch(self._handle, os.fsencode(folder), self.IN_OPEN)
            assert number > 0, os.strerror(ctypes.get_errno())
            self._folders[number] = folder.name
        self.names = Counter()

    def look(self):
        """Take down what happened; return how many files were opened so far."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._handle, 1 << 16):
                at = 0
                while at < len(data):
                    number, mask, _, size = struct.unpack_from("iIII", data, at)
                    assert not mask & self.IN_Q_OVERFLOW
                    name = data[at + 16 : at + 16 + size].rstrip(b"\0").decode()
                    at += 16 + size
                    if name and not mask & self.IN_ISDIR:
                        self.names[f"{self._folders[number]}/{name}"] += 1
        return len(self.names)

    def close(self) -> None:
        os.close(self._handle)


@pytest.fixture(scope="module")
def source(in_memory):
    """Thousands of small files, and a large one in each folder."""
    folder = Path(tempfile.mkdtemp(dir=in_memory)) / "source"
    for number in range(FOLDERS):
        (folder / f"{number}").mkdir(parents=True)
        for at in range(FILES):
            (folder / f"{number}/{at:05d}.gif").write_bytes(b"GIF89a %d %d" % (number, at))
    (folder / "0/large").write_bytes(b"GIF89a" + bytes(40 << 20))
    return folder


@pytest.fixture(scope="module")
def undisturbed(rc, after, base, source, in_memory):
    """What a single process gives that nothing comes in the way of."""
    case = Path(tempfile.mkdtemp(dir=in_memory)) / "case"
    shutil.copytree(base.case, case)
    base.office.acquire(case, source)
    return after.record(rc, case)


class Bench:
    """A case, and programs at it, each in a process group of its own."""

    def __init__(self, base, folder, source) -> None:
        self.case, self._base, self._source = folder / "case", base, source
        shutil.copytree(base.case, self.case)
        self.lock = self.case / "work/EX-001/lock"

    @contextlib.contextmanager
    def program(self, *more, at=MOMENT):
        """Begin to acquire, and go on when so many files were opened; afterwards nobody of it may be left."""
        folder = self._base.folder
        signing = ["--signer", str(folder / "office/examiner"), "--log-key", str(folder / "log.pem")]
        words = ["acquire", str(self.case), str(self._source), "--exhibit", "EX-001", "--quiet", *signing, *more]
        opened = Opened([self._source / f"{number}" for number in range(FOLDERS)])
        process = subprocess.Popen(
            [sys.executable, "-m", "evidencekit", *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            while opened.look() < at and process.poll() is None:
                time.sleep(0.002)
            yield Program(process, opened)
            until = time.monotonic() + 10
            while group(process.pid) and time.monotonic() < until:  # the system takes a moment to tidy up a process
                time.sleep(0.01)
            assert group(process.pid) == set()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()
            process.stderr.close()
            opened.close()


class Program:
    """A program at work."""

    def __init__(self, process, opened) -> None:
        self.pid, self._process, self._opened = process.pid, process, opened

    @property
    def workers(self):
        """Its workers, which are copies of it or know that they are workers."""
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in group(self.pid) - {self.pid}}
        return {pid for pid, line in lines.items() if b"resource_tracker" not in line}

    @property
    def files(self):
        """How often each file was opened."""
        self._opened.look()
        return self._opened.names

    def end(self):
        """Wait for its end, and for that of whoever may still write; return the code, and what was said."""
        _, errors = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, errors


def group(number):
    """The processes of a group, but for those that ended and were not asked how."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == number and state != "Z":
                found.add(int(folder.name))
    return found


@pytest.fixture
def bench(base, tmp_path, source):
    return Bench(base, tmp_path, source)


@pytest.fixture
def resumed(rc, after, base, bench, source, undisturbed):
    """Return a function that resumes, judges, and returns which files were opened for that."""

    def run(*more):
        after.check_after_a_crash(rc, bench.case, base.office)
        with bench.program("--resume", *more, at=1 << 30) as program:
            code, errors = program.end()
            assert (code, errors) == (0, "")
            files = dict(program.files)
        after.check_whole(rc, bench.case, source, base.office, undisturbed)
        return files

    return run


def taken_twice(first, second):
    """Files that were opened by both; media types look at each once more, at the end of the second."""
    return {name for name, times in second.items() if times > 1 and name in first}


def test_undisturbed(bench, rc, after, base, source, undisturbed):
    """As many processes as were asked for; each file is opened by one of them, and once more for its type."""
    with bench.program("--jobs", f"{COUNT}") as program:
        assert len(program.workers) == COUNT
        code, errors = program.end()
        assert (code, errors) == (0, "")
        large = program.files.pop("0/large")
        assert set(program.files.values()) == {2}
        assert len(program.files) == FOLDERS * FILES
        assert large == 3, "it is given back when it is seen to be large"
    after.check_whole(rc, bench.case, source, base.office, undisturbed)


@pytest.mark.parametrize("jobs", ["2", "1"])
def test_kill_9(bench, resumed, jobs):
    """Of the parent alone: its workers see it, and go."""
    with bench.program("--jobs", f"{COUNT}") as program:
        assert len(program.workers) == COUNT
        os.kill(program.pid, signal.SIGKILL)
        os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
        with bench.lock.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # at once, whoever else is still there
        code, errors = program.end()
        assert (code, errors) == (-signal.SIGKILL, "")
        first = set(program.files)
    assert len(first) >= MOMENT
    twice = taken_twice(first, resumed("--jobs", jobs))
    assert len(twice) <= IN_HAND
    assert twice, "what was in hand had to be taken again: else nothing was killed"


def test_kill_9_of_a_resumption(bench, resumed):
    """Its workers are no copies of it, since it has read the first run already."""
    with bench.program("--jobs", f"{COUNT}", at=1200) as program:
        os.kill(program.pid, signal.SIGKILL)
        program.end()
        first = set(program.files)
    with bench.program("--resume", "--jobs", f"{COUNT}", at=1200) as program:
        assert len(program.workers) == COUNT
        os.kill(program.pid, signal.SIGKILL)
        assert program.end()[1] == ""
        second = set(program.files)
    assert len(first & second) <= IN_HAND
    assert len(taken_twice(first | second, resumed())) <= 2 * IN_HAND


def test_kill_9_of_a_worker(bench, resumed):
    """Said in two lines; the other worker is gone, too, and what was finished is kept."""
    with bench.program("--jobs", f"{COUNT}") as program:
        os.kill(min(program.workers), signal.SIGKILL)
        code, errors = program.end()
        assert code == 4
        assert re.fullmatch(DIED, errors), errors
        first = set(program.files)
    assert len(taken_twice(first, resumed())) <= IN_HAND


@pytest.mark.parametrize(
    ("to", "sent"),
    [
        ("all", signal.SIGINT),
        ("parent", signal.SIGTERM),
        pytest.param("all", signal.SIGTERM, marks=pytest.mark.long),
        pytest.param("parent", signal.SIGINT, marks=pytest.mark.long),
    ],
    ids=["all-Ctrl-C", "parent-SIGTERM", "all-SIGTERM", "parent-Ctrl-C"],
)
def test_told_to_stop(bench, resumed, to, sent):
    """A terminal tells the whole group; a service manager, too, or the parent alone. Nobody says more than one line."""
    with bench.program("--jobs", f"{COUNT}") as program:
        if to == "all":
            os.killpg(program.pid, sent)
        else:
            os.kill(program.pid, sent)
        code, errors = program.end()
        assert code == 4
        assert re.fullmatch(f"{STOPPED}|{DIED.replace('-9', '-15')}", errors), errors
        assert "Traceback" not in errors
        first = set(program.files)
    assert len(taken_twice(first, resumed())) <= IN_HAND
