"""cooperation/check.py: each thing that an instrument asks for is missed by its own article; what cannot be is named."""

from __future__ import annotations

import copy

import pytest
from requestdraft import DRAFT, INVENTED, NOW, said, without

from evidencekit.cooperation.check import OWN_RULE, check_request
from evidencekit.cooperation.law import known_tables, read_table
from evidencekit.cooperation.parties import known_parties
from evidencekit.core.request_draft import stated

TABLES, PARTIES = known_tables(), known_parties()
INVENTED_TABLE = read_table(INVENTED.encode(), "atlantis-7.toml", own=True)
REQUIRED = [
    (identity, rule)
    for identity, table in {**TABLES, "atlantis-7": INVENTED_TABLE}.items()
    for rule in table.fields
    if rule.need == "required"
]
MET = {"emergency": {"emergency": {"declared": True, "reason": "a child"}}}
"""By the name of a condition, what has to be said for it to be met, and all that is required then."""


def check(stated_, identity="budapest-29", now=NOW):
    table = INVENTED_TABLE if identity == "atlantis-7" else TABLES[identity]
    return check_request(stated_, table, PARTIES.get(identity), now)


def fields(remarks):
    return [remark.field for remark in remarks]


@pytest.mark.parametrize("identity", TABLES)
def test_the_full_request_is_complete_under_every_instrument(identity):
    checked = check(said(), identity)
    assert (checked.missing, checked.implausible) == ((), ())
    assert checked.is_complete


@pytest.mark.parametrize(("identity", "rule"), REQUIRED, ids=lambda one: getattr(one, "name", one))
def test_each_required_field_is_missed_by_its_article(identity, rule):
    more = MET[rule.when] if rule.when else {}
    assert check(said(**more), identity).missing == ()
    cut = without(rule.name, **more)
    if rule.instead:
        assert check(cut, identity).missing == ()
        cut = without(rule.name, rule.instead, **more)
    checked = check(cut, identity)
    (remark,) = checked.missing
    assert remark.field == rule.name
    assert (remark.text, remark.article, remark.mark) == (rule.text, rule.source.citation, rule.source.mark)
    assert not checked.is_complete


@pytest.mark.parametrize(
    ("identity", "rule"), [one for one in REQUIRED if one[1].when], ids=lambda one: getattr(one, "name", one)
)
def test_what_is_required_on_a_condition_is_not_missed_without_it(identity, rule):
    assert rule.name not in fields(check(without(rule.name), identity).missing)


@pytest.mark.parametrize("identity", [*TABLES, "atlantis-7"])
def test_each_required_field_has_a_message_of_its_own(identity):
    rules = [rule for of, rule in REQUIRED if of == identity]
    assert len({rule.text for rule in rules}) == len(rules) > 0
    assert all(rule.text.strip() and rule.source.citation.strip() for rule in rules)


def test_there_is_something_to_require():
    assert {identity for identity, _ in REQUIRED} == {*TABLES, "atlantis-7"}
    assert len({(identity, rule.name) for identity, rule in REQUIRED}) == len(REQUIRED)


@pytest.mark.parametrize("place", ["status", "reference", "dated", "authority.name"])
def test_what_every_request_needs(place):
    missing = {one.field: (one.article, one.mark) for one in check(without(place), "gh-preservation").missing}
    own = missing.pop(place)
    assert place == "authority.name" or own == (OWN_RULE, None)
    assert missing == {}


def test_a_blank_request_misses_everything_at_once():
    checked = check(stated({"status": "new"}))
    required = {rule.name for identity, rule in REQUIRED if identity == "budapest-29" and not rule.when}
    assert set(fields(checked.missing)) == required | {"reference", "dated"}
    assert len(set(fields(checked.missing))) == len(checked.missing)


def test_an_extension_needs_what_it_extends():
    assert fields(check(said(status="extension")).missing) == ["earlier"]
    checked = check(said(status="extension", earlier={"reference": "24-117/PR-1"}))
    assert checked.is_complete
    assert "earlier.ticket" in fields(checked.asked)


def test_conditions():
    assert check(said(), "eu-production").is_complete
    declared = said(emergency={"declared": True})
    (remark,) = check(declared, "eu-production").missing
    assert (remark.field, remark.article) == ("emergency.reason", "Regulation (EU) 2023/1543, Article 5(5), point (g)")
    assert fields(check(declared, "atlantis-7").missing) == ["emergency.reason"]
    assert check(said(emergency={"declared": True, "reason": "a child"}), "eu-production").is_complete


def test_members_of_arrays_and_pairs_that_are_half_there():
    half = said(identifiers=[{"type": "email"}, {"value": "x"}], hold={"amount": 60})
    assert fields(check(half).missing) == ["identifiers[1].type", "identifiers[0].value", "hold.unit"]


# --- what cannot be ------------------------------------------------------------------------------------------------


def identifier(kind, value, **more):
    return said(identifiers=[{"type": kind, "value": value, **more}])


SEEN = {"observed_at": "2026-10-03T14:22:07+02:00", "source_port": 51123}
BAD_VALUES = [
    *(("ip", text) for text in ("203.0.113.256", "203.0.113.7/24", "203.000.113.7", "2001:db8::g", "fe80::1%eth0", "a.example")),
    *(("ip", text) for text in ("127.0.0.1", "169.254.1.1", "224.0.0.1", "0.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd00::1", "::1", "::")),
    *(("imei", text) for text in ("490154203237519", "4901542032375", "49015420323751A", "12345678901234567")),
    *(("imsi", text) for text in ("1234567890123", "1234567890123456", "31015012345678x")),
    *(("iccid", "8949020000012345"), ("mac", "00:11:22:33:44"), ("mac", "00:11:22:33:44:5g")),
    *(("phone", text) for text in ("0472607012", "+33 4 72", "+33 4 72 60 70 12 99 99 99 99", "+33 4 72 60 7O 12", "call me")),
    *(("email", text) for text in ("jane", "jane@mail", "jane doe@mail.example", "jane@@mail.example", "<jane@mail.example>")),
    *(("domain", text) for text in ("localhost", "a b.example", "http://a.example")),
    *(("url", text) for text in ("www.example.org", "https://")),
]  # fmt: skip
GOOD_VALUES = [
    *(("ip", text) for text in ("203.0.113.7", "2001:db8::7", "100.64.3.4", "8.8.8.8", "172.32.0.1")),
    *(("imei", text) for text in ("490154203237518", "49-015420-323751-8", "49015420323751", "4901542032375101")),
    *(("imsi", "310150123456789"), ("iccid", "8949 0200 0001 2345 678"), ("mac", "00:11:22:33:44:5F"), ("mac", "0011.2233.445f")),
    *(("phone", text) for text in ("+33 4 72 60 70 12", "+1 (202) 555-0136 ext. 12", "+40213162345")),
    *(("email", text) for text in ("jane@mail.example", "ja.ne+x@mail.co.example", "用户@例子.example")),
    *(("domain", text) for text in ("mail.example", "xn--fsqu00a.example", "例子.中国")),
    *(("url", "https://example.org/a?b=c"), ("account", "jane"), ("wallet", "bc1q"), ("other", "#1"), ("device", "X-9")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value"), BAD_VALUES, ids=lambda one: one)
def test_a_value_that_cannot_be(kind, value):
    (remark,) = check(identifier(kind, value, **SEEN)).implausible
    assert remark.field == "identifiers[0].value"
    assert remark.found == value
    assert remark.article == "ETS 185, Article 29(2)(c)"


@pytest.mark.parametrize(("kind", "value"), GOOD_VALUES, ids=lambda one: one)
def test_a_value_that_can_be(kind, value):
    assert check(identifier(kind, value, **SEEN)).implausible == ()


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        (None, "without the time"),
        ("2026-10-03T14:22:07", "offset is not stated"),
        ("2026-10-03", "offset is not stated"),
        ("2026-10-03 (evening)", "Expected a time"),
    ],
)
def test_an_address_without_time_and_offset_is_not_taken(seen, text):
    checked = check(identifier("ip", "2001:db8::7", source_port=1, **({"observed_at": seen} if seen else {})))
    assert any(one.field == "identifiers[0].observed_at" and text in one.text for one in checked.implausible)
    assert not checked.is_complete


def test_a_day_is_no_time_for_an_address():
    draft = copy.deepcopy(DRAFT)
    draft["identifiers"][0]["observed_at"] = {
        "precision": "day",
        "time": "2026-10-03T00:00:00.000000000Z",
        "utc_offset_min": 0,
    }
    (remark,) = check(stated(draft)).implausible
    assert "A day is no time" in remark.text


def test_other_identifiers_need_no_time():
    assert check(identifier("email", "jane@mail.example")).is_complete


def test_the_source_port_is_asked_for_of_each_address_and_of_nothing_else():
    at = {"observed_at": "2026-10-03T14:22:07Z"}
    checked = check(
        said(identifiers=[
            {"type": "ip", "value": "203.0.113.7", **at}, {"type": "email", "value": "a@b.example"},
            {"type": "ip", "value": "100.64.0.9", **at}, {"type": "ip", "value": "203.0.113.8", "source_port": 5, **at},
        ])
    )  # fmt: skip
    ports = {one.field: one.text for one in checked.asked if one.field.endswith("source_port")}
    assert ports.keys() == {"identifiers[0].source_port", "identifiers[2].source_port"}
    assert "several subscribers" in ports["identifiers[0].source_port"]
    assert "RFC 6598" in ports["identifiers[2].source_port"]
    assert checked.is_complete
    other = check(identifier("ip", "203.0.113.7", **at), "gh-preservation").asked
    assert [(one.field, one.article, one.mark) for one in other] == [("identifiers[0].source_port", OWN_RULE, None)]


def test_a_table_may_demand_the_port():
    text = INVENTED.replace('name = "validated_by"', 'name = "identifiers.source_port"')
    table = read_table(text.encode(), "atlantis-7.toml")
    request = said(
        identifiers=[
            {"type": "ip", "value": "203.0.113.7", "observed_at": "2026-10-03T14:22:07Z"},
            {"type": "phone", "value": "+3312345678"},
        ]
    )
    checked = check_request(request, table, None, NOW)
    assert fields(checked.missing) == ["identifiers[0].source_port"]
    assert "identifiers[0].source_port" not in fields(checked.asked)


TIMES = {
    "dated tomorrow": ({"dated": "2026-11-20"}, "dated", "future"),
    "dated long ago": ({"dated": "1989-12-31"}, "dated", "before 1990"),
    "seen tomorrow": ({"identifiers": [{"type": "ip", "value": "203.0.113.7", "source_port": 1, "observed_at": "2026-11-18T14:00:00Z"}]}, "identifiers[0].observed_at", "future"),
    "period to come": ({"period": {"end": "2026-12-01T00:00:00Z"}}, "period.end", "future"),
    "period of 1970": ({"period": {"start": "1970-01-01T00:00:00Z"}}, "period.start", "before 1990"),
    "period backwards": ({"period": {"start": "2026-09-02T00:00:00Z", "end": "2026-09-01"}}, "period.end", "before it begins"),
    "linked to come": ({"linked": {"dated": "2027-01-01"}}, "linked.dated", "future"),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
def test_a_time_that_cannot_be(name):
    changes, place, text = TIMES[name]
    remarks = [one for one in check(said(**changes)).implausible if one.field == place]
    assert remarks
    assert text in remarks[0].text


def test_times_at_the_edge_can_be():
    now = 1_795_000_000 * 10**9  # 2026-11-18T11:06:40Z
    assert check(said(dated="2026-11-19"), now=now).is_complete  # begun already, 14 hours east of here
    assert check(said(period={"start": "2026-09-01T08:00:00Z", "end": "2026-09-01"}), now=now).is_complete
    assert check(said(period={"end": "2026-11-18T11:11:00Z"}), now=now).is_complete
    assert not check(said(period={"end": "2026-11-18T11:12:00Z"}), now=now).is_complete


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [("phone", "12345", "authority.phone"), ("email", "office", "authority.email"), ("zone", "+1", "authority.zone")],
)
def test_how_to_reach_the_authority_has_to_be_plausible(member, value, place):
    (remark,) = check(said(authority=DRAFT["authority"] | {member: value})).implausible
    assert (remark.field, remark.mark) == (place, "unconfirmed")
    assert remark.article.startswith("Cybercrime Convention Committee")


def test_a_zone_may_be_an_offset_or_a_name():
    for zone in ("UTC", "UTC+05:30", "America/Argentina/Buenos_Aires", "Etc/GMT+3"):
        assert check(said(authority=DRAFT["authority"] | {"zone": zone})).is_complete


def test_a_category_of_another_instrument():
    (remark,) = check(said(categories=["traffic", "user_identification"])).implausible
    assert (remark.field, remark.found) == ("categories[1]", "user_identification")
    assert "subscriber, traffic, content" in remark.text
    assert check(said(categories=["user_identification"]), "eu-preservation").is_complete
    unjudged = check(said(categories=["anything"]), "lk-24-2007-19")
    assert unjudged.is_complete
    assert "categories" in fields(unjudged.not_checked)


def test_an_instrument_that_does_not_hold_on_the_day():
    (remark,) = check(said(dated="2026-08-17"), "eu-preservation").implausible
    assert (remark.field, remark.mark, remark.found) == ("dated", "unconfirmed", "2026-08-17")
    assert "holds from 2026-08-18" in remark.text
    ended = read_table(
        INVENTED.replace("2020-01-01", "2020-01-01\nvalid_until = 2021-01-01").encode(), "atlantis-7.toml"
    )
    checked = check_request(said(categories=None), ended, None, NOW)
    assert [one.text for one in checked.implausible] == ["The instrument held until 2021-01-01."]


def test_that_nobody_knows_whether_it_holds_is_told():
    checked = check(said(), "un-42")
    assert checked.is_complete
    assert "instruments" in fields(checked.not_checked)
    assert "instruments" not in fields(check(said(), "budapest-29").not_checked)


# --- parties, what is left out --------------------------------------------------------------------------------------


def parties_told(checked):
    return {one.field: one.text for one in checked.not_checked if one.field.endswith("state")}


def test_states_that_are_not_known_to_be_parties():
    assert parties_told(check(said())) == {}
    told = parties_told(check(said(to={"state": "AQ"}, authority={"name": "Office"})))
    assert "not stated" in told["authority.state"]
    assert "not known to be a party" in told["to.state"]
    assert "2025-01-01" in told["to.state"]
    assert parties_told(check(said(), "un-42")).keys() == {"authority.state", "to.state"}
    early = parties_told(check(said(dated="2005-01-01", to={"state": "GH"})))
    assert "bound from 2019-04-01" in early["to.state"]
    assert check(said(to={"state": "AQ"})).is_complete


def test_what_a_rendering_leaves_out_is_named():
    checked = check(said(), "eu-preservation")
    assert fields(checked.left_out) == ["facts", "necessity", "relation"]
    assert fields(check(said(facts=None), "eu-preservation").left_out) == ["necessity", "relation"]
    assert check(said(), "budapest-29").left_out == ()


def test_an_instrument_that_the_request_does_not_name():
    assert "instruments" in fields(check(said(instruments=["un-42"])).asked)
    assert "instruments" not in fields(check(said(instruments=["un-42", "budapest-29"])).asked)


def test_what_is_of_no_form_is_implausible_and_not_missing():
    checked = check(said(facts=7, colour="red", authority="Office"))
    assert {"facts", "colour", "authority"} <= set(fields(checked.implausible))
    assert "facts" not in fields(checked.missing)


def test_documents_have_what_a_script_needs():
    (remark,) = check(without("facts")).missing
    assert remark.document() == {
        "article": "ETS 185, Article 29(2)(b)",
        "field": "facts",
        "mark": "confirmed",
        "text": "a brief summary of the related facts",
    }
