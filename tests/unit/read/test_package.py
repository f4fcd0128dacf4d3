"""A package is the same in a folder, a .tar and a .zip, and encrypted; its names mean one file each."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import zipfile
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.core.bag_names import fold
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.package import is_package, open_package
from evidencekit.read.package_names import BadContainer, Names

_SPEC = importlib.util.spec_from_file_location("packagebuilder", Path(__file__).parents[2] / "packagebuilder.py")
pb = sys.modules.setdefault("packagebuilder", importlib.util.module_from_spec(_SPEC))
if not hasattr(pb, "WRITERS"):
    _SPEC.loader.exec_module(pb)

FILES = {
    "bagit.txt": b"x" * 1000,
    "data/EX-001/^~source": b"",
    "data/EX-001/docs/محضر.txt": b"words " * 50_000,
    "data/EX-001/z": random.Random(1).randbytes(200_000),
    "evidence/checkpoints/00000002": b"note",
    "evidence/checkpoints/00000002.name.tsr": b"token",
    "evidence/custody/00000000/entry": b"1",
    "evidence/custody/00000012/entry": b"2",
    "evidence/package.json": b"{}",
}


def every(path: Path):
    deflated = pb.write_zip(FILES, path / "d.zip")
    return [
        pb.write_folder(FILES, path / "folder"),
        pb.write_tar(FILES, path / "t.tar"),
        deflated,
        pb.write_zip(FILES, path / "s.zip", method=zipfile.ZIP_STORED),
    ]


def test_a_package_reads_alike_whatever_it_lies_in(tmp_path):
    for path in every(tmp_path):
        assert is_package(path)
        with open_package(path) as package:
            assert sorted(package.names()) == sorted(FILES)
            assert len(package) == len(FILES)
            assert sorted(package.record_names) == sorted(name for name in FILES if not name.startswith("data/"))
            assert sorted(package.number(name) for name in FILES) == list(range(len(FILES)))
            assert [package.number(name) for name in package.names()] == list(range(len(FILES)))
            for name, data in FILES.items():
                assert package.size(name) == len(data)
                assert package.read(name, len(data)) == data
                with package.open(name) as file:
                    assert b"".join(iter(lambda file=file: file.read(777), b"")) == data
            assert list(package.numbers("evidence/custody")) == [0, 12]
            assert list(package.numbers("evidence/checkpoints")) == [2]
            assert list(package.numbers("evidence/none")) == []


def test_what_is_not_there_or_too_large_is_said(tmp_path):
    for path in every(tmp_path):
        with open_package(path) as package:
            for name in ("data/EX-001/Z", "data", "data/EX-001", "nothing", "../x", ""):
                assert package.number(name) is None
                with pytest.raises(CannotFinish) as missing:
                    package.read(name, 10)
                assert missing.value.code == "X402"
            with pytest.raises(FormatError) as large:
                package.read("bagit.txt", 999)
            assert large.value.code == "F102"


def test_two_files_can_be_read_at_a_time(tmp_path):
    for path in every(tmp_path):
        with open_package(path) as package, package.open("data/EX-001/z") as one, package.open("bagit.txt") as other:
            start = one.read(100_000)
            assert other.read() == FILES["bagit.txt"]
            assert start + one.read() == FILES["data/EX-001/z"]


def test_what_is_stored_can_be_read_from_anywhere(tmp_path):
    for path in every(tmp_path):
        with open_package(path) as package, package.open("data/EX-001/z") as file:
            if path.name == "d.zip":
                assert not file.seekable()
                continue
            file.seek(-10, os.SEEK_END)
            assert file.read() == FILES["data/EX-001/z"][-10:]
            file.seek(5)
            assert file.read(10) == FILES["data/EX-001/z"][5:15]


def test_an_encrypted_package_needs_its_key(tmp_path):
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    for number, path in enumerate(every(tmp_path)[1:]):
        locked = tmp_path / f"{number}.age"
        locked.write_bytes(pyrage.encrypt(path.read_bytes(), [key.to_public()]))
        assert is_package(locked)
        with open_package(locked, identities=[key]) as package:
            assert package.read("data/EX-001/z", 1 << 20) == FILES["data/EX-001/z"]
        with pytest.raises(BadArgument):
            open_package(locked)
        with pytest.raises(CannotFinish):
            open_package(locked, identities=[other])


def test_what_is_no_package_is_said(tmp_path):
    (tmp_path / "text").write_bytes(b"hello")
    (tmp_path / "folder").mkdir()
    for name in ("text", "gone"):
        assert not is_package(tmp_path / name)
        with pytest.raises(CannotFinish) as refused:
            open_package(tmp_path / name)
        assert refused.value.code == "X485"
    assert not is_package(tmp_path / "folder")


def test_a_folder_that_cannot_be_listed_is_not_checked(tmp_path, as_nobody):
    folder = pb.write_folder(FILES, tmp_path / "folder")
    (folder / "data/EX-001").chmod(0)

    def refusal():
        try:
            open_package(folder)
        except CannotFinish as error:
            return error.code
        return None

    assert as_nobody(refusal) == "X403"


COMPONENTS = st.text(st.sampled_from("aAbB\u00c9\u00e9E\u0301\u00dfsS\u0131IK\u212a"), min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(COMPONENTS, min_size=1, max_size=3).map("/".join), max_size=30))
def test_a_name_is_taken_just_where_no_system_could_mean_another(paths):
    names, files, folders = Names(), {}, {}
    for path in paths:
        above = ["/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)]
        clashes = (
            fold(path) in files
            or fold(path) in folders
            or any(fold(one) in files or folders.get(fold(one), one) != one for one in above)
        )
        if clashes:
            with pytest.raises(BadContainer) as refused:
                names.add(path)
            assert refused.value.finding == "E155"
            return
        assert names.add(path) == len(files)
        files[fold(path)] = path
        folders |= {fold(one): one for one in above}
    for number, path in enumerate(files.values()):
        assert names.find(path) == number
        assert names.find(path + "x") is None or path + "x" in files.values()


def test_many_names_are_found_again():
    names = Names()
    for number in range(5_000):
        assert names.add(f"data/{number % 7}/{number}") == number
    assert all(names.find(f"data/{number % 7}/{number}") == number for number in range(5_000))
    assert names.find("data/1/5000") is None
