"""Trees of any size: three implementations agree, every proof verifies, no changed proof does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.core.merkle import CompactRange, Tree, leaf_hash, prove_consistency, prove_inclusion
from evidencekit.core.proofs import verify_consistency, verify_inclusion

LARGEST = 3000
LEAVES = [b"leaf %d" % i for i in range(LARGEST)]
TREE = Tree(map(leaf_hash, LEAVES))


def sizes(least=1, most=LARGEST):
    """Any size, with a liking for the neighbours of powers of two."""
    near = [2**k + d for k in range(12) for d in (-1, 0, 1) if least <= 2**k + d <= most]
    return st.sampled_from(near) | st.integers(least, most)


@st.composite
def places(draw):
    size = draw(sizes())
    return draw(st.sampled_from([0, size - 1]) | st.integers(0, size - 1)), size


@st.composite
def growths(draw):
    new = draw(sizes())
    return draw(sizes(most=new)), new


@settings(max_examples=30)
@given(leaves=st.lists(st.binary(max_size=40), max_size=300))
def test_three_trees_have_one_root(rfc6962, leaves):
    compact = CompactRange()
    for leaf in leaves:
        compact.append(leaf_hash(leaf))
    assert compact.root() == Tree(map(leaf_hash, leaves)).root() == rfc6962.MTH(leaves)


@given(pieces=st.lists(st.integers(0, 8) | st.integers(-600, -1), max_size=6))
def test_leaves_and_aligned_subtrees_in_any_mixture(pieces):
    compact = CompactRange()
    for piece in pieces:
        start = compact.size
        if piece < 0:
            compact.extend(map(leaf_hash, LEAVES[start : start - piece]))
        elif start % 2**piece == 0 and start + 2**piece <= LARGEST:
            compact.append_subtree(piece, Tree(map(leaf_hash, LEAVES[start : start + 2**piece])).root())
    assert compact.root() == compact.copy().root() == TREE.root(compact.size)


@settings(max_examples=30)
@given(place=places())
def test_inclusion_proofs_are_the_literal_rfcs(rfc6962, place):
    index, size = place
    assert prove_inclusion(index, size, TREE.node) == rfc6962.PATH(index, LEAVES[:size])


@settings(max_examples=30)
@given(growth=growths())
def test_consistency_proofs_are_the_literal_rfcs(rfc6962, growth):
    old, new = growth
    assert prove_consistency(old, new, TREE.node) == rfc6962.PROOF(old, LEAVES[:new])


@st.composite
def changes(draw):
    """A function that changes a list of hashes in one way, whatever its length."""
    kind = draw(st.sampled_from(["flip", "drop", "insert", "swap"]))
    at, bit, new = draw(st.integers(0, 63)), draw(st.integers(0, 255)), draw(st.binary(min_size=32, max_size=32))

    def change(hashes):
        hashes = list(hashes)
        place = at % max(len(hashes), 1)
        if kind == "insert" or not hashes:
            hashes.insert(place, new)
        elif kind == "flip":
            hashes[place] = (int.from_bytes(hashes[place], "big") ^ 1 << bit).to_bytes(32, "big")
        elif kind == "drop" or len(hashes) == 1:
            del hashes[place]
        else:
            hashes[place - 1], hashes[place] = hashes[place], hashes[place - 1]
        return hashes

    return change


@given(place=places(), change=changes(), bit=st.integers(0, 255))
def test_an_inclusion_proof_verifies_and_no_changed_one_does(place, change, bit):
    index, size = place
    proof = prove_inclusion(index, size, TREE.node)
    good = {
        "index": index,
        "size": size,
        "leaf_hash": TREE.node(0, index),
        "proof": proof,
        "root": TREE.root(size),
    }
    assert verify_inclusion(**good)
    other = (int.from_bytes(good["root"], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not verify_inclusion(**good | {"proof": change(proof)})
    assert not verify_inclusion(**good | {"root": other})
    assert not verify_inclusion(**good | {"leaf_hash": other})
    assert not verify_inclusion(**good | {"index": (index + 1) % (size + 1)})


@given(growth=growths(), change=changes(), bit=st.integers(0, 255))
def test_a_consistency_proof_verifies_and_no_changed_one_does(growth, change, bit):
    old, new = growth
    proof = prove_consistency(old, new, TREE.node)
    good = {
        "old": old,
        "new": new,
        "old_root": TREE.root(old),
        "new_root": TREE.root(new),
        "proof": proof,
    }
    assert verify_consistency(**good)
    other = (int.from_bytes(good["new_root"], "big") ^ 1 << bit).to_bytes(32, "big")
    assert not verify_consistency(**good | {"proof": change(proof)})
    assert not verify_consistency(**good | {"old_root": other})
    assert not verify_consistency(**good | {"new_root": other})
    assert not verify_consistency(**good | {"old": 0})


@given(
    numbers=st.tuples(*[st.integers(-(2**65), 2**65) | st.integers(0, 70)] * 2),
    hashes=st.tuples(*[st.binary(max_size=33) | st.just(bytes(32))] * 2),
    proof=st.lists(st.binary(max_size=33) | st.just(bytes(32)), max_size=70),
)
def test_nothing_makes_a_verifier_raise(numbers, hashes, proof):
    (one, two), (first, second) = numbers, hashes
    assert verify_inclusion(index=one, size=two, leaf_hash=first, proof=proof, root=second) in (True, False)
    verdict = verify_consistency(old=one, new=two, old_root=first, new_root=second, proof=proof)
    assert verdict in (True, False)
