"""Identifiers: two spellings of one are equal, what is none is none, and plausible ones have a form."""

from __future__ import annotations

import ipaddress

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.cooperation.identifiers import LEAST_BARE, SELF_EVIDENT, normal, phone_of, self_evident
from evidencekit.core.request import IDENTIFIER_TYPES

SAME = {
    "ip": [
        ["203.0.113.7", "203.0.113.7:4711", "::ffff:203.0.113.7", " 203.0.113.7 "],
        ["2001:db8::1", "2001:DB8:0:0::0001", "[2001:db8::1]:443", "[2001:db8::1]"],
    ],
    "phone": [["+33472607012", "+33 4 72 60 70 12", "+33 (4) 72.60.70-12", "+33472607012 ext. 5", "+33472607012x5"]],
    "email": [["Jane@mail.example", "Jane@MAIL.example"]],
    "mac": [["00:1b:44:11:3a:b7", "00-1B-44-11-3A-B7", "001b.4411.3ab7", "001B44113AB7"]],
    "imei": [["490154203237518", "49-015420-323751-8", "49015420323751", "4901542032375101"]],
    "imsi": [["262011234567890", "262 01 1234567890"]],
    "iccid": [["8949020000012345678", "8949 0200 0001 2345 678"]],
    "domain": [["mail.example", "MAIL.example."]],
    "url": [
        ["https://host.example/A?b=C", "HTTPS://Host.Example/A?b=C"],
        ["https://host.example", "https://HOST.example/"],
    ],
    "account": [["Jane_77", "  Jane_77 "]],
}
OTHER = {
    "ip": ["203.0.113.8", "203.0.113", "203.0.113.7.1", "fe80::1%eth0", "300.1.1.1", "x"],
    "phone": [
        "+33472607013",
        "472607012",
        "33472607012",
        "+33 4 72",
        "+1234567890123456",
        "+٣٣٤٧٢٦٠٧٠١٢",
        "+33x472607012",
    ],
    "email": ["jane@mail.example", "Jane@mail", "Jane @mail.example", "@mail.example", ""],
    "mac": ["00:1b:44:11:3a", "001b44113abg"],
    "imei": ["490154203237526", "4901542032375", "49015420323751801"],
    "url": ["https://host.example/a?b=C", "host.example/A"],
    "account": ["jane_77", ""],
}
"""By kind what is not the same as the first row of SAME."""


def rows():
    return [(kind, texts) for kind, groups in SAME.items() for texts in groups]


@pytest.mark.parametrize(("kind", "texts"), rows())
def test_spellings_of_one_have_one_form(kind, texts):
    forms = {normal(kind, text) for text in texts}
    assert len(forms) == 1
    assert forms != {None}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in OTHER.items() for text in texts])
def test_others_have_another_form_or_none(kind, text):
    assert normal(kind, text) != normal(kind, SAME[kind][0][0])


@pytest.mark.parametrize(("kind", "texts"), rows())
def test_a_form_is_its_own(kind, texts):
    form = normal(kind, texts[0])
    assert normal(kind, form) == form


def test_a_phone_number_without_its_plus():
    assert phone_of("0033472607012", least_bare=LEAST_BARE) == phone_of("+33472607012")
    assert phone_of("33472607012", least_bare=LEAST_BARE) == phone_of("+33472607012")
    assert phone_of("472607012", least_bare=LEAST_BARE) is None
    assert phone_of("472607012", least_bare=0) == "+472607012"
    assert phone_of("4726", least_bare=0) is None
    assert phone_of("33472607012") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jane@mail.example", ("email", "jane@mail.example")),
        ("203.0.113.7:80", ("ip", "203.0.113.7")),
        ("2001:DB8::1", ("ip", "2001:db8::1")),
        ("00:1B:44:11:3A:B7", ("mac", "001b44113ab7")),
        ("+33 4 72 60 70 12", ("phone", "+33472607012")),
        ("https://a.example/x@y", ("url", "https://a.example/x@y")),
        ("001b44113ab7", None),
        ("33472607012", None),
        ("490154203237518", None),
        ("14:22:07", None),
        ("mail.example", None),
        ("1.2.3", None),
    ],
)
def test_what_a_text_is_by_its_form_alone(text, found):
    assert list(self_evident(text)) == ([] if found is None else [found])


@deep(300)
@given(
    st.sampled_from(IDENTIFIER_TYPES),
    st.text(max_size=60) | st.from_regex(r"[+0-9a-f:.\-@\[\] x]{0,40}", fullmatch=True),
)
def test_whatever_the_text_a_form_is_stable_and_nothing_is_raised(kind, text):
    form = normal(kind, text)
    assert form is None or normal(kind, form) == form
    assert {one for one, _ in self_evident(text.strip())} <= set(SELF_EVIDENT)


@deep(150)
@given(st.ip_addresses())
def test_addresses_in_each_spelling(address):
    form = normal("ip", str(address))
    assert normal("ip", address.exploded.upper()) == form
    assert normal("ip", f"[{address}]:443" if address.version == 6 else f"{address}:443") == form
    assert isinstance(ipaddress.ip_address(form), (ipaddress.IPv4Address, ipaddress.IPv6Address))
