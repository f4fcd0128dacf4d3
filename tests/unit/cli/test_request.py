"""`evidencekit request`: a file to fill in, what it lacks and by which article, and paper that leaves out what it must."""

from __future__ import annotations

import json

import pytest
from requestdraft import DRAFT, INVENTED, NOW

from evidencekit.core.request import MEMBERS, decode_request
from evidencekit.core.values import format_instant

AS_OF = ("--now", format_instant(NOW))


def as_json(done, code=0):
    assert done.code == code, done
    return json.loads(done.out)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full.json").write_text(json.dumps(DRAFT))
    (tmp_path / "law").mkdir()
    (tmp_path / "law/atlantis-7.toml").write_text(INVENTED.partition("[[category]]")[0])
    return tmp_path


def fields(document, part):
    return [one["field"] for one in document[part]]


def test_new_writes_every_member_and_what_asks_for_it(cli, place):
    assert cli("request", "new", "--instrument", "budapest-29", "-o", "request.json").code == 0
    draft = json.loads((place / "request.json").read_text())
    assert [name for name in draft if not name.startswith("_")] == list(MEMBERS)
    assert (draft["status"], draft["instruments"], draft["facts"]) == ("new", ["budapest-29"], "")
    help_ = "\n".join(draft["_help"])
    assert "facts: required: a brief summary of the related facts. ETS 185, Article 29(2)(b) [confirmed]" in help_
    assert "custodian (or location): required" in help_
    assert "[unconfirmed]" in help_


def test_two_drafts_have_two_nonces(cli, place):
    for name in ("a.json", "b.json"):
        assert cli("request", "new", "--instrument", "un-42", "-o", name).code == 0
    assert len({json.loads((place / name).read_text())["nonce"] for name in ("a.json", "b.json")}) == 2


def test_a_blank_request_lacks_what_the_article_asks_for(cli, place):
    cli("request", "new", "--instrument", "budapest-29", "-o", "request.json")
    document = as_json(cli("request", "check", "request.json", "--instrument", "budapest-29", "--json"), 3)
    missing = {one["field"]: one for one in document["missing"]}
    assert missing["facts"] == {
        "article": "ETS 185, Article 29(2)(b)", "field": "facts", "mark": "confirmed", "text": "a brief summary of the related facts",
    }  # fmt: skip
    assert {
        "authority.name",
        "offence.name",
        "identifiers",
        "relation",
        "custodian",
        "necessity",
        "intent",
    } <= missing.keys()
    assert document["implausible"] == []
    assert not document["complete"]
    assert (document["instrument"]["id"], document["instrument"]["mark"]) == ("budapest-29", "confirmed")
    text = cli("request", "check", "request.json").out.decode()
    assert "NOT COMPLETE: 10 missing" in text
    assert "ETS 185, Article 29(2)(f) [confirmed]" in text
    assert "[UNCONFIRMED]" in text


def test_values_come_from_files_and_options(cli, place):
    (place / "office.toml").write_text(
        'reference = "24-117"\ndated = 2026-11-17\n[authority]\nname = "Office"\n[[identifiers]]\ntype = "ip"\nvalue = "203.0.113.7"\n'
        "observed_at = 2026-10-03T14:22:07+02:00\nsource_port = 80\n"
    )
    done = cli(
        "request", "new", "--instrument", "un-42", "--from", "office.toml", "--set", "facts=It was so.", "--set", "offence.provisions=a",
        "--set", "offence.provisions=b = c", "--set", "identifiers[1].type=email", "--set", "identifiers[1].value=a@b.example",
        "--set", "emergency.declared=true", "--set", "identifiers[0].source_port=81", "-o", "request.json",
    )  # fmt: skip
    assert done.code == 0, done
    draft = json.loads((place / "request.json").read_text())
    assert draft["authority"]["name"] == "Office"
    assert draft["authority"]["phone"] == ""
    assert draft["dated"] == "2026-11-17"
    assert draft["identifiers"][0] | {"source_port": 81} == {
        "type": "ip", "value": "203.0.113.7", "observed_at": "2026-10-03T14:22:07+02:00", "source_port": 81,
    }  # fmt: skip
    assert draft["identifiers"][1]["value"] == "a@b.example"
    assert draft["offence"]["provisions"] == ["a", "b = c"]
    assert draft["emergency"]["declared"] is True
    document = as_json(cli("request", "check", "request.json", "--json", *AS_OF), 3)
    assert fields(document, "implausible") == []
    again = cli("request", "new", "--instrument", "budapest-29", "--from", "request.json", "-o", "again.json")
    assert again.code == 0
    carried = json.loads((place / "again.json").read_text())
    assert carried["facts"] == "It was so."
    assert carried["nonce"] != draft["nonce"]
    assert carried["instruments"] == ["budapest-29"]


REFUSED = {
    "no output": (("new", "--instrument", "un-42"), 2, "U233"),
    "no such instrument": (("new", "--instrument", "lemuria-1", "-o", "x"), 2, "U300"),
    "exists": (("new", "--instrument", "un-42", "-o", "full.json"), 5, "R501"),
    "no pair": (("new", "--instrument", "un-42", "--set", "facts", "-o", "x"), 2, "U312"),
    "no such place": (("new", "--instrument", "un-42", "--set", "authority.fax=1", "-o", "x"), 2, "U312"),
    "not a value": (("new", "--instrument", "un-42", "--set", "authority=Office", "-o", "x"), 2, "U312"),
    "not an array": (("new", "--instrument", "un-42", "--set", "facts[0].x=1", "-o", "x"), 2, "U312"),
    "an array": (("new", "--instrument", "un-42", "--set", "identifiers=1", "-o", "x"), 2, "U312"),
    "too far": (("new", "--instrument", "un-42", "--set", "identifiers[7].type=ip", "-o", "x"), 2, "U312"),
    "help": (("new", "--instrument", "un-42", "--set", "_help=1", "-o", "x"), 2, "U312"),
    "not json": (("check", "law/atlantis-7.toml", "--instrument", "un-42"), 3, "F100"),
    "gone": (("check", "gone.json", "--instrument", "un-42"), 4, "X420"),
    "which instrument": (("check", "full.json"), 2, "U310"),
    "check over a file": (("check", "full.json", "--instrument", "un-42", "-o", "full.json"), 5, "R501"),
    "render nowhere": (("render", "full.json", "--instrument", "un-42"), 2, "U233"),
    "render over a file": (("render", "full.json", "--instrument", "un-42", "-o", "full.json", *AS_OF), 5, "R501"),
    "render what is not complete": (("render", "empty.json", "--instrument", "un-42", "-o", "x"), 5, "R585"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(cli, place, name):
    arguments, code, said = REFUSED[name]
    (place / "empty.json").write_text("{}")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    done = cli("request", *arguments)
    assert (done.code, done.err.startswith(f"error {said}: ".encode())) == (code, True), done
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_place_that_is_misspelt_gets_those_that_are_near(cli, place):
    done = cli("request", "new", "--instrument", "un-42", "--set", "office.phone=1", "-o", "x")
    assert b"authority.phone, to.phone" in done.err


def test_a_complete_request_becomes_a_record(cli, place):
    document = as_json(
        cli("request", "check", "full.json", "--instrument", "eu-preservation", "-o", "record", "--json", *AS_OF)
    )
    record = decode_request((place / "record").read_bytes())
    assert document["complete"]
    assert document["out"] == "record"
    assert fields(document, "left_out") == ["facts", "necessity", "relation"]
    assert {one["mark"] for one in document["left_out"]} == {"unconfirmed"}
    assert not {"facts", "necessity", "relation"} & record.keys()
    again = as_json(cli("request", "check", "record", "--instrument", "eu-preservation", "--json", *AS_OF))
    assert (again["complete"], again["left_out"]) == (True, [])


def test_an_incomplete_request_becomes_none(cli, place):
    (place / "half.json").write_text(json.dumps(DRAFT | {"facts": ""}))
    done = cli("request", "check", "half.json", "--instrument", "budapest-29", "-o", "record", *AS_OF)
    assert done.code == 3
    assert not (place / "record").exists()
    assert b"Nothing was written" in done.out


def test_an_address_without_an_offset_is_refused(cli, place):
    address = {"type": "ip", "value": "203.0.113.7", "observed_at": "2026-10-03T14:22:07"}
    (place / "ip.json").write_text(json.dumps(DRAFT | {"identifiers": [address]}))
    document = as_json(cli("request", "check", "ip.json", "--instrument", "budapest-29", "--json", *AS_OF), 3)
    (one,) = document["implausible"]
    assert one["field"] == "identifiers[0].observed_at"
    assert one["article"] == "ETS 185, Article 29(2)(c)"
    assert "identifiers[0].source_port" in fields(document, "asked")


def test_one_record_is_rendered_under_several_instruments(cli, place):
    for identity, kind in (("budapest-29", "--html"), ("eu-preservation", "--html")):
        done = cli(
            "request",
            "render",
            "full.json",
            "--instrument",
            identity,
            kind,
            "--lang",
            "fr",
            "-o",
            f"{identity}.html",
            *AS_OF,
        )
        assert done.code == 0, done
    whole, certificate = ((place / f"{name}.html").read_bytes() for name in ("budapest-29", "eu-preservation"))
    for secret in (b"FACTS of", b"RELATION of", b"NECESSITY of"):
        assert secret in whole
        assert secret not in certificate
    assert "Autorité requérante".encode() in certificate
    assert b"Left out under eu-preservation: facts, necessity, relation." in done.out


def test_a_draft_is_printed_where_somebody_says_so(cli, place):
    (place / "half.json").write_text(json.dumps(DRAFT | {"facts": "", "authority": {"name": "x", "phone": "12"}}))
    document = as_json(
        cli(
            "request",
            "render",
            "half.json",
            "--instrument",
            "budapest-29",
            "--draft",
            "--lang",
            "en",
            "-o",
            "half.txt",
            "--json",
            *AS_OF,
        )
    )
    assert (document["complete"], document["sha256"]) == (False, None)
    text = (place / "half.txt").read_text()
    assert "DRAFT, NOT COMPLETE. Still missing or implausible: facts, authority.phone" in text


def test_an_invented_instrument_needs_a_data_file_alone(cli, place):
    """Listed, shown, filled in, checked, rendered: nothing but the table knows of it."""
    law = ("--law", "law")
    assert b"atlantis-7" in cli("law", "list", *law).out
    assert b"Chapter 7(9) [UNCONFIRMED]" in cli("law", "show", "atlantis-7", *law).out
    assert (
        cli(
            "request",
            "new",
            "--instrument",
            "atlantis-7",
            *law,
            "--from",
            "full.json",
            "--set",
            "validated_by=",
            "-o",
            "a.json",
        ).code
        == 0
    )
    document = as_json(cli("request", "check", "a.json", "--instrument", "atlantis-7", *law, "--json", *AS_OF), 3)
    assert [(one["field"], one["article"], one["text"]) for one in document["missing"]] == [
        ("validated_by", "Treaty of Atlantis, Chapter 7(2)", "the seal of the king")
    ]
    assert fields(document, "left_out") == ["intent"]
    assert document["instrument"]["own"]
    assert (
        cli(
            "request",
            "render",
            "full.json",
            "--instrument",
            "atlantis-7",
            *law,
            "--lang",
            "zh",
            "--html",
            "-o",
            "a.html",
            *AS_OF,
        ).code
        == 0
    )
    page = (place / "a.html").read_text()
    assert "Treaty of Atlantis, Chapter 7(2)" in page
    assert DRAFT["intent"] not in page
