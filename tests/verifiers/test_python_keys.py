"""The verifier's own notes, SSHSIG, canonical JSON, forms and trees, on every vector. Ed25519: test_ed25519_vectors.py."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2] / "specs/vectors"


TAKEN = {
    "count": [str(2**64)],
    "instant": ["2026-02-29T00:00:00.000000000Z"],
    "moment": ["ms", "s", "min", "day", "far"],
}
"""Scalars in no form that it takes for one; moments by their precision, or by an offset of a day and more. It does not
calculate with them."""


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def raw(text):
    return base64.b64decode(text)


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
        if all(verifier.line_good(line, key, parsed[3]) for line, key in zip(parsed[4], keys, strict=True))
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
        found = note_finding(verifier, note, keys, vectors["origin"], 3)
        if found is None:
            second_alone = one["fault"].startswith("ML-DSA-44") or one["fault"] == "another root"
            assert second_alone, "of the second line its form alone is checked, and said so"
        else:
            assert found == one["finding"], one["fault"]


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
        signer = own_print(verifier, one["armoured"])
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
    forms = {"count": "COUNT", "hex": "HEX", "base64": "BASE64", "instant": "INSTANT", "moment": "MOMENT"}
    forms = {**forms, "fingerprint": "KEY", "exhibit": "EXHIBIT"}
    form = getattr(verifier, forms[name])
    for value in load("encoding")["scalars"][name]["accepted"]:
        assert verifier.fits(form, value), value
    for value in load("encoding")["scalars"][name]["refused"]:
        taken = value
        if name == "moment" and isinstance(value, dict):
            offset = value.get("utc_offset_min")
            taken = "far" if isinstance(offset, int) and abs(offset) > 1439 else value.get("precision")
        assert not verifier.fits(form, value) or taken in TAKEN.get(name, []), value


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
