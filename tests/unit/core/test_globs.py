"""Globs: one table of what matches. specs/manifest.md section 6."""

from __future__ import annotations

import pytest

from evidencekit.core.globs import Globs


@pytest.mark.parametrize(
    ("glob", "matched", "not_matched"),
    [
        ("*.txt", [b"a.txt", b".txt", b"d/a.txt", b"d.txt"], [b"a.txt/b", b"a.TXT", b"a.txt "]),
        ("d/*.txt", [b"d/a.txt", b"d/e/a.txt"], [b"a.txt", b"e/d/a.txt"]),
        ("a?c", [b"abc", "aéc".encode(), b"a\xffc", b"x/abc"], [b"ac", b"abbc", b"abc/d"]),
        ("a[bc]", [b"ab", b"ac"], [b"a", b"abc", b"a[bc]"]),
        ("[!a-c]x", [b"dx", b"\xffx"], [b"ax", b"bx", b"x"]),
        ("[]x]", [b"]", b"x"], [b"[", b"[]x]"]),
        ("[a-]", [b"a", b"-"], [b"b"]),
        ("[*]", [b"*"], [b"", b"a"]),
        ("[a", [b"[a"], [b"a"]),
        ("[c-a]", [], [b"a", b"b", b"c", b"-"]),
        ("\\*", [b"\\", b"\\a"], [b"*"]),
        ("*", [b"", b"a", b"\n", b"a/b", b".hidden"], []),
        ("", [b""], [b"a"]),
        ("é", ["é".encode()], ["e\u0301".encode()]),
    ],
)  # fmt: skip
def test_what_a_glob_matches(glob, matched, not_matched):
    assert [path for path in [*matched, *not_matched] if Globs([glob]).match(path)] == matched


def test_no_globs_match_nothing():
    assert not Globs([])
    assert not Globs([]).match(b"a")
