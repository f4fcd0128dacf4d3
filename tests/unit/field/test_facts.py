"""What the answers are in the record: bodies that the log takes, nothing invented."""

from __future__ import annotations

import pytest
from straight import ANSWERS, TABLE, to_the_review

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.field.answers import value
from evidencekit.field.facts import authority_text, collected, particulars, sealed_up
from evidencekit.field.sitting import applying

ESSENTIAL = {"digests", "finished_at", "started_at", "tool", "acquisition_type"}


def answers(**changed):
    return applying(TABLE, to_the_review(answers=ANSWERS | changed).answers)


def checked(kind: str, body: dict) -> dict:
    for name, item in body.items():
        EVENT_TYPES[kind].fields[name].form.check(item, name)
    return body


@pytest.mark.parametrize("device", TABLE["device"].choices)
@pytest.mark.parametrize("known", [True, False])
def test_bodies_are_of_their_forms(device, known):
    unknown = {} if known else {one.key: None for one in TABLE if one.need != "essential"}
    given = answers(device=device, **unknown)
    checked("acquire", particulars(TABLE, given))
    body = checked("collect", collected(TABLE, given))
    assert EVENT_TYPES["collect"].missing(body) == (
        [] if known else EVENT_TYPES["collect"].missing({"description": ""} if "description" in body else {})
    )


def test_everything_expected_of_an_acquisition_is_asked():
    body = particulars(TABLE, answers())
    assert EVENT_TYPES["acquire"].missing(body) == []
    assert set(EVENT_TYPES["acquire"].fields) - set(body) - ESSENTIAL == {
        "notes",
        "physical_seals",
        "request",
        "source_geometry",
    }


def test_a_thing_that_is_not_read_has_the_same_said_of_it():
    body = collected(TABLE, answers(source=None))
    left = set(EVENT_TYPES["collect"].fields) - set(body)
    assert left == {"notes", "parameters", "tool"}
    assert body["legal_authority"]["number"] == "7"
    assert body["authority"] == "warrant, 7, Court"
    assert body["attachments"] == [{"name": "p.jpg", "sha256": "ab" * 32}]
    assert body["unavoidable_change"] == {"what": "airplane mode on", "who": "A. Examiner", "why": "remote wipe"}


def test_clocks_are_compared_at_the_moment_of_the_answer():
    body = collected(TABLE, answers())
    assert body["device_clock"]["offset_ms"] == "-62123"
    assert body["device_clock"]["device_clock"]["time"] == "2026-11-22T09:39:00.000000000Z"
    assert body["device_clock"]["reference_clock"]["time"] == "2026-11-22T09:40:02.123000000Z"
    assert body["clock_reference"]["offset_ms"] == "2123", "this computer is ahead of the reference"
    assert body["clock_reference"]["method"] == "radio"
    assert particulars(TABLE, answers())["clock_reference"] == body["device_clock"]


def test_seals_are_put_on_after_those_that_were_found():
    body = checked("physical_seal", sealed_up(TABLE, answers(seals_found="OLD")))
    assert body["seals"] == ["S-1", "S-2"]
    assert (body["seals_before"], body["seals_after"]) == (["OLD"], ["OLD", "S-1", "S-2"])
    assert collected(TABLE, answers(seals_found="OLD"))["seals_after"] == ["OLD"]


@pytest.mark.parametrize("seals", [None, "0"])
def test_without_seals_nothing_is_closed_up(seals):
    assert sealed_up(TABLE, answers(seals=seals)) is None


def test_none_and_not_known_are_two_things():
    assert particulars(TABLE, answers(witnesses="0"))["witnesses"] == []
    assert "witnesses" not in particulars(TABLE, answers(witnesses=None))
    assert "identifiers" not in particulars(TABLE, answers(identifiers="0")), "an array that may not be empty"


def test_an_authority_of_which_nothing_is_known_is_none():
    nothing = dict.fromkeys(("authority_type", "authority_number", "authority_issuer"))
    assert authority_text(answers(**nothing)) is None
    assert "authority" not in collected(TABLE, answers(**nothing))


def test_every_value_is_read_as_it_was_spelled():
    assert value(TABLE["marks"], "privileged; sensitive") == ["privileged", "sensitive"]
    assert value(TABLE["owner_present"], "no") is False
    assert value(TABLE["authority_date"], "2026-11-20")["precision"] == "day"
