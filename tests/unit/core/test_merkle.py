from __future__ import annotations

import hashlib

import pytest

from evidencekit.core.merkle import (
    EMPTY_ROOT,
    CompactRange,
    Tree,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
)

# The eight leaves and the roots of the Certificate Transparency test data (RFC 6962).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", bytes(range(0x60, 0x70)).hex())
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


def hashes(count):
    return [leaf_hash(b"%d" % i) for i in range(count)]


def test_the_empty_tree():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert CompactRange().root() == Tree().root() == EMPTY_ROOT


def test_prefixes_part_leaves_from_nodes():
    assert leaf_hash(b"ab") == hashlib.sha256(b"\x00ab").digest()
    assert node_hash(b"a", b"b") == hashlib.sha256(b"\x01ab").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_rfc_6962_data(size):
    compact, tree = CompactRange(), Tree()
    for leaf in LEAVES[:size]:
        compact.append(leaf_hash(leaf))
        tree.append(leaf_hash(leaf))
    assert compact.root().hex() == tree.root().hex() == ROOTS[size - 1]
    assert compact.size == len(tree) == size


@pytest.mark.parametrize(("place", "proof"), INCLUSION.items())
def test_inclusion_proofs_of_the_rfc_6962_data(place, proof):
    tree = Tree(leaf_hash(leaf) for leaf in LEAVES)
    assert [p.hex() for p in prove_inclusion(*place, tree.node)] == proof


@pytest.mark.parametrize(("sizes", "proof"), CONSISTENCY.items())
def test_consistency_proofs_of_the_rfc_6962_data(sizes, proof):
    tree = Tree(leaf_hash(leaf) for leaf in LEAVES)
    assert [p.hex() for p in prove_consistency(*sizes, tree.node)] == proof


def test_every_small_tree_against_the_literal_rfc(rfc6962):
    leaves = [b"%d" % i for i in range(34)]
    tree, compact = Tree(map(leaf_hash, leaves)), CompactRange()
    for new in range(1, len(leaves) + 1):
        data = leaves[:new]
        compact.append(leaf_hash(data[-1]))
        assert compact.root() == tree.root(new) == rfc6962.MTH(data)
        for m in range(new):
            assert prove_inclusion(m, new, tree.node) == rfc6962.PATH(m, data)
            assert prove_consistency(m + 1, new, tree.node) == rfc6962.PROOF(m + 1, data)


def test_a_repeated_last_leaf_changes_the_root():
    # Trees that duplicate an odd node give three and four leaves one root (CVE-2012-2459).
    three = hashes(3)
    assert Tree(three).root() != Tree([*three, three[-1]]).root()


def test_extend_in_any_cut_equals_append():
    leaves = hashes(2500)
    expected = Tree(leaves).root()
    for cut in (0, 1, 7, 1023, 1024, 1025, 2499, 2500):
        compact = CompactRange()
        compact.extend(leaves[:cut])
        compact.extend(iter(leaves[cut:]))
        assert (compact.size, compact.root()) == (2500, expected)


def test_aligned_subtrees_equal_their_leaves():
    leaves = hashes(256 * 3 + 5)
    compact = CompactRange()
    for start in range(0, 256 * 3, 256):
        compact.append_subtree(8, Tree(leaves[start : start + 256]).root())
    compact.extend(leaves[256 * 3 :])
    assert compact.root() == Tree(leaves).root()


@pytest.mark.parametrize(("size", "height"), [(1, 1), (2, 2), (6, 2), (3, 8), (0, -1)])
def test_a_subtree_that_is_not_aligned_is_refused(size, height):
    compact = CompactRange()
    compact.extend(hashes(size))
    before = compact.root()
    with pytest.raises(ValueError, match="does not fit"):
        compact.append_subtree(height, EMPTY_ROOT)
    assert (compact.size, compact.root()) == (size, before)


def test_a_copy_grows_on_its_own():
    one = CompactRange()
    one.extend(hashes(5))
    two = one.copy()
    two.append(leaf_hash(b"more"))
    assert (one.size, two.size) == (5, 6)
    assert one.root() == Tree(hashes(5)).root() != two.root()


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytes(64)])
def test_only_hashes_of_32_bytes_enter_a_tree(wrong):
    for add in (CompactRange().append, Tree().append):
        with pytest.raises(ValueError, match="32 bytes"):
            add(wrong)
    for extend in (CompactRange().extend, Tree().extend):
        with pytest.raises(ValueError, match="32 bytes"):
            extend([bytes(32), wrong])


def test_sizes_stay_below_2_to_the_63():
    compact = CompactRange()
    with pytest.raises(ValueError, match="2\\^63"):
        compact.append_subtree(63, EMPTY_ROOT)
    for height in range(62, -1, -1):
        compact.append_subtree(height, EMPTY_ROOT)
    assert compact.size == 2**63 - 1
    with pytest.raises(ValueError, match="2\\^63"):
        compact.append(EMPTY_ROOT)


def test_the_root_of_an_earlier_size():
    tree = Tree(hashes(20))
    assert [tree.root(n) for n in (0, 1, 13)] == [EMPTY_ROOT, Tree(hashes(1)).root(), Tree(hashes(13)).root()]
    for size in (-1, 21):
        with pytest.raises(ValueError, match="leaves"):
            tree.root(size)


@pytest.mark.parametrize("place", [(3, 0), (2, 1), (0, 5), (-1, 0), (0, -1)])
def test_nodes_that_a_tree_has_not(place):
    with pytest.raises(IndexError):
        Tree(hashes(5)).node(*place)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5), (0, 2**63)])
def test_no_inclusion_proof_outside_the_tree(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        prove_inclusion(index, size, Tree(hashes(5)).node)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (5, 4), (-1, 5), (1, 2**63)])
def test_no_consistency_proof_from_nothing_or_backwards(old, new):
    with pytest.raises(ValueError, match="no consistency proof"):
        prove_consistency(old, new, Tree(hashes(5)).node)
