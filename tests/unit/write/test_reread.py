"""Reading again: of the medium, of plain files alone."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.write import reread as reread_module
from evidencekit.write.reread import digest_of, length_of, open_plain, reread


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_digest_and_size(tmp_path, size):
    data = bytes(range(256)) * (size // 256 + 1)
    (tmp_path / "file").write_bytes(data[:size])
    assert reread(tmp_path / "file") == (hashlib.sha256(data[:size]).digest(), size)
    assert digest_of(tmp_path / "file") == hashlib.sha256(data[:size]).digest()
    assert length_of(tmp_path / "file") == size


@pytest.mark.parametrize("kind", ["nothing", "folder", "link", "fifo"])
def test_what_is_no_plain_file_is_not_read(tmp_path, kind):
    place = tmp_path / "place"
    (tmp_path / "file").write_bytes(b"x")
    {
        "nothing": lambda: None,
        "folder": place.mkdir,
        "link": lambda: place.symlink_to(tmp_path / "file"),
        "fifo": lambda: os.mkfifo(place),
    }[kind]()
    assert length_of(place) is None
    for act in (open_plain, reread):
        with pytest.raises(OSError, match="place"):
            act(place)
    with pytest.raises(CannotFinish) as caught:
        digest_of(place)
    assert caught.value.code == "X403"


def bytes_from_the_medium():
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("read_bytes")))


def test_the_medium_is_read_and_not_a_memory_of_it(disk):
    path = disk.place / "file"
    path.write_bytes(os.urandom(1 << 20))
    os.sync()
    path.read_bytes()
    before = bytes_from_the_medium()
    path.read_bytes()
    assert bytes_from_the_medium() == before
    reread(path)
    assert bytes_from_the_medium() >= before + (1 << 20)


def test_a_file_system_without_the_call_is_read_all_the_same(tmp_path, monkeypatch, failing):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "posix_fadvise", failing(errno.EOPNOTSUPP))
    assert reread(tmp_path / "file")[1] == 1
    monkeypatch.delattr(os, "posix_fadvise")
    assert reread(tmp_path / "file")[1] == 1


def test_a_mac_is_told_not_to_keep_it(tmp_path, monkeypatch):
    import fcntl

    asked = []
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(reread_module.sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_NOCACHE", 48, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", lambda _, command, value: asked.append((command, value)))
    assert reread(tmp_path / "file")[1] == 1
    assert asked == [(48, 1)]
