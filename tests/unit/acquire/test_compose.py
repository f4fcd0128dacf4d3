"""What composing adds to rows: link groups, places; and what it leaves out."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import Counter

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.acquire import columns
from evidencekit.acquire import compose as module
from evidencekit.acquire.compose import LinkGroups, compose
from evidencekit.acquire.journal import EarlierRun, Run
from evidencekit.acquire.merging import merged_stretches
from evidencekit.acquire.row import Entry, sort_key
from evidencekit.acquire.rows import content_none, metadata_group, name_group, row_leaf_hash
from evidencekit.core.encoding import encode
from evidencekit.core.merkle import Tree


def entry(path, kind="file", state="complete", **more):
    return Entry(
        path=path, stream=b"", kind=kind, name=name_group(path), content=content_none(state), state=state,
        metadata=metadata_group(os.stat("/")), size=None, sha256=None, mtime_ns=0, **more,
    )  # fmt: skip


@pytest.fixture
def composing(tmp_path):
    def run(entries, **more):
        told = []
        taken = compose(
            entries, tmp_path / "manifest.parquet", tmp_path / "named", random=os.urandom,
            make_header=lambda totals: ({"totals": totals.record()}, b"{}"),
            progress=lambda path, totals: told.append((path, totals.rows)), **({"sensitive": False} | more),
        )  # fmt: skip
        table = pq.read_table(tmp_path / "manifest.parquet").to_pylist()
        return taken, [row["path"] for row in table], (tmp_path / "named").read_bytes(), told

    return run


def test_links_are_numbered_by_first_appearance():
    links = LinkGroups()
    assert [links.number(b"0 %d 2" % inode) for inode in (5, 3, 5, 9, 3)] == [1, 2, 1, 3, 2]


def test_same_inode_on_another_device_is_another_file():
    links = LinkGroups()
    assert [links.number(b"%d 7 2" % device) for device in (0, 66)] == [1, 2]


def test_group_is_forgotten_when_all_its_names_were_seen():
    links = LinkGroups()
    for inode in range(1000):
        for _ in range(3):
            assert links.number(b"0 %d 3" % inode) == inode + 1
    assert links._open == {}


def test_rows_whose_folder_is_gone_have_no_place(composing):
    """What was taken below a folder that is a file after an interruption: specs/manifest.md section 5."""
    rows = [
        entry(b"", "directory"), entry(b"a", "directory"), entry(b"a/b"), entry(b"c"), entry(b"c/lost", "directory"),
        entry(b"c/lost/too"), entry(b"d/lost"), entry(b"e", "directory"), entry(b"e/f", "directory"), entry(b"e/f/g"),
        entry(b"e/h"), entry(b"f"),
    ]  # fmt: skip
    taken, paths, _, _ = composing(rows)
    assert paths == [b"", b"a", b"a/b", b"c", b"e", b"e/f", b"e/f/g", b"e/h", b"f"]
    assert taken.rows == 9


def test_what_rows_name_is_listed(composing):
    first, second, third = (bytes([number]) * 32 for number in (1, 2, 3))
    rows = [entry(b"", "directory", large=first + second), entry(b"a", copied=third), entry(b"b")]
    taken, _, named, _ = composing(rows)
    assert named == first + second + third
    assert taken.copies == 1


def test_omissions_are_handed_back_up_to_a_bound(composing, monkeypatch):
    monkeypatch.setattr(module, "MAX_LISTED", 2)
    rows = [entry(b"", "directory")]
    rows += [entry(b"%d" % number, state="not_read", reason="io_error") for number in range(4)]
    taken, _, _, _ = composing(rows)
    assert [tuple(one) for one in taken.omitted] == [(b"0", "not_read", "io_error"), (b"1", "not_read", "io_error")]
    assert taken.reasons == {("not_read", "io_error"): 4}


def test_progress_is_told(composing):
    rows = [entry(b"", "directory"), *(entry(b"%05d" % number) for number in range(2100))]
    _, _, _, told = composing(rows)
    assert [rows for _, rows in told] == [*range(256, 2100, 256), 2101]
    assert [path for path, _ in told][:2] == [b"00254", b"00510"]


def test_totals_add_up(composing):
    rows = [
        entry(b"", "directory"), entry(b"a", state="partial")._replace(size=7), entry(b"b", state="changed")._replace(size=5),
        entry(b"c")._replace(size=11), entry(b"d", "symlink", gone=1), entry(b"e", state="not_read")._replace(size=3),
    ]  # fmt: skip
    taken, _, _, _ = composing(rows)
    totals = taken.header_record["totals"]
    assert (totals["rows"], totals["bytes"]) == ("6", "16")
    assert {kind: count for kind, count in totals["kinds"].items() if count != "0"} == {
        "directory": "1", "file": "4", "symlink": "1",
    }  # fmt: skip
    assert {state: count for state, count in totals["states"].items() if count != "0"} == {
        "complete": "3", "partial": "1", "changed": "1", "not_read": "1",
    }  # fmt: skip


# --- whole manifests, against a second, slow way of making them ---------------------------------------------------------

SECRET = bytes(range(32))
FIELDS = ("path", "kind", "name", "content", "state", "size", "sha256", "mtime_ns")


@st.composite
def trees(draw):
    """Rows of a small source, some of them without their folder; some files have several names, here or elsewhere."""
    shapes = draw(
        st.lists(st.lists(st.sampled_from([b"a", b"b", b"a-b", b"\xff"]), min_size=1, max_size=3), max_size=14)
    )
    keys = {(b"", b"")}
    for shape in shapes:
        keys.add((b"/".join(shape), b""))
        if draw(st.booleans()):
            keys |= {(b"/".join(shape[:depth]), b"") for depth in range(1, len(shape))}
        if draw(st.integers(0, 6)) == 0:
            keys.add((b"/".join(shape), draw(st.sampled_from([b"stream", b"\xfe"]))))
    rows = []
    for path, stream in sorted(keys, key=lambda key: sort_key(*key)):
        kind = "directory" if path == b"" or draw(st.integers(0, 2)) else "file"
        state = draw(st.sampled_from(["complete"] * 4 + ["changed", "partial", "not_read"]))
        digest = draw(st.none() | st.binary(min_size=32, max_size=32))
        rows.append(
            Entry(
                path=path, stream=stream, kind="file" if stream else kind, name=name_group(path, stream=stream or None),
                content=content_none(state, reason="io_error"), metadata=metadata_group(os.stat("/")), state=state,
                size=draw(st.none() | st.integers(0, 2**40)), sha256=digest, mtime_ns=draw(st.none() | st.integers(-9, 9)),
                reason="io_error" if state in {"partial", "not_read"} else "",
                copied=digest if draw(st.booleans()) else None, large=draw(st.sampled_from([b"", b"l" * 32, b"m" * 64])),
                link=b"0 %d 99" % draw(st.integers(1, 3)) if kind == "file" and draw(st.booleans()) else b"",
                gone=draw(st.integers(0, 1)),
            )
        )  # fmt: skip
    return rows


def slowly(rows):
    """What stands in the manifest, each with its metadata, and how many rows have no place: from all rows at once."""
    folders, last, links, standing = {b""}, None, {}, []
    for one in rows:
        if one.stream:
            has_place = one.path == last
        else:
            has_place = one.path == b"" or one.path.rpartition(b"/")[0] in folders
            last = one.path if has_place else last
        if has_place:
            folders |= {one.path} if one.kind == "directory" else set()
            metadata = json.loads(one.metadata)
            if one.link:
                metadata["link_group"] = str(links.setdefault(one.link, len(links) + 1))
            standing.append((one, encode(metadata)))
    return standing, len(rows) - len(standing)


@given(st.data())
@settings(max_examples=80)
def test_a_manifest_of_any_runs_is_that_of_its_rows(new_folder, data):
    rows = data.draw(trees())
    folder = new_folder()
    runs, count = [], data.draw(st.integers(1, 3))
    in_run = [data.draw(st.sets(st.integers(0, count - 1), min_size=1)) for _ in rows]
    for number in range(count):
        run = Run(folder / f"run-{number}", SECRET, {"_t": "x"}, random=os.urandom, elapsed=lambda: 0.0)
        with contextlib.closing(run):
            for one, numbers in zip(rows, in_run, strict=True):
                if number in numbers:
                    if data.draw(st.integers(0, 4)) == 0:
                        run.flush()
                    # Of a name that is in several runs the newest row counts.
                    older = one._replace(content=b"old", size=99, link=b"", large=b"x" * 32)
                    run.add(one if number == max(numbers) else older)
        runs.append(EarlierRun(folder / f"run-{number}", SECRET))
    standing, misplaced = slowly(rows)
    sensitive = data.draw(st.booleans())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "ROW_GROUP", data.draw(st.integers(1, 20)))
        told = []
        taken = compose(
            merged_stretches(runs), folder / "manifest", folder / "named", random=os.urandom, sensitive=sensitive,
            make_header=lambda totals: ({"totals": totals.record()}, b"{}"),
            progress=lambda path, totals: told.append((path, totals.rows)),
        )  # fmt: skip
    table = pq.read_table(folder / "manifest").to_pylist()
    assert [[row[name] for name in FIELDS] + [row["metadata"]] for row in table] == [
        [getattr(one, name) for name in FIELDS] + [metadata] for one, metadata in standing
    ]
    leaves = [
        row_leaf_hash(row["kind"], row["row_salt"], row["name"], row["content"], row["metadata"]) for row in table
    ]
    assert len({row["row_salt"] for row in table}) == len(table)
    order = sorted(leaves) if sensitive else leaves
    assert [order[row["index"]] for row in table] == leaves
    assert taken.root == Tree(order).root()
    assert (taken.rows, taken.misplaced) == (len(standing), misplaced)
    assert (folder / "named").read_bytes() == b"".join((one.copied or b"") + one.large for one, _ in standing)
    assert taken.copies == sum(one.copied is not None for one, _ in standing)
    assert taken.file_sha256 == hashlib.sha256((folder / "manifest").read_bytes()).digest()
    totals = taken.header_record["totals"]
    assert int(totals["bytes"]) == sum(one.size or 0 for one, _ in standing if one.state in {"complete", "changed"})
    for member, field in (("kinds", "kind"), ("states", "state")):
        counts = Counter(getattr(one, field) for one, _ in standing)
        assert {name: int(number) for name, number in totals[member].items() if number != "0"} == counts
    omitted = [(one.path, one.state, one.reason or None) for one, _ in standing if one.state != "complete"]
    assert [tuple(one) for one in taken.omitted] == omitted
    assert taken.reasons == Counter((state, reason) for _, state, reason in omitted)
    assert told[-1] == (standing[-1][0].path, len(standing))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["manifest", "manifest.tiles", "named", *(f"run-{n}" for n in range(count))]
    )


def test_links_of_one_batch_are_numbered_in_its_order(composing, tmp_path):
    links = [b"", b"0 9 2", b"0 3 2", b"", b"0 3 2", b"0 7 2", b"0 9 2"]
    run = Run(tmp_path / "run", SECRET, {"_t": "x"}, random=os.urandom, elapsed=lambda: 0.0)
    for number, link in enumerate(links):
        run.add(entry(b"%d" % number if number else b"", "file" if number else "directory", link=link))
    run.close()
    composing(merged_stretches([EarlierRun(tmp_path / "run", SECRET)]))
    table = pq.read_table(tmp_path / "manifest.parquet").to_pylist()
    assert [json.loads(row["metadata"]).get("link_group") for row in table] == [None, "1", "2", None, "2", "3", "1"]


def test_link_groups_go_over_batches_and_runs(composing, tmp_path):
    """Numbered in the order of the manifest, though a later run gave the first name."""
    first = Run(tmp_path / "1", SECRET, {"_t": "x"}, random=os.urandom)
    for path, link in ((b"", b""), (b"b", b"0 7 3"), (b"c", b"0 8 2"), (b"e", b"0 7 3")):
        first.add(entry(path, "directory" if not path else "file", link=link))
        first.flush()
    first.close()
    second = Run(tmp_path / "2", SECRET, {"_t": "x"}, random=os.urandom)
    for path, link in ((b"a", b"0 8 2"), (b"d", b"0 7 3"), (b"f", b"0 7 2")):  # f: the number was used again
        second.add(entry(path, link=link))
    second.close()
    composing(merged_stretches([EarlierRun(tmp_path / name, SECRET) for name in "12"]))
    table = pq.read_table(tmp_path / "manifest.parquet").to_pylist()
    groups = {row["path"]: json.loads(row["metadata"]).get("link_group") for row in table}
    assert groups == {b"": None, b"a": "1", b"b": "2", b"c": "1", b"d": "2", b"e": "2", b"f": "3"}
