"""core/event.py and core/event_types.py against specs/custody-log.md, sections 1 and 2."""

from __future__ import annotations

from dataclasses import replace

import pytest
from custodyevents import BODIES, NAMELESS

from evidencekit.core import encoding
from evidencekit.core.event import (
    MAX_SIGNERS,
    Entry,
    decode_entry,
    decode_event,
    encode_entry,
    encode_event,
    knows_type,
    new_event,
)
from evidencekit.core.event_types import EVENT_TYPES, RESERVED
from evidencekit.errors import FormatError

ORIGIN = "unit7.example/24-117"
KEY, SECOND_KEY = "SHA256:" + "a" * 43, "SHA256:" + "b" * 43
H = "0" * 64
TIME = {"precision": "ns", "time": "2026-11-22T09:15:02.123456789Z", "utc_offset_min": None}
ENVELOPE = {
    "case": "AAAAAAAAAAAAAAAAAAAAAA==",
    "actor": {"id": "examiner@unit7.example", "key": KEY, "organisation": "Unit 7", "role": None},
    "signers": [KEY],
    "seen": {"origin": ORIGIN, "root": H, "size": "0"},
    "nonce": "AAAAAAAAAAAAAAAAAAAAAA==",
    "occurred_at": TIME,
}


def event(kind: str = "seal") -> dict:
    return new_event(kind=kind, items=[] if kind in NAMELESS else ["EX-001"], body=BODIES[kind], **ENVELOPE)


def unknown(body_type: str = "evidencekit/migrate/1", kind: str = "migrate", **body: object) -> dict:
    return event() | {"type": kind, "body": {"_t": body_type, **body}}


# --- events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_event_both_ways(kind):
    data = encode_event(event(kind))
    assert decode_event(data) == event(kind)
    assert encode_event(decode_event(data)) == data
    assert knows_type(event(kind))


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_essential_fields_are_needed(kind):
    for name, field in EVENT_TYPES[kind].fields.items():
        if field.need == "essential":
            body = {key: value for key, value in BODIES[kind].items() if key != name}
            with pytest.raises(FormatError):
                new_event(kind=kind, items=[], body=body, **ENVELOPE)


@pytest.mark.parametrize("named", [(), ("received", "sent")])
def test_what_is_acknowledged_is_about_one_request(named):
    """One that was sent, or one that came: BODIES has the first."""
    both = dict.fromkeys(("received", "sent"), BODIES["acknowledge"]["sent"])
    body = {"message": BODIES["acknowledge"]["message"]}
    new_event(kind="acknowledge", items=[], body=body | {"received": both["received"]}, **ENVELOPE)
    with pytest.raises(FormatError, match="sent, or received"):
        new_event(kind="acknowledge", items=[], body=body | {name: both[name] for name in named}, **ENVELOPE)


def test_fields_that_nobody_gave_are_named():
    made = new_event(kind="acquire", items=["EX-001"], body=BODIES["acquire"] | {"place": "study"}, **ENVELOPE)
    assert "seized_at" in made["not_stated"]
    assert "place" not in made["not_stated"]
    assert made["not_stated"] == sorted(made["not_stated"])
    for named in ([], made["not_stated"][1:], sorted([*made["not_stated"], "place"])):
        with pytest.raises(FormatError) as caught:
            encode_event(made | {"not_stated": named})
        assert caught.value.place == "not_stated"


@pytest.mark.parametrize(
    "change",
    [
        {"_t": "evidencekit/event/2"},
        {"case": "AAAA"},
        {"classification": 1},
        {"items": "EX-001"},
        {"items": ["EX-001", "EX-001"]},
        {"items": [""]},
        {"items": ["EX-001"] * 501},
        {"nonce": ""},
        {"nonce": "AAAAAAAAAAAAAAAAAAAAAB=="},
        {"not_stated": ["place"]},
        {"occurred_at": TIME["time"]},
        {"seen": {"origin": ORIGIN, "root": H}},
        {"seen": {"origin": ORIGIN, "root": H, "size": "-1"}},
        {"signers": []},
        {"signers": [KEY, KEY]},
        {"signers": [SECOND_KEY]},
        {"signers": [SECOND_KEY, KEY]},
        {"signers": ["MD5:" + "a" * 43]},
        {"time_class": "sure"},
        {"type": "acquire"},
        {"type": "Seal"},
        {"type": "_seal"},
        {"type": ""},
        {"type": "séal"},
        {"type": "seal\n"},
        {"actor": ENVELOPE["actor"] | {"key": SECOND_KEY}},
        {"actor": ENVELOPE["actor"] | {"name": "x"}},
        {"actor": "examiner"},
        {"body": {}},
        {"body": None},
        {"body": {"_t": 1}},
        {"body": BODIES["seal"]},
        {"body": BODIES["seal"] | {"_t": "evidencekit/seal/1", "rows": 1}},
        {"body": BODIES["seal"] | {"_t": "evidencekit/seal/1", "more": "x"}},
        {"body": BODIES["seal"] | {"_t": "evidencekit/derive/1"}},
        *(
            {"body": {"_t": "evidencekit/seal/" + version}}
            for version in ("", "0", "01", "1/2", "+1", "²", "٢", "2\n", "x")
        ),
        {"body": {"_t": "seal/2"}},
        {"body": {"_t": "evidencekit/evidencekit/seal/2"}},
        {"more": "x"},
    ],
)
def test_event_with_one_fault(change):
    with pytest.raises(FormatError):
        encode_event(event() | change)
    with pytest.raises(FormatError):
        decode_event(encoding.encode(event() | change))


def test_every_member_of_the_envelope_is_needed():
    for key in event():
        with pytest.raises(FormatError):
            encode_event({name: value for name, value in event().items() if name != key})


def test_opening_names_two_keys_by_its_origin():
    with pytest.raises(FormatError):
        new_event(kind="open", items=[], body=BODIES["open"] | {"origin": "unit8.example/1"}, **ENVELOPE)


@pytest.mark.parametrize("kind", RESERVED)
def test_reserved_types_are_read_and_their_bodies_are_not(kind):
    later = unknown(f"evidencekit/{kind}/1", kind, anything=[{"at": "all"}])
    assert decode_event(encode_event(later)) == later
    assert not knows_type(later)
    assert kind not in EVENT_TYPES


def test_later_version_of_a_known_type_is_another_schema():
    later = event("acquire") | {"body": {"_t": "evidencekit/acquire/2"}, "not_stated": []}
    assert decode_event(encode_event(later)) == later
    assert not knows_type(later)


def test_second_signers():
    keys = [KEY, *("SHA256:" + f"{n:043d}" for n in range(MAX_SIGNERS))]
    assert encode_event(event() | {"signers": keys[:MAX_SIGNERS]})
    with pytest.raises(FormatError):
        encode_event(event() | {"signers": keys})


def test_large_event_is_refused():
    with pytest.raises(FormatError) as caught:
        encode_event(unknown(anything=["x" * 4000] * 20))
    assert caught.value.code == "F102"


# --- entries -----------------------------------------------------------------------------------------------

ENTRY = Entry(
    index=2,
    event=bytes(32),
    head=1,
    items_prev=("1/0", None),
    prior_root=b"\xff" * 32,
    prior_size=2,
    recorded_at=TIME["time"],
    signatures=(bytes(32),),
)


def test_entry_both_ways():
    assert decode_entry(encode_entry(ENTRY)) == ENTRY


@pytest.mark.parametrize(
    "change",
    [
        {"index": -1},
        {"index": 2**64},
        {"head": -1},
        {"prior_size": -1},
        {"event": bytes(31)},
        {"prior_root": b""},
        {"signatures": ()},
        {"signatures": (bytes(33),)},
        {"recorded_at": "2026-11-22T09:15:02Z"},
        *(
            {"items_prev": (place,)}
            for place in ("", "1", "1/", "/0", "1/0/0", "01/0", "1/-0", "1/0\n", "1/18446744073709551616", 1)
        ),
    ],
)
def test_entry_with_one_fault(change):
    with pytest.raises(FormatError):
        encode_entry(replace(ENTRY, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"index": 2},
        {"items_prev": None},
        {"prior": {"root": H}},
        {"prior": {"root": H, "size": "2", "x": "1"}},
        {"more": "x"},
        {"_t": "evidencekit/entry/2"},
    ],
)
def test_entry_s_bytes_with_one_fault(change):
    record = encoding.decode(encode_entry(ENTRY))
    with pytest.raises(FormatError):
        decode_entry(encoding.encode(record | change))


def test_example_of_the_spec():
    data = encode_entry(replace(ENTRY, items_prev=("1/0",)))
    members = ("_t", "event", "head", "index", "items_prev", "prior", "recorded_at", "signatures")
    assert tuple(encoding.decode(data)) == members
    assert data.startswith(b'{"_t":"evidencekit/entry/1","event":"')
