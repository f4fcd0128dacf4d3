"""Ed25519 where verifiers disagree: RFC 8032, "Taming the many EdDSAs", and forgeries made here with plain arithmetic."""

import contextlib
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidencekit.core.ed25519_points import SMALL_ORDER, L, add, decode, encode, multiply
from evidencekit.read.signature import check_ed25519_public_key, verify_ed25519

BASE = decode(bytes.fromhex("58" + "66" * 31))
NEUTRAL = b"\1" + bytes(31)

# RFC 8032, section 7.1: public key, message, signature
RFC8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020 (novifinancial/ed25519-speccheck, cases.json):
# message, public key, signature. Some verifier takes each of them; ours takes none, so no other can disagree with it.
TAMING = [
    (
        "small A and R",
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    ),
    (
        "small A, mixed R",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "mixed A, small R",
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ),
    (
        "mixed A and R",
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ),
    (
        "mixed A and R, with the cofactor only",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ),
    (
        "mixed A, with the cofactor only, k reduced first",
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ),
    (
        "S above L",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
    (
        "S far above L",
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ),
    (
        "R not canonical, as sent into k",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
    (
        "R not canonical, written anew into k",
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ),
    (
        "A not canonical, as sent into k",
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
    (
        "A not canonical, written anew into k",
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC8032)
def test_rfc_8032(key, message, signature):
    key, message, signature = map(bytes.fromhex, (key, message, signature))
    assert check_ed25519_public_key(key) is None
    assert verify_ed25519(key, signature, message)
    assert not verify_ed25519(key, signature, message + b"\0")
    assert not verify_ed25519(key, signature + b"\0", message)
    high = int.from_bytes(signature[32:], "little") + L  # section 5.1.7: S is below L, else it is a second spelling
    assert not verify_ed25519(key, signature[:32] + high.to_bytes(32, "little"), message)


@pytest.mark.parametrize("case", TAMING, ids=lambda case: case[0])
def test_taming_the_many_eddsas(case):
    message, key, signature = map(bytes.fromhex, case[1:])
    assert not verify_ed25519(key, signature, message)


def test_openssl_alone_would_take_the_first_four():
    for _, message, key, signature in TAMING[:4]:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), bytes.fromhex(message))


def equation_holds(key, signature, message, *, cofactor):
    """RFC 8032, section 5.1.7, with arithmetic of our own: what a laxer verifier would say."""
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    s = int.from_bytes(signature[32:], "little")
    left, right = multiply(s, BASE), add(decode(signature[:32]), multiply(k, decode(key)))
    return encode(multiply(cofactor, left)) == encode(multiply(cofactor, right))


def forge(secret, r, nonce, key, message):
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    return r + ((nonce + k * secret) % L).to_bytes(32, "little")


@pytest.mark.parametrize("small", sorted(SMALL_ORDER), ids=bytes.hex)
def test_under_a_key_of_small_order_anybody_can_sign(small):
    assert check_ed25519_public_key(small) == "small_order"
    taken = 0
    for nonce in range(1, 40):
        signature = forge(0, encode(multiply(nonce, BASE)), nonce, small, b"forged")
        assert not verify_ed25519(small, signature, b"forged")
        with contextlib.suppress(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(small).verify(signature, b"forged")
            taken += 1
    assert equation_holds(small, signature, b"forged", cofactor=8)
    assert taken > 0  # the library alone would have let a forgery through


@pytest.mark.parametrize("small", sorted(SMALL_ORDER - {NEUTRAL}), ids=bytes.hex)
def test_a_mixed_key_that_verifiers_disagree_about_is_refused(small):
    secret = 987654321
    mixed = encode(add(multiply(secret, BASE), decode(small)))
    assert check_ed25519_public_key(mixed) == "mixed_order"
    verdicts = set()
    for number in range(40):
        message = b"%d" % number
        signature = forge(secret, encode(multiply(1000, BASE)), 1000, mixed, message)
        assert not verify_ed25519(mixed, signature, message)
        verdicts.add(equation_holds(mixed, signature, message, cofactor=1))
        if len(verdicts) == 2:
            break
    assert equation_holds(mixed, signature, message, cofactor=8)
    assert verdicts == {True, False}  # so it was worth refusing


@pytest.mark.parametrize("small", sorted(SMALL_ORDER), ids=bytes.hex)
def test_an_r_with_a_small_part_is_refused_under_a_good_key(small):
    secret = 123456789
    key = encode(multiply(secret, BASE))
    assert check_ed25519_public_key(key) is None
    signature = forge(secret, encode(add(multiply(77, BASE), decode(small))), 77, key, b"m")
    assert equation_holds(key, signature, b"m", cofactor=8)
    assert verify_ed25519(key, signature, b"m") is (small == NEUTRAL)


@pytest.mark.parametrize("small", sorted(SMALL_ORDER), ids=bytes.hex)
def test_an_r_of_small_order_is_refused_even_where_the_equation_holds(small):
    key = encode(multiply(5555, BASE))
    signature = forge(5555, small, 0, key, b"m")
    assert equation_holds(key, signature, b"m", cofactor=8)
    assert not verify_ed25519(key, signature, b"m")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_sizes(size):
    good = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not verify_ed25519(bytes(size), bytes(64), b"")
    assert check_ed25519_public_key(bytes(size)) == "not_canonical"
    assert not verify_ed25519(good, bytes(size), b"")
