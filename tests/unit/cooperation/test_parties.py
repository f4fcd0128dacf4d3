"""cooperation/parties.py: who is known to be bound, since when, by a list of what date; never that somebody is not."""

from __future__ import annotations

from datetime import date

import pytest

from evidencekit.cooperation.law import known_tables
from evidencekit.cooperation.parties import faults_of_parties, known_parties
from evidencekit.errors import FormatError

OWN = """
[[list]]
tables = ["budapest-29"]
as_of = 2026-11-01
citation = "A letter of the depositary"
mark = "confirmed"
state = [{ code = "XA", from = 2026-12-01 }, { code = "XB" }]
"""


def test_lists_that_come_along_are_of_tables_and_dated():
    parties = known_parties()
    assert parties.keys() <= known_tables().keys()
    assert {one.mark for one in parties.values()} == {"unconfirmed"}
    assert all(one.states and one.as_of > date(2020, 1, 1) and not one.own for one in parties.values())


def test_a_state_is_a_party_from_its_day_on():
    parties = known_parties()["budapest-29"]
    assert parties.standing("FR", date(2006, 5, 1)) == "party"
    assert parties.standing("FR", date(2006, 4, 30)) == "not_yet"
    assert parties.standing("AQ", date(2026, 1, 1)) == "not_known"


def test_denmark_is_not_listed_for_the_regulation():
    assert "DK" not in known_parties()["eu-preservation"].states
    assert len(known_parties()["eu-preservation"].states) == 26


def test_own_parties_take_the_place_of_ours(tmp_path):
    (tmp_path / "parties.toml").write_text(OWN)
    parties = known_parties(tmp_path)
    assert parties["budapest-29"].own
    assert parties["budapest-29"].standing("FR", date(2026, 12, 1)) == "not_known"
    assert parties["budapest-29"].standing("XB", date(1900, 1, 1)) == "party"
    assert not parties["budapest-16"].own
    assert known_parties(tmp_path / "nothing")["budapest-29"].own is False


FAULTS = {
    "code": ('"XA"', '"Atlantis"', "list[0].state[0].code"),
    "twice": ('"XB"', '"XA"', "list[0].state[1].code"),
    "date": ("2026-12-01", '"soon"', "list[0].state[0].from"),
    "no date": ("as_of = 2026-11-01\n", "", "list[0].as_of"),
    "no tables": ('["budapest-29"]', "[]", "list[0].tables"),
    "tables": ('["budapest-29"]', '"budapest-29"', "list[0].tables"),
    "unknown": ('mark = "confirmed"', 'mark = "confirmed"\nnote = "x"', "list[0].note"),
    "mark": ('"confirmed"', '"sure"', "list[0].mark"),
    "unknown in a state": ('code = "XB"', 'code = "XB", until = 2027-01-01', "list[0].state[1].until"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_place(name, tmp_path):
    before, after, place = FAULTS[name]
    assert OWN.count(before) == 1
    text = OWN.replace(before, after)
    assert place in [fault.place for fault in faults_of_parties(text.encode())]
    (tmp_path / "parties.toml").write_text(text)
    with pytest.raises(FormatError, match=r"parties\.toml"):
        known_parties(tmp_path)


def test_a_table_is_in_one_list():
    assert [fault.place for fault in faults_of_parties((OWN + OWN).encode())] == ["list"]
    assert [fault.place for fault in faults_of_parties(b"\xff")] == ["file"]
