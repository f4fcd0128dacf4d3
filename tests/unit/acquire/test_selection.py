"""Selection: what globs leave out, and which globs are refused."""

from __future__ import annotations

import pytest

from evidencekit.acquire.selection import Selection
from evidencekit.errors import BadArgument


def test_without_globs_everything_is_taken():
    selection = Selection()
    assert selection.everything
    assert selection.wants(b"a/b")
    assert not selection.excludes(b"a/b")


def test_include_leaves_out_files_and_never_folders():
    selection = Selection(include=["*.jpg", "docs/*"])
    assert [path for path in (b"a.jpg", b"docs/x", b"a.txt", b"x/docs/y") if selection.wants(path)] == [
        b"a.jpg",
        b"docs/x",
    ]
    assert not selection.excludes(b"a.txt")


def test_exclude_wins():
    selection = Selection(include=["*.jpg"], exclude=["private*"])
    assert not selection.wants(b"private.jpg")
    assert selection.excludes(b"x/private")
    assert not selection.excludes(b"private/x")


def test_the_source_itself_is_always_wanted():
    assert Selection(exclude=["*"]).wants(b"")
    assert Selection(include=["nothing"]).wants(b"")


@pytest.mark.parametrize(
    "globs",
    [[""], ["/a"], ["a/"], ["/"], ["a\udcff"], ["é" * 2049], ["a"] * 501],
    ids=["empty", "absolute", "folder", "root", "not UTF-8", "long", "many"],
)
@pytest.mark.parametrize("option", ["include", "exclude"])
def test_a_glob_that_cannot_match_or_be_recorded_is_refused(option, globs):
    with pytest.raises(BadArgument) as caught:
        Selection(**{option: globs})
    assert caught.value.code == "U230"


def test_as_many_and_as_long_as_the_header_holds():
    selection = Selection(include=["é" * 2048], exclude=["a"] * 500)
    assert selection.wants(("é" * 2048).encode())
