"""Paths, widths and bundles of C2SP tlog-tiles: the examples of the spec, and one fault each."""

from __future__ import annotations

import pytest

from evidencekit.core.tlog_tiles import Tile, bundles_of, decode_bundle, encode_bundle, tiles_of
from evidencekit.errors import FormatError


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 999, 256), "tile/1/999"),
        (Tile(1, 1000, 256), "tile/1/x001/000"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(0, 1234067, 255), "tile/0/x001/x234/067.p/255"),
        (Tile(None, 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths(tile, path):
    assert tile.path == path
    assert tile.full.path == path.partition(".p/")[0]


def test_the_example_of_70000():
    tiles = list(tiles_of(70_000))
    assert [tile for tile in tiles if tile.level == 0] == [Tile(0, n, 256) for n in range(273)] + [Tile(0, 273, 112)]
    assert [tile for tile in tiles if tile.level] == [Tile(1, 0, 256), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert len(list(bundles_of(70_000))) == 274


def test_a_full_tile_makes_a_partial_one_above_it():
    assert [tile.path for tile in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_of(0)) == list(bundles_of(0)) == []


def test_bundles():
    data = encode_bundle([b"", b"a", b"x" * 65_535])
    assert data == b"\0\0\0\1a\xff\xff" + b"x" * 65_535
    assert decode_bundle(data, 3) == [b"", b"a", b"x" * 65_535]
    with pytest.raises(FormatError):
        encode_bundle([b"x" * 65_536])


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"\0\1", b"\0\1a\0", b"\0\1a\0\2b", b"\0\1a", b"\0\1a\0\1b\0\1c", b"\0\0" * 3]
)
def test_what_is_no_bundle_of_two(data):
    with pytest.raises(FormatError):
        decode_bundle(data, 2)
