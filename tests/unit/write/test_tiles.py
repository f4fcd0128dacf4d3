"""Tiles written: byte for byte as specs/store.md section 8 says; and where they cannot be, nothing else fails."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from evidencekit.core.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from evidencekit.write.tiles import TileWriter

LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(1000)]


def mth(hashes):
    """MTH of RFC 6962 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def test_the_file_in_order_path(tmp_path):
    with TileWriter(tmp_path / "t", shuffled=False) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES[:256])  # a group that ends with a block
        tiles.group(b"a/b")
        tiles.extend(LEAVES[256:300])
        tiles.group(b"a/c", b"s")  # two that begin inside one
        tiles.extend(LEAVES[300:310])
        tiles.group(b"z" * 2000)
        tiles.extend(LEAVES[310:700])
        tiles.extend(LEAVES[700:770])
        tiles.finish()
    roots = [mth(LEAVES[:256]), mth(LEAVES[256:512]), mth(LEAVES[512:768]), mth(LEAVES[768:770])]
    fences = b"".join(len(key).to_bytes(2, "big") + key for key in (b"", b"a\0b", b"a\0c\0\0s", b"z" * 1024))
    assert (tmp_path / "t").read_bytes() == b"".join(
        [
            b"evidencekit/tiles/1\n",
            *LEAVES[256:512],
            *roots,
            mth(LEAVES[:770]),
            fences,
            (770).to_bytes(8, "big"),
            (4).to_bytes(4, "big"),
            len(fences).to_bytes(4, "big"),
            b"\0",
        ]
    )


def test_the_file_in_order_shuffled(tmp_path):
    with TileWriter(tmp_path / "t", shuffled=True) as tiles:
        tiles.group(b"")
        tiles.group(b"b")
        tiles.extend(LEAVES[:2], [2, 0])
        tiles.extend(LEAVES[2:3], memoryview(b"\1"))
        tiles.finish()
    records = [leaf + position.to_bytes(4, "big") for leaf, position in zip(LEAVES[:3], (2, 0, 1), strict=True)]
    assert (tmp_path / "t").read_bytes() == b"".join(
        [b"evidencekit/tiles/1\n", *records, mth(LEAVES[:3]), b"\0\0\0\1b", bytes(7), b"\3\0\0\0\2\0\0\0\5\1"]
    )


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 512, 1000])
def test_the_root_is_that_of_the_tree(tmp_path, count):
    tree = CompactRange()
    with TileWriter(tmp_path / "t", shuffled=False) as tiles:
        tiles.group(b"")
        for at in range(0, count, 17):
            part = LEAVES[at : min(at + 17, count)]
            tree.extend(part)
            tiles.extend(part)
            assert tiles.root() == tree.root()
        tiles.finish()
        assert (tiles.root(), tiles.rows) == (tree.root() if count else EMPTY_ROOT, count)
    assert (tmp_path / "t").exists() == (count > 0)


def test_positions_go_with_leaves(tmp_path):
    with TileWriter(tmp_path / "t", shuffled=True) as tiles, pytest.raises(ValueError, match="shorter"):
        tiles.extend(LEAVES[:2], [0])
    assert not list(tmp_path.iterdir())


def test_what_is_not_finished_leaves_nothing(tmp_path):
    (tmp_path / "t").write_bytes(b"earlier")
    with TileWriter(tmp_path / "t", shuffled=False) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES)
        assert [path.name for path in tmp_path.iterdir() if path.name != "t"] == [".tmp-t"]
    tiles.abandon()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("t", b"earlier")]


def test_what_is_finished_takes_the_place_of_an_earlier_one(tmp_path):
    (tmp_path / "t").write_bytes(b"earlier")
    (tmp_path / ".tmp-t").write_bytes(b"left over" * 999)
    with TileWriter(tmp_path / "t", shuffled=False) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES[:1])
        tiles.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]
    assert (tmp_path / "t").read_bytes().startswith(b"evidencekit/tiles/1\n" + LEAVES[0])


@pytest.mark.parametrize("groups", [0, 65_537])
def test_more_row_groups_than_a_manifest_has_give_no_tiles(tmp_path, groups):
    with TileWriter(tmp_path / "t", shuffled=True) as tiles:
        for _ in range(groups):
            tiles.group(b"")
        tiles.extend(LEAVES[:1], [0])
        tiles.finish()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_gives_no_tiles_but_the_root(tmp_path):
    with TileWriter(tmp_path / "none/t", shuffled=False) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES)
        tiles.finish()
    assert tiles.root() == mth(LEAVES)
    assert not list(tmp_path.iterdir())


def test_a_name_that_cannot_be_given_leaves_nothing(tmp_path):
    (tmp_path / "t/inside").mkdir(parents=True)
    with TileWriter(tmp_path / "t", shuffled=False) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES[:1])
        tiles.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("size", [4096, 16_384])
def test_a_full_disk_gives_no_tiles(small_disk, size):
    disk = small_disk(size)
    with TileWriter(disk / "t", shuffled=True) as tiles:
        tiles.group(b"")
        tiles.extend(LEAVES, range(1000))
        tiles.extend(LEAVES, range(1000))
        tiles.finish()
    assert tiles.root() == mth(LEAVES + LEAVES)
    assert not list(disk.iterdir())


def test_memory_is_a_hash_for_256_rows(tmp_path):
    def used(blocks):
        with TileWriter(tmp_path / "t", shuffled=True) as tiles:
            tiles.group(b"")
            tracemalloc.start()
            for _ in range(blocks):
                tiles.extend(LEAVES[:256], range(256))
            tiles.finish()
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    assert used(800) - used(100) < 700 * 256  # a hash is an object of 65 bytes, and some are joined to be written
