"""SSH public keys: one encoding each, weak and odd ones refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.ed25519_points import SMALL_ORDER
from evidencekit.core.sshkeys import (
    ALGORITHMS,
    EcdsaFields,
    Ed25519Fields,
    PublicKey,
    RsaFields,
    check_comment,
    check_fingerprint,
    fingerprint,
    format_public_key_line,
    join_key_blob,
    key_algorithm,
    key_fault,
    parse_public_key_line,
    raw_key,
    shared_keys,
    split_key_blob,
)
from evidencekit.core.sshwire import put_mpint, put_string
from evidencekit.errors import FormatError

POINT = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
MODULUS = (1 << 3071) + 1  # odd, 3072 bits; only its form is looked at


def ec_point(curve):
    return ec.generate_private_key(curve).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


P256, P384 = ec_point(ec.SECP256R1()), ec_point(ec.SECP384R1())

GOOD = {
    "ed25519": Ed25519Fields("ssh-ed25519", POINT, None),
    "sk-ed25519": Ed25519Fields("sk-ssh-ed25519@openssh.com", POINT, b"ssh:"),
    "sk-ecdsa": EcdsaFields("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", P256, b"ssh:unit7"),
    "ecdsa-256": EcdsaFields("ecdsa-sha2-nistp256", "nistp256", P256, None),
    "ecdsa-384": EcdsaFields("ecdsa-sha2-nistp384", "nistp384", P384, None),
    "rsa": RsaFields("ssh-rsa", 65537, MODULUS),
}


def line(blob: bytes, algorithm: str | None = None) -> str:
    return f"{algorithm or key_algorithm(blob)} {base64.b64encode(blob).decode()}"


@pytest.mark.parametrize("name", GOOD)
def test_every_type_splits_joins_and_stands_on_a_line(name):
    blob = join_key_blob(GOOD[name])
    assert split_key_blob(blob) == GOOD[name]
    assert key_fault(blob) is None
    key = parse_public_key_line(line(blob) + " Jane Doe, unit 7")
    assert key == PublicKey(blob, GOOD[name].algorithm, "Jane Doe, unit 7")
    assert parse_public_key_line(format_public_key_line(key)) == key
    for wrong in (blob[:-1], blob + b"\0"):
        assert key_fault(wrong) == "malformed_key"
        with pytest.raises(FormatError):
            split_key_blob(wrong)


def test_all_types_are_tried():
    assert {fields.algorithm for fields in GOOD.values()} == set(ALGORITHMS)


@pytest.mark.parametrize(
    "private",
    [Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())],
)
def test_reads_the_lines_that_cryptography_writes(private):
    text = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert format_public_key_line(parse_public_key_line(text)).encode() == text


def test_reads_an_rsa_line_that_cryptography_writes():
    key = rsa.RSAPublicNumbers(65537, MODULUS).public_key()
    text = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert format_public_key_line(parse_public_key_line(text)).encode() == text


def test_fingerprint_is_what_ssh_keygen_prints():
    # ssh-keygen -l, of the first key of RFC 8032
    assert fingerprint(parse_public_key_line(LINE).blob) == "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8"
    check_fingerprint("SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8",
        "sha256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8",
        "MD5:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8",
        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8=",
        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU9",  # stray bits: the same digest, spelled again
        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU",
        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8\n",
        "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYN_U8",
    ],
)
def test_other_fingerprints_are_refused(text):
    with pytest.raises(FormatError):
        check_fingerprint(text)


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        (LINE, ""),
        (LINE + "\n", ""),
        (LINE + " \n", ""),  # ssh-keygen -C ""
        (LINE + " jane@unit7.example\n", "jane@unit7.example"),
        (LINE + " Jané Doe", "Jané Doe"),
        (LINE + "  two", " two"),
    ],
)
def test_comments(text, comment):
    assert parse_public_key_line(text).comment == comment
    assert parse_public_key_line(text.encode()).comment == comment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        " " + LINE,
        LINE + "\n\n",
        LINE + "\r\n",
        LINE + "\n" + LINE,
        LINE + " a\0b",
        LINE + " a\x1b[31mb",
        LINE + " a\u2028b",
        LINE + " a\ufeffb",
        LINE + " \udc80",
        LINE + " " + "c" * 1025,
        LINE + " " + "c" * 20_000,
        LINE.replace(" ", "  "),
        LINE.replace(" ", "\t"),
        LINE + "=",
        LINE[:-1],
        LINE.replace("ssh-ed25519", "ssh-rsa"),
        LINE.replace("ssh-ed25519", "SSH-ED25519"),
        LINE.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com"),
        "ssh-dss AAAAB3NzaC1kc3M=",
        'namespaces="file" ' + LINE,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_other_lines_are_refused(text):
    with pytest.raises(FormatError):
        parse_public_key_line(text)
    with pytest.raises(FormatError):
        parse_public_key_line(text.encode("utf-8", "surrogatepass"))


def test_a_line_that_is_not_utf_8_is_refused():
    with pytest.raises(FormatError):
        parse_public_key_line(LINE.encode() + b" \xff")


def off_curve(point: bytes) -> bytes:
    return point[:-1] + bytes([point[-1] ^ 1])


REJECTED = {
    "small order": Ed25519Fields("ssh-ed25519", sorted(SMALL_ORDER)[3], None),
    "small order on a security key": Ed25519Fields("sk-ssh-ed25519@openssh.com", min(SMALL_ORDER), b"ssh:"),
    "y = p": Ed25519Fields("ssh-ed25519", (2**255 - 19).to_bytes(32, "little"), None),
    "off the Edwards curve": Ed25519Fields("ssh-ed25519", (2).to_bytes(32, "little"), None),
    "off P-256": EcdsaFields("ecdsa-sha2-nistp256", "nistp256", off_curve(P256), None),
    "off P-256 on a security key": EcdsaFields("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", off_curve(P256), b""),
    "off P-384": EcdsaFields("ecdsa-sha2-nistp384", "nistp384", off_curve(P384), None),
    "x beyond p": EcdsaFields("ecdsa-sha2-nistp256", "nistp256", b"\4" + b"\xff" * 32 + P256[33:], None),
    "even modulus": RsaFields("ssh-rsa", 65537, 1 << 3071),
    "modulus too long": RsaFields("ssh-rsa", 65537, (1 << 16384) + 1),
    "exponent 1": RsaFields("ssh-rsa", 1, MODULUS),
    "even exponent": RsaFields("ssh-rsa", 65536, MODULUS),
    "exponent too long": RsaFields("ssh-rsa", 2**64 + 1, MODULUS),
}


@pytest.mark.parametrize("name", REJECTED)
def test_odd_keys_are_rejected_at_enrolment(name):
    blob = join_key_blob(REJECTED[name])
    assert split_key_blob(blob) == REJECTED[name]
    assert key_fault(blob) == "key_rejected"
    with pytest.raises(FormatError, match="key_rejected"):
        parse_public_key_line(line(blob))


@pytest.mark.parametrize("bits", [1024, 2048, 3071])
def test_short_rsa_keys_are_weak(bits):
    blob = join_key_blob(RsaFields("ssh-rsa", 65537, (1 << bits - 1) + 1))
    assert key_fault(blob) == "weak_key"
    with pytest.raises(FormatError, match="weak_key"):
        parse_public_key_line(line(blob))


MALFORMED = {
    "a point of 31 bytes": put_string(b"ssh-ed25519") + put_string(POINT[1:]),
    "no application": put_string(b"sk-ssh-ed25519@openssh.com") + put_string(POINT),
    "another curve": put_string(b"ecdsa-sha2-nistp256") + put_string(b"nistp384") + put_string(P384),
    "a compressed point": put_string(b"ecdsa-sha2-nistp256") + put_string(b"nistp256") + put_string(b"\2" + P256[1:33]),
    "a hybrid point": put_string(b"ecdsa-sha2-nistp256") + put_string(b"nistp256") + put_string(b"\6" + P256[1:]),
    "modulus before exponent, cut": put_string(b"ssh-rsa") + put_mpint(MODULUS),
    "a needless zero": put_string(b"ssh-rsa") + put_string(b"\0\1\0\1") + put_mpint(MODULUS),
    "a negative modulus": put_string(b"ssh-rsa") + put_mpint(65537) + put_string(MODULUS.to_bytes(384, "big")),
    "a modulus of nothing": put_string(b"ssh-rsa") + put_mpint(65537) + put_string(b""),
    "no type": put_string(b""),
    "nothing": b"",
    "too large": put_string(b"sk-ssh-ed25519@openssh.com") + put_string(POINT) + put_string(bytes(9000)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_other_encodings_are_malformed(name):
    assert key_fault(MALFORMED[name]) == "malformed_key"
    with pytest.raises(FormatError):
        split_key_blob(MALFORMED[name])


@pytest.mark.parametrize(
    "name", [b"ssh-dss", b"ecdsa-sha2-nistp521", b"ssh-ed448", b"ssh-ed25519-cert-v01@openssh.com"]
)
def test_other_types_are_unsupported(name):
    assert key_fault(put_string(name) + put_string(b"anything")) == "unsupported_key"


def test_shared_keys_are_named_with_their_roles():
    person = raw_key(join_key_blob(GOOD["ed25519"]))
    assert person == POINT
    assert raw_key(join_key_blob(GOOD["sk-ed25519"])) == POINT
    assert raw_key(join_key_blob(GOOD["rsa"])) == join_key_blob(GOOD["rsa"])
    assert shared_keys({"person": [person], "witness": [bytes(32)], "log": [b"\1" * 32]}) == ()
    found = shared_keys({"person": [person], "witness": [bytes(32), person], "log": [person]})
    assert found == (("person", "witness", POINT), ("person", "log", POINT), ("witness", "log", POINT))


def test_comments_that_a_terminal_would_obey_are_refused():
    check_comment("Jane Doe — شاهد", "name")
    for text in ("a\nb", "\x7f", "\x9b1m", "\ufeff"):
        with pytest.raises(FormatError):
            check_comment(text, "name")
