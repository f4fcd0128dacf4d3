"""Every way of tampering that a person with the case folder has: never a crash, never green, the object named."""

from __future__ import annotations

import base64
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidencekit.core import layout
from evidencekit.core.event import NAMESPACE
from evidencekit.verify.report import Report
from evidencekit.verify.verifier import verify_case

BAD = {"FAILED", "NOT CHECKED"}


def files_of(case: Path) -> list[str]:
    """Return the files of the record: what is disposable is never judged (specs/store.md section 6)."""
    found = (str(path.relative_to(case)) for path in case.rglob("*") if path.is_file())
    return sorted(name for name in found if not layout.is_disposable(name))


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def at(report: Report, where: str) -> set[str]:
    return {finding.code for finding in report.findings if finding.where.startswith(where)}


def check_failed(case: Path, sealed, *expected: str, where: str = "") -> Report:
    """FAILED with and without a policy, with these codes, at this place."""
    report = verify_case(case)
    assert report.verdict == "FAILED", report.findings
    assert report.exit_code == 3
    assert set(expected) <= at(report, where), report.findings
    assert verify_case(case, policy=sealed.policy).verdict == "FAILED"
    return report


def test_untouched_case_is_intact_and_verified_under_its_policy(sealed):
    report = verify_case(sealed.path)
    assert (report.verdict, report.exit_code) == ("INTEGRITY ONLY", 7)
    assert not [finding for finding in report.findings if finding.severity == "error"]
    assert verify_case(sealed.path, policy=sealed.policy).verdict == "VERIFIED"


def test_a_flipped_bit_in_any_file_fails(sealed, copy):
    for name in files_of(copy):
        path = copy / name
        good = path.read_bytes()
        for place in sorted({0, 1, len(good) // 3, len(good) // 2, len(good) - 2, len(good) - 1}):
            bad = bytearray(good)
            bad[place] ^= 0x01
            path.write_bytes(bad)
            report = verify_case(copy)
            assert report.verdict == "FAILED", (name, place, report.findings)
            assert any(name.rpartition("/")[0] in finding.where or name in finding.where for finding in report.findings)
        path.write_bytes(good)
    assert verify_case(copy).verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize("change", ["delete", "truncate", "empty", "append", "rename", "folder", "link"])
def test_any_file_changed_as_a_whole_is_found(sealed, copy, change):
    newest = layout.checkpoint_file(max(map(int, os.listdir(copy / "checkpoints"))))
    for name in files_of(copy):
        path = copy / name
        good = path.read_bytes()
        other = path.with_name(path.name + ".away")
        if change in {"delete", "rename", "folder", "link"}:
            path.rename(other) if change in {"rename", "link"} else path.unlink()
        match change:
            case "truncate":
                path.write_bytes(good[: len(good) // 2])
            case "empty":
                path.write_bytes(b"")
            case "append":
                path.write_bytes(good + b"\n")
            case "folder":
                path.mkdir()
            case "link":
                path.symlink_to(other.name)
        report = verify_case(copy)
        assert report.verdict in BAD, (name, report.findings)
        if name != newest or change in {"truncate", "empty", "append"}:
            assert report.verdict == "FAILED", (name, change, report.findings)
        assert report.findings, name
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        other.unlink(missing_ok=True)
        path.write_bytes(good)
    assert verify_case(copy).verdict == "INTEGRITY ONLY"


def test_files_of_the_same_kind_swapped_are_found(sealed, copy):
    groups: dict[str, list[str]] = {}
    for name in files_of(copy):
        kind = "checkpoint" if name.startswith("checkpoints") else name.rpartition("/")[2].lstrip("0123456789")
        groups.setdefault(kind, []).append(name)
    swapped = 0
    for names in groups.values():
        for first, second in pairwise(names):
            one, two = copy / first, copy / second
            a, b = one.read_bytes(), two.read_bytes()
            one.write_bytes(b)
            two.write_bytes(a)
            assert verify_case(copy).verdict == "FAILED", (first, second)
            one.write_bytes(a)
            two.write_bytes(b)
            swapped += 1
    assert swapped >= 15


@pytest.mark.parametrize(
    "place", ["", "custody", "custody/00000001", "checkpoints", "manifests", "objects/sha256/ab", "branches"]
)
def test_an_added_file_is_unexpected(sealed, copy, place):
    (copy / place).mkdir(parents=True, exist_ok=True)
    (copy / place / "planted").write_text("x")
    report = verify_case(copy)
    assert report.verdict == "NOT CHECKED"
    assert report.exit_code == 4
    assert at(report, f"{place}/planted".lstrip("/")) == {"W902"}
    assert verify_case(copy, policy=sealed.policy).verdict == "NOT CHECKED"


def test_a_desktop_dropping_is_a_warning_only(sealed, copy):
    (copy / "manifests/.DS_Store").write_bytes(b"x")
    report = verify_case(copy, policy=sealed.policy)
    assert report.verdict == "VERIFIED"
    assert at(report, "manifests/.DS_Store") == {"W905"}


def test_disposable_files_are_never_judged(sealed, copy):
    for name in ("index.sqlite", "work/x/y", "manifests/00000001.tiles", "custody/.tmp-abc/event.json"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("junk")
    assert verify_case(copy, policy=sealed.policy).verdict == "VERIFIED"


# --- the catalogue ---------------------------------------------------------------------------------------------


def rewrite(case: Path, change, number: int = 1) -> str:
    """Write a manifest anew with its rows changed, as an insider with the same program could."""
    path = case / layout.manifest_file(number)
    file = pq.ParquetFile(path)
    rows = file.read().to_pylist()
    change(rows)
    table = pa.Table.from_pylist(rows, schema=file.schema_arrow.remove_metadata())
    keys = {k: v for k, v in file.metadata.metadata.items() if k.startswith(b"evidencekit")}
    file.close()
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=1,
        write_page_checksum=True,
        write_page_index=True,
        max_rows_per_page=1024,
        write_statistics=["index"],
        store_schema=False,
        use_dictionary=False,
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(keys)
    return layout.manifest_file(number)


def find_row(rows: list[dict], path: bytes) -> dict:
    return next(row for row in rows if row["path"] == path)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("path", b"docs/other.txt"),
        ("size", 1),
        ("size", None),
        ("state", "changed"),
        ("sha256", bytes(32)),
        ("sha256", None),
        ("mtime_ns", 7),
    ],
)
def test_a_changed_view_column_is_named(sealed, copy, column, value):
    where = rewrite(copy, lambda rows: find_row(rows, b"docs/03.txt").update({column: value}))
    report = check_failed(copy, sealed, "E212", where=where)
    assert any(
        column in finding.expected + finding.found + finding.where
        for finding in report.findings
        if finding.code == "E212"
    )


def test_same_rows_in_another_container_is_container_altered(sealed, copy):
    where = rewrite(copy, lambda rows: None)
    report = check_failed(copy, sealed, "E211", where=where)
    assert "E202" not in codes(report)


def _edit_group(row: dict, group: str, **members) -> None:
    record = json.loads(row[group]) | members
    row[group] = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


CONTENT_CHANGES = {
    "row dropped": lambda rows: rows.pop(5),
    "row doubled": lambda rows: rows.insert(5, dict(rows[5])),
    "rows swapped": lambda rows: rows.insert(6, rows.pop(5)),
    "rows reversed": lambda rows: rows.reverse(),
    "digest changed": lambda rows: _edit_group(find_row(rows, b"docs/03.txt"), "content", sha256="0" * 64),
    "size changed": lambda rows: _edit_group(find_row(rows, b"docs/03.txt"), "content", size="7"),
    "name changed": lambda rows: _edit_group(find_row(rows, b"docs/03.txt"), "name", path="docs/other"),
    "mode changed": lambda rows: _edit_group(find_row(rows, b"docs/03.txt"), "metadata", mode="511"),
    "salt changed": lambda rows: rows[5].update(row_salt=bytes(16)),
    "kind changed": lambda rows: find_row(rows, b"fifo").update(kind="socket"),
    "index changed": lambda rows: rows[5].update(index=6),
    "no rows": lambda rows: rows.clear(),
}


@pytest.mark.parametrize("name", CONTENT_CHANGES)
def test_changed_rows_are_content_altered(sealed, copy, name):
    where = rewrite(copy, CONTENT_CHANGES[name])
    check_failed(copy, sealed, "E202", where=where)


def test_not_canonical_group_is_a_bad_row(sealed, copy):
    def space(rows):
        row = find_row(rows, b"docs/03.txt")
        row["content"] = row["content"].replace(b'","', b'", "')

    check_failed(copy, sealed, "E107", "E202", where=rewrite(copy, space))


def test_a_doubled_name_is_named(sealed, copy):
    where = rewrite(copy, lambda rows: rows.insert(5, dict(rows[5])))
    check_failed(copy, sealed, "E110", where=where)


def test_another_parquet_shape_is_refused(sealed, copy):
    path = copy / layout.manifest_file(1)
    pq.write_table(pa.table({"index": [1, 2, 3]}), path)
    check_failed(copy, sealed, "E106", where=layout.manifest_file(1))


# --- the log ----------------------------------------------------------------------------------------------------


def test_an_event_dropped_from_the_middle(sealed, copy):
    shutil.rmtree(copy / layout.entry_folder(2))
    check_failed(copy, sealed, "E501", where=layout.entry_folder(2))


def test_an_event_dropped_and_the_rest_renumbered(sealed, copy):
    shutil.rmtree(copy / layout.entry_folder(2))
    for index in range(3, 6):
        (copy / layout.entry_folder(index)).rename(copy / layout.entry_folder(index - 1))
    check_failed(copy, sealed, "E306", where=layout.entry_folder(2))


def test_a_cleanly_cut_tail_is_found_only_from_outside(sealed, copy):
    note = (copy / layout.checkpoint_file(6)).read_bytes()
    for index in (4, 5):
        shutil.rmtree(copy / layout.entry_folder(index))
    (copy / layout.checkpoint_file(6)).unlink()
    (copy / layout.manifest_file(3)).unlink()
    report = verify_case(copy)
    assert report.verdict == "INTEGRITY ONLY"
    assert report.as_record()["aspects"]["completeness"]["status"] == "not_checked"
    report = verify_case(copy, since=note)
    assert (report.verdict, codes(report) & {"E503"}) == ("FAILED", {"E503"})
    text = note.decode().split("\n")
    assert verify_case(copy, since=f"{text[1]} {text[2]}".encode()).verdict == "FAILED"
    assert verify_case(sealed.path, since=note).as_record()["aspects"]["completeness"]["status"] == "ok"


def test_since_of_another_history_is_a_fork(sealed, copy):
    lines = (copy / layout.checkpoint_file(4)).read_text().split("\n")
    other = base64.b64encode(bytes(32)).decode()
    report = verify_case(copy, since=f"{lines[0]}\n4\n{other}\n".encode())
    assert (report.verdict, codes(report) & {"E206"}) == ("FAILED", {"E206"})


def test_a_replayed_checkpoint(sealed, copy):
    (copy / layout.checkpoint_file(6)).write_bytes((copy / layout.checkpoint_file(4)).read_bytes())
    check_failed(copy, sealed, "E105", where=layout.checkpoint_file(6))


def test_a_removed_newest_checkpoint_is_unfinished(sealed, copy):
    (copy / layout.checkpoint_file(6)).unlink()
    report = verify_case(copy)
    assert report.verdict == "NOT CHECKED"
    assert "W901" in codes(report)


def test_a_removed_checkpoint_that_an_entry_names(sealed, copy):
    (copy / layout.checkpoint_file(3)).unlink()
    check_failed(copy, sealed, "E502", where=layout.checkpoint_file(3))


@pytest.mark.parametrize("line", [0, 1])
def test_a_checkpoint_with_one_line_of_the_log(sealed, copy, line):
    path = copy / layout.checkpoint_file(6)
    lines = path.read_bytes().split(b"\n")
    del lines[4 + line]
    path.write_bytes(b"\n".join(lines))
    check_failed(copy, sealed, "E405", where=layout.checkpoint_file(6))


# --- signatures --------------------------------------------------------------------------------------------------


def sig(case: Path, index: int = 1) -> Path:
    return case / layout.signature_file(index, 0)


def test_a_stripped_signature(sealed, copy):
    sig(copy).unlink()
    check_failed(copy, sealed, "E501", where=layout.signature_file(1, 0))


def test_a_signature_by_another_key(sealed, copy):
    sig(copy).write_bytes(sealed.other.sign((copy / layout.event_file(1)).read_bytes(), NAMESPACE))
    check_failed(copy, sealed, "E201", "E403", where=layout.signature_file(1, 0))


def test_a_signature_of_another_event(sealed, copy):
    sig(copy).write_bytes(sig(copy, 2).read_bytes())
    check_failed(copy, sealed, "E201", "E402", where=layout.signature_file(1, 0))


def test_a_signature_for_another_purpose(sealed, copy):
    data = (copy / layout.event_file(1)).read_bytes()
    sig(copy).write_bytes(sealed.signer.sign(data, "evidencekit-package"))
    check_failed(copy, sealed, "E402", where=layout.signature_file(1, 0))


@pytest.mark.parametrize("width", [64, 76, 10_000])
def test_a_rewrapped_signature(sealed, copy, width):
    lines = sig(copy).read_text().split("\n")
    body = "".join(lines[1:-2])
    wrapped = [body[i : i + width] for i in range(0, len(body), width)]
    sig(copy).write_text("\n".join([lines[0], *wrapped, lines[-2], ""]))
    check_failed(copy, sealed, "E402", where=layout.signature_file(1, 0))


def test_an_extra_signature_file_is_unexpected(sealed, copy):
    (copy / layout.signature_file(1, 1)).write_bytes(sig(copy).read_bytes())
    report = verify_case(copy)
    assert report.verdict in BAD
    assert at(report, layout.signature_file(1, 1)) == {"W902"}
