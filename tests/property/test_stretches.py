"""Rows that are looked at together, here or elsewhere, give what they give one by one."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.verify import apart as apart_module
from evidencekit.verify.rows import RowCheck
from evidencekit.verify.rows_job import Header
from evidencekit.verify.run import Run
from evidencekit.verify.stretch import Stretches


def _load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


mr = _load("sealedrows")


class Objects:
    """Writes down what rows name."""

    def __init__(self, unnamed):
        self.left = unnamed
        self.named = []

    @property
    def has_unnamed(self):
        return self.left > 0

    def name(self, row, digest, size, *, demanded):
        self.named.append((row, digest, size, demanded))
        self.left -= 1


def outcome(manifest, header, unnamed, crew=None):
    """Return all that a check says, but where a source may be cut."""
    run, objects = Run(), Objects(unnamed)
    run.crew = crew or run.crew
    check = RowCheck(run, manifest, "m", header, objects)
    sums = check.check()
    said = [(f.code, f.where, f.expected, f.found) for f in run.findings.listed()]
    numbers = [(f.name, getattr(sums, f.name)) for f in sums.__dataclass_fields__.values() if f.name != "marks"]
    counts = {name: +value if isinstance(value, Counter) else value for name, value in numbers}
    return (said, counts, objects.named, run.not_checked, run.checked), sums.marks


ONE_BY_ONE = patch.object(Stretches, "look", lambda *_: None)


@deep(400)
@given(data=st.data(), rows=mr.manifests(), order=st.sampled_from(["path", "path", "shuffled"]))
def test_together_apart_and_one_by_one_are_the_same(data, rows, order):
    header = {
        "digests": ["blake3", "sha256"],
        "name_encoding": "posix",
        "order": order,
        "options": {"copies": data.draw(st.booleans())},
    }
    stored = mr.stored(rows, order)
    unnamed = data.draw(st.sampled_from([0, 1, 99]))
    manifest = mr.Manifest(stored, data.draw(st.integers(1, 7)), data.draw(st.integers(1, 3)))
    with ONE_BY_ONE:
        expected, marks = outcome(manifest, header, unnamed)
        assert marks is None or not rows
    together, marks = outcome(manifest, header, unnamed)
    assert together == expected
    with patch.multiple(apart_module, LEAST_ROWS=0, JOB_ROWS=data.draw(st.integers(1, 5))):
        apart, marks_apart = outcome(manifest, header, unnamed, mr.Crew(data.draw))
    assert apart == expected
    assert marks_apart == marks
    if marks:
        assert {code for code, *_ in expected[0]} <= {"E111"} | ({"E109"} if order == "shuffled" else set())
        marked = [stored[mark.position] for mark in marks]
        assert [row["path"] for row in marked] == [mark.path for mark in marks]
        assert all(b'"stream"' not in row["name"] for row in marked)
        closed = tuple(row["path"] + b"/" for row in stored if row["state"] == b"not_listed")
        assert not closed or not any(mark.path.startswith(closed) for mark in marks)
        whole = [row for row in stored if row["state"] in {b"complete", b"changed"}]
        marked_sizes = sum(mark.size for mark in marks)
        assert marked_sizes <= sum(row["size"] or 0 for row in whole)
        assert marked_sizes >= sum(row["size"] or 0 for row in whole if b'"stream"' not in row["name"])


@given(rows=mr.manifests().filter(bool), order=st.sampled_from(["path", "shuffled"]), batch=st.integers(1, 9))
def test_sound_rows_are_not_judged_one_by_one(rows, order, batch):
    """The quick way is the usual one: only where something is found, or lies in a folder not listed, is it left."""
    header = {"digests": ["blake3", "sha256"], "name_encoding": "posix", "order": order, "options": {}}
    manifest = mr.Manifest(mr.stored(rows, order), batch)
    (said, *_), marks = outcome(manifest, header, 0)
    closed = [row["path"] + b"/" for row in manifest.rows if row["state"] == b"not_listed"]
    lies_in_closed = any(row["path"].startswith(tuple(closed)) for row in manifest.rows) if closed else False
    if not said and not lies_in_closed:
        assert marks is not None


def test_much_content_has_more_marks():
    rows = [mr.cb.folder_row(), *(mr.cb.file_row(f"{n:02}", size=str(100 << 20)) for n in range(10))]
    manifest = mr.Manifest(mr.stored(rows), 1024)
    _, marks = outcome(manifest, {**HEADER}, 0)
    assert [mark.position for mark in marks] == [0, 4, 7, 10]
    assert [mark.size >> 20 for mark in marks] == [300, 300, 300, 100]


HEADER = {"digests": ["blake3", "sha256"], "name_encoding": "posix", "order": "path", "options": {}}


def test_a_header_that_could_not_be_read_says_nothing():
    assert Header.of(None) == Header()
    assert Header.of(HEADER) == Header(("blake3", "sha256"), "posix")


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_rows_below_a_folder_that_was_not_listed_are_no_place_to_cut(batch):
    """The source's part would have to know that the folder is not looked into, and its row is in another part."""
    rows = [
        mr.cb.folder_row(),
        mr.cb.folder_row("a", state="not_listed", reason="excluded"),
        mr.cb.file_row("a/b"),
        mr.cb.file_row("c"),
    ]
    _, marks = outcome(mr.Manifest(mr.stored(rows), batch), HEADER, 0)
    assert marks is None
    del rows[2]
    _, marks = outcome(mr.Manifest(mr.stored(rows), batch), HEADER, 0)
    assert marks
