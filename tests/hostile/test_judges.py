"""The catalogue of a hostile source agrees with what other programs say of it, entry by entry, both ways."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import subprocess
from decimal import Decimal

import hostiletree
import pytest

ENVIRONMENT = os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
KINDS = {
    b"f": "file", b"d": "directory", b"l": "symlink", b"p": "fifo", b"s": "socket", b"c": "char_device",
    b"b": "block_device",
}  # fmt: skip
AT_ONCE = 2000
"""Entries that a program is asked about in one go."""
HANDLES = 200
"""Folders that they lie in."""


def told(scene, *command, cwd=None, input_fds=()):
    """What a program says to the person of the scene."""

    def run():
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False, env=ENVIRONMENT, pass_fds=input_fds)
        return done.stdout, done.stderr, done.returncode

    return scene.person.run(run)


def may_look(row):
    """Whether the one who took it could take a stat of it."""
    return row.state != "vanished" and "inode" in row.metadata


def by_handles(scene, paths, command):
    """Run a program over entries whose paths may be longer than a system call takes: by handles of their folders.

    Yields the paths of a batch, and what the program says of them.
    """
    folders = {}
    for path in paths:
        folders.setdefault(path.rpartition(b"/")[0] if path else None, []).append(path)
    batch, handles = [], []

    def say():
        words = []
        for path, handle in batch:
            last = path.rpartition(b"/")[2] if path else os.path.basename(scene.tree.root)
            words.append(b"/proc/self/fd/%d/%s" % (handle, last))
        found = told(scene, *command, *words, input_fds=handles)
        for handle in handles:
            os.close(handle)
        return [path for path, _ in batch], words, found

    for folder, members in folders.items():
        if len(handles) == HANDLES:
            yield say()
            batch, handles = [], []
        handles.append(open_folder(scene.tree.root, folder))
        for path in members:
            batch.append((path, handles[-1]))
            if len(batch) == AT_ONCE:
                yield say()
                batch, handles = [], [open_folder(scene.tree.root, folder)]
    if batch:
        yield say()


def open_folder(root, folder):
    """A handle on a folder of the source; None: on the one that holds the source."""
    handle = os.open(os.path.dirname(root), os.O_PATH)
    for part in [] if folder is None else [os.path.basename(root), *folder.split(b"/")]:
        if part:
            above, handle = handle, os.open(part, os.O_PATH | os.O_NOFOLLOW, dir_fd=handle)
            os.close(above)
    return handle


# --- find: names, kinds, sizes, modes, owners, times, links ---------------------------------------------------------


FIELDS = ("%P", "%y", "%s", "%m", "%U", "%G", "%D", "%i", "%n", "%T@", "%C@", "%l")


def nanoseconds(text):
    """What find prints: whole seconds, rounded down, and ten digits that are added."""
    seconds, _, fraction = text.decode().partition(".")
    return int(seconds) * 10**9 + int(fraction[:9])


@pytest.fixture(scope="module")
def by_find(scene, judge):
    judge("find")
    out, err, _ = told(scene, "find", ".", "-printf", "\\0".join(FIELDS) + "\\0", cwd=scene.tree.root)
    words = out.split(b"\0")
    assert words.pop() == b""
    entries = [words[at : at + len(FIELDS)] for at in range(0, len(words), len(FIELDS))]
    found = {entry[0]: entry[1:] for entry in entries}
    assert len(found) == len(entries)
    return found, err


def test_find_lists_the_same_entries(scene, by_find):
    found, err = by_find
    missed = set(scene.rows) - set(found)
    assert set(found) - set(scene.rows) == set(), "an entry has no row"
    if not scene.all_readable:
        # find does not name what it may not look at; the listing does, and so do we.
        assert missed == {b"closed/listed/file", b"closed/listed/link"}
        assert err.count(b"Permission denied") == len(missed) + 2
    else:
        assert missed == set(), "a row has no entry"
        assert err == b""


def test_find_agrees_on_every_entry(scene, by_find):
    for path, (kind, size, mode, uid, gid, device, inode, nlink, mtime, ctime, target) in by_find[0].items():
        row = scene.rows[path]
        said = row.metadata
        assert row.kind == KINDS[kind], path
        assert int(said["mode"]) == int(mode, 8), path
        assert (said["uid"], said["gid"]) == (uid.decode(), gid.decode()), path
        assert (said["device"], said["inode"], said["nlink"]) == (device.decode(), inode.decode(), nlink.decode()), path
        assert (int(said["mtime_ns"]), int(said["ctime_ns"])) == (nanoseconds(mtime), nanoseconds(ctime)), path
        if kind == b"f":
            assert row.content["size"] == size.decode(), path
        assert (row.target or b"") == target, path


def test_find_agrees_on_hard_links(scene, by_find):
    inodes, groups = {}, {}
    for path, entry in by_find[0].items():
        if entry[0] != b"d" and int(entry[7]) > 1:
            inodes.setdefault((entry[5], entry[6]), set()).add(path)
    for path, row in scene.rows.items():
        if "link_group" in row.metadata:
            groups.setdefault(row.metadata["link_group"], set()).add(path)
    assert sorted(map(sorted, inodes.values())) == sorted(map(sorted, groups.values()))
    assert {
        b"hard/same folder 1",
        b"hard/same folder 2",
        b"hard/below/another",
        b"hard too/and another",
    } in groups.values()
    assert {b"hard/one name lies outside"} in groups.values()
    assert sorted(map(int, groups)) == list(range(1, len(groups) + 1))


# --- stat: numbers of devices, time of birth --------------------------------------------------------------------------


@pytest.mark.judge("stat")
def test_stat_agrees_on_every_entry(scene):
    form = "%f %d %i %h %u %g %s %t %T %.9Y %.9Z %.9W\\n"
    seen = 0
    paths = [path for path, row in scene.rows.items() if may_look(row)]
    for batch, _, (out, err, code) in by_handles(scene, paths, ["stat", f"--printf={form}"]):
        assert (code, err) == (0, b"")
        for path, line in zip(batch, out.decode().splitlines(), strict=True):
            mode, device, inode, nlink, uid, gid, size, major, minor, mtime, ctime, birth = line.split()
            row = scene.rows[path]
            said = row.metadata
            assert int(said["mode"]) == int(mode, 16) & 0o7777, path
            assert [said[name] for name in ("device", "inode", "nlink", "uid", "gid")] == [
                device,
                inode,
                nlink,
                uid,
                gid,
            ]
            assert int(said["mtime_ns"]) == Decimal(mtime) * 10**9, path
            assert int(said["ctime_ns"]) == Decimal(ctime) * 10**9, path
            assert int(said.get("btime_ns", 0)) == Decimal(birth.replace("-", "0")) * 10**9, path
            if row.kind == "file":
                assert row.content["size"] == size, path
            is_device = row.kind in {"char_device", "block_device"}
            assert said.get("rdev") == (str(os.makedev(int(major, 16), int(minor, 16))) if is_device else None), path
            seen += 1
    assert seen == len(paths)


# --- digests ------------------------------------------------------------------------------------------------------------


def read_files(scene):
    return [path for path, row in scene.rows.items() if row.kind == "file" and row.state == "complete"]


@pytest.mark.judge("sha256sum")
def test_sha256sum_agrees_on_every_file(scene):
    files = read_files(scene)
    for batch, words, (out, err, code) in by_handles(scene, files, ["sha256sum", "-z", "--"]):
        assert (code, err) == (0, b"")
        lines = out.split(b"\0")[:-1]
        expected = [
            scene.rows[path].content["sha256"].encode() + b"  " + word for path, word in zip(batch, words, strict=True)
        ]
        assert lines == expected


@pytest.mark.judge("b3sum")
def test_b3sum_agrees_on_every_file(scene):
    files = read_files(scene)  # --no-mmap: on a tmpfs a mapped hole is filled
    for batch, _, (out, err, code) in by_handles(
        scene, files, ["b3sum", "--no-names", "--no-mmap", "--num-threads=1", "--"]
    ):
        assert (code, err) == (0, b"")
        assert out.decode().split() == [scene.rows[path].content["blake3"] for path in batch]


def test_every_file_that_may_be_read_was(scene):
    """What is not taken is what the person may not read, by name."""
    omitted = {path: (row.kind, row.state, row.reason) for path, row in scene.rows.items() if row.state != "complete"}
    if scene.all_readable:
        assert omitted == {}
        assert scene.acquired.done.code == 0
        return
    assert scene.acquired.done.code == 6
    private = {b"owners/private": ("file", "not_read", "permission_denied")}
    assert omitted == (private if "chown" not in scene.tree.missing else {}) | {
        b"closed/entered": ("directory", "not_listed", "permission_denied"),
        b"closed/file": ("file", "not_read", "permission_denied"),
        b"closed/folder": ("directory", "not_listed", "permission_denied"),
        b"closed/listed/file": ("file", "not_read", "permission_denied"),
        b"closed/listed/link": ("symlink", "not_read", "permission_denied"),
        b"closed/write-only": ("file", "not_read", "permission_denied"),
    }


# --- attributes, holes ----------------------------------------------------------------------------------------------------


ESCAPE = re.compile(rb"\\([0-7]{3})")


def plain(text):
    return ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), text)


@pytest.mark.judge("getfattr")
def test_getfattr_agrees_on_every_entry(scene):
    command = ["getfattr", "-h", "-d", "-m", "-", "--absolute-names", "-e", "base64", "--"]
    found = 0
    paths = [path for path, row in scene.rows.items() if may_look(row)]
    for batch, words, (out, err, code) in by_handles(scene, paths, command):
        assert (code, err) == (0, b"")
        said = {}
        for block in filter(None, out.split(b"\n\n")):
            heading, *lines = block.split(b"\n")
            assert heading.startswith(b"# file: ")
            said[plain(heading[8:])] = dict(attribute(line) for line in lines)
        for path, word in zip(batch, words, strict=True):
            assert scene.rows[path].xattrs == said.get(word, {}), path
            assert "xattrs" not in scene.rows[path].metadata.get("unreadable_metadata", []), path
            found += len(scene.rows[path].xattrs)
    taken = [name for name in scene.tree.attributes if not name.startswith("trusted.") or scene.person.uid is None]
    assert found >= len(taken)


def attribute(line):
    name, _, value = line.partition(b"=")
    assert value.startswith(b"0s")
    return plain(name), base64.b64decode(value[2:], validate=True)


@pytest.mark.judge("lsattr")
def test_lsattr_agrees_on_what_may_not_be_changed(scene):
    names = {"immutable": "i", "append_only": "a", "no_dump": "d"}
    paths = [path for path, row in scene.rows.items() if row.kind == "file" and path.startswith(b"attributes/")]
    for path in paths:
        out, _, code = told(scene, "lsattr", "-d", "--", scene.tree.root + b"/" + path)
        if code == 0:
            flags = out.split(b" ")[0].decode()
            assert scene.rows[path].metadata.get("attributes", []) == sorted(n for n, f in names.items() if f in flags)


def test_holes_are_those_of_the_file_system(scene):
    """Not by another program: by the two calls that define what a hole is."""
    found = 0
    for path, row in scene.rows.items():
        if row.kind != "file" or not row.holes:
            continue
        found += 1
        with open(scene.tree.root + b"/" + path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            holes, at = [], 0
            while at < end:
                begin = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                if begin >= end:
                    break
                at = end
                with contextlib.suppress(OSError):  # no data behind it
                    at = os.lseek(file.fileno(), begin, os.SEEK_DATA)
                holes.append((begin, at - begin))
            assert row.holes == holes, path
            file.seek(row.holes[-1][0])
            assert not any(file.read(row.holes[-1][1])), path
    assert found > 3


# --- what was asked for when it was built ------------------------------------------------------------------------------


def test_times_stand_as_the_file_system_keeps_them(scene):
    kept = 0
    for path, asked in scene.tree.times.items():
        stored = os.stat(scene.tree.root + b"/" + path).st_mtime_ns
        assert int(scene.rows[path].metadata["mtime_ns"]) == stored, path
        kept += stored == asked
    assert kept >= 6
    if "in memory" in scene.name:
        assert kept == len(scene.tree.times)


def test_everything_could_be_built(scene):
    """What this file system or user cannot make is named, so that nobody takes it for tested."""
    assert len(scene.tree.attributes) > 5
    assert set(scene.tree.times) == {b"times/" + name.encode() for name in hostiletree.TIMES}
    if scene.tree.missing:
        missing = ", ".join(f"{what} ({why})" for what, why in sorted(scene.tree.missing.items()))
        pytest.skip(f"NOT RUN: could not be made here: {missing}")
