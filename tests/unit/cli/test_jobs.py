"""`acquire --jobs N`: the same catalogue whatever N is; what N may be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from evidencekit.acquire import source as source_module
from evidencekit.acquire.source import Source
from evidencekit.core.encoding import decode

ATIME = "atime_ns"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Some thousand files in folders of many sizes, with links, names of one file, a large file, odd names."""
    folder = tmp_path_factory.mktemp("jobs") / "source"
    for number in range(3000):
        place = folder / f"{number % 37:02d}" / ("deep" if number % 5 else "")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(b"%d" % number * (number % 400))
    for number in range(0, 200, 7):
        os.link(folder / "00/0.txt", folder / f"05/again {number}")
        (folder / f"06/link {number}").symlink_to("../00/0.txt")
        # Reading a link moves an access time that lies behind the others, once; and a header says so.
        os.utime(folder / f"06/link {number}", (time.time() + 3600, 0), follow_symlinks=False)
    (folder / "07/large").write_bytes(bytes(33 << 20))
    os.mkfifo(folder / "08/pipe")
    for name in (b"\xff\xfe", b"new\nline", b"not.tmp"):
        with open(os.fsencode(folder) + b"/09/" + name, "wb") as file:
            file.write(name)
    return folder


@pytest.fixture
def program(desk, tmp_path, home, rc):
    """Return a function that runs a command in a process of its own, as it is installed."""

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "evidencekit", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def catalogue(case, number):
    """All columns of a manifest but salts, access times left out; its row groups; its header but for moments."""
    with pq.ParquetFile(case / f"manifests/{number:08d}.parquet") as file:
        sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
        header = decode(file.metadata.metadata[b"evidencekit.header"])
        rows = file.read().to_pylist()
    salts = [row.pop("row_salt") for row in rows]
    for row in rows:
        metadata = json.loads(row["metadata"])
        metadata.pop(ATIME, None)
        row["metadata"] = metadata
    for name in ("started_at", "finished_at", "exhibit"):
        header.pop(name)
    return rows, sizes, header, salts


def test_the_catalogue_is_the_same(desk, case, rc, source, program, signing):
    """Bytes and all, but for salts, moments and access times."""
    made = {}
    for count in (1, 3):
        exhibit = f"EX-J{count}"
        done = program(
            "acquire",
            case,
            source,
            "--exhibit",
            exhibit,
            "--jobs",
            count,
            "--exclude",
            "*.tmp",
            "--no-identify",
            *signing,
        )
        assert done.returncode == 6, done.stderr
        number = max(int(path.stem) for path in (case / "manifests").glob("*.parquet"))
        made[count] = catalogue(case, number)
    (rows, sizes, header, salts), other = made[1], made[3]
    assert rows == other[0]
    assert (sizes, header) == other[1:3]
    assert len(rows) > 3000
    assert len({*salts, *other[3]}) == 2 * len(rows), "no salt is used twice, whoever made it"
    assert {row["state"] for row in rows} == {"complete", "not_read"}


def test_what_several_processes_sealed_is_verified(desk, case, source, program, signing):
    done = program(
        "acquire", case, source, "--exhibit", "EX-J", "--jobs", "3", "--copy", "--sensitive", *signing, "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["exhibit"] == "EX-J"
    done = program("verify", case)
    assert done.returncode == 7, done.stdout + done.stderr


@pytest.mark.parametrize("jobs", ["0", "-1", "65", "x", "", "1.5"])
def test_what_is_no_number_of_processes(cli, case, source, signing, jobs):
    done = cli("acquire", case, source, "--exhibit", "EX-J", "--jobs", jobs, *signing)
    assert done.code == 2
    assert b"--jobs" in done.err
    assert not list((case / "work").glob("EX-J"))


@pytest.mark.parametrize(
    ("rotating", "asked", "expected"), [(True, None, 1), (False, None, 5), (None, None, 5), (True, 3, 3)]
)
def test_how_many_processes_are_started(cli, case, source, signing, monkeypatch, rotating, asked, expected):
    """As many as were asked for; else what fits the disk."""
    started, asked_for = [], []
    from evidencekit.acquire import passing

    real = passing.Dispatch
    monkeypatch.setattr(
        passing, "Dispatch", lambda *given, jobs, **more: started.append(jobs) or real(*given, jobs=1, **more)
    )
    monkeypatch.setattr(source_module, "is_rotating", lambda number: asked_for.append(number) or rotating)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(5)), raising=False)
    words = ["acquire", case, source / "07", "--exhibit", "EX-J", "--no-identify", *signing]
    assert cli(*words, *([] if asked is None else ["--jobs", asked])).code == 0
    assert started == [expected]
    assert asked_for == ([] if asked else [os.stat(source).st_dev])


@pytest.mark.parametrize(("kind", "field"), [("directory", "st_dev"), ("file", "st_dev"), ("block_device", "st_rdev")])
def test_the_disk_of_a_source(monkeypatch, kind, field):
    """A device is itself what may turn; all else lies on one."""
    asked = []
    monkeypatch.setattr(source_module, "is_rotating", lambda number: asked.append(number) or True)
    place = Source(None, b"/dev/null", kind, None, None, mounted_writable=True, inode_is_stable=True)
    assert place.fit_jobs() == 1
    assert asked == [getattr(os.lstat("/dev/null"), field)]


def test_progress_of_several_processes_adds_up(desk, case, source, program, signing):
    """What is shown last is what is in the record."""
    done = program("acquire", case, source, "--exhibit", "EX-J", "--jobs", "3", "--no-identify", *signing)
    assert done.returncode == 0, done.stderr
    files = (
        sum(len(names) for _, _, names in os.walk(source))
        - sum(1 for path in source.rglob("*") if path.is_symlink())
        - 1
    )
    assert f"{files:,}" in done.stdout + done.stderr
