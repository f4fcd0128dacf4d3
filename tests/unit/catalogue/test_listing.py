"""`sha256sum -c`, `md5sum -c` and `b3sum -c` are the judges: what they accept of a real folder is right."""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess

import pytest

from evidencekit.catalogue.listing import FORMATS, MOST_UNLISTED, list_lines
from evidencekit.errors import BadArgument, CannotFinish


def write(case, form, path, **options):
    listing = list_lines(case, form, **options)
    path.write_bytes(b"".join(listing.lines))
    return listing


def check(program, listed, source, expect):
    done = subprocess.run([program, "-c", "--strict", str(listed)], cwd=source, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(b": OK") == expect


@pytest.mark.parametrize(("program", "form"), [("sha256sum", "sha256sum"), ("md5sum", "md5sum")])
def test_coreutils_accept_every_line_of_a_folder_with_odd_names(real, tmp_path, judge, program, form):
    judge(program)
    listing = write(real.case, form, tmp_path / "list", item="EX-001")
    assert listing.unlisted == []
    check(program, tmp_path / "list", real.source, 17)
    assert listing.listed == 17
    # the source, `sub`, the link, the pipe, the excluded file
    assert listing.without_digest == 5


def test_coreutils_find_a_changed_byte(real, tmp_path, judge):
    judge("sha256sum")
    write(real.case, "sha256sum", tmp_path / "list", item="EX-001")
    (tmp_path / "copy").mkdir()
    subprocess.run(["cp", "-a", f"{real.source}/.", str(tmp_path / "copy")], check=True)
    (tmp_path / "copy" / "new\nline").write_bytes(b"other")
    done = subprocess.run(
        ["sha256sum", "-c", "--quiet", str(tmp_path / "list")], cwd=tmp_path / "copy", capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.splitlines() == [b"\\new\\nline: FAILED"]


def test_several_exhibits_are_told_apart_by_a_first_folder(real, tmp_path, judge):
    judge("sha256sum")
    write(real.case, "sha256sum", tmp_path / "list")
    for exhibit in ("EX-001", "EX-002"):
        (tmp_path / exhibit).symlink_to(real.source)
    check("sha256sum", tmp_path / "list", tmp_path, 34)


@pytest.mark.judge("b3sum")
def test_b3sum_accepts_every_line(real, tmp_path):
    write(real.case, "b3sum", tmp_path / "list", item="EX-001")
    done = subprocess.run(["b3sum", "-c", str(tmp_path / "list")], cwd=real.source, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_b3sum_is_spared_names_that_it_cannot_read(real, tmp_path):
    listing = write(real.case, "b3sum", tmp_path / "list", item="EX-001")
    assert {one.path for one in listing.unlisted} == {b"caf\xe9", b"cr\r", b"sub/\xff\n\\"}
    assert b"\xff" not in (tmp_path / "list").read_bytes()


def test_hashdeep_has_its_header_and_leaves_out_line_breaks(real, tmp_path):
    listing = write(real.case, "hashdeep", tmp_path / "list", item="EX-001")
    lines = (tmp_path / "list").read_bytes().split(b"\n")
    assert lines[:2] == [b"%%%% HASHDEEP-1.0", b"%%%% size,sha256,filename"]
    digest = hashlib.sha256(b"6").hexdigest().encode()
    assert b"1," + digest + b",./caf\xe9" in lines
    assert b"0,%s,./sub/empty" % hashlib.sha256().hexdigest().encode() in lines
    assert [one.path for one in listing.unlisted] == [b"cr\r", b"new\nline", b"sub/\xff\n\\"]
    assert r"sub/\xff\n\\: hashdeep has no way to write a name with a line feed" in str(listing.unlisted[2])
    assert "\n" not in str(listing.unlisted[1])


def test_csv_keeps_every_row_faithfully(real, tmp_path):
    listing = write(real.case, "csv", tmp_path / "list", item="EX-001")
    data = (tmp_path / "list").read_bytes()
    assert data.startswith(b"item,index,path,path_hex,stream,kind,size,state,reason,target,sha256,blake3,md5,")
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert listing.listed == len(rows) == 22
    assert [int(row["index"]) for row in rows] == list(range(22))
    by_path = {row["path"]: row for row in rows}
    assert by_path["new\nline"]["sha256"] == hashlib.sha256(b"4").hexdigest()
    assert by_path["new\nline"]["md5"] == hashlib.md5(b"4", usedforsecurity=False).hexdigest()
    assert by_path['=1+1, "quoted"']["size"] == "1"
    assert by_path[r"caf\xe9"]["path_hex"] == b"caf\xe9".hex()
    assert by_path["link"]["target"] == "sub"
    assert by_path["left out.tmp"]["reason"] == "excluded"
    assert by_path["sub/empty"]["size"] == "0"
    assert by_path["sub"]["size"] == by_path["sub"]["sha256"] == ""
    assert by_path["\\"]["mtime"].startswith("20")


def test_streams_are_not_bent_into_names(odd_case):
    listing = list_lines(odd_case.path, "sha256sum")
    lines = list(listing.lines)
    assert sum(b"streamed" in line for line in lines) == 1
    assert [str(one) for one in listing.unlisted] == [
        "EX-001#21 streamed: a stream of a file has no name of its own here"
    ]


def test_a_source_that_is_one_file_is_listed_by_its_own_name(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.file(b"", b"image")], source=b"/mnt/evidence/disk.\xffdd")
    (line,) = list_lines(made.path, "sha256sum").lines
    assert line == hashlib.sha256(b"image").hexdigest().encode() + b"  disk.\xffdd\n"


def test_digests_that_some_rows_lack_are_counted(fabricate, rows):
    made = fabricate()
    made.seal(
        "EX-001", [rows.other(b""), rows.file(b"a", md5=True), rows.file(b"b")], digests=("blake3", "md5", "sha256")
    )
    listing = list_lines(made.path, "md5sum")
    assert list(listing.lines) == [b"d41d8cd98f00b204e9800998ecf8427e  a\n"]
    assert (listing.listed, listing.without_digest) == (1, 2)


def test_the_unlisted_are_counted_beyond_those_named(fabricate, rows):
    made = fabricate()
    many = [rows.file(b"%05d\n" % number) for number in range(MOST_UNLISTED + 5)]
    made.seal("EX-001", [rows.other(b""), *many])
    listing = list_lines(made.path, "hashdeep")
    assert len(list(listing.lines)) == 1
    assert listing.not_listed == MOST_UNLISTED + 5
    assert str(listing.unlisted[-1]) == "and 5 more rows"


def test_a_case_without_exhibits_has_empty_lists(fabricate):
    made = fabricate()
    assert list(list_lines(made.path, "sha256sum").lines) == []
    assert b"".join(list_lines(made.path, "csv").lines).count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("form", "item", "code"), [("sfv", None, "U216"), ("sha1sum", None, "U216"), ("csv", "EX-009", "U215")]
)
def test_what_cannot_be_listed_is_refused_at_once(odd_case, form, item, code):
    with pytest.raises(BadArgument) as caught:
        list_lines(odd_case.path, form, item=item)
    assert caught.value.code == code


@pytest.mark.parametrize("form", FORMATS)
def test_an_altered_manifest_is_not_listed(fabricate, rows, form):
    made = fabricate()
    made.seal(
        "EX-001", [rows.other(b""), rows.file(b"a", md5=True)], digests=("blake3", "md5", "sha1", "sha256", "sha512")
    )
    path = made.path / "manifests/00000001.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotFinish) as caught:
        list(list_lines(made.path, form).lines)
    assert caught.value.code == "X441"
    assert "evidencekit verify" in str(caught.value)


@pytest.mark.parametrize("group", [b"[]", b"{", b'{"path":7}', b'{"_t":"evidencekit/name/1"}'])
def test_rows_that_are_none_are_refused(fabricate, rows, group):
    made = fabricate()
    kind, _, content, metadata = rows.file(b"a")
    made.seal("EX-001", [rows.other(b""), (kind, group, content, metadata)])
    for form in ("sha256sum", "csv"):
        with pytest.raises(CannotFinish) as caught:
            list(list_lines(made.path, form).lines)
        assert caught.value.code == "X443"
