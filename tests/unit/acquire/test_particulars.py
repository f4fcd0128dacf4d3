"""Particulars of a seizure: a TOML file becomes fields of the event; whatever is wrong is named by its field."""

from __future__ import annotations

import re
import tomllib

import pytest

from evidencekit.acquire.particulars import STATED, read_particulars, template
from evidencekit.core.event import new_event
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.errors import BadArgument

LINES = {name: line[2:] for line in template().splitlines() for name in re.findall(r"^# ([a-z_]+) = ", line)}
SET_BY_PROGRAM = {"digests", "started_at", "finished_at", "tool", "request"}


def read(text):
    return read_particulars(text.encode(), "seizure.toml")


def refuse(text, code="U221"):
    with pytest.raises(BadArgument) as caught:
        read(text)
    assert caught.value.code == code
    assert caught.value.exit_code == 2
    assert "seizure.toml" in caught.value.message
    assert "--template" in caught.value.hint
    return caught.value.message


# --- the template -------------------------------------------------------------------------------------------------


def test_the_template_has_every_field_that_can_be_stated_and_no_other():
    assert LINES.keys() == STATED.keys() == EVENT_TYPES["acquire"].fields.keys() - SET_BY_PROGRAM


def test_the_template_as_it_is_states_nothing():
    assert tomllib.loads(template()) == {}
    assert read(template()) == {}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_the_template_is_accepted_as_it_stands(name):
    fields = read(LINES[name])
    assert fields.keys() == {name}


def test_all_lines_together_make_an_event_in_which_nothing_is_not_stated():
    fields = read("\n".join(LINES.values()))
    assert fields.keys() == STATED.keys()
    when = fields["seized_at"]["start"]
    program = {"digests": ["blake3", "sha256"], "started_at": when, "finished_at": when}
    program["tool"] = {"name": "t", "parts": {}, "version": "1"}
    event = new_event(
        kind="acquire", items=["EX-001"], body=fields | program, case="A" * 22 + "==",
        actor={"id": "x", "key": "SHA256:" + "A" * 43, "organisation": None, "role": None},
        signers=["SHA256:" + "A" * 43], seen={"origin": "a.b/c", "root": "00" * 32, "size": "1"},
        nonce="A" * 22 + "==", occurred_at=when,
    )  # fmt: skip
    assert event["not_stated"] == []


def test_the_lines_stand_under_their_need():
    expected = {"Expected by practice": "M", "Where it applies": "R", "Set by the program": "essential"}
    need = ""
    for line in template().splitlines():
        for title, name in expected.items():
            need = name if line.startswith(f"# --- {title}") else need
        for name in re.findall(r"^# ([a-z_]+) = ", line):
            assert STATED[name].need == need
            assert STATED[name].doc in line


def test_the_template_names_what_a_field_may_be():
    assert "#     one of seize copy maintain_integrity render_inaccessible" in template()


# --- values -------------------------------------------------------------------------------------------------------


def test_a_time_with_its_offset():
    fields = read("seized_at = { start = 2026-11-21T09:10:00+01:00, end = 2026-11-21T09:25:00.5-03:30 }")
    assert fields["seized_at"]["start"] == {
        "precision": "s", "time": "2026-11-21T08:10:00.000000000Z", "utc_offset_min": 60,
    }  # fmt: skip
    assert fields["seized_at"]["end"] == {
        "precision": "ns", "time": "2026-11-21T12:55:00.500000000Z", "utc_offset_min": -210,
    }  # fmt: skip


def test_a_whole_day_is_a_day():
    fields = read("authority = { date = 2026-11-20 }")
    assert fields["authority"]["date"] == {
        "precision": "day", "time": "2026-11-20T00:00:00.000000000Z", "utc_offset_min": None,
    }  # fmt: skip


def test_times_before_1970():
    fields = read("authority = { date = 1969-12-31, valid_until = 1901-01-01T00:00:00Z }")
    assert fields["authority"]["date"]["time"] == "1969-12-31T00:00:00.000000000Z"
    assert fields["authority"]["valid_until"]["time"] == "1901-01-01T00:00:00.000000000Z"


def test_numbers_become_text_and_truths_stay():
    fields = read("quantity = 3\nserial = 4711\nowner_present = false\n[clock_reference]\noffset_ms = -7000\n")
    assert fields == {
        "quantity": "3", "serial": "4711", "owner_present": False, "clock_reference": {"offset_ms": "-7000"},
    }  # fmt: skip


def test_any_text_of_utf_8():
    fields = read('place = "Zürich, 証拠\\n2. Stock \\u0007"\nwitnesses = []\nmarks = ["privileged", "sensitive"]')
    assert fields["place"] == "Zürich, 証拠\n2. Stock \a"
    assert fields["witnesses"] == []


def test_a_byte_order_mark_and_windows_line_ends():
    assert read_particulars(b'\xef\xbb\xbfplace = "here"\r\nbag = "1"\r\n', "f") == {"place": "here", "bag": "1"}


# --- what is refused ----------------------------------------------------------------------------------------------

WRONG = {
    "place": ["5.5", "[]", "{}", "true", "[1]", "2026-11-20"],
    "owner_present": ['"true"', "1", "[true]"],
    "quantity": ["-1", '"three"', "1.0", "true", "18446744073709551616", "inf"],
    "measure": ['"steal"', '""', "1"],
    "witnesses": ['"C. Witness"', "[1.5]", "[[]]", "[true]"],
    "seized_by": ["[]", '"A"'],
    "photos": ['["abc"]', '["' + "0" * 63 + 'G"]', '["' + "A" * 64 + '"]'],
    "marks": ['["secret"]', '["sensitive", "privileged"]', '["privileged", "privileged"]', "[]"],
    "authority": ["{}", '{ typ = "x" }', "{ date = 5 }", '{ date = "2026-11-20" }', "{ date = 2026-11-20T09:00:00 }"],
    "seized_at": ["2026-11-20", "{ start = 2026-11-20T09:00:00 }", "{ start = 09:00:00 }", "{ start = 1.5 }",
                  "{ start = 0001-01-01T00:00:00+14:00 }"],
    "notes": ["nan", "-inf", '"' + "x" * 4097 + '"'],
    "acquisition_type": ['"magic"', "true"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_and_its_field_named(name, value):
    assert re.search(rf"\b{name}\b", refuse(f"{name} = {value}"))


def test_the_place_inside_a_field_is_named():
    assert "seized_at.start" in refuse("seized_at = { start = 2026-11-20T09:00:00 }")
    assert "its offset" in refuse("seized_at = { start = 2026-11-20T09:00:00 }")
    assert "witnesses[1]" in refuse('witnesses = ["a", 2.5]')


@pytest.mark.parametrize(
    "name", ["plcae", "Place", "place2", '"a b"', '"\\u001b[31m"', *sorted(SET_BY_PROGRAM), "_t", '""']
)
def test_an_unknown_field_is_refused_and_named(name):
    message = refuse(f'{name} = "x"')
    assert "no field" in message
    assert "\x1b" not in message


@pytest.mark.parametrize(
    "data",
    [b"place", b"place = ", b'place = "a', b"\xff\xfe", b'place = "\xff"', b"a = 1\na = 2", b'place = "a\x00"',
     b"authority = { date = 2026-02-30 }", b"quantity = " + b"9" * 5000, b"\xef\xbb\xbf\xef\xbb\xbfplace = 1"],
)  # fmt: skip
def test_what_is_not_toml(data):
    with pytest.raises(BadArgument) as caught:
        read_particulars(data, "seizure.toml")
    assert caught.value.code == "U220"
    assert "seizure.toml" in caught.value.message


def test_nothing_is_nothing():
    assert read("") == {}
