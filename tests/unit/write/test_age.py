"""write/age.py and read/age.py: what is encrypted for somebody is opened by him, and by nobody else."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import tracemalloc

import pyrage
import pytest

from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.age import decrypt, is_encrypted, load_identities
from evidencekit.write.age import encrypting, parse_recipient

DATA = os.urandom(200_000)


@pytest.fixture
def person():
    return pyrage.x25519.Identity.generate()


def encrypted(path, data, *recipients):
    with path.open("wb") as file, encrypting(file, [*map(parse_recipient, recipients)], path=path) as writer:
        for at in range(0, len(data), 70_000):
            writer.write(data[at : at + 70_000])
    return path


def opened(path, *identities):
    with path.open("rb") as file, decrypt(file, identities, name=path.name) as inner:
        return inner.read()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_whoever_it_is_for_opens_it(tmp_path, person, size):
    other = pyrage.x25519.Identity.generate()
    path = encrypted(tmp_path / "a.age", DATA[:size], str(person.to_public()), str(other.to_public()))
    assert is_encrypted(path.read_bytes())
    assert opened(path, person) == opened(path, other) == DATA[:size]
    if size > 32:
        assert DATA[:32] not in path.read_bytes()


def test_nobody_else_opens_it(tmp_path, person):
    path = encrypted(tmp_path / "a.age", DATA, str(person.to_public()))
    with pytest.raises(CannotFinish) as caught:
        opened(path, pyrage.x25519.Identity.generate())
    assert caught.value.code == "X491"
    with pytest.raises(BadArgument) as said:
        opened(path)
    assert said.value.code == "U291"


@pytest.mark.parametrize("change", [
    lambda data: data[:-1], lambda data: data[:100_000], lambda data: data[:150_000] + b"?" + data[150_001:],
    lambda data: data + b"?", lambda data: data[:-70_000], lambda data: b"age-encryption.org/v2" + data[21:],
    lambda data: data[:60], lambda _: b"", lambda _: b"age-encryption.org/v1\n-> X25519 " + b"A" * (3 << 20),
])  # fmt: skip
def test_a_damaged_one_is_refused(tmp_path, person, change):
    path = encrypted(tmp_path / "a.age", DATA, str(person.to_public()))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FormatError):
        opened(path, person)


def test_ssh_keys(tmp_path):
    for name, kind in (("ed", "ed25519"), ("locked", "ed25519")):
        phrase = "secret" if name == "locked" else ""
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-f", tmp_path / name], check=True)
    path = encrypted(tmp_path / "a.age", DATA, (tmp_path / "ed.pub").read_text())
    assert opened(path, *load_identities(tmp_path / "ed")) == DATA
    with pytest.raises(BadArgument) as caught:
        load_identities(tmp_path / "locked")
    assert (caught.value.code, "passphrase" in caught.value.message) == ("U290", True)


def test_a_file_of_identities(tmp_path, person):
    (tmp_path / "keys").write_text(f"# created: today\n# public key: {person.to_public()}\n{person}\n")
    path = encrypted(tmp_path / "a.age", b"hello", str(person.to_public()))
    assert opened(path, *load_identities(tmp_path / "keys")) == b"hello"


@pytest.mark.parametrize("text", ["", "# nothing\n", "hello\n", "AGE-SECRET-KEY-1QQQ\n", "\xff", "-----BEGIN X-----\n"])
def test_what_is_no_identity(tmp_path, text):
    (tmp_path / "keys").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadArgument) as caught:
        load_identities(tmp_path / "keys")
    assert caught.value.code == "U290"
    with pytest.raises(BadArgument):
        load_identities(tmp_path / "none")


@pytest.mark.parametrize("text", ["", "age1", "age1xx", "ssh-ed25519 AAAA", "someone@example.org", "ssh-dss AAAA"])
def test_what_is_no_recipient(text):
    with pytest.raises(BadArgument) as caught:
        parse_recipient(text)
    assert caught.value.code == "U292"


class Full(io.RawIOBase):
    """A medium with room for some bytes."""

    room = 100_000

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return len(data)


def test_a_full_disk_is_named(tmp_path, person):
    def fill():
        with encrypting(Full(), [person.to_public()], path=tmp_path / "out.age") as writer:
            for _ in range(100):
                writer.write(DATA)

    with pytest.raises(CannotFinish) as caught:
        fill()
    assert caught.value.code == "X421"


def test_what_fails_inside_is_what_is_raised(tmp_path, person):
    def fail():
        with encrypting(io.BytesIO(), [person.to_public()], path=tmp_path) as writer:
            writer.write(DATA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_memory_is_flat(tmp_path, person):
    tracemalloc.start()
    try:
        with (tmp_path / "a").open("wb") as file, encrypting(file, [person.to_public()], path=tmp_path / "a") as writer:
            for _ in range(320):
                writer.write(DATA)
        with (tmp_path / "a").open("rb") as file, decrypt(file, [person], name="a") as inner:
            assert inner.seek(0, io.SEEK_END) == 320 * len(DATA)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
