"""Messages: whatever is accepted re-encodes to the same bytes, and a message that was written is read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core import encoding
from evidencekit.core.message import MESSAGE_LIMITS, Message, decode_message, encode_message
from evidencekit.errors import FormatError

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
signatures = st.lists(st.binary(max_size=300), min_size=1, max_size=16).map(tuple)
kinds = st.sampled_from(["answer", "offer", "receipt", "request"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200).map(str.encode)
placed = st.builds(
    Message, kind=kinds, event=st.binary(max_size=2000), signatures=signatures, entry=st.binary(max_size=500),
    note=texts, proof=hashes, record=st.none() | st.binary(max_size=300),
)  # fmt: skip
alone = st.builds(Message, kind=kinds, event=st.binary(max_size=2000), signatures=signatures)


@given(placed | alone)
def test_round_trip(message):
    data = encode_message(message)
    assert decode_message(data) == message
    assert encode_message(decode_message(data)) == data


@given(placed, st.data())
def test_changed_bytes_are_refused_or_are_another_message(message, data):
    spelled = bytearray(encode_message(message))
    place = data.draw(st.integers(0, len(spelled) - 1))
    spelled[place] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_message(bytes(spelled))
    except FormatError:
        return
    assert other != message
    assert encode_message(other) == bytes(spelled)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    try:
        message = decode_message(data)
    except FormatError:
        return
    assert encode_message(message) == data


@given(alone, st.sampled_from(["checkpoint", "entry", "proof", "signatures", "kind", "event", "_t"]), st.data())
def test_a_member_of_another_form_is_refused(message, member, data):
    record = encoding.decode(encode_message(message), MESSAGE_LIMITS)
    record[member] = data.draw(
        st.sampled_from([True, 1, "", "offer!", "AA", ["AA"], [""] * 17, {"a": "b"}, "evidencekit/message/2"])
    )
    if member in {"event", "entry", "checkpoint"} and record[member] == "":
        return  # empty bytes are bytes; whether they are an event is asked when the message is opened
    with pytest.raises(FormatError):
        decode_message(encoding.encode(record, MESSAGE_LIMITS))
