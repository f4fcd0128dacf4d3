"""The index is disposable: whatever is wrong with it, it is made again; whatever is wrong with the record, it is not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from evidencekit.catalogue import build, place
from evidencekit.catalogue.build import NOT_VERIFIED, open_catalogue
from evidencekit.catalogue.query import find, query
from evidencekit.errors import CannotFinish, Interrupted


def opened(case, cache, **options):
    """Whether it was built, and the paths that it knows."""
    with open_catalogue(case, cache_folder=cache, **options) as catalogue:
        return catalogue.built, [row["path"] for row in find(catalogue)[0]]


def left_overs(*folders):
    return [name for folder in folders if folder.is_dir() for name in os.listdir(folder) if name.startswith(".tmp-")]


def test_it_is_built_once_and_then_reused(odd_case, cache):
    built, paths = opened(odd_case.path, cache)
    assert built
    assert len(paths) == 24
    assert opened(odd_case.path, cache) == (False, paths)
    assert (odd_case.path / "index.sqlite").is_file()
    assert left_overs(odd_case.path, cache) == []


def test_every_fact_of_a_row_is_there(real, cache):
    with open_catalogue(real.case, cache_folder=cache) as catalogue:
        columns, rows = query(catalogue, "SELECT * FROM rows WHERE item = 'EX-001' AND path = 'back\\slash'")
        row = dict(zip(columns, next(rows), strict=True))
    status = (real.source / "back\\slash").lstat()
    assert row["size"] == row["depth"] == 1
    assert (row["name"], row["ext"], row["kind"], row["state"]) == ("back\\slash", None, "file", "complete")
    assert (row["mtime_ns"], row["ctime_ns"], row["inode"]) == (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    assert (row["mode"], row["uid"], row["gid"], row["nlink"]) == (
        status.st_mode & 0o7777,
        status.st_uid,
        status.st_gid,
        1,
    )
    assert row["mode_octal"] == f"{status.st_mode & 0o7777:04o}"
    assert row["path_raw"] == b"back\\slash"
    assert row["md5"] == "c4ca4238a0b923820dcc509a6f75849b"
    assert len(row["blake3"]) == 64
    assert row["media_type"]
    assert row["mtime"].endswith(f"{status.st_mtime_ns % 10**9:09d}Z")


def test_numbers_that_sqlite_cannot_hold_are_null_and_no_other(fabricate, rows, cache):
    made = fabricate()
    large = {
        "inode": str(2**64 - 1),
        "device": str(2**63),
        "nlink": str(2**63 - 1),
        "btime_ns": str(-(2**63)),
        "uid": "0",
    }
    made.seal("EX-001", [rows.other(b""), rows.file(b"a", mtime_ns=10**29, **large)])
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        _, found = query(
            catalogue, "SELECT inode, device, nlink, btime_ns, uid, gid, mtime_ns, mtime FROM rows WHERE idx = 1"
        )
        assert next(found) == (None, None, 2**63 - 1, -(2**63), 0, None, None, None)


def test_names_that_are_not_text_keep_their_bytes(odd_case, cache):
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        _, found = query(catalogue, "SELECT path, path_hex, path_raw FROM rows WHERE path_hex IS NOT NULL ORDER BY seq")
        assert list(found) == [(r"caf\xe9.txt", "636166e92e747874", b"caf\xe9.txt"), (r"\xff\xfe", "fffe", b"\xff\xfe")]
        _, found = query(catalogue, "SELECT path_raw FROM rows WHERE path_hex IS NULL AND idx = 18")
        assert next(found) == (b"new\nline",)
        _, found = query(catalogue, "SELECT target, target_hex FROM rows WHERE kind = 'symlink'")
        assert next(found) == (None, "746fff")


def test_items_omissions_and_duplicates(odd_case, cache):
    odd_case.event(
        "acquire", ["EX-002"], json.loads((odd_case.path / "custody/00000001/event.json").read_bytes())["body"]
    )
    odd_case.checkpoint()
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        _, found = query(catalogue, "SELECT item, rows, omissions, bytes, source, media_types FROM items ORDER BY item")
        assert list(found) == [("EX-001", 24, 2, 32, "/mnt/source", 2), ("EX-002", None, None, None, None, None)]
        _, found = query(catalogue, "SELECT path, state, reason FROM omissions")
        assert list(found) == [("gone", "vanished", "permission_denied"), ("locked", "not_read", "permission_denied")]
        _, found = query(catalogue, "SELECT path, copies FROM duplicates")
        assert list(found) == [("a/b.txt", 2), ("a/copy.txt", 2)]
        _, found = query(catalogue, "SELECT number, kind, base FROM manifests ORDER BY number")
        assert list(found) == [(1, "rows", None), (2, "media-type", 1)]


def test_media_types_find_their_rows_in_a_shuffled_manifest(fabricate, rows, cache):
    made = fabricate()
    count = 3000
    indexes = [(place * 7) % count for place in range(count)]
    sealed = made.seal("EX-001", [rows.other(b""), *(rows.file(b"%04d" % n) for n in range(1, count))], indexes=indexes)
    made.derive("EX-001", sealed, {index: f"x/{index}" for index in range(1, count, 2)})
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        _, found = query(catalogue, "SELECT idx, media_type, path FROM rows ORDER BY seq")
        expected = [(i, f"x/{i}" if i % 2 else None, f"{n:04d}" if n else "") for n, i in enumerate(indexes)]
        assert list(found) == expected


def test_media_types_of_several_batches_in_path_order(fabricate, rows, cache):
    made = fabricate()
    count = 5000
    sealed = made.seal("EX-001", [rows.other(b""), *(rows.file(b"%04d" % n) for n in range(1, count))])
    made.derive("EX-001", sealed, dict.fromkeys(range(1, count), "old/one"))
    made.derive("EX-001", sealed, {index: f"x/{index}" for index in range(1500, count, 700)})
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        _, found = query(catalogue, "SELECT idx, media_type FROM rows WHERE media_type IS NOT NULL")
        assert list(found) == [(index, f"x/{index}") for index in range(1500, count, 700)]


MATCHED = {
    1: {"result": "same", "compared": ["sha256"]},
    2: {"result": "moved", "compared": ["sha256"], "listed_as_hex": "ff"},
    3: {"result": "differs", "compared": ["md5", "sha256"], "listed": {"md5": "0" * 32}},
    4: {"result": "not_listed"},
}


@pytest.mark.parametrize("order", [None, [4, 3, 2, 1, 0]])
def test_comparisons_with_lists_are_all_there(fabricate, rows, cache, order):
    made = fabricate()
    files = [rows.other(b""), *(rows.file(b"%d" % number) for number in range(1, 5))]
    sealed = made.seal("EX-001", files, indexes=order)
    made.compare("EX-001", sealed, MATCHED)
    made.derive("EX-001", sealed, {1: "text/plain"})
    made.compare("EX-001", sealed, {index: {"result": "not_listed"} for index in range(1, 5)})
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        sql = "SELECT manifest, item, idx, result, listed_as, record FROM matches WHERE manifest = 2 ORDER BY idx"
        _, found = query(catalogue, sql)
        assert [(*row[:5], row[5] and json.loads(row[5])["result"]) for row in found] == [
            (2, "EX-001", 1, "same", None, None),
            (2, "EX-001", 2, "moved", r"\xff", "moved"),
            (2, "EX-001", 3, "differs", None, "differs"),
            (2, "EX-001", 4, "not_listed", None, None),
        ]
        _, found = query(catalogue, "SELECT number, kind, engine, data_sha256 FROM manifests ORDER BY number")
        assert list(found)[1:] == [
            (2, "match", "hashdeep 1.0", "ab" * 32),
            (3, "media-type", "libmagic 5.44", None),
            (4, "match", "hashdeep 1.0", "ab" * 32),
        ]
        _, found = query(catalogue, "SELECT media_types FROM items")
        assert list(found) == [(3,)]


@pytest.mark.parametrize("group", [{"result": "like"}, {"result": "moved"}, {"result": None}])
def test_opinions_of_a_comparison_that_are_none_are_refused(fabricate, rows, cache, group):
    made = fabricate()
    made.compare("EX-001", made.seal("EX-001", [rows.other(b""), rows.file(b"a")]), {1: group})
    with pytest.raises(CannotFinish) as caught:
        open_catalogue(made.path, cache_folder=cache)
    assert caught.value.code == "X443"


def test_exhibits_come_in_the_order_of_their_numbers(fabricate, rows, cache):
    made = fabricate()
    for exhibit in ("EX-010", "EX-002"):
        made.seal(exhibit, [rows.other(b""), rows.file(b"a")])
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        assert [(row["item"], row["index"]) for row in find(catalogue)[0]] == [
            ("EX-002", 0),
            ("EX-002", 1),
            ("EX-010", 0),
            ("EX-010", 1),
        ]


def test_what_stands_above_the_newest_checkpoint_is_not_sealed(fabricate, rows, cache):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")])
    made.seal("EX-002", [rows.other(b"")], checkpoint=False)
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        assert find(catalogue)[1] == 1
        assert catalogue.stamp["size"] == "3"
    made.checkpoint()
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        assert catalogue.built
        assert find(catalogue)[1] == 2


def test_a_case_with_nothing_sealed_has_an_empty_catalogue(fabricate, cache):
    with open_catalogue(fabricate().path, cache_folder=cache) as catalogue:
        assert find(catalogue)[1] == 0
        assert catalogue.not_verified == NOT_VERIFIED


def test_a_checkpoint_of_another_log_is_none(fabricate, rows, cache):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")], checkpoint=False)
    note = (made.path / "checkpoints/00000001").read_bytes()
    (made.path / "checkpoints/00000003").write_bytes(note.replace(b"unit7", b"unit8").replace(b"\n1\n", b"\n3\n"))
    (made.path / "checkpoints/00000002").write_bytes(b"scribble")
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        assert catalogue.stamp["size"] == "1"


# --- when it is made again -----------------------------------------------------------------------------------------


def damage(path, _):
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


def truncate(path, _):
    os.truncate(path, 4096)


def replace_by_link(path, case):
    path.rename(case / "work-index")
    path.symlink_to(case / "work-index")


def touch(path, _):
    os.utime(path)


@pytest.mark.parametrize(
    "change",
    [lambda path, _: path.unlink(), lambda path, _: path.write_bytes(b""), damage, truncate, touch, replace_by_link],
)
def test_an_index_that_somebody_touched_is_made_again(odd_case, cache, change):
    _, paths = opened(odd_case.path, cache)
    change(odd_case.path / "index.sqlite", odd_case.path)
    assert opened(odd_case.path, cache) == (True, paths)
    assert not (odd_case.path / "index.sqlite").is_symlink()
    assert opened(odd_case.path, cache) == (False, paths)


def test_an_index_that_came_with_the_case_is_not_believed(odd_case, tmp_path):
    opened(odd_case.path, tmp_path / "theirs")
    connection = sqlite3.connect(odd_case.path / "index.sqlite")
    connection.execute("DELETE FROM stored_rows WHERE path = 'Report.PDF'")
    connection.commit()
    connection.close()
    shutil.copytree(odd_case.path, tmp_path / "received")
    built, paths = opened(tmp_path / "received", tmp_path / "mine")
    assert built
    assert "Report.PDF" in paths


def test_two_copies_of_a_case_do_not_disturb_each_other(odd_case, cache, tmp_path):
    shutil.copytree(odd_case.path, tmp_path / "copy")
    for case in (odd_case.path, tmp_path / "copy"):
        assert opened(case, cache)[0]
    for case in (odd_case.path, tmp_path / "copy"):
        assert not opened(case, cache)[0]


def test_another_version_of_the_tables_is_made_again(odd_case, cache, monkeypatch):
    opened(odd_case.path, cache)
    monkeypatch.setattr(build, "SCHEMA_VERSION", build.SCHEMA_VERSION + 1)
    assert opened(odd_case.path, cache)[0]


def test_a_stamp_that_cannot_be_read_counts_for_nothing(odd_case, cache):
    opened(odd_case.path, cache)
    index = odd_case.path / "index.sqlite"
    index.write_bytes(b"SQLite format 3\0 and nothing else")
    place.mark_as_ours(index, cache, bytes(range(16)))
    assert opened(odd_case.path, cache)[0]


def test_a_manifest_altered_after_the_build_is_noticed(odd_case, cache):
    opened(odd_case.path, cache)
    path = odd_case.path / "manifests/00000001.parquet"
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X441"
    assert "manifests/00000001.parquet" in str(caught.value)
    assert "evidencekit verify" in caught.value.hint


# --- where it lies -------------------------------------------------------------------------------------------------


def test_a_case_that_cannot_be_written_to_is_indexed_in_the_cache(odd_case, cache, as_nobody):
    cache.mkdir()
    cache.chmod(0o777)

    def as_reader():
        return opened(odd_case.path, cache), opened(odd_case.path, cache)

    (first, _), (second, paths) = as_nobody(as_reader)
    assert (first, second) == (True, False)
    assert len(paths) == 24
    assert not (odd_case.path / "index.sqlite").exists()
    assert (cache / f"{bytes(range(16)).hex()}.sqlite").is_file()
    assert left_overs(odd_case.path, cache) == []


def test_nowhere_to_write_is_said(odd_case, tmp_path, as_nobody):
    (tmp_path / "closed").mkdir(mode=0o500)

    def as_reader():
        with pytest.raises(CannotFinish) as caught:
            opened(odd_case.path, tmp_path / "closed" / "cache")
        return caught.value.code

    assert as_nobody(as_reader) == "X442"


def test_a_cache_that_cannot_be_written_to_only_costs_time(odd_case, tmp_path, as_nobody):
    odd_case.path.chmod(0o777)
    (tmp_path / "closed").mkdir(mode=0o500)

    def as_reader():
        return [opened(odd_case.path, tmp_path / "closed" / "cache")[0] for _ in range(2)]

    assert as_nobody(as_reader) == [True, True]


def test_paths_that_are_not_text_or_look_like_a_query(fabricate, rows, cache, tmp_path):
    made = fabricate(os.fsdecode(b"case\xff?mode=rwc#%41"))
    made.seal("EX-001", [rows.other(b"")])
    assert opened(made.path, tmp_path / "ca?che#")[0]
    assert not opened(made.path, tmp_path / "ca?che#")[0]


# --- being stopped -------------------------------------------------------------------------------------------------


def test_a_build_that_is_stopped_leaves_what_was_there(odd_case, cache, rows):
    opened(odd_case.path, cache)
    before = (odd_case.path / "index.sqlite").read_bytes()
    odd_case.seal("EX-002", [rows.other(b"")])

    def stop(done, total):
        assert 0 < done <= total == 25
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(odd_case.path, cache, progress=stop)
    assert (odd_case.path / "index.sqlite").read_bytes() == before
    assert left_overs(odd_case.path, cache) == []
    assert opened(odd_case.path, cache)[0]


def test_ctrl_c_inside_sqlite_stops_the_build(odd_case, cache, monkeypatch):
    endless = "CREATE TABLE t AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    monkeypatch.setattr("evidencekit.catalogue.fill.INDEXES", endless)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted) as caught:
        opened(odd_case.path, cache)
    timer.join()
    assert caught.value.code == "X499"
    assert left_overs(odd_case.path, cache) == []
    assert not (odd_case.path / "index.sqlite").exists()


def test_a_build_that_fails_is_said_and_leaves_nothing(odd_case, cache, monkeypatch):
    monkeypatch.setattr("evidencekit.catalogue.fill.INDEXES", "CREATE TABLE stamp (x)")
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X444"
    assert left_overs(odd_case.path, cache) == []


def test_what_a_killed_build_left_is_swept_after_an_hour(odd_case, cache):
    old, young = odd_case.path / ".tmp-index-1-aa", odd_case.path / ".tmp-index-2-bb"
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (1, 1))
    opened(odd_case.path, cache)
    assert left_overs(odd_case.path) == [young.name]


# --- records that cannot be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["case.json", "custody/00000001/event.json"])
def test_a_malformed_record_is_refused(odd_case, cache, path):
    data = (odd_case.path / path).read_bytes()
    (odd_case.path / path).write_bytes(data + b" ")
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X446"
    assert path in caught.value.message


@pytest.mark.parametrize(
    "path", ["custody/00000002/event.json", "manifests/00000001.parquet", "manifests/00000002.parquet"]
)
def test_a_missing_file_is_refused(odd_case, cache, path):
    (odd_case.path / path).unlink()
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X402"


@pytest.mark.parametrize(
    ("place", "group"),
    [
        (1, b"null"), (1, b'{"path":null}'), (1, b'{"path_hex":"zz"}'), (1, b"\xff"),
        (2, b"{}"), (2, b'{"blake3":null,"sha256":{},"size":null,"state":"complete"}'),
        (2, b'{"blake3":null,"sha256":null,"size":null,"state":null}'), (2, b'{"blake3":null,"sha256":null,"size":1e999,"state":"x"}'),
        (3, b'{"mtime_ns":"x"}'), (3, b'{"mtime_ns":[]}'), (3, b"7"),
    ],
)  # fmt: skip
def test_rows_of_another_form_are_refused(fabricate, rows, cache, place, group):
    made = fabricate()
    row = list(rows.file(b"a"))
    row[place] = group
    made.seal("EX-001", [rows.other(b""), tuple(row)])
    with pytest.raises(CannotFinish) as caught:
        opened(made.path, cache)
    assert caught.value.code == "X443"
    assert left_overs(made.path) == []


def test_a_manifest_of_opinions_cannot_stand_for_rows(odd_case, cache):
    path = odd_case.path / "custody/00000002/event.json"
    event = json.loads(path.read_bytes())
    derived = json.loads((odd_case.path / "custody/00000003/event.json").read_bytes())["body"]
    event["body"] |= {key: derived[key] for key in ("file_sha256", "header", "manifest", "rows")}
    path.write_bytes(json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X443"


def test_a_header_other_than_the_sealed_one_is_refused(odd_case, cache):
    path = odd_case.path / "custody/00000002/event.json"
    event = json.loads(path.read_bytes())
    event["body"]["header"] = "00" * 32
    path.write_bytes(json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    with pytest.raises(CannotFinish) as caught:
        opened(odd_case.path, cache)
    assert caught.value.code == "X441"


# --- what it costs -------------------------------------------------------------------------------------------------


def test_asking_a_built_index_needs_neither_pyarrow_nor_sqlite_utils(odd_case, cache):
    opened(odd_case.path, cache)
    program = (
        "import sys; from pathlib import Path; from evidencekit.catalogue.build import open_catalogue as o\n"
        "from evidencekit.catalogue.query import find\n"
        "with o(Path(sys.argv[1]), cache_folder=Path(sys.argv[2])) as c: assert not c.built; list(find(c)[0])\n"
        "print([m for m in ('pyarrow', 'sqlite_utils', 'click') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, odd_case.path, cache], capture_output=True, check=True, text=True
    )
    assert done.stdout == "[]\n"
