"""Each row stands in a folder that has a row: a model of all prefixes against the one path that is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.verify.folders import Folders


def ask(rows):
    folders = Folders()
    return [folders.takes(path, is_folder=is_folder) for path, is_folder in rows]


def test_a_tree_in_order():
    rows = [
        (b"", True),
        (b"a", True),
        (b"a/b", True),
        (b"a/b/c", False),
        (b"a/d", False),
        (b"a.txt", False),
        (b"e", True),
    ]
    assert all(ask(rows))


def test_a_single_file_as_source():
    assert ask([(b"", False)]) == [True]


@pytest.mark.parametrize(
    ("rows", "bad"),
    [
        ([(b"", True), (b"a/b", False)], 1),
        ([(b"", True), (b"a", False), (b"a/b", False)], 2),
        ([(b"", False), (b"a", False)], 1),
        ([(b"", True), (b"a", True), (b"a/b/c", False)], 2),
        ([(b"", True), (b"a", True), (b"b/c", False)], 2),
        ([(b"", True), (b"ab", True), (b"a/c", False)], 2),
    ],
)
def test_a_row_without_its_folder(rows, bad):
    answers = ask(rows)
    assert [number for number, good in enumerate(answers) if not good] == [bad]


def test_after_an_unreadable_row_nothing_is_said():
    folders = Folders()
    assert folders.takes(b"", is_folder=True)
    folders.lose()
    assert folders.takes(b"x/y/z", is_folder=False)


@given(
    st.lists(st.tuples(st.lists(st.sampled_from([b"a", b"b", b"a.b", b"aa"]), max_size=4), st.booleans()), max_size=12)
)
def test_it_agrees_with_remembering_every_folder(parts):
    rows = sorted({tuple(path): is_folder for path, is_folder in parts}.items())
    answers = ask([(b"", True), *((b"/".join(path), is_folder) for path, is_folder in rows if path)])[1:]
    known = {()}
    for (path, is_folder), answer in zip([row for row in rows if row[0]], answers, strict=True):
        assert answer == (path[:-1] in known)
        if is_folder:
            known.add(path)
