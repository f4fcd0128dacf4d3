"""A directory of contact points: who is reached for what, at which hours, and with which keys he signs. Pure.

Promise: what `decode_contacts` accepts re-encodes to the same bytes. Source: specs/cooperation.md section 6.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.log_types import PUBLIC_KEY
from evidencekit.core.request import INSTRUMENT, LANGUAGE, STATE
from evidencekit.core.schema import INSTANT, LONG_TEXT, TEXT, Form, Record, array
from evidencekit.core.values import short
from evidencekit.errors import FormatError

CONTACTS_TYPE = "evidencekit/contacts/1"
CONTACTS_LIMITS = encoding.Limits(4 << 20, 8)
NAMESPACE = "evidencekit-contacts"


def _check_day(value: Any, place: str) -> None:
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return
    except ValueError:
        pass
    raise FormatError(place, expected="a date as 2026-11-22", found=short(value))


def _check_period(contact: Any, place: str) -> None:
    first, last = contact.get("valid_from"), contact.get("valid_until")
    if first is not None and last is not None and last < first:
        raise FormatError(f"{place}.valid_until", expected=f"{first} or later", found=last)


DAY = Form("date", _check_day)
CONTACT = Record(
    None,
    required={"name": TEXT, "state": STATE},
    optional={
        "address": TEXT,
        "email": TEXT,
        "hours": TEXT,
        "instruments": array(INSTRUMENT, least=1, distinct=True),
        "keys": array(PUBLIC_KEY, least=1, most=16, distinct=True),
        "languages": array(LANGUAGE, least=1, distinct=True),
        "notes": LONG_TEXT,
        "phone": TEXT,
        "post": TEXT,
        "representative": TEXT,
        "valid_from": DAY,
        "valid_until": DAY,
        "zone": TEXT,
    },
    rules=(_check_period,),
).form("contact")
CONTACTS = Record(
    CONTACTS_TYPE,
    required={"contacts": array(CONTACT, least=1), "issued_at": INSTANT, "issuer": TEXT},
    optional={"valid_until": DAY},
)


def encode_contacts(record: dict[str, Any]) -> bytes:
    """Return the bytes of a directory.

    Raises:
        FormatError: it is none; the place names the contact and its member.
    """
    CONTACTS.check(record)
    return encoding.encode(record)


def decode_contacts(data: bytes) -> dict[str, Any]:
    """Return the directory that a file holds.

    Raises:
        FormatError: it is none.
    """
    record = encoding.decode(data, CONTACTS_LIMITS)
    CONTACTS.check(record)
    return dict(record)


def is_valid(of: dict[str, Any], day: date) -> bool:
    """Tell whether a contact, or a directory, is valid on a day (UTC): its first and its last day with it."""
    first, last = str(of.get("valid_from", "")), str(of.get("valid_until", "9999-12-31"))
    return first <= day.isoformat() <= last
