"""A file that is only added to: all of each piece, errors as ours, the name durable with the first sync."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import replace

import pytest

from evidencekit.errors import CannotFinish, Refused
from evidencekit.write import systems
from evidencekit.write.appended import Appended
from evidencekit.write.systems import THIS


def test_pieces_stand_one_after_the_other(tmp_path):
    with contextlib.closing(Appended(tmp_path / "run")) as file:
        for piece in (b"one", b"", memoryview(b"two")):
            file.append(piece)
        assert (tmp_path / "run").read_bytes() == b"onetwo", "handed to the system at once"
        assert file.size == 6
    assert (tmp_path / "run").read_bytes() == b"onetwo"


def test_a_name_that_is_taken_is_refused(tmp_path):
    (tmp_path / "run").write_bytes(b"before")
    with pytest.raises(Refused) as caught:
        Appended(tmp_path / "run")
    assert caught.value.code == "R501"
    assert (tmp_path / "run").read_bytes() == b"before"


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, bytes(data)[:3]))
    with contextlib.closing(Appended(tmp_path / "run")) as file:
        file.append(b"ten letters")
    assert (tmp_path / "run").read_bytes() == b"ten letters"


def test_a_hole_is_zeros_that_take_no_space(tmp_path):
    with contextlib.closing(Appended(tmp_path / "run")) as file:
        file.append(b"begin")
        file.skip(10 << 20)
        file.append(b"end")
        file.skip(3)
        assert file.size == (10 << 20) + 11
    assert (tmp_path / "run").read_bytes() == b"begin" + bytes(10 << 20) + b"end" + bytes(3)
    assert (tmp_path / "run").stat().st_blocks * 512 < 1 << 20


def test_the_first_sync_makes_the_name_durable(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(systems.os, "fsync", lambda _: steps.append("fsync"))
    system = replace(THIS, sync=steps.append)
    with contextlib.closing(Appended(tmp_path / "run", system=system)) as file:
        file.sync()
        file.append(b"x")
        file.sync()
    assert steps == ["fsync", tmp_path, "fsync"]


@pytest.mark.parametrize(
    ("call", "number", "code"),
    [
        ("write", errno.ENOSPC, "X421"),
        ("write", errno.EDQUOT, "X421"),
        ("write", errno.EFBIG, "X427"),
        ("write", errno.EIO, "X423"),
        ("ftruncate", errno.ENOSPC, "X421"),
        ("ftruncate", errno.EFBIG, "X427"),
        ("lseek", errno.ESPIPE, "X423"),
        ("fsync", errno.EIO, "X423"),
        ("fsync", errno.ENOSPC, "X421"),
    ],
)
def test_errors_of_the_system_are_ours(tmp_path, monkeypatch, failing, call, number, code):
    file = Appended(tmp_path / "run")
    monkeypatch.setattr(os, call, failing(number))
    given = {"write": lambda: file.append(b"x"), "fsync": file.sync}.get(call, lambda: file.skip(1))
    with pytest.raises(CannotFinish) as caught, contextlib.closing(file):
        given()
    assert caught.value.code == code


def test_a_failure_that_is_told_at_closing(tmp_path, monkeypatch, failing):
    file = Appended(tmp_path / "run")
    monkeypatch.setattr(os, "close", failing(errno.EDQUOT))
    with pytest.raises(CannotFinish) as caught:
        file.close()
    assert caught.value.code == "X421"
    file.close()


def test_a_place_that_does_not_exist(tmp_path):
    with pytest.raises(CannotFinish) as caught:
        Appended(tmp_path / "nowhere" / "run")
    assert caught.value.code == "X423"


def test_a_full_disk(small_disk):
    place = small_disk("64k")
    with contextlib.closing(Appended(place / "run")) as file, pytest.raises(CannotFinish) as caught:
        file.append(bytes(1 << 20))
    assert caught.value.code == "X421"
