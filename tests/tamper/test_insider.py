"""What somebody with all the keys of a case can do, and what then shows: rules, duplicates, another history."""

from __future__ import annotations

import os
import time
from pathlib import Path

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE, Entry, decode_event, encode_entry, encode_event
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.values import format_instant
from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.verify.verifier import verify_case


def codes(report) -> set[str]:
    return {finding.code for finding in report.findings}


def enter(case: Path, sealed, event: dict | bytes, *, signers=None, **changes) -> None:
    """Append an entry and its checkpoint without asking any rule, as a changed program could."""
    ledger = sealed.ledger(case)
    data = event if isinstance(event, bytes) else encode_event(event)
    signatures = [signer.sign(data, NAMESPACE) for signer in signers or [sealed.signer]]
    index = ledger.log.size
    fields = {
        "index": index,
        "event": sha256(data),
        "head": ledger.log.head,
        "items_prev": ledger.custody.places(decode_event(data)["items"]),
        "prior_root": ledger.log.root,
        "prior_size": index,
        "recorded_at": format_instant(time.time_ns()),
        "signatures": tuple(sha256(signature) for signature in signatures),
    }
    leaf = encode_entry(Entry(**(fields | changes)))
    folder = case / layout.entry_folder(index)
    folder.mkdir()
    (folder / "event.json").write_bytes(data)
    for place, signature in enumerate(signatures):
        (folder / layout.signature_name(place)).write_bytes(signature)
    (folder / "entry").write_bytes(leaf)
    ledger.log.tree.append(leaf_hash(leaf))
    tree = Checkpoint(ledger.origin, ledger.log.size, ledger.log.root)
    (case / layout.checkpoint_file(tree.size)).write_bytes(sealed.keys.sign_checkpoint(tree))


def event_like(folder: Path, index: int, **changes) -> dict:
    """An event of the case as it stands, with members changed and a nonce of its own."""
    event = decode_event((folder / layout.event_file(index)).read_bytes())
    return event | {"nonce": "A" * 22 + "=="} | changes


def seen(case: Path, sealed, **changes) -> dict:
    log = sealed.ledger(case).log
    return {"origin": sealed.keys.origin, "root": log.root.hex(), "size": str(log.size)} | changes


def check(case: Path, sealed, code: str) -> None:
    for policy in (None, sealed.policy):
        report = verify_case(case, policy=policy)
        assert report.verdict == "FAILED"
        assert code in codes(report), report.findings


def test_an_honest_entry_by_the_same_means_is_fine(sealed, copy):
    event = event_like(copy, 4, items=["EX-003"], seen=seen(copy, sealed))
    enter(copy, sealed, event)
    assert verify_case(copy, policy=sealed.policy).verdict == "VERIFIED"


def test_a_duplicated_event(sealed, copy):
    enter(copy, sealed, (copy / layout.event_file(4)).read_bytes())
    check(copy, sealed, "E303")


def test_sealing_a_sealed_item_breaks_a_rule(sealed, copy):
    enter(copy, sealed, event_like(copy, 2, seen=seen(copy, sealed)))
    check(copy, sealed, "E301")


def test_a_second_opening_breaks_a_rule(sealed, copy):
    enter(copy, sealed, event_like(copy, 0, seen=seen(copy, sealed)))
    check(copy, sealed, "E301")


def test_a_wrong_place_of_an_item(sealed, copy):
    event = event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed))
    enter(copy, sealed, event, items_prev=("1/0",))
    report = verify_case(copy)
    assert report.verdict == "FAILED"
    assert codes(report) & {"E302", "E307"}


def test_a_tree_that_never_was(sealed, copy):
    event = event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed, root="00" * 32))
    enter(copy, sealed, event)
    check(copy, sealed, "E304")


def test_a_tree_of_the_future(sealed, copy):
    event = event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed, size="999"))
    enter(copy, sealed, event)
    check(copy, sealed, "E304")


def test_an_impossible_head(sealed, copy):
    enter(copy, sealed, event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed)), head=0)
    check(copy, sealed, "E305")


def test_another_prior_root(sealed, copy):
    enter(copy, sealed, event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed)), prior_root=bytes(32))
    check(copy, sealed, "E203")


def test_an_event_of_another_case(sealed, copy):
    enter(copy, sealed, event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed), case="A" * 21 + "Q=="))
    check(copy, sealed, "E104")


def test_an_event_by_a_person_whom_the_policy_does_not_know(sealed, copy):
    other = sealed.other.fingerprint
    actor = {"id": "examiner", "key": other, "organisation": None, "role": None}
    event = event_like(copy, 1, items=["EX-003"], seen=seen(copy, sealed), actor=actor, signers=[other])
    enter(copy, sealed, event, signers=[sealed.other])
    assert verify_case(copy).verdict == "INTEGRITY ONLY"
    report = verify_case(copy, policy=sealed.policy)
    assert report.verdict == "FAILED"
    assert "E408" in codes(report)


def test_an_event_of_a_type_from_the_future_is_not_checked(sealed, copy):
    event = event_like(
        copy, 1, seen=seen(copy, sealed), type="migrate", body={"_t": "evidencekit/migrate/1", "by": "car"}
    )
    enter(copy, sealed, encoding.encode(event))
    report = verify_case(copy)
    assert report.verdict == "INTEGRITY ONLY"
    assert report.as_record()["aspects"]["custody"]["status"] == "not_checked"
    assert verify_case(copy, policy=sealed.policy).verdict == "NOT CHECKED"


def test_a_case_made_anew_with_other_keys_only_agrees_with_itself(sealed, tmp_path):
    keys = new_log_keys(sealed.keys.origin)
    open_case(
        tmp_path / "case", identity=bytes(range(16)), reference="24-117", agency="Unit 7", signer=sealed.signer,
        actor={"id": "examiner", "key": sealed.signer.fingerprint, "organisation": None, "role": None},
        keys=keys, clock=time.time_ns, random=os.urandom, utc_offset_min=None,
    )  # fmt: skip
    report = verify_case(tmp_path / "case", policy=sealed.policy)
    assert report.verdict == "FAILED"
    assert "E407" in codes(report)
    assert verify_case(tmp_path / "case").verdict == "NOT CHECKED"  # an empty case is not verified


def test_equal_salts_are_found(sealed, copy):
    """A writer with a broken source of randomness seals a catalogue whose hidden rows could be compared."""
    ledger = sealed.ledger(copy)
    actor = {"id": "examiner", "key": sealed.signer.fingerprint, "organisation": None, "role": None}
    acquire_and_seal(
        ledger,
        Acquisition(source=sealed.source, exhibit="EX-009", program={"name": "x", "parts": {}, "version": "1"}, types=False),
        signer=sealed.signer, actor=actor, clock=time.time_ns, random=bytes, utc_offset_min=None,
    )  # fmt: skip
    check(copy, sealed, "E111")
