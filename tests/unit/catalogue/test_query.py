"""Criteria find what a person would point at, whatever the bytes of the name; SQL reads and does nothing else."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import signal
import threading

import hypothesis
import hypothesis.strategies as st
import pytest

from evidencekit.catalogue.build import open_catalogue
from evidencekit.catalogue.globs import glob_matches
from evidencekit.catalogue.query import find, query
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, Interrupted


@pytest.fixture
def odd(odd_case, cache):
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        yield catalogue


def paths(catalogue, **criteria):
    rows, total = find(catalogue, **criteria)
    found = [bytes.fromhex(row["path_hex"]) if "path_hex" in row else row["path"].encode() for row in rows]
    assert total == len(found)
    return found


def test_by_what_came_of_the_newest_comparison_of_each_exhibit(fabricate, rows, cache):
    made = fabricate()
    files = [rows.other(b""), rows.file(b"a"), rows.file(b"b")]
    same, not_listed = {"result": "same", "compared": ["sha256"]}, {"result": "not_listed"}
    for exhibit in ("EX-001", "EX-002", "EX-003"):
        sealed = made.seal(exhibit, files)
        if exhibit != "EX-003":
            made.compare(exhibit, sealed, {1: not_listed, 2: not_listed})
        if exhibit == "EX-001":
            made.compare(exhibit, sealed, {1: same, 2: not_listed})
    with open_catalogue(made.path, cache_folder=cache) as catalogue:
        assert paths(catalogue, match="same") == [b"a"]
        assert paths(catalogue, match="not_listed") == [b"b", b"a", b"b"]
        assert paths(catalogue, match="not_listed", item="EX-001") == [b"b"]
        assert paths(catalogue, match="differs") == []
        with pytest.raises(BadArgument) as caught:
            find(catalogue, match="like")
    assert caught.value.code == "U214"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("*.txt", [b"a/b.txt", b"a/c/deep.txt", b"a/copy.txt", b"caf\xc3\xa9.txt", b"caf\xe9.txt"]),
        ("a/*.txt", [b"a/b.txt", b"a/c/deep.txt", b"a/copy.txt"]),
        ("a/?.txt", [b"a/b.txt"]),
        ("a/*/*", [b"a/c/deep.txt"]),
        ("*/deep*", [b"a/c/deep.txt"]),
        ("caf?.txt", [b"caf\xc3\xa9.txt", b"caf\xe9.txt"]),
        ("caf[\u00e0-\u00ef].txt", [b"caf\xc3\xa9.txt"]),
        ("caf[!\u00e0-\u00ef].txt", [b"caf\xe9.txt"]),
        (os.fsdecode(b"caf\xe9*"), [b"caf\xe9.txt"]),
        (os.fsdecode(b"\xff*"), [b"\xff\xfe"]),
        (".*", [b".hidden"]),
        ("*.pdf", []),
        ("*.PDF", [b"Report.PDF"]),
        ("b.txt", [b"a/b.txt"]),
        ("new*line", [b"new\nline"]),
        ("new\nline", [b"new\nline"]),
        ("back\\*", [b"back\\slash"]),
        ("empty[12]", [b"a/empty1", b"a/empty2"]),
        ("[", []),
        ("", [b""]),
        ("\u8bc1*", ["\u8bc1\u636e\u6587\u4ef6.doc".encode()]),
    ],
)
def test_globs(odd, name, expected):
    assert paths(odd, name=name) == expected


def test_a_star_matches_everything(odd):
    assert len(paths(odd, name="*")) == 24
    assert paths(odd, name="*")[:2] == [b"", b".hidden"]


def test_case_matters_unless_told_otherwise(odd):
    assert paths(odd, name="*.pdf", ignore_case=True) == [b"Report.PDF"]
    assert paths(odd, name="CAF\u00c9*", ignore_case=True) == [b"caf\xc3\xa9.txt"]
    assert paths(odd, path_contains="REPORT") == []
    assert paths(odd, path_contains="rEPORT.p", ignore_case=True) == [b"Report.PDF"]
    assert paths(odd, path_contains=os.fsdecode(b"CAF\xe9"), ignore_case=True) == [b"caf\xe9.txt"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("opy", [b"a/copy.txt"]),
        ("a/c", [b"a/c", b"a/c/deep.txt", b"a/copy.txt"]),
        ("a/c/", [b"a/c/deep.txt"]),
        ("c/deep", [b"a/c/deep.txt"]),
        ("txt", [b"a/b.txt", b"a/c/deep.txt", b"a/copy.txt", b"caf\xc3\xa9.txt", b"caf\xe9.txt"]),
        ("\u8bc1\u636e", ["\u8bc1\u636e\u6587\u4ef6.doc".encode()]),
        ("\u636e\u6587\u4ef6", ["\u8bc1\u636e\u6587\u4ef6.doc".encode()]),
        ("ew\nli", [b"new\nline"]),
        ('"quote"', [b'comma, "quote"']),
        ('a, "q', [b'comma, "quote"']),
        ("af\u00e9.t", [b"caf\xc3\xa9.txt"]),
        (os.fsdecode(b"\xe9.txt"), [b"caf\xe9.txt"]),
        (os.fsdecode(b"\xa9.txt"), [b"caf\xc3\xa9.txt"]),
        ("xe9", []),
        ("k\\s", [b"back\\slash"]),
        ("*.*", []),
        ("deep.txt and much more that is in no name of this case at all, however long", []),
        ("///", []),
        ("nul\0nul", []),
    ],
)
def test_text_in_paths(odd, text, expected):
    assert paths(odd, path_contains=text) == expected


def test_digests_are_known_by_their_length(odd):
    assert paths(odd, digest=hashlib.sha256(b"same").hexdigest()) == [b"a/b.txt", b"a/copy.txt"]
    assert paths(odd, digest=f" {hashlib.sha256(b'deep').hexdigest().upper()}\n") == [b"a/c/deep.txt"]
    assert paths(odd, digest=hashlib.sha256(b"deep").hexdigest()[:9]) == [b"a/c/deep.txt"]
    assert paths(odd, digest=hashlib.md5(b"9", usedforsecurity=False).hexdigest()) == [
        "\u8bc1\u636e\u6587\u4ef6.doc".encode()
    ]
    assert paths(odd, digest="0" * 40) == []
    assert paths(odd, digest="0" * 128) == []
    row = next(find(odd, name="*.PDF")[0])
    _, found = query(odd, "SELECT blake3 FROM rows WHERE idx = ?", (row["index"],))
    assert paths(odd, digest=next(found)[0]) == [b"Report.PDF"]


@pytest.mark.parametrize("digest", ["", "xyz", "abc", "f" * 65, "0x" + "f" * 62])
def test_digests_that_are_none(odd, digest):
    with pytest.raises(BadArgument) as caught:
        find(odd, digest=digest)
    assert caught.value.code == "U213"


def test_sizes_times_kinds_states_types(odd):
    assert paths(odd, larger=4) == [b"Report.PDF"]
    assert paths(odd, larger=3, smaller=5, name="*.txt") == [b"a/b.txt", b"a/c/deep.txt", b"a/copy.txt"]
    assert paths(odd, larger=2**70) == []
    assert len(paths(odd, smaller=2**70)) == 19
    assert paths(odd, before=0) == [b"", b"a", b"a/c", b"a/link", b"pipe"]
    assert len(paths(odd, after=1_700_000_000_123_456_789)) == 19
    assert paths(odd, after=1_700_000_000_123_456_790) == []
    assert paths(odd, kind="fifo") == [b"pipe"]
    assert paths(odd, state="not_read") == [b"locked"]
    assert len(paths(odd, state="complete")) == 22
    assert paths(odd, media_type="application/*") == [b"Report.PDF"]
    assert paths(odd, media_type="TEXT/plain") == [b"a/b.txt"]
    assert len(paths(odd, item="EX-001")) == 24


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ({"kind": "folder"}, "U214"), ({"state": "\x1b"}, "U214"), ({"item": "EX-009"}, "U215"),
        ({"limit": -1}, "U214"), ({"offset": -1}, "U214"), ({"name": "/a"}, "U214"), ({"name": "a/"}, "U214"),
    ],
)  # fmt: skip
def test_criteria_that_cannot_be_met_are_refused(odd, criteria, code):
    with pytest.raises(BadArgument) as caught:
        find(odd, **criteria)
    assert caught.value.code == code
    assert "\x1b" not in str(caught.value)


def test_pages(odd):
    rows, total = find(odd, limit=2, offset=3)
    assert ([row["index"] for row in rows], total) == ([3, 4], 24)
    assert list(find(odd, limit=0)[0]) == []


def test_a_row(odd):
    assert list(find(odd, name="Report.PDF")[0]) == [
        {
            "item": "EX-001",
            "index": 2,
            "path": "Report.PDF",
            "kind": "file",
            "size": 6,
            "state": "complete",
            "sha256": hashlib.sha256(b"%PDF-1").hexdigest(),
            "media_type": "application/pdf",
            "mtime": "2023-11-14T22:13:20.123456789Z",
            "mtime_ns": 1_700_000_000_123_456_789,
        }
    ]
    link = next(find(odd, kind="symlink")[0])
    assert (link["target"], link["target_hex"]) == (r"to\xff", "746fff")
    assert link["mtime"] == "1969-12-31T23:59:59.999999999Z"
    assert [row.get("stream") for row in find(odd, name="streamed")[0]] == [None, "Zone.Identifier"]
    assert next(find(odd, state="vanished")[0])["reason"] == "permission_denied"
    row = next(find(odd, name="caf?.txt", offset=1)[0])
    assert row["path"] == display(bytes.fromhex(row["path_hex"]))


def test_two_searches_at_once(odd):
    one, two = find(odd, name="*.TXT", ignore_case=True)[0], find(odd, name="*.PDF", ignore_case=True)[0]
    assert next(one)["path"] == "a/b.txt"
    assert next(two)["path"] == "Report.PDF"
    assert next(one)["path"] == "a/c/deep.txt"


def test_closing_in_the_middle_of_an_answer(odd_case, cache):
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        rows, _ = find(catalogue)
        next(rows)
    with pytest.raises((BadArgument, StopIteration)):
        next(rows)


names = st.binary(max_size=12).filter(lambda name: b"\0" not in name)


@hypothesis.given(pattern=st.text("ab*?[]!-/\u00e9\\", max_size=8), path=st.text("ab*?[]!-/\u00e9\\", max_size=10))
def test_sqlite_and_python_read_a_glob_alike(pattern, path):
    """Where SQLite's own GLOB is used: patterns without sets."""
    import sqlite3

    if "[" in pattern:
        return
    connection = sqlite3.connect(":memory:")
    subject = path if "/" in pattern else path.rpartition("/")[2]
    by_sqlite = bool(connection.execute("SELECT ? GLOB ?", (subject, pattern)).fetchone()[0])
    connection.close()
    assert by_sqlite == glob_matches(pattern.encode(), False, path.encode()) == fnmatch.fnmatchcase(subject, pattern)


@hypothesis.given(path=names)
def test_a_name_matches_itself(path):
    pattern = b"".join(b"[" + bytes([byte]) + b"]" if byte in b"*?[" else bytes([byte]) for byte in path)
    hypothesis.assume(b"/" not in path)
    assert glob_matches(pattern, False, path)
    assert glob_matches(pattern, True, path)


@hypothesis.settings(max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    tree=st.lists(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=3), max_size=12),
    needle=st.binary(min_size=1, max_size=5),
)
def test_text_in_paths_is_what_bytes_say(tmp_path_factory, fabricate, rows, tree, needle):
    """The trigrams only narrow: the answer is that of a search in the raw bytes."""
    paths_of = {b"/".join(parts).replace(b"\0", b"x") for parts in tree}
    inside = sorted(
        (p for p in paths_of if all(part not in {b"", b".", b".."} for part in p.split(b"/"))),
        key=lambda p: p.split(b"/"),
    )
    made = fabricate(tmp_path_factory.mktemp("cases").name)
    made.seal("EX-001", [rows.other(b""), *map(rows.file, inside)])
    with open_catalogue(made.path, cache_folder=made.path / "work") as catalogue:
        for wanted in [needle, *inside[:3], *(path[1:5] for path in inside)]:
            if wanted and b"\0" not in wanted:
                assert paths(catalogue, path_contains=os.fsdecode(wanted)) == [
                    path for path in inside if wanted in path
                ]


# --- SQL -----------------------------------------------------------------------------------------------------------


def test_sql_answers_with_columns_and_rows(odd):
    columns, rows = query(
        odd, "SELECT kind, count(*) AS n FROM rows WHERE item = :item GROUP BY kind ORDER BY kind", {"item": "EX-001"}
    )
    assert columns == ["kind", "n"]
    assert list(rows) == [("directory", 3), ("fifo", 1), ("file", 19), ("symlink", 1)]
    assert list(query(odd, "WITH t(x) AS (VALUES (1), (2)) SELECT sum(x) FROM t")[1]) == [(3,)]
    assert list(
        query(
            odd,
            "SELECT name FROM rows WHERE seq IN (SELECT rowid FROM search_names WHERE search_names MATCH '\"eep\"')",
        )[1]
    ) == [("deep.txt",)]
    assert list(query(odd, "EXPLAIN QUERY PLAN SELECT 1")[1])


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM stored_rows", "UPDATE stored_rows SET path = 'x'", "INSERT INTO stored_rows DEFAULT VALUES", "DROP TABLE stored_rows",
        "CREATE TEMP TABLE t (x)", "CREATE VIEW v AS SELECT 1", "ATTACH 'other.db' AS other", "DETACH main",
        "PRAGMA user_version", "PRAGMA writable_schema = 1", "PRAGMA journal_mode = WAL", "BEGIN", "SAVEPOINT s",
        "SELECT load_extension('x')", "VACUUM INTO 'copy.db'", "REINDEX", "ANALYZE",
        "SELECT * FROM pragma_database_list", "INSERT INTO search_names (search_names) VALUES ('rebuild')",
    ],
)  # fmt: skip
def test_sql_that_would_do_more_than_read_is_refused(odd, sql, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(tmp_path)), odd.path.read_bytes()
    with pytest.raises(BadArgument) as caught:
        list(query(odd, sql)[1])
    assert caught.value.code == "U212"
    assert (sorted(os.listdir(tmp_path)), odd.path.read_bytes()) == before


@pytest.mark.parametrize(
    ("sql", "params", "part"),
    [
        ("SELEC 1", (), "syntax error"), ("SELECT nope FROM rows", (), "no such column"), ("SELECT 1; SELECT 2", (), "one statement"),
        ("", (), "asks for nothing"), ("-- nothing", (), "asks for nothing"), ("SELECT ?", (), "binding"), ("SELECT ?", (object(),), "support"),
        ("SELECT ?", (2**70,), "too large"), ("SELECT '\ud800'", (), "surrogates"), ("SELECT '\0'", (), "null"), ("SELECT CAST(x'ff' AS TEXT)", (), "UTF-8"),
        ("SELECT json_extract('{', '$')", (), "malformed JSON"),
    ],
)  # fmt: skip
def test_sql_that_cannot_be_run_says_why(odd, sql, params, part):
    with pytest.raises(BadArgument) as caught:
        list(query(odd, sql, params)[1])
    assert caught.value.code == "U211"
    assert part in caught.value.message


@pytest.mark.parametrize(
    "ask",
    [
        lambda odd: list(
            query(odd, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c")[1]
        ),
        lambda odd: list(
            query(
                odd,
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT sum(glob_matches(x'2a', 0, x'61')) FROM c",
            )[1]
        ),
    ],
)
def test_ctrl_c_stops_a_long_question(odd, ask):
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(Interrupted) as caught:
        ask(odd)
    timer.join()
    assert caught.value.code == "X499"
    assert len(paths(odd)) == 24


def test_a_damaged_index_says_what_to_do(odd_case, cache):
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        path = catalogue.path
    size = path.stat().st_size
    from evidencekit.catalogue import place

    with path.open("r+b") as file:
        file.seek(8192)
        for page in range(2, size // 4096):
            file.seek(page * 4096)
            if b"Report.PDF" in file.read(4096):
                file.seek(page * 4096)
                file.write(b"\x05" * 4096)
    place.mark_as_ours(path, cache, bytes(range(16)))
    with open_catalogue(odd_case.path, cache_folder=cache) as catalogue:
        assert not catalogue.built
        with pytest.raises(CannotFinish) as caught:
            list(query(catalogue, "SELECT * FROM rows")[1])
    assert caught.value.code == "X444"
    assert "index.sqlite" in caught.value.hint
