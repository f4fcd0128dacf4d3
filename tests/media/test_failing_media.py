"""Media that fail: what could be read is taken, what could not is named exactly, and the record says so for good.

Errors are the kernel's own, given through /dev/fuse (badmedium.py) and through a loop device on such a file; the tests
that take `failing` are made a second time with errors that this process makes (injected.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
from blake3 import blake3

BLOCK = 4096
OMISSIONS = 6
INTEGRITY_ONLY = 7
EIO = "EIO: Input/output error"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A folder of files, of which one is read by two threads. Tests leave it as it is."""
    folder = tmp_path_factory.mktemp("media") / "source"
    (folder / "docs").mkdir(parents=True)
    for name, size in {"empty": 0, "short": 100, "block": BLOCK, "small": 300_000, "borders": 3 << 20}.items():
        (folder / f"docs/{name}").write_bytes(os.urandom(size))
    (folder / "docs/large").write_bytes(os.urandom(1 << 20) * 33)
    (folder / "link").symlink_to("docs/small")
    (folder / "zone").mkdir()
    for number in range(4):
        (folder / f"zone/{number}").write_text(f"file {number}")
    return folder


def ranges(content):
    return [(int(one["offset"]), int(one["length"])) for one in content["unreadable"]]


def zero_filled(path: Path, bad) -> dict[str, str]:
    """What the digests of a file are when these ranges are zeros."""
    data = bytearray(path.read_bytes())
    for offset, length in bad:
        data[offset : offset + length] = bytes(length)
    return {"sha256_zero_filled": hashlib.sha256(data).hexdigest(), "blake3_zero_filled": blake3(data).hexdigest()}


def check_record(bench, capsys, said: dict[str, str]) -> None:
    """The record verifies, and `show` gives these reasons for these paths, and no others."""
    capsys.readouterr()
    assert bench.command("verify", bench.case) == INTEGRITY_ONLY
    capsys.readouterr()
    assert bench.command("show", bench.case, "--json") == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert {path: entry["reason"] for entry in items[0]["omissions"] for path in entry["examples"]} == said


def check_complete(rows, source, names) -> None:
    """Under these names the content was taken as it is."""
    for path in names:
        state, content, _ = rows[path]
        assert state == "complete"
        if content["sha256"]:
            assert content["sha256"] == hashlib.sha256((source / os.fsdecode(path)).read_bytes()).hexdigest()


BAD_PLACES = {
    "docs/short": ([[0, 50]], None),
    "docs/block": ([[BLOCK - 1, None]], None),
    "docs/small": ([[0, 1], [3 * BLOCK, 5 * BLOCK], [299_999, 300_000]],
                   [(0, BLOCK), (3 * BLOCK, 2 * BLOCK), (73 * BLOCK, 300_000 - 73 * BLOCK)]),
    "docs/borders": ([[1 << 20, (1 << 20) + 1], [(2 << 20) - 1, 2 << 20]],
                     [(1 << 20, BLOCK), ((2 << 20) - BLOCK, BLOCK)]),
    "docs/large": ([[(8 << 20) - 1, 9 << 20], [20_000_000, 20_000_001], [(33 << 20) - 1, None]],
                   [((8 << 20) - BLOCK, (1 << 20) + BLOCK), (4882 * BLOCK, BLOCK), ((33 << 20) - BLOCK, BLOCK)]),
}  # fmt: skip
"""By name: the ranges that fail, and the ranges that are lost for that (None: all of it)."""


def test_what_cannot_be_read_is_named_exactly(bench, source, failing, capsys):
    medium = failing(
        source, {name: {"read": [[*fault, "EIO"] for fault in faults]} for name, (faults, _) in BAD_PLACES.items()}
    )
    assert bench.acquire(medium.path) == OMISSIONS
    rows = bench.rows()
    for name, (_, bad) in BAD_PLACES.items():
        state, content, _ = rows[name.encode()]
        assert (state, content["reason"], content["detail"], content["sha256"]) == (
            "partial" if bad else "not_read", "io_error", EIO, None,
        )  # fmt: skip
        assert int(content["size"]) == (source / name).stat().st_size
        if bad:
            assert ranges(content) == bad
            assert zero_filled(source / name, bad).items() <= content.items()
    check_complete(rows, source, [path for path in rows if path.decode() not in BAD_PLACES])
    check_record(bench, capsys, dict.fromkeys(BAD_PLACES, "io_error"))


def test_a_place_that_can_be_read_at_a_second_look(bench, source, failing):
    """A contact that shook: what was only half read is looked at once more at the end, and is whole."""
    medium = failing(source, {"docs/small": {"read": [[BLOCK, 2 * BLOCK, "EIO", 1]]}})
    assert bench.acquire(medium.path, "--exclude", "docs/large") == OMISSIONS
    rows = bench.rows()
    check_complete(rows, source, set(rows) - {b"docs/large"})


def test_short_reads(bench, source, injected):
    """Fewer bytes than asked for are no end."""
    medium = injected(source, {"*": {"short": 777}, "docs/large": {"short": 1_000_003}})
    assert bench.acquire(medium.path) == 0
    check_complete(bench.rows(), source, bench.rows())


def test_errors_on_opening_looking_and_listing(bench, source, failing, capsys):
    medium = failing(
        source,
        {"docs/short": {"open": "EIO"}, "docs/block": {"lookup": "EIO"}, "docs/small": {"xattr": "EIO"},
         "zone": {"open": "EIO"}},
    )  # fmt: skip
    assert bench.acquire(medium.path, "--exclude", "docs/large") == OMISSIONS
    rows = bench.rows()
    assert [rows[path][0] for path in (b"docs/short", b"docs/block", b"docs/small", b"zone")] == [
        "not_read", "not_read", "complete", "not_listed",
    ]  # fmt: skip
    assert rows[b"docs/small"][2]["unreadable_metadata"] == ["xattrs"]
    assert rows[b"docs/block"][2]["unreadable_metadata"] == ["status"]
    assert not any(path.startswith(b"zone/") for path in rows)
    check_complete(rows, source, [b"", b"docs", b"docs/empty", b"docs/small", b"docs/borders", b"link"])
    omitted = dict.fromkeys(("docs/short", "docs/block", "zone"), "io_error")
    check_record(bench, capsys, omitted | {"docs/large": "excluded"})


@pytest.mark.parametrize("fault", [{"list": "EIO"}, {"list_after": 2}], ids=["at once", "in the middle"])
def test_a_listing_that_breaks_off(bench, source, failing, capsys, fault):
    """What was listed before the error is taken; the folder says that there may be more."""
    medium = failing(source, {"zone": fault})
    assert bench.acquire(medium.path, "--exclude", "docs") == OMISSIONS
    rows = bench.rows()
    assert rows[b"zone"][0] == "not_listed"
    listed = [path for path in rows if path.startswith(b"zone/")]
    assert listed == ([b"zone/0", b"zone/1"] if "list_after" in fault else [])
    check_complete(rows, source, listed)
    check_record(bench, capsys, {"zone": "io_error", "docs": "excluded"})


def test_a_medium_that_is_gone_from_some_place_on(bench, failing, tmp_path, capsys, deadline):
    """Trying each of its blocks would take hours."""
    folder = tmp_path / "source"
    folder.mkdir()
    with (folder / "image").open("wb") as file:
        file.write(os.urandom(1 << 20) * 16)
        file.truncate(256 << 20)
    medium = failing(folder, {"image": {"read": [[16 << 20, None, "ENODEV"]]}})
    deadline(60)
    assert bench.acquire(medium.path) == OMISSIONS
    state, content, _ = bench.rows()[b"image"]
    assert (state, content["reason"], ranges(content)) == ("partial", "io_error", [(16 << 20, 240 << 20)])
    assert medium.reads("image") < 1000
    check_record(bench, capsys, {"image": "io_error"})


def test_a_stick_that_is_pulled_out(bench, source, bad_medium, capsys, deadline):
    """Every call fails from some moment on: what was taken before stands, the rest is named, and it soon ends."""
    stall = {"docs/short": {"stall": 2}}
    medium = bad_medium(source, stall)
    deadline(60)
    process = bench.start(*bench.arguments(medium.path, "--jobs", "1"))
    while medium.faults(stall).get("docs/large", 0) < (33 << 20) // medium.MOST:
        time.sleep(0.02)
    time.sleep(1)  # the next file is asked for, and waited for
    medium.pull()
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == OMISSIONS, errors
    rows = bench.rows()
    check_complete(rows, source, [b"docs/block", b"docs/borders", b"docs/empty", b"docs/large"])
    files = [b"zone/%d" % number for number in range(4)]  # their folder was listed before
    assert {rows[path][1]["reason"] for path in (b"docs/short", b"docs/small", b"link", *files)} == {"io_error"}
    capsys.readouterr()
    assert bench.command("verify", bench.case) == INTEGRITY_ONLY


@pytest.mark.parametrize("jobs", ["1", "2", "3"])
def test_a_stick_that_is_pulled_out_in_the_middle_of_a_large_file(bench, source, bad_medium, capsys, deadline, jobs):
    """Whatever others were at: what could be read of it stands, with the place where it broke off."""
    slow = {"docs/large": {"stall": 0.02}}
    medium = bad_medium(source, slow)
    deadline(60)
    process = bench.start(*bench.arguments(medium.path, "--jobs", jobs))
    while medium.faults(slow).get("docs/large", 0) < 60:
        time.sleep(0.02)
    medium.pull()
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == OMISSIONS, errors
    rows = bench.rows()
    check_complete(rows, source, [b"docs/block", b"docs/borders", b"docs/empty"])
    state, content, _ = rows[b"docs/large"]
    ((start, length),) = ranges(content)
    assert (state, content["reason"], start + length) == ("partial", "io_error", 33 << 20)
    assert start >= 1 << 20
    assert zero_filled(source / "docs/large", [(start, length)]).items() <= content.items()
    lost = {path for path, row in rows.items() if row[0] != "complete"}
    assert {rows[path][1]["reason"] for path in lost} == {"io_error"}
    check_complete(rows, source, set(rows) - lost)
    assert len(rows) == 14, "a row for every name, since all was listed before"
    capsys.readouterr()
    assert bench.command("verify", bench.case) == INTEGRITY_ONLY


# --- devices ------------------------------------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path, judge):
    """An ext4 file system in a file, with a folder of files in it."""
    judge("mkfs.ext4")
    judge("debugfs")
    content = tmp_path / "content"
    (content / "docs").mkdir(parents=True)
    (content / "docs/whole").write_bytes(os.urandom(100_000))
    (content / "docs/broken").write_bytes(os.urandom(200_000))
    (content / "lost").mkdir()
    (content / "lost/unseen").write_text("nobody will see me")
    folder = tmp_path / "images"
    folder.mkdir()
    subprocess.run(
        ["mkfs.ext4", "-q", "-b", "4096", "-O", "^has_journal", "-d", content, folder / "image", "16m"], check=True
    )
    return folder / "image"


def blocks_of(image: Path, path: str) -> list[int]:
    """The numbers of the blocks of a file in an ext4 image."""
    answer = subprocess.run(["debugfs", "-R", f"blocks {path}", image], capture_output=True, text=True, check=True)
    return [int(number) for number in answer.stdout.split()]


def test_bad_blocks_below_a_file_system(bench, image, bad_medium, loop, mounted, capsys, tmp_path):
    """Sectors fail under ext4: the kernel's own path from a bad sector to our record."""
    third = blocks_of(image, "/docs/broken")[2] * BLOCK
    folder = blocks_of(image, "/lost")[0] * BLOCK
    medium = bad_medium(
        image.parent, {"image": {"read": [[third, third + 512, "EIO"], [folder, folder + BLOCK, "EIO"]]}}
    )
    source = mounted(tmp_path / "mounted", b"ext4", loop(medium.path / "image"))
    assert bench.acquire(source.path) == OMISSIONS
    rows = bench.rows()
    state, content, _ = rows[b"docs/broken"]
    assert (state, ranges(content)) == ("partial", [(2 * BLOCK, BLOCK)])
    assert zero_filled(tmp_path / "content/docs/broken", [(2 * BLOCK, BLOCK)]).items() <= content.items()
    assert rows[b"lost"][0] == "not_listed"
    check_complete(rows, tmp_path / "content", [b"docs/whole"])
    check_record(bench, capsys, {"docs/broken": "io_error", "lost": "io_error"})


def test_bad_blocks_of_a_device(bench, tmp_path, bad_medium, loop, capsys):
    """A device as the source itself is read over its bad blocks."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "disk").write_bytes(os.urandom(1 << 20) * 36)
    bad = [(7 * BLOCK, BLOCK), (20 << 20, 3 * BLOCK)]
    medium = bad_medium(folder, {"disk": {"read": [[start, start + length, "EIO"] for start, length in bad]}})
    device = loop(medium.path / "disk")
    assert bench.acquire(device) == OMISSIONS
    state, content, _ = bench.rows()[b""]
    assert (state, content["size"], content["reason"]) == ("partial", str(36 << 20), "io_error")
    assert ranges(content) == bad
    assert zero_filled(folder / "disk", bad).items() <= content.items()
    check_record(bench, capsys, {"(the source itself)": "io_error"})


def test_a_device_is_exported_from_where_it_was_taken(bench, tmp_path, loop):
    """The content of a device is read once more, held against what was sealed, and is a file of the package."""
    content = os.urandom(3 << 20) + bytes(1 << 20)
    (tmp_path / "disk").write_bytes(content)
    device = loop(tmp_path / "disk")
    assert bench.acquire(device) == 0
    signing = ["--signer", tmp_path / "office/examiner", "--log-key", tmp_path / "log.pem"]
    assert bench.command("export", bench.case, tmp_path / "OUT", *signing) == 0
    assert (tmp_path / "OUT/data/EX-001/^~source").read_bytes() == content
    assert bench.command("verify", tmp_path / "OUT", "-q") == INTEGRITY_ONLY
