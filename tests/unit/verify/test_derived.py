"""Derived manifests: opinions about rows that are there, each once."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.read.parquet import ManifestFile
from evidencekit.verify import derived
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
    "view": ([cb.opinion(1) | {"view": "image/png"}, cb.opinion(3)], [("E212", "#0")]),
    "view null": ([cb.opinion(1) | {"view": None}, cb.opinion(3)], [("E212", "#0")]),
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


# --- comparisons with a list --------------------------------------------------------------------------------------

MIXED = (
    cb.folder_row(),
    cb.file_row("a"),
    cb.folder_row("d"),
    cb.file_row("d/b", b"yy"),
    cb.file_row("d/gone", size=None, sha256=None, blake3=None, state="vanished", reason="not_found"),
    cb.file_row("d2"),
    cb.folder_row("link", "symlink", state="vanished", reason="not_found"),
)
COMPARED = [cb.compared(1), cb.compared(3, "differs"), cb.compared(4, "not_comparable"), cb.compared(5, "moved")]
UNDER = cb.MATCH | {"under": "d"}


def match(build, opinions, *expected, rows=MIXED, **changes):
    build.seal(rows)
    where = build.derive(opinions, kind="match", **changes)
    report = verify_case(build.case)
    assert errors(report) == {(code, where + place) for code, place in expected}, report.findings
    return report


def test_a_sound_comparison(build):
    report = match(build, COMPARED)
    assert report.verdict == "INTEGRITY ONLY"
    assert report.counts["derived_rows"] == 4


def test_several_derived_manifests_of_one_item(build):
    build.seal(MIXED)
    build.derive([cb.opinion(1), cb.opinion(3), cb.opinion(5)])
    for _ in range(2):
        build.derive(COMPARED, kind="match")
    assert errors(verify_case(build.case)) == set()


@pytest.mark.parametrize("order", ["path", "shuffled"])
def test_a_comparison_of_a_subfolder(build, order):
    build.seal(MIXED, header={"order": order})
    places = {row.path: row.index for row in rows_of(build)}
    opinions = sorted(
        [cb.compared(places[b"d/b"]), cb.compared(places[b"d/gone"], "not_comparable")],
        key=lambda opinion: opinion["base_index"],
    )
    where = build.derive(opinions, kind="match", match=UNDER)
    assert errors(verify_case(build.case)) == set()
    other = build.derive([cb.compared(places[b"d2"])], kind="match", match=UNDER)
    assert errors(verify_case(build.case)) == {("E107", other), ("E107", f"{other}#0")}
    assert where != other


def rows_of(build):
    with (build.case / "manifests/00000001.parquet").open("rb") as file:
        return list(ManifestFile(file, "m").rows())


def test_a_comparison_of_a_subfolder_whose_name_is_not_text(build):
    row = cb.file_row("") | {"name": {"_t": "evidencekit/name/1", "path_hex": "ff"}}
    below = row | {"name": {"_t": "evidencekit/name/1", "path_hex": "ff2f61"}}
    folder = cb.folder_row("") | {"name": {"_t": "evidencekit/name/1", "path_hex": "ff"}}
    under = {name: value for name, value in cb.MATCH.items() if name != "under"} | {"under_hex": "ff"}
    match(build, [cb.compared(3)], rows=(cb.folder_row(), cb.file_row("a"), folder, below), match=under)


def test_a_device_that_is_the_source_is_compared_like_a_file(build):
    device = cb.file_row("") | {"kind": "block_device"}
    header = {"source": {"atime": "untouched", "host": None, "kind": "block_device", "mount": None, "path": "/dev/x"}}
    build.seal([device], header=header)
    build.derive([cb.compared(0)], kind="match")
    assert errors(verify_case(build.case)) == set()


def test_a_stream_has_no_name_in_a_list(build):
    stream = cb.file_row("a", b"s")
    stream["name"] = stream["name"] | {"stream": "s"}
    match(build, [cb.compared(1)], rows=(cb.folder_row(), cb.file_row("a"), stream))


MATCH_CASES = {
    "left out": (COMPARED[:3], [("E107", "")]),
    "of a folder": ([*COMPARED[:1], cb.compared(2), *COMPARED[1:]], [("E107", "#1")]),
    "twice": ([COMPARED[0], *COMPARED], [("E110", "#1"), ("E107", "#1")]),
    "out of order": ([COMPARED[1], COMPARED[0], *COMPARED[2:]], [("E109", "#1")]),
    "same without digest": ([*COMPARED[:2], cb.compared(4), COMPARED[3]], [("E107", "#2")]),
    "not listed without digest": ([*COMPARED[:2], cb.compared(4, "not_listed"), COMPARED[3]], [("E107", "#2")]),
    "a digest that was not compared": (
        [cb.compared(1, compared=["blake3"]), *COMPARED[1:]], [("E107", "#0")],
    ),
    "view": ([cb.compared(1, more={"view": "moved"}), *COMPARED[1:]], [("E212", "#0"), ("E112", " header")]),
    "view null": ([cb.compared(1, more={"view": None}), *COMPARED[1:]], [("E212", "#0"), ("E112", " header")]),
    "result": ([cb.compared(1, "like"), *COMPARED[1:]], [("E107", "#0")]),
    "nothing compared": ([cb.compared(1, compared=[]), *COMPARED[1:]], [("E107", "#0")]),
    "compared by size alone": ([cb.compared(1, compared=["size"]), *COMPARED[1:]], [("E107", "#0")]),
    "same, and listed otherwise": (
        [cb.compared(1, listed={"sha256": "00" * 32}), *COMPARED[1:]], [("E107", "#0")],
    ),
    "media type": ([cb.opinion(1) | {"view": "same"}, *COMPARED[1:]], [("E107", "#0")]),
}  # fmt: skip


@pytest.mark.parametrize("name", MATCH_CASES)
def test_a_fault_of_a_comparison_is_named(build, name):
    opinions, expected = MATCH_CASES[name]
    match(build, opinions, *expected)


def test_results_that_do_not_add_up(build):
    totals = {"differs": "1", "moved": "1", "not_comparable": "1", "not_listed": "1", "rows": "4", "same": "0"}
    report = match(build, COMPARED, ("E112", " header"), totals=totals)
    assert {finding.expected for finding in report.findings if finding.code == "E112"} == {
        "totals.same 1",
        "totals.not_listed 0",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"match": cb.MATCH | {"digests": ["md5", "sha256"]}},
        {"match": cb.MATCH | {"digests": []}},
        {"match": {key: value for key, value in cb.MATCH.items() if key != "mapping"}},
        {"match": cb.MATCH | {"under_hex": "ff"}},
        {"engine": {"data_sha256": None, "name": "engine", "version": "1"}},
        {"engine": {"data_sha256": "22" * 32, "name": "engine", "version": "1"}},
        {"totals": {"errors": "0", "rows": "4"}},
    ],
    ids=["digest not taken", "no digest", "no mapping", "two names", "no list", "another list", "totals"],
)  # fmt: skip
def test_a_header_of_a_comparison_with_a_fault(build, changes):
    match(build, COMPARED, ("E108", " header"), **changes)


def test_without_its_header_the_rows_of_a_comparison_are_not_compared(build):
    report = match(build, COMPARED[:1], ("E108", " header"), match=cb.MATCH | {"more": "x"})
    assert "missing_base" in {item.code for item in report.not_checked}


@pytest.mark.parametrize("kind", ["match", "media-type"])
def test_the_view_column_is_that_of_the_kind(build, kind):
    build.seal(MIXED)
    opinions = COMPARED if kind == "match" else [cb.opinion(1), cb.opinion(3), cb.opinion(5)]
    other = "media-type" if kind == "match" else "match"
    where = build.derive(opinions, kind=kind, columns=other)
    assert errors(verify_case(build.case)) == {("E106", where)}


def test_a_comparison_without_its_base(build):
    where = build.seal(MIXED)
    build.derive(COMPARED[:2], kind="match", match=UNDER)
    (build.case / where).write_bytes(b"PAR1")
    report = verify_case(build.case)
    assert errors(report) == {("E106", where), ("E201", where)}
    assert "missing_base" in {item.code for item in report.not_checked}


def test_what_unreadable_opinions_add_is_not_held_against_the_header(build):
    match(build, [cb.compared(1, "like", more={"view": "same"}), *COMPARED[1:]], ("E107", "#0"))


def test_more_folders_than_are_looked_for(build, monkeypatch):
    monkeypatch.setattr(derived, "MAX_SCANS", 1)
    build.seal(MIXED)
    sound = [cb.compared(3), cb.compared(4, "not_comparable")]
    places = [build.derive(sound, kind="match", match=UNDER) for _ in range(3)]
    report = verify_case(build.case)
    assert errors(report) == set()
    assert {item.where for item in report.not_checked if item.code == "too_many"} == set(places[1:])
    assert report.verdict == "NOT CHECKED"
