"""One row's proof: of every row, with any groups opened; nothing in it can be changed and still mean something else."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil

import pytest

from evidencekit.core import encoding, layout
from evidencekit.core.event import NAMESPACE, decode_event
from evidencekit.core.proofs import parse_tlog_proof
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError
from evidencekit.package.row_proof import prove_row
from evidencekit.verify.verifier import verify_proof

GROUPS = ("name", "content", "metadata")


def name_of(row, exhibit):
    return f"{exhibit}:{os.fsdecode(row.path)}"


def extra_of(proof):
    return json.loads(parse_tlog_proof(proof).extra)


@pytest.mark.parametrize(("exhibit", "number"), [("EX-001", 1), ("EX-002", 3), ("EX-003", 4)])
def test_every_row_of_a_case(rc, sealed, exhibit, number):
    office, case = sealed
    rows = rc.rows(case, number)
    for row in rows:
        for name in (name_of(row, exhibit), f"{exhibit}#{row.index}"):
            proof = prove_row(case, name, groups=GROUPS)
            assert (proof.index, proof.rows, proof.size) == (row.index, len(rows), 9)
            report = verify_proof(proof.whole, policy=office.policy())
            assert report.verdict == "VERIFIED", report.findings
            assert report.counts["row"] == {"index": str(row.index), "item": exhibit, "kind": row.kind}
            assert report.counts["states"] == {row.state: 1}
        extra = extra_of(proof.whole)
        assert {name: group["bytes"].encode() for name, group in extra["groups"].items()} == {
            name: getattr(row, name) for name in GROUPS
        }


@pytest.mark.parametrize(("exhibit", "number"), [("EX-001", 1), ("EX-002", 3), ("EX-003", 4)])
def test_with_tiles_every_proof_is_the_same(rc, tiled, sealed, tmp_path, monkeypatch, exhibit, number):
    case = tmp_path / "case"
    shutil.copytree(sealed[1], case, ignore=shutil.ignore_patterns("*.tiles"))
    names = [name for row in rc.rows(case, number) for name in (name_of(row, exhibit), f"{exhibit}#{row.index}")]
    proofs = [prove_row(case, name, groups=GROUPS) for name in names]
    tiled.write_tiles(case / layout.manifest_file(number))
    before = rc.snapshot(case, whole=True)
    monkeypatch.delattr("evidencekit.package.row_place._by_all_rows")
    assert [prove_row(case, name, groups=GROUPS) for name in names] == proofs
    assert rc.snapshot(case, whole=True) == before  # nothing is written


def test_without_a_policy_a_proof_is_of_integrity_only(sealed):
    report = verify_proof(prove_row(sealed[1], "EX-001:docs/01.txt", groups=GROUPS).whole)
    assert (report.verdict, report.exit_code) == ("INTEGRITY ONLY", 7)


@pytest.mark.parametrize("opened", [(), ("name",), ("content",), ("metadata",), ("name", "content")])
def test_groups_that_are_withheld_are_not_in_the_file(rc, sealed, opened):
    office, case = sealed
    for row in rc.rows(case):
        proof = prove_row(case, f"EX-001#{row.index}", groups=opened)
        extra = extra_of(proof.whole)
        assert extra["groups"].keys() == set(opened)
        report = verify_proof(proof.whole, policy=office.policy())
        assert report.verdict == "VERIFIED"
        for name in set(GROUPS) - set(opened):
            assert getattr(row, name) not in base64_texts(proof.whole)
            salt = rc_salt(row.row_salt, name)
            assert salt not in base64_texts(proof.whole)
            assert base64.b64encode(salt) not in base64_texts(proof.whole)
        assert base64.b64encode(row.row_salt) not in base64_texts(proof.whole)


def base64_texts(proof):
    """A proof file with its `extra` decoded."""
    return proof + parse_tlog_proof(proof).extra


def rc_salt(row_salt, group):
    """specs/manifest.md section 1, a second time."""
    import hashlib

    at = {"name": 0, "content": 16, "metadata": 32}[group]
    return hashlib.sha512(b"evidencekit/salts/1\0" + row_salt).digest()[at : at + 16]


def test_the_bare_proof_is_of_the_seal_entry(sealed):
    proof = prove_row(sealed[1], "EX-001:docs/01.txt", groups=GROUPS)
    bare, whole = parse_tlog_proof(proof.bare), parse_tlog_proof(proof.whole)
    assert bare.extra is None
    assert (bare.index, bare.hashes, bare.checkpoint) == (whole.index, whole.hashes, whole.checkpoint)
    assert (proof.entry, bare.index) == (2, 2)
    report = verify_proof(proof.bare)
    assert report.verdict == "FAILED"  # it proves no row


def test_a_case_that_is_unfinished_proves_what_stands_under_its_checkpoint(rc, sealed, tmp_path):
    office, case = sealed
    shutil.copytree(case, tmp_path / "case")
    (tmp_path / "case" / layout.checkpoint_file(9)).unlink()
    proof = prove_row(tmp_path / "case", "EX-003#0", groups=GROUPS)
    assert proof.size == 8
    assert verify_proof(proof.whole, policy=office.policy()).verdict == "VERIFIED"


# --- what is not to be had ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["EX-001", "", ":", "#1", "EX-001:nothing", "EX-001#99999", "EX-001#-1", "EX-001#01", "EX-001#1_0", "EX-001#",
     "EX-001# 1", "EX-009:a", "EX-004:a", "EX-001:docs/", "EX-001:/docs", "ex-001:docs", "EX-001#18446744073709551616"],
)  # fmt: skip
def test_no_such_row(sealed, name):
    with pytest.raises(BadArgument) as caught:
        prove_row(sealed[1], name, groups=GROUPS)
    assert caught.value.code == "U234"


def test_nothing_is_sealed(rc, tmp_path):
    office = rc.Office(tmp_path / "office")
    office.open(tmp_path / "case")
    with pytest.raises(CannotFinish) as caught:
        prove_row(tmp_path / "case", "EX-001:a", groups=GROUPS)
    assert caught.value.code == "X440"
    with pytest.raises(CannotFinish) as caught:
        prove_row(tmp_path / "office", "EX-001:a", groups=GROUPS)
    assert caught.value.code == "X401"


@pytest.mark.parametrize(
    "place",
    ["case.json", "manifests/00000001.parquet", "custody/00000002/event.json", "custody/00000002/event.json.sig",
     "custody/00000001/entry", "checkpoints/00000009"],
)  # fmt: skip
@pytest.mark.parametrize("fault", ["missing", "empty", "garbage", "link"])
def test_a_damaged_case_gives_an_error_of_ours_or_a_proof_that_fails(sealed, tmp_path, place, fault):
    shutil.copytree(sealed[1], tmp_path / "case")
    path = tmp_path / "case" / place
    if fault == "link":
        path.rename(tmp_path / "there")
        path.symlink_to(tmp_path / "there")
    else:
        path.unlink()
    if fault in {"empty", "garbage"}:
        path.write_bytes(b"" if fault == "empty" else b"\xff\xfe garbage \0" * 9)
    try:
        proof = prove_row(tmp_path / "case", "EX-001#1", groups=GROUPS)
    except EvidenceError:
        return
    if place != "checkpoints/00000009" or fault != "missing":
        assert verify_proof(proof.whole).verdict in {"FAILED", "NOT CHECKED"}


def test_a_seal_of_a_later_version_is_no_crash(rc, tmp_path):
    office = rc.Office(tmp_path / "office")
    case = tmp_path / "case"
    office.open(case)
    (tmp_path / "source").mkdir()
    ledger = office.ledger(case)
    when = ledger.moment()
    body = {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "tool": rc.PROGRAM}
    body |= {"started_at": when, "finished_at": when}
    event = ledger.draft("acquire", ["EX-001"], body, actor=rc.actor(office.signer), signers=[office.signer])
    event |= {"type": "seal", "body": {"_t": "evidencekit/seal/2", "roots": []}, "not_stated": []}
    data = encoding.encode(event)
    ledger._refuse_missing_manifest = lambda _: None
    ledger._enter(event, data, [office.signer.sign(data, NAMESPACE)])
    ledger.checkpoint()
    with pytest.raises(CannotFinish) as caught:
        prove_row(case, "EX-001#0", groups=GROUPS)
    assert caught.value.code == "X440"


def test_a_manifest_with_fewer_rows_than_its_seal_says(rc, sealed, tmp_path):
    shutil.copytree(sealed[1], tmp_path / "case")
    os.replace(
        tmp_path / "case" / layout.manifest_file(4), tmp_path / "case" / layout.manifest_file(1)
    )  # one row instead of many
    with pytest.raises(CannotFinish) as caught:
        prove_row(tmp_path / "case", "EX-001#0", groups=GROUPS)
    assert caught.value.code == "X443"


# --- what can be changed ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proof(sealed):
    return prove_row(sealed[1], "EX-001:docs/01.txt", groups=("name", "content")).whole


def meaning(data, report):
    """What a proof that is believed says: everything but the spelling of what is not signed."""
    proof = parse_tlog_proof(data)
    extra = json.loads(proof.extra)
    return (
        report.verdict,
        report.counts["row"],
        extra["groups"],
        extra["leaf"],
        extra["event"],
        extra["entry"],
        proof.index,
        proof.checkpoint.partition(b"\n\n")[0],
        {name: aspect.status for name, aspect in report.aspects.items()},
    )


def believed(data, policy):
    """Return the meaning of a proof that is not rejected, else None; never raise."""
    report = verify_proof(data, policy=policy)
    assert report.verdict in {"VERIFIED", "INTEGRITY ONLY", "FAILED", "NOT CHECKED"}
    if report.verdict in {"FAILED", "NOT CHECKED"}:
        assert report.findings or report.verdict == "NOT CHECKED"
        return None
    return meaning(data, report)


def bits(data, count):
    choice = random.Random(1)
    return sorted(choice.sample(range(len(data) * 8), min(count, len(data) * 8)))


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("with_policy", [False, True])
def test_any_bit_of_the_file(sealed, proof, with_policy):
    policy = sealed[0].policy() if with_policy else None
    sound = believed(proof, policy)
    for bit in bits(proof, 700):
        found = believed(flipped(proof, bit), policy)
        assert found is None or found == sound, f"bit {bit}"


def with_extra(proof, extra):
    """The proof with other `extra` bytes."""
    lines = proof.split(b"\n")
    assert lines[1].startswith(b"extra ")
    lines[1] = b"extra " + base64.b64encode(extra)
    return b"\n".join(lines)


@pytest.mark.parametrize("with_policy", [False, True])
def test_any_bit_of_the_carried_record(sealed, proof, with_policy):
    """Under base64 most flips of the file are caught by the spelling alone: here the spelling is put right."""
    policy = sealed[0].policy() if with_policy else None
    extra = parse_tlog_proof(proof).extra
    sound = believed(proof, policy)
    for bit in bits(extra, 1200):
        found = believed(with_extra(proof, flipped(extra, bit)), policy)
        assert found is None or found == sound, f"bit {bit}: {flipped(extra, bit)[bit // 8 - 40 : bit // 8 + 40]}"


def leaves(record, path=()):
    if isinstance(record, dict):
        for name, value in record.items():
            yield from leaves(value, (*path, name))
    elif isinstance(record, list):
        for place, value in enumerate(record):
            yield from leaves(value, (*path, place))
    else:
        yield path, record


def set_at(record, path, value):
    copy = json.loads(json.dumps(record))
    target = copy
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    return copy


def test_any_member_of_the_carried_records_replaced_by_a_sound_other_one(rc, sealed, proof):
    """Members swapped for those of a proof of another row, and inner records edited in canonical form."""
    other = extra_of(prove_row(sealed[1], "EX-001:docs/02.txt", groups=GROUPS).whole)
    shuffled = extra_of(prove_row(sealed[1], "EX-002#5", groups=GROUPS).whole)
    mine = extra_of(proof)
    sound = believed(proof, None)
    tried = 0
    for theirs in (other, shuffled):
        for name in mine:
            if mine[name] != theirs[name]:
                tried += 1
                found = believed(with_extra(proof, encoding.encode(mine | {name: theirs[name]}, encoding.PROOF)), None)
                assert found is None, name
    assert tried > 8
    for holder in ("leaf", "event", "entry"):
        for path, value in leaves(json.loads(mine[holder])):
            changed = set_at(json.loads(mine[holder]), path, "1" if value != "1" else "2")
            text = json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            found = believed(with_extra(proof, encoding.encode(mine | {holder: text}, encoding.PROOF)), None)
            assert found is None, (holder, path)
    for group in ("name", "content"):
        for path, _ in leaves(json.loads(mine["groups"][group]["bytes"])):
            inner = set_at(json.loads(mine["groups"][group]["bytes"]), path, "1")
            changed = set_at(mine, ("groups", group, "bytes"), encoding.encode(inner).decode())
            assert believed(with_extra(proof, encoding.encode(changed, encoding.PROOF)), None) is None, (group, path)
    assert believed(with_extra(proof, encoding.encode(mine, encoding.PROOF)), None) == sound


def test_a_group_left_out_is_withheld_and_nothing_else(sealed, proof):
    """Whoever passes a proof on can close a group: the rest still holds, and it says what it does not show."""
    mine = extra_of(proof)
    groups = {"name": mine["groups"]["name"]}
    report = verify_proof(with_extra(proof, encoding.encode(mine | {"groups": groups}, encoding.PROOF)))
    assert report.verdict == "INTEGRITY ONLY"
    assert report.counts["states"] == {"withheld": 1}


def test_groups_under_each_others_name(sealed, proof):
    mine = extra_of(proof)
    swapped = {"name": mine["groups"]["content"], "content": mine["groups"]["name"]}
    assert believed(with_extra(proof, encoding.encode(mine | {"groups": swapped}, encoding.PROOF)), None) is None


@pytest.mark.parametrize("extra", [b"", b"{}", b"[]", b"\xff", b"{" * 5000, b'{"_t":"evidencekit/row-proof/1"}'])
def test_what_is_no_carried_record(proof, extra):
    assert believed(with_extra(proof, extra), None) is None


def test_another_log_key_is_only_believed_without_a_policy_and_never_over_this_note(rc, sealed, proof, tmp_path):
    """A forger with keys of his own can make a proof that agrees with itself: the policy finds him."""
    forger = rc.Office(tmp_path / "forger", rc.ORIGIN)
    mine = extra_of(proof)
    changed = encoding.encode(mine | {"log_keys": list(forger.keys.vkeys)}, encoding.PROOF)
    assert believed(with_extra(proof, changed), None) is None
    forger.open(tmp_path / "case")
    source = rc.make_source(tmp_path / "source")
    forger.acquire(tmp_path / "case", source)
    forged = prove_row(tmp_path / "case", "EX-001:docs/01.txt", groups=GROUPS).whole
    assert verify_proof(forged).verdict == "INTEGRITY ONLY"
    report = verify_proof(forged, policy=sealed[0].policy())
    assert report.verdict == "FAILED"


def test_the_seal_event_of_the_proof_is_the_one_in_the_case(sealed, proof):
    event = decode_event(extra_of(proof)["event"].encode())
    assert (event["type"], event["items"]) == ("seal", ["EX-001"])
    assert (sealed[1] / layout.event_file(2)).read_bytes() == extra_of(proof)["event"].encode()
