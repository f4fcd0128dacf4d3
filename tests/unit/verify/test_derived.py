"""Derived manifests: opinions about rows that are there, each once."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.verify.verifier import verify_case

ROWS = (cb.folder_row(), cb.file_row("a"), cb.folder_row("d"), cb.file_row("d/b", b"yy"))
SOUND = [cb.opinion(1), cb.opinion(3, None)]


def errors(report):
    return {(f.code, f.where) for f in report.findings if f.severity == "error"}


def check(build, opinions, *expected, **changes):
    build.seal(ROWS)
    where = build.derive(opinions, **changes)
    report = verify_case(build.case)
    assert errors(report) == {(code, where + place) for code, place in expected}, report.findings
    return report


def test_sound_opinions(build):
    report = check(build, SOUND)
    assert report.verdict == "INTEGRITY ONLY"
    assert report.counts["derived_rows"] == 2
    assert report.counts["rows"] == 4


def test_no_opinions_where_nothing_is_to_be_typed(build):
    build.seal([cb.folder_row()])
    build.derive([])
    assert errors(verify_case(build.case)) == set()


CASES = {
    "left out": ([cb.opinion(1)], [("E107", "")]),
    "of a folder": ([cb.opinion(1), cb.opinion(2), cb.opinion(3)], [("E107", "#1")]),
    "of no row": ([*SOUND, cb.opinion(99)], [("E107", "#2")]),
    "twice": ([cb.opinion(1), cb.opinion(1), cb.opinion(3)], [("E110", "#1"), ("E107", "#1")]),
    "out of order": ([cb.opinion(3), cb.opinion(1)], [("E109", "#1")]),
    "view": ([cb.opinion(1) | {"media_type": "image/png"}, cb.opinion(3)], [("E212", "#0")]),
    "view null": ([cb.opinion(1) | {"media_type": None}, cb.opinion(3)], [("E212", "#0")]),
    "not canonical": ([cb.opinion(1) | {"group": b"{ }"}, cb.opinion(3)], [("E107", "#0")]),
    "salt": ([cb.opinion(1, salt=9), cb.opinion(3, salt=9)], [("E111", "#1")]),
    "index": ([cb.opinion(1, index=5), cb.opinion(3)], [("E109", "#0")]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named(build, name):
    opinions, expected = CASES[name]
    check(build, opinions, *expected)


@pytest.mark.parametrize("name", ["base_manifest", "base_root", "engine", "exhibit", "case", "totals"])
def test_a_header_that_says_something_else(build, name):
    value = {
        "base_manifest": "7", "base_root": "00" * 32, "engine": {"data_sha256": None, "name": "other", "version": "1"},
        "exhibit": "EX-007", "case": "A" * 22 + "==", "totals": {"errors": "1", "rows": "2"},
    }[name]  # fmt: skip
    check(build, SOUND, ("E112" if name == "totals" else "E108", " header"), **{name: value})


def test_without_its_base_the_rows_are_not_compared(build):
    where = build.seal(ROWS)
    build.derive(SOUND)
    (build.case / where).write_bytes(b"PAR1")
    report = verify_case(build.case)
    assert errors(report) == {("E106", where), ("E201", where)}
    assert "missing_base" in {item.code for item in report.not_checked}


def test_a_manifest_of_the_other_kind(build):
    where = build.seal(ROWS)
    derived = build.derive(SOUND)
    one, two = (build.case / where).read_bytes(), (build.case / derived).read_bytes()
    (build.case / where).write_bytes(two)
    (build.case / derived).write_bytes(one)
    assert {("E106", where), ("E106", derived)} <= errors(verify_case(build.case))
