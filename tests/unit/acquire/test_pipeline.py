"""Acquisitions: every state of every kind, each manifest judged whole by code that shares nothing with the writer."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import time
import tracemalloc
from pathlib import Path

import pyarrow.parquet  # noqa: F401 - before a fork gives up its rights
import pytest
from blake3 import blake3

from evidencekit.acquire import entry, jobs, pipeline, plain
from evidencekit.core.values import format_instant
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.read import tree
from evidencekit.read.evidence import Reader
from evidencekit.read.tree import revisit

ODD = [
    b"\xff\xfe not UTF-8",
    b"new\nline",
    b"[red] markup",
    b"\x1b[31m escape",
    "right-to-left \u202e txt.exe".encode(),
    b"x" * 255,
    b'quote" and \\',
    b"\x7f",
]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


def touch(path: bytes, data=b""):
    with open(path, "wb") as file:
        file.write(data)


def with_names(monkeypatch, listing):
    """Let folders be listed by `listing(handle, real)`: `real(handle)` yields names with their marks, if there are any."""
    marked, bare = tree.marked_names_in, tree.names_in
    monkeypatch.setattr(tree, "marked_names_in", lambda handle: listing(handle, marked))
    again = {"names": lambda handle: listing(handle, bare)}
    monkeypatch.setattr(pipeline, "revisit", lambda source, paths, **own: revisit(source, paths, **own, **again))


class ReaderWith(Reader):
    """A reader over a call that fails or changes things for some file."""

    def __init__(self, inode, **options):
        super().__init__(**options)
        self._inode = inode
        self._plain = Reader()

    def at_once(self, handle, *more):
        """A second look at once would find what changed at the first in peace."""
        if os.fstat(handle).st_ino == self._inode:
            return None
        return self._plain.at_once(handle, *more)

    def read(self, handle, on_block=None, before=None, sink=None):
        if os.fstat(handle).st_ino == self._inode:
            return super().read(handle, on_block, before, sink)
        return self._plain.read(handle, on_block, before, sink)


def failing_at(bad, *, number=errno.EIO):
    def preadv(handle, buffers, offset):
        end = min(offset + len(buffers[0]), os.fstat(handle).st_size)
        if any(offset < stop and start < max(end, offset + 1) for start, stop in bad):
            raise OSError(number, os.strerror(number))
        return os.preadv(handle, buffers, offset)

    return preadv


def after_first_read(change):
    done = []

    def preadv(handle, buffers, offset):
        size = os.preadv(handle, buffers, offset)
        if not done:
            done.append(True)
            change()
        return size

    return preadv


# --- everything in order ----------------------------------------------------------------------------------------------


def test_small_tree(source, taking):
    (source / "a").write_bytes(b"content of a")
    (source / "folder" / "empty").mkdir(parents=True)
    (source / "folder" / "b").write_bytes(b"")
    (source / "link").symlink_to("nowhere")
    judged = taking(source, host="workstation")
    assert judged.states() == {
        b"": ("directory", "complete", None),
        b"a": ("file", "complete", None),
        b"folder": ("directory", "complete", None),
        b"folder/b": ("file", "complete", None),
        b"folder/empty": ("directory", "complete", None),
        b"link": ("symlink", "complete", None),
    }
    a = judged.rows[b"a"]
    assert a.content["sha256"] == hashlib.sha256(b"content of a").hexdigest()
    assert a.content["blake3"] == blake3(b"content of a").hexdigest()
    assert a.content["size"] == "12"
    status = (source / "a").stat()
    assert a.metadata["mtime_ns"] == str(status.st_mtime_ns)
    assert a.metadata["mode"] == str(stat.S_IMODE(status.st_mode))
    assert a.metadata["uid"] == str(status.st_uid)
    assert a.metadata["inode"] == str(status.st_ino)
    assert judged.rows[b"link"].name["target"] == "nowhere"
    header = judged.header
    assert header["digests"] == ["blake3", "sha256"]
    assert header["exhibit"] == "EX-001"
    assert header["options"] == {"copies": False, "exclude": [], "include": [], "sensitive": False}
    assert header["order"] == "path"
    assert header["started_at"] == {
        "precision": "ns",
        "time": format_instant(1_700_000_000_000_000_000),
        "utc_offset_min": 60,
    }
    assert header["finished_at"]["time"] > header["started_at"]["time"]
    assert header["source"]["kind"] == "directory"
    assert header["source"]["host"] == "workstation"
    assert header["source"]["path"] == str(source)


def test_single_file(source, taking):
    (source / "one").write_bytes(b"1")
    (source / "other").write_bytes(b"2")
    judged = taking(source / "one", exclude=("one",), include=("nothing",))
    assert judged.states() == {b"": ("file", "complete", None)}
    assert judged.header["source"]["kind"] == "file"


def test_odd_names(source, taking):
    for name in ODD:
        folder = os.fsencode(source) + b"/" + name
        os.mkdir(folder)
        touch(folder + b"/" + name, name)
        os.symlink(name, folder + b"/" + name[:200] + b" link")
    judged = taking(source)
    assert len(judged.rows) == 1 + 3 * len(ODD)
    for name in ODD:
        row = judged.rows[name + b"/" + name]
        assert row.content["sha256"] == hashlib.sha256(name).hexdigest()


@pytest.mark.parametrize("extra", [(), ("md5",), ("md5", "sha1", "sha3_256", "sha512")])
def test_digests_on_request(source, taking, extra):
    (source / "a").write_bytes(b"abc")
    (source / "folder").mkdir()
    judged = taking(source, digests=extra)
    row = judged.rows[b"a"]
    assert judged.header["digests"] == sorted({"blake3", "sha256", *extra})
    assert {name: row.content[name] for name in extra} == {
        name: hashlib.new(name, b"abc").hexdigest() for name in extra
    }
    assert set(row.content) == {"_t", "blake3", "sha256", "size", "state", *extra}


def test_special_files_are_named_and_not_opened(source, taking):
    os.mkfifo(source / "fifo")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(source / "socket"))
    listening.close()
    (source / "loop").symlink_to("loop")
    (source / "outside").symlink_to("/etc/passwd")
    judged = taking(source)
    assert judged.states() == {
        b"": ("directory", "complete", None),
        b"fifo": ("fifo", "complete", None),
        b"loop": ("symlink", "complete", None),
        b"outside": ("symlink", "complete", None),
        b"socket": ("socket", "complete", None),
    }
    assert judged.rows[b"outside"].content["sha256"] is None


def test_device_nodes(source, taking):
    try:
        os.mknod(source / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(source / "loop200", stat.S_IFBLK | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("NOT RUN: only root can make device nodes")
    judged = taking(source)
    assert judged.states()[b"null"] == ("char_device", "complete", None)
    assert judged.states()[b"loop200"] == ("block_device", "complete", None)
    assert judged.rows[b"null"].metadata["rdev"] == str(os.makedev(1, 3))


def test_hard_links_are_numbered_by_first_appearance(source, taking):
    for name, other in [("b", "z"), ("a", "y"), ("c", None)]:
        (source / name).write_bytes(name.encode())
        if other:
            (source / other).hardlink_to(source / name)
    (source / "linked-once-in-here").write_bytes(b"")
    (source.parent / "outside").hardlink_to(source / "linked-once-in-here")
    judged = taking(source)
    groups = {path: row.metadata.get("link_group") for path, row in judged.rows.items()}
    assert groups == {b"": None, b"a": "1", b"b": "2", b"c": None, b"linked-once-in-here": "3", b"y": "1", b"z": "2"}


def test_holes_and_extended_attributes(source, taking, set_xattr):
    with (source / "sparse").open("wb") as file:
        file.truncate(1 << 20)
        file.seek(1 << 19)
        file.write(b"island")
    (source / "plain").write_bytes(b"x")
    set_xattr(source / "plain", b"user.note", b"\x00\xff")
    set_xattr(source / "plain", b"user.checksum.md5", b"gives it away")
    set_xattr(source, b"user.of-folder", b"1")
    judged = taking(source)
    plain = judged.rows[b"plain"]
    assert [item["name"] for item in plain.metadata["xattrs"]] == ["user.note"]
    assert [item["name"] for item in plain.content["xattrs"]] == ["user.checksum.md5"]
    assert [item["name"] for item in judged.rows[b""].metadata["xattrs"]] == ["user.of-folder"]
    sparse = judged.rows[b"sparse"]
    if (source / "sparse").stat().st_blocks * 512 < 1 << 20:
        assert sparse.metadata["holes"][0] == {"length": str(1 << 19), "offset": "0"}
    assert sparse.state == "complete"


def test_large_attribute_goes_aside(source, taking, set_xattr):
    (source / "file").write_bytes(b"")
    set_xattr(source / "file", b"user.large", bytes(3500))
    judged = taking(source)
    assert len(judged.objects) == 1
    assert judged.rows[b"file"].metadata["xattrs"][0]["value"]["bytes"] == str(-(-3500 // 3) * 4)


def test_deep_tree(source, taking):
    handle = os.open(source, os.O_RDONLY)
    for _ in range(200):
        os.mkdir(b"d" * 255, dir_fd=handle)
        handle, before = os.open(b"d" * 255, os.O_RDONLY, dir_fd=handle), handle
        os.close(before)
    os.close(os.open(b"file", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)
    judged = taking(source)
    assert {row.state for row in judged.rows.values()} == {"complete"}
    assert max(map(len, judged.rows)) == 256 * 200 + 4


def test_source_is_untouched(source, taking):
    (source / "folder").mkdir()
    (source / "folder" / "file").write_bytes(b"content")
    (source / "large").write_bytes(bytes(33 << 20))
    everything = [source / "folder" / "file", source / "folder", source / "large", source]
    for path in everything:
        os.utime(path, ns=(1_000_000, 2_000_000))
    before = {path: path.stat() for path in everything}
    judged = taking(source)
    assert {path: path.stat() for path in everything} == before
    assert judged.header["source"]["atime"] == "untouched"
    assert {row.state for row in judged.rows.values()} == {"complete"}


def test_times_before_1970_and_beyond_64_bits(source, taking, monkeypatch):
    (source / "old").write_bytes(b"")
    os.utime(source / "old", ns=(-5_000_000_001, -10_000_000_001))
    judged = taking(source)
    assert judged.rows[b"old"].metadata["mtime_ns"] == "-10000000001"
    assert entry._int64(2**63) is None
    assert entry._int64(-(2**63)) == -(2**63)


# --- omissions --------------------------------------------------------------------------------------------------------


def test_excluded(source, taking):
    for name in ["keep.txt", "leave.tmp", "private/diary.txt", "private/sub/x", "folder/leave.tmp", "folder/keep"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"1234")
    (source / "link.tmp").symlink_to("keep.txt")
    os.mkfifo(source / "fifo.tmp")
    judged = taking(source, exclude=("*.tmp", "private", "folder/keep"))
    assert judged.states() == {
        b"": ("directory", "complete", None),
        b"fifo.tmp": ("fifo", "not_read", "excluded"),
        b"folder": ("directory", "complete", None),
        b"folder/keep": ("file", "not_read", "excluded"),
        b"folder/leave.tmp": ("file", "not_read", "excluded"),
        b"keep.txt": ("file", "complete", None),
        b"leave.tmp": ("file", "not_read", "excluded"),
        b"link.tmp": ("symlink", "not_read", "excluded"),
        b"private": ("directory", "not_listed", "excluded"),
    }
    assert judged.rows[b"leave.tmp"].content["size"] == "4"
    assert judged.header["options"]["exclude"] == ["*.tmp", "private", "folder/keep"]


def test_included(source, taking):
    for name in ["a.txt", "b.jpg", "folder/c.txt", "folder/d"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"")
    judged = taking(source, include=("*.txt",), exclude=("folder/c.txt",))
    assert {path: state for path, (kind, state, _) in judged.states().items()} == {
        b"": "complete",
        b"a.txt": "complete",
        b"b.jpg": "not_read",
        b"folder": "complete",
        b"folder/c.txt": "not_read",
        b"folder/d": "not_read",
    }


def test_excluded_is_not_even_opened(source, taking, monkeypatch):
    (source / "private").write_bytes(b"privileged")
    os.utime(source / "private", ns=(1, 1))
    judged = taking(source, exclude=("private",))
    assert "xattrs" not in judged.rows[b"private"].content
    assert (source / "private").stat().st_atime_ns == 1


def test_what_may_not_be_read(source, taking, tmp_path, as_nobody):
    (source / "closed").mkdir()
    (source / "closed" / "inside").touch()
    (source / "secret").write_bytes(b"secret")
    (source / "listed").mkdir()
    (source / "listed" / "file").touch()
    (source / "listed" / "link").symlink_to("x")
    (source / "secret").chmod(0o000)
    (source / "closed").chmod(0o000)
    (source / "listed").chmod(0o444)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)

    def run():
        judged = taking(source, case=out)
        return judged.states(), judged.header["source"]["atime"], judged.rows[b"secret"].content["detail"]

    states, atime, detail = as_nobody(run)
    assert states == {
        b"": ("directory", "complete", None),
        b"closed": ("directory", "not_listed", "permission_denied"),
        b"listed": ("directory", "complete", None),
        b"listed/file": ("file", "not_read", "permission_denied"),
        b"listed/link": ("symlink", "not_read", "permission_denied"),
        b"secret": ("file", "not_read", "permission_denied"),
    }
    assert atime == "may_change"
    assert detail == "EACCES: Permission denied"


def test_what_vanishes_after_the_listing(source, taking, monkeypatch):
    (source / "gone").mkdir()
    (source / "gone too").touch()
    (source / "here").touch()

    def names(handle, real):
        found = list(real(handle))
        if "gone" in map(bare, found):
            (source / "gone").rmdir()
            (source / "gone too").unlink()
        return found

    with_names(monkeypatch, names)
    judged = taking(source)
    # The folder itself changed while it was listed, and says so.
    assert judged.states() == {
        b"": ("directory", "changed", None),
        b"gone": ("unknown", "vanished", "not_found"),
        b"gone too": ("file", "vanished", "not_found"),
        b"here": ("file", "complete", None),
    }


def bare(name):
    """A listed name without its mark."""
    return os.fsdecode(name).rstrip("\0")


def a_folder(path):
    path.mkdir()
    (path / "inside").mkdir()
    (path / "inside" / "letter").write_bytes(b"letter")


PLANTED = {
    "gone": lambda path: None,
    "fifo": os.mkfifo,
    "link": lambda path: path.symlink_to("/etc/passwd"),
    "folder": a_folder,
}


@pytest.mark.parametrize(
    ("plant", "states"),
    [
        ("gone", {b"file": ("file", "vanished", "not_found")}),
        ("fifo", {b"file": ("fifo", "complete", None)}),
        ("link", {b"file": ("symlink", "complete", None)}),
        (
            "folder",
            {
                b"file": ("directory", "complete", None),
                b"file/inside": ("directory", "complete", None),
                b"file/inside/letter": ("file", "complete", None),
            },
        ),
    ],
)
def test_what_is_planted_between_listing_and_opening(source, taking, monkeypatch, plant, states):
    """The listing said that it is a plain file. A folder in its place is walked at the second look."""
    (source / "file").write_bytes(b"content")
    (source / "last").write_bytes(b"")
    real = plain.PlainFiles.take
    planted = []

    def take(plain_files, parent, name, *more):
        if name == b"file" and not planted:
            planted.append(name)
            (source / "file").unlink()
            PLANTED[plant](source / "file")
        return real(plain_files, parent, name, *more)

    monkeypatch.setattr(plain.PlainFiles, "take", take)
    judged = taking(source)
    assert planted
    assert judged.states() == {b"": ("directory", "complete", None), **states, b"last": ("file", "complete", None)}


@pytest.mark.parametrize("options", [{"digests": ("md5",)}, {"copies": True}], ids=["md5", "copies"])
@pytest.mark.parametrize(
    ("plant", "state", "reason"),
    [
        ("gone", "vanished", "not_found"),
        ("fifo", "not_read", "changed_kind"),
        ("link", "not_read", "changed_kind"),
        ("folder", "not_read", "changed_kind"),
    ],
)
def test_what_is_planted_between_looking_and_opening(source, taking, monkeypatch, plant, state, reason, options):
    """What is not taken plainly is looked at before it is opened."""
    (source / "file").write_bytes(b"content")
    real = entry.Node.open

    def opening(node):
        (source / "file").unlink()
        PLANTED[plant](source / "file")
        return real(node)

    monkeypatch.setattr(entry.Node, "open", opening)
    judged = taking(source, **options)
    assert judged.states()[b"file"] == ("file", state, reason)
    assert judged.rows[b"file"].content["size"] == "7"


def test_folder_that_changes_while_listed(source, taking, monkeypatch):
    (source / "folder").mkdir()

    def names(handle, real):
        yield from real(handle)
        if Path(f"/proc/self/fd/{handle}").readlink().name == "folder":
            time.sleep(0.02)
            (source / "folder" / "late").touch()

    with_names(monkeypatch, names)
    judged = taking(source)
    row = judged.rows[b"folder"]
    assert row.state == "changed"
    assert int(row.metadata["after"]["mtime_ns"]) > int(row.metadata["mtime_ns"])


@pytest.mark.parametrize("mark", [b"", b"\0", b"\0\0"], ids=["folder", "file", "other"])
def test_folder_whose_listing_breaks_off(source, taking, monkeypatch, mark):
    """What a listing says of a kind may be wrong, too."""
    (source / "a").touch()

    def names(handle, real):
        yield "a" if real is bare_names else b"a" + mark
        raise OSError(errno.EIO, "Input/output error")

    bare_names = tree.names_in
    with_names(monkeypatch, names)
    assert taking(source).states() == {b"": ("directory", "not_listed", "io_error"), b"a": ("file", "complete", None)}


def test_name_that_is_listed_twice_is_one_row(source, taking, monkeypatch):
    """A damaged file system; two rows of one name would break the record."""
    (source / "d").mkdir()
    (source / "d/x").touch()

    def names(handle, real):
        yield from real(handle)
        yield from real(handle)

    with_names(monkeypatch, names)
    judged = taking(source)
    assert list(judged.rows) == [b"", b"d", b"d/x"]
    assert judged.states()[b"d"] == ("directory", "not_listed", "io_error")


def test_name_that_is_listed_as_two_kinds_is_one_row(source, taking, monkeypatch):
    (source / "x").touch()

    def names(handle, real):
        yield from real(handle)
        yield b"x"
        yield b"x\0\0"

    monkeypatch.setattr(tree, "marked_names_in", lambda handle: names(handle, tree.names_in))
    judged = taking(source)
    assert list(judged.rows) == [b"", b"x"]


@pytest.mark.parametrize("change", ["grow", "overwrite", "shrink", "replace"])
def test_file_that_changes_while_read(source, taking, change):
    data = os.urandom(3 << 20)
    path = source / "file"
    path.write_bytes(data)
    before = path.stat()
    time.sleep(0.02)

    def change_it():
        if change == "grow":
            with path.open("ab") as file:
                file.write(b"more")
        elif change == "overwrite":
            with path.open("r+b") as file:
                file.write(b"same size")
        elif change == "shrink":
            os.truncate(path, 5)
        else:
            (source.parent / "new").write_bytes(b"another")
            (source.parent / "new").rename(path)

    judged = taking(source, reader=ReaderWith(before.st_ino, preadv=after_first_read(change_it)))
    row = judged.rows[b"file"]
    read = {"grow": data + b"more", "overwrite": data, "shrink": data[: 1 << 20], "replace": data}[change]
    assert row.state == "changed"
    assert row.content["sha256"] == hashlib.sha256(read).hexdigest()
    assert row.content["blake3"] == blake3(read).hexdigest()
    assert row.content["size"] == str(len(read))
    assert row.metadata["mtime_ns"] == str(before.st_mtime_ns)
    after = row.metadata["after"]
    assert int(after["ctime_ns"]) > before.st_ctime_ns
    assert after["size"] == {"grow": str(len(data) + 4), "shrink": "5"}.get(change, str(len(data)))


def test_file_replaced_between_looking_and_opening(source, taking, monkeypatch):
    (source / "file").write_bytes(b"listed")
    (source.parent / "new").write_bytes(b"opened instead")
    listed = (source / "file").stat()
    real = entry.Node.open

    def opening(node):
        (source.parent / "new").rename(source / "file")
        return real(node)

    monkeypatch.setattr(entry.Node, "open", opening)
    row = taking(source, digests=("md5",)).rows[b"file"]
    assert row.state == "changed"
    assert row.content["sha256"] == hashlib.sha256(b"opened instead").hexdigest()
    assert row.metadata["inode"] == str(listed.st_ino)
    assert row.metadata["after"]["size"] == "14"


def test_file_replaced_between_listing_and_opening(source, taking, monkeypatch):
    """A listing says a name and no more: what is opened under it is taken for what it is."""
    (source / "file").write_bytes(b"listed")
    (source.parent / "new").write_bytes(b"opened instead")
    real = plain.PlainFiles.take

    def take(*given):
        (source.parent / "new").rename(source / "file")
        return real(*given)

    monkeypatch.setattr(plain.PlainFiles, "take", take)
    row = taking(source).rows[b"file"]
    assert row.state == "complete"
    assert row.content["sha256"] == hashlib.sha256(b"opened instead").hexdigest()
    assert row.metadata["inode"] == str((source / "file").stat().st_ino)
    assert "after" not in row.metadata


def test_unreadable_ranges(source, taking):
    data = os.urandom(20_000)
    (source / "file").write_bytes(data)
    (source / "good").write_bytes(data)
    inode = (source / "file").stat().st_ino
    judged = taking(source, reader=ReaderWith(inode, preadv=failing_at([(5000, 5001), (19_000, 19_001)])))
    row = judged.rows[b"file"]
    zeroed = bytearray(data)
    zeroed[4096:8192] = bytes(4096)
    zeroed[16384:20_000] = bytes(3616)
    assert row.state == "partial"
    assert row.content["sha256"] is None
    assert row.content["sha256_zero_filled"] == hashlib.sha256(zeroed).hexdigest()
    assert row.content["blake3_zero_filled"] == blake3(zeroed).hexdigest()
    assert row.content["unreadable"] == [{"length": "4096", "offset": "4096"}, {"length": "3616", "offset": "16384"}]
    assert (row.content["reason"], row.content["detail"]) == ("io_error", "EIO: Input/output error")
    assert row.content["size"] == "20000"
    assert judged.rows[b"good"].state == "complete"
    assert judged.header["totals"]["bytes"] == "20000"


def test_more_ranges_than_a_row_holds(source, taking):
    (source / "file").write_bytes(bytes(8192 * 600))
    inode = (source / "file").stat().st_ino
    bad = [(8192 * number, 8192 * number + 1) for number in range(600)]
    judged = taking(source, reader=ReaderWith(inode, preadv=failing_at(bad)))
    row = judged.rows[b"file"]
    assert row.state == "partial"
    assert row.content["unreadable"]["count"] == "600"


def test_nothing_that_can_be_read(source, taking):
    (source / "file").write_bytes(bytes(9000))
    inode = (source / "file").stat().st_ino
    judged = taking(source, reader=ReaderWith(inode, preadv=failing_at([(0, 9000)])))
    assert judged.states()[b"file"] == ("file", "not_read", "io_error")
    assert judged.rows[b"file"].content["size"] == "9000"


def test_attributes_that_cannot_be_read(source, taking, monkeypatch):
    (source / "file").write_bytes(b"")

    def failing(*given, **more):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "listxattr", failing)
    judged = taking(source)
    assert judged.rows[b"file"].state == "complete"
    assert judged.rows[b"file"].metadata["unreadable_metadata"] == ["xattrs"]


def test_attributes_that_no_group_can_hold(source, taking, monkeypatch):
    (source / "file").write_bytes(b"")
    many = [(b"user.%04d" % number, bytes(3000)) for number in range(400)]
    content = [(b"security.%04d" % number, bytes(3000)) for number in range(400)]
    monkeypatch.setattr(entry.Node, "xattrs", lambda node, handle=-1: many if node.path else content)
    monkeypatch.setattr(os, "listxattr", lambda *_, **__: ["user.0000"])
    judged = taking(source)
    for path in (b"", b"file"):
        assert judged.rows[path].state == "complete"
        assert judged.rows[path].metadata["unreadable_metadata"] == ["xattrs"]


def test_the_kernels_own_files(taking):
    """Files of size 0 that have content, files that may not be read at all, links that lead nowhere."""
    judged = taking("/proc/self/fdinfo")
    assert {row.kind for row in judged.rows.values()} <= {"directory", "file", "unknown"}
    judged = taking("/proc/sys/kernel/random")
    assert judged.rows[b"uuid"].state == "changed"


# --- the order `shuffled` -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 50, 600])
def test_sensitive_acquisitions_are_shuffled(source, taking, count, small_groups):
    small_groups(256)
    for number in range(count):
        (source / f"{number:05d}").write_bytes(b"")
    judged = taking(source, sensitive=True)
    assert judged.header["order"] == "shuffled"
    assert judged.header["options"]["sensitive"] is True
    assert len(judged.rows) == count + 1
    assert {path.name for path in judged.work.folder.iterdir()} <= {
        "lock", "manifest.parquet", "manifest.tiles", "named", "objects", "run-00000001",
    }  # fmt: skip
    if count > 20:
        assert [row.index for row in judged.rows.values()] != sorted(row.index for row in judged.rows.values())


# --- refusals, interruptions, progress --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "X430"),
        (lambda path: path.symlink_to("/etc"), "X432"),
        (os.mkfifo, "X433"),
    ],
    ids=["nothing", "link", "fifo"],
)
def test_sources_that_are_none(tmp_path, taking, make, code):
    make(tmp_path / "source")
    with pytest.raises(CannotFinish) as caught:
        taking(tmp_path / "source")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"copies": False, "exclude": ("/absolute",)}, "U230"),
        ({"include": ("folder/",)}, "U230"),
        ({"copies": False, "exclude": ("",)}, "U230"),
        ({"copies": False, "exclude": ("\udcff",)}, "U230"),
        ({"copies": False, "exclude": ("x" * 5000,)}, "U230"),
        ({"copies": False, "exclude": ("x",) * 501}, "U230"),
        ({"copies": False, "exclude": ("x" * 4000,) * 20}, "U231"),
        ({"digests": ("crc32",)}, "U231"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(source, tmp_path, taking, options, code):
    case = tmp_path / "case"
    with pytest.raises(BadArgument) as caught:
        taking(source, case=case, **options)
    assert caught.value.code == code
    assert not case.exists()


def test_interruption_leaves_no_handle_and_no_thread(source, tmp_path, taking):
    for number in range(600):
        (source / f"{number}").touch()

    def interrupt(progress):
        raise KeyboardInterrupt

    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(KeyboardInterrupt):
        taking(source, case=tmp_path / "case", progress=interrupt)
    assert set(os.listdir("/proc/self/fd")) == before


def test_full_disk(source, tmp_path, taking, monkeypatch):
    (source / "file").touch()
    real = os.open
    monkeypatch.setattr("evidencekit.write.hashed.os", _Full(real))
    with pytest.raises(CannotFinish) as caught:
        taking(source, case=tmp_path / "case")
    assert caught.value.code == "X421"


class _Full:
    """The module os, where every new file is /dev/full."""

    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags, mode):
        return self._real("/dev/full", os.O_WRONLY)


def test_progress(source, taking):
    for number in range(600):
        (source / f"{number:03d}").write_bytes(b"12")
    (source / "large").write_bytes(bytes(33 << 20))
    (source / "z-excluded").touch()
    told = []
    taking(source, exclude=("z*",), progress=told.append)
    assert len(told) > 6
    assert [(p.files, p.bytes) for p in told] == sorted((p.files, p.bytes) for p in told)
    assert any(p.path == b"large" and 1200 < p.bytes < 33 << 20 for p in told)
    last = told[-1]
    assert (last.files, last.bytes, last.omissions, last.path) == (602, 1200 + (33 << 20), 1, b"z-excluded")


def test_memory_does_not_grow_with_the_rows(source, tmp_path, acquiring, monkeypatch, small_groups):
    small_groups(128)
    monkeypatch.setattr(jobs, "ROWS", 64)
    for folder in range(20):
        (source / f"{folder}").mkdir()
        for number in range(128):
            os.close(os.open(source / f"{folder}" / f"{number:04d}", os.O_CREAT | os.O_WRONLY))

    def run(part, name):
        tracemalloc.start()
        taken = acquiring(part, tmp_path / name).taken
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken.rows, peak

    run(source / "0", "warm")
    few, small = run(source / "1", "small")
    many, large = run(source, "large")
    assert (few, many) == (129, 2581)
    assert large < small + (1 << 18)
