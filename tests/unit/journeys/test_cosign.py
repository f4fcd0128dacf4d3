"""A witness by hand: first contact, growth, refusals, forks, and a memory that never goes back."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.merkle import prove_consistency
from evidencekit.core.note import Note, format_note, parse_note
from evidencekit.core.witness import AddCheckpoint, format_add_checkpoint
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.journeys.ask_witness import request_of
from evidencekit.journeys.cosign import cosign_copy, cosign_file, prove, trust_of
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.read.notelines import verify_cosignature
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.witness import Witness
from evidencekit.seal.witnesskey import new_witness_key

NOW = 1_780_000_000_000_000_000


def tree_of(note):
    return parse_checkpoint(parse_note(note).text)


def refused(code, function, *args, **more):
    with pytest.raises(Refused) as caught:
        function(*args, **more)
    assert caught.value.code == code
    return caught.value


def test_first_contact_is_trust_on_first_use_and_growth_is_cosigned(grown, witness, witness_key):
    first = cosign_copy(witness, read_case_copy(grown.case))
    assert (first.tree.size, first.before, first.on_first_use) == (4, None, True)
    grown.grow(3)
    second = cosign_copy(witness, read_case_copy(grown.case))
    assert (second.tree.size, second.before, second.on_first_use) == (7, first.tree, False)
    *own, line = parse_note(second.note).signatures
    assert len(own) == 2
    assert verify_cosignature(witness_key.verifier_key, line, second.tree)
    assert not verify_cosignature(witness_key.verifier_key, line, first.tree)
    assert witness.seen(second.tree.origin) == second.note
    assert second.note.endswith(second.answer)


def test_the_same_tree_may_be_cosigned_again(grown, witness):
    copy = read_case_copy(grown.case)
    assert cosign_copy(witness, copy).tree == cosign_copy(witness, copy).tree


def test_an_older_copy_is_refused_and_nothing_goes_back(grown, witness, tmp_path):
    old = grown.copy(tmp_path / "old")
    grown.grow()
    cosign_copy(witness, read_case_copy(grown.case))
    error = refused("R537", cosign_copy, witness, read_case_copy(old.case))
    assert error.facts["size"] == 5
    assert witness.last(error.message.split()[1]).size == 5


@pytest.mark.parametrize("more", [0, 2])
def test_a_fork_is_refused_and_both_notes_are_kept_and_shown(grown, witness, tmp_path, more):
    other = grown.copy(tmp_path / "other")
    grown.grow()
    other.grow(name="OTHER")
    other.grow(more, name="OTHER") if more else None
    seen = cosign_copy(witness, read_case_copy(grown.case))
    error = refused("R538", cosign_copy, witness, read_case_copy(other.case))
    kept = [tree_of(Path(path).read_bytes()) for path in error.facts["notes"]]
    assert kept[0] == seen.tree
    assert kept[1].size == 5
    assert kept[1].root != seen.tree.root
    assert "FORK" in error.message
    for path in error.facts["notes"]:
        assert path in error.message
    assert witness.last(seen.tree.origin) == seen.tree
    refused("R538", cosign_copy, witness, read_case_copy(other.case))  # again: nothing is written twice


def test_one_size_is_never_cosigned_with_two_roots(grown, witness, office):
    copy = read_case_copy(grown.case)
    seen = cosign_copy(witness, copy)
    lie = office.keys.sign_checkpoint(Checkpoint(seen.tree.origin, seen.tree.size, bytes(32)))
    error = refused("R538", cosign_file, witness, format_add_checkpoint(AddCheckpoint(4, (), lie)))
    assert len(error.facts["notes"]) == 2
    assert witness.last(seen.tree.origin) == seen.tree


def test_a_request_by_file(grown, witness):
    cosign_copy(witness, read_case_copy(grown.case))
    grown.grow(5)
    copy = read_case_copy(grown.case)
    assert cosign_file(witness, request_of(copy, 4)).tree == copy.tree


def test_a_note_with_its_proof_apart(grown, witness):
    cosign_copy(witness, read_case_copy(grown.case))
    grown.grow(5)
    copy = read_case_copy(grown.case)
    with pytest.raises(BadArgument) as caught:
        cosign_file(witness, copy.note)
    assert caught.value.code == "U259"
    assert "--old 4" in caught.value.hint
    head, _, _ = request_of(copy, 4).partition(b"\n\n")
    assert cosign_file(witness, copy.note, proof=head + b"\n").tree == copy.tree


def test_a_note_of_a_log_never_seen_needs_its_keys(grown, witness, office):
    copy = read_case_copy(grown.case)
    refused("R535", cosign_file, witness, copy.note)
    assert cosign_file(witness, copy.note, offered=office.keys.verifier_keys).on_first_use


def test_a_wrong_proof_is_refused(grown, witness):
    cosign_copy(witness, read_case_copy(grown.case))
    grown.grow(5)
    copy = read_case_copy(grown.case)
    right = prove(copy, 4)
    for wrong in ((), right[:-1], (*right, bytes(32)), (bytes(32), *right[1:])):
        refused("R538", cosign_file, witness, format_add_checkpoint(AddCheckpoint(4, wrong, copy.note)))
    proof = tuple(prove_consistency(2, 9, copy.entries.node))
    assert refused("R537", cosign_file, witness, format_add_checkpoint(AddCheckpoint(2, proof, copy.note)))


def test_a_case_whose_entries_are_gone_proves_nothing(grown, witness):
    cosign_copy(witness, read_case_copy(grown.case))
    grown.grow(5)
    shutil.rmtree(grown.case / "custody/00000006")
    refused("R538", cosign_copy, witness, read_case_copy(grown.case))


def test_other_keys_under_the_same_name_are_refused(grown, witness, office):
    seen = cosign_copy(witness, read_case_copy(grown.case)).tree
    thief = new_log_keys(office.origin)
    note = thief.sign_checkpoint(Checkpoint(office.origin, 9, bytes(32)))
    refused(
        "R536", cosign_file, witness, format_add_checkpoint(AddCheckpoint(4, (), note)), offered=thief.verifier_keys
    )
    lines = parse_note(read_case_copy(grown.case).note)
    half = format_note(Note(lines.text, lines.signatures[:1]))  # one of the two lines that came first
    refused("R536", cosign_file, witness, format_add_checkpoint(AddCheckpoint(4, (), half)))
    assert witness.last(office.origin) == seen


def test_a_policy_decides_alone(grown, witness_key, tmp_path):
    policy = grown.policy(tmp_path / "policy")
    copy = read_case_copy(grown.case)
    known = Witness(tmp_path / "a", witness_key, clock=lambda: NOW, policy=trust_of(policy))
    assert not cosign_copy(known, copy).on_first_use
    (tmp_path / "policy/logs.policy").write_text("quorum none\n")
    from evidencekit.verify.policy import read_policy

    unknown = Witness(tmp_path / "a", witness_key, clock=lambda: NOW, policy=trust_of(read_policy(tmp_path / "policy")))
    refused("R535", cosign_copy, unknown, copy)


@pytest.mark.parametrize("name", ["checkpoint", "log-keys"])
@pytest.mark.parametrize("content", [b"", b"?\n", b"x" * (1 << 21)])
def test_a_damaged_memory_stops_everything(grown, witness, name, content):
    copy = read_case_copy(grown.case)
    cosign_copy(witness, copy)
    (witness.place(copy.tree.origin) / name).write_bytes(content)
    with pytest.raises(CannotFinish) as caught:
        cosign_copy(witness, copy)
    assert caught.value.code == "X467"


def test_a_memory_of_another_log_is_damage(grown, witness, office):
    copy = read_case_copy(grown.case)
    cosign_copy(witness, copy)
    keys = new_log_keys("other.example/log")
    path = witness.place(copy.tree.origin) / "checkpoint"
    path.write_bytes(keys.sign_checkpoint(Checkpoint("other.example/log", 4, copy.tree.root)))
    with pytest.raises(CannotFinish, match=r"other\.example"):
        cosign_copy(witness, copy)


def test_a_memory_that_cannot_be_written_gives_no_cosignature(grown, witness, monkeypatch):
    copy = read_case_copy(grown.case)
    cosign_copy(witness, copy)
    grown.grow()

    def full(*_args, **_more):
        raise CannotFinish("no space", code="X421")

    monkeypatch.setattr("evidencekit.seal.witness.replace_file", full)
    with pytest.raises(CannotFinish):
        cosign_copy(witness, read_case_copy(grown.case))
    assert witness.last(copy.tree.origin) == copy.tree


def test_a_clock_before_1970_makes_no_cosignature(grown, witness_key, tmp_path):
    stopped = Witness(tmp_path / "seen", witness_key, clock=lambda: 0)
    with pytest.raises(CannotFinish) as caught:
        cosign_copy(stopped, read_case_copy(grown.case))
    assert caught.value.code == "X416"


def test_two_programs_at_once_cosign_one_root_alone(grown, witness, office):
    """Half of them ask for one tree of size 5, half for another: one side wins, whoever it is."""
    origin = office.origin
    seen = cosign_copy(witness, read_case_copy(grown.case))
    grown.grow()
    right = read_case_copy(grown.case)
    other = office.keys.sign_checkpoint(Checkpoint(origin, 5, bytes(32)))

    def ask(number):
        note = right.note if number % 2 else other
        proof = prove(right, 4) if number % 2 else ()
        try:
            return witness.add(AddCheckpoint(4, proof, note)).tree.root
        except Refused:
            return None

    with ThreadPoolExecutor(8) as pool:
        roots = set(pool.map(ask, range(24))) - {None}
    assert roots == {right.tree.root}
    assert witness.last(origin).size == 5
    assert seen.tree.size == 4


def test_neither_request_nor_note(witness):
    for data in (b"", b"old ", b"old 1\n\n", b"what\n", b"\xff"):
        with pytest.raises(FormatError):
            cosign_file(witness, data)


def test_a_thiefs_case_of_the_same_name_is_no_fork(grown, witness, rc, tmp_path):
    """Anybody can choose a name: what the log's keys did not sign accuses nobody."""
    cosign_copy(witness, read_case_copy(grown.case))
    thief = rc.Office(tmp_path / "thief", origin=grown.office.origin)
    thief.open(tmp_path / "theirs")
    other = type(grown)(rc, thief, tmp_path / "theirs")
    other.grow(3)
    other.grow(2)
    refused("R536", cosign_copy, witness, read_case_copy(other.case))
    assert not (witness.place(grown.office.origin) / "forks").exists()


def test_what_is_refused_at_first_contact_leaves_no_keys(grown, witness, office):
    thief = new_log_keys(office.origin)
    note = thief.sign_checkpoint(Checkpoint(office.origin, 9, bytes(32)))
    request = format_add_checkpoint(AddCheckpoint(4, (), note))
    refused("R537", cosign_file, witness, request, offered=thief.verifier_keys)
    assert cosign_copy(witness, read_case_copy(grown.case)).on_first_use


def test_no_key_is_made_that_could_never_cosign(tmp_path):
    with pytest.raises(BadArgument) as caught:
        new_witness_key(tmp_path / "key", name="w.example/" + 300 * "x", kind="ml-dsa-44")
    assert (caught.value.code, list(tmp_path.iterdir())) == ("U256", [])


def test_a_log_that_forks_without_end_does_not_fill_the_disk(grown, witness, office, monkeypatch):
    monkeypatch.setattr("evidencekit.seal.witness.MAX_FORKS", 3)
    seen = cosign_copy(witness, read_case_copy(grown.case)).tree
    for number in range(9):
        lie = office.keys.sign_checkpoint(Checkpoint(seen.origin, seen.size, bytes([number]) * 32))
        refused("R538", cosign_file, witness, format_add_checkpoint(AddCheckpoint(4, (), lie)))
    assert len(list((witness.place(seen.origin) / "forks").iterdir())) == 3
