"""core/digest.py against specs/manifest.md, sections 1 and 7, written out a second time."""

from __future__ import annotations

import hashlib

import pytest

from evidencekit.core.digest import group_commitment, group_salts, header_commitment, sha256, sha256_hex
from evidencekit.errors import FormatError

SALT = bytes(range(16))


def test_sha256_known_answer():
    assert sha256_hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"abc").hex() == sha256_hex(b"abc")


def test_group_salts():
    h = hashlib.sha512(b"evidencekit/salts/1" + b"\x00" + SALT).digest()
    assert group_salts(SALT) == (h[:16], h[16:32], h[32:48])


@pytest.mark.parametrize("group", ["name", "content", "metadata", "opinion"])
def test_group_commitment(group):
    whole = b"evidencekit/group/1" + b"\x00" + group.encode() + b"\x00" + SALT + b"{}"
    assert group_commitment(group, SALT, b"{}") == hashlib.sha256(whole).digest()


def test_header_commitment():
    assert header_commitment(SALT, b"{}") == hashlib.sha256(b"evidencekit/header/1\x00" + SALT + b"{}").digest()


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17), bytes(32)])
def test_salt_of_another_length_would_move_the_border_to_the_data(salt):
    for commit in (
        group_salts,
        lambda salt: group_commitment("name", salt, b""),
        lambda salt: header_commitment(salt, b""),
    ):
        with pytest.raises(FormatError):
            commit(salt)
