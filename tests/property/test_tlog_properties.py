"""Witnesses and tiles: a model that is plainly right against the code, and any bytes come back or are refused."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.core.checkpoint import Checkpoint, format_checkpoint
from evidencekit.core.merkle import Tree, leaf_hash, node_hash, prove_consistency
from evidencekit.core.note import Note, NoteSignature, format_note
from evidencekit.core.tlog_tiles import (
    WIDTH,
    Tile,
    bundles_of,
    decode_bundle,
    encode_bundle,
    tiles_of,
)
from evidencekit.core.witness import (
    AddCheckpoint,
    fault,
    format_add_checkpoint,
    parse_add_checkpoint,
    parse_answer,
)
from evidencekit.errors import FormatError

HASHES = st.binary(min_size=32, max_size=32)
SIZES = st.integers(0, 2**63 - 1)
LINES = st.builds(NoteSignature, st.just("a.example/b"), st.binary(min_size=4, max_size=4), st.binary(min_size=1))


@st.composite
def requests(draw):
    tree = Checkpoint("a.example/b", draw(SIZES), draw(HASHES))
    note = format_note(Note(format_checkpoint(tree), tuple(draw(st.lists(LINES, min_size=1, max_size=3)))))
    return AddCheckpoint(draw(st.integers(0, tree.size)), tuple(draw(st.lists(HASHES, max_size=63))), note)


@given(requests())
def test_a_request_comes_back(request):
    assert parse_add_checkpoint(format_add_checkpoint(request)) == request


@given(requests(), st.data())
def test_a_request_that_was_changed_comes_back_as_it_is_or_is_refused(request, data):
    raw = bytearray(format_add_checkpoint(request))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        parsed = parse_add_checkpoint(bytes(raw))
    except FormatError:
        return
    assert format_add_checkpoint(parsed) == bytes(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_refused(data):
    with contextlib.suppress(FormatError):
        assert parse_answer(data)


@given(st.lists(st.binary(max_size=40), max_size=WIDTH))
def test_bundles_come_back(entries):
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries


@given(st.binary(max_size=600), st.integers(0, WIDTH))
def test_any_bytes_are_a_bundle_or_refused(data, width):
    try:
        entries = decode_bundle(data, width)
    except FormatError:
        return
    assert (len(entries), encode_bundle(entries)) == (width, data)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_paths_are_injective_and_widths_add_up(one, other):
    assert (Tile(0, one, WIDTH).path == Tile(0, other, WIDTH).path) == (one == other)


@settings(max_examples=30)
@given(st.integers(1, 2000))
def test_tiles_hold_every_node_that_a_proof_asks_for(size):
    tree = Tree(leaf_hash(n.to_bytes(4, "big")) for n in range(size))
    stored = {}
    for tile in tiles_of(size):
        for place in range(tile.width):
            index = tile.index * WIDTH + place
            stored[tile.level, index] = tree.node(8 * tile.level, index)
    assert sum(tile.width for tile in bundles_of(size)) == size

    def node(level, index):
        """A node out of tiles alone, as C2SP says: between the levels it is hashed from the tile below."""
        if level % 8 == 0:
            return stored[level // 8, index]
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    for old in {1, size // 2 or 1, size}:
        assert prove_consistency(old, size, node) == prove_consistency(old, size, tree.node)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans()), max_size=12))
def test_a_witness_cosigns_one_history_whatever_it_is_asked(asked):
    """The model: a list of leaves that only grows. Requests are of the true log or of a forged one."""
    true = Tree(leaf_hash(bytes([n])) for n in range(13))
    forged = Tree(leaf_hash(bytes([n + 100])) for n in range(13))
    last, history = None, []
    for old, new, honest in asked:
        tree = true if honest else forged
        proof = prove_consistency(old, new, tree.node) if 0 < old <= new else []
        cp = Checkpoint("a.example/b", new, tree.root(new))
        if fault(last, old, proof, cp) is None:
            history.append((new, honest or new == 0))
            last = cp
    sizes = [size for size, _ in history]
    assert sizes == sorted(sizes)
    assert len({honest for size, honest in history if size}) <= 1
