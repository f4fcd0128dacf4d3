from __future__ import annotations

import base64

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
from evidencekit.core.proofs import (
    MAX_EXTRA,
    TlogProof,
    format_tlog_proof,
    parse_tlog_proof,
    verify_consistency,
    verify_inclusion,
)
from evidencekit.errors import FormatError

LEAVES = [leaf_hash(b"%d" % i) for i in range(40)]
TREE = Tree(LEAVES)


def included(index, size, /, **other):
    given = {
        "index": index,
        "size": size,
        "leaf_hash": LEAVES[index],
        "proof": prove_inclusion(index, size, TREE.node),
        "root": TREE.root(size),
    }
    return verify_inclusion(**given | other)


def consistent(old, new, /, **other):
    given = {
        "old": old,
        "new": new,
        "old_root": TREE.root(old),
        "new_root": TREE.root(new),
        "proof": prove_consistency(old, new, TREE.node),
    }
    return verify_consistency(**given | other)


def test_every_proof_of_a_small_tree_verifies():
    for size in range(1, 41):
        for index in range(size):
            assert included(index, size)
            assert consistent(index + 1, size)


def test_a_proof_holds_for_its_place_alone():
    for size in range(2, 20):
        for index in range(size):
            proof = prove_inclusion(index, size, TREE.node)
            others = [i for i in range(size) if i != index]
            assert not any(included(index, size, index=other) for other in others)
            assert not any(included(other, size, proof=proof) for other in others)


@pytest.mark.parametrize(
    "other",
    [
        {"index": -1},
        {"index": 13},
        {"index": 2**63},
        {"size": 0},
        {"size": 5},
        {"size": 2**63},
        {"size": -13},
        {"root": bytes(32)},
        {"root": b""},
        {"leaf_hash": LEAVES[6]},
        {"leaf_hash": LEAVES[5] + b"\x00"},
        {"proof": []},
        {"proof": [bytes(32)] * 4},
        {"proof": [b""] * 4},
        {"proof": prove_inclusion(5, 13, TREE.node)[:-1]},
        {"proof": [*prove_inclusion(5, 13, TREE.node), bytes(32)]},
        {"proof": [p + b"\x00" for p in prove_inclusion(5, 13, TREE.node)]},
        {"proof": [p.hex() for p in prove_inclusion(5, 13, TREE.node)]},
        {"proof": [bytes(32)] * 10_000},
    ],
    ids=lambda given: ascii(given)[:60],
)
def test_a_bad_inclusion_proof_is_false_and_never_an_exception(other):
    assert included(5, 13)
    assert included(5, 13, **other) is False


@pytest.mark.parametrize(
    "other",
    [
        {"old": 0},
        {"old": 0, "old_root": EMPTY_ROOT},
        {"old": 0, "old_root": EMPTY_ROOT, "proof": []},
        {"old": -6},
        {"old": 7},
        {"old": 13},
        {"old": 14},
        {"new": 6},
        {"new": 2**63},
        {"old_root": bytes(32)},
        {"old_root": TREE.root(7)},
        {"old_root": b""},
        {"new_root": bytes(32)},
        {"new_root": TREE.root(12)},
        {"proof": []},
        {"proof": [TREE.root(6)]},
        {"proof": [b""] * 4},
        {"proof": prove_consistency(6, 13, TREE.node)[:-1]},
        {"proof": prove_consistency(6, 13, TREE.node)[1:]},
        {"proof": [*prove_consistency(6, 13, TREE.node), bytes(32)]},
        {"proof": [bytes(32)] * 10_000},
    ],
    ids=lambda given: ascii(given)[:60],
)
def test_a_bad_consistency_proof_is_false_and_never_an_exception(other):
    assert consistent(6, 13)
    assert consistent(6, 13, **other) is False


def test_an_index_must_lie_inside_the_tree():
    only = Tree(LEAVES[:1]).root()
    assert verify_inclusion(index=0, size=1, leaf_hash=LEAVES[0], proof=[], root=only)
    assert not verify_inclusion(index=1, size=1, leaf_hash=LEAVES[0], proof=[], root=only)
    assert not verify_inclusion(index=0, size=0, leaf_hash=LEAVES[0], proof=[], root=only)


def test_sizes_end_below_2_to_the_63():
    proof, root = [LEAVES[0]], LEAVES[0]
    for _ in range(63):
        root = node_hash(root, proof[-1])
        proof.append(LEAVES[0])
    for size, holds in ((2**63 - 1, True), (2**63, False)):
        # The leftmost path has the same shape for both sizes: the limit alone parts them.
        given = {"index": 0, "size": size, "leaf_hash": LEAVES[0], "proof": proof[:63], "root": root}
        assert verify_inclusion(**given) is holds
        grown = {"old": 1, "new": size, "old_root": LEAVES[0], "new_root": root, "proof": proof[:63]}
        assert verify_consistency(**grown) is holds


def test_equal_sizes_need_equal_roots_and_nothing_else():
    assert consistent(8, 8)
    assert not consistent(8, 8, proof=[TREE.root(8)])
    assert not consistent(8, 8, new_root=TREE.root(7))
    assert not consistent(8, 8, old_root=b"x", new_root=b"x")


def test_a_forked_tree_is_not_consistent():
    fork = Tree([*LEAVES[:5], leaf_hash(b"other"), *LEAVES[6:]])
    for old in range(6, 40):
        proof = prove_consistency(old, 40, fork.node)
        assert not verify_consistency(old=old, new=40, old_root=TREE.root(old), new_root=fork.root(), proof=proof)


def test_the_largest_sizes():
    perfect = [leaf_hash(b"same")]
    while len(perfect) < 63:
        perfect.append(node_hash(perfect[-1], perfect[-1]))

    def node(level, index):
        return perfect[level]

    def root(size):
        compact = CompactRange()
        for level in range(62, -1, -1):
            if size >> level & 1:
                compact.append_subtree(level, perfect[level])
        return compact.root()

    largest = 2**63 - 1
    for size in (largest, largest - 1, 2**62 + 1, 2**62):
        for index in (0, 1, size // 2, size - 1):
            proof = prove_inclusion(index, size, node)
            assert len(proof) <= 63
            assert verify_inclusion(index=index, size=size, leaf_hash=perfect[0], proof=proof, root=root(size))
        for old in (1, 2, size // 2, size - 1, size):
            proof = prove_consistency(old, size, node)
            assert verify_consistency(old=old, new=size, old_root=root(old), new_root=root(size), proof=proof)


# --- proof files ---------------------------------------------------------------------------------------------

NOTE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
).encode()
HASHES = (
    "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=",
    "B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=",
)
PROOF = b"c2sp.org/tlog-proof@v1\nindex 73894\n" + "\n".join(HASHES).encode() + b"\n\n" + NOTE
WITH_EXTRA = PROOF.replace(b"index", b"extra aGVsbG8=\nindex", 1)


def test_a_proof_file():
    hashes = tuple(base64.b64decode(h) for h in HASHES)
    assert parse_tlog_proof(PROOF) == TlogProof(73894, hashes, NOTE)
    assert parse_tlog_proof(WITH_EXTRA) == TlogProof(73894, hashes, NOTE, b"hello")
    for data in (PROOF, WITH_EXTRA):
        assert format_tlog_proof(parse_tlog_proof(data)) == data


def test_extra_data_of_one_byte():
    data = WITH_EXTRA.replace(b"aGVsbG8=", b"aA==")
    assert parse_tlog_proof(data).extra == b"h"


def test_a_proof_file_without_hashes():
    data = b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE
    assert parse_tlog_proof(data).hashes == ()
    assert format_tlog_proof(parse_tlog_proof(data)) == data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tlog-proof@v1", b"tlog-proof@v2"),
        (b"c2sp", b"\xef\xbb\xbfc2sp"),
        (b"@v1\n", b"@v1\r\n"),
        (b"@v1\n", b"@v1\n\n"),
        (b"index 73894", b"index 073894"),
        (b"index 73894", b"index +73894"),
        (b"index 73894", b"index 73_894"),
        (b"index 73894", b"index -1"),
        (b"index 73894", b"index  73894"),
        (b"index 73894", b"index 73894 "),
        (b"index 73894", b"index 9223372036854775808"),
        (b"index 73894", "index \u0667".encode()),
        (b"index 73894", b"index"),
        (b"index 73894\n", b""),
        (b"index 73894\n", b"index 73894\nindex 73894\n"),
        (b"PlQ=", b"PlR="),
        (b"PlQ=", b"PlQ"),
        (b"PlQ=", b"PlQ=="),
        (b"PlQ=", b"PlQ= "),
        (b"PlQ=", b"Pl=="),
        (b"PlQ=", b"PlQA"),
        (b"PlQ=\n", b"PlQ=\n\n"),
        (b"PlQ=\n", b"PlQ=\r\n"),
        (b"extra aGVsbG8=", b"extra "),
        (b"extra aGVsbG8=", b"extra"),
        (b"extra aGVsbG8=", b"extra aGVsbG9="),
        (b"extra aGVsbG8=", b"extra aGVs\tbG8="),
        (b"extra aGVsbG8=\nindex 73894\n", b"index 73894\nextra aGVsbG8=\n"),
        (b"extra aGVsbG8=\n", b"extra aGVsbG8=\nextra aGVsbG8=\n"),
        (b"\n\nexample", b"\n\n\nexample"),
        (b"\n\nexample", b"\nexample"),
        (b"20852163", b"020852163"),
        (b"YQ8=\n", b"YQ8="),
        (b"YQ8=\n", b"YQ8=\n\n"),
    ],
    ids=lambda given: ascii(given)[:60],
)
def test_a_second_spelling_of_a_proof_file_is_refused(old, new):
    assert WITH_EXTRA.count(old) >= 1
    with pytest.raises(FormatError):
        parse_tlog_proof(WITH_EXTRA.replace(old, new, 1))


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\n\n", b"c2sp.org/tlog-proof@v1\n", PROOF[:60], b"\xff" * 9, WITH_EXTRA[:37] + b"\n\n"]
)
def test_pieces_of_a_proof_file_are_refused(data):
    with pytest.raises(FormatError):
        parse_tlog_proof(data)


def test_the_limits_of_a_proof_file():
    hashes = (bytes(32),) * 63
    longest = format_tlog_proof(TlogProof(2**63 - 1, hashes, NOTE, bytes(MAX_EXTRA)))
    assert format_tlog_proof(parse_tlog_proof(longest)) == longest
    with pytest.raises(FormatError, match="at most 63 hashes"):
        parse_tlog_proof(longest.replace(b"\n\n", b"\n" + base64.b64encode(bytes(32)) + b"\n\n", 1))
    with pytest.raises(FormatError, match="4194304 bytes"):
        parse_tlog_proof(PROOF.replace(b"index", b"extra " + base64.b64encode(bytes(MAX_EXTRA + 1)) + b"\nindex", 1))
    with pytest.raises(FormatError, match="at most"):
        parse_tlog_proof(longest + bytes(2 << 20))


@pytest.mark.parametrize(
    "wrong",
    [
        (-1, (), NOTE),
        (2**63, (), NOTE),
        (0, (bytes(31),), NOTE),
        (0, (bytes(32),) * 64, NOTE),
        (0, (), NOTE, b""),
        (0, (), b"no note"),
        (0, (), b"no checkpoint\n\n" + NOTE.partition(b"\n\n")[2]),
    ],
    ids=lambda wrong: repr(wrong)[:60],
)
def test_a_proof_that_could_not_be_written_does_not_exist(wrong):
    with pytest.raises(FormatError):
        TlogProof(*wrong)
