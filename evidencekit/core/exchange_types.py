"""The types of events by which requests go between authorities, each in the log of its own: they name no item.

They are shown in every package, and what they name stays with the case: so they say no more than who, when, and under
which instrument; all else is in records that they name by digest. Source: specs/cooperation.md section 7.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core.event_forms import (
    ANY,
    FOREIGN_REFERENCE,
    OBJECT,
    PERSON,
    REFERENCE,
    EventType,
    applying,
    essential,
    event_type,
)
from evidencekit.core.schema import MOMENT, TEXT
from evidencekit.errors import FormatError

SENT, RECEIVED, ANSWERED, WITHDRAWN = "request_sent", "request_received", "request_answered", "request_withdrawn"
ACKNOWLEDGED = "acknowledge"


def _is_of_one(body: Any, place: str) -> None:
    """What is acknowledged is about a request of this log's, or about one that came here."""
    named = [name for name in ("received", "sent") if name in body]
    if len(named) != 1:
        raise FormatError(place, expected="sent, or received", found=" and ".join(named) or "neither")


EXCHANGE_TYPES: dict[str, EventType] = {
    SENT: event_type(
        SENT,
        "none: a request was made out, to be sent",
        **ANY,
        instrument=essential(TEXT, "under which instrument: the id of its table of law"),
        request=essential(OBJECT, "the record of the request"),
        to=applying(PERSON, "whom it is for, by a key"),
    ),
    RECEIVED: event_type(
        RECEIVED,
        "none: a request came; its clocks start",
        **ANY,
        message=essential(OBJECT, "the request as it came"),
        received_at=essential(MOMENT, "when it was received"),
        sent=essential(FOREIGN_REFERENCE, "the event by which it was sent, in the other log"),
    ),
    ANSWERED: event_type(
        ANSWERED,
        "none: a request that came was answered, wholly or in part, or refused",
        **ANY,
        answer=essential(OBJECT, "the record of the answer"),
        received=essential(REFERENCE, "the request that is answered"),
        sent=essential(FOREIGN_REFERENCE, "the event by which it was sent, in the other log"),
    ),
    WITHDRAWN: event_type(
        WITHDRAWN,
        "none: a request that was sent is no longer made",
        **ANY,
        reason=applying(TEXT, "why; whoever gets a package of this case can read it"),
        sent=essential(REFERENCE, "the request that is withdrawn"),
    ),
    ACKNOWLEDGED: event_type(
        ACKNOWLEDGED,
        "none: what the other side said of a request is entered: a receipt, an answer, or that it is withdrawn",
        (_is_of_one,),
        **ANY,
        message=essential(OBJECT, "the file as it came"),
        received=applying(REFERENCE, "the request that came here, and is withdrawn"),
        sent=applying(REFERENCE, "the request of this log that it is about"),
    ),
}
