"""The source is only read: every stat and attribute is the same afterwards, and what cannot be helped is recorded."""

from __future__ import annotations

import os
import stat

import hostiletree
import manifestrows
import pytest
import treesnapshot
from persons import give

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


def moved(observed):
    """The kinds of what has another access time afterwards."""
    before, after = observed.before, observed.after
    return {
        KINDS.get(stat.S_IFMT(before[path][0]), "special") for path in before if before[path][-1] != after[path][-1]
    }


@pytest.mark.parametrize("command", ["acquired", "verified"])
def test_nothing_but_access_times_moves(scene, command):
    observed = getattr(scene, command)
    assert len(observed.before) > 1000
    assert treesnapshot.without_atime(observed.before) == treesnapshot.without_atime(observed.after)
    if scene.person.uid is None:
        assert moved(observed) <= {"link"}  # its own files it opens without a trace; a link cannot be read so


@pytest.mark.parametrize("command", ["acquired", "verified"])
def test_what_is_no_file_and_what_lies_outside_is_never_opened(scene, command):
    assert getattr(scene, command).opened == []


def test_the_header_says_what_became_of_access_times(scene):
    said = manifestrows.header(scene.desk.case)["source"]["atime"]
    assert said in ({"may_change"} if moved(scene.acquired) else {"may_change", "untouched"})
    if scene.person.uid is not None:
        assert said == "may_change"  # others' files he may not open without a trace
        assert moved(scene.acquired) <= {"link", "file", "folder"}


def test_the_source_agrees_with_its_seal(scene):
    """Hostile as it is: whoever took it finds it unchanged."""
    done = scene.verified.done
    assert done.code == 7, done.out
    assert done.out.startswith(b"INTEGRITY ONLY: what was taken was hashed again and agrees")


@pytest.fixture
def owned(person, places):
    """A source without links that belongs to the person."""
    with places(in_memory=False) as folder:
        tree = hostiletree.Tree(os.fsencode(folder / "src"), b"")
        for number in range(50):
            path = tree.file(b"folder %d" % (number % 3), b"%d" % number)
            if number % 5 == 0:
                os.setxattr(path, "user.note", b"x")
        os.truncate(tree.file(b"large"), 40 << 20)
        os.makedirs(tree.path(b"empty", b"emptier"))
        give(folder, person)
        yield tree


def test_whoever_owns_a_source_leaves_no_trace_at_all(owned, person, desk_of):
    before = treesnapshot.take(owned.root)
    work = desk_of(person)
    done = person.cli(*work.acquiring(owned.root), home=work.folder)
    assert done.code == 0, done.err
    assert treesnapshot.take(owned.root) == before
    assert manifestrows.header(work.case)["source"]["atime"] == "untouched"


def test_the_snapshot_sees_what_it_is_there_for(owned):
    """Each kind of trace, one after the other."""
    target = owned.root + b"/large"
    for act in (
        lambda: os.utime(target, ns=(0, os.stat(target).st_mtime_ns)),
        lambda: os.chmod(target, 0o600),
        lambda: os.setxattr(target, "user.trace", b"x"),
        lambda: os.link(target, os.path.dirname(owned.root) + b"/other name"),
        lambda: os.rename(target, owned.root + b"/larger"),
        lambda: os.truncate(owned.root + b"/larger", 5),
    ):
        before = treesnapshot.take(owned.root)
        act()
        assert treesnapshot.take(owned.root) != before
