"""A source that moves while it is taken: nothing outside is read, nothing is said that was not seen.

Each change comes at a chosen moment, inside of the acquisition itself (`openings.py`). Files hold one letter over and
over, so that a digest tells what was read. The kernel is witness to what was opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
from pathlib import Path

import manifestrows
import openings
import openwatch
import pytest
from persons import OTHER, ROOT, give

from evidencekit.core.records import STATES

CANARY = b"canary" * 50
WITHIN = 60
"""Seconds that an acquisition of a few files may take before it counts as hanging."""


class Area:
    """A source `src` and a folder `outside` that looks like a part of it; both belong to the person."""

    def __init__(self, folder, person, work):
        self.folder, self.person, self.work = folder, person, work
        self.src, self.outside, self.aside = folder / "src", folder / "outside", folder / "aside"
        for path in (self.src / "m/inner", self.src / "n", self.outside / "inner", self.aside):
            path.mkdir(parents=True)
        (self.src / "a-first").write_bytes(b"a" * 100)
        for number in range(4):
            (self.src / f"m/f{number}").write_bytes(b"m" * (1000 + number))
            (self.src / f"m/inner/g{number}").write_bytes(b"g" * (2000 + number))
            (self.outside / f"f{number}").write_bytes(CANARY + b"%d" % number)
            (self.outside / f"inner/g{number}").write_bytes(CANARY + b"%d" % number)
        (self.src / "link").symlink_to("nowhere")
        (self.src / "victim").write_bytes(b"v" * 5000)
        (self.src / "z-last").write_bytes(b"z" * 100)
        give(folder, person)

    def acquire(self, prepare, *, on_sealed=None):
        """Take `src` as the person, with moments prepared; return what came of it."""

        def run():
            moments = openings.Moments()
            prepare(moments)
            signal.alarm(WITHIN)  # kills the fork: a hang is an error of the test
            office = self.work.office
            office.acquire(self.work.case, self.src, on_sealed=on_sealed, types=on_sealed is not None)
            return moments.done, moments.opened

        with openwatch.Watch(*map(os.fsencode, (self.outside, self.outside / "inner"))) as witness:
            done, opened = self.person.run(run)
        rows = manifestrows.read(self.work.case)
        return Came(done, opened, witness.seen, rows, self.person.cli("verify", self.work.case, home=self.work.folder))

    def move(self, name, to=None):
        """Return an act: move a thing of the source away, or to another place in it."""
        return lambda: os.rename(self.src / name, to or self.aside / Path(name).name)

    def swap_for_link(self, name):
        """Return an act: what stood there is moved away, and a link leads outside."""

        def act():
            os.rename(self.src / name, self.aside / "moved")
            os.symlink(self.outside, self.src / name)

        return act


class Came:
    """What came of an acquisition."""

    def __init__(self, done, opened, seen, rows, verified):
        self.done, self.opened, self.seen, self.rows, self.verified = done, opened, seen, rows, verified

    def check(self, *, moments=1):
        """The moments came, nothing outside was read, and the case is in order."""
        assert len(self.done) == moments, self.done
        assert self.seen == []
        assert self.verified.code == 7, self.verified.out.decode()
        canaries = {sha(CANARY + b"%d" % number) for number in range(4)}
        assert not canaries & {row.content.get("sha256") for row in self.rows.values()}
        for row in self.rows.values():
            assert row.state in STATES
            assert ("after" in row.metadata) == (row.state == "changed")

    def facts(self, path):
        row = self.rows[path]
        return row.kind, row.state, row.reason


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def area(person, places, desk_of):
    with places(in_memory=False) as folder:
        yield Area(folder, person, desk_of(person))


# --- swapped for something else -------------------------------------------------------------------------------------------


def test_folder_swapped_for_a_link_before_it_is_opened(area):
    came = area.acquire(lambda at: at.at_opening(b"m", area.swap_for_link("m")))
    came.check()
    # A second look may have found the link, which is then a link like any other.
    assert came.facts(b"m") in {("directory", "not_listed", "changed_kind"), ("symlink", "complete", None)}
    assert not [path for path in came.rows if path.startswith(b"m/")]


@pytest.mark.parametrize("moment", [b"f0", b"f2", b"inner", b"g1", b"z-last"])
def test_folder_swapped_for_a_link_while_its_files_are_read(area, moment):
    """What was listed is read by the handle of the folder, wherever that lies now; outside lie files of the same names."""
    came = area.acquire(lambda at: at.at_opening(moment, area.swap_for_link("m")))
    came.check()
    for number in range(4):
        for path, data in (
            (b"m/f%d" % number, b"m" * (1000 + number)),
            (b"m/inner/g%d" % number, b"g" * (2000 + number)),
        ):
            row = came.rows[path]
            assert row.content["sha256"] in {None, sha(data)}, path
            assert row.state in {"complete", "changed", "not_read", "vanished"}, path
    assert came.facts(b"z-last")[:2] == ("file", "complete")


def test_folder_swapped_for_a_link_before_media_types_are_made(area):
    """Files are opened a second time then, by path: only what was sealed may be."""
    came = area.acquire(lambda at: None, on_sealed=lambda *_: area.swap_for_link("m")())
    came.check(moments=0)
    assert came.facts(b"m/f0") == ("file", "complete", None)


def test_source_itself_swapped_for_a_link_before_media_types_are_made(area):
    def swap(*_):
        area.src.rename(area.aside / "src")
        area.src.symlink_to(area.outside)

    came = area.acquire(lambda at: None, on_sealed=swap)
    came.check(moments=0)


def test_source_itself_swapped_for_a_link_while_it_is_taken(area):
    def swap():
        area.src.rename(area.aside / "src")
        area.src.symlink_to(area.outside)

    came = area.acquire(lambda at: at.at_opening(b"f0", swap))
    came.check()
    assert came.rows[b"m/f1"].content["sha256"] == sha(b"m" * 1001)


def test_link_swapped_for_a_folder_before_it_is_looked_at(area):
    """What stands there when it is looked at counts, not what stood there when it was listed."""

    def act():
        (area.src / "link").unlink()
        (area.src / "link").mkdir()
        (area.src / "link/inside").write_bytes(b"i" * 10)

    came = area.acquire(lambda at: at.at_opening(b"a-first", act))
    came.check()
    assert came.facts(b"link") == ("directory", "complete", None)
    assert came.rows[b"link/inside"].content["sha256"] == sha(b"i" * 10)


def test_link_swapped_for_a_folder_before_it_is_read(area):
    def act():
        (area.src / "link").unlink()
        (area.src / "link").mkdir()

    came = area.acquire(lambda at: at.at_link(b"link", act))
    came.check()
    assert came.facts(b"link")[:2] in {("symlink", "not_read"), ("directory", "complete")}
    assert came.facts(b"link")[2] in {"changed_kind", None}


def test_link_that_is_turned_around_before_it_is_read(area):
    def act():
        (area.src / "link").unlink()
        (area.src / "link").symlink_to(area.outside)

    came = area.acquire(lambda at: at.at_link(b"link", act))
    came.check()
    row = came.rows[b"link"]
    assert (row.state, row.target) in {("changed", os.fsencode(area.outside)), ("complete", os.fsencode(area.outside))}


def plant_socket(path):
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(path.parent):
        listening.bind(path.name)


PLANTS = {
    "gone": lambda area, path: None,
    "a folder": lambda area, path: path.mkdir(),
    "a pipe": lambda area, path: os.mkfifo(path),
    "a socket": lambda area, path: plant_socket(path),
    "a link outside": lambda area, path: path.symlink_to(area.outside / "f0"),
    "a link to itself": lambda area, path: path.symlink_to(path.name),
    "another file": lambda area, path: path.write_bytes(b"w" * 600),
    "a hard link to another": lambda area, path: os.link(area.src / "a-first", path),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_file_swapped_before_it_is_opened(area, plant):
    def act():
        (area.src / "victim").unlink()
        PLANTS[plant](area, area.src / "victim")

    came = area.acquire(lambda at: at.at_opening(b"victim", act))
    came.check()
    row = came.rows[b"victim"]
    now = {"a folder": "directory", "a pipe": "fifo", "a socket": "socket"}.get(plant, "symlink")
    if plant == "gone":
        assert came.facts(b"victim") == ("file", "vanished", "not_found")
    elif plant in {"another file", "a hard link to another"}:
        assert row.state in {"changed", "complete"}
        assert row.content["sha256"] == sha((area.src / "victim").read_bytes())
    else:
        assert came.facts(b"victim") in {("file", "not_read", "changed_kind"), (now, "complete", None)}


# --- moved while the walk goes on -----------------------------------------------------------------------------------------


def test_folder_moved_outside_while_the_walk_is_in_it(area):
    """Its `..` is then a folder outside, which must not be listed; the walk finds its way back from above."""
    came = area.acquire(lambda at: at.at_opening(b"g1", area.move("m/inner", area.outside / "moved in")))
    came.check()
    assert came.facts(b"z-last") == ("file", "complete", None)
    for number in range(4):
        assert came.rows[b"m/f%d" % number].content["sha256"] == sha(b"m" * (1000 + number))


def test_folder_moved_to_where_the_walk_will_come(area):
    """It may be met twice; each row is true of where it was seen."""
    came = area.acquire(lambda at: at.at_opening(b"n", area.move("m/inner", area.src / "n/inner")))
    came.check()
    for path in (b"m/inner/g2", b"n/inner/g2"):
        assert came.rows[path].content["sha256"] == sha(b"g" * 2002)


def test_folder_moved_to_where_the_walk_has_been(area):
    (area.src / "b").mkdir()
    give(area.src / "b", area.person)
    came = area.acquire(lambda at: at.at_opening(b"inner", area.move("n", area.src / "b/n")))
    came.check()
    assert came.rows[b"n"].state == "vanished"
    assert b"b/n" not in came.rows


def test_deep_folders_moved_above_the_walk(area):
    """More folders than stay open: the way back up leads through what was renamed."""
    deep = area.src / "p" / "/".join(["d"] * 150)
    deep.mkdir(parents=True)
    for folder in [deep, *deep.parents][:150]:
        (folder / "e-file").write_bytes(b"e" * 33)
    give(area.src / "p", area.person)
    done = []

    def act():
        """At the first file opened, which is the deepest."""
        (area.src / "p/d/d/d").rename(area.aside / "deep")
        (area.src / "p").rename(area.src / "p renamed")
        done.append(True)

    came = area.acquire(lambda at: at.at_opening(b"e-file", act))
    came.check()
    files = [row for path, row in came.rows.items() if path.endswith(b"e-file")]
    assert len(files) == 150
    assert {row.content["sha256"] for row in files} <= {None, sha(b"e" * 33)}
    assert came.facts(b"z-last") == ("file", "complete", None)


def test_source_that_vanishes_under_the_walk(area):
    came = area.acquire(lambda at: at.at_opening(b"f1", lambda: shutil.rmtree(area.src)))
    came.check()
    assert came.facts(b"m/f0") == ("file", "complete", None)
    for path in (b"m/f2", b"victim", b"z-last"):
        assert came.rows[path].state == "vanished", path


# --- files that change while they are read -----------------------------------------------------------------------------------


SIZES = {"small": 300 << 10, "in parts": 5 << 20, "large": 40 << 20}


def rewrite(path, data):
    """Put a new file under the name, as careful programs do."""
    new = path.with_name(".new")
    new.write_bytes(data)
    new.rename(path)


def grow(path, size):
    with path.open("ab") as file:
        file.write(b"b" * 70_000)


def overwrite(path, size):
    with path.open("r+b") as file:
        file.write(b"b" * size)


CHANGES = {
    "grows": grow,
    "shrinks": lambda path, size: os.truncate(path, size // 2),
    "is emptied": lambda path, size: os.truncate(path, 0),
    "is written over": overwrite,
    "is emptied and written": lambda path, size: path.write_bytes(b"b" * size),
    "is replaced": lambda path, size: rewrite(path, b"b" * size),
    "is replaced by a smaller one": lambda path, size: rewrite(path, b"b" * 99),
    "is deleted": lambda path, size: path.unlink(),
    "is deleted and made a folder": lambda path, size: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize(
    ("person", "size", "change"),
    [
        *((OTHER, "small", change) for change in CHANGES),
        *((ROOT, "in parts", change) for change in CHANGES),
        *((OTHER, "large", change) for change in ("grows", "shrinks", "is replaced", "is deleted")),
    ],
    indirect=["person"],
    ids=lambda value: getattr(value, "name", value),
)
def test_file_that_changes_while_read(area, change, size):
    length = SIZES[size]
    victim = area.src / "victim"
    victim.write_bytes(b"a" * length)
    came = area.acquire(lambda at: at.at_reading(os.fsencode(victim), lambda: CHANGES[change](victim, length)))
    came.check()
    row = came.rows[b"victim"]
    if row.state == "complete":  # a second look found it at rest: then it is what stands there now
        assert row.content["sha256"] == sha(victim.read_bytes())
        assert int(row.content["size"]) == victim.stat().st_size
    elif row.kind == "directory":
        assert victim.is_dir()
    else:
        assert row.state == "changed"
        assert row.content["sha256"] is not None
        after = row.metadata["after"]
        before = row.metadata
        assert (after["mtime_ns"], after["ctime_ns"], after["size"]) != (
            before["mtime_ns"],
            before["ctime_ns"],
            str(length),
        )


def test_file_that_grows_as_fast_as_it_is_read(area):
    """A log, or a trap: there must be an end, and the row says that it was not at rest."""
    victim = area.src / "victim"
    victim.write_bytes(b"a" * (3 << 20))
    parts = 60

    def act():
        with victim.open("ab") as file:
            file.write(b"a" * (1 << 20))

    came = area.acquire(lambda at: at.at_reading(os.fsencode(victim), act, times=parts))
    assert 0 < len(came.done) < parts, "it reads as long as there is more"
    came.check(moments=len(came.done))
    assert came.facts(b"victim") == ("file", "changed", None)


def test_folder_that_fills_while_it_is_walked(area):
    """What comes after the listing is not in it; the listing ends."""
    acts = iter(range(1000))

    def act():
        (area.src / f"m/late{next(acts):03d}").write_bytes(b"l")

    names = [b"f0", b"f1", b"f2", b"f3", b"g0"]

    def prepare(at):
        for name in names:
            at.at_opening(name, act)

    came = area.acquire(prepare)
    came.check(moments=len(names))
    assert [path for path in came.rows if b"late" in path] == []
    assert came.facts(b"m/f3") == ("file", "complete", None)
