"""Notes, checkpoints and proofs by other hands: Go's `sumdb/note` and `sumdb/tlog` (x/mod 0.7).

They read only Ed25519 lines: our ML-DSA line is an unknown key to them, which a note may carry.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from evidencekit.core.checkpoint import (
    Checkpoint,
    ed25519_message,
    format_checkpoint,
    join_timestamped,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
)
from evidencekit.core.merkle import Tree, leaf_hash, prove_consistency, prove_inclusion
from evidencekit.core.note import (
    ED25519,
    MLDSA44,
    Note,
    NoteSignature,
    VerifierKey,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from evidencekit.core.proofs import verify_consistency, verify_inclusion
from evidencekit.core.tlog_tiles import bundles_of, encode_bundle, tiles_of
from evidencekit.errors import FormatError
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.journeys.publish import publish
from evidencekit.package.row_proof import prove_row

GOPATH = "/usr/share/gocode"
pytestmark = [pytest.mark.judge("go"), pytest.mark.judge(f"{GOPATH}/src/golang.org/x/mod/sumdb/tlog")]

ORIGIN = "sis.police.example/cases/2026-117"
RECORDS = [b"record %d" % i for i in range(600)]
TREE = Tree(map(leaf_hash, RECORDS))


def b64(data):
    return base64.b64encode(data).decode()


class Go:
    """The adapter, running: one JSON line asked, one answered."""

    def __init__(self, process):
        self.process = process

    def ask(self, do, **question):
        self.process.stdin.write(json.dumps({"Do": do} | question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def accepts(self, do, **question):
        return self.ask(do, **question)["OK"]

    def includes(self, *, index, size, leaf_hash, proof, root):
        given = {"Index": index, "Size": size, "Leaf": b64(leaf_hash), "Root": b64(root)}
        return self.accepts("inclusion", Proof=[b64(p) for p in proof], **given)

    def extends(self, *, old, new, old_root, new_root, proof):
        given = {"Old": old, "Size": new, "OldRoot": b64(old_root), "Root": b64(new_root)}
        return self.accepts("consistency", Proof=[b64(p) for p in proof], **given)


@pytest.fixture(scope="module")
def go(tmp_path_factory):
    work = tmp_path_factory.mktemp("go")
    source = Path(__file__).with_name("go") / "main.go"
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": GOPATH,
        "GOCACHE": str(work / "cache"),
        "GOFLAGS": "",
    }
    subprocess.run(["go", "build", "-o", work / "judge", source], env=environment, check=True)
    with subprocess.Popen([work / "judge"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        adapter = Go(process)
        assert adapter.ask("records", Records=[b64(r) for r in RECORDS])["Size"] == len(RECORDS)
        yield adapter
        process.stdin.close()
    assert process.returncode == 0


# --- trees and proofs ----------------------------------------------------------------------------------------


def test_roots(go):
    for size in range(1, len(RECORDS) + 1):
        assert go.ask("root", Size=size)["Root"] == b64(TREE.root(size))


def pairs():
    """All of the small trees, and places of large ones."""
    choice = random.Random(9162)
    small = [(index, size) for size in range(1, 34) for index in range(size)]
    sizes = [choice.randint(34, len(RECORDS)) for _ in range(200)] + [63, 64, 65, 255, 256, 257, 511, 512, 513]
    return small + [(choice.randrange(size), size) for size in sizes]


def test_inclusion_proofs(go):
    for index, size in pairs():
        proof = prove_inclusion(index, size, TREE.node)
        assert (go.ask("prove inclusion", Index=index, Size=size)["Proof"] or []) == [b64(p) for p in proof]
        root = TREE.root(size)
        assert go.includes(index=index, size=size, leaf_hash=TREE.node(0, index), proof=proof, root=root)


def test_consistency_proofs(go):
    for index, new in pairs():
        old = index + 1
        proof = prove_consistency(old, new, TREE.node)
        assert (go.ask("prove consistency", Old=old, Size=new)["Proof"] or []) == [b64(p) for p in proof]
        assert go.extends(old=old, new=new, old_root=TREE.root(old), new_root=TREE.root(new), proof=proof)


def changed(choice, proof):
    """A proof with one thing wrong, or nothing."""
    proof = list(proof)
    at = choice.randrange(len(proof) + 1)
    kind = choice.randrange(5)
    if kind == 0:
        proof.insert(at, choice.randbytes(32))
    elif kind == 1:
        del proof[at : at + 1]
    elif kind == 2:
        proof[at : at + 1] = [choice.randbytes(32)]
    elif kind == 3:
        proof.reverse()
    return proof


def nearby(choice, number):
    return number + choice.choice((0, 0, 0, 0, -1, 1, 2, 7))


def test_go_and_we_give_one_verdict_on_wrong_inclusion_proofs(go):
    choice, verdicts = random.Random(1), []
    for _ in range(2000):
        size = choice.randint(1, 40)
        index = choice.randrange(size)
        given = {
            "index": nearby(choice, index),
            "size": nearby(choice, size),
            "leaf_hash": TREE.node(0, index),
            "proof": changed(choice, prove_inclusion(index, size, TREE.node)),
            "root": TREE.root(size),
        }
        verdicts.append(verify_inclusion(**given))
        assert go.includes(**given) == verdicts[-1], given
    assert 200 < sum(verdicts) < 1800


def test_go_and_we_give_one_verdict_on_wrong_consistency_proofs(go):
    choice, verdicts = random.Random(2), []
    for _ in range(2000):
        new = choice.randint(1, 40)
        old = choice.randint(1, new)
        given = {
            "old": nearby(choice, old),
            "new": nearby(choice, new),
            "old_root": TREE.root(old),
            "new_root": TREE.root(new),
            "proof": changed(choice, prove_consistency(old, new, TREE.node)),
        }
        verdicts.append(verify_consistency(**given))
        assert go.extends(**given) == verdicts[-1], given
    assert 200 < sum(verdicts) < 1800


# --- notes and checkpoints -----------------------------------------------------------------------------------

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE_PQ = MLDSA44PrivateKey.from_seed_bytes(bytes(range(32)))
ED = VerifierKey(ORIGIN, ED25519, PRIVATE.public_key().public_bytes_raw())
ML = VerifierKey(ORIGIN, MLDSA44, PRIVATE_PQ.public_key().public_bytes_raw())


def signed(cp):
    """A checkpoint as a log writes it: two lines."""
    first = PRIVATE.sign(ed25519_message(cp))
    second = PRIVATE_PQ.sign(mldsa44_message(cp, name=cp.origin, timestamp=0))
    lines = (
        NoteSignature(ED.name, ED.key_id, first),
        NoteSignature(ML.name, ML.key_id, join_timestamped(0, second)),
    )
    note = Note(format_checkpoint(cp), lines)
    assert log_signatures(note, ED, ML) == (first, second)
    return format_note(note)


def test_go_opens_our_checkpoints_and_checks_proofs_against_them(go):
    for size in (0, 1, 2, 3, 255, 256, 600):
        cp = Checkpoint(ORIGIN, size, TREE.root(size))
        answer = go.ask("open", Vkey=format_vkey(ED), Note=b64(signed(cp)))
        assert answer["OK"], answer["Error"]
        assert (answer["Signers"], answer["Unknown"]) == ([ORIGIN], 1)
        assert (answer["Origin"], answer["Size"]) == (ORIGIN, size)
        root = base64.b64decode(answer["Root"])
        for index in range(0, size, 50):
            proof = prove_inclusion(index, size, TREE.node)
            assert go.includes(index=index, size=answer["Size"], leaf_hash=TREE.node(0, index), proof=proof, root=root)


def test_go_refuses_our_checkpoint_when_it_was_changed(go):
    data = signed(Checkpoint(ORIGIN, 600, TREE.root()))
    other = format_vkey(VerifierKey(ORIGIN, ED25519, bytes(32)))
    assert go.accepts("open", Vkey=format_vkey(ED), Note=b64(data))
    assert not go.accepts("open", Vkey=other, Note=b64(data))
    assert not go.accepts("open", Vkey=format_vkey(ED), Note=b64(data.replace(b"\n600\n", b"\n601\n")))


def test_we_open_the_notes_of_go(go):
    text = format_checkpoint(Checkpoint(ORIGIN, 7, TREE.root(7)))
    answer = go.ask("sign", Name=ORIGIN, Text=text)
    data, key = base64.b64decode(answer["Note"]), parse_vkey(answer["Vkey"])
    note = parse_note(data)
    assert format_note(note) == data
    assert format_vkey(key) == answer["Vkey"]
    (line,) = note.signatures
    assert key.matches(line)
    public = Ed25519PublicKey.from_public_bytes(key.key)
    public.verify(line.signature, ed25519_message(parse_checkpoint(note.text)))


def test_go_computes_our_key_ids(go):
    for name in (ORIGIN, "é", "a" * 300):
        key = VerifierKey(name, ED25519, ED.key)
        answer = go.ask("vkey", Vkey=format_vkey(key))
        assert answer["OK"]
        assert answer["Hash"].to_bytes(4, "big") == key.key_id


def we_accept(data):
    try:
        parse_note(data)
    except FormatError:
        return False
    return True


def test_go_and_we_have_one_idea_of_a_key_name(go):
    """Every character that any library might take for a space or a control, and their neighbours."""
    odd = {c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) in {"Zs", "Zl", "Zp", "Cc", "Cf"}}
    odd |= {c + d for c in odd for d in (-1, 1)} | {*range(0x300), 0x10FFFF}
    refused = set()
    for c in sorted(odd - set(range(0xD800, 0xE000)) - {-1, 0x110000}):
        data = f"x\n\n— a{chr(c)}b AAAAAAA=\n".encode()
        assert we_accept(data) == go.accepts("form", Note=b64(data)), hex(c)
        refused |= set() if we_accept(data) else {c}
    spaces = {*range(0x21), ord("+"), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029}
    assert refused == spaces | {0x202F, 0x205F, 0x3000}


def test_what_we_accept_go_accepts(go):
    """We are stricter (canonical base64, sizes), never laxer."""
    choice = random.Random(3)
    seed = "poem\n\nmore\n\n— a.b/c AAAAAAAx\n— witness.é AAAAAAAxMg==\n".encode()
    pieces = [b"\n", b"\n\n", b" ", b"\t", b"=", b"+", b"\r\n", b"\xe2\x80\x94 ", b"\xc2\xa0", b"\xff", b"A", b""]
    both = [0, 0]
    for _ in range(3000):
        at = choice.randrange(len(seed) + 1)
        data = seed[:at] + choice.choice(pieces) + seed[at + choice.choice((0, 0, 1, 2)) :]
        ours, theirs = we_accept(data), go.accepts("form", Note=b64(data))
        assert theirs or not ours, data
        both[ours] += 1
    assert min(both) > 100


# --- a sealed case and the proof of a row ---------------------------------------------------------------------


def test_go_follows_the_log_of_a_sealed_case(go):
    case = Path(__file__).parents[2] / "specs/vectors/cases/good/0.1_small/case"
    key = json.loads((case / "case.json").read_bytes())["log_keys"][0]
    leaves = [leaf_hash((folder / "entry").read_bytes()) for folder in sorted((case / "custody").iterdir())]
    tree = Tree(leaves)
    heads = {}
    for path in sorted((case / "checkpoints").iterdir()):
        answer = go.ask("open", Vkey=key, Note=b64(path.read_bytes()))
        assert answer["OK"], answer["Error"]
        heads[answer["Size"]] = base64.b64decode(answer["Root"])
        for index in range(answer["Size"]):
            proof = prove_inclusion(index, answer["Size"], tree.node)
            given = {"index": index, "size": answer["Size"], "proof": proof, "root": heads[answer["Size"]]}
            assert go.includes(leaf_hash=leaves[index], **given)
            assert not go.includes(leaf_hash=bytes(32), **given)
    assert sorted(heads) == [1, 3, 4]
    for old, new in [(1, 3), (1, 4), (3, 4)]:
        proof = prove_consistency(old, new, tree.node)
        assert go.extends(old=old, new=new, old_root=heads[old], new_root=heads[new], proof=proof)


def test_go_follows_the_proof_of_a_row(go):
    case = Path(__file__).parents[2] / "specs/vectors/cases/good/0.1_small/case"
    key = json.loads((case / "case.json").read_bytes())["log_keys"][0]
    proof = prove_row(case, "EX-001:docs/a.txt", groups=("name",))
    _, extra, index, *rest = proof.whole.decode().split("\n")
    path, note = "\n".join(rest).split("\n\n", 1)
    answer = go.ask("open", Vkey=key, Note=b64(note.encode()))
    assert answer["OK"], answer["Error"]
    row = json.loads(base64.b64decode(extra.removeprefix("extra ")))
    head = {"size": answer["Size"], "root": base64.b64decode(answer["Root"])}
    hashes = [base64.b64decode(line) for line in path.split("\n") if line]
    assert go.includes(
        index=int(index.removeprefix("index ")), leaf_hash=leaf_hash(row["entry"].encode()), proof=hashes, **head
    )
    sealed = json.loads(row["event"])["body"]
    hashes = [base64.b64decode(text) for text in row["proof"]]
    root = bytes.fromhex(sealed["root"])
    leaf = leaf_hash(row["leaf"].encode())
    assert go.includes(index=int(row["index"]), size=int(sealed["rows"]), leaf_hash=leaf, proof=hashes, root=root)


# --- what witnesses cosigned, and what was published ----------------------------------------------------------------


def test_go_opens_a_cosigned_note_and_passes_over_the_cosignature(go):
    """x/mod knows neither 0x04 nor 0x06: to it they are lines of unknown keys, which a note may carry."""
    case = Path(__file__).parents[2] / "specs/vectors/notes/good/0.1_witnessed/case"
    key = json.loads((case / "case.json").read_bytes())["log_keys"][0]
    (cosignature,) = (case / "checkpoints").glob("*.cosig")
    note = (case / f"checkpoints/{cosignature.name[:8]}").read_bytes() + cosignature.read_bytes()
    answer = go.ask("open", Vkey=key, Note=b64(note))
    assert answer["OK"], answer["Error"]
    assert (len(answer["Signers"]), answer["Unknown"], answer["Size"]) == (1, 2, 4)
    assert not go.accepts("open", Vkey=key, Note=b64(note.replace(b"\n4\n", b"\n5\n")))


@pytest.mark.parametrize("size", [1, 4, 255, 256, 257, 600])
def test_go_hashes_published_tiles_to_the_root(go, size, tmp_path):
    """Tiles as we lay them out, bundles as we write them; Go computes the root of the entries that it reads there."""
    for tile in (*bundles_of(size), *tiles_of(size)):
        path = tmp_path / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        first = tile.index * 256
        if tile.level is None:
            path.write_bytes(encode_bundle(RECORDS[first : first + tile.width]))
        else:
            path.write_bytes(b"".join(TREE.node(8 * tile.level, n) for n in range(first, first + tile.width)))
    cp = Checkpoint(ORIGIN, size, TREE.root(size))
    (tmp_path / "checkpoint").write_bytes(signed(cp))
    answer = go.ask("tiles", Vkey=format_vkey(ED), Folder=str(tmp_path))
    assert answer["OK"], answer["Error"]
    assert (answer["Origin"], answer["Size"], answer["Root"]) == (ORIGIN, size, b64(cp.root))
    spoilt = next(path for path in (tmp_path / "tile").rglob("*") if path.is_file())
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"\0")
    assert not go.accepts("tiles", Vkey=format_vkey(ED), Folder=str(tmp_path))


def test_go_reads_the_published_log_of_a_case(go, tmp_path):
    case = Path(__file__).parents[2] / "specs/vectors/cases/good/0.1_small/case"
    key = json.loads((case / "case.json").read_bytes())["log_keys"][0]
    done = publish(read_case_copy(case), tmp_path / "www")
    answer = go.ask("tiles", Vkey=key, Folder=str(tmp_path / "www"))
    assert answer["OK"], answer["Error"]
    assert (answer["Size"], answer["Root"]) == (4, b64(done.tree.root))
