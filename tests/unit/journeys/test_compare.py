"""Two copies of a log: every relation, every kind of copy, damage elsewhere, and what is no proof."""

from __future__ import annotations

import itertools
import shutil

import pytest

from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.note import parse_note
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.journeys.compare import compare
from evidencekit.journeys.logcopy import read_copy
from evidencekit.journeys.publish import publish

KINDS = ("case", "tiles", "checkpoint")


def as_kind(log, kind, folder):
    """The log in one of its shapes."""
    copy = read_copy(str(log.case))
    if kind == "tiles":
        publish(copy, folder)
        return read_copy(str(folder))
    if kind == "checkpoint":
        folder.write_bytes(copy.note)
        return read_copy(str(folder))
    return copy


def tree_of(note):
    return parse_checkpoint(parse_note(note).text)


@pytest.mark.parametrize("kinds", [*itertools.product(KINDS, KINDS)], ids="-".join)
@pytest.mark.parametrize("more", [0, 3])
def test_equal_and_extends(grown, tmp_path, kinds, more):
    first = as_kind(grown, kinds[0], tmp_path / "a")
    if more:
        grown.grow(more)
    second = as_kind(grown, kinds[1], tmp_path / "b")
    found, back = compare(first, second), compare(second, first)
    if not more:
        assert (found.relation, back.relation, found.common) == ("equal", "equal", 4)
    elif kinds[1] == "checkpoint":  # a note does not show that it grew
        assert (found.relation, found.exit_code) == ("undecided", 4)
    else:
        assert (found.relation, back.relation) == ("extended_by", "extends")
        assert (found.common, found.exit_code, found.proof) == (4, 0, ())


@pytest.mark.parametrize("kinds", [*itertools.product(KINDS, KINDS)], ids="-".join)
def test_a_split_view(grown, tmp_path, kinds):
    other = grown.copy(tmp_path / "other")
    grown.grow(2)
    other.grow(2, name="OTHER")
    first, second = as_kind(grown, kinds[0], tmp_path / "a"), as_kind(other, kinds[1], tmp_path / "b")
    found = compare(first, second)
    assert (found.relation, found.exit_code, found.differs_at) == ("fork", 3, 6)
    assert [tree_of(note).size for note in found.proof] == [6, 6]
    assert len({tree_of(note).root for note in found.proof}) == 2
    assert found.first_entry == (None if "checkpoint" in kinds else 4)
    record = found.as_record(first, second)
    assert (record["relation"], record["a"]["kind"], len(record["proof"])) == ("fork", kinds[0], 2)


def test_a_split_view_of_different_lengths(grown, tmp_path):
    other = grown.copy(tmp_path / "other")
    grown.grow()
    grown.grow(4)
    other.grow(2, name="OTHER")
    found = compare(read_copy(str(grown.case)), read_copy(str(other.case)))
    assert (found.relation, found.common, found.first_entry) == ("fork", 4, 4)


def test_a_note_of_a_fork_against_a_longer_case(grown, tmp_path, office):
    note = tmp_path / "note"
    note.write_bytes(office.keys.sign_checkpoint(Checkpoint(office.origin, 3, bytes(32))))
    found = compare(read_copy(str(note)), read_copy(str(grown.case)))
    assert (found.relation, found.differs_at) == ("fork", 3)
    assert [tree_of(proof).size for proof in found.proof] == [3, 4]


def test_damage_elsewhere_is_named_and_does_not_matter(grown, tmp_path):
    other = grown.copy(tmp_path / "other")
    grown.grow(4)
    (grown.case / layout.event_file(1)).unlink()
    (grown.case / layout.entry_file(6)).write_bytes(b"?")
    (grown.case / "case.json").unlink()
    (other.case / layout.checkpoint_file(2)).write_bytes(b"?")
    first, second = read_copy(str(grown.case)), read_copy(str(other.case))
    found = compare(first, second)
    assert (found.relation, found.common) == ("extends", 4)
    assert any("contradicts its entries" in fault for fault in first.faults)
    assert any("E105" in fault for fault in second.faults)


def test_a_fork_is_found_past_damage(grown, tmp_path):
    other = grown.copy(tmp_path / "other")
    grown.grow(2)
    other.grow(name="OTHER")
    other.grow(2, name="OTHER")
    shutil.rmtree(other.case / layout.entry_folder(1))
    found = compare(read_copy(str(grown.case)), read_copy(str(other.case)))
    assert (found.relation, found.differs_at, found.first_entry) == ("fork", 5, None)


def test_where_damage_hides_the_answer_none_is_given(grown, tmp_path):
    grown.grow()
    other = grown.copy(tmp_path / "other")
    other.grow(3, name="MORE")
    shutil.rmtree(other.case / layout.entry_folder(1))
    (other.case / layout.checkpoint_file(5)).unlink()
    found = compare(read_copy(str(grown.case)), read_copy(str(other.case)))
    assert (found.relation, found.exit_code, found.common) == ("undecided", 4, 4)


def test_unrelated(grown, rc, tmp_path):
    elsewhere = rc.Office(tmp_path / "x", origin="unit8.example/x")
    elsewhere.open(tmp_path / "elsewhere")
    namesake = rc.Office(tmp_path / "y", origin=grown.office.origin)
    namesake.open(tmp_path / "namesake")
    for other in ("elsewhere", "namesake"):
        found = compare(read_copy(str(grown.case)), read_copy(str(tmp_path / other)))
        assert (found.relation, found.exit_code) == ("unrelated", 4)
    note = tmp_path / "note"
    note.write_bytes(read_copy(str(tmp_path / "namesake")).note)
    found = compare(read_copy(str(grown.case)), read_copy(str(note)))
    assert (found.relation, found.signed) == ("undecided", (True, False))


def test_a_policy_lists_the_keys(grown, tmp_path, rc):
    other = grown.copy(tmp_path / "other")
    grown.grow()
    other.grow(name="OTHER")
    first, second = as_kind(grown, "checkpoint", tmp_path / "a"), as_kind(other, "checkpoint", tmp_path / "b")
    keys = grown.policy(tmp_path / "policy").log_keys(grown.office.origin)
    assert compare(first, second).signed == (None, None)
    assert compare(first, second, keys=keys).signed == (True, True)
    wrong = rc.Office(tmp_path / "y", origin=grown.office.origin).keys.verifier_keys
    assert compare(first, second, keys=wrong).relation == "undecided"


def test_what_is_no_copy(tmp_path):
    (tmp_path / "file").write_text("?")
    for place in ("file", "nothing"):
        with pytest.raises(BadArgument) as caught:
            read_copy(str(tmp_path / place))
        assert caught.value.code == "U258"
    (tmp_path / "case/custody").mkdir(parents=True)
    with pytest.raises(CannotFinish) as caught:
        read_copy(str(tmp_path / "case"))
    assert caught.value.code == "X402"
