"""`verify --jobs N`: the same report whatever N is, a clean end by Ctrl-C, nobody left over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidencekit.verify.apart import LEAST_ROWS_OF_SOURCE
from evidencekit.verify.source import LEAST_COST, ROW_COST

FILES = 9_000
"""Enough for workers to be started unasked."""


@pytest.fixture(scope="module")
def taken(rc, tmp_path_factory):
    """A case of many small files, and its source, in which something was changed since."""
    assert FILES > LEAST_ROWS_OF_SOURCE
    assert FILES * ROW_COST > LEAST_COST
    folder = tmp_path_factory.mktemp("many")
    source = folder / "source"
    for number in range(FILES):
        place = source / f"{number // 100:02d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:04d}.txt").write_bytes(b"%d" % number)
    for number in range(0, FILES, 1500):
        os.link(source / f"{number // 100:02d}/{number:04d}.txt", source / f"linked {number}")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    office.acquire(folder / "case", source)
    (source / "07/0700.txt").write_bytes(b"changed")
    (source / "44/4401.txt").unlink()
    (source / "44/new").write_bytes(b"")
    (source / "88/8801.txt").chmod(0o600)
    (source / "linked 1500").unlink()
    return folder


def verify(taken, *words, **more):
    command = [
        sys.executable,
        "-m",
        "evidencekit",
        "verify",
        str(taken / "case"),
        "--source",
        str(taken / "source"),
        *words,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_report_is_the_same_whoever_made_it(taken):
    reports = []
    for jobs in (["--jobs", "1"], ["--jobs", "3"], []):
        process = verify(taken, "--json", *jobs)
        out, err = process.communicate(timeout=200)
        assert process.returncode == 3, err
        reports.append(json.loads(out))
    assert reports[0] == reports[1] == reports[2]
    found = {
        (finding["code"], finding["where"].partition(":")[2])
        for finding in reports[0]["findings"]
        if ":" in finding["where"]
    }
    expected = {("E201", "07/0700.txt"), ("E505", "44/4401.txt"), ("E506", "44/new"), ("E507", "88/8801.txt")}
    assert expected | {("E505", "linked 1500")} <= found
    assert reports[0]["counts"]["checked"]["source_rows"] > FILES - 9


def reads(pid, folder):
    """Tell whether a process has a file of a folder open: before, Python may be loading a library, and dies of SIGINT."""
    with contextlib.suppress(OSError):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(handle).startswith(str(folder)):
                    return True
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: /proc is Linux's")
@pytest.mark.parametrize("jobs", ["1", "3"])
@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGTERM])
def test_a_verification_that_is_stopped_leaves_nobody(taken, jobs, what):
    process = verify(taken, "--jobs", jobs, start_new_session=True)
    found = set()
    until = time.monotonic() + 30
    while (
        time.monotonic() < until
        and process.poll() is None
        and not (len(found) >= 3 if jobs == "3" else reads(process.pid, taken))
    ):
        found |= set(children(process.pid))
    if what == signal.SIGINT:
        os.killpg(process.pid, what)
    else:
        process.send_signal(what)
    _, err = process.communicate(timeout=60)
    if jobs == "3":
        assert len(found) == 3
    assert process.returncode == 4, err
    assert "X499" in err
    assert "Traceback" not in err
    assert not any(map(is_alive, found))


def test_what_jobs_may_be(taken):
    for wrong in ("0", "65", "many"):
        process = verify(taken, "--jobs", wrong)
        process.communicate()
        assert process.returncode == 2


def test_help_tells_it():
    said = subprocess.run(
        [sys.executable, "-m", "evidencekit", "verify", "--help"], capture_output=True, text=True, check=True
    )
    assert "--jobs N" in said.stdout
