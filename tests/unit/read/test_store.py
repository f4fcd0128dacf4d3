"""A case directory read with suspicion: bounded, no link followed, nothing that hangs."""

from __future__ import annotations

import os

import pytest

from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.store import Store


@pytest.fixture
def case(tmp_path):
    (tmp_path / "custody/00000000").mkdir(parents=True)
    (tmp_path / "custody/00000000/entry").write_bytes(b"leaf")
    (tmp_path / "case.json").write_bytes(b"{}")
    return tmp_path


@pytest.mark.parametrize("part", ["case.json", "custody", "checkpoints", "manifests"])
def test_one_part_makes_a_case(tmp_path, part):
    with pytest.raises(CannotFinish) as caught:
        Store(tmp_path)
    assert caught.value.code == "X401"
    (tmp_path / part).symlink_to("nowhere")
    assert Store(tmp_path).path == tmp_path


def test_reading_within_a_limit(case):
    store = Store(case)
    assert store.read("custody/00000000/entry", 4) == b"leaf"
    with pytest.raises(FormatError) as caught:
        store.read("custody/00000000/entry", 3)
    assert caught.value.code == "F102"


@pytest.mark.parametrize("name", ["nothing", "nothing/deeper", "case.json/x", "custody", "custody/00000000"])
def test_what_is_missing_or_no_file(case, name):
    with pytest.raises(CannotFinish) as caught:
        Store(case).read(name, 10)
    assert caught.value.code == "X402"


def test_links_are_missing_and_a_pipe_does_not_hang(case):
    (case / "link").symlink_to("case.json")
    (case / "folder").symlink_to("custody")
    os.mkfifo(case / "pipe")
    for name in ("link", "folder/00000000/entry", "pipe"):
        with pytest.raises(CannotFinish) as caught:
            Store(case).open(name)
        assert caught.value.code == "X402"


def test_what_may_not_be_read(case, as_nobody):
    (case / "case.json").chmod(0)

    def read():
        try:
            Store(case).read("case.json", 10)
        except CannotFinish as error:
            return error.code
        return ""

    assert as_nobody(read) == "X403"


def test_names_and_numbers(case):
    (case / "checkpoints").mkdir()
    for name in ("00000010", "00000009", "9", "x", "000000010", "123456789"):
        (case / "checkpoints" / name).touch()
    store = Store(case)
    assert list(store.numbers("checkpoints")) == [9, 10, 123456789]
    assert store.names("checkpoints") == ["000000010", "00000009", "00000010", "123456789", "9", "x"]
    assert store.names("nowhere") == store.names("case.json") == []
    assert store.newest_entry() == 1


def test_files_are_listed_without_links_followed(case):
    (case / "loop").symlink_to(".")
    (case / "work").mkdir()
    (case / "work/x").touch()
    assert sorted(Store(case).files()) == [("case.json", True), ("custody/00000000/entry", True), ("loop", False)]
