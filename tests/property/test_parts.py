"""A source compared in parts, here or elsewhere, gives what it gives in one go, and what it gives row by row."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from blake3 import blake3
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.records import MANIFEST_TYPE
from evidencekit.core.values import name_member
from evidencekit.read import folders, part
from evidencekit.read.parquet import Row
from evidencekit.read.part import walk_part
from evidencekit.read.tree import Names, walk
from evidencekit.verify import source as source_module
from evidencekit.verify.beside import Part
from evidencekit.verify.catalogues import Catalogue
from evidencekit.verify.glance import Glance
from evidencekit.verify.rows import RowCheck
from evidencekit.verify.run import Run


def _load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


mr = _load("sealedrows")
NAMES = (b"a", b"b", b"c", b"a.b", b"a!", b"\xff", b"z")
PATHS = [b"/".join(parts) for n in (1, 2, 3) for parts in __import__("itertools").product(NAMES[:4], repeat=n)]


class Manifest(mr.Manifest):
    """With rows one by one, too."""

    def rows_(self):
        for row in self.rows:
            yield Row(
                **{name: row[name] for name in Row._fields}
                | {"kind": row["kind"].decode(), "state": row["state"].decode()}
            )


class SealedManifest:
    """A manifest as `Beside` reads it: `rows` is a method there."""

    format = MANIFEST_TYPE

    def __init__(self, inner):
        self.inner = inner
        self.rows_count, self.row_groups = inner.rows_count, inner.row_groups
        self.batches = inner.batches

    def rows(self):
        return self.inner.rows_()


@st.composite
def trees(draw):
    """Return what to make: path to ("file", bytes), ("link", bytes), ("folder",), ("fifo",), ("hard", path)."""
    made = {}

    def grow(prefix, depth):
        for name in sorted(draw(st.sets(st.sampled_from(NAMES), max_size=4))):
            path = prefix + name
            kind = draw(st.sampled_from(["file", "file", "folder", "folder", "link", "fifo", "hard"]))
            files = [other for other, what in made.items() if what[0] == "file"]
            if kind == "folder" and depth:
                made[path] = ("folder",)
                grow(path + b"/", depth - 1)
            elif kind == "link":
                made[path] = ("link", draw(st.sampled_from([b"a", b'q"', b"\xff"])))
            elif kind == "hard" and files:
                made[path] = ("hard", draw(st.sampled_from(files)))
            else:
                made[path] = ("fifo",) if kind == "fifo" else ("file", draw(st.sampled_from([b"", b"one", b"two"])))

    grow(b"", 3)
    return made


def make(folder: bytes, path: bytes, what):
    place = os.path.join(folder, path)
    if what[0] == "folder":
        os.mkdir(place)
    elif what[0] == "link":
        os.symlink(what[1], place)
    elif what[0] == "fifo":
        os.mkfifo(place)
    elif what[0] == "hard":
        os.link(os.path.join(folder, what[1]), place)
    else:
        Path(os.fsdecode(place)).write_bytes(what[1])


def remove(place: bytes):
    if os.path.isdir(place) and not os.path.islink(place):
        shutil.rmtree(place)
    elif os.path.lexists(place):
        os.unlink(place)


def change(folder: bytes, path: bytes, what: str):
    """Do something to a source; what is not possible is left."""
    place = os.path.join(folder, path)
    with contextlib.suppress(OSError):
        if what == "delete":
            remove(place)
        elif what in {"file", "folder", "fifo"}:
            remove(place)
            make(folder, path, (what, b"new") if what == "file" else (what,))
        elif what == "mode":
            os.chmod(place, 0o600 if os.path.isfile(place) else 0o700)
        elif what == "append" and os.path.isfile(place) and not os.path.islink(place):
            with open(place, "ab") as file:
                file.write(b"!")
        elif what == "unlink one" and os.path.isfile(place) and not os.path.islink(place):
            data = Path(os.fsdecode(place)).read_bytes()
            remove(place)
            make(folder, path, ("file", data))


def seal(folder: bytes, draw):
    """Return the rows that an acquisition would have made."""
    rows, groups = [], {}
    shut = None
    with contextlib.closing(walk(folder)) as nodes:
        for node in nodes:
            if shut is not None and node.path.startswith(shut):
                continue
            status = node.status
            name = {"_t": "evidencekit/name/1"} | name_member("path", node.path)
            content = {"_t": "evidencekit/content/1", "blake3": None, "sha256": None, "size": None, "state": "complete"}
            metadata = {
                "_t": "evidencekit/metadata/1", "gid": str(status.st_gid), "mode": str(stat.S_IMODE(status.st_mode)),
                "mtime_ns": str(status.st_mtime_ns), "nlink": str(status.st_nlink), "uid": str(status.st_uid),
            }  # fmt: skip
            if node.kind != "directory" and status.st_nlink > 1 and draw(st.integers(0, 9)):
                metadata["link_group"] = str(groups.setdefault(status.st_ino, len(groups) + 1))
            if node.kind == "symlink":
                name |= name_member("target", node.target)
            omitted = draw(st.integers(0, 19)) == 0 and node.path
            if omitted and node.kind == "directory":
                content |= {"state": "not_listed", "reason": "excluded"}
                shut = node.path + b"/"
            elif omitted and node.kind == "file":
                content |= {"state": "not_read", "reason": "excluded"}
            elif node.kind == "file":
                data = Path(os.fsdecode(os.path.join(folder, node.path))).read_bytes()
                content |= {
                    "blake3": blake3(data).hexdigest(),
                    "sha256": sha256(data).hexdigest(),
                    "size": str(len(data)),
                }
            rows.append({"kind": node.kind, "name": name, "content": content, "metadata": metadata})
            if node.kind == "file" and draw(st.integers(0, 19)) == 0:
                rows.append({"kind": "file", "name": {**name, "stream": "s"}, "content": content,
                             "metadata": {"_t": "evidencekit/metadata/1"}})  # fmt: skip
    return rows


def names_that_fail(places):
    """Listing breaks off in some folders, always at the same name."""

    def names(handle):
        fails = os.fsencode(os.readlink(f"/proc/self/fd/{handle}")).endswith(tuple(places)) if places else False
        for name in sorted(folders.marked_names_in(handle)):
            if fails and name >= b"b":
                raise OSError(errno.EIO, "gone")
            yield name

    return names


def check(manifest, header, marks, folder, parts, crew=None, *, as_copy=False):
    run = Run()
    if crew is not None:
        run.crew = crew
    sealing = SimpleNamespace(exhibit="EX", manifest=1)
    catalogue = Catalogue(sealing, header, manifest.rows_count, None, marks=marks)
    with patch.object(source_module, "_parts", lambda *_: parts):
        whole = source_module._check(
            run, catalogue, "EX", SealedManifest(manifest), "m", Path(os.fsdecode(folder)), as_copy=as_copy
        )
    said = [(f.code, f.where, f.expected, f.found, f.of_evidence) for f in run.findings.listed()]
    return whole, said, run.findings.counts, run.not_checked, run.not_checked_total, run.first_not_checked, +run.checked


class Nobody:
    has_unnamed = False

    def name(self, *_, **__):
        raise AssertionError


def parts_at(marks, draw):
    cuts = sorted(draw(st.sets(st.sampled_from(marks[1:]), max_size=6))) if len(marks) > 1 else []
    ends = [(0, b""), *((mark.position, mark.path) for mark in cuts), (None, None)]
    return [Part(start, stop, low, high) for (start, low), (stop, high) in pairwise(ends)]


@deep(200)
@given(data=st.data(), tree=trees())
def test_parts_give_what_the_whole_gives(data, tree):
    draw = data.draw
    with tempfile.TemporaryDirectory() as base:
        folder = os.path.join(os.fsencode(base), b"source")
        os.mkdir(folder)
        for path, what in tree.items():
            make(folder, path, what)
        globs = {"exclude": draw(st.sampled_from([[], ["a"], ["a/b"]])), "include": draw(st.sampled_from([[], ["b"]]))}
        header = {"digests": ["blake3", "sha256"], "name_encoding": "posix", "order": "path", "options": globs}
        manifest = Manifest(mr.stored(seal(folder, draw)), draw(st.integers(1, 3)), draw(st.integers(1, 3)))
        run = Run()
        marks = RowCheck(run, manifest, "m", header, Nobody()).check().marks
        assert run.findings.counts.total() == 0
        assert marks
        there = sorted(tree) or [b"a"]
        kinds = ["delete", "file", "folder", "fifo", "mode", "append", "unlink one"]
        for path in draw(st.lists(st.one_of(st.sampled_from(there), st.sampled_from(PATHS)), max_size=4)):
            change(folder, path, draw(st.sampled_from(kinds)))
        fails = draw(st.lists(st.sampled_from([b"/a", b"/b", b"/source", b"/a/b"]), max_size=2))
        as_copy = draw(st.booleans())
        with patch.object(part, "marked_names_in", names_that_fail(fails)):
            slowly = check(manifest, header, None, folder, [Part()], as_copy=as_copy)
            whole = check(manifest, header, marks, folder, [Part()], as_copy=as_copy)
            assert whole == slowly
            parts = parts_at(marks, draw)
            apart = check(manifest, header, marks, folder, parts, mr.Crew(draw), as_copy=as_copy)
        assert apart == whole


@given(data=st.data(), tree=trees())
def test_parts_are_a_partition_of_the_walk(data, tree):
    """Whatever the bounds: each entry is yielded by one part, in its order; what lies above a part is no part of it."""
    with tempfile.TemporaryDirectory() as base:
        folder = os.fsencode(base)
        for path, what in tree.items():
            make(folder, path, what)

        def entries(low, high):
            for one in walk_part(folder, low, high):
                if isinstance(one, Names):
                    yield from (one.prefix + name.rstrip(b"\0") for name in one.names)
                elif not part.is_above(one.path, low):
                    yield one.path

        bounds = data.draw(st.sets(st.one_of(st.sampled_from(PATHS), st.sampled_from([*sorted(tree), b"b"]))))
        ends = [b"", *sorted(bounds, key=lambda path: path.split(b"/")), None]
        apart = [list(entries(low, high)) for low, high in pairwise(ends)]
        with contextlib.closing(walk(folder)) as nodes:
            assert [path for one in apart for path in one] == [node.path for node in nodes]
        for (low, high), paths in zip(pairwise(ends), apart, strict=True):
            keys = [path.split(b"/") if path else [] for path in paths]
            assert all((low.split(b"/") if low else []) <= key for key in keys)
            assert high is None or all(key < high.split(b"/") for key in keys)


def sealed_source(folder, names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(name.encode())
    header = {"digests": ["blake3", "sha256"], "name_encoding": "posix", "order": "path", "options": {}}
    manifest = Manifest(mr.stored(seal(os.fsencode(folder), lambda strategy: 1)), 1)
    return header, manifest, RowCheck(Run(), manifest, "m", header, Nobody()).check().marks


def test_a_folder_that_changes_between_two_parts_is_not_checked(tmp_path):
    """A new name moves from the part that is to come to the one that is done: neither sees it, and that is said."""
    folder = tmp_path / "s"
    header, manifest, marks = sealed_source(folder, ["d/a", "d/b", "d/c", "d/e"])
    status = (folder / "d").stat()
    (folder / "d/z").write_bytes(b"planted")
    os.utime(folder / "d", ns=(status.st_atime_ns, status.st_mtime_ns))
    cut = next(mark for mark in marks if mark.path == b"d/c")
    parts = [Part(0, cut.position, b"", cut.path), Part(cut.position, None, cut.path, None)]
    untouched = check(manifest, header, marks, os.fsencode(folder), parts, mr.Crew(lambda _: 1))
    assert [said[:2] for said in untouched[1]] == [("E506", "EX:d/z")]

    class Mover(mr.Crew):
        def results(self, jobs, manifest, tell=None):
            for number, result in enumerate(super().results(jobs, manifest, tell)):
                if number == 0:
                    (folder / "d/z").rename(folder / "d/aa")
                    os.utime(folder / "d", ns=(status.st_atime_ns, status.st_mtime_ns))
                yield result

    whole, said, _, skipped, *_ = check(manifest, header, marks, os.fsencode(folder), parts, Mover(lambda _: 1))
    assert said == []
    assert whole is False
    assert [(one.where, one.reason) for one in skipped] == [("EX:d", "it was changed while it was compared")]


@pytest.mark.parametrize("what", ["removed", "another"])
def test_a_source_that_goes_between_two_parts(tmp_path, what):
    folder = tmp_path / "s"
    header, manifest, marks = sealed_source(folder, ["a", "b", "c"])
    parts = [Part(0, marks[2].position, b"", marks[2].path), Part(marks[2].position, None, marks[2].path, None)]

    class Mover(mr.Crew):
        def results(self, jobs, manifest, tell=None):
            for number, result in enumerate(super().results(jobs, manifest, tell)):
                yield result
                if number == 0:
                    folder.rename(tmp_path / "away")
                    if what == "another":
                        shutil.copytree(tmp_path / "away", folder)

    if what == "removed":
        with pytest.raises(Exception, match="is not there"):
            check(manifest, header, marks, os.fsencode(folder), parts, Mover(lambda _: 1))
        return
    whole, _, _, skipped, *_ = check(manifest, header, marks, os.fsencode(folder), parts, Mover(lambda _: 1))
    assert whole is False
    assert "it was changed while it was compared" in {one.reason for one in skipped}


def test_findings_without_number_are_counted_and_bounded(tmp_path):
    """Beyond what a report lists: the same counts, the same list, and not all of it in memory or on its way."""
    folder = tmp_path / "s"
    header, manifest, marks = sealed_source(folder, [f"{n // 50}/{n}" for n in range(300)])
    shutil.rmtree(folder)
    folder.mkdir()
    for number in range(40):
        (folder / f"x{number}").write_bytes(b"")
    limits = {"LISTED": 20, "LISTED_NOT_CHECKED": 3}
    from evidencekit.verify import account, findings, run

    with contextlib.ExitStack() as stack:
        for module in (account, findings):
            stack.enter_context(patch.object(module, "LISTED", 20))
        for module in (account, run):
            stack.enter_context(patch.object(module, "LISTED_NOT_CHECKED", 3))
        ends = [(0, b""), *((mark.position, mark.path) for mark in marks[100::90]), (None, None)]
        parts = [Part(start, stop, low, high) for (start, low), (stop, high) in pairwise(ends)]
        assert len(parts) == 4
        at_once = check(manifest, header, marks, os.fsencode(folder), [Part()])
        apart = check(manifest, header, marks, os.fsencode(folder), parts, mr.Crew(lambda _: 1))
    assert limits
    assert at_once == apart
    assert apart[2]["E505"] == 306
    assert apart[2]["E506"] == 40


def test_the_quick_way_is_taken(tmp_path):
    folder = tmp_path / "s"
    header, manifest, marks = sealed_source(folder, ["a/b", "c"])
    seen = Counter()

    def spy(self, *arguments):
        seen["asked"] += 1
        agrees = real(self, *arguments)
        seen["agrees"] += agrees
        return agrees

    for method in ("file", "node"):
        real = getattr(Glance, method)
        with patch.object(Glance, method, spy):
            whole, said, *_ = check(manifest, header, marks, os.fsencode(folder), [Part()])
        assert (whole, said) == (True, [])
    assert seen == {"asked": 4, "agrees": 4}
