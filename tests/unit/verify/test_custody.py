"""verify/custody.py and verify/custody_messages.py against specs/verification.md, step 8."""

from __future__ import annotations

import shutil

import casebuilder as cb
import pytest

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256, sha256_hex
from evidencekit.core.event import NAMESPACE, Entry, encode_entry, encode_event
from evidencekit.core.merkle import Tree, leaf_hash, prove_inclusion
from evidencekit.core.message import Message, encode_message
from evidencekit.core.values import format_instant
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.verify.verifier import verify_case

HOUR = 3600 * 10**9
OTHER = "lab.example/55"


def codes(report, *, step_8_only=True) -> list[tuple[str, str]]:
    ours = [(f.code, f.where) for f in report.findings if f.code != "W903"]
    return [one for one in ours if not step_8_only or one[0][:2] in {"E3", "W9"}]


def person(signer, name="other"):
    return {"id": name, "key": signer.fingerprint}


def ref(build, entry, **more):
    data = (build.case / layout.event_file(entry)).read_bytes()
    return {"entry": str(entry), "event": sha256_hex(data)} | more


def put(build, kind, items, body, *, by=None, entry_changes=None, **changes):
    signer = by or build.signer
    event = build.event(kind, items, body) | {
        "actor": build.actor(signer, "examiner" if signer is build.signer else "other"),
        "signers": [signer.fingerprint],
    } | changes  # fmt: skip
    return build.enter(event, signers=[signer], **(entry_changes or {}))


@pytest.fixture
def held(build):
    put(build, "collect", ["EX-001"], {})
    return build


def test_a_whole_handover_is_fine(held):
    put(held, "offer", ["EX-001"], {"to": person(held.other)})
    offer = ref(held, 2, origin=cb.ORIGIN)
    put(held, "accept", ["EX-001"], {"offer": offer, "digests_checked": "full"}, by=held.other)
    put(held, "correct", ["EX-001"], {"corrects": ref(held, 1), "text": "not the study"}, by=held.other)
    put(held, "countersign", [], {"of": ref(held, 3)})
    report = verify_case(held.case)
    assert codes(report) == []
    assert report.aspects["custody"].status == "ok"


# --- references ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "member", "stated"),
    [
        ("correct", "corrects", {"entry": "1", "event": "00" * 32}),
        ("correct", "corrects", {"entry": "2", "event": "00" * 32}),
        ("correct", "corrects", {"entry": "18446744073709551615", "event": "00" * 32}),
        ("countersign", "of", {"entry": "0", "event": "00" * 32}),
    ],
)
def test_a_reference_to_what_is_not_there(held, kind, member, stated):
    items = ["EX-001"] if kind == "correct" else []
    put(held, kind, items, {member: stated} | ({"text": "x"} if items else {}))
    assert codes(verify_case(held.case)) == [("E308", layout.event_file(2))]


def test_an_answer_to_what_is_no_offer(held):
    put(held, "offer", ["EX-001"], {"to": person(held.other)})
    put(held, "accept", ["EX-001"], {"offer": ref(held, 1, origin=cb.ORIGIN), "digests_checked": "full"}, by=held.other)
    where = layout.event_file(3)
    assert codes(verify_case(held.case)) == [("E314", where), ("E308", where), ("W911", layout.event_file(2))]


@pytest.mark.parametrize("is_true", [True, False])
def test_a_reference_to_an_event_that_is_not_here_is_held_against_its_entry(held, is_true):
    corrects = ref(held, 1) if is_true else {"entry": "1", "event": "00" * 32}
    put(held, "correct", ["EX-001"], {"corrects": corrects, "text": "x"})
    (held.case / layout.event_file(1)).unlink()
    report = verify_case(held.case)
    assert ("E308" in report.counts["findings"]["by_code"]) is not is_true
    assert not any("corrects names entry 1" in one.reason for one in report.not_checked)


def test_a_reference_to_what_cannot_be_read_is_not_checked(held):
    put(held, "correct", ["EX-001"], {"corrects": ref(held, 1), "text": "x"})
    shutil.rmtree(held.case / layout.entry_folder(1))
    report = verify_case(held.case)
    assert "E308" not in report.counts["findings"]["by_code"]
    assert any("corrects names entry 1" in one.reason for one in report.not_checked)


# --- times --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apart", "code"), [(-2 * HOUR, "W914"), (-HOUR // 2, None), (HOUR // 20, None), (HOUR, "W915")]
)
def test_late_entries_and_early_ones(build, apart, code):
    when = 1_790_000_000 * 10**9
    stated = {"occurred_at": cb.moment(when + apart)}
    put(build, "collect", ["EX-001"], {}, entry_changes={"recorded_at": format_instant(when)}, **stated)
    found = {one for one in codes(verify_case(build.case)) if one[0] in {"W914", "W915"}}
    assert found == ({(code, layout.event_file(1))} if code else set())


def test_what_is_out_too_long_and_what_nobody_answered(held):
    put(held, "loan", ["EX-001"], {"to": person(held.other), "due": cb.WHEN})
    put(held, "collect", ["EX-002"], {})
    put(held, "offer", ["EX-002"], {"to": person(held.other)})
    due = 1_780_000_000 * 10**9
    unanswered = ("W911", layout.event_file(4))
    assert codes(verify_case(held.case)) == [unanswered]
    assert codes(verify_case(held.case, now=due)) == [unanswered]
    assert codes(verify_case(held.case, now=due + 1)) == [("W919", layout.event_file(2)), unanswered]


# --- keys ---------------------------------------------------------------------------------------------------------


def test_what_a_revoked_key_signed_is_named_from_the_size_on(held):
    for _ in range(3):
        put(held, "incident", ["EX-001"], {"what": "x"}, by=held.other)
    put(held, "key_revoke", [], {"key": held.other.fingerprint, "from_size": "3", "reason": "stolen"})
    put(held, "incident", ["EX-001"], {"what": "x"}, by=held.other)
    found = codes(verify_case(held.case))
    assert found == [("E312", layout.event_file(entry)) for entry in (6, 3, 4)]


def test_a_key_may_say_of_itself_that_it_is_not_believed(held):
    put(held, "incident", ["EX-001"], {"what": "x"}, by=held.other)
    body = {"key": held.other.fingerprint, "from_size": "2", "reason": "stolen"}
    put(held, "key_revoke", [], body, by=held.other)
    assert codes(verify_case(held.case)) == [("E312", layout.event_file(2))]


def test_a_retired_key_keeps_what_it_signed(held):
    put(held, "incident", ["EX-001"], {"what": "x"}, by=held.other)
    put(held, "key_retire", [], {"key": held.other.fingerprint})
    assert codes(verify_case(held.case)) == []


# --- messages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def abroad(held):
    """The other log: its keys, and what makes messages of it."""
    return Abroad(held)


class Abroad:
    """Somebody's log of one entry more than nothing, which nobody here has."""

    def __init__(self, build):
        self.build, self.keys = build, new_log_keys(OTHER)

    def message(self, event, *, signer=None, kind="offer", bare=False, seen=OTHER, **changes):
        head = {"origin": seen, "root": "00" * 32, "size": "1"}
        data = encode_event(event | {"seen": head})
        signature = (signer or self.build.other).sign(data, NAMESPACE)
        leaf = encode_entry(Entry(1, sha256(data), 0, (None,), bytes(32), 1, cb.WHEN["time"], (sha256(signature),)))
        tree = Tree([bytes(32), leaf_hash(leaf)])
        note = self.keys.sign_checkpoint(Checkpoint(OTHER, 2, tree.root()))
        parts = {"entry": leaf, "note": note, "proof": tuple(prove_inclusion(1, 2, tree.node))}
        made = {"kind": kind, "event": data, "signatures": (signature,)} | ({} if bare else parts) | changes
        return encode_message(Message(**made))

    def offer(self, items=("X-9",), **more):
        build = self.build
        body = more.pop("body", {"to": person(build.signer, "examiner")})
        made = build.event("offer", list(items), body)
        return made | {"actor": build.actor(build.other, "other"), "signers": [build.other.fingerprint]}

    def put(self, data):
        path = self.build.case / layout.object_file(sha256_hex(data))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return {"bytes": str(len(data)), "sha256": sha256_hex(data)}

    def digest(self, event, seen=OTHER):
        return sha256_hex(encode_event(event | {"seen": {"origin": seen, "root": "00" * 32, "size": "1"}}))

    def accept(self, data, made, **changes):
        body = {
            "digests_checked": "full",
            "message": self.put(data),
            "offer": {"entry": "1", "event": self.digest(made), "origin": OTHER},
            "offered_as": list(made["items"]),
            "offered_by": person(self.build.other),
        } | changes
        items = [f"IN-{number}" for number in range(len(body["offered_as"]))]
        return put(self.build, "accept", items, body)

    def receipt(self, data, **changes):
        tree = Tree([bytes(32), leaf_hash(b"")])
        body = {
            "answer": self.put(data),
            "answered": "accept",
            "answered_by": person(self.build.other),
            "log": {"origin": OTHER, "root": tree.root().hex(), "size": "2"},
            "offer": ref(self.build, 2),
        } | changes
        return put(self.build, "receipt", ["EX-001"], body)


def e309(report):
    return [(f.expected, f.found) for f in report.findings if f.code == "E309"]


def test_an_offer_of_another_log(abroad):
    offer = abroad.offer()
    abroad.accept(abroad.message(offer), offer)
    report = verify_case(abroad.build.case)
    assert codes(report) == []
    assert report.checked["objects"] == 1
    assert report.aspects["custody"].status == "not_checked"  # nobody said whose log that is
    policy = abroad.build.policy(
        f'[[log]]\norigin = "{cb.ORIGIN}"\n[[log]]\norigin = "{OTHER}"\nall_required_from = 0\n',
        logs="".join(f"log {key}\n" for key in (*abroad.build.keys.vkeys, *abroad.keys.vkeys)) + "quorum none\n",
        signers=f"examiner {abroad.build.public_key()}\nother {abroad.build.public_key('other')}\n",
    )
    report = verify_case(abroad.build.case, policy=policy)
    assert codes(report, step_8_only=False) == []
    assert (report.aspects["custody"].status, report.aspects["identity"].status) == ("ok", "ok")


def test_a_log_that_the_policy_knows_by_other_keys(abroad):
    offer = abroad.offer()
    abroad.accept(abroad.message(offer), offer)
    policy = abroad.build.policy(
        logs="".join(f"log {key}\n" for key in (*abroad.build.keys.vkeys, *new_log_keys(OTHER).vkeys)) + "quorum none\n"
    )
    found = codes(verify_case(abroad.build.case, policy=policy), step_8_only=False)
    assert found == [("E309", layout.event_file(2)), ("E408", layout.event_file(2))]  # nor the person who offered


SPOILT_OFFERS = {
    "not a message": lambda a, o: b"{}",
    "no JSON": lambda a, o: b"\xff",
    "too large": lambda a, o: b"x" * ((1 << 20) + 1),
    "other signature": lambda a, o: a.message(o, signatures=(a.build.other.sign(b"other", NAMESPACE),)),
    "signed by another": lambda a, o: a.message(o, signer=a.build.signer),
    "other proof": lambda a, o: a.message(o, proof=(b"\1" * 32,)),
    "other log": lambda a, o: a.message(o, seen="elsewhere.example/1"),
    "an answer": lambda a, o: a.message(
        o | {"type": "refuse", "body": {"_t": "evidencekit/refuse/1", "offer": {"entry": "1", "event": "00" * 32,
             "origin": OTHER}, "reason": "x"}, "not_stated": []}, kind="answer"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SPOILT_OFFERS)
def test_a_message_that_is_not_good(abroad, fault):
    offer = abroad.offer()
    abroad.accept(SPOILT_OFFERS[fault](abroad, offer), offer)
    found = codes(verify_case(abroad.build.case))
    assert set(found) == {("E309", layout.event_file(2))}


@pytest.mark.parametrize(
    "changes",
    [
        {"offer": {"entry": "1", "event": "00" * 32, "origin": OTHER}},
        {"offer": None},
        {"offered_as": ["X-8"]},
        {"offered_by": {"id": "other", "key": "SHA256:" + "A" * 43}},
        {"offered_by": {"id": "somebody else", "key": None}},
        {"refused": [{"item": "X-7", "reason": "x"}]},
    ],
)
def test_an_acceptance_that_says_something_else_than_the_offer(abroad, changes):
    offer = abroad.offer()
    if changes.get("offer", 0) is None:
        changes = {"offer": {"entry": "2", "event": abroad.digest(offer), "origin": OTHER}}
    if changes.get("offered_by", {}).get("key", 0) is None:
        changes = {"offered_by": person(abroad.build.other, "somebody else")}
    abroad.accept(abroad.message(offer), offer, **changes)
    assert codes(verify_case(abroad.build.case)) == [("E309", layout.event_file(2))]


def test_an_offer_to_somebody_else(abroad):
    offer = abroad.offer(body={"to": person(abroad.build.other)})
    abroad.accept(abroad.message(offer), offer)
    assert codes(verify_case(abroad.build.case)) == [("E309", layout.event_file(2))]


def test_a_message_without_its_place_is_not_wholly_checked(abroad):
    offer = abroad.offer()
    abroad.accept(abroad.message(offer, bare=True), offer)
    report = verify_case(abroad.build.case)
    assert codes(report) == []
    assert report.aspects["custody"].status == "not_checked"


def test_a_part_of_an_offer(abroad):
    offer = abroad.offer(items=("X-1", "X-2", "X-3"))
    abroad.accept(abroad.message(offer), offer, offered_as=["X-1"], refused=[{"item": "X-3", "reason": "wet"}])
    assert codes(verify_case(abroad.build.case)) == []


@pytest.mark.parametrize("what", ["gone", "changed"])
def test_a_message_that_is_not_there_as_it_was(abroad, what):
    offer = abroad.offer()
    data = abroad.message(offer)
    abroad.accept(data, offer)
    path = abroad.build.case / layout.object_file(sha256_hex(data))
    if what == "gone":
        path.unlink()
    else:
        path.write_bytes(data.replace(b"offer", b"OFFER"))
    report = verify_case(abroad.build.case)
    place = layout.object_file(sha256_hex(data))
    assert codes(report, step_8_only=False) == [("E501" if what == "gone" else "E201", place)]


def answer_of(abroad, kind="accept", **changes):
    build = abroad.build
    body = {"offer": ref(build, 2, origin=cb.ORIGIN)} | ({"reason": "x"} if kind == "refuse" else {}) | changes
    items = [] if kind == "refuse" else ["EX-001"]
    made = build.event(kind, items, body)
    return made | {"actor": build.actor(build.other, "other"), "signers": [build.other.fingerprint]}


def log_of(data):
    """The tree that a message's checkpoint is of."""
    from evidencekit.core.message import decode_message, open_message

    tree = open_message(decode_message(data)).tree
    return {"origin": tree.origin, "root": tree.root.hex(), "size": str(tree.size)}


@pytest.mark.parametrize("kind", ["accept", "refuse"])
def test_an_answer_of_another_log(abroad, kind):
    put(abroad.build, "offer", ["EX-001"], {"to": person(abroad.build.other)})
    data = abroad.message(answer_of(abroad, kind), kind="answer")
    abroad.receipt(data, answered=kind, log=log_of(data))
    assert codes(verify_case(abroad.build.case)) == []


def test_without_event_0_nobody_knows_that_an_answer_is_to_another_log(abroad):
    put(abroad.build, "offer", ["EX-001"], {"to": person(abroad.build.other)})
    data = abroad.message(answer_of(abroad), kind="answer")
    abroad.receipt(data, answered="accept", log=log_of(data))
    (abroad.build.case / layout.event_file(0)).write_bytes(b"{}")
    found = codes(verify_case(abroad.build.case), step_8_only=False)
    assert ("E101", layout.event_file(0)) in found
    assert "E309" not in {code for code, _ in found}


@pytest.mark.parametrize(
    ("of_answer", "of_receipt"),
    [
        ({}, {"answered": "refuse"}),
        ({}, {"refused": [{"item": "EX-001", "reason": "x"}]}),
        ({}, {"log": {"origin": OTHER, "root": "00" * 32, "size": "2"}}),
        ({"offer": {"entry": "2", "event": "00" * 32, "origin": cb.ORIGIN}}, {}),
        ({"offered_as": ["EX-009"]}, {}),
    ],
)
def test_a_receipt_that_says_something_else_than_the_answer(abroad, of_answer, of_receipt):
    put(abroad.build, "offer", ["EX-001"], {"to": person(abroad.build.other)})
    data = abroad.message(answer_of(abroad, **of_answer), kind="answer")
    abroad.receipt(data, **({"log": log_of(data)} | of_receipt))
    assert ("E309", layout.event_file(3)) in codes(verify_case(abroad.build.case))


def test_objects_that_events_name_are_copied_with_the_record(abroad, tmp_path):
    from evidencekit.write.mirror import mirror

    offer = abroad.offer()
    abroad.accept(abroad.message(offer), offer)
    mirror(abroad.build.case, tmp_path / "second")
    shutil.rmtree(abroad.build.case)
    assert codes(verify_case(tmp_path / "second"), step_8_only=False) == []
