"""Stock `age` opens what we encrypt, and we open what it encrypts."""

from __future__ import annotations

import os
import subprocess

import pytest

from evidencekit.read.age import decrypt, load_identities
from evidencekit.write.age import encrypting, parse_recipient

pytestmark = pytest.mark.judge("age")


@pytest.fixture
def keys(tmp_path):
    """A key of age-keygen, and one of ssh-keygen: file and recipient."""
    subprocess.run(["age-keygen", "-o", tmp_path / "age"], check=True, capture_output=True)
    told = subprocess.run(["age-keygen", "-y", tmp_path / "age"], check=True, capture_output=True, text=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ssh"], check=True)
    return {tmp_path / "age": told.stdout.strip(), tmp_path / "ssh": (tmp_path / "ssh.pub").read_text().strip()}


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_age_opens_what_we_encrypt(tmp_path, keys, size):
    data, path = os.urandom(size), tmp_path / "out.age"
    with path.open("wb") as file, encrypting(file, [*map(parse_recipient, keys.values())], path=path) as writer:
        writer.write(data)
    for key in keys:
        done = subprocess.run(["age", "-d", "-i", key, path], check=True, capture_output=True)
        assert done.stdout == data


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_we_open_what_age_encrypts(tmp_path, keys, size):
    data, path = os.urandom(size), tmp_path / "out.age"
    recipients = [option for recipient in keys.values() for option in ("-r", recipient)]
    subprocess.run(["age", *recipients, "-o", path], input=data, check=True)
    for key in keys:
        with path.open("rb") as file, decrypt(file, load_identities(key), name="out.age") as opened:
            assert opened.read() == data
