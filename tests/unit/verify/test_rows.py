"""Rows that were sealed wrong: root and digests agree, and still the row is named."""

from __future__ import annotations

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.verify.verifier import verify_case


def found(report) -> set[tuple[str, str]]:
    return {(finding.code, finding.where) for finding in report.findings if finding.severity == "error"}


def check(build, rows, *expected, **more):
    """Exactly these errors, as `(code, place in the manifest)`."""
    where = build.seal(rows, **more)
    report = verify_case(build.case)
    assert found(report) == {(code, where + place) for code, place in expected}, report.findings
    assert report.verdict == ("FAILED" if expected else "INTEGRITY ONLY")
    counts = report.counts
    assert counts["rows"] == sum(counts["states"].values()) == len(rows)
    return report


def named(row, **members):
    return row | {"name": row["name"] | members}


ROOT, FILE = cb.folder_row(), cb.file_row("a")
LARGE = {"bytes": "600", "count": "1", "sha256": "ab" * 32}


def test_every_kind_and_state_is_sound(build):
    partial = {"state": "partial", "blake3": None, "sha256": None, "sha256_zero_filled": "1" * 64, "reason": "io_error",
               "blake3_zero_filled": "2" * 64, "unreadable": [{"length": "1", "offset": "0"}], "size": "9"}  # fmt: skip
    rows = [
        ROOT,
        cb.file_row("a", state="changed", metadata={"after": {"ctime_ns": "1", "mtime_ns": "2", "size": "3"}}),
        cb.file_row("b", **partial),
        cb.file_row("c", state="not_read", blake3=None, sha256=None, reason="permission_denied", detail="EACCES"),
        cb.folder_row("d", state="not_listed", reason="excluded"),
        cb.folder_row("e", kind="fifo"),
        cb.folder_row("f", kind="unknown", state="vanished", reason="not_found"),
        named(cb.folder_row("g", kind="symlink"), target="a b"),
        named({**cb.file_row("h"), "name": {"_t": "evidencekit/name/1", "path_hex": "ff"}}),
        named({**cb.file_row("i"), "name": {"_t": "evidencekit/name/1", "path": 'é\n"\\'}}),
    ]  # fmt: skip
    rows[8], rows[9] = rows[9], rows[8]  # the bytes of é come before 0xff
    report = check(build, rows, header={"options": {"exclude": ["d"], "include": [], "sensitive": False}})
    assert report.counts["states"] == {
        "complete": 5, "changed": 1, "partial": 1, "not_read": 1, "not_listed": 1, "vanished": 1, "unreadable": 0,
    }  # fmt: skip
    assert [finding.found for finding in report.findings if finding.code == "W907"] == [
        "1 changed, 1 partial, 1 not_read, 1 not_listed, 1 vanished"
    ]


def test_shuffled_rows_are_sound(build):
    check(build, [ROOT, *(cb.file_row(f"{n:02d}") for n in range(40))], header={"order": "shuffled"})


BAD = {
    "not canonical": FILE | {"content": b'{"_t": "evidencekit/content/1"}'},
    "unknown member": FILE | {"metadata": FILE["metadata"] | {"odd": "1"}},
    "float": FILE | {"metadata": b'{"_t":"evidencekit/metadata/1","mode":1.5}'},
    "mode too large": cb.file_row("a", metadata={"mode": "4096"}),
    "size with a sign": cb.file_row("a", size="+1") | {"size": 1},
    "state and kind": cb.file_row("a", state="not_listed", reason="excluded", sha256=None, blake3=None),
    "digest missing": cb.file_row("a", sha256=None),
    "another digest": cb.file_row("a", md5="0" * 32),
    "no reason": cb.file_row("a", state="vanished", sha256=None, blake3=None),
    "target of a file": named(FILE, target="x"),
    "dots": named(FILE, path="a/../b") | {"path": b"a/../b"},
    "hex of UTF-8": FILE | {"name": {"_t": "evidencekit/name/1", "path_hex": "61"}},
    "link group 0": cb.file_row("a", metadata={"link_group": "0"}),
    "kind": FILE | {"kind": "pipe"},
    "empty": FILE | {"name": b""},
    "array": FILE | {"name": b"[]"},
    "deep": FILE | {"metadata": b'{"_t":' + b'{"a":' * 3 + b"1" + b"}" * 4},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_named(build, name):
    row = BAD[name]
    header = {"totals": build.header([])["totals"] | {"rows": "2"}}
    where = build.seal([ROOT, {"path": b"a"} | row], header=header)
    report = verify_case(build.case)
    assert found(report) == {("E107", where + "#1")}
    assert report.counts["states"]["unreadable"] == 1


def test_deep_and_large_groups_are_over_a_limit(build):
    deep = b'{"_t":"evidencekit/metadata/1","xattrs":' + b"[" * 20 + b"]" * 20 + b"}"
    big = b'{"_t":"evidencekit/metadata/1","owner":"' + b"x" * (1 << 20) + b'"}'
    rows = [ROOT, FILE | {"metadata": deep}, cb.file_row("b") | {"metadata": big}]
    check(build, rows, ("E102", "#1"), ("E102", "#2"), header={"totals": build.header([])["totals"] | {"rows": "3"}})


def test_a_newer_version_is_not_checked(build):
    row = FILE | {"content": FILE["content"] | {"_t": "evidencekit/content/2"}}
    where = build.seal([ROOT, row])
    report = verify_case(build.case)
    assert [(f.code, f.where) for f in report.findings if f.code == "E103"] == [("E103", where + "#1")]
    assert report.verdict == "NOT CHECKED"
    assert report.aspects["record"].status == "not_checked"


def test_the_source_comes_first(build):
    check(build, [FILE, cb.file_row("b")], ("E109", "#0"))


def test_order_goes_by_components(build):
    check(build, [ROOT, cb.folder_row("a"), cb.file_row("a/z"), cb.file_row("a!"), cb.file_row("b")])


def test_rows_out_of_order_and_doubled_are_named(build):
    rows = [ROOT, cb.file_row("a!"), cb.folder_row("a"), cb.file_row("b"), cb.file_row("b")]
    check(build, rows, ("E109", "#2"), ("E110", "#4"))


def test_equal_salts_are_named_and_half_equal_ones_are_not(build):
    salts = [bytes(8) + b"12345678", bytes(8) + b"87654321", bytes(8) + b"12345678"]
    rows = [ROOT, *(cb.file_row(name) | {"row_salt": salt} for name, salt in zip("abc", salts, strict=True))]
    check(build, rows, ("E111", "#3"))


def test_a_wrong_index_is_named_and_has_no_root(build):
    where = build.seal([ROOT, FILE | {"index": 2}, cb.file_row("b") | {"index": 1}])
    assert found(verify_case(build.case)) == {("E109", f"{where}#1"), ("E109", f"{where}#2"), ("E202", where)}


@pytest.mark.parametrize("index", [-1, 3, 2**62])
def test_an_index_outside_a_shuffled_tree(build, index):
    where = build.seal([ROOT, FILE, cb.file_row("b")], header={"order": "shuffled"})
    path = build.case / where
    _rewrite(path, lambda rows: rows[1].update(index=index))
    codes = {code for code, _ in found(verify_case(build.case))}
    assert {"E109", "E202", "E201"} <= codes


def test_shuffled_out_of_order(build):
    where = build.seal([ROOT, FILE, cb.file_row("b")], header={"order": "shuffled"})

    def swap(rows):
        rows[0]["index"], rows[1]["index"] = rows[1]["index"], rows[0]["index"]

    _rewrite(build.case / where, swap)
    assert {"E109", "E202"} <= {code for code, _ in found(verify_case(build.case))}


def _rewrite(path, change):
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    rows = file.read().to_pylist()
    change(rows)
    table = pa.Table.from_pylist(rows, schema=file.schema_arrow.remove_metadata())
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(file.metadata.metadata)


@pytest.mark.parametrize(
    ("column", "value"), [("path", b"x"), ("size", 7), ("state", "changed"), ("sha256", None), ("mtime_ns", 6)]
)
def test_a_view_column_that_was_sealed_wrong(build, column, value):
    report = check(build, [ROOT, FILE | {column: value}], ("E212", "#1"), header=_totals(build, [ROOT, FILE]))
    (finding,) = [finding for finding in report.findings if finding.code == "E212"]
    assert finding.expected.startswith(column)
    assert finding.found.startswith(column)


def _totals(build, rows):
    return {"totals": build.header([cb.stored(row, n) for n, row in enumerate(rows)])["totals"]}


def test_times_beyond_the_view_are_null_there(build):
    big = str(10**25)
    check(build, [ROOT, cb.file_row("a", metadata={"mtime_ns": big}) | {"mtime_ns": None}])


@pytest.mark.parametrize("member", ["rows", "bytes", "kinds", "states"])
def test_totals_that_do_not_add_up(build, member):
    totals = _totals(build, [ROOT, FILE])["totals"]
    if isinstance(totals[member], str):
        totals[member] = "99"
    else:
        totals[member] |= {next(iter(totals[member])): "99"}
    check(build, [ROOT, FILE], ("E112", " header"), header={"totals": totals})


HEADERS = {
    "case": ({"case": "A" * 22 + "=="}, "E108"),
    "exhibit": ({"exhibit": "EX-009"}, "E108"),
    "unknown member": ({"more": "1"}, "E108"),
    "digests": ({"digests": ["blake3", "md5"]}, "E108"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_bad_header_is_named(build, name):
    changes, code = HEADERS[name]
    where = build.seal(
        [ROOT, FILE], raw=cb.jcs(build.header([cb.stored(r, n) for n, r in enumerate([ROOT, FILE])]) | changes)
    )
    assert (code, f"{where} header") in found(verify_case(build.case))


def test_a_header_that_is_no_json(build):
    where = build.seal([ROOT, FILE], raw=b"{")
    assert found(verify_case(build.case)) == {("E108", f"{where} header")}


def test_digests_of_rows_are_not_held_against_a_header_that_cannot_be_read(build):
    file = FILE | {"content": FILE["content"] | {"md5": "00" * 16}}
    where = build.seal([ROOT, file], raw=b"{")
    assert found(verify_case(build.case)) == {("E108", f"{where} header")}


def test_a_header_too_large(build):
    where = build.seal([ROOT, FILE], raw=b'{"a":"' + b"x" * 70_000 + b'"}')
    assert found(verify_case(build.case)) == {("E102", f"{where} header")}


def test_a_header_of_a_newer_version(build):
    raw = cb.jcs(build.header([]) | {"_t": "evidencekit/manifest/12"})
    build.seal([ROOT, FILE], raw=raw)
    report = verify_case(build.case)
    assert (report.verdict, found(report)) == ("NOT CHECKED", set())


def test_another_header_than_was_sealed(build):
    where = build.seal([ROOT, FILE], header={}, body_header="00" * 32)
    assert found(verify_case(build.case)) == {("E201", f"{where} header")}


def test_hard_links_are_numbered_by_first_appearance(build):
    rows = [ROOT, *(cb.file_row(name, metadata={"link_group": group}) for name, group in (("a", "1"), ("b", "3")))]
    check(build, rows, ("E107", "#2"))


# --- objects ------------------------------------------------------------------------------------------------------


def _xattrs(large):
    return cb.file_row("a", metadata={"xattrs": [{"name": "user.x", "value": large}]})


def _put(build, data: bytes, name: str | None = None) -> str:
    import hashlib

    digest = hashlib.sha256(data).hexdigest()
    path = build.case / layout.object_file(name or digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest


def test_a_large_value_that_is_there(build):
    digest = _put(build, b"A" * 8000)
    report = check(build, [ROOT, _xattrs(LARGE | {"bytes": "8000", "sha256": digest})])
    assert report.checked["objects"] == 1


def test_a_large_value_that_is_not(build):
    build.seal([ROOT, _xattrs(LARGE | {"bytes": "8000"})])
    report = verify_case(build.case)
    assert found(report) == {("E501", layout.object_file("ab" * 32))}


def test_a_large_value_of_another_size_or_content(build):
    digest = _put(build, b"A" * 8000)
    build.seal([ROOT, _xattrs(LARGE | {"bytes": "8001", "sha256": digest})])
    assert found(verify_case(build.case)) == {("E201", layout.object_file(digest))}
    (build.case / layout.object_file(digest)).write_bytes(b"B" * 8001)
    assert found(verify_case(build.case)) == {("E201", layout.object_file(digest))}


def test_a_copy_of_the_content_belongs_and_is_checked(build):
    digest = _put(build, b"x")
    report = check(build, [ROOT, FILE])
    assert report.checked["objects"] == 1
    (build.case / layout.object_file(digest)).write_bytes(b"y")
    assert found(verify_case(build.case)) == {("E201", layout.object_file(digest))}


def test_an_object_that_no_row_names_is_unexpected(build):
    digest = _put(build, b"z")
    where = f"objects/sha256/{digest[:2]}/{digest.upper()}"
    (build.case / where).write_bytes(b"z")
    build.seal([ROOT, FILE])
    report = verify_case(build.case)
    assert report.verdict == "NOT CHECKED"
    assert {f.where for f in report.findings if f.code == "W902"} == {layout.object_file(digest), where}
