"""SSHSIG: one spelling of each signature. The fixed one was written by ssh-keygen 9.2 with the first key of RFC 8032."""

import base64
import hashlib
import struct

import pytest

from evidencekit.core.sshsig import (
    NAMESPACES,
    SignatureFields,
    SshSignature,
    check_namespace,
    format_sshsig,
    join_ecdsa_signature,
    join_signature_blob,
    parse_sshsig,
    signed_data,
    sk_signed_data,
    split_ecdsa_signature,
    split_signature_blob,
)
from evidencekit.core.sshwire import put_mpint, put_string
from evidencekit.errors import FormatError

BY_SSH_KEYGEN = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg11qYAYKxCrfVS/7TyWQHOg7hcv
PapiMlrwIaaPcHURoAAAARZXZpZGVuY2VraXQtZXZlbnQAAAAAAAAABnNoYTUxMgAAAFMA
AAALc3NoLWVkMjU1MTkAAABA3KDCgJO+WBvHYCuQ/jeEzfc9X6DaCKOQTeW5iaU+95dPn1
wjbxvatfQ8tdCQG37lanmjyvAEw0nc6skQWz/TCA==
-----END SSH SIGNATURE-----
"""

# PROTOCOL.sshsig, section 1: an older draft, without a hash algorithm
EXAMPLE_OF_THE_PROTOCOL = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgJKxoLBJBivUPNTUJUSslQTt2hD
jozKvHarKeN8uYFqgAAAADZm9vAAAAAAAAAFMAAAALc3NoLWVkMjU1MTkAAABAKNC4IEbt
Tq0Fb56xhtuE1/lK9H9RZJfON4o6hE9R4ZGFX98gy0+fFJ/1d2/RxnZky0Y7GojwrZkrHT
FgCqVWAQ==
-----END SSH SIGNATURE-----
"""


def armor(blob: bytes, columns: int = 70) -> bytes:
    text = base64.b64encode(blob).decode()
    lines = "".join(text[i : i + columns] + "\n" for i in range(0, len(text), columns))
    return f"-----BEGIN SSH SIGNATURE-----\n{lines}-----END SSH SIGNATURE-----\n".encode()


def blob(
    magic=b"SSHSIG",
    version=1,
    key=b"key",
    namespace=b"file",
    reserved=b"",
    hash_name=b"sha512",
    signature=b"sig",
    tail=b"",
):
    fields = (put_string(part) for part in (key, namespace, reserved, hash_name, signature))
    return magic + struct.pack(">I", version) + b"".join(fields) + tail


def test_reads_what_ssh_keygen_wrote_and_writes_the_same():
    sig = parse_sshsig(BY_SSH_KEYGEN)
    assert (sig.namespace, sig.hash_name) == ("evidencekit-event", "sha512")
    assert sig.public_key[-32:].hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    fields = split_signature_blob(sig.signature)
    assert (fields.algorithm, len(fields.raw), fields.flags, fields.counter) == ("ssh-ed25519", 64, None, None)
    assert join_signature_blob(fields) == sig.signature
    assert format_sshsig(sig) == BY_SSH_KEYGEN


def test_a_plain_one_is_accepted():
    assert parse_sshsig(armor(blob())) == SshSignature(b"key", "file", "sha512", b"sig")


@pytest.mark.parametrize("size", range(100, 180))
def test_no_empty_line_where_the_last_one_is_full(size):
    armored = format_sshsig(SshSignature(bytes(size), "file", "sha512", b"sig"))
    assert b"\n\n" not in armored
    assert max(map(len, armored.split(b"\n"))) <= 70
    assert parse_sshsig(armored).public_key == bytes(size)


SECOND_SPELLINGS = {
    "no line feed at the end": BY_SSH_KEYGEN[:-1],
    "two line feeds at the end": BY_SSH_KEYGEN + b"\n",
    "carriage returns": BY_SSH_KEYGEN.replace(b"\n", b"\r\n"),
    "a space after a line": BY_SSH_KEYGEN.replace(b"\nPap", b" \nPap"),
    "a tab before a line": BY_SSH_KEYGEN.replace(b"\nPap", b"\n\tPap"),
    "an empty line": BY_SSH_KEYGEN.replace(b"\nPap", b"\n\nPap"),
    "an empty line after BEGIN": BY_SSH_KEYGEN.replace(b"E-----\nU1", b"E-----\n\nU1"),
    "text before": b"Signature:\n" + BY_SSH_KEYGEN,
    "text after": BY_SSH_KEYGEN + b"jane\n",
    "a byte order mark": b"\xef\xbb\xbf" + BY_SSH_KEYGEN,
    "twice": BY_SSH_KEYGEN * 2,
    "76 columns": armor(base64.b64decode(b"".join(BY_SSH_KEYGEN.split(b"\n")[1:-2])), 76),
    "stray bits in the padding": BY_SSH_KEYGEN.replace(b"TCA==", b"TCB=="),
    "no padding": BY_SSH_KEYGEN.replace(b"TCA==", b"TCA"),
    "url-safe base64": BY_SSH_KEYGEN.replace(b"/", b"_"),
    "another frame": BY_SSH_KEYGEN.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"),
    "no frame": b"".join(BY_SSH_KEYGEN.split(b"\n")[1:-2]),
    "nothing": b"",
    "only the frame": b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
    "an empty line in the frame": b"-----BEGIN SSH SIGNATURE-----\n\n-----END SSH SIGNATURE-----\n",
    "one frame for both": b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"[:40],
    "too large": armor(blob(signature=bytes(20_000))),
    "not ASCII": BY_SSH_KEYGEN.replace(b"U1NI", "Ü1NI".encode()),
}
BAD_FIELDS = {
    "the example of the protocol": EXAMPLE_OF_THE_PROTOCOL,
    "magic": armor(blob(magic=b"SSHSIX")),
    "version 0": armor(blob(version=0)),
    "version 2": armor(blob(version=2)),
    "no namespace": armor(blob(namespace=b"")),
    "a namespace with a space": armor(blob(namespace=b"a b")),
    "a namespace with a NUL": armor(blob(namespace=b"file\0")),
    "a namespace beyond ASCII": armor(blob(namespace="é".encode())),
    "a namespace too long": armor(blob(namespace=b"n" * 256)),
    "reserved not empty": armor(blob(reserved=b"x")),
    "sha256": armor(blob(hash_name=b"sha256")),
    "SHA512": armor(blob(hash_name=b"SHA512")),
    "a tail": armor(blob(tail=b"\0")),
    "cut": armor(blob()[:-1]),
    "a length beyond the end": armor(b"SSHSIG\0\0\0\1\xff\xff\xff\xff"),
}


@pytest.mark.parametrize("name", SECOND_SPELLINGS)
def test_second_spellings_are_refused(name):
    with pytest.raises(FormatError):
        parse_sshsig(SECOND_SPELLINGS[name])


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_bad_fields_are_refused(name):
    with pytest.raises(FormatError):
        parse_sshsig(BAD_FIELDS[name])


def test_cut_anywhere_is_refused():
    for size in range(len(BY_SSH_KEYGEN)):
        with pytest.raises(FormatError):
            parse_sshsig(BY_SSH_KEYGEN[:size])


def test_signed_data_is_the_preamble_of_the_protocol():
    digest = hashlib.sha512(b"evidence\n").digest()
    expected = b"SSHSIG\0\0\0\x04file\0\0\0\0\0\0\0\x06sha512\0\0\0\x40" + digest
    assert signed_data("file", digest) == expected


def test_signed_data_takes_a_sha512_and_a_namespace_only():
    for namespace, digest in (("file", bytes(32)), ("", bytes(64)), ("a b", bytes(64)), ("n" * 256, bytes(64))):
        with pytest.raises(FormatError):
            signed_data(namespace, digest)


def test_our_namespaces_are_namespaces():
    assert len(set(NAMESPACES)) == 4
    for namespace in NAMESPACES:
        check_namespace(namespace)


def test_what_a_security_key_signs():
    data = sk_signed_data(b"ssh:", 5, 0x01020304, b"data")
    assert data == hashlib.sha256(b"ssh:").digest() + b"\x05\x01\x02\x03\x04" + hashlib.sha256(b"data").digest()


def test_security_key_signatures_carry_flags_and_counter():
    for algorithm in ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"):
        fields = SignatureFields(algorithm, b"raw", 1, 7)
        assert split_signature_blob(join_signature_blob(fields)) == fields
        for wrong in (join_signature_blob(fields)[:-1], join_signature_blob(fields) + b"\0"):
            with pytest.raises(FormatError):
                split_signature_blob(wrong)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        put_mpint(1),
        put_mpint(1) + put_mpint(0),
        put_mpint(1) + put_mpint(1) + b"\0",
        put_mpint(1) + put_string(b"\0\x01"),  # a needless zero
        put_mpint(1) + put_string(b"\x80"),  # negative
        put_mpint(1) + put_string(b"\xff\x01"),
    ],
)
def test_ecdsa_takes_two_positive_mpints_in_their_shortest_form(raw):
    with pytest.raises(FormatError):
        split_ecdsa_signature(raw)


@pytest.mark.parametrize("pair", [(1, 1), (127, 128), (2**255, 2**256 - 1), (2**383, 255)])
def test_ecdsa_there_and_back(pair):
    assert split_ecdsa_signature(join_ecdsa_signature(*pair)) == pair
