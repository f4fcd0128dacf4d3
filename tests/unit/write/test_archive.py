"""Folder, tar and zip: the same bytes every time, opened by what others wrote, and past what 32 bits hold."""

from __future__ import annotations

import os
import tarfile
import zipfile

import pytest

from evidencekit.errors import CannotFinish, Refused
from evidencekit.write import archive
from evidencekit.write.archive import Folder, Stream, Tar, Zip

FILES = {"a.txt": b"abc", "data/" + "ü" * 90: b"", "data/z": b"q" * 70_000, "long/" * 40 + "end": b"deep"}


def write(path, kind, files, top="bag", blocks=lambda data: [data]):
    with path.open("xb", buffering=0) as file:
        stream = Stream(file, path)
        container = Tar(stream, top) if kind == "tar" else Zip(stream, top, spool=path.parent)
        for name, data in files.items():
            container.add(name, len(data), blocks(data))
        container.add_folder("empty")
        container.finish()
        container.close()
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_the_same_files_are_the_same_bytes(tmp_path, kind):
    first = write(tmp_path / "one", kind, FILES)
    halves = write(tmp_path / "two", kind, FILES, blocks=lambda data: [data[:1], data[1:]])
    assert first == halves


def test_tar_is_read_by_tarfile(tmp_path):
    write(tmp_path / "x.tar", "tar", FILES)
    with tarfile.open(tmp_path / "x.tar") as found:
        members = {member.name: member for member in found}
        assert members.keys() == {f"bag/{name}" for name in [*FILES, "empty"]}
        for name, data in FILES.items():
            member = members[f"bag/{name}"]
            assert found.extractfile(member).read() == data
            assert (member.mtime, member.uid, member.gid, member.uname, member.mode) == (archive.MTIME, 0, 0, "", 0o644)


def test_zip_is_read_by_zipfile(tmp_path):
    write(tmp_path / "x.zip", "zip", FILES)
    with zipfile.ZipFile(tmp_path / "x.zip") as found:
        assert found.testzip() is None
        assert found.namelist() == [*(f"bag/{name}" for name in FILES), "bag/empty/"]
        assert {found.read(f"bag/{name}") for name in FILES} == {*FILES.values()}
        assert {info.date_time for info in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_more_than_65_535_files_in_a_zip(tmp_path):
    write(tmp_path / "x.zip", "zip", {f"{n:06d}": b"" for n in range(65_600)})
    with zipfile.ZipFile(tmp_path / "x.zip") as found:
        assert len(found.namelist()) == 65_601


@pytest.mark.parametrize("first", [(1 << 32) + 5, (1 << 32) - 1])
def test_a_file_and_a_place_above_four_gib(tmp_path, first):
    """The content is a hole: nothing is written but the headers."""

    class Holes(Stream):
        def write(self, data):
            if isinstance(data, Hole):
                os.lseek(self._out.fileno(), data.size, os.SEEK_CUR)
                self.offset += data.size
            else:
                super().write(data)

    class Hole(bytes):
        size = 0

        def __len__(self):
            return self.size

    hole = Hole()
    hole.size = first
    path = tmp_path / "x.zip"
    with path.open("xb", buffering=0) as file:
        stream = Holes(file, path)
        container = Zip(stream, "bag", spool=tmp_path)
        container.add("large", first, [hole])
        container.add("small", 3, [b"abc"])
        container.finish()
        container.close()
    with zipfile.ZipFile(path) as found:
        assert [(info.filename, info.file_size) for info in found.infolist()] == [
            ("bag/large", first),
            ("bag/small", 3),
        ]
        assert found.read("bag/small") == b"abc"


@pytest.mark.parametrize("content", [[b"ab"], [b"ab", b"cd"], []])
@pytest.mark.parametrize("kind", ["folder", "tar", "zip"])
def test_another_length_is_an_error(tmp_path, kind, content):
    path = tmp_path / "x"
    if kind == "folder":
        container = Folder(path)
    else:
        stream = Stream(path.open("xb", buffering=0), path)
        container = Tar(stream, "bag") if kind == "tar" else Zip(stream, "bag", spool=tmp_path)
    with pytest.raises(ValueError, match="another length"):
        container.add("a", 3, content)
    container.close()
    if kind != "folder":
        stream._out.close()


def test_a_folder_is_new_and_its_files_too(tmp_path):
    container = Folder(tmp_path / "x")
    container.add("data/a", 1, [b"a"])
    with pytest.raises(Refused):
        container.add("data/a", 1, [b"b"])
    container.finish()
    assert (tmp_path / "x/data/a").read_bytes() == b"a"
    with pytest.raises(Refused):
        Folder(tmp_path / "x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="NOT RUN: no /dev/full")
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_full_disk_is_said(tmp_path, kind):
    with open("/dev/full", "wb", buffering=0) as file:
        stream = Stream(file, tmp_path / "x")
        container = Tar(stream, "bag") if kind == "tar" else Zip(stream, "bag", spool=tmp_path)
        with pytest.raises(CannotFinish) as caught:
            container.add("a", 1, [b"a"])
        container.close()
    assert caught.value.code == "X421"
