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
from pathlib import Path

import pytest

from evidencekit.core.records import sort_key
from evidencekit.errors import CannotFinish
from evidencekit.read.folders import names_in
from evidencekit.read.handles import Opener
from evidencekit.read.problem import Problem
from evidencekit.read.tree import MAX_PATH, walk

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
        os.close(os.open(b"z-file", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
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
    # As far as the way back leads, files can be opened and are the right ones.
    assert sum(1 for node in walk(tmp_path, max_handles=4) if node.kind == "file" and _closed(node.open())) == depth
    subprocess.run(["rm", "-rf", tmp_path / nodes[1][0].decode()], check=True)


def _closed(handle):
    assert isinstance(handle, int)
    os.close(handle)
    return True


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
    monkeypatch.setattr("evidencekit.read.tree.MAX_XATTRS", 99)
    for node in only(tmp_path, b"file"):
        with pytest.raises(OSError, match="too long"):
            node.xattrs()
