"""Globs against a second, literal reading of specs/manifest.md section 6, and against who uses them."""

from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.acquire.selection import Selection
from evidencekit.catalogue.globs import glob_matches
from evidencekit.core.globs import Globs, glob_pattern

ODD = st.text(alphabet="ab-!]/[*?^\\&|~é\n", max_size=9)
GLOBS = ODD | st.text(max_size=6).filter(lambda text: not re.search("[\ud800-\udfff]", text))
PATHS = ODD.map(str.encode) | st.binary(max_size=8).filter(lambda path: b"\0" not in path)


def characters(path: bytes) -> list[int]:
    """Code points; a byte that is no part of valid UTF-8 is U+DC00 plus its value."""
    return [ord(one) for one in path.decode(errors="surrogateescape")]


def is_in(members: list[int], one: int) -> bool:
    """Characters and ranges, read from left to right."""
    while members:
        if len(members) > 2 and members[1] == ord("-"):
            if members[0] <= one <= members[2]:
                return True
            members = members[3:]
        else:
            if members[0] == one:
                return True
            members = members[1:]
    return False


def literal(glob: list[int], text: list[int]) -> bool:
    """The words of the spec, one after the other."""
    if not glob:
        return not text
    if glob[0] == ord("*"):
        return any(literal(glob[1:], text[start:]) for start in range(len(text) + 1))
    if glob[0] == ord("["):
        others = glob[1:2] == [ord("!")]
        first = 2 if others else 1
        ends = [place for place in range(first + 1, len(glob)) if glob[place] == ord("]")]
        if ends:
            found = bool(text) and is_in(glob[first : ends[0]], text[0]) != others
            return found and literal(glob[ends[0] + 1 :], text[1:])
    return bool(text) and (glob[0] == ord("?") or glob[0] == text[0]) and literal(glob[1:], text[1:])


def by_the_words(glob: str, path: bytes) -> bool:
    text = path if "/" in glob else path.rpartition(b"/")[2]
    return literal(list(map(ord, glob)), characters(text))


@given(GLOBS, PATHS)
@example("[b-a!x]", b"!")
@example("[!]", b"[!]")
@example("[]-a]", b"^")
@example("[!b-a]*", b"x\xff")
@example("[\ud7ff-\ue000]", b"\xff")
@example("a*", b"a\n")
def test_a_glob_means_what_the_spec_says(glob, path):
    expected = by_the_words(glob, path)
    assert Globs([glob]).match(path) is expected
    assert glob_matches(glob.encode(errors="surrogatepass"), False, path) is expected


@given(st.lists(GLOBS, max_size=4), PATHS)
def test_several_globs_match_where_one_of_them_does(globs, path):
    assert Globs(globs).match(path) is any(by_the_words(glob, path) for glob in globs)
    assert bool(Globs(globs)) is bool(globs)


@given(GLOBS, ODD)
def test_a_user_of_the_shell_finds_what_he_knows(glob, text):
    """Python's fnmatch reads globs alike, but for a range whose ends are reversed: there it loses its place."""
    if not re.search(r"(.)-(.)", glob):
        assert bool(re.fullmatch(glob_pattern(glob), text)) is bool(re.match(fnmatch.translate(glob), text))


@given(st.lists(GLOBS, max_size=3), st.lists(GLOBS, max_size=3), PATHS)
def test_an_acquisition_selects_by_them(include, exclude, path):
    usable = [
        [glob for glob in globs if glob and not glob.startswith("/") and not glob.endswith("/")]
        for globs in (include, exclude)
    ]
    include, exclude = usable
    selection = Selection(include, exclude)
    left_out = any(by_the_words(glob, path) for glob in exclude)
    taken = not include or any(by_the_words(glob, path) for glob in include)
    assert selection.excludes(path) is left_out
    assert selection.wants(path) is (not path or (taken and not left_out))


@pytest.mark.parametrize("glob", ["*a" * 30 + "b", "*?" * 30 + "b", "*[a-c]" * 30 + "b"])
def test_a_glob_of_many_stars_does_not_try_for_ever(glob):
    assert not Globs([glob]).match(b"a" * 20_000)
