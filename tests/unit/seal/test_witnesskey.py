"""seal/witnesskey.py: files that may hold a witness's key."""

from __future__ import annotations

import pytest

from evidencekit.core.note import ED25519_COSIGNATURE
from evidencekit.core.sshkeys import parse_public_key_line, raw_key
from evidencekit.errors import CannotFinish
from evidencekit.seal.sign import new_key
from evidencekit.seal.witnesskey import load_witness_key, new_witness_key


def test_its_own_form_comes_back(tmp_path):
    made = new_witness_key(tmp_path / "witness", name="partner.example/w1")
    assert load_witness_key(tmp_path / "witness").verifier_key == made.verifier_key


@pytest.mark.parametrize("passphrase", [None, b"a secret"])
@pytest.mark.parametrize("is_beside", [True, False])
def test_an_openssh_key_is_named_by_its_comment(tmp_path, passphrase, is_beside):
    path = tmp_path / "partner.example"
    new_key(path, comment="partner.example/w1", passphrase=passphrase)
    public = parse_public_key_line((tmp_path / "partner.example.pub").read_bytes().rstrip(b"\n"))
    if not is_beside:
        (tmp_path / "partner.example.pub").unlink()
    key = load_witness_key(path, ask_passphrase=lambda _: "a secret").verifier_key
    assert (key.kind, key.key) == (ED25519_COSIGNATURE, raw_key(public.blob))
    assert key.name == ("partner.example/w1" if is_beside else "partner")  # else it is the file's name


def test_a_comment_that_can_name_no_witness_is_refused(tmp_path):
    new_key(tmp_path / "witness", comment="J. Doe", passphrase=None)
    with pytest.raises(CannotFinish) as refused:
        load_witness_key(tmp_path / "witness")
    assert refused.value.code == "X418"


@pytest.mark.parametrize("data", [b"", b"evidencekit witness key for x\n", b"-----BEGIN PRIVATE KEY-----\n"])
def test_anything_else_is_refused(tmp_path, data):
    (tmp_path / "witness").write_bytes(data)
    (tmp_path / "witness").chmod(0o600)
    with pytest.raises(CannotFinish) as refused:
        load_witness_key(tmp_path / "witness")
    assert refused.value.code == "X418"
