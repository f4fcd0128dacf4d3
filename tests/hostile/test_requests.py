"""Requests that somebody else had a hand in, or that were interrupted: told as they are, and no command falls over them.

Source: specs/cooperation.md section 7.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evidencekit.cli.request_words import status_lines
from evidencekit.cooperation.exchange import Answer, Request
from evidencekit.core import layout
from evidencekit.errors import CannotFinish, Refused
from evidencekit.journeys.custody_messages import message_of, write_message
from evidencekit.journeys.requests import read_exchange
from evidencekit.journeys.requests_told import status_document
from evidencekit.read.store import Store
from evidencekit.verify.log_facts import Log, Named
from evidencekit.verify.package_log import _check_objects

VECTOR = Path(__file__).parents[2] / "specs/vectors/cases/good/0.1_requests/case"
DIGEST = "ab" * 32


def kinds(case):
    """Type of event by its entry."""
    folder = case / "custody"
    return {int(one.name): json.loads((one / "event.json").read_bytes())["type"] for one in folder.iterdir()}


# --- interrupted ----------------------------------------------------------------------------------------------------


def test_no_file_is_written_of_an_entry_that_no_checkpoint_covers(tmp_path):
    """Ctrl-C between the event and its checkpoint: the entry is there, and cannot be proved to anybody yet."""
    case = tmp_path / "case"
    shutil.copytree(VECTOR, case)
    entry = max(entry for entry, kind in kinds(case).items() if kind == "request_answered")
    assert message_of(Store(case), entry)
    for path in (case / layout.CHECKPOINTS).iterdir():
        if int(path.name.partition(".")[0]) > entry:
            path.unlink()
    with pytest.raises(Refused) as caught:
        message_of(Store(case), entry)
    assert caught.value.code == "R502"
    with pytest.raises(CannotFinish, match="checkpoint finish") as told:
        write_message(Store(case), entry, tmp_path / "answer.json")
    assert told.value.code == "X472"
    assert not (tmp_path / "answer.json").exists()


# --- several who answer ------------------------------------------------------------------------------------------------


def answered(*answers):
    """A request that went out, with answers as (log, outcome)."""
    request = Request("sent", 1, 0, None, None, DIGEST, "xx-1", {}, DIGEST)
    for place, (log, outcome) in enumerate(answers):
        record = None if outcome is None else {"outcome": outcome}
        request.answers.append(Answer(place + 2, 0, {}, record, (log, place)))
    return request


@pytest.mark.parametrize(
    ("answers", "is_open"),
    [
        ([("a", "executed"), ("b", "received")], True),
        ([("a", "received"), ("b", "executed")], True),
        ([("a", "partial"), ("b", "refused")], True),
        ([("a", None), ("b", "refused")], True),
        ([("a", "received"), ("b", "executed"), ("a", "refused")], False),
        ([("a", "executed"), ("b", "refused")], False),
        ([("a", "executed"), ("a", "partial")], True),
        ([], True),
    ],
)
def test_what_one_side_did_does_not_close_what_another_was_asked(answers, is_open):
    request = answered(*answers)
    assert request.is_open is is_open
    request.withdrawn = 9
    assert not request.is_open


# --- sizes -------------------------------------------------------------------------------------------------------------


class Found:
    """What a verifier would say."""

    def __init__(self):
        self.codes = []

    def find(self, code, where, expected, found):
        self.codes.append((code, where, expected, found))

    def did(self, *_):
        pass


@pytest.mark.parametrize("sizes", [(5, 7), (7, 5), (5, 7, 5)])
def test_each_size_that_is_said_of_an_object_is_checked(sizes):
    """A package has it once: who says it otherwise before, or after, is heard as well."""
    run = Found()
    log = Log(0, objects=[Named(entry, size, DIGEST) for entry, size in enumerate(sizes)])
    _check_objects(run, log, lambda _: (7, DIGEST))
    assert [(code, expected.partition(",")[0]) for code, _, expected, _ in run.codes] == [("E201", "5 bytes")]


# --- adopted cases -----------------------------------------------------------------------------------------------------


def test_requests_of_an_adopted_case_are_said_to_stand_elsewhere():
    case = VECTOR.parents[2] / "warn/W918_adopted_unchecked/case"
    found = status_document([read_exchange(case)], {}, 0)
    assert found["requests"] == []
    assert [text.partition(",")[0] for text in found["not_checked"][1:]] == ["requests of field"]
    assert "not shown: requests of field" in "\n".join(line for line, _ in status_lines(found))
