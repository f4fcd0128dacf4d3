"""Taking a source as the tests do, and a judge of manifests that shares nothing with the writer."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from evidencekit.acquire import columns, hand, jobs
from evidencekit.acquire.options import About, Edge, Options
from evidencekit.acquire.pipeline import Acquirer
from evidencekit.acquire.row import Entry
from evidencekit.acquire.source import look_at
from evidencekit.acquire.work import Work
from evidencekit.core.digest import group_commitment, group_salts, header_commitment
from evidencekit.core.encoding import GROUP, RECORD, decode
from evidencekit.core.merkle import Tree, leaf_hash
from evidencekit.core.records import (
    CONTENT,
    KINDS,
    MANIFEST,
    METADATA,
    NAME,
    REASONS,
    STATES,
    check_row,
    leaf_bytes,
    sort_key,
)
from evidencekit.core.values import read_name
from evidencekit.read.evidence import Reader

CASE = bytes(range(16))
PROGRAM = {"name": "evidencekit", "parts": {"blake3": "1"}, "version": "0.1"}


def make_random():
    """Return random bytes that are the same in every run."""
    count = itertools.count()
    return lambda size: hashlib.shake_256(b"%d" % next(count)).digest(size)


def make_clock(start=1_700_000_000_000_000_000):
    count = itertools.count(start, 1_000_000_000)
    return lambda: next(count)


class Judged:
    """A manifest whose every promise was checked; `rows` by path."""

    def __init__(self, taken, objects):
        self.taken = taken
        self.objects = objects
        data = taken.path.read_bytes()
        assert hashlib.sha256(data).digest() == taken.file_sha256
        parquet = pq.ParquetFile(taken.path, page_checksum_verification=True)
        texts = parquet.metadata.metadata
        assert texts[b"evidencekit.header"] == taken.header
        assert base64.b64decode(texts[b"evidencekit.header_salt"]) == taken.header_salt
        assert header_commitment(taken.header_salt, taken.header) == taken.header_commitment
        self.header = decode(taken.header, RECORD)
        MANIFEST.check(self.header)
        assert self.header == taken.header_record
        table = parquet.read().to_pylist()
        assert len(table) == taken.rows == int(self.header["totals"]["rows"])
        self.rows = {}
        leaves = []
        for stored in table:
            row = self._judge_row(stored)
            leaves.append((row.index, row.leaf))
            self.rows[row.path] = row
        assert len(self.rows) == len(table), "a path stands twice"
        assert len({row["row_salt"] for row in table}) == len(table)
        paths = [row["path"] for row in table]
        assert paths == sorted(paths, key=lambda path: sort_key(path, b""))
        assert sorted(index for index, _ in leaves) == list(range(len(leaves)))
        in_order = [leaf for _, leaf in sorted(leaves)]
        if self.header["order"] == "path":
            assert [index for index, _ in leaves] == list(range(len(leaves)))
        else:
            assert in_order == sorted(in_order)
        assert Tree(in_order).root() == taken.root
        self._judge_totals(table)

    def _judge_row(self, stored):
        name, content, metadata = (decode(stored[group], GROUP) for group in ("name", "content", "metadata"))
        NAME.check(name)
        CONTENT.check(content)
        METADATA.check(metadata)
        check_row(stored["kind"], name, content, metadata)
        assert read_name(name, "path") == stored["path"]
        assert content["state"] == stored["state"]
        assert (None if content["size"] is None else int(content["size"])) == stored["size"]
        assert (None if content["sha256"] is None else bytes.fromhex(content["sha256"])) == stored["sha256"]
        mtime = metadata.get("mtime_ns")
        assert (None if mtime is None else int(mtime)) == stored["mtime_ns"]
        for large in find_large([content, metadata]):
            whole = self.objects[large["sha256"]]
            assert str(len(whole)) == large["bytes"]
        salts = group_salts(stored["row_salt"])
        leaf = leaf_bytes(
            stored["kind"],
            group_commitment("name", salts.name, stored["name"]),
            group_commitment("content", salts.content, stored["content"]),
            group_commitment("metadata", salts.metadata, stored["metadata"]),
        )
        return SimpleNamespace(
            index=stored["index"],
            path=stored["path"],
            kind=stored["kind"],
            state=content["state"],
            name=name,
            content=content,
            metadata=metadata,
            leaf=leaf_hash(leaf),
        )

    def _judge_totals(self, table):
        totals = self.header["totals"]
        kinds, states = Counter(row["kind"] for row in table), Counter(row["state"] for row in table)
        assert totals["kinds"] == {kind: str(kinds[kind]) for kind in KINDS}
        assert totals["states"] == {state: str(states[state]) for state in STATES}
        assert int(totals["bytes"]) == sum(row["size"] or 0 for row in table if row["state"] in {"complete", "changed"})

    def states(self):
        return {path: (row.kind, row.state, row.content.get("reason")) for path, row in self.rows.items()}


def find_large(value):
    if isinstance(value, dict):
        if set(value) == {"bytes", "count", "sha256"}:
            yield value
        for member in value.values():
            yield from find_large(member)
    elif isinstance(value, list):
        for member in value:
            yield from find_large(member)


_NAMES = st.binary(min_size=1, max_size=8).filter(lambda name: b"\0" not in name and b"/" not in name)
_PATHS = st.lists(_NAMES, max_size=4).map(b"/".join)
_STREAMS = st.just(b"") | _NAMES
_DIGESTS = st.binary(min_size=32, max_size=32)
_ENTRIES = st.builds(
    Entry, path=_PATHS, stream=_STREAMS, kind=st.sampled_from(KINDS), name=st.binary(), content=st.binary(),
    metadata=st.binary(), size=st.none() | st.integers(0, 2**63 - 1), state=st.sampled_from(STATES),
    sha256=st.none() | _DIGESTS, mtime_ns=st.none() | st.integers(-(2**63), 2**63 - 1),
    reason=st.sampled_from(("", *REASONS)), copied=st.none() | _DIGESTS, stamp=st.none() | st.binary(), link=st.binary(),
    large=st.binary(), lost=st.integers(0, 2**63 - 1), gone=st.integers(0, 1),
)  # fmt: skip


@pytest.fixture(scope="session")
def any_rows():
    """Strategies: `entries` (any rows, odd ones, too), `keys` (pairs of path and stream)."""
    return SimpleNamespace(entries=_ENTRIES, keys=st.tuples(_PATHS, _STREAMS))


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory):
    """A folder in memory, where the system offers that: hundreds of files that are brought to the medium take a while."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of our own is made in it)
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("memory")
        return
    with tempfile.TemporaryDirectory(prefix="evidencekit-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def new_folder(in_memory):
    """Return a function that makes an empty folder there."""
    return lambda: Path(tempfile.mkdtemp(dir=in_memory))


@pytest.fixture
def common():
    """What `take` and `identify` are both given."""
    return {
        "case": CASE,
        "exhibit": "EX-001",
        "program": PROGRAM,
        "random": make_random(),
        "clock": make_clock(),
        "utc_offset_min": 60,
    }


def _acquire(source, case, common, *, progress=None, reader=None, host=None, resume=False, jobs=1, **options):
    """Take a source by way of a case's work folder; return what was taken, and the large values and copies by digest."""
    about = About(CASE, "EX-001", Options(**options), PROGRAM, host, 60)
    edge = Edge(common["clock"], common["random"], Reader if reader is None else lambda digests: reader, jobs)
    acquirer = Acquirer(look_at(Path(source)), about, edge, progress)
    Path(case).mkdir(exist_ok=True)
    with Work(case, "EX-001", bytes(32), resume=resume) as work:
        taken = acquirer.take(work)
        named = set(work.digests())
    objects = {path.name: path.read_bytes() for path in (work.folder / "objects").rglob("*") if path.is_file()}
    assert {bytes.fromhex(name) for name in objects} >= named
    return SimpleNamespace(taken=taken, objects=objects, acquirer=acquirer, work=work)


@pytest.fixture
def facts():
    """Return what of a judged manifest does not depend on when: without the access time, which the reading can move."""

    def of(judged):
        return {
            path: (row.kind, row.name, row.content, {k: v for k, v in row.metadata.items() if k != "atime_ns"})
            for path, row in judged.rows.items()
        }

    return of


@pytest.fixture
def row_by_row(monkeypatch):
    """Let whoever takes hand back a job after each row: then nothing that was finished is lost with what comes next."""
    monkeypatch.setattr(hand, "SECONDS", 0)
    monkeypatch.setattr(jobs, "ROWS", 4)


@pytest.fixture
def small_groups(monkeypatch):
    """Return a function that sets the rows of a row group."""
    return lambda rows: monkeypatch.setattr(columns, "ROW_GROUP", rows)


@pytest.fixture
def acquiring(common):
    """Return a function that takes a source by way of the work folder of a case."""
    return lambda source, case, **more: _acquire(source, case, common, **more)


@pytest.fixture
def taking(tmp_path_factory, acquiring):
    """Return a function that takes a source and judges the manifest."""

    def run(source, *, case=None, **more):
        done = acquiring(source, case or tmp_path_factory.mktemp("case"), **more)
        judged = Judged(done.taken, done.objects)
        judged.acquirer = done.acquirer
        judged.work = done.work
        return judged

    return run
