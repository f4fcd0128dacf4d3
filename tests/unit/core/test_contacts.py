"""Directories of contacts: what is read re-encodes, what cannot be is named, validity has its first and last day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.contacts import decode_contacts, encode_contacts, is_valid
from evidencekit.errors import FormatError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIChhYrDNcVxKHMFNopUhc3ztuCRkLT7mrHFG+D9eWDDW duty"


def directory(*, contacts=None, **more):
    contacts = [{"name": "Duty", "state": "XA"}] if contacts is None else contacts
    record = {"_t": "evidencekit/contacts/1", "issued_at": "2026-11-22T00:00:00.000000000Z", "issuer": "office"}
    return record | {"contacts": contacts} | more


def contact(**more):
    return [{"name": "Duty", "state": "XA"} | more]


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
CONTACTS = st.fixed_dictionaries(
    {"name": TEXTS, "state": st.sampled_from(("XA", "ZZ"))},
    optional={"phone": TEXTS, "valid_from": st.dates(date(1, 1, 1), date(2026, 1, 1)).map(date.isoformat)},
)


@given(st.lists(CONTACTS, min_size=1, max_size=5), st.just("2026-12-31"))
def test_what_is_read_is_what_was_written(contacts, until):
    record = directory(contacts=contacts, valid_until=until)
    data = encode_contacts(record)
    assert decode_contacts(data) == record
    assert encode_contacts(decode_contacts(data)) == data


@pytest.mark.parametrize(
    ("record", "place"),
    [
        (directory(contacts=[]), "contacts"),
        (directory(extra="x"), "extra"),
        (directory(contacts=contact(state="xa")), "state"),
        (directory(contacts=contact(extra="x")), "extra"),
        (directory(contacts=contact(keys=["ssh-ed25519 AAAA"])), "keys"),
        (directory(contacts=contact(keys=[KEY, KEY])), "keys"),
        (directory(contacts=contact(languages=["English"])), "languages"),
        (directory(contacts=contact(instruments=["Budapest 29"])), "instruments"),
        (directory(contacts=contact(valid_until="2026-02-30")), "valid_until"),
        (directory(contacts=contact(valid_until="20260201")), "valid_until"),
        (directory(contacts=contact(valid_from="2026-02-02", valid_until="2026-02-01")), "valid_until"),
        (directory(valid_until="tomorrow"), "valid_until"),
    ],
)
def test_what_cannot_be_is_named(record, place):
    with pytest.raises(FormatError) as refused:
        encode_contacts(record)
    assert place in refused.value.place + refused.value.found


def test_the_last_day_is_one():
    of = {"valid_from": "2026-01-02", "valid_until": "2026-03-04"}
    days = (date(2026, 1, 1), date(2026, 1, 2), date(2026, 3, 4), date(2026, 3, 5))
    assert [is_valid(of, day) for day in days] == [False, True, True, False]
    assert is_valid({}, days[0])
