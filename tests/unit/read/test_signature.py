"""The verifier's signature checks: good ones of every kind, and each way of being wrong with its reason.

Security keys: there is no hardware here. Their signatures are made in software, after PROTOCOL.u2f; that ssh-keygen
takes the same ones is shown in tests/judges/test_ssh_keygen.py.
"""

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.sshkeys import EcdsaFields, Ed25519Fields, RsaFields, join_key_blob
from evidencekit.core.sshsig import (
    SignatureFields,
    SshSignature,
    join_ecdsa_signature,
    join_signature_blob,
    signed_data,
    sk_signed_data,
    split_ecdsa_signature,
    split_signature_blob,
)
from evidencekit.core.sshwire import put_mpint, put_string
from evidencekit.read.signature import REASONS, verify_mldsa44, verify_sshsig

NAMESPACE = "evidencekit-event"
MESSAGE = b'{"_t":"evidencekit/event/1"}'
DATA = signed_data(NAMESPACE, hashlib.sha512(MESSAGE).digest())
ORDER_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

ED = Ed25519PrivateKey.generate()
EC256 = ec.generate_private_key(ec.SECP256R1())
EC384 = ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 3072)


def point(private):
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def ecdsa(private, data, digest):
    return join_ecdsa_signature(*decode_dss_signature(private.sign(data, ec.ECDSA(digest))))


def sshsig(key, fields):
    blob = key if isinstance(key, bytes) else join_key_blob(key)
    return SshSignature(blob, NAMESPACE, "sha512", join_signature_blob(fields))


def security_key(kind, *, flags=1, counter=9, application=b"ssh:", signed_flags=None, signed_counter=None):
    signed = flags if signed_flags is None else signed_flags
    data = sk_signed_data(application, signed, signed_counter or counter, DATA)
    if kind == "ed25519":
        name = "sk-ssh-ed25519@openssh.com"
        key = Ed25519Fields(name, ED.public_key().public_bytes_raw(), application)
        return sshsig(key, SignatureFields(name, ED.sign(data), flags, counter))
    name = "sk-ecdsa-sha2-nistp256@openssh.com"
    key = EcdsaFields(name, "nistp256", point(EC256), application)
    return sshsig(key, SignatureFields(name, ecdsa(EC256, data, hashes.SHA256()), flags, counter))


def rsa_sig(algorithm="rsa-sha2-512", digest=None, private=RSA):
    numbers = private.public_key().public_numbers()
    raw = private.sign(DATA, padding.PKCS1v15(), digest or hashes.SHA512())
    return sshsig(RsaFields("ssh-rsa", numbers.e, numbers.n), SignatureFields(algorithm, raw))


def make():
    ed = Ed25519Fields("ssh-ed25519", ED.public_key().public_bytes_raw(), None)
    p256 = EcdsaFields("ecdsa-sha2-nistp256", "nistp256", point(EC256), None)
    p384 = EcdsaFields("ecdsa-sha2-nistp384", "nistp384", point(EC384), None)
    return {
        "ssh-ed25519": sshsig(ed, SignatureFields("ssh-ed25519", ED.sign(DATA))),
        "ecdsa-256": sshsig(p256, SignatureFields("ecdsa-sha2-nistp256", ecdsa(EC256, DATA, hashes.SHA256()))),
        "ecdsa-384": sshsig(p384, SignatureFields("ecdsa-sha2-nistp384", ecdsa(EC384, DATA, hashes.SHA384()))),
        "rsa-sha2-512": rsa_sig(),
        "rsa-sha2-256": rsa_sig("rsa-sha2-256", hashes.SHA256()),
        "sk-ed25519": security_key("ed25519"),
        "sk-ecdsa": security_key("ecdsa"),
    }


GOOD = make()


@pytest.mark.parametrize("name", GOOD)
def test_good(name):
    assert verify_sshsig(GOOD[name], MESSAGE, NAMESPACE) is None


@pytest.mark.parametrize("name", GOOD)
def test_another_message_or_namespace(name):
    sig = GOOD[name]
    assert verify_sshsig(sig, MESSAGE + b"\n", NAMESPACE) == "bad_signature"
    assert verify_sshsig(sig, MESSAGE, "evidencekit-receipt") == "wrong_namespace"
    moved = replace(sig, namespace="evidencekit-receipt")
    assert verify_sshsig(moved, MESSAGE, "evidencekit-receipt") == "bad_signature"


@pytest.mark.parametrize("name", GOOD)
def test_the_key_of_another(name):
    other = next(other for other in GOOD.values() if other.public_key != GOOD[name].public_key)
    sig = replace(GOOD[name], public_key=other.public_key)
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == "unsupported_algorithm"


def test_another_key_of_the_same_kind():
    other = Ed25519Fields("ssh-ed25519", Ed25519PrivateKey.generate().public_key().public_bytes_raw(), None)
    sig = replace(GOOD["ssh-ed25519"], public_key=join_key_blob(other))
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == "bad_signature"


@pytest.mark.parametrize("name", GOOD)
def test_every_changed_byte_of_key_and_signature_is_seen(name):
    sig = GOOD[name]
    step = 1 if len(sig.signature) < 200 else 13
    for place in range(0, len(sig.signature), step):
        wrong = bytearray(sig.signature)
        wrong[place] ^= 1
        assert verify_sshsig(replace(sig, signature=bytes(wrong)), MESSAGE, NAMESPACE) in REASONS
    for place in range(0, len(sig.public_key), step):
        wrong = bytearray(sig.public_key)
        wrong[place] ^= 1
        assert verify_sshsig(replace(sig, public_key=bytes(wrong)), MESSAGE, NAMESPACE) in REASONS


@pytest.mark.parametrize("name", GOOD)
def test_cut_and_lengthened_blobs(name):
    sig = GOOD[name]
    for wrong in (b"", sig.signature[:-1], sig.signature + b"\0"):
        assert verify_sshsig(replace(sig, signature=wrong), MESSAGE, NAMESPACE) == "malformed_signature"
    for wrong in (b"", sig.public_key[:-1], sig.public_key + b"\0"):
        assert verify_sshsig(replace(sig, public_key=wrong), MESSAGE, NAMESPACE) == "malformed_key"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_security_keys(kind):
    assert verify_sshsig(security_key(kind, flags=5, counter=2**32 - 1), MESSAGE, NAMESPACE) is None
    assert verify_sshsig(security_key(kind, application=b"ssh:unit7"), MESSAGE, NAMESPACE) is None
    assert verify_sshsig(security_key(kind, flags=0), MESSAGE, NAMESPACE) == "not_touched"
    assert verify_sshsig(security_key(kind, flags=4), MESSAGE, NAMESPACE) == "not_touched"
    assert verify_sshsig(security_key(kind, flags=1, signed_flags=0), MESSAGE, NAMESPACE) == "bad_signature"
    assert verify_sshsig(security_key(kind, counter=9, signed_counter=10), MESSAGE, NAMESPACE) == "bad_signature"


def test_a_security_key_is_not_its_plain_twin():
    plain, hard = GOOD["ssh-ed25519"], GOOD["sk-ed25519"]
    assert verify_sshsig(replace(hard, signature=plain.signature), MESSAGE, NAMESPACE) == "unsupported_algorithm"
    assert verify_sshsig(replace(plain, signature=hard.signature), MESSAGE, NAMESPACE) == "unsupported_algorithm"


@pytest.mark.parametrize(
    "name", ["ssh-rsa", "ssh-dss", "ssh-ed25519", "rsa-sha2-384", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"]
)
def test_other_algorithms_on_an_rsa_key(name):
    sig = GOOD["rsa-sha2-512"]
    fields = replace(split_signature_blob(sig.signature), algorithm=name)
    wrong = replace(sig, signature=join_signature_blob(fields))
    assert verify_sshsig(wrong, MESSAGE, NAMESPACE) == "unsupported_algorithm"


def test_rsa_with_the_hash_of_the_other_name():
    assert verify_sshsig(rsa_sig("rsa-sha2-256", hashes.SHA512()), MESSAGE, NAMESPACE) == "bad_signature"


def test_rsa_signatures_have_the_length_of_the_modulus():
    sig = GOOD["rsa-sha2-512"]
    fields = split_signature_blob(sig.signature)
    for raw in (b"\0" + fields.raw, fields.raw[:-1], fields.raw.lstrip(b"\0")[1:], b""):
        wrong = replace(sig, signature=join_signature_blob(replace(fields, raw=raw)))
        assert verify_sshsig(wrong, MESSAGE, NAMESPACE) == "malformed_signature"
    for raw in (bytes(384), b"\xff" * 384):
        wrong = replace(sig, signature=join_signature_blob(replace(fields, raw=raw)))
        assert verify_sshsig(wrong, MESSAGE, NAMESPACE) == "bad_signature"


@pytest.mark.parametrize("bits", [1024, 2048])
def test_a_good_signature_by_a_weak_key(bits):
    sig = rsa_sig(private=rsa.generate_private_key(65537, bits))
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == "weak_key"


@pytest.mark.parametrize("exponent", [3, 2**64 - 1])
def test_rsa_exponents_at_the_edges_are_tried_not_feared(exponent):
    modulus = RSA.public_key().public_numbers().n
    other = replace(GOOD["rsa-sha2-512"], public_key=join_key_blob(RsaFields("ssh-rsa", exponent, modulus)))
    assert verify_sshsig(other, MESSAGE, NAMESPACE) == "bad_signature"


def test_the_largest_modulus_is_tried_too():
    key = join_key_blob(RsaFields("ssh-rsa", 65537, (1 << 16383) + 1))
    sig = sshsig(key, SignatureFields("rsa-sha2-512", b"\1" * 2048))
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == "bad_signature"


@pytest.mark.parametrize("name", [b"ssh-dss", b"ecdsa-sha2-nistp521", b"ssh-dss-cert-v01@openssh.com"])
def test_unsupported_keys(name):
    sig = replace(GOOD["ssh-ed25519"], public_key=put_string(name) + put_string(b"x"))
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == "unsupported_key"


@pytest.mark.parametrize("name", ["ecdsa-256", "sk-ecdsa"])
def test_ecdsa_numbers_out_of_range_and_spelled_otherwise(name):
    sig = GOOD[name]
    fields = split_signature_blob(sig.signature)
    r, s = split_ecdsa_signature(fields.raw)
    # (r, n - s) is the same signature to ECDSA; the log pins the bytes, so it is good and yet another file
    twin = replace(fields, raw=join_ecdsa_signature(r, ORDER_P256 - s))
    assert verify_sshsig(replace(sig, signature=join_signature_blob(twin)), MESSAGE, NAMESPACE) is None
    for raw, reason in (
        (join_ecdsa_signature(r + ORDER_P256, s), "bad_signature"),
        (join_ecdsa_signature(r, s + ORDER_P256), "bad_signature"),
        (join_ecdsa_signature(1 << 4000, s), "bad_signature"),
        (put_string(b"") + put_mpint(s), "malformed_signature"),
        (put_mpint(r) + put_string(b""), "malformed_signature"),
        (put_string(b"\0\0" + r.to_bytes(32, "big")) + put_mpint(s), "malformed_signature"),
        (put_mpint(r) + put_mpint(s) + b"\0", "malformed_signature"),
        (r.to_bytes(32, "big") + s.to_bytes(32, "big"), "malformed_signature"),
    ):
        wrong = join_signature_blob(replace(fields, raw=raw))
        assert verify_sshsig(replace(sig, signature=wrong), MESSAGE, NAMESPACE) == reason


def test_mldsa44():
    private = MLDSA44PrivateKey.generate()
    key, signature = private.public_key().public_bytes_raw(), private.sign(b"message")
    assert (len(key), len(signature)) == (1312, 2420)
    assert verify_mldsa44(key, signature, b"message")
    assert not verify_mldsa44(key, signature, b"Message")
    assert not verify_mldsa44(key, signature[:-1] + bytes([signature[-1] ^ 1]), b"message")
    assert not verify_mldsa44(bytes([key[0] ^ 1]) + key[1:], signature, b"message")
    assert not verify_mldsa44(key, private.sign(b"message", b"context"), b"message")
    for wrong_key, wrong in ((key[:-1], signature), (key + b"\0", signature), (key, signature[:-1]), (b"", b"")):
        assert not verify_mldsa44(wrong_key, wrong, b"message")
    assert not verify_mldsa44(bytes(1312), bytes(2420), b"message")
    assert not verify_mldsa44(b"\xff" * 1312, b"\xff" * 2420, b"message")
