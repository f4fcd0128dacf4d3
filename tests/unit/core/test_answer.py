"""core/answer.py against specs/cooperation.md, section 7.2: one spelling; the JSON Schema says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schemas import Twins, with_value

from evidencekit.core.answer import ANSWER, IDENTIFIER_STATES, OUTCOMES, decode_answer, encode_answer
from evidencekit.core.encoding import encode
from evidencekit.core.request import IDENTIFIER_TYPES
from evidencekit.core.values import moment
from evidencekit.errors import FormatError

both = Twins(ANSWER, "answer.schema.json")
"""Whether schema and Record take it; they have to agree."""
AT = moment(1_780_000_000_000_000_000, utc_offset_min=120, precision="s")
LEAST = {
    "_t": "evidencekit/answer/1", "dated": AT, "nonce": "AAAAAAAAAAAAAAAAAAAAAA==", "outcome": "executed",
    "request": "0" * 64,
}  # fmt: skip
FULL = LEAST | {
    "outcome": "partial", "ground": "one account does not exist", "ticket": "B-77", "language": "en",
    "identifiers": [
        {"type": "email", "value": "a@b.example", "state": "produced", "note": "since May"},
        {"type": "ip", "value": "203.0.113.7", "state": "not_found"},
    ],
    "holds": [{"name": "xx-1-1", "until": AT}, {"name": "xx-1-2"}], "packages": ["a" * 64, "b" * 64],
    "risk": "the user deletes mails", "note": "by post",
    "other_holder": {"name": "Other Mail", "state": "IE", "contact": "law@mail.example"},
    "authority": {
        "name": "Office", "state": "FR", "representative": "A. Magistrate", "post": "prosecutor", "address": "1 Street",
        "phone": "+33 1", "email": "a@b.example", "hours": "9-17", "zone": "UTC", "languages": ["fr", "zh-Hans"],
    },
}  # fmt: skip


def places(value, path=()):
    """Each place of a record, with what stands there."""
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield from places(inner, (*path, name))


def name_of(path):
    """A path without the numbers of members."""
    return ".".join(part for part in path if isinstance(part, str))


PLACES = dict(list(places(FULL))[1:])


@pytest.mark.parametrize("record", [LEAST, FULL], ids=["least", "full"])
def test_records_are_taken_and_come_back(record):
    assert both(record)
    assert decode_answer(encode_answer(record)) == record


def test_the_full_record_has_every_member():
    assert set(FULL) == {"_t", *ANSWER.required, *ANSWER.optional} == set(both.schema["properties"])


@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_no_place_takes_another_kind_of_value(path):
    for other in (7.5, True, {"a": "b"}, [["a"]], "", " \n", [], {}):
        assert not both(with_value(FULL, path, other))


NEEDED = {
    *LEAST, "ground", "authority.name", "holds.name", "identifiers.state", "identifiers.type", "identifiers.value", "other_holder.name",
    *(f"{where}.{name}" for where in ("dated", "holds.until") for name in AT),
}  # fmt: skip


@pytest.mark.parametrize(
    "path", [path for path in PLACES if isinstance(path[-1], str)], ids=lambda path: ".".join(map(str, path))
)
def test_what_may_be_absent(path):
    assert both(with_value(FULL, path, KeyError)) == (name_of(path) not in NEEDED)


MUTATED = {
    "unknown": (("colour",), "red"),
    "unknown inside": (("other_holder", "colour"), "red"),
    "type": (("_t",), "evidencekit/answer/2"),
    "outcome": (("outcome",), "answered"),
    "request": (("request",), "F" * 64),
    "package": (("packages", 1), "b" * 63),
    "a package twice": (("packages", 1), "a" * 64),
    "kind": (("identifiers", 0, "type"), "shoe"),
    "state of an identifier": (("identifiers", 0, "state"), "lost"),
    "State": (("other_holder", "state"), "ie"),
    "language": (("language",), "english language"),
    "nonce": (("nonce",), "AAAAAAAAAAAAAAAAAAAAAB=="),
    "precision": (("dated", "precision"), "day"),
    "offset": (("dated", "utc_offset_min"), 1440),
    "long text": (("ticket",), "x" * 4097),
    "long prose": (("risk",), "x" * 16_385),
    "501 holds": (("holds",), [{"name": str(number)} for number in range(501)]),
}


@pytest.mark.parametrize("name", MUTATED)
def test_each_mutation_is_refused_by_both(name):
    assert not both(with_value(FULL, *MUTATED[name]))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_only_what_was_done_needs_no_ground(outcome):
    assert both(LEAST | {"outcome": outcome}) == (outcome in {"received", "executed"})
    assert both(LEAST | {"outcome": outcome, "ground": "x"})


def test_a_record_has_one_spelling():
    data = encode_answer(FULL)
    with pytest.raises(FormatError, match="spelling"):
        decode_answer(data + b"\n")
    with pytest.raises(FormatError, match="colour"):
        decode_answer(encode(LEAST | {"colour": "red"}))
    with pytest.raises(FormatError, match="at most 60000"):
        encode_answer(
            LEAST
            | dict.fromkeys(("ground", "risk", "note"), "x" * 16_000)
            | {"packages": [f"{n:064x}" for n in range(500)]}
        )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(str.strip)
IDENTIFIERS = st.fixed_dictionaries(
    {"type": st.sampled_from(IDENTIFIER_TYPES), "value": TEXTS, "state": st.sampled_from(IDENTIFIER_STATES)},
    optional={"note": TEXTS},
)
RECORDS = st.fixed_dictionaries(
    {name: st.just(LEAST[name]) for name in ("_t", "dated", "nonce", "request")}
    | {"outcome": st.sampled_from(OUTCOMES), "ground": TEXTS},
    optional={
        "holds": st.lists(st.fixed_dictionaries({"name": TEXTS}, optional={"until": st.just(AT)}), min_size=1, max_size=3),
        "identifiers": st.lists(IDENTIFIERS, min_size=1, max_size=4),
        "other_holder": st.fixed_dictionaries({"name": TEXTS}, optional={"contact": TEXTS}),
        "risk": TEXTS,
        "ticket": TEXTS,
    },
)  # fmt: skip


@given(RECORDS)
def test_what_is_encoded_comes_back(record):
    assert decode_answer(encode_answer(record)) == record
    assert both.validator.is_valid(record)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    try:
        record = decode_answer(data)
    except FormatError:
        return
    assert encode_answer(record) == data
