"""Points: RFC 8032 and odd ones. The arithmetic is checked against published keys, not against itself alone."""

import hashlib

import pytest

from evidencekit.core.ed25519_points import (
    SMALL_ORDER,
    L,
    P,
    add,
    decode,
    encode,
    encoding_fault,
    multiply,
    point_fault,
    signature_fault,
)

BASE = bytes.fromhex("58" + "66" * 31)

# RFC 8032, section 7.1: secret seed, public key
RFC8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    ),
]

# the eight points of small order, and every other way to write one of them in 32 bytes
OTHER_SPELLINGS = [
    "0100000000000000000000000000000000000000000000000000000000000080",  # y = 1, sign bit on x = 0
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",  # y = -1, sign bit on x = 0
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p + 1
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize(("seed", "key"), RFC8032)
def test_arithmetic_makes_the_public_keys_of_rfc_8032(seed, key):
    digest = bytearray(hashlib.sha512(bytes.fromhex(seed)).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    base = decode(BASE)
    assert encode(multiply(int.from_bytes(digest, "little"), base)).hex() == key
    assert point_fault(bytes.fromhex(key)) is None


def test_the_base_point_has_prime_order():
    base = decode(BASE)
    assert encode(multiply(L, base)).hex() == "01" + "00" * 31
    assert encode(multiply(L + 1, base)) == BASE
    assert point_fault(BASE) is None


def test_decoding_gives_back_what_was_encoded():
    point = decode(BASE)
    for _ in range(50):
        point = add(point, decode(BASE))
        assert decode(encode(point)) is not None
        assert encode(decode(encode(point))) == encode(point)


def test_the_eight_small_order_points_are_that():
    orders = []
    for encoded in SMALL_ORDER:
        point = decode(encoded)
        assert point is not None
        assert encode(point) == encoded
        orders.append(
            next(n for n in (1, 2, 4, 8) if encode(multiply(n, point))[0] == 1 == sum(encode(multiply(n, point))))
        )
        assert point_fault(encoded) == "small_order"
        assert signature_fault(encoded + bytes(32)) == "small_order"
    assert sorted(orders) == [1, 2, 4, 4, 8, 8, 8, 8]


@pytest.mark.parametrize("text", OTHER_SPELLINGS)
def test_other_spellings_are_not_canonical(text):
    encoded = bytes.fromhex(text)
    assert decode(encoded) is None
    assert point_fault(encoded) == "not_canonical"
    assert signature_fault(encoded + bytes(32)) == "not_canonical"


@pytest.mark.parametrize("y", range(P, 2**255))
@pytest.mark.parametrize("sign", [0, 1])
def test_all_38_encodings_with_y_of_p_or_more_are_refused(y, sign):
    encoded = (y | sign << 255).to_bytes(32, "little")
    assert decode(encoded) is None
    assert encoding_fault(encoded) == "not_canonical"


def test_half_of_all_y_are_not_on_the_curve():
    faults = [point_fault(y.to_bytes(32, "little")) for y in range(2, 42)]
    assert faults.count("not_on_curve") > 10
    assert point_fault((2).to_bytes(32, "little")) == "not_on_curve"


@pytest.mark.parametrize("small", sorted(SMALL_ORDER - {bytes([1]) + bytes(31)}))
def test_a_small_order_part_beside_a_prime_order_one_is_seen(small):
    mixed = encode(add(decode(BASE), decode(small)))
    assert encoding_fault(mixed) is None
    assert point_fault(mixed) == "mixed_order"


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_only_32_bytes_are_a_point(size):
    assert decode(bytes(size)) is None
    assert point_fault(bytes(size)) == "not_canonical"


def test_s_below_l_only():
    assert signature_fault(BASE + (L - 1).to_bytes(32, "little")) is None
    assert signature_fault(BASE + L.to_bytes(32, "little")) == "scalar_too_large"
    assert signature_fault(BASE + b"\xff" * 32) == "scalar_too_large"
    assert signature_fault(BASE) == signature_fault(BASE * 3) == "length"
