"""What stands in the folder and belongs to no event: named, never read."""

from __future__ import annotations

import os

import pytest

from evidencekit.core import layout
from evidencekit.verify.verifier import verify_case


def warnings(report) -> set[tuple[str, str]]:
    return {(f.code, f.where) for f in report.findings if f.code in {"W901", "W902", "W905"}}


PLANTED = [
    "x", "custody/x", "custody/00000001/x", "custody/00000001/event.json.2.sig", "custody/1/entry", "checkpoints/3",
    "checkpoints/00000003.bak", "manifests/00000009.r1.parquet", "manifests/1.parquet", "manifests/a.parquet",
    "objects/x", "objects/sha256/ab/" + "ab" * 32, "objects/md5/ab/" + "ab" * 32, "branches/x",
]  # fmt: skip


def test_a_reduced_form_that_no_event_names_waits_for_one(sealed):
    name = "manifests/00000001.r1.parquet"
    (sealed.case / name).write_text("x")
    report = verify_case(sealed.case)
    assert (warnings(report), report.verdict) == ({("W901", name)}, "NOT CHECKED")


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_file_is_unexpected(sealed, name):
    (sealed.case / name).parent.mkdir(parents=True, exist_ok=True)
    (sealed.case / name).write_text("x")
    report = verify_case(sealed.case)
    assert warnings(report) == {("W902", name)}
    assert report.verdict == "NOT CHECKED"


def test_a_branch_that_nobody_adopted_is_one_thing(sealed):
    for name in ("case.json", "custody/00000000/entry"):
        (sealed.case / "branches/a" / name).parent.mkdir(parents=True, exist_ok=True)
        (sealed.case / "branches/a" / name).write_text("x")
    assert warnings(verify_case(sealed.case)) == {("W902", "branches/a")}


@pytest.mark.parametrize("name", ["Thumbs.db", "custody/.DS_Store", "manifests/._x"])
def test_droppings_only_warn(sealed, name):
    (sealed.case / name).write_text("x")
    report = verify_case(sealed.case)
    assert (warnings(report), report.verdict) == ({("W905", name)}, "INTEGRITY ONLY")


@pytest.mark.parametrize("make", ["link", "dangling", "fifo", "linked folder"])
@pytest.mark.parametrize("name", ["x", "custody/00000001/x", "objects", ".DS_Store"])
def test_links_and_special_files_are_unexpected_wherever_they_stand(sealed, name, make):
    path = sealed.case / name
    match make:
        case "link":
            path.symlink_to("case.json")
        case "dangling":
            path.symlink_to("nowhere")
        case "linked folder":
            path.symlink_to("/etc")
        case "fifo":
            os.mkfifo(path)
    report = verify_case(sealed.case)
    assert warnings(report) == {("W902", name)}


def test_a_name_with_controls_is_shown_safely(sealed):
    (sealed.case / "a\n\x1b[31m").write_text("x")
    assert warnings(verify_case(sealed.case)) == {("W902", "a\\n\\u{1b}[31m")}


def test_a_manifest_above_all_that_are_named_is_unfinished(sealed):
    (sealed.case / layout.manifest_file(5)).write_bytes(b"")
    assert warnings(verify_case(sealed.case)) == {("W901", layout.manifest_file(5))}


def test_an_unfinished_entry_is_one_thing(sealed):
    folder = sealed.case / layout.entry_folder(7)
    folder.mkdir()
    for name in ("entry", "event.json", "junk"):
        (folder / name).write_text("x")
    assert warnings(verify_case(sealed.case)) == {("W901", layout.entry_folder(7))}


def test_folders_deep_inside_each_other_are_not_followed(sealed):
    deep = sealed.case / "/".join("d" * 40)
    deep.mkdir(parents=True)
    (deep / "x").write_text("x")
    report = verify_case(sealed.case)
    assert {code for code, _ in warnings(report)} == {"W902"}


def test_empty_folders_and_disposable_files_are_nothing(sealed):
    (sealed.case / "odd/empty").mkdir(parents=True)
    for name in ("work/x", "index.sqlite", "index.sqlite-wal", "manifests/00000001.tiles", ".tmp-1/x"):
        (sealed.case / name).parent.mkdir(exist_ok=True)
        (sealed.case / name).write_text("x")
    report = verify_case(sealed.case)
    assert (warnings(report), report.verdict) == (set(), "INTEGRITY ONLY")
