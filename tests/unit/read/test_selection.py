"""A list of rows: strict lines, ascending, the root and number that the event says."""

from __future__ import annotations

import io

import pytest

from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.selection import Selected, SelectedRow, encode_selected
from evidencekit.errors import FormatError
from evidencekit.read.selection import selected_rows

BASE = "ab" * 32
ROWS = [SelectedRow(BASE, index, bytes([index]) * 32) for index in (0, 3, 12)]


def selected(rows=ROWS, **changes):
    tree = CompactRange()
    tree.extend([leaf_hash(encode_selected(row)) for row in rows])
    return Selected("EX-1-1", BASE, tree.root().hex(), len(rows), "00", 0)._replace(**changes)


def read(rows, said=None, data=None):
    data = b"".join(encode_selected(row) + b"\n" for row in rows) if data is None else data
    return list(selected_rows(io.BytesIO(data), said or selected(rows), "it"))


def test_what_was_written_is_read():
    assert read(ROWS) == ROWS
    assert read([]) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROWS[1], ROWS[0]], None),
        ([ROWS[0], ROWS[0]], None),
        ([ROWS[0]._replace(base_root="cd" * 32)], None),
        (ROWS, selected(rows=ROWS, root="00" * 32)),
        (ROWS, selected()._replace(rows=2)),
        (ROWS, selected()._replace(rows=4)),
    ],
)
def test_what_breaks_the_form(rows, said):
    with pytest.raises(FormatError):
        read(rows, said)


@pytest.mark.parametrize(
    "data", [b"\n", b"x\n", encode_selected(ROWS[0]), encode_selected(ROWS[0]) + b"\r\n", b"{" * 10_000 + b"\n"]
)
def test_lines_that_are_none(data):
    with pytest.raises(FormatError):
        read(ROWS[:1], data=data)
