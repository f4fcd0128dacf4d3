"""A message's signatures, by real keys: each has to hold, and to be of the signer whom the event names."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.event import NAMESPACE, encode_event, new_event
from evidencekit.core.message import Message, decode_message, encode_message
from evidencekit.core.note import parse_note, parse_vkey
from evidencekit.core.values import encode_base64, moment
from evidencekit.errors import FormatError
from evidencekit.read.message import check_message
from evidencekit.read.notelines import is_signed_by
from evidencekit.seal.logkeys import new_log_keys


@pytest.fixture(scope="module")
def office(rc, tmp_path_factory):
    return rc.Office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def message(office):
    """An offer by two signers, without an entry."""
    signers = [office.signer, office.other]
    event = encode_event(
        new_event(
            kind="offer", items=["EX-001"], body={"to": {"id": "lab", "key": "SHA256:" + "A" * 43}},
            case=encode_base64(bytes(16)), signers=[one.fingerprint for one in signers], occurred_at=moment(0),
            actor={"id": "examiner", "key": office.signer.fingerprint, "organisation": None, "role": None},
            seen={"origin": office.origin, "root": "00" * 32, "size": "0"}, nonce=encode_base64(os.urandom(16)),
        )
    )  # fmt: skip
    return Message("offer", event, tuple(one.sign(event, NAMESPACE) for one in signers))


def test_good_signatures(message):
    assert check_message(encode_message(message)).event["items"] == ["EX-001"]


def refused(message):
    with pytest.raises(FormatError) as caught:
        check_message(encode_message(message))
    return caught.value.place


def test_a_signature_that_does_not_hold(office, message):
    first, second = message.signatures
    of_another = office.signer.sign(b"another event", NAMESPACE)
    elsewhere = office.signer.sign(message.event, "evidencekit-package")
    assert refused(replace(message, signatures=(of_another, second))) == "signatures[0]"
    assert refused(replace(message, signatures=(elsewhere, second))) == "signatures[0]"
    assert refused(replace(message, signatures=(second, first))) == "signatures[0]"
    assert refused(replace(message, signatures=(first, first))) == "signatures[1]"
    assert refused(replace(message, signatures=(first,))) == "signatures"
    assert refused(replace(message, event=message.event.replace(b"EX-001", b"EX-002"))) == "signatures[0]"
    assert decode_message(encode_message(message)) == message


def test_the_keys_of_a_log(office):
    tree = Checkpoint(office.origin, 5, bytes(32))
    note = parse_note(office.keys.sign_checkpoint(tree))
    for vkey in office.keys.vkeys:
        assert is_signed_by(parse_vkey(vkey), note.signatures, parse_checkpoint(note.text))
        assert not is_signed_by(parse_vkey(vkey), note.signatures, Checkpoint(office.origin, 6, bytes(32)))
    for vkey in new_log_keys(office.origin).vkeys:
        assert not is_signed_by(parse_vkey(vkey), note.signatures, tree)
