"""ML-DSA-44 by other hands: `dilithium-py` and `cryptography` verify each other's 0x06 lines over our message.

The message is put together a second time here, straight from the structure in C2SP tlog-cosignature.
"""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from evidencekit.core.checkpoint import (
    Checkpoint,
    format_checkpoint,
    join_timestamped,
    mldsa44_message,
    parse_checkpoint,
    split_timestamped,
)
from evidencekit.core.merkle import EMPTY_ROOT
from evidencekit.core.note import MLDSA44, Note, NoteSignature, VerifierKey, format_note, parse_note

pytestmark = pytest.mark.judge("dilithium-py")

SEED = hashlib.sha256(b"evidencekit judges: ML-DSA-44").digest()
CASES = [
    (Checkpoint("example.com/log", 0, EMPTY_ROOT), "example.com/log", 0),
    (Checkpoint("example.com/log", 2**63 - 1, bytes(range(32))), "example.com/log", 0),
    (Checkpoint("a.b/" + "c" * 196, 7, b"\xff" * 32), "witness.example/é", 1679315147),
    (Checkpoint("a.b/c", 1, bytes(32)), "w" * 255, 2**63 - 1),
]


def cosigned_message(cp, name, timestamp):
    return (
        b"subtree/v1\n\0"
        + bytes([len(name.encode())])
        + name.encode()
        + timestamp.to_bytes(8, "big")
        + bytes([len(cp.origin)])
        + cp.origin.encode()
        + (0).to_bytes(8, "big")
        + cp.size.to_bytes(8, "big")
        + cp.root
    )


@pytest.fixture(scope="module")
def dilithium():
    from dilithium_py.ml_dsa import ML_DSA_44

    return ML_DSA_44


def note_with(cp, vkey, timestamp, signature):
    line = NoteSignature(vkey.name, vkey.key_id, join_timestamped(timestamp, signature))
    return format_note(Note(format_checkpoint(cp), (line,)))


def read_back(data, vkey):
    note = parse_note(data)
    (line,) = note.signatures
    assert vkey.matches(line)
    return parse_checkpoint(note.text), *split_timestamped(line.signature)


@pytest.mark.parametrize(("cp", "name", "timestamp"), CASES)
def test_dilithium_py_verifies_what_cryptography_signed(dilithium, cp, name, timestamp):
    private = MLDSA44PrivateKey.from_seed_bytes(SEED)
    vkey = VerifierKey(name, MLDSA44, private.public_key().public_bytes_raw())
    message = mldsa44_message(cp, name=name, timestamp=timestamp)
    data = note_with(cp, vkey, timestamp, private.sign(message))
    assert read_back(data, vkey)[:2] == (cp, timestamp)
    signature = read_back(data, vkey)[2]
    assert dilithium.verify(vkey.key, cosigned_message(cp, name, timestamp), signature)
    assert not dilithium.verify(vkey.key, cosigned_message(cp, name, timestamp ^ 1), signature)
    assert not dilithium.verify(vkey.key, cosigned_message(cp, "x" + name[1:], timestamp), signature)


@pytest.mark.parametrize(("cp", "name", "timestamp"), CASES)
def test_cryptography_verifies_what_dilithium_py_signed(dilithium, cp, name, timestamp):
    public, secret = dilithium.key_derive(SEED)
    vkey = VerifierKey(name, MLDSA44, public)
    signature = dilithium.sign(secret, cosigned_message(cp, name, timestamp))
    again, when, bare = read_back(note_with(cp, vkey, timestamp, signature), vkey)
    key = MLDSA44PublicKey.from_public_bytes(vkey.key)
    key.verify(bare, mldsa44_message(again, name=name, timestamp=when))
    with pytest.raises(InvalidSignature):
        key.verify(bare, mldsa44_message(again, name=name, timestamp=when ^ 1))
    with pytest.raises(InvalidSignature):
        key.verify(bytes([bare[0] ^ 1]) + bare[1:], mldsa44_message(again, name=name, timestamp=when))


def test_both_derive_one_key_from_one_seed(dilithium):
    public = MLDSA44PrivateKey.from_seed_bytes(SEED).public_key().public_bytes_raw()
    assert dilithium.key_derive(SEED)[0] == public


def test_dilithium_py_verifies_the_cosignature_of_a_witness(dilithium, tmp_path):
    from evidencekit.seal.witnesskey import new_witness_key

    key = new_witness_key(tmp_path / "witness", name="witness.example/é", kind="ml-dsa-44")
    for cp, _, _ in CASES:
        line = key.cosign(cp, 1679315147)
        timestamp, signature = split_timestamped(line.signature)
        message = cosigned_message(cp, key.name, timestamp)
        assert timestamp == 1679315147
        assert dilithium.verify(key.verifier_key.key, message, signature)
        assert not dilithium.verify(key.verifier_key.key, message + b"\0", signature)
