"""The census: counts what is listed, opens nothing, stops when told."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.read import census as module
from evidencekit.read.census import Census
from evidencekit.read.handles import Opener


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "private").mkdir(parents=True)
    (folder / "private" / "diary").write_bytes(b"x" * 7)
    (folder / "a.txt").write_bytes(b"x" * 5000)
    (folder / "b.jpg").write_bytes(b"x" * 30)
    (folder / "link").symlink_to("a.txt")
    os.mkfifo(folder / "fifo")
    os.link(folder / "a.txt", folder / "again.txt")
    return folder


def counted(census):
    return census.files, census.bytes, census.largest, census.done


def test_files_are_counted_as_often_as_they_are_listed(source):
    census = Census(source)
    assert counted(census) == (0, 0, 0, False)
    census.count()
    assert counted(census) == (4, 10_037, 5000, True)


def test_only_what_is_wanted_is_counted(source):
    census = Census(source, prune=lambda path: path == b"private", wants=lambda path: path.endswith(b".txt"))
    census.count()
    assert counted(census) == (2, 10_000, 5000, True)


def test_what_a_sparse_file_takes_up(source):
    with (source / "sparse").open("wb") as out:
        out.truncate(100 << 20)
    census = Census(source / "sparse")
    census.count()
    assert counted(census) == (1, 100 << 20, 100 << 20, True)
    assert census.allocated == (source / "sparse").stat().st_blocks * 512


def test_no_file_is_opened(source, monkeypatch):
    opened = []
    monkeypatch.setattr(Opener, "file", lambda *asked: opened.append(asked))
    Census(source).count()
    assert opened == []


def test_progress_is_told_now_and_then(source, monkeypatch):
    monkeypatch.setattr(module, "_TELL_EVERY", 2)
    heard = []
    Census(source).count(lambda census: heard.append(census.files))
    assert heard == sorted(heard)
    assert len(heard) == 4


def test_progress_may_stop_it(source, monkeypatch):
    monkeypatch.setattr(module, "_TELL_EVERY", 1)

    def stop(census):
        raise KeyboardInterrupt

    census = Census(source)
    with pytest.raises(KeyboardInterrupt):
        census.count(stop)
    assert not census.done


def test_source_that_is_not_there(tmp_path):
    census = Census(tmp_path / "nothing")
    with pytest.raises(CannotFinish) as caught:
        census.count()
    assert caught.value.code == "X430"
    with census.counting():
        pass
    assert counted(census) == (0, 0, 0, False)


def test_in_the_background(source):
    threads = threading.active_count()
    with Census(source).counting() as census:
        end = time.monotonic() + 30
        while not census.done and time.monotonic() < end:
            time.sleep(0.001)
    assert counted(census) == (4, 10_037, 5000, True)
    assert threading.active_count() == threads


def test_background_stops_when_it_is_left(source):
    threads = threading.active_count()
    seconds = iter(range(10_000))
    asked = threading.Event()

    def wants(path):
        asked.set()
        return True

    handles = len(list(Path("/proc/self/fd").iterdir()))
    with Census(source, wants=wants, elapsed=lambda: next(seconds)).counting() as census:
        assert asked.wait(30)
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
    assert census.files <= 4


@pytest.mark.judge("losetup")
def test_device_has_the_size_of_its_medium(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can make loop devices")
    (tmp_path / "image").write_bytes(bytes(3 << 20))
    command = ["losetup", "--read-only", "-f", "--show", tmp_path / "image"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"NOT RUN: no loop device: {made.stderr.strip()}")
    try:
        census = Census(Path(made.stdout.strip()))
        census.count()
        assert counted(census) == (1, 3 << 20, 3 << 20, True)
    finally:
        subprocess.run(["losetup", "-d", made.stdout.strip()], check=True)
