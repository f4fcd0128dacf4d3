"""Requests and answers of tlog-witness, and the rules of a witness: the spec's own example, and one fault each."""

from __future__ import annotations

import pytest

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.merkle import EMPTY_ROOT, Tree, leaf_hash, prove_consistency
from evidencekit.core.witness import (
    CONFLICT,
    FORK,
    UNPROVED,
    AddCheckpoint,
    fault,
    format_add_checkpoint,
    parse_add_checkpoint,
    parse_answer,
    parse_proof,
)
from evidencekit.errors import FormatError

EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
""".encode()
"""C2SP tlog-witness, section add-checkpoint."""
ANSWER = """— witness.example/w1 CMp+6LWBU0anHGH5aNDTJkH/gj79sG+T6+iP2ThYN5krrDJbR1HDnucjL39QsZTSvVjyQLrdk3DXDqI5G2HgLatVs0pWh6Up69HVOw==
— witness.example/w2 AWui8Sk55XjYLOijihBjhqEH6nS1ndDymE0a+6idX7pLcnoB+dhnz0854aLZgrrKbYKA7nC3HNJhm/kWl7oJlqU3rXXvpysAdyP3wQ==
""".encode()
ORIGIN = "unit7.example/log"
TREE = Tree(leaf_hash(bytes([n])) for n in range(9))


def at(size, root=None):
    return Checkpoint(ORIGIN, size, TREE.root(size) if root is None else root)


def test_the_example_of_the_spec():
    request = parse_add_checkpoint(EXAMPLE)
    assert (request.old, len(request.proof), request.tree.size) == (20852014, 4, 20852163)
    assert request.tree.origin == "example.com/behind-the-sofa"
    assert format_add_checkpoint(request) == EXAMPLE
    head, _, note = EXAMPLE.partition(b"\n\n")
    assert parse_proof(head + b"\n") == parse_proof(head + b"\n\n") == (request.old, request.proof)
    assert note == request.note


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"old 2", b"new 2"), (b"old 2", b"old +2"), (b"old 20852014", b"old 020852014"), (b"old 2", b"old  2"),
        (b"old 20852014", b"old 20852164"), (b"old 20852014", b"old 9223372036854775808"), (b"\n\n", b"\n"),
        (b"PlRN", b"PlR"), (b"PlRN", b" PlRN"), (b"pkaw=\n", b"pkax=\n"), (b"pkaw=\n", b"pkaw=\n\n"),
        (b"20852163", b"020852163"), (b"jxq2I=\n\n", b"jxq2I=\nextension\n\n"), (b"\xe2\x80\x94", b"-"), (b"old", b"\xff"),
    ],
)  # fmt: skip
def test_other_spellings_are_refused(old, new):
    assert old in EXAMPLE
    with pytest.raises(FormatError):
        parse_add_checkpoint(EXAMPLE.replace(old, new, 1))


def test_63_hashes_and_no_more():
    line = b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
    head, rest = EXAMPLE.split(line)
    assert len(parse_add_checkpoint(head + line * 60 + rest).proof) == 63
    with pytest.raises(FormatError):
        parse_add_checkpoint(head + line * 61 + rest)


def test_an_answer():
    assert [line.name for line in parse_answer(ANSWER)] == ["witness.example/w1", "witness.example/w2"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        ANSWER[:-1],
        ANSWER + b"\n",
        b"hello\n",
        ANSWER * 33,
        "— a AAAA\n".encode(),
        "— a AAAAAA==\n".encode(),
    ],
)
def test_no_answer(data):
    with pytest.raises(FormatError):
        parse_answer(data)


def test_nothing_seen_and_nothing_to_prove():
    assert fault(None, 0, (), at(5)) is None
    assert fault(None, 0, (bytes(32),), at(5)) == UNPROVED
    assert fault(None, 3, (), at(5)) == CONFLICT
    assert fault(None, 0, (), at(0)) is None
    assert fault(None, 0, (), at(0, bytes(32))) == FORK


def test_every_pair_of_sizes():
    for old in range(1, 10):
        for new in range(old, 10):
            proof = prove_consistency(old, new, TREE.node)
            assert fault(at(old), old, proof, at(new)) is None
            assert fault(at(old), old - 1, proof, at(new)) == CONFLICT
            other = fault(at(old), old, proof, at(new, bytes(32)))
            assert other == (FORK if old == new else UNPROVED)
            assert fault(at(old, bytes(32)), old, proof, at(new)) == other
            assert fault(at(old), old, [*proof, bytes(32)], at(new)) == UNPROVED


def test_after_the_empty_tree():
    assert fault(at(0, EMPTY_ROOT), 0, (), at(5)) is None
    assert fault(at(0, EMPTY_ROOT), 0, (bytes(32),), at(5)) == UNPROVED


@pytest.mark.parametrize("more", [{"old": -1}, {"old": 1 << 63}, {"proof": (b"short",)}, {"proof": (bytes(32),) * 64}])
def test_a_request_that_cannot_be(more):
    note = parse_add_checkpoint(EXAMPLE).note
    with pytest.raises(FormatError):
        AddCheckpoint(**({"old": 0, "proof": (), "note": note} | more))
