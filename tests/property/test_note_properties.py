"""Round trip or reject: whatever these parsers accept re-formats to the same bytes, and they raise FormatError alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.core.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from evidencekit.core.note import (
    KEY_SIZES,
    Note,
    NoteSignature,
    VerifierKey,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from evidencekit.core.proofs import TlogProof, format_tlog_proof, parse_tlog_proof
from evidencekit.errors import FormatError

SPACES = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n"))
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters=SPACES + " +"), min_size=1
)
HASHES = st.binary(min_size=32, max_size=32)
SIZES = st.integers(0, 2**63 - 1)
SIGNATURES = st.builds(NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=99))
NOTES = st.builds(Note, TEXTS.map(lambda text: text + "\n"), st.lists(SIGNATURES, min_size=1, max_size=5).map(tuple))
VKEYS = st.sampled_from(sorted(KEY_SIZES)).flatmap(
    lambda kind: st.builds(
        VerifierKey, NAMES, st.just(kind), st.binary(min_size=KEY_SIZES[kind], max_size=KEY_SIZES[kind])
    )
)
ORIGINS = st.from_regex(r"\A[a-z0-9-]{1,9}\.[a-z]{1,9}(/[A-Za-z0-9._~-]{1,20}){1,5}\Z")
CHECKPOINTS = st.builds(Checkpoint, ORIGINS, SIZES, HASHES)
PROOFS = st.builds(
    TlogProof,
    SIZES,
    st.lists(HASHES, max_size=63).map(tuple),
    st.builds(lambda cp, note: format_note(Note(format_checkpoint(cp), note.signatures)), CHECKPOINTS, NOTES),
    st.none() | st.binary(min_size=1, max_size=99),
)


def note_again(data):
    return format_note(parse_note(data))


def vkey_again(data):
    return format_vkey(parse_vkey(data.decode("utf-8", "surrogateescape"))).encode()


def checkpoint_again(data):
    return format_checkpoint(parse_checkpoint(data.decode("utf-8", "surrogateescape"))).encode()


def proof_again(data):
    return format_tlog_proof(parse_tlog_proof(data))


def accepted(again, data):
    """Whether a parser takes the bytes; if so they must come back unchanged."""
    try:
        result = again(data)
    except FormatError:
        return False
    assert result == data
    return True


@given(note=NOTES)
def test_notes_survive(note):
    assert parse_note(format_note(note)) == note


@given(key=VKEYS)
def test_verifier_keys_survive(key):
    assert parse_vkey(format_vkey(key)) == key


@given(cp=CHECKPOINTS)
def test_checkpoints_survive(cp):
    assert parse_checkpoint(format_checkpoint(cp)) == cp


@given(proof=PROOFS)
def test_proof_files_survive(proof):
    assert parse_tlog_proof(format_tlog_proof(proof)) == proof


@given(data=st.binary())
@example(b"\n\n")
@example("\n\n— \n".encode())
@example(b"c2sp.org/tlog-proof@v1\nextra \n\n")
@example(b"c2sp.org/tlog-proof@v1\n\n\n\n")
def test_any_bytes_come_back_or_are_refused(data):
    for again in (note_again, vkey_again, checkpoint_again, proof_again):
        accepted(again, data)


VKEY = b"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
CHECKPOINT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
NOTE = CHECKPOINT + "\n— a.b/c AAAAAAAx\n— witness.é AAAAAAAxMg==\n".encode()
PROOF = b"c2sp.org/tlog-proof@v1\nextra aGVsbG8=\nindex 73894\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n\n" + NOTE
SEEDS = ((note_again, NOTE), (vkey_again, VKEY), (checkpoint_again, CHECKPOINT), (proof_again, PROOF))

# Pieces that lenient parsers are fond of.
PIECES = [
    *(b"\n", b"\n\n", b"\r\n", b" ", b"\t", b"\x00", b"0", b"-", b"_", b"=", b"==", b"A", b"+", b"/", b"."),
    *(b"1", b"\xe2\x80\x94 ", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\xff", b"\xed\xa0\x80"),
]


def mutated(choice, data):
    for _ in range(choice.randint(1, 2)):
        at = choice.randrange(len(data) + 1)
        end = at + choice.choice((0, 0, 1, 1, 2, 5))
        kind = choice.randrange(4)
        if kind == 0:  # put a piece in, over nothing or over something
            data = data[:at] + choice.choice(PIECES) + data[end:]
        elif kind == 1:  # leave something out
            data = data[:at] + data[end:]
        elif kind == 2:  # repeat something
            data = data[:at] + data[at:end] * 2 + data[end:]
        else:  # another bit
            data = data[:at] + bytes(b ^ 1 << choice.randrange(8) for b in data[at : at + 1]) + data[at + 1 :]
    return data


def fuzz(again, seed, rounds):
    choice = random.Random(seed)
    return sum(accepted(again, mutated(choice, seed)) for _ in range(rounds))


@pytest.mark.parametrize(("again", "seed"), SEEDS, ids=("note", "vkey", "checkpoint", "proof"))
def test_changed_bytes_come_back_or_are_refused(again, seed):
    assert accepted(again, seed)
    taken = fuzz(again, seed, rounds=5_000)
    assert 0 < taken < 5_000


@pytest.mark.long
@pytest.mark.parametrize(("again", "seed"), SEEDS, ids=("note", "vkey", "checkpoint", "proof"))
def test_changed_bytes_at_length(again, seed):
    fuzz(again, seed, rounds=500_000)


def test_base64_has_one_spelling():
    """All 64 last characters before one `=`: only those whose unused bits are zero are taken."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    good = [c for c in alphabet if accepted(note_again, f"x\n\n— a AAAAAAA{c}AA{c}=\n".encode())]
    assert good == list(alphabet[::4])
