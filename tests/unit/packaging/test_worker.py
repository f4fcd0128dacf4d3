"""packaging/start/worker.py: a worker that cannot start says so in a line; a start that is none of a worker goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).parents[3] / "packaging/start"
CODE = """
import multiprocessing.spawn, os, sys
def gone():
    raise FileNotFoundError(2, os.strerror(2), "/media/stick")
multiprocessing.spawn.freeze_support = gone
from worker import work_if_worker
work_if_worker()
print("the program")
"""
CANNOT_START = "a worker process cannot start: No such file or directory\n"


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        (["--multiprocessing-fork", "tracker_fd=5"], 1, "", CANNOT_START),
        (["verify", "case"], 0, "the program\n", ""),
        (["-c", "print(1)"], 0, "the program\n", ""),
    ],
)
def test_what_a_start_is(words, code, out, err):
    command = [sys.executable, "-c", CODE, *words]
    done = subprocess.run(command, cwd=START, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, out, err)
