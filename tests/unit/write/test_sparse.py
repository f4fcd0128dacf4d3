"""Copies with their holes."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.errors import CannotFinish, Refused
from evidencekit.write import sparse as sparse_module
from evidencekit.write.sparse import copy_sparse

BLOCK = 4096


def make(path, layout):
    """Write blocks where `layout` says True, holes where it says False."""
    with path.open("wb") as file:
        for is_data in layout:
            if is_data:
                file.write(b"d" * BLOCK)
            else:
                file.seek(BLOCK, os.SEEK_CUR)
        file.truncate(len(layout) * BLOCK)
    return path


def taken_up(path):
    return path.stat().st_blocks * 512


@settings(max_examples=30)
@given(layout=st.lists(st.booleans(), max_size=12))
def test_holes_stay_holes(layout):
    with tempfile.TemporaryDirectory() as folder:
        source, copy = make(Path(folder, "source"), layout), Path(folder, "copy")
        data = source.read_bytes()
        assert copy_sparse(source, copy) == (hashlib.sha256(data).digest(), len(data))
        assert copy.read_bytes() == data
        assert taken_up(copy) <= taken_up(source)


def test_more_than_memory(tmp_path):
    source = tmp_path / "source"
    with source.open("wb") as file:
        file.seek(64 << 20)
        file.write(b"end")
    digest, size = copy_sparse(source, tmp_path / "copy")
    assert size == (64 << 20) + 3
    assert taken_up(tmp_path / "copy") < 1 << 20
    with source.open("rb") as file:
        assert digest == hashlib.file_digest(file, "sha256").digest()


@pytest.mark.parametrize("how", ["refused", "missing"])
def test_where_the_system_does_not_tell_of_holes(tmp_path, monkeypatch, how):
    source = make(tmp_path / "source", [False, True, False])
    if how == "missing":
        monkeypatch.delattr(os, "SEEK_DATA")
    else:
        real = os.lseek

        def lseek(handle, offset, whence):
            if whence == os.SEEK_DATA:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            return real(handle, offset, whence)

        monkeypatch.setattr(os, "lseek", lseek)
    copy_sparse(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


def test_mode_is_copied(tmp_path):
    source = make(tmp_path / "source", [True])
    source.chmod(0o600)
    copy_sparse(source, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_a_name_that_is_taken(tmp_path):
    source = make(tmp_path / "source", [True])
    with pytest.raises(Refused):
        copy_sparse(source, source)


@pytest.mark.parametrize("call", ["open", "fstat", "lseek", "read"])
def test_a_source_that_cannot_be_read(tmp_path, fails_at, call):
    source = make(tmp_path / "source", [True, False])
    with fails_at(call, 1, errno.EIO), pytest.raises(CannotFinish) as caught:
        copy_sparse(source, tmp_path / "copy")
    assert caught.value.code == "X403"


def test_a_source_that_becomes_shorter(tmp_path, monkeypatch):
    source = make(tmp_path / "source", [True])
    monkeypatch.setattr(os, "read", lambda *_: b"")
    with pytest.raises(CannotFinish) as caught:
        copy_sparse(source, tmp_path / "copy")
    assert caught.value.code == "X403"


def test_a_medium_that_is_full(tmp_path, fails_at):
    source = make(tmp_path / "source", [True])
    with fails_at("write", 1, errno.ENOSPC), pytest.raises(CannotFinish) as caught:
        copy_sparse(source, tmp_path / "copy")
    assert caught.value.code == "X421"


def test_memory_does_not_depend_on_the_size(tmp_path, monkeypatch):
    source = make(tmp_path / "source", [True] * 1000)
    asked = []
    real = os.read
    monkeypatch.setattr(sparse_module.os, "read", lambda handle, size: asked.append(size) or real(handle, size))
    copy_sparse(source, tmp_path / "copy")
    assert max(asked) == 1 << 20
