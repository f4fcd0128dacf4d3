"""Hostile records of requests between authorities: all verifiers say the same of them, and what it is.

Source: specs/cooperation.md section 7, specs/custody-log.md section 4.
"""

from __future__ import annotations

import hashlib
import json

import pytest
from differential import errors
from mutations import jcs
from test_agreement import agreed, changed


def event_of(files, kind):
    """The path of the first event of a type."""
    paths = sorted(path for path in files if path.startswith("custody/") and path.endswith("/event.json"))
    return next(path for path in paths if json.loads(files[path])["type"] == kind)


def place_of(digest):
    return f"objects/sha256/{digest[:2]}/{digest}"


def with_message(files, event, change):
    """The files with the message that an event names changed, and named as it is now."""
    named = json.loads(files[event])["body"]["message"]
    message = json.loads(files[place_of(named["sha256"])])
    change(message)
    data = jcs(message)
    digest = hashlib.sha256(data).hexdigest()
    rest = {path: kept for path, kept in files.items() if path != place_of(named["sha256"])} | {place_of(digest): data}
    named = {"bytes": str(len(data)), "sha256": digest}
    return changed(rest, event, lambda record: record["body"].update(message=named))


@pytest.mark.parametrize("is_first", [True, False])
def test_each_size_that_is_said_of_an_object_is_checked(others, vectors, tmp_path, is_first):
    vector = vectors["0.1_requests"]
    sent, answered = (event_of(vector.files, kind) for kind in ("request_sent", "request_answered"))
    named = json.loads(vector.files[sent])["body"]["request"]
    said = [named | {"bytes": "5"}, named]
    said = said if is_first else said[::-1]
    files = changed(vector.files, sent, lambda event: event["body"].update(request=said[0]))
    files = changed(files, answered, lambda event: event["body"].update(answer=said[1]))
    assert ("E201", place_of(named["sha256"])) in errors(agreed(others, tmp_path, vector, files))


def other_log(message):
    message["checkpoint"] = message["checkpoint"].replace("point.vectors.example/7", "point.vectors.example/8")


def elsewhere(message):
    lines = message["checkpoint"].split("\n")
    message["checkpoint"] = "\n".join([lines[0], "9" * 30, *lines[2:]])


MESSAGES = {
    "of another log": other_log,
    "of a tree beyond all": elsewhere,
    "with a proof too many": lambda message: message["proof"].append("A" * 43 + "="),
    "with an empty record": lambda message: message.update(record=""),
    "of another kind": lambda message: message.update(kind="answer"),
    "of a later version": lambda message: message.update(_t="evidencekit/message/2"),
    "with signatures of nobody": lambda message: message.update(signatures=message["signatures"] * 17),
}


@pytest.mark.parametrize("how", MESSAGES)
def test_a_request_that_came_as_a_file(others, vectors, tmp_path, how):
    vector = vectors["0.1_requests"]
    came = event_of(vector.files, "request_received")
    files = with_message(vector.files, came, MESSAGES[how])
    assert ("E309", came) in errors(agreed(others, tmp_path, vector, files))


BODIES = {
    "no attachment": ("0.1_requests", "request_sent", {"attachments": []}),
    "no part": ("0.1_custody", "split", {"parts": []}),
    "no seal": ("0.1_custody", "physical_seal", {"seals": []}),
    "a seal twice": ("0.1_custody", "physical_seal", {"seals": ["S-1", "S-1"]}),
    "no witness": ("0.1_custody", "dispose", {"witness": []}),
}


@pytest.mark.parametrize("how", BODIES)
def test_how_many_members_an_array_has(others, vectors, tmp_path, how):
    name, kind, said = BODIES[how]
    vector = vectors[name]
    event = event_of(vector.files, kind)
    files = changed(vector.files, event, lambda record: record["body"].update(said))
    assert ("E101", event) in errors(agreed(others, tmp_path, vector, files))


def test_what_failed_was_not_received(others, vectors, tmp_path):
    vector = next(one for one in vectors.values() if one.kind == "case" and "receive" in types(one.files))
    event = event_of(vector.files, "receive")
    files = changed(vector.files, event, lambda record: record["body"]["checked"].update(custody="failed"))
    assert ("E101", event) in errors(agreed(others, tmp_path, vector, files))


def types(files):
    return {json.loads(data)["type"] for path, data in files.items() if path.endswith("/event.json") and path[0] == "c"}
