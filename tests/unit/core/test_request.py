"""core/request.py and request_draft.py: one spelling of a request, many of a draft; the JSON Schema says the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemas import Twins, with_value

from evidencekit.core.encoding import encode
from evidencekit.core.request import (
    ESSENTIAL,
    IDENTIFIER_TYPES,
    MEMBERS,
    PLACES,
    REQUEST,
    decode_request,
    encode_request,
    found_at,
    general,
    is_there,
)
from evidencekit.core.request_draft import MAX_DRAFT, read_draft, stated
from evidencekit.core.values import moment
from evidencekit.errors import FormatError

both = Twins(REQUEST, "request.schema.json")
"""Whether schema and Record take it; they have to agree."""
AT = moment(1_780_000_000_000_000_000, utc_offset_min=120, precision="s")
DAY = moment(1_780_000_000_000_000_000, precision="day")
REACHED = {
    "name": "Office", "state": "FR", "representative": "A. Magistrate", "post": "prosecutor", "address": "1 Street",
    "phone": "+33 1 23 45 67 89", "email": "a@b.example", "hours": "9-17", "zone": "Europe/Paris", "languages": ["fr", "zh-Hans"],
}  # fmt: skip
LEAST = {
    "_t": "evidencekit/request/1", "authority": {"name": "Office"}, "dated": DAY, "nonce": "AAAAAAAAAAAAAAAAAAAAAA==",
    "reference": "24-117", "status": "new",
}  # fmt: skip
FULL = LEAST | {
    "status": "extension", "language": "en", "instruments": ["xx-1", "xx-2"], "authority": REACHED, "to": REACHED,
    "earlier": {"reference": "1", "ticket": "T-9", "sha256": "0" * 64}, "validated_by": "Court", "legal_grounds": "§ 1",
    "offence": {"name": "fraud", "provisions": ["a", "b"], "penalties": "5 years"}, "facts": "It was so.\nAnd so.",
    "categories": ["traffic"], "period": {"start": AT, "end": AT}, "relation": "r", "location": "Paris",
    "identifiers": [{"type": "ip", "value": "203.0.113.7", "observed_at": AT, "source_port": "51123"}, {"type": "email", "value": "a@b.example"}],
    "custodian": {"name": "P", "address": "Q", "contact": "R"}, "necessity": "n", "intent": "i", "confidentiality": "c",
    "linked": {"reference": "2", "dated": DAY, "sha256": "f" * 64}, "emergency": {"declared": True, "reason": "life"},
    "hold": {"amount": "60", "unit": "days"}, "reply": {"by": AT, "manner": "by mail"}, "instructions": "sealed",
}  # fmt: skip


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


@pytest.mark.parametrize("record", [LEAST, FULL], ids=["least", "full"])
def test_records_are_taken_and_come_back(record):
    assert both(record)
    assert decode_request(encode_request(record)) == record


def test_the_full_record_has_every_place():
    assert [name for name in PLACES if not is_there(FULL, name)] == []


@pytest.mark.parametrize("path", [*leaves(FULL)], ids=lambda path: ".".join(map(str, path)))
def test_no_leaf_takes_another_kind_of_value(path):
    assert not both(with_value(FULL, path, []))
    assert not both(with_value(FULL, path, 7.5))


@pytest.mark.parametrize("name", [name for name, shape in MEMBERS.items() if isinstance(shape, dict | list)])
def test_nothing_empty_stands_for_what_is_not_known(name):
    assert not both(with_value(FULL, (name,), type(FULL[name])()))


@pytest.mark.parametrize("name", ["facts", "reference", "location"])
def test_no_text_is_empty(name):
    assert not both(FULL | {name: ""})
    assert not both(FULL | {name: " \n"})


@pytest.mark.parametrize("name", ["_t", "authority", "dated", "nonce", "reference", "status"])
def test_what_every_request_has(name):
    assert not both(with_value(LEAST, (name,), KeyError))


MUTATED = {
    "unknown": (("colour",), "red"),
    "unknown inside": (("offence", "colour"), "red"),
    "type": (("_t",), "evidencekit/request/2"),
    "status": (("status",), "old"),
    "earlier of a new one": (("status",), "new"),
    "earlier is gone": (("earlier",), KeyError),
    "kind": (("identifiers", 0, "type"), "shoe"),
    "no value": (("identifiers", 1, "value"), KeyError),
    "port 0": (("identifiers", 0, "source_port"), "0"),
    "port 65536": (("identifiers", 0, "source_port"), "65536"),
    "port 070": (("identifiers", 0, "source_port"), "070"),
    "state": (("to", "state"), "fr"),
    "language": (("language",), "english language"),
    "languages twice": (("to", "languages"), ["fr", "fr"]),
    "instrument": (("instruments",), ["XX 1"]),
    "category": (("categories",), ["Traffic"]),
    "digest": (("linked", "sha256"), "F" * 64),
    "declared false": (("emergency", "declared"), False),
    "unit": (("hold", "unit"), "weeks"),
    "no unit": (("hold", "unit"), KeyError),
    "amount": (("hold", "amount"), "060"),
    "nonce": (("nonce",), "AAAAAAAAAAAAAAAAAAAAAB=="),
    "short nonce": (("nonce",), "AAAA"),
    "precision": (("period", "start", "precision"), "day"),
    "time": (("period", "start", "time"), "2026-13-01T00:00:00.000000000Z"),
    "offset": (("period", "start", "utc_offset_min"), 1440),
    "long text": (("reference",), "x" * 4097),
    "long prose": (("facts",), "x" * 16_385),
    "501 provisions": (("offence", "provisions"), [str(number) for number in range(501)]),
}


@pytest.mark.parametrize("name", MUTATED)
def test_each_mutation_is_refused_by_both(name):
    path, value = MUTATED[name]
    assert not both(with_value(FULL, path, value))


def test_ports_at_the_edges():
    for port in ("1", "9", "59999", "65535"):
        assert both(with_value(FULL, ("identifiers", 0, "source_port"), port))


def test_a_record_has_one_spelling():
    data = encode_request(FULL)
    with pytest.raises(FormatError, match="spelling"):
        decode_request(data + b"\n")
    with pytest.raises(FormatError, match="colour"):
        decode_request(encode(LEAST | {"colour": "red"}))
    with pytest.raises(FormatError, match="at most 60000"):
        encode_request(LEAST | dict.fromkeys(("facts", "relation", "necessity", "intent"), "x" * 16_000))


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
IDENTIFIERS = st.fixed_dictionaries(
    {"type": st.sampled_from(IDENTIFIER_TYPES), "value": TEXTS},
    optional={"observed_at": st.just(AT), "source_port": st.integers(1, 65_535).map(str)},
)
RECORDS = st.fixed_dictionaries(
    {name: st.just(LEAST[name]) for name in ("_t", "dated", "nonce", "status")}
    | {"authority": st.fixed_dictionaries({"name": TEXTS}, optional={"phone": TEXTS}), "reference": TEXTS},
    optional={
        "facts": TEXTS,
        "identifiers": st.lists(IDENTIFIERS, min_size=1, max_size=4),
        "offence": st.fixed_dictionaries({"provisions": st.lists(TEXTS, min_size=1, max_size=3, unique=True)}),
        "emergency": st.just({"declared": True}),
    },
)


@given(RECORDS)
def test_what_is_encoded_comes_back(record):
    assert decode_request(encode_request(record)) == record
    assert both.validator.is_valid(record)


@given(RECORDS)
def test_a_record_is_a_draft_of_itself(record):
    """Whatever its spelling, but for blanks around its texts."""
    said = stated(read_draft(json.dumps(record, indent=3).encode()))
    assert said.faults == ()
    trimmed = stated(said.record).record
    assert said.record == trimmed
    assert json.dumps(said.record, sort_keys=True).split() == json.dumps(trimmed, sort_keys=True).split()
    assert said.record.keys() == record.keys()


# --- drafts ---------------------------------------------------------------------------------------------------------


def test_a_draft_may_be_empty_and_typed():
    said = stated(
        {
            "_help": ["for you"], "status": " new ", "dated": "2026-11-22", "facts": " ", "authority": {"name": "", "phone": None},
            "identifiers": [{"type": "ip", "value": "203.0.113.7", "observed_at": "2026-10-03T14:22:07+02:00", "source_port": 80}, {"type": "", "value": ""}],
            "emergency": {"declared": False, "reason": ""}, "offence": {"provisions": "§ 263"}, "period": {"end": "2026-10-03T14:22Z"},
        }
    )  # fmt: skip
    assert said.faults == ()
    assert said.record == {
        "_t": "evidencekit/request/1",
        "status": "new",
        "dated": {"precision": "day", "time": "2026-11-22T00:00:00.000000000Z", "utc_offset_min": None},
        "offence": {"provisions": ["§ 263"]},
        "identifiers": [
            {
                "type": "ip",
                "value": "203.0.113.7",
                "observed_at": {"precision": "s", "time": "2026-10-03T12:22:07.000000000Z", "utc_offset_min": 120},
                "source_port": "80",
            }
        ],
        "period": {"end": {"precision": "min", "time": "2026-10-03T14:22:00.000000000Z", "utc_offset_min": 0}},
    }


def test_every_fault_of_a_draft_is_told():
    said = stated(
        {
            "_t": "other", "colour": 1, "status": "old", "dated": "yesterday", "authority": "Office",
            "identifiers": [{"type": "shoe", "value": "x"}, 7], "to": {"state": "France", "languages": ["fr", "fr"]},
            "facts": "\ud800",
        }
    )  # fmt: skip
    places = [fault.place for fault in said.faults]
    assert sorted(places) == sorted(
        [
            "_t",
            "colour",
            "status",
            "dated",
            "authority",
            "identifiers[0].type",
            "identifiers[1]",
            "to.state",
            "to.languages",
            "facts",
        ]
    )


@pytest.mark.parametrize(
    "data",
    [b"[]", b"{", b'{"a": 1.5}', b'{"a": 1, "a": 2}', b"\xff", b'{"a":' + b"[" * 100_000, b" " * (MAX_DRAFT + 1), b'{"a": 1e5}', b'{"a": NaN}'],
    ids=["array", "cut", "fraction", "twice", "not utf-8", "deep", "large", "exponent", "constant"],
)  # fmt: skip
def test_what_is_no_draft_is_refused(data):
    with pytest.raises(FormatError):
        read_draft(data)


def test_some_editors_begin_a_file_with_a_mark():
    assert read_draft(b'\xef\xbb\xbf{"status": "new"}') == {"status": "new"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*MEMBERS, "name", "type", "value"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_no_draft_breaks_the_reading(value):
    said = stated(value if isinstance(value, dict) else {"identifiers": value, "authority": value})
    for fault in said.faults:
        assert fault.place
    for name in PLACES:
        assert all(isinstance(place, str) for place, _ in found_at(said.record, name))


def test_places():
    assert list(found_at(FULL, "identifiers.source_port")) == [
        ("identifiers[0].source_port", "51123"),
        ("identifiers[1].source_port", None),
    ]
    assert list(found_at({}, "identifiers.value")) == [("identifiers.value", None)]
    assert list(found_at({}, "authority.phone")) == [("authority.phone", None)]
    assert general("identifiers[12].value") == "identifiers.value"
    assert set(ESSENTIAL) <= set(PLACES)
