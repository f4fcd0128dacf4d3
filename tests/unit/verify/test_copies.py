"""Copies of content: where a header says that they were kept, each is there, whole; where it does not, none need be."""

from __future__ import annotations

import hashlib
import os

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.read.store import Store
from evidencekit.verify import objects
from evidencekit.verify.run import Run, file_sha256
from evidencekit.verify.verifier import verify_case

ROOT, FILE = cb.folder_row(), cb.file_row("a", b"first")
KEPT = {"options": {"copies": True, "exclude": [], "include": [], "sensitive": False}}
NOT_KEPT = {"options": {"copies": False, "exclude": [], "include": [], "sensitive": False}}
MANIFEST = "manifests/00000001.parquet"


def found(report) -> list[tuple[str, str]]:
    return sorted((finding.code, finding.where) for finding in report.findings if finding.severity == "error")


def place(data: bytes) -> str:
    return layout.object_file(hashlib.sha256(data).hexdigest())


def put(build, data: bytes, content: bytes | None = None) -> str:
    """Lay a copy of `data` down; with `content` it holds that instead. Return its place."""
    path = build.case / place(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if content is None else content)
    return place(data)


def partial(path: str, data: bytes) -> dict:
    digest = hashlib.sha256(data).hexdigest()
    return cb.file_row(
        path, state="partial", reason="io_error", sha256=None, blake3=None, sha256_zero_filled=digest,
        blake3_zero_filled=digest, unreadable=[{"length": "1", "offset": "0"}], size=str(len(data)),
    )  # fmt: skip


ALL_STATES = [
    ROOT,
    FILE,
    cb.file_row("b", b"second", state="changed", metadata={"after": {"ctime_ns": "1", "mtime_ns": "2", "size": "3"}}),
    partial("c", b"\0hird"),
    cb.file_row("d", b""),
    cb.file_row("e", b"first"),
    cb.file_row("f", state="not_read", sha256=None, blake3=None, reason="io_error"),
    cb.folder_row("g"),
]
CONTENTS = (b"first", b"second", b"\0hird", b"")


def test_whole_copies_are_compared_with_their_digests(build):
    build.seal(ALL_STATES, header=KEPT)
    for data in CONTENTS:
        put(build, data)
    report = verify_case(build.case)
    assert (report.verdict, found(report)) == ("INTEGRITY ONLY", [])
    assert report.checked["objects"] == len(CONTENTS)


def test_each_missing_copy_is_named_once_with_the_first_row_that_has_it(build):
    build.seal(ALL_STATES, header=KEPT)
    report = verify_case(build.case)
    assert found(report) == sorted(("E501", place(data)) for data in CONTENTS)
    (first,) = (finding for finding in report.findings if finding.where == place(b"first"))
    assert (first.expected, first.found) == (f"a plain file of 5 bytes, as {MANIFEST}#1 says", "none")
    assert report.counts["files_of_record"]["not_checked"] == len(CONTENTS)


@pytest.mark.parametrize("header", [{}, NOT_KEPT], ids=["not said", "false"])
def test_copies_that_nobody_promised_need_not_be_there(build, header):
    build.seal(ALL_STATES, header=header)
    assert found(verify_case(build.case)) == []
    put(build, b"first")
    put(build, b"", b"planted")
    assert found(verify_case(build.case)) == [("E201", place(b""))]


def test_each_catalogue_is_held_to_its_own_promise(build):
    build.seal([ROOT, FILE], header=NOT_KEPT)
    build.seal([ROOT, cb.file_row("b", b"second")], exhibit="EX-002", header=KEPT)
    assert found(verify_case(build.case)) == [("E501", place(b"second"))]


def test_the_source_itself_has_a_copy(build):
    device = {**cb.file_row("", b"disk"), "kind": "block_device"}
    build.seal([device], header=KEPT)
    assert found(verify_case(build.case)) == [("E501", place(b"disk"))]


def test_a_copy_of_another_content(build):
    build.seal([ROOT, FILE], header=KEPT)
    where = put(build, b"first", b"worst")
    report = verify_case(build.case)
    assert found(report) == [("E201", where)]
    assert "SHA-256" in next(finding.found for finding in report.findings if finding.code == "E201")


@pytest.mark.parametrize("content", [b"", b"firs", b"first and more"])
def test_a_copy_of_another_size_is_named_once_and_not_hashed(build, monkeypatch, content):
    """A sparse file of terabytes takes no space and hours to hash."""
    build.seal(ALL_STATES, header=KEPT)
    for data in CONTENTS:
        put(build, data, content if data == b"first" else None)
    sizes = []
    monkeypatch.setattr(
        objects, "file_sha256", lambda file: sizes.append(os.fstat(file.fileno()).st_size) or file_sha256(file)
    )
    report = verify_case(build.case)
    assert found(report) == [("E201", place(b"first"))]
    (fault,) = (finding for finding in report.findings if finding.code == "E201")
    assert (fault.expected, fault.found) == (f"5 bytes, as {MANIFEST}#1 says", f"{len(content)} bytes")
    assert sorted(sizes) == sorted(len(data) for data in CONTENTS if data != b"first")


def test_a_row_that_gives_the_right_digest_another_size(build):
    build.seal([ROOT, cb.file_row("a", b"first", size="6")], header=KEPT)
    put(build, b"first")
    assert found(verify_case(build.case)) == [("E201", place(b"first"))]


@pytest.mark.parametrize("what", ["folder", "link", "fifo", "linked folder", "upper case"])
def test_what_is_no_plain_file_in_its_place_is_no_copy(build, tmp_path, what):
    build.seal([ROOT, FILE], header=KEPT)
    path = build.case / put(build, b"first")
    if what == "linked folder":
        path.parent.rename(tmp_path / "elsewhere")
        path.parent.symlink_to(tmp_path / "elsewhere")
    elif what == "upper case":
        path.rename(path.with_name(path.name.upper()))
    else:
        path.rename(tmp_path / "aside")
        {"folder": path.mkdir, "link": lambda: path.symlink_to(tmp_path / "aside"), "fifo": lambda: os.mkfifo(path)}[
            what
        ]()
    assert found(verify_case(build.case)) == [("E501", place(b"first"))]


def test_a_missing_copy_does_not_make_the_catalogue_an_altered_one(build):
    """The container was rewritten: E211 stays what it is, though step 10 finds something, too."""
    import pyarrow.parquet as pq

    build.seal([ROOT, FILE], header=KEPT)
    with pq.ParquetFile(build.case / MANIFEST) as file:
        table, keys = file.read(), file.metadata.metadata
    keys = {key: text for key, text in keys.items() if key.startswith(b"evidencekit.")}
    with pq.ParquetWriter(build.case / MANIFEST, table.schema.remove_metadata(), store_schema=False) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata(keys)
    assert found(verify_case(build.case)) == [("E211", MANIFEST), ("E501", place(b"first"))]


def test_a_folder_that_cannot_be_listed_hides_no_copy(build, as_nobody):
    """Nobody knows whether it is there: not checked, and not said to be missing."""
    build.seal([ROOT, FILE], header=KEPT)
    path = build.case / put(build, b"first")
    path.parent.chmod(0o700)

    def look():
        report = verify_case(build.case)
        return report.verdict, found(report), {item.where for item in report.not_checked}

    verdict, errors, skipped = as_nobody(look)
    assert (verdict, errors) == ("NOT CHECKED", [])
    assert os.path.dirname(place(b"first")) in skipped


def test_what_is_missing_is_counted_even_where_it_is_too_much_to_keep_in_mind(build, monkeypatch):
    rows = [ROOT, *(cb.file_row(f"{number:02d}", b"%d" % number) for number in range(20))]
    build.seal(rows, header=KEPT)
    monkeypatch.setattr(objects, "MAX_MISSING", 3)
    assert verify_case(build.case).counts["findings"]["by_code"]["E501"] == 20


def test_every_object_is_found_again_whatever_the_names_are(build):
    """The index against a set: digests that share their beginnings, and their neighbours that are not there."""
    digests = {bytes([first, second]) + bytes(29) + bytes([last])
               for first in (0, 1, 255) for second in (0, 255) for last in range(0, 40, 2)}  # fmt: skip
    for digest in digests:
        path = build.case / layout.object_file(digest.hex())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(digest[-1]))
    files = objects._Files(Run(store=Store(build.case)))
    assert len(files) == len(digests)
    assert [files[place] for place in range(len(files))] == sorted(digests)
    for digest in digests:
        assert files[files.find(digest)] == digest
        assert files.sizes[files.find(digest)] == digest[-1]
        assert files.find(digest[:-1] + bytes([digest[-1] + 1])) == -1
    assert files.find(bytes([2]) * 32) == files.find(b"\xff" * 32) == -1
