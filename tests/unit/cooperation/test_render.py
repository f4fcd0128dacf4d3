"""One record, several renderings: what an instrument must not carry is in none of their bytes; marks are on the paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from htmlpage import Page
from hypothesis import given
from hypothesis import strategies as st
from requestdraft import DRAFT, INVENTED, NOW, said

from evidencekit.cooperation.check import holding
from evidencekit.cooperation.law import known_tables, read_table
from evidencekit.cooperation.rendering import document_of, finished, reduced
from evidencekit.core.digest import sha256, sha256_hex
from evidencekit.core.request import MEMBERS, PLACES, decode_request, encode_request, is_there
from evidencekit.core.values import encode_base64, format_instant
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report.request import _SECTIONS, paper_of, request_html, request_text

ROOT = Path(__file__).parents[3]
TABLES = {**known_tables(), "atlantis-7": read_table(INVENTED.encode(), "atlantis-7.toml", own=True)}
RECORD = said(nonce="AQEBAQEBAQEBAQEBAQEBAQ==").record
HOSTILE = "<script>alert('x')</script> & \u202egpj.exe {{ 7 * 7 }} {% raw %}"
SECRETS = {"facts": "SECRET-OF-FACTS", "relation": "SECRET-OF-RELATION", "necessity": "SECRET-OF-NECESSITY"}


def paper(record, identity, language="en", lacking=()):
    table = TABLES[identity]
    rules = [one for one in document_of(table)["fields"] if one["need"] != "omitted"]
    out = reduced(record, table)
    texts = load_texts(language, "request")
    digest = None if lacking else sha256_hex(encode_request(out))
    shown = paper_of(
        out,
        document_of(table),
        rules,
        texts,
        digest=digest,
        lacking=lacking,
        now=format_instant(NOW),
        program="evidencekit 9.9",
    )
    return shown, texts


def both(record, identity, language="en", **more):
    shown, texts = paper(record, identity, language, **more)
    return request_html(shown, texts), request_text(shown, texts)


@pytest.mark.parametrize("identity", TABLES)
def test_what_an_instrument_must_not_carry_is_in_no_byte(identity):
    record = RECORD | SECRETS | {"intent": "SECRET-OF-INTENT"}
    left = {rule.name for rule in holding(record, TABLES[identity], "omitted")}
    data = finished(record, TABLES[identity], bytes(16))
    for rendering in (*both(record, identity), *both(record, identity, "ar"), data.decode()):
        for name in (*SECRETS, "intent"):
            assert (record[name] in rendering) == (name not in left), name
        assert ("AQEBAQEBAQEBAQEBAQEBAQ==" in rendering) == (not left and rendering.startswith("{"))


def test_certificates_leave_out_facts_and_grounds():
    for identity in ("eu-preservation", "eu-production"):
        assert not {"facts", "necessity", "relation"} & reduced(RECORD, TABLES[identity]).keys()
        assert decode_request(finished(RECORD, TABLES[identity], bytes(16)))


def test_a_record_of_which_nothing_is_left_out_is_itself():
    assert finished(RECORD, TABLES["budapest-29"], bytes(16)) == encode_request(RECORD)
    assert finished(RECORD, TABLES["budapest-29"], b"x" * 16) == finished(RECORD, TABLES["un-42"], b"y" * 16)


def test_what_was_left_out_cannot_be_confirmed_by_its_digest():
    """The nonce of what goes out is made of the other one, which does not go out."""
    table = TABLES["eu-preservation"]
    out = reduced(RECORD, table)
    assert out["nonce"] == encode_base64(sha256(b"\x01" * 16 + b"eu-preservation")[:16])
    assert out["nonce"] != reduced(RECORD, TABLES["eu-production"])["nonce"]
    assert reduced(RECORD, table) == out
    assert RECORD["facts"] == DRAFT["facts"]  # the record itself stays as it was


def test_a_draft_without_a_nonce_gets_one():
    record = {name: value for name, value in RECORD.items() if name != "nonce"}
    assert decode_request(finished(record, TABLES["un-42"], b"z" * 16))["nonce"] == encode_base64(b"z" * 16)


OMITTING = """
[[field]]
name = "{}"
need = "omitted"
citation = "c"
mark = "confirmed"
text = "t"
"""


@given(
    st.sets(
        st.sampled_from([*MEMBERS, "identifiers.source_port", "offence.penalties", "authority.phone", "hold.amount"]),
        max_size=5,
    )
)
def test_any_place_can_be_left_out(places):
    text = INVENTED.partition("[[field]]")[0] + "".join(map(OMITTING.format, sorted(places)))
    table = read_table(text.encode(), "atlantis-7.toml")
    out = reduced(RECORD, table)
    assert not [name for name in places - {"nonce"} if is_there(out, name)]
    kept = [name for name in PLACES if not any((name + ".").startswith(place + ".") for place in places)]
    for name in set(kept) - {"nonce"}:
        inner = {place for place in PLACES if place.startswith(name + ".")}
        assert is_there(out, name) == is_there(RECORD, name) or (
            inner and all(place in places or not is_there(RECORD, place) for place in inner)
        )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("identity", ["budapest-29", "eu-production", "atlantis-7"])
def test_all_that_goes_out_is_on_the_paper_in_every_language(language, identity):
    html, text = both(RECORD, identity, language)
    page = Page(html)
    out = reduced(RECORD, TABLES[identity])
    words = [
        RECORD["reference"],
        "203.0.113.7",
        "51123",
        "14:22:07 UTC+02:00",
        "Example Mail",
        "Code, article 313-1",
        "60",
    ]
    words += [out[name] for name in ("facts", "relation", "necessity", "intent", "location") if name in out]
    words += [sha256_hex(encode_request(out)), "evidencekit 9.9"]
    for word in words:
        assert word in page.text, word
        assert word in text, word
    assert load_texts(language, "request")("title") in page.text
    assert page.text.count(load_texts(language, "request")("draft")) == 2 * (language != "en")


def test_every_rule_that_is_used_is_there_with_its_mark():
    page = Page(both(RECORD, "budapest-29")[0]).text
    used = {
        one.source.citation
        for one in TABLES["budapest-29"].fields
        if one.need != "omitted" and is_there(RECORD, one.name)
    }
    for citation in (*used, "ETS 185, Article 29(7)"):
        assert citation in page
    html, text = both(RECORD, "un-42")
    assert text.count("UNCONFIRMED") >= 4
    marks = [attrs["class"] for tag, attrs in Page(html).tags if attrs.get("class") in {"confirmed", "unconfirmed"}]
    assert set(marks) == {"unconfirmed"}
    assert html.count("UNCONFIRMED") == len(marks)


def test_a_table_of_the_user_says_so():
    for shown in both(RECORD, "atlantis-7"):
        assert "not one that came with the program" in shown
    assert "not one that came" not in both(RECORD, "budapest-29")[1]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_somebody_wrote_is_text_never_markup(language):
    record = RECORD | {
        "facts": HOSTILE,
        "reference": HOSTILE,
        "offence": {"name": HOSTILE},
        "identifiers": [{"type": "other", "value": HOSTILE}],
    }
    html, text = both(record, "budapest-29", language)
    page = Page(html)
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert page.text.count("<script>alert('x')</script> & \\u{202e}gpj.exe {{ 7 * 7 }} {% raw %}") == 4
    assert "\u202e" not in html + text
    assert text.count("{{ 7 * 7 }} {% raw %}") == 4


def test_a_hostile_table_is_text_too():
    table = read_table(INVENTED.replace("Keeping of tablets", "<script>\u202e").encode(), "atlantis-7.toml")
    texts = load_texts("en", "request")
    shown = paper_of(
        RECORD, document_of(table), [], texts, digest=None, lacking=("facts",), now=format_instant(NOW), program="p"
    )
    assert "<script>" not in request_html(shown, texts)
    assert "\u202e" not in request_html(shown, texts) + request_text(shown, texts)


def test_the_page_loads_nothing():
    page = Page(both(RECORD, "budapest-29", "ar")[0])
    policies = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; font-src data:"]
    assert not [attrs for _, attrs in page.tags if "src" in attrs or "href" in attrs]


def test_arabic_runs_from_right_to_left_and_numbers_do_not():
    html, text = both(RECORD, "budapest-29", "ar")
    page = Page(html)
    assert page.tags[0] == ("html", {"lang": "ar", "dir": "rtl"})
    assert '<bdi dir="ltr" class="code">203.0.113.7</bdi>' in html
    assert "\u2066203.0.113.7\u2069" in text
    assert "\u2068" not in both(RECORD, "budapest-29", "fr")[1]


def test_lines_of_the_facts_stay_lines():
    record = RECORD | {"facts": "one\r\ntwo\n\nthree"}
    html, text = both(record, "budapest-29")
    assert "one<br>two<br><br>three" in html
    assert "      one\n      two\n      \n      three\n" in text


def test_a_draft_says_what_it_lacks():
    html, text = both(RECORD, "budapest-29", lacking=("identifiers[0].value", "facts"))
    for shown in (Page(html).text, text):
        assert "DRAFT, NOT COMPLETE" in shown
        assert "identifiers[0].value" in shown
    assert "SHA-256" not in html


def test_an_emergency_is_on_the_paper_with_and_without_a_reason():
    assert "yes, it is declared" in both(RECORD | {"emergency": {"declared": True}}, "budapest-29")[1]
    assert "a child in danger" in both(RECORD | {"emergency": {"reason": "a child in danger"}}, "budapest-29")[0]


def test_every_place_is_on_the_paper():
    shown = {place for places in _SECTIONS.values() for place in places} | {
        "hold.unit",
        "nonce",
        "language",
        "instruments",
    }
    leaves = {name for name in PLACES if not any(other.startswith(name + ".") for other in PLACES)}
    assert {name for name in leaves if not name.startswith("identifiers.")} == shown


def test_every_text_is_used_and_every_label_is_there():
    english = json.loads((ROOT / "specs/texts/en.json").read_text())["request"]
    assert list(english) == sorted(english)
    sources = "".join((ROOT / f"evidencekit/report/request.{kind}").read_text() for kind in ("py", "html", "txt"))
    made = {
        place.replace(".", "_")
        for places in _SECTIONS.values()
        for place in places
        if not place.startswith(("authority.", "to."))
    }
    made |= {f"reached_{name}" for name in MEMBERS["authority"]} | {f"s_{name}" for name in _SECTIONS}
    families = ("category_", "id_", "unit_", "limit_", "bound_", "mark_", "status_")
    assert made <= english.keys()
    assert [
        key for key in english if key not in made and f'"{key}"' not in sources and not key.startswith(families)
    ] == []
