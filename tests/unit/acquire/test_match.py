"""A list against sealed rows: like for like, every row and every entry accounted for."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import os
import sqlite3
import sys
import tracemalloc
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evidencekit.acquire import comparison as comparison_module
from evidencekit.acquire.comparison import Comparison, SealedRow
from evidencekit.acquire.derived import Subject
from evidencekit.acquire.list_lines import Listed
from evidencekit.acquire.mapping import Mapping, mappings
from evidencekit.acquire.match import Asked, match
from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.opinions import DERIVED, MATCH
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Interrupted
from evidencekit.read.parquet import ManifestFile


def _load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


cb = _load("casebuilder")
NUMBERS = itertools.count(1)


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def file(path, data=b"x", **more):
    """A file's row with an MD5, too."""
    row = cb.file_row("", data, **({"md5": md5(data)} | more))
    name = {"path": path.decode()} if path.isascii() or _is_text(path) else {"path_hex": path.hex()}
    return row | {"name": {"_t": "evidencekit/name/1"} | name}


def _is_text(path):
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def unread(path, state="not_read", reason="permission_denied"):
    return cb.file_row(path, size="5", sha256=None, blake3=None, state=state, reason=reason)


DIGESTS = {"digests": ["blake3", "md5", "sha256"]}
ROWS = (
    cb.folder_row(),
    file(b"a.txt", b"one"),
    cb.folder_row("docs"),
    file(b"docs/b.txt", b"two"),
    file(b"docs/caf\xe9", b"three"),
    file(b"docs/copy", b"one"),
    unread("docs/locked"),
    file(b"new\nline", b"four"),
    cb.folder_row("pipe", "fifo"),
)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return cb.Builder(tmp_path_factory.mktemp("office"))


@pytest.fixture
def built(office):
    """A function that seals rows and opens their manifest."""
    files = []

    def make(rows=ROWS, **header):
        where = office.seal(rows, exhibit=f"EX-{next(NUMBERS)}", header=DIGESTS | header)
        files.append((office.case / where).open("rb"))
        manifest = ManifestFile(files[-1], where)
        return manifest, json.loads(manifest.header)

    yield make
    for one in files:
        one.close()


class Outcome:
    """What `match` gave, with every promise checked."""

    def __init__(self, done, manifest):
        self.done = done
        self.header = done.taken.header_record
        DERIVED.check(self.header)
        assert encoding.decode(done.taken.header) == self.header
        table = pq.read_table(done.taken.path).to_pylist()
        assert len(table) == done.taken.rows
        paths = {row.index: row.path for row in manifest.rows()}
        self.by_path = {}
        for place, row in enumerate(table):
            opinion = encoding.decode(row["opinion"], GROUP)
            MATCH.check(opinion)
            assert (row["index"], row["result"]) == (place, opinion["result"])
            self.by_path[paths[row["base_index"]]] = opinion
        indexes = [row["base_index"] for row in table]
        assert indexes == sorted(set(indexes))
        counts = Counter(opinion["result"] for opinion in self.by_path.values())
        totals = {name: int(count) for name, count in self.header["totals"].items()}
        assert totals.pop("rows") == len(table) == sum(totals.values())
        assert totals == {name: counts[name] for name in totals}
        self.answers = list(done.answers())
        assert len(self.answers) == len(table) - counts["same"] + int(self.header["match"]["missing"])
        self.missing = [answer.path for answer in self.answers if answer.index is None]
        for answer in self.answers:
            if answer.index is not None:
                assert encoding.decode(answer.opinion, GROUP) == self.by_path[answer.path]

    @property
    def results(self):
        return {path: opinion["result"] for path, opinion in self.by_path.items()}

    @property
    def match(self):
        return self.header["match"]


@pytest.fixture
def matching(built, tmp_path):
    """A function that compares a list with rows."""
    count = 0

    def run(data, rows=ROWS, *, header=None, asked=None, tell=None):
        nonlocal count
        count += 1
        work = tmp_path / f"work-{count}"
        work.mkdir()
        (tmp_path / "list").write_bytes(data)
        manifest, sealed = built(rows, **(header or {}))
        subject = Subject(cb.IDENTITY, "EX-1", 1, bytes(32), cb.PROGRAM, None)
        done = match(
            Asked(tmp_path / "list", **(asked or {})), manifest, sealed, work, subject,
            clock=lambda: 10**18, random=os.urandom, tell=tell,
        )  # fmt: skip
        with done:
            return Outcome(done, manifest)

    return run


def sums(*pairs, kind=sha256):
    return b"".join(b"%s  %s\n" % (kind(data).encode(), name) for name, data in pairs)


EVERYTHING = ((b"a.txt", b"one"), (b"docs/b.txt", b"two"), (b"docs/caf\xe9", b"three"), (b"docs/copy", b"one"))


def hashdeep(*pairs):
    lines = [b"%d,%s,%s,%s\n" % (len(data), md5(data).encode(), sha256(data).encode(), name) for name, data in pairs]
    return b"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## \n" + b"".join(lines)


# --- results ------------------------------------------------------------------------------------------------------


def test_everything_is_the_same(matching):
    data = hashdeep(*EVERYTHING)
    found = matching(data)
    assert found.results == {
        b"a.txt": "same", b"docs/b.txt": "same", b"docs/caf\xe9": "same", b"docs/copy": "same",
        b"docs/locked": "not_comparable", b"new\nline": "not_listed",
    }  # fmt: skip
    assert found.by_path[b"a.txt"]["compared"] == ["md5", "sha256", "size"]
    assert found.header["engine"] == {"data_sha256": sha256(data), "name": "hashdeep", "version": "1.0"}
    assert found.match == {
        "digests": ["md5", "sha256"], "entries": "4", "mapping": {"add": "", "backslashes": False, "remove": ""},
        "missing": "0", "under": "", "unreadable_lines": "0",
    }  # fmt: skip


def test_what_differs_is_named_with_what_the_list_says(matching):
    found = matching(hashdeep((b"a.txt", b"two"), (b"docs/b.txt", b"Two")))
    assert found.by_path[b"a.txt"] == {
        "_t": "evidencekit/match/1", "compared": ["md5", "sha256", "size"],
        "listed": {"md5": md5(b"two"), "sha256": sha256(b"two")}, "result": "differs",
    }  # fmt: skip
    assert found.results[b"docs/b.txt"] == "differs"


def test_a_size_alone_can_differ(matching):
    line = b"%%%%%%%% HASHDEEP-1.0\n%%%%%%%% size,sha256,filename\n7,%s,a.txt\n" % sha256(b"one").encode()
    found = matching(line)
    assert found.by_path[b"a.txt"]["listed"] == {"size": "7"}


def test_what_is_listed_under_another_path_is_moved(matching):
    found = matching(sums((b"a.txt", b"three"), (b"elsewhere", b"two"), (b"z", b"two"), (b"caf\xe9", b"three")))
    assert found.by_path[b"docs/b.txt"] == {
        "_t": "evidencekit/match/1", "compared": ["sha256"], "listed_as": "elsewhere", "result": "moved",
    }  # fmt: skip
    assert found.by_path[b"docs/caf\xe9"]["listed_as"] == "a.txt"
    assert found.results[b"a.txt"] == "differs"
    assert found.missing == []


def test_the_name_of_what_is_moved_need_not_be_text(matching):
    found = matching(
        sums(
            (b"\xff", b"two"),
        )
    )
    assert found.by_path[b"docs/b.txt"]["listed_as_hex"] == "ff"


def test_missing_entries_are_named_in_their_order(matching):
    found = matching(sums((b"gone2", b"?"), (b"a.txt", b"one"), (b"gone1", b"??"), (b"there", b"one")))
    assert found.missing == [b"gone2", b"gone1"]
    assert [answer.line for answer in found.answers if answer.index is None] == [1, 3]
    assert found.match["missing"] == "2"


def test_what_was_not_read_cannot_be_compared_whatever_is_listed(matching):
    for rows in ((unread("docs/locked"),), (unread("docs/locked", "vanished", "not_found"),)):
        found = matching(sums((b"docs/locked", b"?")), rows=(cb.folder_row(), cb.folder_row("docs"), *rows))
        assert found.results == {b"docs/locked": "not_comparable"}
        assert found.missing == []


def test_a_changed_file_has_digests_as_read(matching):
    row = file(b"a", b"one", state="changed")
    row["metadata"] = row["metadata"] | {"after": {"ctime_ns": "1", "mtime_ns": "1", "size": "9"}}
    assert matching(sums((b"a", b"one")), rows=(cb.folder_row(), row)).results == {b"a": "same"}


def test_one_entry_that_differs_shows_where_a_name_is_listed_twice(matching):
    found = matching(sums((b"a.txt", b"one"), (b"a.txt", b"old"), (b"a.txt", b"older")))
    assert found.by_path[b"a.txt"]["listed"] == {"sha256": sha256(b"old")}
    assert found.missing == []


def test_digests_of_a_name_on_several_lines_are_taken_together(matching):
    text = f"SHA256 (a.txt) = {sha256(b'one')}\nMD5 (a.txt) = {md5(b'one')}\nSHA384 (a.txt) = {'0' * 96}\n"
    found = matching(text.encode())
    assert found.by_path[b"a.txt"]["compared"] == ["md5", "sha256"]
    assert found.match["digests"] == ["md5", "sha256"]
    assert found.by_path[b"docs/copy"] == {
        "_t": "evidencekit/match/1", "compared": ["sha256"], "listed_as": "a.txt", "result": "moved",
    }  # fmt: skip


def test_entries_without_a_digest_that_both_have(matching):
    text = f"path,size,md5\na.txt,3,\ndocs/b.txt,4,\ndocs,,\nnowhere,,\nnew,,{md5(b'four')}\n"
    found = matching(text.encode())
    assert found.results[b"a.txt"] == "not_comparable"  # of the same size, which proves nothing
    assert found.by_path[b"docs/b.txt"]["listed"] == {"size": "4"}
    assert found.by_path[b"docs/b.txt"]["compared"] == ["size"]
    assert found.by_path[b"new\nline"]["listed_as"] == "new"
    assert found.missing == [b"nowhere"]  # `docs` is a folder that is there


def test_a_listed_digest_of_what_has_no_content_here_is_missing(matching):
    found = matching(sums((b"pipe", b"?"), (b"docs", b"one")))
    assert found.missing == [b"pipe"]  # the content listed as `docs` is in rows


def test_digests_that_only_one_of_both_has_do_not_count(matching):
    found = matching(
        b"%%%%%%%% HASHDEEP-1.0\n%%%%%%%% size,md5,tiger,filename\n3,%s,%s,a.txt\n" % (md5(b"one").encode(), b"0" * 48)
    )
    assert found.by_path[b"a.txt"]["compared"] == ["md5", "size"]


def test_streams_are_no_files_of_their_own(matching):
    stream = file(b"a", b"s")
    stream["name"] = stream["name"] | {"stream": "Zone"}
    found = matching(sums((b"a", b"one")), rows=(cb.folder_row(), file(b"a", b"one"), stream))
    assert found.results == {b"a": "same"}


def test_a_name_that_only_looks_like_a_stream(matching):
    found = matching(sums((b'"stream', b"one")), rows=(cb.folder_row(), file(b'"stream', b"one")))
    assert found.results == {b'"stream': "same"}


@pytest.mark.parametrize("order", ["path", "shuffled"])
def test_rows_in_any_order(matching, order):
    found = matching(hashdeep(*EVERYTHING), header={"order": order})
    assert Counter(found.results.values()) == {"same": 4, "not_comparable": 1, "not_listed": 1}


def test_the_source_may_be_one_file(matching):
    for kind, path in (("file", "/mnt/disk.dd"), ("block_device", "/dev/sdb")):
        source = {"atime": "untouched", "host": None, "kind": kind, "mount": None, "path": path}
        own = path.rpartition("/")[2].encode()
        for name in (own, path.encode(), b"./" + own):
            row = file(b"", b"image") | {"kind": kind}
            found = matching(sums((name, b"image")), rows=(row,), header={"source": source})
            assert found.results == {b"": "same"}


def test_lines_that_were_not_understood_are_counted(matching):
    found = matching(sums((b"a.txt", b"one")) + b"?\n")
    assert found.match["unreadable_lines"] == "1"
    assert [unreadable.line for unreadable in found.done.unreadable] == [2]


# --- names --------------------------------------------------------------------------------------------------------

SOURCE = {"atime": "untouched", "host": None, "kind": "directory", "mount": None, "path": "/mnt/stick"}
MAPPED = {
    "as they are": (b"", {}, {"remove": ""}),
    "here": (b"./", {}, {"remove": ""}),
    "here twice": (b"././", {}, {"remove": ""}),
    "the source's path": (b"/mnt/stick/", {}, {"remove": "/mnt/stick/"}),
    "the source's name": (b"stick/", {}, {"remove": "stick/"}),
    "the source's name here": (b"./stick/", {}, {"remove": "stick/"}),
    "from the root": (b"/", {}, {"remove": "/"}),
    "our list of several": (b"EX-1/", {}, {"remove": "EX-1/"}),
    "said": (b"/img_x/vol/", {"strip": b"/img_x/vol/"}, {"remove": "/img_x/vol/"}),
    "said without slash": (b"/img_x/vol/", {"strip": b"/img_x/vol"}, {"remove": "/img_x/vol/"}),
    "said, not text": (b"\xff/", {"strip": b"\xff"}, {"remove_hex": "ff2f"}),
    "said here": (b"./x/", {"strip": b"./x"}, {"remove": "x/"}),
}


@pytest.mark.parametrize("name", MAPPED)
def test_names_become_paths(matching, name):
    before, asked, mapping = MAPPED[name]
    data = sums(*((before + path, content) for path, content in EVERYTHING))
    found = matching(data, asked=asked, header={"source": SOURCE})
    assert Counter(found.results.values())["same"] == 4
    assert found.match["mapping"] == {"add": "", "backslashes": False, **mapping}
    assert found.done.fits == 4


@pytest.mark.parametrize("before", [b"", b"E:\\", b".\\"])
def test_names_of_windows(matching, before):
    names = ((before + path.replace(b"/", b"\\"), content) for path, content in EVERYTHING)
    found = matching(sums(*names), asked={"strip": before} if b":" in before else None)
    assert Counter(found.results.values())["same"] == 4
    assert found.match["mapping"]["backslashes"] is True


def test_a_backslash_in_a_name_stays_where_names_fit_as_they_are(matching):
    rows = (cb.folder_row(), file(b"back\\slash", b"one"), file(b"c", b"two"))
    found = matching(sums((b"back\\slash", b"one"), (b"c", b"two")), rows=rows)
    assert set(found.results.values()) == {"same"}
    assert found.match["mapping"]["backslashes"] is False


def test_the_way_that_fits_most_names_wins(matching):
    names = [(b"stick/" + path, content) for path, content in EVERYTHING]
    found = matching(sums((b"a.txt", b"one"), *names), header={"source": SOURCE})
    assert found.match["mapping"]["remove"] == "stick/"
    assert found.done.fits == 4


def test_a_list_whose_names_fit_in_no_way(matching):
    found = matching(sums((b"X:/y/a.txt", b"one"), (b"X:/y/gone", b"?")))
    assert found.done.fits == 0
    assert found.results[b"a.txt"] == "moved"
    assert found.missing == [b"X:/y/gone"]


def test_mappings_are_tried_once_each_the_plainest_first():
    tried = list(mappings(SOURCE, "EX-1", under=b"", strip=b"", backslashes=False))
    assert tried[0] == Mapping()
    assert [mapping.remove for mapping in tried] == [b"", b"/mnt/stick/", b"stick/", b"EX-1/", b"/"]
    both = list(mappings(SOURCE, "EX-1", under=b"docs", strip=b"D:\\", backslashes=True))
    assert len(set(both)) == len(both)
    assert both[0] == Mapping(b"D:\\")
    assert Mapping(b"D:/", b"docs/", backslashes=True) in both


def test_a_name_of_dots_and_slashes_takes_linear_time():
    assert Mapping().path(b"./" * 60_000 + b"a") == b"a"


# --- a subfolder --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("names", "add"), [((b"b.txt", b"caf\xe9"), "docs/"), ((b"docs/b.txt", b"docs/caf\xe9"), "")])
@pytest.mark.parametrize("under", [b"docs", b"docs/", b"./docs"])
def test_a_list_of_a_subfolder(matching, names, add, under):
    found = matching(sums((names[0], b"two"), (names[1], b"three"), (b"?", b"four")), asked={"under": under})
    assert found.results == {
        b"docs/b.txt": "same", b"docs/caf\xe9": "same", b"docs/copy": "not_listed", b"docs/locked": "not_comparable",
    }  # fmt: skip
    assert found.match["mapping"]["add"] == add
    assert found.match["under"] == "docs"
    assert found.missing == [b"?"]  # its content is in a row, but not in one that the list speaks of


def test_a_subfolder_that_is_one_file(matching):
    found = matching(sums((b"docs/b.txt", b"two")), asked={"under": b"docs/b.txt"})
    assert found.results == {b"docs/b.txt": "same"}


def test_folders_of_a_longer_name_do_not_lie_in_it(matching):
    rows = (cb.folder_row(), cb.folder_row("d"), file(b"d/a", b"one"), cb.folder_row("d2"), file(b"d2/a", b"two"))
    assert matching(sums((b"a", b"one")), rows=rows, asked={"under": b"d"}).results == {b"d/a": "same"}


# --- what is refused ----------------------------------------------------------------------------------------------


def refused(matching, code, data, **more):
    with pytest.raises((BadArgument, CannotFinish)) as caught:
        matching(data, **more)
    assert caught.value.code == code
    return str(caught.value)


def test_no_digest_in_common(matching):
    data = sums((b"a.txt", b"one"), kind=lambda data: hashlib.sha1(data, usedforsecurity=False).hexdigest())
    text = refused(matching, "U218", data)
    assert "sha1" in text
    assert "acquire --hash sha1" in text
    assert "blake3 md5 sha256" in text


def test_no_digest_in_common_and_none_that_could_be_taken(matching):
    text = refused(matching, "U218", b"SHA384 (a) = " + b"0" * 96 + b"\n")
    assert "Make the list with one of these" in text


def test_no_entry(matching):
    assert "line 4" in refused(matching, "U217", b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n## \nx\n")
    refused(matching, "U217", b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n")
    refused(matching, "U217", b"what is this?\n")


def test_no_such_folder(matching):
    refused(matching, "U219", sums((b"a.txt", b"one")), asked={"under": b"nowhere"})


def test_a_list_that_cannot_be_read(built, tmp_path):
    manifest, header = built()
    subject = Subject(cb.IDENTITY, "EX-001", 1, bytes(32), cb.PROGRAM, None)
    with pytest.raises(CannotFinish) as caught:
        match(Asked(tmp_path / "no"), manifest, header, tmp_path, subject, clock=lambda: 0, random=os.urandom)
    assert caught.value.code == "X403"


def test_no_room_for_the_comparison(built, tmp_path):
    manifest, header = built()
    (tmp_path / "list").write_bytes(sums((b"a", b"one")))
    subject = Subject(cb.IDENTITY, "EX-001", 1, bytes(32), cb.PROGRAM, None)
    with pytest.raises(CannotFinish) as caught:
        match(Asked(tmp_path / "list"), manifest, header, tmp_path / "no", subject, clock=lambda: 0, random=os.urandom)
    assert caught.value.code == "X447"


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"sha256":"x","size":"1"}', b'{"sha256":7,"size":"1"}'])
def test_rows_that_are_none(matching, content):
    with pytest.raises(FormatError):
        matching(sums((b"a", b"one")), rows=(cb.folder_row(), cb.file_row("a") | {"content": content}))


def test_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_module, "_STEPS", 100)
    with Comparison(tmp_path / "c", ["sha256"]) as comparison:
        comparison.add_entries(Listed(n, b"%d" % n, None, {"sha256": bytes(32)}) for n in range(1000))
        comparison.add_rows([])
        comparison._db.set_progress_handler(lambda: 1, 1)
        with pytest.raises(Interrupted):
            comparison.missing()


def test_a_memory_error_of_sqlite_is_said(tmp_path):
    with Comparison(tmp_path / "c", ["sha256"]) as comparison:
        comparison._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100)
        with pytest.raises(CannotFinish):
            comparison.add_rows([SealedRow(0, b"x" * 1000, False, None, {})])


# --- scale --------------------------------------------------------------------------------------------------------


def test_progress_is_told(matching):
    told = []
    matching(sums(*EVERYTHING), tell=lambda what, count: told.append((what, count)))
    assert {what for what, _ in told} == {"entries read", "rows read", "rows compared"}


def test_memory_does_not_grow_with_rows_and_entries(tmp_path):
    def peak(count):
        with Comparison(tmp_path / f"c{count}", ["blake3", "md5", "sha256"]) as comparison:
            tracemalloc.start()
            facts = ({"sha256": hashlib.sha256(b"%d" % n).digest()} for n in range(count))
            comparison.add_entries(Listed(n, b"./%d" % (n * 2), 1, one) for n, one in enumerate(facts))
            facts = ({"sha256": hashlib.sha256(b"%d" % n).digest()} for n in range(count))
            comparison.add_rows(SealedRow(n, b"%d" % n, True, 1, one) for n, one in enumerate(facts))
            comparison.choose([Mapping(b"x"), Mapping()])
            assert sum(1 for _ in comparison.opinions()) == count
            assert comparison.missing() == 0
            assert sum(1 for _ in comparison.answers()) == count - comparison.results["same"]
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    assert peak(2000) < 400_000
    assert peak(6000) < 400_000  # 67 bytes each


def test_one_name_on_many_lines_takes_no_memory(tmp_path):
    with Comparison(tmp_path / "c", ["sha256"]) as comparison:
        comparison.add_entries(Listed(n, b"a", None, {"sha256": bytes(32)}) for n in range(50_000))
        comparison.add_rows([SealedRow(0, b"a", True, 1, {"sha256": bytes(32)})])
        comparison.choose([Mapping()])
        tracemalloc.start()
        assert [opinion.view for opinion in comparison.opinions()] == ["same"]
        assert tracemalloc.get_traced_memory()[1] < 200_000
        tracemalloc.stop()


def test_the_join_needs_no_sorting(tmp_path):
    with Comparison(tmp_path / "c", ["md5", "sha256"]) as comparison:
        comparison.add_entries([Listed(1, b"a", 1, {"md5": bytes(16)})])
        comparison.add_rows([SealedRow(0, b"a", True, 1, {"md5": bytes(16), "sha256": bytes(32)})])
        comparison.choose([Mapping()])
        plans = []
        comparison._db.set_trace_callback(plans.append)
        list(comparison.opinions())
        comparison._db.set_trace_callback(None)
        sql = next(sql for sql in plans if "LEFT JOIN" in sql)
        plan = " ".join(row[3] for row in comparison._db.execute("EXPLAIN QUERY PLAN " + sql))
        assert "entries_path" in plan
        assert "TEMP B-TREE" not in plan
