"""What composing adds to rows: link groups, places; and what it leaves out."""

from __future__ import annotations

import os

import pyarrow.parquet as pq
import pytest

from evidencekit.acquire import compose as module
from evidencekit.acquire.compose import LinkGroups, Totals, compose
from evidencekit.acquire.row import Entry
from evidencekit.acquire.rows import content_none, metadata_group, name_group


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
            progress=lambda one, totals: told.append((one.path, totals.rows)), **({"sensitive": False} | more),
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
    assert [rows for _, rows in told] == [1024, 2048]


def test_totals_add_up():
    totals = Totals()
    totals.add(entry(b"", "directory"))
    totals.add(entry(b"a", state="partial")._replace(size=7))
    totals.add(entry(b"b", state="changed")._replace(size=5))
    assert (totals.rows, totals.bytes, totals.omissions) == (3, 5, 2)
    assert sum(map(int, totals.record()["states"].values())) == sum(map(int, totals.record()["kinds"].values())) == 3
