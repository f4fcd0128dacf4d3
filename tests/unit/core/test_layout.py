"""core/layout.py against specs/store.md."""

from __future__ import annotations

import pytest

from evidencekit.core import layout


@pytest.mark.parametrize(
    ("n", "name"),
    [(0, "00000000"), (1, "00000001"), (99_999_999, "99999999"), (100_000_000, "100000000"), (2**62, str(2**62))],
)
def test_number_both_ways(n, name):
    assert layout.number(n) == name
    assert layout.parse_number(name) == n


@pytest.mark.parametrize(
    "name",
    [
        "",
        "0",
        "0000001",
        "000000001",
        "0100000000",
        "+0000001",
        "0000_001",
        "00000001\n",
        "\u0660" * 7 + "\u0661",
        "00000001 ",
        "-0000001",
        "1" * 20,
        "0000000a",
    ],
)
def test_second_spelling_of_a_number_is_none(name):
    assert layout.parse_number(name) is None


def test_places():
    assert layout.entry_folder(2) == "custody/00000002"
    assert layout.entry_file(2) == "custody/00000002/entry"
    assert layout.event_file(2) == "custody/00000002/event.json"
    assert layout.signature_file(2, 0) == "custody/00000002/event.json.sig"
    assert layout.signature_file(2, 1) == "custody/00000002/event.json.2.sig"
    assert layout.manifest_file(1) == "manifests/00000001.parquet"
    assert layout.manifest_file(1, reduced=1) == "manifests/00000001.r1.parquet"
    assert layout.checkpoint_file(3) == "checkpoints/00000003"
    assert layout.object_file("ab" * 32) == "objects/sha256/ab/" + "ab" * 32


@pytest.mark.parametrize("place", [0, 1, 8, 9, 98, 998])
def test_signature_names_are_known(place):
    assert layout.is_signature_name(layout.signature_name(place))


@pytest.mark.parametrize(
    "name",
    [
        "event.json.1.sig",
        "event.json.0.sig",
        "event.json.02.sig",
        "event.json..sig",
        "event.json.2.sig\n",
        "event.json",
        "event.json.sig.sig",
    ],
)
def test_other_signature_names_are_not(name):
    assert not layout.is_signature_name(name)


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("00000001.parquet", 1),
        ("00000001.r1.parquet", None),
        ("1.parquet", None),
        ("00000001", None),
        (".parquet", None),
    ],
)
def test_manifest_names(name, n):
    assert layout.parse_manifest_name(name) == n


@pytest.mark.parametrize(
    "path",
    [
        *("work", "work/x", "index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "index.sqlite-journal"),
        *("manifests/00000001.tiles", ".tmp-a1", "custody/.tmp-a1/entry"),
    ],
)
def test_disposable(path):
    assert layout.is_disposable(path)


@pytest.mark.parametrize(
    "path", ["works", "custody/work", "custody/index.sqlite", "index.sqlite3", "a.tmp-1", "manifests/tiles", "tiles/x"]
)
def test_not_disposable(path):
    assert not layout.is_disposable(path)


@pytest.mark.parametrize(
    "path", [".DS_Store", "custody/Thumbs.db", "a/DESKTOP.INI", ".directory", "custody/._entry", "._a\nb"]
)
def test_dropping(path):
    assert layout.is_dropping(path)


@pytest.mark.parametrize("path", ["DS_Store", ".DS_Store.bak", ".D\u017f_Store", ".directory/x", "a._b", "thumbs.db\n"])
def test_not_a_dropping(path):
    assert not layout.is_dropping(path)
