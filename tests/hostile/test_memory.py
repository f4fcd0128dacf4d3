"""Memory does not grow with a source, or a package: the peak of whole commands, as the kernel counts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from persons import OURSELVES, at_home, can_start_python

MIB = 1 << 20
MOST = 40 * MIB
"""What is allowed between a small source and a large one."""
PEAK = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
"""
"""Run a program from a small process: what one that forks has in memory counts as its child's, until it execs."""


def peak(work, source, exhibit, *more):
    """Take a source in a process of its own; return the most memory that it had, in bytes."""
    return peak_of(work, *work.acquiring(source, exhibit, "--no-identify", "--quiet", *more))


def peak_of(work, *words, code=0):
    """Run a command in a process of its own; return the most memory that it had, in bytes."""
    environment = os.environ | at_home(work.folder)
    command = [sys.executable, "-c", PEAK, sys.executable, "-m", "evidencekit", *map(str, words)]
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    line = done.stdout.decode().splitlines()[-1]
    ended, size = map(int, line.split())
    assert ended == code, done.stderr.decode()
    return size


def files(folder, count, *, inside=250):
    """Make tiny files, so many in each folder."""
    os.makedirs(folder)
    for first in range(0, count, inside):
        below = f"{folder}/{first:07d}"
        os.mkdir(below)
        handle = os.open(below, os.O_RDONLY | os.O_DIRECTORY)
        for number in range(first, min(first + inside, count)):
            os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)
    return folder


@pytest.fixture
def room(places, desk_of):
    """A folder for sources, and a case."""
    can_start_python()
    with places(in_memory=None) as folder:
        yield folder, desk_of(OURSELVES)


def test_more_files(room):
    folder, work = room
    few, many = files(f"{folder}/few", 10_000), files(f"{folder}/many", 80_000)  # a row group is full with 8,192
    small, reported = peak(work, few, "EX-001"), peak_of(work, "report", work.case, "-o", f"{folder}/few.html")
    large, more = peak(work, many, "EX-002"), peak_of(work, "report", work.case, "-o", f"{folder}/many.html")
    assert large - small < MOST, (small, large)
    assert more - reported < MOST, (reported, more)


def test_longer_paths(room):
    folder, work = room
    files(f"{folder}/short" + "/" + "s" * 185, 2_000)
    long = files(f"{folder}/long" + ("/" + "l" * 240) * 16, 2_000)
    assert len(long) > 3_800
    small = peak(work, f"{folder}/short", "EX-001")
    large = peak(work, f"{folder}/long", "EX-002")
    assert large - small < MOST, (small, large)


BOUND = 120
"""Bytes for each name of a folder while it is listed: an object (34, and its length), its place in a list that is grown
and sorted (16), and something to spare. The name as text lives only until it is encoded."""


@pytest.mark.long
def test_a_million_files_in_one_folder(room):
    """A folder must be listed before its first file is taken, since a manifest is sorted: its names are held, no more."""
    folder, work = room
    few, many = files(f"{folder}/few", 1_000), files(f"{folder}/many", 1_000_000, inside=1_000_000)
    small = peak(work, few, "EX-001")
    began = time.monotonic()
    large = peak(work, many, "EX-002")
    print(f"a million files: {time.monotonic() - began:.0f} s, {(large - small) / MIB:.0f} MiB more than a thousand")
    assert large - small < MOST + 1_000_000 * BOUND, (small, large)


PACKAGE_MOST = 16 * MIB
"""What is allowed between a package of few files and one of ten times as many: 36,000 times some 70 bytes, and blocks."""


@pytest.mark.long
def test_packages_of_more_files(room):
    folder, work = room
    keys = ["--signer", work.folder / "office/examiner", "--log-key", work.folder / "log.pem"]
    peaks = []
    for exhibit, count in (("EX-001", 4_000), ("EX-002", 40_000)):
        peak(work, files(f"{folder}/{exhibit}", count), exhibit)
        out, mine = f"{folder}/{exhibit}.tar", f"{folder}/received-{exhibit}"
        receiving = ["--into", mine, "--signer", keys[1], "--log-key", f"{mine}.pem", "--receipt", f"{mine}.json"]
        peaks.append(
            [
                peak_of(work, "export", work.case, out, "--item", exhibit, "--tar", "--quiet", *keys),
                peak_of(work, "verify", out, "--quiet", code=7),
                peak_of(work, "receive", out, "--quiet", *receiving),
            ]
        )
    assert all(large - small < PACKAGE_MOST for small, large in zip(*peaks, strict=True)), peaks
