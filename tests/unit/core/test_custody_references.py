"""core/custody_references.py: how events about requests speak of earlier ones (specs/custody-log.md, 4.5)."""

from __future__ import annotations

import pytest
from custodyevents import ORIGIN, OTHER, H, event

from evidencekit.core.custody_references import reference_of
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import encode_event

STATED = {"entry": "3", "event": H}
ABOUT = {
    "request_answered": ("received", "request_received"),
    "request_withdrawn": ("sent", "request_sent"),
    "acknowledge": ("sent", "request_sent"),
}
"""Type of event to the member that speaks of its own log, and to the only type that this may name."""


@pytest.mark.parametrize("kind", ABOUT)
def test_what_an_event_about_a_request_speaks_of(kind):
    member, wanted = ABOUT[kind]
    named = encode_event(event(wanted))
    reference = reference_of(event(kind, **{member: STATED | {"event": sha256_hex(named)}}), ORIGIN)
    assert (reference.member, reference.entry, reference.wants_kind) == (member, 3, True)
    assert reference.remark(4, named) is None
    assert reference.remark(3, named).code == "E308"
    assert reference.remark(4, None).code == "E308"


@pytest.mark.parametrize("kind", ABOUT)
@pytest.mark.parametrize("found", ["request_sent", "request_received", "request_answered", "view", b"no event"])
def test_it_may_name_one_type_alone(kind, found):
    member, wanted = ABOUT[kind]
    data = found if isinstance(found, bytes) else encode_event(event(found))
    reference = reference_of(event(kind, **{member: STATED | {"event": sha256_hex(data)}}), ORIGIN)
    remark = reference.remark(4, data)
    assert (remark is None) == (found == wanted)
    if remark is not None:
        assert remark.expected.endswith(f"an event of type {wanted}")


def test_what_came_here_is_acknowledged_too():
    said = event("acknowledge", received=STATED, without=("sent",))
    reference = reference_of(said, ORIGIN)
    assert (reference.member, reference.entry) == ("received", 3)
    came = encode_event(event("request_received"))
    assert reference._replace(event=sha256_hex(came)).remark(4, came) is None


@pytest.mark.parametrize("kind", ["request_sent", "request_received"])
def test_the_first_of_an_exchange_speaks_of_nothing_here(kind):
    """Not where the other log calls itself as this one does, either: there the place is the other log's."""
    assert reference_of(event(kind), ORIGIN) is None
    assert reference_of(event(kind), OTHER) is None


def test_the_sent_of_an_answer_is_the_other_log_s():
    assert reference_of(event("request_answered"), OTHER).member == "received"
