"""Cosignatures in the record: entered, refused, verified under policies, spoilt in each way."""

from __future__ import annotations

import pytest

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import decode_event
from evidencekit.core.note import Note, NoteSignature, format_note, format_signature, parse_note
from evidencekit.errors import BadArgument, Refused
from evidencekit.journeys.attest import enter_cosignatures, read_lines
from evidencekit.journeys.cosign import cosign_copy
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.seal.witnesskey import load_witness_key, new_witness_key
from evidencekit.verify.verifier import verify_case

UNASKED = {"W903", "W931"}
"""Particulars that these events lack; and times, since the witness's clock stands still."""
SECOND = 1_000_000_000
NOW = 1_780_000_000 * SECOND


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Witnesses W0 to W4."""
    folder = tmp_path_factory.mktemp("keys")
    for n in range(5):
        new_witness_key(folder / str(n), name=f"w{n}.example/w")
    return [load_witness_key(folder / str(n)) for n in range(5)]


@pytest.fixture
def enter(grown, rc):
    def enter(lines, size, policy=None):
        ledger = grown.office.ledger(grown.case)
        signer = grown.office.signer
        return enter_cosignatures(ledger, lines, size, signer=signer, actor=rc.actor(signer), policy=policy)

    return enter


def line_of(key, grown, size=None, at=NOW, root=None):
    copy = read_case_copy(grown.case)
    size = copy.tree.size if size is None else size
    return key.cosign(Checkpoint(copy.tree.origin, size, copy.root(size) if root is None else root), at // SECOND)


def found(report):
    return sorted((finding.code, finding.where) for finding in report.findings if finding.code not in UNASKED)


def check(grown, policy=None, now=NOW):
    return verify_case(grown.case, policy=policy, now=now)


def test_a_cosignature_belongs_to_the_record(grown, enter, witness, witness_key, tmp_path):
    cosigned = cosign_copy(witness, read_case_copy(grown.case)).note
    size, lines = read_lines(cosigned, read_case_copy(grown.case), None)
    policy = grown.policy(tmp_path / "policy", quorum="W", W=witness_key)
    (one,) = enter(lines, size, policy)
    name = layout.cosignature_name(4, witness_key.verifier_key.key_id)
    assert (one.witness, one.size, one.file, one.verified) == (witness_key.name, 4, f"checkpoints/{name}", True)
    body = decode_event((grown.case / layout.event_file(4)).read_bytes())["body"]
    assert (body["kind"], body["file"], body["by"], body["at"]) == ("cosignature", name, witness_key.name, one.at)
    note = (grown.case / layout.checkpoint_file(4)).read_bytes() + (grown.case / one.file).read_bytes()
    assert note == cosigned  # so that `cat` makes a cosigned note of the two
    report = check(grown, policy)
    assert (report.aspects["witness"].status, report.counts["witnessed"], found(report)) == ("ok", 4, [])
    above = [item for item in report.not_checked if item.aspect == "witness"]
    assert [(item.code, item.where) for item in above] == [("quorum", "checkpoints/00000005")]
    assert "entry 4 stands above" in above[0].reason


def test_without_a_policy_nothing_is_said_of_witnesses(grown, enter, keys):
    assert not enter([line_of(keys[0], grown)], 4)[0].verified
    report = check(grown)
    assert (found(report), report.aspects["witness"].status) == ([], "not_checked")
    assert report.checked["cosignatures"] == 1


def test_a_witness_that_the_policy_does_not_know_is_not_checked(grown, enter, keys, tmp_path):
    enter([line_of(keys[0], grown)], 4)
    report = check(grown, grown.policy(tmp_path / "policy", quorum="W", W=keys[1]))
    assert report.aspects["witness"].status == "not_checked"
    assert [item.code for item in report.not_checked if item.aspect == "witness"][:1] == ["unknown_witness"]
    assert report.verdict == "NOT CHECKED"


GROUPS = "group A 2 W0 W1 W2; group B any W3 W4; group C all A B; quorum C"


@pytest.mark.parametrize(
    ("cosigned", "met"),
    [
        ((0, 1, 3), True),
        ((0, 2, 4), True),
        ((0, 1, 2), False),
        ((0, 3, 4), False),
        ((0, 1, 2, 3, 4), True),
        ((), False),
    ],
)
def test_quorums(grown, enter, keys, tmp_path, cosigned, met):
    policy = grown.policy(tmp_path / "policy", quorum=GROUPS, **{f"W{n}": key for n, key in enumerate(keys)})
    lines = [line_of(keys[n], grown) for n in cosigned]
    if lines:
        enter(lines, 4)
    report = check(grown, policy)
    assert report.aspects["witness"].status == ("ok" if met else "not_checked")
    assert report.verdict == "NOT CHECKED"  # nothing is sealed in this case
    assert report.counts.get("witnessed") == (4 if met else None)


def test_the_newest_size_with_enough_cosignatures_counts(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", quorum="group G 2 W0 W1; quorum G", W0=keys[0], W1=keys[1])
    enter([line_of(keys[0], grown, 2), line_of(keys[1], grown, 2)], 2)
    enter([line_of(keys[0], grown, 4)], 4)
    report = check(grown, policy)
    assert report.counts["witnessed"] == 2
    assert "entries 2 to 6 stand above" in next(i for i in report.not_checked if i.code == "quorum").reason


def test_quorum_none_asks_nothing_and_takes_any(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", W=keys[0])
    assert check(grown, policy).aspects["witness"].status == "not_checked"
    enter([line_of(keys[0], grown)], 4)
    assert check(grown, policy).aspects["witness"].status == "ok"


def test_times_are_proven(grown, enter, keys, tmp_path):
    enter([line_of(keys[0], grown)], 4)
    report = check(grown, grown.policy(tmp_path / "policy", W=keys[0]))
    assert report.times["bounds"]


def test_a_cosignature_from_the_future_proves_no_time(grown, enter, keys, tmp_path):
    enter([line_of(keys[0], grown, at=NOW + 3600 * SECOND)], 4)
    report = check(grown, grown.policy(tmp_path / "policy", W=keys[0]))
    assert [code for code, _ in found(report)] == ["W935"]
    assert (report.aspects["witness"].status, report.times["bounds"]) == ("ok", [])


# --- refused at the door -----------------------------------------------------------------------------------------


def refused(code, function, *args, kind=Refused):
    with pytest.raises(kind) as caught:
        function(*args)
    assert caught.value.code == code


def test_a_bad_cosignature_of_a_known_witness_never_enters(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", W=keys[0])
    before = sorted(grown.case.rglob("*"))
    refused("R536", enter, [line_of(keys[0], grown, root=bytes(32))], 4, policy)
    assert sorted(grown.case.rglob("*")) == before


def test_unknown_witnesses_and_the_logs_own_lines_are_passed_over(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", W=keys[0])
    own = parse_note(read_case_copy(grown.case).note).signatures
    refused("U257", lambda: enter([*own, line_of(keys[1], grown)], 4, policy), kind=BadArgument)
    refused("U257", lambda: enter(own, 4), kind=BadArgument)
    assert len(enter([*own, line_of(keys[1], grown), line_of(keys[0], grown)], 4, policy)) == 1


def test_one_cosignature_of_a_witness_a_size(grown, enter, keys):
    enter([line_of(keys[0], grown)], 4)
    refused("R539", enter, [line_of(keys[0], grown, 4)], 4)
    refused("R539", enter, [line_of(keys[0], grown, 4, at=NOW + SECOND)], 4)


def test_what_a_crash_left_is_taken_up(grown, enter, keys):
    line = line_of(keys[0], grown)
    place = grown.case / "checkpoints" / layout.cosignature_name(4, line.key_id)
    place.write_text(format_signature(line))
    assert found(check(grown)) == [("W902", f"checkpoints/{place.name}")]
    enter([line], 4)
    assert found(check(grown)) == []


@pytest.mark.parametrize("size", [3, 9])
def test_a_size_without_a_checkpoint(grown, enter, keys, size):
    refused("R539", enter, [line_of(keys[0], grown, 4)], size)


def test_what_is_no_cosigned_note_of_this_log(grown, keys):
    copy = read_case_copy(grown.case)
    line = line_of(keys[0], grown)
    note = parse_note(copy.note)
    for other in (note.text.replace("grown", "other"), note.text.replace("\n4\n", "\n2\n")):
        refused("R539", read_lines, format_note(Note(other, (line,))), copy, None)
    refused("R539", read_lines, format_note(Note(note.text, (line,))), copy, 2)
    for data in (b"", b"hello", "— a\n".encode(), "x\n— a AAAA\n".encode()):
        refused("U257", lambda data=data: read_lines(data, copy, None), kind=BadArgument)
    assert read_lines(format_signature(line).encode(), copy, None) == (4, (line,))
    assert read_lines(format_signature(line).encode(), copy, 2) == (2, (line,))


# --- spoilt in the record ----------------------------------------------------------------------------------------


@pytest.fixture
def anchored(grown, enter, keys, tmp_path):
    enter([line_of(keys[0], grown)], 4)
    grown.place = grown.case / "checkpoints" / layout.cosignature_name(4, keys[0].verifier_key.key_id)
    grown.trusted = grown.policy(tmp_path / "trusted", quorum="W", W=keys[0])
    return grown


def test_missing(anchored):
    anchored.place.unlink()
    report = check(anchored, anchored.trusted)
    assert found(report) == [("E501", f"checkpoints/{anchored.place.name}")]
    assert (report.verdict, report.aspects["witness"].status) == ("FAILED", "not_checked")


@pytest.mark.parametrize(
    ("spoil", "codes"),
    [
        (lambda data: data.replace(b"w0.example", b"w1.example"), ["E201"]),
        (lambda data: data + data, ["E201"]),
        (lambda data: data[:-1], ["E201"]),
        (lambda data: b"", ["E201"]),
        (lambda data: b"x" * 20_000, ["E102"]),
    ],
)
def test_another_file(anchored, spoil, codes):
    anchored.place.write_bytes(spoil(anchored.place.read_bytes()))
    assert [code for code, _ in found(check(anchored, anchored.trusted))] == codes


def test_a_good_line_at_another_time(anchored, keys):
    line = line_of(keys[0], anchored, 4, at=NOW - SECOND)
    anchored.place.write_text(format_signature(line))
    assert [code for code, _ in found(check(anchored, anchored.trusted))] == ["E201"]


def test_a_changed_signature(anchored, keys):
    line = line_of(keys[0], anchored, 4)
    bad = NoteSignature(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))
    anchored.place.write_text(format_signature(bad))
    report = check(anchored, anchored.trusted)
    assert [code for code, _ in found(report)] == ["E201"]
    assert (report.verdict, report.aspects["witness"].status) == ("FAILED", "not_checked")


def test_a_log_that_witnesses_itself(grown, enter, tmp_path):
    from evidencekit.seal.witnesskey import WitnessKey

    key = WitnessKey("w.example/self", grown.office.keys.ed25519)
    enter([line_of(key, grown)], 4)
    policy = grown.policy(tmp_path / "policy", quorum="W", W=key)
    assert [code for code, _ in found(check(grown, policy))] == ["E432"]


@pytest.mark.parametrize(
    "changes",
    [
        {"file": "../../etc/passwd"},
        {"file": "00000004.00000000.cosig.x"},
        {"file": "00000002.00000000.cosig"},
        {"size": "9", "file": "00000009.00000000.cosig"},
        {"size": "0", "file": "00000000.00000000.cosig"},
    ],
)
def test_an_anchor_that_names_what_cannot_be(grown, rc, changes):
    body = {
        "at": "2026-11-22T09:15:02.000000000Z", "by": "w", "file": "00000004.00000000.cosig", "kind": "cosignature",
        "sha256": "00" * 32, "size": "4",
    } | changes  # fmt: skip
    ledger = grown.office.ledger(grown.case)
    ledger.append("anchor", [], body, actor=rc.actor(grown.office.signer), signers=[grown.office.signer])
    ledger.checkpoint()
    assert found(check(grown)) == [("E431", "custody/00000004/event.json")]


# --- several at once, and after a crash -----------------------------------------------------------------------------


def test_one_that_is_there_already_does_not_cost_the_others(grown, enter, keys):
    there, new = line_of(keys[0], grown), line_of(keys[1], grown)
    enter([there], 4)
    assert [one.witness for one in enter([new, there, new], 4)] == [keys[1].name]
    assert found(check(grown)) == []
    before = sorted(grown.case.rglob("*"))
    refused("R539", enter, [new, there], 4)
    assert sorted(grown.case.rglob("*")) == before


def test_a_witness_asked_again_after_a_crash_answers_with_another_time(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", quorum="W", W=keys[0])
    left = line_of(keys[0], grown)
    place = grown.case / "checkpoints" / layout.cosignature_name(4, left.key_id)
    place.write_text(format_signature(left))
    (one,) = enter([line_of(keys[0], grown, at=NOW + 60 * SECOND)], 4, policy)
    assert one.at == "2026-05-28T20:26:40.000000000Z"
    assert found(check(grown, policy)) == []


def test_what_lies_there_without_being_a_cosignature_is_not_taken_up(grown, enter, keys, tmp_path):
    policy = grown.policy(tmp_path / "policy", quorum="W", W=keys[0])
    bad = line_of(keys[0], grown, root=bytes(32))
    (grown.case / "checkpoints" / layout.cosignature_name(4, bad.key_id)).write_text(format_signature(bad))
    refused("R539", enter, [line_of(keys[0], grown)], 4, policy)


def test_a_cosignature_that_the_event_does_not_name_proves_no_time(anchored, keys, rc):
    """The event speaks of other bytes: nothing shows that the line was there when later entries were made."""
    ledger = anchored.office.ledger(anchored.case)
    line = line_of(keys[0], anchored, 2)
    name = layout.cosignature_name(2, line.key_id)
    (anchored.case / "checkpoints" / name).write_text(format_signature(line))
    body = {
        "at": "2026-05-28T20:26:40.000000000Z", "by": line.name, "file": name, "kind": "cosignature",
        "sha256": "00" * 32, "size": "2",
    }  # fmt: skip
    signer = anchored.office.signer
    ledger.append("anchor", [], body, actor=rc.actor(signer), signers=[signer])
    ledger.checkpoint()
    report = check(anchored, anchored.trusted)
    assert [code for code, _ in found(report)] == ["E201"]
    assert [(span["first"], span["not_before"] is None) for span in report.times["bounds"]] == [(0, True), (5, False)]
