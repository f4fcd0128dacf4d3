"""Worker processes seen from outside: results in order, errors that are told, and nobody left over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("workerjobs.py")
HOW = ["fork", "spawn"] if sys.platform == "linux" else ["spawn"]

pytestmark = pytest.mark.parametrize("how", HOW)


def start(how, what, **more):
    return subprocess.Popen(
        [sys.executable, PROGRAM, how, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def said(how, what):
    process = start(how, what)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended(pids, seconds=20):
    until = time.monotonic() + seconds
    while any(map(is_alive, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return not any(map(is_alive, pids))


def test_several_processes_work_and_what_they_are_given_is_there(how):
    (results,) = said(how, "about")
    assert len(results) == 9
    assert {one["pid"] for one in results} == {one["made_in"] for one in results}
    assert len({one["pid"] for one in results}) == 2
    assert all(one["arguments"] == ["one", 2] and one["handles"] == 0 for one in results)


def test_results_come_in_the_order_of_the_jobs(how):
    assert said(how, "order") == [list(range(200))]


def test_what_a_job_raises_is_raised_here(how):
    refused, alive = said(how, "errors")
    assert refused[0] == ["BadArgument", "U201", "No. Nothing."]
    assert refused[1] == ["KeyError", None, "'a key'"]
    assert refused[2] == ["RuntimeError", None, "Unportable: 1 2"]
    assert "pickle" in refused[3][2]
    assert alive == [1]


def test_a_worker_that_dies_is_an_error(how):
    ((kind, code, message),) = said(how, "death")
    assert (kind, code) == ("CannotFinish", "X450")
    assert f"{-signal.SIGKILL}" in message


def test_large_jobs_and_large_results_block_nobody(how):
    assert said(how, "sizes") == [True, True]


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: /proc is Linux's")
def test_handles_go_with_a_job_and_are_closed_after_it(how):
    read, still_open = said(how, "handles")
    assert read == [True] * 6
    assert not [name for names in still_open for name in names if "workerjobs" in name]


def test_what_is_told_on_the_way_is_heard(how):
    assert said(how, "tells") == [[5, 3], [1, 1, 2, 2, 3, 3, 4, 5]]


def test_whoever_does_not_want_the_rest_can_close(how):
    assert said(how, "abandoned") == [0, "closed"]


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: /proc is Linux's")
def test_workers_finish_their_job_and_end_when_their_parent_is_killed(how):
    process = start(how, "busy")
    pids = set(json.loads(process.stdout.readline()))
    assert len(pids) == 2
    time.sleep(0.3)
    process.kill()
    process.wait()
    assert ended(pids)
    process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: /proc is Linux's")
def test_idle_workers_end_when_their_parent_is_killed(how):
    process = start(how, "interrupted", start_new_session=True)
    assert json.loads(process.stdout.readline()) == "ready"
    time.sleep(0.3)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    pids = [int(pid) for pid in children]
    assert len(pids) >= 2
    process.kill()
    process.communicate()
    assert ended(pids)


@pytest.mark.skipif(sys.platform != "linux", reason="NOT RUN: /proc is Linux's")
def test_workers_do_not_hear_ctrl_c(how):
    process = start(how, "interrupted", start_new_session=True)
    assert json.loads(process.stdout.readline()) == "ready"
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == list(range(9))
