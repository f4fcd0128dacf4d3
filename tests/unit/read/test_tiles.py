"""Tiles read: from any of them the proof of the RFC, or a FormatError; never a word of another manifest."""

from __future__ import annotations

import io

import pytest

from evidencekit.core.merkle import Tree, leaf_hash, prove_inclusion
from evidencekit.errors import FormatError
from evidencekit.read.tiles import TilesFile
from evidencekit.write.tiles import TileWriter

LARGEST = 70_000
LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(LARGEST)]
TREE = Tree(LEAVES)


def written(path, rows, starts, *, shuffled=False):
    """Tiles of the first leaves, with row groups from these places on; paths are the places as text."""
    with TileWriter(path, shuffled=shuffled) as tiles:
        for start, stop in zip(starts, [*starts[1:], rows], strict=True):
            tiles.group(b"%06d" % start)
            if not shuffled:
                tiles.extend(LEAVES[start:stop])
        if shuffled:
            tiles.extend(LEAVES[:rows], [(7 * index) % rows for index in range(rows)])
        tiles.finish()
    return path.read_bytes()


def opened(data, rows, starts, root=None):
    return TilesFile(io.BytesIO(data), rows=rows, root=root or TREE.root(rows), starts=starts)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 511, 513, 1000, 65_535, 65_536, 65_537, LARGEST])
def test_proofs_are_those_of_the_rfc(tmp_path, rows, shuffled):
    starts = [start for start in (0, 1, 300, 512, 8192, 65_530) if start < rows]
    tiles = opened(written(tmp_path / "t", rows, starts, shuffled=shuffled), rows, starts)
    for index in {0, 1, 254, 255, 256, 299, 511, 512, 8191, 65_535, 65_536, rows // 3, rows - 2, rows - 1}:
        if 0 <= index < rows:
            begin = index // 256 * 256
            kept = tiles.leaves(index // 256)
            is_split = any(begin < start < begin + 256 for start in starts)
            assert (kept is None) == (not shuffled and not is_split)
            leaves = kept or LEAVES[begin : min(begin + 256, rows)]
            assert leaves == LEAVES[begin : min(begin + 256, rows)]
            assert tiles.prove(index, leaves) == prove_inclusion(index, rows, TREE.node)


def test_row_groups_are_found_by_path_and_by_index(tmp_path):
    starts = [0, 1, 300, 512, 900]
    tiles = opened(written(tmp_path / "t", 1000, starts), 1000, starts)
    for index in (0, 1, 2, 299, 300, 511, 512, 899, 900, 999):
        expected = sum(start <= index for start in starts) - 1
        assert tiles.group_of(index) == tiles.group_of(b"%06d" % index) == expected
    with pytest.raises(FormatError):
        tiles.group_of(b"")
    shuffled = opened(written(tmp_path / "s", 1000, starts, shuffled=True), 1000, starts)
    for index in (0, 1, 500, 999):
        assert shuffled.group_of(index) == sum(start <= 7 * index % 1000 for start in starts) - 1


def test_tiles_of_another_manifest_are_refused(tmp_path):
    data = written(tmp_path / "t", 1000, [0, 300])
    opened(data, 1000, [0, 300])
    for rows, starts, root in (
        (999, [0, 300], None),
        (1000, [0], None),
        (1000, [0, 300, 500], None),
        (1000, [0, 512], None),
        (1000, [0, 300], bytes(32)),
    ):
        with pytest.raises(FormatError):
            opened(data, rows, starts, root)
    with pytest.raises(FormatError):
        opened(b"evidencekit/tiles/2\n" + data[20:], 1000, [0, 300])


def test_every_truncation_and_every_addition_is_refused(tmp_path):
    data = written(tmp_path / "t", 100, [0, 30])
    for cut in range(len(data)):
        for damaged in (data[:cut], data[cut + 1 :], data[: cut + 1] + b"\0" + data[cut + 1 :]):
            with pytest.raises(FormatError):
                opened(damaged, 100, [0, 30])


def test_fences_that_do_not_fit_their_bytes_are_refused(tmp_path):
    data = written(tmp_path / "t", 100, [0, 30])
    at = data.index(b"\0\x06000000")
    for length in (b"\0\5", b"\0\7", b"\xff\xff"):
        tiles = opened(data[:at] + length + data[at + 2 :], 100, [0, 30])
        with pytest.raises(FormatError):
            tiles.group_of(b"000000")


def test_a_file_that_becomes_shorter_is_refused(tmp_path):
    file = io.BytesIO(written(tmp_path / "t", 100, [0, 30], shuffled=True))
    tiles = TilesFile(file, rows=100, root=TREE.root(100), starts=[0, 30])
    file.truncate(30)
    for ask in (lambda: tiles.leaves(0), lambda: tiles.group_of(9), lambda: tiles.prove(9, LEAVES[:100])):
        with pytest.raises(FormatError):
            ask()
