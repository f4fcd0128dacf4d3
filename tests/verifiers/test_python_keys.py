"""The verifier's own Ed25519, ML-DSA-44, SSHSIG, canonical JSON and trees, on every vector and on edges made here."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VECTORS = Path(__file__).parents[2] / "specs/vectors"
L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def raw(text):
    return base64.b64decode(text)


@pytest.fixture
def pair():
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    return key, key.public_key().public_bytes_raw()


@pytest.mark.parametrize("size", [0, 1, 31, 32, 1000])
def test_good_ed25519_signatures_hold_and_no_changed_one(verifier, pair, size):
    key, public = pair
    message = bytes(size)
    signature = key.sign(message)
    assert verifier.ed25519(public, message, signature)
    assert not verifier.ed25519(public, message + b"x", signature)
    for at in (0, 31, 32, 63):
        assert not verifier.ed25519(public, message, signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :])


def test_s_of_l_or_more_is_refused(verifier, pair):
    key, public = pair
    signature = key.sign(b"m")
    s = int.from_bytes(signature[32:], "little")
    assert not verifier.ed25519(public, b"m", signature[:32] + (s + L).to_bytes(32, "little"))
    assert not verifier.ed25519(public, b"m", signature[:32] + L.to_bytes(32, "little"))


@pytest.mark.parametrize("encoded", SMALL)
def test_points_of_small_order_are_no_keys_and_no_r(verifier, pair, encoded):
    point = bytes.fromhex(encoded)
    assert verifier.ed25519_key(point) is None
    assert not verifier.ed25519(point, b"m", point + bytes(32))
    assert not verifier.ed25519(pair[1], b"m", point + bytes(32))


@pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1, P + 3])
def test_an_encoding_that_is_not_canonical_is_refused(verifier, y):
    assert verifier.ed25519_key(y.to_bytes(32, "little")) is None
    assert verifier.ed25519_key((y | 1 << 255).to_bytes(32, "little")) is None


def test_a_key_of_mixed_order_is_refused_though_its_equation_holds(verifier, pair):
    """A = aB + T with T of order 8: S·B = R + k·A holds for k divisible by 8, and where both sides are multiplied by 8."""
    torsion = _any_point(verifier, bytes.fromhex(SMALL[4]))
    a = 12345
    mixed = verifier.ed_encode(verifier.ed_add(verifier.ed_mul(a, verifier.BASE25519), torsion))
    assert verifier.ed25519_key(mixed) is None
    made = 0
    for nonce in range(1, 200):
        r = verifier.ed_encode(verifier.ed_mul(nonce, verifier.BASE25519))
        k = int.from_bytes(hashlib.sha512(r + mixed + b"m").digest(), "little") % L
        if k % 8 == 0:
            made += 1
            assert not verifier.ed25519(mixed, b"m", r + ((nonce + k * a) % L).to_bytes(32, "little"))
    assert made


def test_an_r_of_mixed_order_is_refused(verifier, pair):
    """R = rB + T, S = r + k·a: only an equation that is multiplied by the cofactor holds."""
    a, nonce = 54321, 777
    public = verifier.ed_encode(verifier.ed_mul(a, verifier.BASE25519))
    torsion = _any_point(verifier, bytes.fromhex(SMALL[4]))
    r = verifier.ed_encode(verifier.ed_add(verifier.ed_mul(nonce, verifier.BASE25519), torsion))
    k = int.from_bytes(hashlib.sha512(r + public + b"m").digest(), "little") % L
    assert not verifier.ed25519(public, b"m", r + ((nonce + k * a) % L).to_bytes(32, "little"))
    plain = verifier.ed_encode(verifier.ed_mul(nonce, verifier.BASE25519))
    k = int.from_bytes(hashlib.sha512(plain + public + b"m").digest(), "little") % L
    assert verifier.ed25519(public, b"m", plain + ((nonce + k * a) % L).to_bytes(32, "little"))


def _any_point(verifier, encoded):
    """Decode a point of whatever order: x from y (RFC 8032, 5.1.3)."""
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1
    square = (y * y - 1) * pow(verifier.D25519 * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0
    return x, y, 1, x * y % P


def test_keys_of_the_vectors_are_refused(verifier):
    for vector in load("checkpoint")["ed25519_keys_refused"]:
        assert verifier.ed25519_key(bytes.fromhex(vector["key"])) is None, vector["fault"]


def note_finding(verifier, note, keys, origin, size):
    """What a verifier says of checkpoints/SIZE: verification.md 1.5."""
    try:
        parsed = verifier.note_of(note)
    except verifier.Bad as bad:
        return bad.code
    if parsed[0] != origin or parsed[1] != size or size < 1:
        return "E105"
    if len(parsed[4]) != 2 or not all(map(verifier.line_fits, parsed[4], keys)) or parsed[4][1][2][:8] != bytes(8):
        return "E405"
    return (
        None
        if all(verifier.line_good(line, key, *parsed[:4]) for line, key in zip(parsed[4], keys, strict=True))
        else "E406"
    )


def test_notes_of_the_vectors(verifier):
    vectors = load("checkpoint")
    keys = [verifier.vkey(key) for key in vectors["log_keys"]]
    for one in vectors["accepted"]:
        if one["size"]:
            assert note_finding(verifier, one["note"].encode(), keys, vectors["origin"], one["size"]) is None
    for one in vectors["refused"]:
        note = one["note"].encode("utf-8", "surrogateescape") if "note" in one else bytes.fromhex(one["note_hex"])
        assert note_finding(verifier, note, keys, vectors["origin"], 3) == one["finding"], one["fault"]


def test_a_changed_mldsa_signature_is_refused(verifier):
    vectors = load("checkpoint")
    key = verifier.vkey(vectors["log_keys"][1])
    note = verifier.note_of(vectors["accepted"][2]["note"].encode())
    name, ident, signature = note[4][1]
    for at in (8, 100, 2340, 2427):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not verifier.line_good((name, ident, changed), key, *note[:4])


def own_print(verifier, armoured):
    """The fingerprint of the key in a signature, where one can be found."""
    try:
        blob = base64.b64decode("".join(armoured.splitlines()[1:-1]))
    except ValueError:
        return None
    return verifier.print_of(blob[14 : 14 + int.from_bytes(blob[10:14], "big")])


def test_signatures_of_persons(verifier):
    vectors = load("sshsig")
    message = vectors["message"].encode()
    for one in vectors["accepted"]:
        blob = base64.b64decode("".join(one["armoured"].splitlines()[1:-1]))
        signer = verifier.print_of(verifier.strings(blob[10:])[0])
        good = verifier.sshsig(one["armoured"].encode(), message, vectors["namespace"], signer)
        assert good is (one["name"] == "ssh-ed25519"), "others are not checked, and said to be so"
    for one in vectors["refused"]:
        signer = (
            vectors["alice"] if one["finding"] == "E403" else own_print(verifier, one["armoured"]) or vectors["alice"]
        )
        try:
            found = verifier.sshsig(one["armoured"].encode(), message, vectors["namespace"], signer)
        except verifier.Bad as bad:
            found = bad.code
        assert found in (one["finding"], False), one["fault"]


def test_records_of_the_vectors(verifier):
    vectors = load("encoding")
    for one in vectors["accepted"]:
        verifier.decode(one["text"].encode())
    for one in vectors["refused"]:
        data = one["text"].encode("utf-8", "surrogatepass") if "text" in one else bytes.fromhex(one["hex"])
        with pytest.raises(verifier.Bad):
            verifier.decode(data)


@pytest.mark.parametrize("name", ["count", "hex", "base64", "instant", "moment", "fingerprint", "exhibit"])
def test_scalars_of_the_vectors(verifier, name):
    forms = {
        "count": verifier.count,
        "hex": verifier.HEX,
        "base64": verifier.based(),
        "instant": lambda v: verifier.instant(v) is not None,
        "moment": verifier.moment,
        "fingerprint": verifier.KEY,
        "exhibit": verifier.EXHIBIT,
    }
    for value in load("encoding")["scalars"][name]["accepted"]:
        assert verifier.fits(forms[name], value), value
    for value in load("encoding")["scalars"][name]["refused"]:
        assert not verifier.fits(forms[name], value), value


def test_trees_of_the_vectors(verifier):
    vectors, tree = load("tree"), verifier.Tree()
    roots = {one["size"]: raw(one["root"]).hex() for one in vectors["roots"]}
    assert tree.root() == roots[0]
    for index, leaf in enumerate(vectors["leaf_hashes"], 1):
        tree.add(raw(leaf))
        assert roots.get(index, tree.root()) == tree.root()
    for kind, wanted in (("inclusion", True), ("inclusion_refused", False)):
        for one in vectors[kind]:
            proof = [raw(step) for step in one["proof"]]
            args = (int(one["index"]), int(one["size"]), raw(one["leaf_hash"]), proof, raw(one["root"]).hex())
            assert verifier.included(*args) is wanted, one
