"""What a sealed header says of its own times, of the acquisition, and of rows left out or kept."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.core.values import moment
from evidencekit.verify.verifier import verify_case

ROOT, FILE = cb.folder_row(), cb.file_row("a")
EXCLUDED = [ROOT, cb.file_row("a", state="not_read", sha256=None, blake3=None, reason="excluded"),
            cb.folder_row("d", state="not_listed", reason="excluded")]  # fmt: skip
START = 1_780_000_000_000_000_000
SECOND = 1_000_000_000


def at(second: int) -> dict:
    return moment(START + second * SECOND)


def check(build, rows, *expected, **header):
    """Exactly these findings of the header, errors and warnings."""
    where = build.seal(rows, header=header)
    report = verify_case(build.case)
    found = [(finding.code, finding.where) for finding in report.findings if finding.code not in {"W903", "W907"}]
    assert found == [(code, f"{where} header") for code in expected], report.findings
    assert report.verdict == ("FAILED" if any(code[0] == "E" for code in expected) else "INTEGRITY ONLY")
    return report


def interrupted(*resumed: int, kept: int = 0, again: int = 0, gone: int = 0) -> dict:
    return {
        "resumed_at": [at(second) for second in resumed],
        "rows_gone": str(gone),
        "rows_kept": str(kept),
        "rows_taken_again": str(again),
    }


@pytest.mark.parametrize(
    ("started", "resumed", "finished", "warnings"),
    [
        (0, [], 0, 0), (0, [], 9, 0), (0, [1, 1, 5], 9, 0), (9, [], 0, 1), (5, [4, 6], 7, 1), (5, [6, 5], 7, 1),
        (0, [8], 7, 1), (3, [2, 1], 0, 3),
    ],
)  # fmt: skip
def test_times_that_go_back_are_a_warning_each(build, started, resumed, finished, warnings):
    more = {"interruptions": interrupted(*resumed)} if resumed else {}
    check(build, [ROOT, FILE], *["W904"] * warnings, started_at=at(started), finished_at=at(finished), **more)


def test_times_of_opinions_are_held_to_the_same(sealed):
    where = sealed.derive([cb.opinion(1), cb.opinion(3)], started_at=at(5), finished_at=at(4))
    report = verify_case(sealed.case)
    assert {finding.where for finding in report.findings if finding.code == "W904"} == {f"{where} header"}
    assert report.verdict == "INTEGRITY ONLY"


def test_the_digests_are_those_of_the_acquisition(build):
    rows = [ROOT, cb.file_row("a", md5="0" * 32)]
    report = check(build, rows, "E108", digests=["blake3", "md5", "sha256"])
    (fault,) = (finding for finding in report.findings if finding.code == "E108")
    assert fault.expected == "digests blake3 sha256, as custody/00000001/event.json says"
    assert fault.found == "blake3 md5 sha256"


def test_the_newest_acquisition_counts(build):
    body = {"acquisition_type": "logical", "digests": ["blake3", "md5", "sha256"], "finished_at": cb.WHEN,
            "started_at": cb.WHEN, "tool": cb.PROGRAM}  # fmt: skip
    build.enter(build.event("acquire", ["EX-001"], body))
    check(build, [ROOT, FILE])


def test_an_acquisition_that_cannot_be_read_is_named_once(build):
    build.seal([ROOT, cb.file_row("a", md5="0" * 32)], header={"digests": ["blake3", "md5", "sha256"]})
    (build.case / layout.event_file(1)).unlink()
    errors = {finding.code for finding in verify_case(build.case).findings if finding.severity == "error"}
    assert errors == {"E501"}


@pytest.mark.parametrize("globs", [{"exclude": ["a"], "include": []}, {"exclude": [], "include": ["b"]}])
def test_rows_left_out_by_a_glob(build, globs):
    check(build, EXCLUDED, options=globs | {"sensitive": False})


def test_rows_left_out_without_a_glob_are_named_once(build):
    report = check(build, EXCLUDED, "E108")
    assert any("2 rows" in finding.expected for finding in report.findings)


@pytest.mark.parametrize(
    ("kept", "again", "gone", "codes"),
    [(0, 0, 0, []), (1, 1, 0, []), (2, 0, 2, []), (2, 1, 0, ["E112"]), (0, 2**64 - 1, 0, ["E112"])],
)
def test_rows_kept_and_taken_again_are_rows(build, kept, again, gone, codes):
    counts = interrupted(0, kept=kept, again=again, gone=gone)
    check(build, [ROOT, FILE], *codes, interruptions=counts, started_at=at(0), finished_at=at(0))
