"""The journal: each line whole or dropped, on the medium before the next question, one program at a time."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from evidencekit.errors import CannotFinish, Refused
from evidencekit.field import journal as journal_module
from evidencekit.field.journal import Journal, decode_moves, encode_move, journal_of
from evidencekit.field.sitting import Move

MOVES = [
    Move("language", "", "ar", 1),
    Move("answer", "agency", "وحدة", 2),
    Move("answer", "role", None, 3),
    Move("back", "", None, 4),
]


def written(path):
    with Journal(path) as journal:
        for move in MOVES:
            journal.add(move)
    return path.read_bytes()


def test_it_is_read_as_it_was_written(tmp_path):
    path = journal_of(tmp_path / "24-117")
    assert path.name == "24-117.field"
    data = written(path)
    assert data.isascii()
    assert decode_moves(data) == (MOVES, len(data))
    with Journal(path) as journal:
        assert (journal.moves, journal.dropped, journal.is_new) == (MOVES, 0, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["24-117.field"], "the lock is taken away"


def test_cut_anywhere_it_has_the_lines_that_are_whole(tmp_path):
    path = tmp_path / "c.field"
    data = written(path)
    for cut in range(len(data)):
        path.write_bytes(data[:cut])
        with Journal(path) as journal:
            assert journal.moves == MOVES[: data[:cut].count(b"\n")]
            assert journal.dropped == cut - data[:cut].rfind(b"\n") - 1
            journal.add(Move("back", "", None, 9))
        assert decode_moves(path.read_bytes())[0][-1] == Move("back", "", None, 9)


@pytest.mark.parametrize("flip", range(0, 200, 7))
def test_what_is_damaged_ends_it(tmp_path, flip):
    path = tmp_path / "c.field"
    data = bytearray(written(path))
    data[flip] ^= 1
    moves, _ = decode_moves(bytes(data))
    assert moves == MOVES[: bytes(data[:flip]).count(b"\n")]


@pytest.mark.parametrize("line", [b"\n", b"00000000 {}\n", b"\xff\n", encode_move(MOVES[0])[:-1], b"00000000 [1]\n"])
def test_what_is_no_line(line):
    assert decode_moves(encode_move(MOVES[0]) + line) == (MOVES[:1], len(encode_move(MOVES[0])))


def test_one_program_at_a_time(tmp_path):
    path = tmp_path / "c.field"
    with Journal(path), pytest.raises(Refused) as refused:
        Journal(path)
    assert refused.value.code == "R507"
    Journal(path).__exit__(None, None, None)


def test_a_full_medium_leaves_no_half_line(tmp_path, monkeypatch):
    path = tmp_path / "c.field"
    data = written(path)
    real = os.write

    def full(handle, block):
        real(handle, block[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(path) as journal:
        monkeypatch.setattr(journal_module.os, "write", full)
        with pytest.raises(CannotFinish) as failed:
            journal.add(MOVES[0])
        monkeypatch.undo()
        assert (failed.value.code, journal.moves) == ("X421", MOVES)
    assert path.read_bytes() == data


def test_it_is_flushed_before_the_next_question(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(journal_module, "flush", lambda handle: flushed.append(os.fstat(handle).st_size))
    path = tmp_path / "c.field"
    written(path)
    assert flushed == [sum(len(encode_move(move)) for move in MOVES[: at + 1]) for at in range(len(MOVES))]


def test_no_folder_no_journal(tmp_path):
    with pytest.raises(CannotFinish):
        Journal(tmp_path / "gone" / "c.field")
