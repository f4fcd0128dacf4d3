"""Random rows of manifests, right and wrong ones, as batches of columns: what a check reads, without a file."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

from hypothesis import strategies as st

from evidencekit.verify.crew import Undone


def _load():
    if "casebuilder" not in sys.modules:
        path = Path(__file__).parents[1] / "casebuilder.py"
        spec = importlib.util.spec_from_file_location("casebuilder", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["casebuilder"] = module
        spec.loader.exec_module(module)
    return sys.modules["casebuilder"]


cb = _load()
COLUMNS = ("index", "row_salt", "name", "content", "metadata", "kind", "path", "size", "state", "sha256", "mtime_ns")
LARGE = {"bytes": "600000", "count": "1", "sha256": "ab" * 32}
NAMES = ("a", "b", "c", "a.b", "A", "é", "z\n", "...", 'q"', "long" * 9)


class Manifest:
    """Rows in batches of some size, as a `ManifestFile` gives them."""

    def __init__(self, rows, batch, groups=1):
        self.rows = rows
        self.rows_count = len(rows)
        self._batch = batch
        sizes = [batch * groups] * (len(rows) // (batch * groups))
        rest = len(rows) - sum(sizes)
        self.row_groups = tuple([*sizes, rest] if rest else sizes)

    def batches(self, columns=None, *, start=0, stop=None):
        first = 0
        for size in self.row_groups:
            if stop is not None and first >= stop:
                return
            if first + size > start:
                for at in range(first, first + size, self._batch):
                    part = self.rows[at : min(at + self._batch, first + size)]
                    yield at, {name: [row[name] for row in part] for name in columns or COLUMNS}
            first += size


class Crew:
    """Does what workers do, here, and sends it pickled; some of it nobody does, some only in part."""

    is_there, size, is_asked = True, 2, True

    def __init__(self, draw):
        self._draw = draw

    def results(self, jobs, manifest, tell=None):
        bench = SimpleNamespace(tell=tell, manifest=lambda *_: manifest)
        for job in jobs:
            how = self._draw(st.integers(0, 9))
            if how == 0:
                yield Undone()
                continue
            again = pickle.loads(pickle.dumps(job))  # noqa: S301 - just made
            result = pickle.loads(pickle.dumps(again.do(bench)))  # noqa: S301 - just made
            if how == 1 and isinstance(result, list):
                result = [*result[: self._draw(st.integers(0, len(result)))], None]
            yield result


@st.composite
def tree(draw, depth=3):
    """Return paths of a tree in order, each with whether it is a folder."""
    found = []

    def grow(prefix, depth):
        for name in sorted(draw(st.sets(st.sampled_from(NAMES), max_size=4)), key=str.encode):
            path = f"{prefix}{name}"
            is_folder = depth > 0 and draw(st.booleans())
            found.append((path, is_folder))
            if is_folder:
                grow(path + "/", depth - 1)

    grow("", depth)
    return [("", True), *found]


def plain(path, is_folder, number):
    if is_folder:
        return cb.folder_row(path)
    return cb.file_row(path, b"%d" % number, metadata={"uid": "0", "gid": "7"})


def odd(draw, path, number):
    """A row that is in order, but not plain."""
    name = {"_t": "evidencekit/name/1", "path": path}
    stream = {"name": {**name, "stream": "s"}}
    return draw(
        st.sampled_from(
            [
                cb.folder_row(path, state="not_listed", reason="excluded"),
                cb.file_row(path, state="not_read", blake3=None, sha256=None, reason="excluded", size=None),
                cb.file_row(path, state="changed", metadata={"after": {"ctime_ns": "1", "mtime_ns": "2", "size": "3"}}),
                cb.folder_row(path, kind="fifo"),
                cb.folder_row(path, kind="symlink") | {"name": {**name, "target": "x"}},
                cb.file_row(path, b"%d" % number) | stream,
                cb.file_row(path, b"%d" % number, metadata={"xattrs": LARGE}),
                cb.file_row(path, xattrs=[{"name": "security.selinux", "value": "eA=="}]),
                cb.file_row(path, metadata={"link_group": "1", "nlink": "2"}),
                cb.file_row(path, metadata={"link_group": "2", "nlink": "2"}),
                cb.file_row(path, metadata={"mtime_ns": str(2**70)}) | {"mtime_ns": None},
            ]
        )
    )


def broken(draw, path, number):
    """A row with which something is wrong, at least in most places."""
    return draw(
        st.sampled_from(
            [
                cb.file_row(path) | {"size": 7},
                cb.file_row(path) | {"state": "changed"},
                cb.file_row(path) | {"mtime_ns": 6},
                cb.file_row(path) | {"path": b"elsewhere"},
                cb.file_row(path) | {"content": b'{"_t": "evidencekit/content/1"}'},
                cb.file_row(path, metadata={"link_group": str(3 + number)}),
                cb.file_row(path, md5="0" * 32),
                cb.file_row(path) | {"kind": "pipe"},
                cb.file_row("b/c"),
                cb.folder_row("c"),
                cb.file_row("a/../b") | {"path": b"a/../b"},
                cb.file_row(path) | {"row_salt": bytes(16)},
                cb.file_row(path) | {"index": 0},
                cb.folder_row(path, state="not_listed", reason="excluded"),
            ]
        )
    )


@st.composite
def manifests(draw):
    """Return stored rows: a tree in order, with odd rows, and sometimes with wrong ones."""
    rows = []
    paths = draw(tree())
    wrong = draw(st.sampled_from([0, 0, 1, 4]))
    for number, (path, is_folder) in enumerate(paths):
        chance = draw(st.integers(0, 19))
        if path and chance < wrong:
            rows.append(broken(draw, path, number))
        elif path and not is_folder and chance > 15:
            rows.append(odd(draw, path, number))
        else:
            rows.append(plain(path, is_folder, number))
        if chance == 15 and path and not is_folder:
            again = cb.file_row(path)
            rows.append(again | {"name": {**again["name"], "stream": "s"}})
    if wrong and len(rows) > 2 and draw(st.booleans()):
        at = draw(st.integers(0, len(rows) - 2))
        rows[at], rows[at + 1] = rows[at + 1], rows[at]
    if wrong and rows and draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(rows) - 1))
        rows.insert(at, rows[at])
    if wrong and draw(st.integers(0, 5)) == 0:
        del rows[draw(st.integers(0, len(rows) - 1))]
    return rows


def stored(rows, order="path"):
    """Return rows with their columns, text as bytes, as a batch has them."""
    whole = [{"kind": row["kind"]} | cb.stored(row, index) for index, row in enumerate(rows)]
    if order == "shuffled":
        by_leaf = sorted(range(len(whole)), key=lambda place: cb.row_leaf(whole[place]))
        for index, place in enumerate(by_leaf):
            if whole[place]["index"] == place:
                whole[place]["index"] = index
    for row in whole:
        row["kind"], row["state"] = row["kind"].encode(), row["state"].encode()
    return whole


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
