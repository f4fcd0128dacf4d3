"""The vectors of specs/vectors against our core: what other implementations can check themselves against, we pass too.

Each vector has one fault, which its name says.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from pathlib import Path

import pytest

from evidencekit.acquire.mapping import Mapping
from evidencekit.core import encoding, opinions, records
from evidencekit.core.checkpoint import (
    ed25519_message,
    format_checkpoint,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
)
from evidencekit.core.digest import group_commitment, group_salts, header_commitment
from evidencekit.core.merkle import CompactRange, Tree, leaf_hash, prove_consistency, prove_inclusion
from evidencekit.core.note import format_note, parse_note, parse_vkey
from evidencekit.core.proofs import verify_consistency, verify_inclusion
from evidencekit.core.schema import COUNT, EXHIBIT, FINGERPRINT, INSTANT, MOMENT, SIGNED, base64_bytes, hexadecimal
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.sshsig import format_sshsig, parse_sshsig
from evidencekit.core.values import name_member, read_name
from evidencekit.errors import FormatError
from evidencekit.read.signature import check_ed25519_public_key, verify_ed25519, verify_mldsa44, verify_sshsig

VECTORS = Path(__file__).parents[2] / "specs" / "vectors"
NAMES = ("encoding", "manifest", "opinions", "tree", "checkpoint", "sshsig")
ENCODING, MANIFEST, OPINIONS, TREE, CHECKPOINT, SSHSIG = (
    json.loads((VECTORS / f"{name}.json").read_text()) for name in NAMES
)
LIMITS = {"record": encoding.RECORD, "group": encoding.GROUP, "proof": encoding.PROOF}
FORMS = {
    "count": COUNT,
    "signed": SIGNED,
    "instant": INSTANT,
    "moment": MOMENT,
    "fingerprint": FINGERPRINT,
    "exhibit": EXHIBIT,
    "hex": hexadecimal(),
    "base64": base64_bytes(),
}
GROUPS = {"name": records.NAME, "content": records.CONTENT, "metadata": records.METADATA}


def each(vectors: list[dict], *named: str):
    """Parametrize by vector; its name is the fault or what else tells it."""
    return pytest.mark.parametrize("vector", vectors, ids=[" ".join(str(one[key]) for key in named) for one in vectors])


def data_of(vector: dict) -> bytes:
    return vector["text"].encode() if "text" in vector else bytes.fromhex(vector["hex"])


def unbase64(texts: list[str]) -> list[bytes]:
    return [base64.b64decode(text) for text in texts]


@pytest.mark.parametrize("script", ["make_vectors", "make_manifest", "make_opinions", "make_signed"])
def test_made_again_the_vectors_are_the_same(script, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(VECTORS), *sys.path])
    module = importlib.import_module(script)
    for name in NAMES:
        if make := getattr(module, f"make_{name}", None):
            assert json.dumps(make(), indent=1) + "\n" == (VECTORS / f"{name}.json").read_text()


# --- encoding ----------------------------------------------------------------------------------------------


@each(ENCODING["accepted"], "name")
def test_record_is_accepted(vector):
    assert encoding.encode(encoding.decode(data_of(vector))) == data_of(vector)


@each(ENCODING["refused"], "fault")
def test_record_is_refused(vector):
    with pytest.raises(FormatError):
        encoding.decode(data_of(vector))


@each(ENCODING["limits"], "limit")
def test_limit(vector):
    limits = LIMITS[vector["limit"]]
    for surplus in (0, 1):
        data = (vector["start"] + "x" * (vector["repeat"] + surplus) + vector["end"]).encode()
        if surplus:
            with pytest.raises(FormatError):
                encoding.decode(data, limits)
        else:
            assert encoding.encode(encoding.decode(data, limits), limits) == data


@pytest.mark.parametrize(
    ("form", "value"), [(name, value) for name in FORMS for value in ENCODING["scalars"][name]["accepted"]]
)
def test_scalar_is_accepted(form, value):
    FORMS[form].check(value, form)


@pytest.mark.parametrize(
    ("form", "value"), [(name, value) for name in FORMS for value in ENCODING["scalars"][name]["refused"]]
)
def test_scalar_is_refused(form, value):
    with pytest.raises(FormatError):
        FORMS[form].check(value, form)


@each(ENCODING["names"]["accepted"], "bytes")
def test_name_is_accepted(vector):
    assert read_name(vector["member"], "path").hex() == vector["bytes"]
    assert name_member("path", bytes.fromhex(vector["bytes"])) == vector["member"]


@each(ENCODING["names"]["refused"], "fault")
def test_name_is_refused(vector):
    with pytest.raises(FormatError):
        read_name(vector["member"], "path")


# --- manifest ----------------------------------------------------------------------------------------------


@each(MANIFEST["rows"], "kind", "name")
def test_row_gives_its_leaf(vector):
    salts = group_salts(bytes.fromhex(vector["row_salt"]))._asdict()
    assert {name: salt.hex() for name, salt in salts.items()} == vector["group_salts"]
    commitments = {name: group_commitment(name, salt, vector[name].encode()) for name, salt in salts.items()}
    assert {name: value.hex() for name, value in commitments.items()} == vector["commitments"]
    leaf = records.leaf_bytes(vector["kind"], **commitments)
    assert leaf.decode() == vector["leaf"]
    assert leaf_hash(leaf).hex() == vector["leaf_hash"]
    records.ROW.check(encoding.decode(leaf))
    check_row(vector)


def test_rows_give_the_root():
    hashes = [bytes.fromhex(row["leaf_hash"]) for row in MANIFEST["rows"]]
    assert Tree(hashes).root().hex() == MANIFEST["root"]["path"]
    assert Tree(sorted(hashes)).root().hex() == MANIFEST["root"]["shuffled"]


def test_header_gives_its_commitment():
    header = MANIFEST["header"]
    records.MANIFEST.check(encoding.decode(header["text"].encode()))
    assert header_commitment(bytes.fromhex(header["salt"]), header["text"].encode()).hex() == header["commitment"]


def test_opinion_gives_its_leaf():
    derived = MANIFEST["derived"]
    opinions.MEDIA_TYPE.check(encoding.decode(derived["opinion"].encode()))
    salt = group_salts(bytes.fromhex(derived["row_salt"])).name
    assert salt.hex() == derived["opinion_salt"]
    commitment = group_commitment("opinion", salt, derived["opinion"].encode())
    assert commitment.hex() == derived["commitment"]
    leaf = records.derived_leaf_bytes(1, bytes.fromhex(MANIFEST["root"]["path"]), commitment)
    assert (leaf.decode(), leaf_hash(leaf).hex()) == (derived["leaf"], derived["leaf_hash"])


def test_order():
    keys = [records.sort_key(bytes.fromhex(row["path"]), bytes.fromhex(row["stream"])) for row in MANIFEST["order"]]
    assert keys == sorted(keys)
    assert len(set(map(str, keys))) == len(keys)


def check_row(vector: dict) -> None:
    groups = {name: encoding.decode(vector[name].encode(), encoding.GROUP) for name in GROUPS}
    for name, schema in GROUPS.items():
        schema.check(groups[name])
    records.check_row(vector["kind"], **groups)


@each(MANIFEST["rows_accepted"], "state", "kind")
def test_row_is_accepted(vector):
    check_row(vector)
    assert json.loads(vector["content"])["state"] == vector["state"]


@each(MANIFEST["rows_refused"], "fault")
def test_row_is_refused(vector):
    for name, schema in GROUPS.items():
        schema.check(encoding.decode(vector[name].encode(), encoding.GROUP))  # each group alone is in order
    with pytest.raises(FormatError):
        check_row(vector)


@each(MANIFEST["groups_refused"], "group", "fault")
def test_group_is_refused(vector):
    record = encoding.decode(vector["text"].encode(), encoding.GROUP)
    with pytest.raises(FormatError):
        GROUPS[vector["group"]].check(record)


@each(MANIFEST["headers_refused"], "fault")
def test_header_is_refused(vector):
    record = encoding.decode(vector["text"].encode())
    with pytest.raises(FormatError):
        records.MANIFEST.check(record)


# --- opinions ----------------------------------------------------------------------------------------------


def check_opinion(vector: dict) -> None:
    record = encoding.decode(vector["text"].encode(), encoding.GROUP)
    name = record["_t"].split("/")[1]
    opinions.OPINION_KINDS[name].group.check(record)


@each(OPINIONS["groups_accepted"], "name")
def test_opinion_is_accepted(vector):
    check_opinion(vector)


@each(OPINIONS["groups_refused"], "fault")
def test_opinion_is_refused(vector):
    with pytest.raises(FormatError):
        check_opinion(vector)


@each(OPINIONS["headers_accepted"], "name")
def test_header_of_opinions_is_accepted(vector):
    opinions.DERIVED.check(encoding.decode(vector["text"].encode()))


@each(OPINIONS["headers_refused"], "fault")
def test_header_of_opinions_is_refused(vector):
    record = encoding.decode(vector["text"].encode())
    with pytest.raises(FormatError):
        opinions.DERIVED.check(record)


@each(OPINIONS["paths"], "name", "remove", "add")
def test_listed_name_becomes_a_path(vector):
    remove, add, name = (bytes.fromhex(vector[key]) for key in ("remove", "add", "name"))
    path = Mapping(remove, add, vector["backslashes"]).path(name)
    assert (None if path is None else path.hex()) == vector["path"]


# --- trees -------------------------------------------------------------------------------------------------

LEAF_HASHES = [leaf_hash(bytes.fromhex(leaf)) for leaf in TREE["leaves"]]
WHOLE = Tree(LEAF_HASHES)


def test_leaf_hashes():
    assert unbase64(TREE["leaf_hashes"]) == LEAF_HASHES


@each(TREE["roots"], "size")
def test_root(vector):
    growing = CompactRange()
    growing.extend(LEAF_HASHES[: vector["size"]])
    assert growing.root() == WHOLE.root(vector["size"]) == base64.b64decode(vector["root"])


def holds_inclusion(vector: dict) -> bool:
    return verify_inclusion(
        index=vector["index"],
        size=vector["size"],
        leaf_hash=base64.b64decode(vector["leaf_hash"]),
        proof=unbase64(vector["proof"]),
        root=base64.b64decode(vector["root"]),
    )


def holds_consistency(vector: dict) -> bool:
    return verify_consistency(
        old=vector["old"],
        new=vector["new"],
        old_root=base64.b64decode(vector["old_root"]),
        new_root=base64.b64decode(vector["new_root"]),
        proof=unbase64(vector["proof"]),
    )


@each(TREE["inclusion"], "index", "size")
def test_inclusion_is_proved(vector):
    assert holds_inclusion(vector)
    assert prove_inclusion(vector["index"], vector["size"], WHOLE.node) == unbase64(vector["proof"])


@each(TREE["inclusion_refused"], "fault")
def test_inclusion_is_refused(vector):
    assert not holds_inclusion(vector)


@each(TREE["consistency"], "old", "new")
def test_consistency_is_proved(vector):
    assert holds_consistency(vector)
    assert prove_consistency(vector["old"], vector["new"], WHOLE.node) == unbase64(vector["proof"])


@each(TREE["consistency_refused"], "fault")
def test_consistency_is_refused(vector):
    assert not holds_consistency(vector)


# --- checkpoints -------------------------------------------------------------------------------------------


def judge_note(data: bytes, size: int) -> str | None:
    """What a verifier says of the note at `checkpoints/SIZE`: specs/verification.md section 1 step 5."""
    try:
        note = parse_note(data)
        tree = parse_checkpoint(note.text)
    except FormatError:
        return "E105"
    if (tree.origin, tree.size) != (CHECKPOINT["origin"], size):
        return "E105"
    ed25519, mldsa44 = map(parse_vkey, CHECKPOINT["log_keys"])
    try:
        first, second = log_signatures(note, ed25519, mldsa44)
    except FormatError:
        return "E405"
    message = mldsa44_message(tree, name=tree.origin, timestamp=0)
    good = verify_ed25519(ed25519.key, first, ed25519_message(tree)) and verify_mldsa44(mldsa44.key, second, message)
    return None if good else "E406"


@each(CHECKPOINT["accepted"], "size")
def test_checkpoint_is_accepted(vector):
    data = vector["note"].encode()
    assert judge_note(data, vector["size"]) is None
    note = parse_note(data)
    tree = parse_checkpoint(note.text)
    assert tree.root == base64.b64decode(vector["root"])
    assert (format_note(note), format_checkpoint(tree)) == (data, note.text)


@each(CHECKPOINT["refused"], "fault")
def test_checkpoint_is_refused(vector):
    assert judge_note(vector["note"].encode(), 3) == vector["finding"]


@each(CHECKPOINT["ed25519_keys_refused"], "fault")
def test_odd_ed25519_key_is_refused(vector):
    assert check_ed25519_public_key(bytes.fromhex(vector["key"]))


# --- persons' signatures -----------------------------------------------------------------------------------

KEY_FAULTS = {"malformed_key", "unsupported_key", "weak_key", "key_rejected"}


def judge_signature(armoured: bytes) -> str | None:
    """What a verifier says of a signature file: specs/verification.md section 1 step 4."""
    try:
        signature = parse_sshsig(armoured)
    except FormatError:
        return "E402"
    fault = verify_sshsig(signature, SSHSIG["message"].encode(), SSHSIG["namespace"])
    if fault is None:
        return None
    return "E404" if fault in KEY_FAULTS else "E402"


@each(SSHSIG["accepted"], "name")
def test_signature_is_accepted(vector):
    data = vector["armoured"].encode()
    assert judge_signature(data) is None
    assert format_sshsig(parse_sshsig(data)) == data


@each(SSHSIG["refused"], "fault")
def test_signature_is_refused(vector):
    data = vector["armoured"].encode()
    if vector["finding"] == "E403":
        assert judge_signature(data) is None
        assert fingerprint(parse_sshsig(data).public_key) != SSHSIG["alice"]
    else:
        assert judge_signature(data) == vector["finding"]
