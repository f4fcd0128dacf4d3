"""What is said at the end of `acquire`: counts of the sealed header that add up, names that do not act."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from evidencekit.cli.summary import LISTED, LISTED_JSON, Copies, Summary, document, headline, lines
from evidencekit.cli.words import header_lines, item_lines, mounted_line, omission_lines
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.records import KINDS, STATES

WHEN = {"precision": "ns", "time": "2026-11-22T09:00:00.000000000Z", "utc_offset_min": None}
LATER = WHEN | {"time": "2026-11-22T10:00:00.000000000Z"}
MOUNT = {"device": "/dev/sdb1", "fs_type": "vfat", "options": "rw,relatime"}


def totals(kinds, states, size=2048):
    return {
        "bytes": str(size),
        "kinds": {kind: str(kinds.get(kind, 0)) for kind in KINDS},
        "rows": str(sum(kinds.values())),
        "states": {state: str(states.get(state, 0)) for state in STATES},
    }


TOTALS = totals({"file": 1204, "directory": 3}, {"complete": 1200, "not_read": 5, "changed": 2})
SOURCE = {"atime": "untouched", "host": "desk", "kind": "directory", "mount": None, "path": "/mnt/stick"}


def checkpoint(size):
    return Checkpoint("unit7.example/24-117", size, bytes([size]) * 32)


@pytest.fixture
def summary():
    """A source that was taken with omissions."""
    return Summary(
        exhibit="EX-001",
        checkpoint=checkpoint(4),
        signed_by="examiner  SHA256:abc",
        not_stated=("authority", "place"),
        header={"source": SOURCE, "totals": TOTALS},
        root=b"\1" * 32,
        sealed=checkpoint(3),
        sealed_at="2026-11-22T09:15:02.123456789Z",
        omitted=[
            (b"a.jpg", "not_read", "excluded"),
            (b"", "changed", None),
            (b"b\xff\x1b[31m", "not_read", "excluded"),
        ],
        reasons={("changed", None): 2, ("not_read", "excluded"): 5},
        typed=1199,
        untyped=1,
    )


def texts(summary):
    return [text for text, _ in lines(summary)]


def with_header(summary, **changes):
    return dataclasses.replace(summary, header=summary.header | changes)


class TestLines:
    def test_all_of_it(self, summary):
        assert headline(summary) == f"sealed EX-001: 1,207 rows, 2.0 KiB, checkpoint 3, manifest root {'01' * 32}"
        assert lines(summary) == [
            ("  sealed    2026-11-22T09:15:02.123456789Z, by the case's own clock", None),
            ("  signed    by examiner  SHA256:abc", None),
            ("  rows      1,207 = 1,200 complete, 2 changed, 5 not_read; 2.0 KiB", None),
            ("  kinds     1,207 = 1,204 file, 3 directory", None),
            ("  types     1,199 files, 1 of them without a type, checkpoint 4", None),
            ("  not stated: authority, place", "warning"),
            ("  OMISSIONS 7", "warning"),
            ("    5 not_read, excluded", None),
            ("      a.jpg", None),
            (r"      b\xff\u{1b}[31m", None),
            ("      … 3 more: `evidencekit find CASE --item EX-001 --state not_read`", None),
            ("    2 changed", None),
            ("      (the source itself)", None),
            ("      … 1 more: `evidencekit find CASE --item EX-001 --state changed`", None),
        ]

    def test_nothing_omitted_nothing_said_of_it(self, summary):
        whole = totals({"file": 1}, {"complete": 1}, 1)
        said = texts(dataclasses.replace(with_header(summary, totals=whole), omitted=(), reasons={}, not_stated=()))
        assert said[2:] == ["  rows      1 = 1 complete; 1 B", "  kinds     1 = 1 file", said[-1]]

    def test_copies_here_and_on_the_second_medium(self, summary):
        said = texts(
            dataclasses.replace(
                summary,
                copies=Copies(objects=1000, bytes=2**30, deduplicated=200, checked=True),
                second=Copies(objects=1, bytes=5, deduplicated=0, checked=False, place="/mnt/\x1b[2J"),
            )
        )
        already = "200 rows of content that was kept already"
        assert f"  copies    1,000 objects, 1.0 GiB; each was read again and agrees; {already}" in said
        assert r"  second    /mnt/\u{1b}[2J: 1 object, 5 B; not read again" in said

    def test_an_acquisition_that_was_interrupted(self, summary):
        resumed = {"resumed_at": [WHEN, LATER], "rows_gone": "1", "rows_kept": "2000", "rows_taken_again": "3"}
        what = "2,000 rows kept as taken before, 3 taken again, 1 gone from the source"
        said = texts(with_header(summary, interruptions=resumed))
        assert f"  resumed   2 times, last at {LATER['time']}: {what}" in said

    @pytest.mark.parametrize(("read_only", "warned"), [(False, True), (True, False), (None, False)])
    def test_a_source_that_could_be_written_is_a_warning(self, summary, read_only, warned):
        source = SOURCE | ({} if read_only is None else {"read_only": read_only})
        warnings = [text for text, style in lines(with_header(summary, source=source)) if style == "warning"]
        assert any("WRITABLE" in text for text in warnings) == warned

    def test_types_only_and_nothing_at_all(self, summary):
        bare = Summary(exhibit="EX-002", checkpoint=checkpoint(7), signed_by="x", typed=3)
        assert (headline(bare), lines(bare)) == ("EX-002: media types of 3 files, checkpoint 7", [])
        bare = dataclasses.replace(bare, typed=None, not_stated=("place",))
        assert headline(bare) == "EX-002: nothing was left to do, checkpoint 7"
        assert lines(bare) == [("  not stated: place", "warning")]

    def test_a_hundred_names_in_all(self, summary):
        omitted = [(b"%d" % n, "not_read", "excluded") for n in range(900)]
        many = dataclasses.replace(summary, omitted=omitted, reasons={("not_read", "excluded"): 5000})
        said = texts(many)
        assert sum(line.startswith("      ") and line.strip().isdigit() for line in said) == LISTED
        assert said[-1] == "      … 4,900 more: `evidencekit find CASE --item EX-001 --state not_read`"


class TestSums:
    """A sum is written only where it is right; else it is said, in a warning, that it is not."""

    def test_the_order_is_that_of_the_specification_not_that_of_the_alphabet(self):
        canonical = json.loads(json.dumps(TOTALS, sort_keys=True))
        assert header_lines(canonical, None) == header_lines(TOTALS, None)

    def test_rows_that_do_not_add_up(self):
        wrong = totals({"file": 3}, {"complete": 1, "changed": 1})
        (rows, style), (kinds, _) = header_lines(wrong, None)
        assert (rows, style) == ("  rows      3, but 1 complete, 1 changed make 2; 2.0 KiB", "warning")
        assert kinds == "  kinds     3 = 3 file"

    def test_omissions_that_do_not_add_up(self, summary):
        less = dataclasses.replace(summary, reasons={("changed", None): 2}, omitted=())
        assert ("  OMISSIONS 7, but 2 are listed: that must not be", "warning") in lines(less)
        assert omission_lines([], 1) == [("  OMISSIONS 1, but 0 are listed: that must not be", "warning")]

    def test_what_is_said_adds_up(self, summary):
        said = texts(summary)
        for name, parts in (("rows", "states"), ("kinds", "kinds")):
            (line,) = (text for text in said if text.startswith(f"  {name}"))
            total, _, each = line.partition(" = ")
            numbers = [int(part.split()[0].replace(",", "")) for part in each.partition(";")[0].split(", ")]
            assert int(total.split()[1].replace(",", "")) == sum(numbers) == int(TOTALS["rows"])
            assert len(numbers) == sum(count != "0" for count in TOTALS[parts].values())
        groups = [text for text in said if text.startswith("    ") and not text.startswith("     ")]
        assert sum(int(text.split()[0]) for text in groups) == sum(summary.omissions.values()) == 7


class TestDocument:
    def test_all_of_it(self, summary):
        value = document(summary)
        assert json.loads(json.dumps(value)) == value
        assert value == {
            "checkpoint": {"origin": "unit7.example/24-117", "root": "04" * 32, "size": 4},
            "copies": None,
            "exhibit": "EX-001",
            "not_stated": ["authority", "place"],
            "omissions": {"changed": 2, "not_read": 5},
            "omitted": [
                {"path": "a.jpg", "reason": "excluded", "state": "not_read"},
                {"path": "", "reason": None, "state": "changed"},
                {"path_hex": "62ff1b5b33316d", "reason": "excluded", "state": "not_read"},
            ],
            "resumed": None,
            "root": "01" * 32,
            "rows": 1207,
            "sealed_at": "2026-11-22T09:15:02.123456789Z",
            "sealed_at_size": 3,
            "second": None,
            "source": SOURCE,
            "totals": TOTALS,
            "typed": 1199,
        }

    def test_copies_and_what_was_resumed(self, summary):
        resumed = {"resumed_at": [WHEN], "rows_gone": "0", "rows_kept": "1", "rows_taken_again": "0"}
        copies = Copies(objects=1, bytes=2, deduplicated=3, checked=True)
        value = document(dataclasses.replace(with_header(summary, interruptions=resumed), copies=copies))
        assert value["copies"] == {"bytes": 2, "checked": True, "deduplicated": 3, "objects": 1, "place": None}
        assert value["resumed"] == resumed

    def test_the_same_members_where_nothing_was_taken(self, summary):
        bare = document(Summary(exhibit="EX-002", checkpoint=checkpoint(7), signed_by="x"))
        assert bare.keys() == document(summary).keys()
        assert (bare["omissions"], bare["rows"], bare["sealed_at"]) == ({}, None, None)

    def test_a_thousand_names(self, summary):
        many = dataclasses.replace(summary, omitted=[(b"x", "not_read", "excluded")] * 2000)
        assert len(document(many)["omitted"]) == LISTED_JSON


@pytest.mark.parametrize(
    ("source", "said", "style"),
    [
        ({"read_only": True, "mount": MOUNT}, "read-only, vfat on /dev/sdb1 (rw,relatime)", None),
        ({"atime": "read_only_mount"}, "read-only", None),
        ({}, "not recorded whether it could be written; access times were left alone", None),
        ({"atime": "may_change"}, "not recorded whether it could be written; reading may have changed access times", None),
        ({"read_only": False, "mount": MOUNT | {"device": "/d\x1b\u202e"}},
         r"WRITABLE: it could be changed while it was taken, vfat on /d\u{1b}\u{202e} (rw,relatime); access times were left alone",
         "warning"),
    ],
)  # fmt: skip
def test_how_the_source_was_mounted(source, said, style):
    assert mounted_line(SOURCE | source) == (f"  mounted   {said}", style)


ITEM = {
    "atime": "untouched",
    "copies": True,
    "digests": ["blake3", "sha256"],
    "erased": 0,
    "finished_at": "F",
    "host": "de\x1bsk",
    "matches": [],
    "media_types": "not yet",
    "mount": None,
    "not_stated": [],
    "omissions": [],
    "options": {"exclude": ["*.jpg", "\x1b*"], "include": [], "sensitive": False},
    "particulars": {},
    "read_only": True,
    "resumed": None,
    "sealed_at": "T",
    "source": "/mnt/stick",
    "source_hex": None,
    "started_at": "S",
    "totals": totals({"file": 1}, {"complete": 1}),
}


class TestShow:
    def test_a_sealed_item(self):
        assert item_lines(ITEM) == [
            (r"  source    /mnt/stick, on de\u{1b}sk", None),
            ("  mounted   read-only", None),
            ("  taken     S to F", None),
            ("  sealed    T, by the case's own clock", None),
            ("  rows      1 = 1 complete; 2.0 KiB", None),
            ("  kinds     1 = 1 file", None),
            ("  digests   blake3, sha256", None),
            ("  copies    kept", None),
            (r"  exclude   *.jpg, \u{1b}*", None),
            ("  types     not yet", None),
        ]

    def test_a_source_whose_name_is_not_text_is_escaped_once(self):
        item = ITEM | {"source": r"/mnt/\xff", "source_hex": b"/mnt/\xff".hex(), "host": None, "copies": False}
        said = [text for text, _ in item_lines(item)]
        assert said[0] == r"  source    /mnt/\xff"
        assert "  copies    not kept: digests stand for the content" in said

    def test_the_request_that_it_answers(self):
        said = item_lines(ITEM | {"particulars": {"request": "ab" * 32}})
        assert (f"  request   {'ab' * 32}", None) in said

    def test_omissions_and_what_was_not_stated(self):
        group = {"count": 3, "examples": ["a"], "list_all": "COMMAND", "reason": "io_error", "state": "not_read"}
        states = totals({"file": 4}, {"complete": 1, "not_read": 3})
        said = item_lines(ITEM | {"omissions": [group], "totals": states, "not_stated": ["place"]})
        assert said[-5:] == [
            ("  not stated: place", "warning"),
            ("  OMISSIONS 3", "warning"),
            ("    3 not_read, io_error", None),
            ("      a", None),
            ("      … 2 more: `COMMAND`", None),
        ]

    def test_comparisons_with_lists(self):
        about = {"missing": "2", "under_hex": "ff", "unreadable_lines": "1"}
        whole = {"missing": "0", "under": "", "unreadable_lines": "0"}
        first = {"format": "hash\x1bdeep", "list_sha256": "ab", "match": about, "results": {"same": 1200, "moved": 0}}
        second = {"format": "csv", "list_sha256": "cd", "match": whole, "results": {"same": 0}}
        said = [text for text, _ in item_lines(ITEM | {"matches": [first, second]})]
        assert said[-2:] == [
            r"  match     hash\u{1b}deep list of \xff, SHA-256 ab: 1,200 same, 2 missing, 1 line not understood",
            "  match     csv list, SHA-256 cd: no row",
        ]

    def test_a_sealed_case_of_the_vectors(self, cli):
        done = cli("show", Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_small/case")
        said = done.out.decode().splitlines()
        assert (done.code, done.err) == (0, b"")
        names = ["source", "mounted", "taken", "sealed", "rows", "kinds", "digests", "copies", "types"]
        found = [line.split()[0] for line in said if line.startswith("  ") and not line.startswith("   ")]
        assert [name for name in found if name in names] == names
        assert any(line.startswith("  sealed") and line.endswith(", by the case's own clock") for line in said)
