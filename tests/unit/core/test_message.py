"""Messages: the parts have to belong together; the limits of section 2."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidencekit.core import encoding
from evidencekit.core.checkpoint import Checkpoint, format_checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.event import Entry, encode_entry, encode_event, new_event
from evidencekit.core.event_forms import object_record
from evidencekit.core.merkle import EMPTY_ROOT, Tree, leaf_hash, prove_inclusion
from evidencekit.core.message import CARRIES, MESSAGE_LIMITS, Message, decode_message, encode_message, open_message
from evidencekit.core.values import encode_base64, moment
from evidencekit.errors import FormatError

ORIGIN = "field.example/24-117"
KEY, OTHER = "SHA256:" + "A" * 43, "SHA256:" + "B" * 43
ACTOR = {"id": "officer", "key": KEY, "organisation": None, "role": None}
TO = {"to": {"id": "lab", "key": OTHER}}


def event_of(kind="offer", body=TO, **more):
    given = {
        "kind": kind, "items": ["EX-001"], "body": body, "case": encode_base64(bytes(16)), "actor": ACTOR,
        "signers": [KEY], "seen": {"origin": ORIGIN, "root": EMPTY_ROOT.hex(), "size": "0"},
        "nonce": encode_base64(bytes(16)), "occurred_at": moment(0),
    }  # fmt: skip
    return encode_event(new_event(**(given | more)))


def placed(event, kind="offer", signatures=(b"one",), origin=ORIGIN):
    """A message whose entry is the second of three in its log."""
    entry = encode_entry(
        Entry(
            1, sha256(event), 0, (None,), bytes(32), 1, "2026-11-22T09:15:02.000000000Z", tuple(map(sha256, signatures))
        )
    )
    tree = Tree(map(leaf_hash, [b"zero", entry, b"two"]))
    line = "\u2014 field.example/24-117 " + encode_base64(bytes(4) + bytes(64)) + "\n"
    note = (format_checkpoint(Checkpoint(origin, 3, tree.root())) + "\n" + line).encode()
    return Message(kind, event, tuple(signatures), entry, note, tuple(prove_inclusion(1, 3, tree.node)))


def test_an_offer_is_opened():
    opened = open_message(decode_message(encode_message(placed(event_of()))))
    assert opened.event["body"]["to"] == TO["to"]
    assert (opened.entry.index, opened.tree.origin, opened.tree.size) == (1, ORIGIN, 3)
    assert opened.digest == sha256(event_of()).hex()


def test_without_an_entry_it_is_opened_too():
    opened = open_message(Message("offer", event_of(), (b"one",)))
    assert (opened.entry, opened.tree, opened.note) == (None, None, None)


GOOD = placed(event_of())
FOREIGN = {"entry": "3", "event": "00" * 32, "origin": ORIGIN}


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (replace(GOOD, kind="answer"), "event.type"),
        (replace(GOOD, kind="request"), "event.type"),
        (placed(event_of("refuse", {"offer": FOREIGN, "reason": "torn"})), "event.type"),
        (placed(event_of("store", {})), "event.type"),
        (replace(GOOD, event=b"{}"), "record._t"),
        (replace(GOOD, event=event_of(nonce=encode_base64(b"1" * 16))), "entry.event"),
        (replace(GOOD, signatures=(b"one", b"two")), "signatures"),
        (replace(GOOD, signatures=(b"two",)), "entry.signatures"),
        (replace(GOOD, proof=GOOD.proof[::-1]), "proof"),
        (replace(GOOD, proof=GOOD.proof[:1]), "proof"),
        (replace(GOOD, proof=()), "proof"),
        (replace(GOOD, note=b"no note"), "note"),
        (placed(event_of(), origin="other.example/1"), "checkpoint"),
    ],
)
def test_parts_that_do_not_belong_together(message, place):
    with pytest.raises(FormatError) as caught:
        open_message(message)
    assert caught.value.place.startswith(place)


def test_an_answer_carries_an_acceptance_or_a_refusal():
    for kind, body in (("accept", {"offer": FOREIGN}), ("refuse", {"offer": FOREIGN, "reason": "torn"})):
        assert open_message(placed(event_of(kind, body), "answer")).event["type"] == kind


REQUEST, OTHER_REQUEST = b'{"a":"request"}', b'{"b":"request"}'
REFERENCE = {"entry": "3", "event": "00" * 32}
ABOUT_REQUESTS = {
    "request_sent": ("request", {"instrument": "xx-1", "request": object_record(REQUEST)}, REQUEST),
    "request_withdrawn": ("request", {"sent": REFERENCE}, None),
    "request_received": (
        "receipt", {"message": object_record(b""), "received_at": moment(0), "sent": FOREIGN}, None,
    ),
    "request_answered": (
        "answer", {"answer": object_record(REQUEST), "received": REFERENCE, "sent": FOREIGN}, REQUEST,
    ),
}  # fmt: skip
"""Type of event to the kind of its file, its body, and the record that goes with it."""


def about_request(kind):
    file, body, record = ABOUT_REQUESTS[kind]
    return replace(placed(event_of(kind, body, items=[]), file), record=record)


@pytest.mark.parametrize("kind", ABOUT_REQUESTS)
def test_a_message_about_a_request(kind):
    message = about_request(kind)
    opened = open_message(decode_message(encode_message(message)))
    assert (opened.event["type"], opened.message.record) == (kind, ABOUT_REQUESTS[kind][2])


@pytest.mark.parametrize("kind", ABOUT_REQUESTS)
def test_a_message_about_a_request_has_one_kind(kind):
    for other in set(CARRIES) - {ABOUT_REQUESTS[kind][0]}:
        with pytest.raises(FormatError) as caught:
            open_message(replace(about_request(kind), kind=other))
        assert caught.value.place == "event.type"


def test_of_another_kind_it_is_said_what_was_expected():
    with pytest.raises(FormatError) as caught:
        open_message(replace(GOOD, kind="answer"))
    expected = "event.type: expected accept or refuse or request_answered in a file of kind 'answer', found 'evidencekit/offer/1'."
    assert caught.value.message == expected


@pytest.mark.parametrize("kind", ABOUT_REQUESTS)
@pytest.mark.parametrize("record", [None, b"", REQUEST, OTHER_REQUEST, REQUEST + b"\n"])
def test_the_record_is_the_one_that_the_event_names(kind, record):
    message = replace(about_request(kind), record=record)
    assert decode_message(encode_message(message)) == message
    if record == ABOUT_REQUESTS[kind][2]:
        open_message(message)
        return
    with pytest.raises(FormatError) as caught:
        open_message(message)
    assert caught.value.place == "record"


def test_an_offer_carries_no_record():
    with pytest.raises(FormatError, match="record: expected none, found one of 1 bytes"):
        open_message(replace(GOOD, record=b"x"))


def test_a_record_of_another_length_is_another_one():
    """Its digest alone is not enough."""
    named = object_record(REQUEST) | {"bytes": "7"}
    event = event_of("request_sent", {"instrument": "xx-1", "request": named}, items=[])
    with pytest.raises(FormatError, match="one of 7 bytes"):
        open_message(replace(placed(event, "request"), record=REQUEST))


@pytest.mark.parametrize(
    "message",
    [
        replace(GOOD, entry=None), replace(GOOD, note=None), Message("offer", b"e", (b"s",), proof=(bytes(32),)),
        replace(GOOD, proof=(bytes(32),) * 64), replace(GOOD, signatures=(b"s",) * 17), replace(GOOD, signatures=()),
        replace(GOOD, kind="order"), replace(GOOD, proof=(bytes(31),)),
    ],
)  # fmt: skip
def test_what_is_no_message_is_not_written(message):
    with pytest.raises(FormatError):
        encode_message(message)


def test_a_message_has_at_most_a_mebibyte():
    room = MESSAGE_LIMITS.size - len(encode_message(replace(GOOD, event=b"")))
    whole = encode_message(replace(GOOD, event=b"x" * (room // 4 * 3)))
    assert len(whole) <= 1 << 20
    assert decode_message(whole).event[:1] == b"x"
    with pytest.raises(FormatError) as caught:
        encode_message(replace(GOOD, event=b"x" * (room // 4 * 3 + 3)))
    assert caught.value.code == "F102"
    with pytest.raises(FormatError) as caught:
        decode_message(b" " * ((1 << 20) + 1))
    assert caught.value.code == "F102"


@pytest.mark.parametrize("member", ["checkpoint", "entry", "event", "kind", "proof", "signatures"])
def test_a_member_that_is_missing_or_one_too_many(member):
    record = encoding.decode(encode_message(GOOD), MESSAGE_LIMITS)
    for other in ({name: value for name, value in record.items() if name != member}, record | {member + "s2": "x"}):
        with pytest.raises(FormatError):
            decode_message(encoding.encode(other, MESSAGE_LIMITS))
