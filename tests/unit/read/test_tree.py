"""The walk: every entry once, in the manifest's order, by handles, with nothing followed and nothing lost."""

# names are bytes here, which pathlib does not take

from __future__ import annotations

import contextlib
import os
import random
import resource
import socket
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from evidencekit.core.records import sort_key
from evidencekit.errors import CannotFinish
from evidencekit.read.folders import names_in
from evidencekit.read.handles import Opener
from evidencekit.read.problem import Problem
from evidencekit.read.streams import Stream
from evidencekit.read.tree import MAX_PATH, revisit, walk

ODD_NAMES = [
    b"\xff\xfe not UTF-8",
    b"new\nline",
    b"[red] markup",
    b"\x1b[31m escape",
    "right-to-left \u202e txt.exe".encode(),
    b"x" * 255,
    b" ",
    b"-rf",
    b"back\\slash",
    "e\u0301".encode(),
    "\u00e9".encode(),
]


def facts(source, **options):
    return [(node.path, node.kind, node.problem) for node in walk(source, **options)]


def paths(source, **options):
    return [node.path for node in walk(source, **options)]


def open_handles():
    return set(Path("/proc/self/fd").iterdir())


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: needs root")


def test_folder_comes_before_its_content_and_names_stand_by_raw_bytes(tmp_path):
    for path in ["a/b", "a-b", "a.b", "a0", "B", "a/B/c", "b/\u00e9", "b/z"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if not (tmp_path / path).exists():
            (tmp_path / path).mkdir()
    found = paths(tmp_path)
    assert found[:6] == [b"", b"B", b"a", b"a/B", b"a/B/c", b"a/b"]
    assert found.index(b"a/b") < found.index(b"a-b") < found.index(b"a.b") < found.index(b"a0")
    assert found == sorted(found, key=lambda path: sort_key(path, b""))


@pytest.mark.parametrize("seed", range(5))
def test_order_is_that_of_the_sort_key(tmp_path, seed):
    rng = random.Random(seed)
    alphabet = [b"a", b"b", b"-", b".x", b"0", b"\xc3\xa9", b"\xff", b" "]
    for _ in range(120):
        parts = [b"".join(rng.choices(alphabet, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 5))]
        parts = [part for part in parts if part not in {b".", b".."}]
        folder = os.path.join(os.fsencode(tmp_path), *parts)
        os.makedirs(folder, exist_ok=True)
    found = paths(tmp_path)
    assert found == sorted(found, key=lambda path: sort_key(path, b""))
    assert len(found) == len(set(found)) == sum(1 for _ in os.walk(os.fsencode(tmp_path)))


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_names_are_the_bytes_of_the_system(tmp_path, name):
    folder = os.fsencode(tmp_path) + b"/" + name
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/" + name)).write_bytes(b"x")
    os.symlink(name, folder + b"/link")
    nodes = {node.path: (node.kind, node.target) for node in walk(tmp_path)}
    assert nodes == {
        b"": ("directory", None),
        name: ("directory", None),
        name + b"/" + name: ("file", None),
        name + b"/link": ("symlink", name),
    }


def test_source_may_be_one_file(tmp_path):
    file = tmp_path / "one"
    file.write_bytes(b"content")
    (node,) = [(n.path, n.kind, n.status.st_size) for n in walk(file)]
    assert node == (b"", "file", 7)
    for node in walk(file):
        handle = node.open()
        assert os.read(handle, 10) == b"content"
        os.close(handle)


@pytest.mark.parametrize("spelled", [".", "", "inner/..", "inner/.", "inner/"])
def test_source_without_a_name_of_its_own(tmp_path, monkeypatch, spelled):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    found = paths(os.fsencode(spelled or "."))
    assert found == ([b""] if spelled in {"inner/.", "inner/"} else [b"", b"inner"])


def test_kinds(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    listening.close()
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    kinds = {node.path: node.kind for node in walk(tmp_path)}
    assert kinds == {
        b"": "directory",
        b"fifo": "fifo",
        b"file": "file",
        b"folder": "directory",
        b"link": "symlink",
        b"socket": "socket",
    }


def test_devices(tmp_path):
    needs_root()
    try:
        os.mknod(tmp_path / "char", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(tmp_path / "block", stat.S_IFBLK | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("NOT RUN: this machine forbids making device nodes")
    nodes = {node.path: (node.kind, node.status.st_rdev) for node in walk(tmp_path)}
    assert nodes[b"char"] == ("char_device", os.makedev(1, 3))
    assert nodes[b"block"] == ("block_device", os.makedev(7, 200))


def test_links_are_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    source = tmp_path / "source"
    source.mkdir()
    (source / "to-outside").symlink_to(tmp_path / "outside")
    (source / "dangling").symlink_to("nowhere")
    (source / "loop").symlink_to("loop")
    (source / "up").symlink_to("..")
    assert {node.path: node.target for node in walk(source)} == {
        b"": None,
        b"dangling": b"nowhere",
        b"loop": b"loop",
        b"to-outside": os.fsencode(tmp_path / "outside"),
        b"up": b"..",
    }


def test_source_that_is_a_link_is_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    ((path, kind, target),) = [(n.path, n.kind, n.target) for n in walk(tmp_path / "link")]
    assert (path, kind, target) == (b"", "symlink", b"real")


@pytest.mark.parametrize(
    ("place", "code"), [("nothing", "X430"), ("nothing/below", "X430"), ("file/below", "X430"), ("loop/below", "X431")]
)
def test_source_that_is_not_there(tmp_path, place, code):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CannotFinish) as caught:
        next(walk(tmp_path / place))
    assert caught.value.code == code


def test_empty_folders_are_entries(tmp_path):
    (tmp_path / "empty" / "emptier").mkdir(parents=True)
    assert paths(tmp_path) == [b"", b"empty", b"empty/emptier"]


def test_deep_tree_with_the_longest_names(tmp_path):
    depth = 200
    handle = os.open(tmp_path, os.O_RDONLY)
    for level in range(depth):
        name = b"%03d" % level + b"n" * 252
        os.mkdir(name, dir_fd=handle)
        file = os.open(b"z-file", os.O_CREAT | os.O_WRONLY, dir_fd=handle)
        os.write(file, b"level %d" % level)
        os.close(file)
        handle, before = os.open(name, os.O_RDONLY, dir_fd=handle), handle
        os.close(before)
    os.close(handle)
    before = open_handles()
    most = 0
    nodes = []
    for node in walk(tmp_path):
        most = max(most, len(open_handles()))
        nodes.append((node.path, node.kind, node.problem))
    assert open_handles() == before
    assert most <= len(before) + 64 + 3
    assert [problem for _, _, problem in nodes if problem] == []
    assert len(nodes) == 1 + 2 * depth
    assert len(nodes[depth][0]) == 256 * depth - 1
    assert nodes[-1][:2] == (b"z-file", "file")
    # As far as the way back leads, files can be read and are the right ones, and so they are found again by path.
    written = [b"level %d" % level for level in range(depth)]
    assert [content(node) for node in walk(tmp_path, max_handles=4) if node.kind == "file"] == written[::-1]
    files = [path for path, kind, _ in nodes if kind == "file"]
    assert len(files[0]) > 12 * 4096
    before = open_handles()
    found = []
    for node in revisit(tmp_path, files):
        assert len(open_handles()) <= len(before) + 64 + 3
        found.append((node.path, content(node)))
    assert found == list(zip(files, written[::-1], strict=True))
    assert open_handles() == before
    subprocess.run(["rm", "-rf", tmp_path / nodes[1][0].decode()], check=True)


def content(node):
    handle = node.open()
    assert isinstance(handle, int)
    try:
        return os.read(handle, 100)
    finally:
        os.close(handle)


def crowd(folder, count):
    handle = os.open(folder, os.O_RDONLY)
    for number in range(count):
        os.mknod(b"%07d" % number, dir_fd=handle)
    os.close(handle)


def test_folder_with_very_many_entries(tmp_path):
    crowd(tmp_path, 20_000)
    found = paths(tmp_path)
    assert found == [b"", *(b"%07d" % number for number in range(20_000))]


@pytest.mark.long
def test_memory_of_a_folder_is_that_of_its_names(tmp_path):
    count = 300_000
    crowd(tmp_path, count)
    tracemalloc.start()
    try:
        assert sum(1 for _ in walk(tmp_path)) == count + 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < count * 80  # a name of 7 bytes is an object of 40, its place in the list 8 and some


def test_few_handles_are_enough(tmp_path):
    (tmp_path / "/".join("abcdefghijklmnopqrstuvwxyz" * 4)).mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(open_handles()) + 24, hard))
    try:
        found = facts(tmp_path, max_handles=8)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(found) == 105
    assert all(problem is None for _, _, problem in found)


def test_running_out_of_handles_is_an_omission(tmp_path):
    (tmp_path / "/".join("abcdefghijklmnopqrstuvwxyz")).mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hogs = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                hogs.append(os.dup(2))
        for _ in range(10):
            os.close(hogs.pop())
        found = facts(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for hog in hogs:
            os.close(hog)
    assert found[-1][1] == "directory"
    assert found[-1][2].reason == "other"
    assert "EMFILE" in found[-1][2].detail


def test_paths_that_no_row_could_hold_are_an_omission(tmp_path, monkeypatch):
    monkeypatch.setattr("evidencekit.read.tree.MAX_PATH", 1000)
    (tmp_path / "/".join(["n" * 200] * 8)).mkdir(parents=True)
    found = facts(tmp_path)
    assert [problem and problem.reason for _, _, problem in found] == [None, None, None, None, "too_long"]
    assert MAX_PATH * 6 < 1_048_576


def test_walk_that_is_left_early_gives_its_handles_back(tmp_path):
    (tmp_path / "a/b/c").mkdir(parents=True)
    before = open_handles()
    nodes = walk(tmp_path)
    for _ in range(3):
        next(nodes)
    assert open_handles() != before
    nodes.close()
    assert open_handles() == before


def test_node_forgets_its_handles(tmp_path):
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    nodes = list(walk(tmp_path))
    assert isinstance(nodes[1].open(), Problem)


def test_pruned_folder_is_neither_listed_nor_walked(tmp_path):
    (tmp_path / "private" / "diary").mkdir(parents=True)
    (tmp_path / "public").mkdir()
    listed = []

    def names(handle):
        listed.append(Path(f"/proc/self/fd/{handle}").readlink())
        return names_in(handle)

    nodes = {node.path: node.pruned for node in walk(tmp_path, prune=lambda path: path == b"private", names=names)}
    assert nodes == {b"": False, b"private": True, b"public": False}
    assert [path.name for path in listed] == [tmp_path.name, "public"]


def test_folder_that_changes_while_listed(tmp_path):
    (tmp_path / "folder").mkdir()

    def names(handle):
        yield from names_in(handle)
        if not (tmp_path / "folder" / "new").exists() and Path(f"/proc/self/fd/{handle}").readlink().name == "folder":
            (tmp_path / "folder" / "new").touch()

    nodes = {node.path: node for node in walk(tmp_path, names=names)}
    assert nodes[b""].after is None
    folder = nodes[b"folder"]
    assert folder.after is not None
    assert folder.after.st_mtime_ns > folder.status.st_mtime_ns
    assert b"folder/new" not in nodes


def test_listing_that_breaks_off(tmp_path):
    for name in "abc":
        (tmp_path / name).touch()

    def names(handle):
        yield "a"
        raise OSError(5, "Input/output error")

    found = facts(tmp_path, names=names)
    assert found == [
        (b"", "directory", Problem("io_error", "EIO: Input/output error")),
        (b"a", "file", None),
    ]


def test_folder_removed_while_listed_is_not_vanished_but_not_listed(tmp_path):
    def names(handle):
        raise FileNotFoundError(2, "No such file or directory")
        yield

    ((_, kind, problem),) = facts(tmp_path, names=names)
    assert kind == "directory"
    assert (problem.reason, problem.vanished) == ("io_error", False)


def test_name_that_leads_elsewhere_is_not_taken(tmp_path):
    """A damaged file system may list anything: a name with a slash must not lead out of the source."""
    (tmp_path / "source").mkdir()
    (tmp_path / "secret").touch()

    def names(handle):
        yield "../secret"

    found = facts(tmp_path / "source", names=names)
    assert [(path, problem and problem.reason) for path, _, problem in found] == [(b"", "io_error")]


def test_what_vanishes_after_the_listing(tmp_path):
    for name in ["file", "folder/inner"]:
        (tmp_path / name).mkdir(parents=True)

    def names(handle):
        found = list(names_in(handle))
        if "file" in found:
            (tmp_path / "file").rmdir()
            (tmp_path / "folder" / "inner").rmdir()
            (tmp_path / "folder").rmdir()
        return found

    found = facts(tmp_path, names=names)
    assert [(path, kind, problem and problem.vanished) for path, kind, problem in found] == [
        (b"", "directory", None),
        (b"file", "unknown", True),
        (b"folder", "unknown", True),
    ]


def test_folder_moved_away_under_the_walk(tmp_path):
    """Its children cannot be reached safely any more: each is named, none is looked for elsewhere."""
    source = tmp_path / "source"
    (source / "/".join("abcdefghij")).mkdir(parents=True)
    for folder in ["a", "a/b", "a/b/c"]:
        (source / folder / "z").touch()
    nodes = walk(source, max_handles=4)
    found = []
    for node in nodes:
        found.append((node.path, node.kind, node.problem))
        if node.path.endswith(b"j"):
            # The way up from below leads elsewhere, and the way down from above is another folder.
            (source / "a/b/c/d").rename(tmp_path / "moved")
            (source / "a/b").rename(tmp_path / "b-before")
            (source / "a/b").mkdir()
    left = {path: problem for path, _, problem in found if path.endswith(b"z")}
    assert set(left) == {b"a/b/c/z", b"a/b/z", b"a/z"}
    assert left[b"a/b/c/z"].reason == "other"
    assert left[b"a/z"] is None


def test_folder_that_may_be_listed_but_not_entered_is_reopened_from_above(tmp_path, as_nobody):
    """There is no `..` in it for us: after it, the way back is by names."""
    deep = tmp_path / "/".join("abcdefgh")
    deep.mkdir(parents=True)
    for folder in deep.parents:
        if folder != tmp_path and tmp_path in folder.parents:
            (folder / "z").touch()
    deep.chmod(0o444)
    found = as_nobody(lambda: facts(tmp_path, max_handles=4))
    assert len(found) == 1 + 8 + 7
    assert [entry for entry in found if entry[2]] == []


def test_what_may_not_be_looked_at(tmp_path, as_nobody):
    (tmp_path / "closed").mkdir(mode=0o000)
    (tmp_path / "listed" / "inner").mkdir(parents=True)
    (tmp_path / "listed" / "file").touch()
    (tmp_path / "listed" / "link").symlink_to("file")
    (tmp_path / "secret").touch(mode=0o000)
    (tmp_path / "listed").chmod(0o444)

    def look():
        found = []
        for node in walk(tmp_path):
            opened = node.open() if node.kind == "file" and node.problem is None else None
            found.append((node.path, node.kind, node.problem and node.problem.reason, opened and opened.reason))
        return found

    found = as_nobody(look)
    assert found == [
        (b"", "directory", None, None),
        (b"closed", "directory", "permission_denied", None),
        (b"listed", "directory", None, None),
        (b"listed/file", "file", "permission_denied", None),
        (b"listed/inner", "directory", "permission_denied", None),
        (b"listed/link", "symlink", "permission_denied", None),
        (b"secret", "file", None, "permission_denied"),
    ]


# --- opening ---------------------------------------------------------------------------------------------------


def only(source, path):
    for node in walk(source):
        if node.path == path:
            yield node


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (os.mkfifo, "changed_kind"),
        (lambda path: path.symlink_to("/etc/passwd"), "changed_kind"),
        (lambda path: path.mkdir(), "changed_kind"),
        (lambda path: None, "not_found"),
    ],
    ids=["fifo", "link", "folder", "gone"],
)
def test_what_is_planted_in_the_place_of_a_file_is_not_read(tmp_path, plant, reason):
    (tmp_path / "file").write_bytes(b"x")
    for node in only(tmp_path, b"file"):
        (tmp_path / "file").unlink()
        plant(tmp_path / "file")
        problem = node.open()
        assert isinstance(problem, Problem)
        assert problem.reason == reason


def test_socket_in_the_place_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    for node in only(tmp_path, b"file"):
        (tmp_path / "file").unlink()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "file"))
        listening.close()
        assert node.open().reason == "changed_kind"


def test_folder_replaced_by_a_link_after_the_walk_looked(tmp_path):
    source = tmp_path / "source"
    (source / "a").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").touch()

    def names(handle):
        found = list(names_in(handle))
        if "a" in found:
            (source / "a").rmdir()
            (source / "a").symlink_to(tmp_path / "elsewhere")
        return found

    assert facts(source, names=names) == [(b"", "directory", None), (b"a", "symlink", None)]


def test_access_times_stay_as_they_were(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"content")
    for path in [tmp_path / "folder" / "file", tmp_path / "folder", tmp_path]:
        os.utime(path, ns=(1_000, 2_000))
    before = {path: path.stat() for path in [tmp_path, tmp_path / "folder", tmp_path / "folder" / "file"]}
    opener = Opener()
    for node in walk(tmp_path, opener=opener):
        if node.kind == "file":
            handle = node.open()
            assert os.read(handle, 100) == b"content"
            os.close(handle)
    assert {path: path.stat() for path in before} == before
    assert opener.touched is False


def test_access_time_that_may_have_moved_is_known(tmp_path, as_nobody):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "file").chmod(0o644)

    def look():
        opener = Opener()
        for node in walk(tmp_path, opener=opener):
            if node.kind == "file":
                os.close(node.open())
        return opener.touched

    assert as_nobody(look) is True


@pytest.mark.parametrize("kind", [stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO], ids=["block", "char", "fifo"])
def test_special_file_inside_of_a_source_is_never_opened(tmp_path, monkeypatch, kind):
    needs_root()
    try:
        os.mknod(tmp_path / "special", kind | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("NOT RUN: this machine forbids making device nodes")
    opened = []
    monkeypatch.setattr(Opener, "file", lambda *asked: opened.append(asked))
    for node in only(tmp_path, b"special"):
        assert node.open().reason == "unsupported"
    assert opened == []
    if kind != stat.S_IFBLK:
        (node,) = walk(tmp_path / "special")
        assert node.open().reason == "unsupported"


def test_another_device_under_the_name_of_the_source(tmp_path):
    needs_root()
    path = tmp_path / "disk"
    try:
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("NOT RUN: this machine forbids making device nodes")
    for node in walk(path):
        path.unlink()
        path.write_bytes(b"a file")
        assert node.open().reason == "changed_kind"


# --- named streams ----------------------------------------------------------------------------------------------------


class Streams:
    """A system that has named streams: of `file`, and of no other."""

    def __init__(self, found=(), error=None):
        self.found = found
        self.error = error

    def find(self, parent, name):
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        return self.found if name == b"file" else [("::$DATA", 0)]

    def open(self, parent, name, stream):
        return os.open(name + b"_" + stream, os.O_RDONLY, dir_fd=parent)


def test_named_streams(tmp_path):
    (tmp_path / "file").write_bytes(b"main")
    (tmp_path / "file_Zone.Identifier").write_bytes(b"[ZoneTransfer]")
    found = [("::$DATA", 4), (":Zone.Identifier:$DATA", 14), (":AFP:$DATA", 3), (":\udc80\ud800:$DATA", 0)]
    opener = Opener(Streams(found))
    for node in walk(tmp_path, opener=opener):
        if node.path == b"file":
            assert node.streams() == [*((b"AFP", 3), (b"Zone.Identifier", 14), (b"\xed\xb2\x80\xed\xa0\x80", 0))]
            handle = node.open_stream(node.streams()[1])
            assert os.read(handle, 100) == b"[ZoneTransfer]"
            os.close(handle)
            assert node.open_stream(node.streams()[0]).reason == "not_found"
        else:
            assert node.streams() == []


def test_streams_that_cannot_be_listed(tmp_path):
    (tmp_path / "file").touch()
    for node in walk(tmp_path, opener=Opener(Streams(error=5))):
        with pytest.raises(OSError, match="Input/output"):
            node.streams()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has them")
def test_system_without_named_streams(tmp_path):
    (node,) = walk(tmp_path)
    assert node.streams() == []
    assert node.open_stream(Stream(b"x", 1)).reason == "unsupported"


# --- extended attributes ------------------------------------------------------------------------------------------


def test_xattrs_are_bytes_sorted_by_name(tmp_path, set_xattr):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name, value in [(b"user.zz", b"\x00\xff"), (b"user.\xff", b""), (b"user.aa", b"text")]:
        set_xattr(tmp_path / "file", name, value)
    set_xattr(tmp_path / "folder", b"user.folder", b"1")
    found = {}
    for node in walk(tmp_path):
        handle = node.open() if node.kind == "file" else -1
        found[node.path] = node.xattrs(handle)
        if handle >= 0:
            assert node.xattrs() == found[node.path]  # by name, as where it may not be opened
            os.close(handle)
    assert found == {
        b"": [],
        b"file": [(b"user.aa", b"text"), (b"user.zz", b"\x00\xff"), (b"user.\xff", b"")],
        b"folder": [(b"user.folder", b"1")],
    }


def test_xattrs_of_a_link_are_its_own(tmp_path, set_xattr):
    needs_root()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    set_xattr(tmp_path / "file", b"user.of-file", b"1")
    set_xattr(tmp_path / "link", b"trusted.of-link", b"2", follow_symlinks=False)
    assert {node.path: node.xattrs() for node in walk(tmp_path)}[b"link"] == [(b"trusted.of-link", b"2")]


def test_xattrs_are_read_within_a_bound(tmp_path, set_xattr, monkeypatch):
    (tmp_path / "file").touch()
    set_xattr(tmp_path / "file", b"user.large", b"x" * 100)
    monkeypatch.setattr("evidencekit.read.node.MAX_XATTRS", 99)
    for node in only(tmp_path, b"file"):
        with pytest.raises(OSError, match="too long"):
            node.xattrs()


# --- a second visit ----------------------------------------------------------------------------------------------------


def tree(folder):
    for name in ["a/b/1", "a/b/2", "a/3", "a-/4", "b/c/d/5", "b/6", "z"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def seen(nodes):
    return [(node.path, node.kind, node.problem, node.status and node.status.st_ino) for node in nodes]


@pytest.mark.parametrize("seed", range(8))
def test_visiting_again_is_walking_some_of_it(tmp_path, seed):
    tree(tmp_path)
    rng = random.Random(seed)
    walked = seen(walk(tmp_path))
    asked = sorted(rng.sample([path for path, *_ in walked[1:]], 5), key=lambda path: sort_key(path, b""))
    folders = [path for path in asked if (tmp_path / path.decode()).is_dir()]
    expected = [
        node for node in walked if node[0] in asked or any(node[0].startswith(folder + b"/") for folder in folders)
    ]
    before = open_handles()
    assert seen(revisit(tmp_path, asked)) == expected
    assert open_handles() == before


def test_visiting_the_source_again_is_walking_it(tmp_path):
    tree(tmp_path)
    assert seen(revisit(tmp_path, [b"", b"a/3", b"z"])) == seen(walk(tmp_path))
    assert seen(revisit(tmp_path / "z", [b""])) == seen(walk(tmp_path / "z"))
    assert seen(revisit(tmp_path, [])) == []


def test_visited_again_once(tmp_path):
    tree(tmp_path)
    assert [path for path, *_ in seen(revisit(tmp_path, [b"z", b"z"]))] == [b"z"]


def test_what_is_visited_again_can_be_read(tmp_path, set_xattr):
    tree(tmp_path)
    set_xattr(tmp_path / "a/b/1", b"user.x", b"1")
    (tmp_path / "a/b/link").symlink_to("1")
    found = {}
    for node in revisit(tmp_path, [b"a/b/1", b"a/b/link", b"b"]):
        found[node.path] = node.target or (node.kind == "file" and content(node))
        assert node.xattrs() == ([(b"user.x", b"1")] if node.path == b"a/b/1" else [])
    assert found == {
        b"a/b/1": b"a/b/1",
        b"a/b/link": b"1",
        b"b": False,
        b"b/6": b"b/6",
        b"b/c": False,
        b"b/c/d": False,
        b"b/c/d/5": b"b/c/d/5",
    }


def test_what_is_gone_at_the_second_visit(tmp_path):
    tree(tmp_path)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "1").touch()
    (tmp_path / "a/b").rename(tmp_path / "moved")
    (tmp_path / "a/b").symlink_to(tmp_path / "outside")
    (tmp_path / "a/3").unlink()
    (tmp_path / "b/c").rename(tmp_path / "c")
    (tmp_path / "b/c").write_text("a file now")
    nodes = list(revisit(tmp_path, [b"a/b/1", b"a/b/2", b"a/3", b"b/c/d/5", b"b/6", b"z/below", b"zz"]))
    assert [(node.path, node.name, node.kind, node.problem and node.problem.reason) for node in nodes] == [
        (b"a/b/1", b"1", "unknown", "changed_kind"),
        (b"a/b/2", b"2", "unknown", "changed_kind"),
        (b"a/3", b"3", "unknown", "not_found"),
        (b"b/c/d/5", b"5", "unknown", "changed_kind"),
        (b"b/6", b"6", "file", None),
        (b"z/below", b"below", "unknown", "changed_kind"),
        (b"zz", b"zz", "unknown", "not_found"),
    ]
    assert all(isinstance(node.open(), Problem) for node in nodes)


def test_source_that_is_gone_at_the_second_visit(tmp_path):
    tree(tmp_path / "source")
    (tmp_path / "source").rename(tmp_path / "moved")
    assert [(node.path, node.problem.reason) for node in revisit(tmp_path / "source", [b"", b"a/3"])] == [
        (b"", "not_found"),
        (b"a/3", "not_found"),
    ]
    with pytest.raises(CannotFinish) as caught:
        next(revisit(tmp_path / "source" / "below", [b""]))
    assert caught.value.code == "X430"


def test_pruned_folder_stays_pruned_at_the_second_visit(tmp_path):
    tree(tmp_path)
    prune = {b"a", b"b/c", b""}.__contains__
    nodes = [(node.path, node.pruned) for node in revisit(tmp_path, [b"a", b"b"], prune=prune)]
    assert nodes == [(b"a", True), (b"b", False), (b"b/6", False), (b"b/c", True)]


def test_each_folder_on_the_way_is_opened_once(tmp_path, monkeypatch):
    deep = tmp_path / "/".join("abcdefgh")
    deep.mkdir(parents=True)
    for number in range(100):
        (deep / f"{number:03d}").touch()
    opened = []
    real = Opener.folder
    monkeypatch.setattr(Opener, "folder", lambda *asked: opened.append(asked[1]) or real(*asked))
    paths = [b"a/b/c/d/e/f/g/h/%03d" % number for number in range(100)]
    assert len(list(revisit(tmp_path, paths))) == 100
    assert opened == [os.fsencode(tmp_path.name), *(name.encode() for name in "abcdefgh")]
