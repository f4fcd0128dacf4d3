"""cooperation/law.py: the tables that come along say where each rule comes from; all faults of a table are named."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path

import pytest
from requestdraft import INVENTED

from evidencekit.cooperation.law import faults_of, known_tables, read_table
from evidencekit.cooperation.members import MAX_TABLE
from evidencekit.errors import FormatError

TABLES = known_tables()
PACKAGE = Path(__file__).parents[3] / "evidencekit"


def rows(table):
    return (*table.limits, *table.fields, *table.categories)


def limits(identity):
    return {one.id: (one.of, one.amount, one.unit, one.bound, one.source.mark) for one in TABLES[identity].limits}


def rules(identity, need):
    return {one.name: (one.source.citation, one.source.mark) for one in TABLES[identity].fields if one.need == need}


@pytest.mark.parametrize("identity", TABLES)
def test_a_table_that_comes_along_cites_every_rule(identity):
    table = TABLES[identity]
    assert table.limits
    assert table.fields
    for row in rows(table):
        assert row.source.mark in {"confirmed", "unconfirmed"}
        assert len(row.source.citation) > 8
        assert len(row.text) > 3
    assert not table.own


def test_limits_are_those_that_were_read():
    assert limits("budapest-16") == {"hold": ("hold", 90, "days", "most", "confirmed")}
    assert limits("budapest-29") == {"hold": ("hold", 60, "days", "least", "confirmed")}
    assert limits("un-25") == {"hold": ("hold", 90, "days", "most", "unconfirmed")}
    assert limits("un-42") == {"hold": ("hold", 60, "days", "least", "unconfirmed")}
    assert limits("us-2703f") == {
        "hold": ("hold", 90, "days", "least", "confirmed"),
        "extension": ("extension", 90, "days", "least", "confirmed"),
    }
    assert limits("lk-24-2007-19") == {"hold": ("hold", 7, "days", "most", "confirmed")}
    assert limits("gh-preservation") == {"hold": ("hold", 120, "days", "most", "confirmed")}
    assert limits("budapest-2nd-protocol-7") == {"answer": ("answer", 30, "days", "most", "unconfirmed")}
    assert limits("budapest-2nd-protocol-8") == {
        "serve": ("answer", 45, "days", "most", "unconfirmed"),
        "return-subscriber": ("answer", 20, "days", "most", "unconfirmed"),
        "return-traffic": ("answer", 45, "days", "most", "unconfirmed"),
    }
    assert limits("eu-preservation") == {
        "hold": ("hold", 60, "days", "least", "unconfirmed"),
        "extension": ("extension", 30, "days", "least", "unconfirmed"),
    }
    assert limits("eu-production") == {
        "answer": ("answer", 10, "days", "most", "unconfirmed"),
        "answer-emergency": ("answer", 8, "hours", "most", "unconfirmed"),
        "objection": ("objection", 10, "days", "most", "unconfirmed"),
        "objection-emergency": ("objection", 96, "hours", "most", "unconfirmed"),
    }


def test_a_clock_from_receipt_takes_no_limit_from_service():
    table = TABLES["budapest-2nd-protocol-8"]
    assert table.limit("answer").id == "serve"
    assert {one.id for one in table.limits if one.start == "service"} == {"return-subscriber", "return-traffic"}
    served = read_table(
        INVENTED.replace('bound = "least"', 'bound = "least"\nfrom = "service"').encode(), "atlantis-7.toml"
    )
    assert (served.limits[0].start, served.limit("hold")) == ("service", None)
    assert TABLES["eu-production"].limit("answer").id == "answer"
    assert TABLES["eu-production"].limit("answer", there="emergency".__eq__).id == "answer-emergency"
    assert TABLES["eu-production"].limit("hold") is None


def test_article_29_asks_for_what_its_second_paragraph_has():
    article = "ETS 185, Article 29(2)"
    assert rules("budapest-29", "required") == {
        "authority.name": (f"{article}(a)", "confirmed"),
        "offence.name": (f"{article}(b)", "confirmed"),
        "facts": (f"{article}(b)", "confirmed"),
        "identifiers": (f"{article}(c)", "confirmed"),
        "relation": (f"{article}(c)", "confirmed"),
        "custodian": (f"{article}(d)", "confirmed"),
        "necessity": (f"{article}(e)", "confirmed"),
        "intent": (f"{article}(f)", "confirmed"),
        "emergency.reason": (rules("budapest-29", "asked")["hold"][0], "unconfirmed"),
    }


@pytest.mark.parametrize("identity", ["eu-preservation", "eu-production"])
def test_certificates_leave_out_facts_and_grounds(identity):
    assert {"facts", "necessity"} <= rules(identity, "omitted").keys()
    assert {row.source.mark for row in rows(TABLES[identity])} == {"unconfirmed"}
    assert [one.name for one in TABLES[identity].categories] == [
        "subscriber",
        "user_identification",
        "traffic",
        "content",
    ]


def test_when_a_table_holds():
    source = TABLES["eu-production"].source
    assert source.standing(date(2026, 8, 17)) == "not_yet"
    assert source.standing(date(2026, 8, 18)) == "holds"
    assert TABLES["un-42"].source.standing(date(2026, 8, 18)) == "not_known"
    ended = read_table(
        INVENTED.replace("2020-01-01", "2020-01-01\nvalid_until = 2021-12-31").encode(), "atlantis-7.toml"
    )
    assert ended.source.standing(date(2021, 12, 31)) == "holds"
    assert ended.source.standing(date(2022, 1, 1)) == "no_longer"
    assert {row.source.valid_until for row in rows(ended)} == {date(2021, 12, 31)}


FAULTS = {
    "not toml": ('version = "-9600"', "version = -9600 BC", "file"),
    "another name": ('id = "atlantis-7"', 'id = "atlantis-8"', "id"),
    "no id": ('id = "atlantis-7"\n', "", "id"),
    "bad id": ('id = "atlantis-7"', 'id = "Atlantis 7"', "id"),
    "no title": ('title = "Keeping', 'titel = "Keeping', "title"),
    "unknown member": ('version = "-9600"', 'version = "-9600"\ncolour = "red"', "colour"),
    "mark": ('mark = "unconfirmed"\n\n[[limit]]', 'mark = "maybe"\n\n[[limit]]', "mark"),
    "date in quotes": ("valid_from = 2020-01-01", 'valid_from = "2020-01-01"', "valid_from"),
    "ends first": ("valid_from = 2020-01-01", "valid_from = 2020-01-01\nvalid_until = 2019-01-01", "valid_until"),
    "no amount": ("amount = 40", "amount = 0", "limit[0].amount"),
    "true is no amount": ("amount = 40", "amount = true", "limit[0].amount"),
    "unit": ('unit = "days"', 'unit = "weeks"', "limit[0].unit"),
    "start": ('bound = "least"', 'bound = "least"\nfrom = "posting"', "limit[0].from"),
    "no such place": ('name = "validated_by"', 'name = "validated_bye"', "field[0].name"),
    "no such condition": ('when = "emergency"', 'when = "urgency"', "field[2].when"),
    "no such other place": ('or = "custodian.address"', 'or = "custodian.planet"', "field[3].or"),
    "need": ('need = "omitted"', 'need = "forbidden"', "field[1].need"),
    "no citation": ('citation = "Treaty of Atlantis, Chapter 7(2)"\n', "", "field[0].citation"),
    "category": ('name = "clay"', 'name = "Clay tablets"', "category[0].name"),
    "twice": ('name = "intent"', 'name = "validated_by"', "field"),
    "no array": ("[[category]]", "[category]", "category"),
}  # fmt: skip


def test_the_invented_table_is_sound():
    assert faults_of(INVENTED.encode(), "atlantis-7.toml") == []
    table = read_table(INVENTED.encode(), "atlantis-7.toml", own=True)
    assert (table.own, table.fields[3].instead, table.limits[0].start) == (True, "custodian.address", "receipt")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_with_its_place(name):
    before, after, place = FAULTS[name]
    assert INVENTED.count(before) == 1
    faults = faults_of(INVENTED.replace(before, after).encode(), "atlantis-7.toml")
    assert place in [fault.place for fault in faults], faults
    with pytest.raises(FormatError):
        read_table(INVENTED.replace(before, after).encode(), "atlantis-7.toml")


def test_all_faults_are_named_not_the_first_alone():
    text = INVENTED
    for name in ("no title", "mark", "no amount", "no such place", "need"):
        text = text.replace(*FAULTS[name][:2])
    places = {fault.place for fault in faults_of(text.encode(), "atlantis-7.toml")}
    assert places == {"title", "titel", "mark", "limit[0].amount", "field[0].name", "field[1].need"}


@pytest.mark.parametrize("data", [b"\xff", b"a = " + b"[" * 50_000, b"#" * (MAX_TABLE + 1), b"a = 1" + b"0" * 9000])
def test_hostile_files_are_faults(data):
    assert [fault.place for fault in faults_of(data, "x.toml")] == ["file"]


def test_own_tables_take_the_place_of_ours_and_say_so(tmp_path):
    (tmp_path / "atlantis-7.toml").write_text(INVENTED)
    (tmp_path / "budapest-29.toml").write_text(INVENTED.replace("atlantis-7", "budapest-29"))
    tables = known_tables(tmp_path)
    assert list(tables) == sorted([*TABLES, "atlantis-7"])
    assert [name for name, table in tables.items() if table.own] == ["atlantis-7", "budapest-29"]
    assert tables["budapest-29"].title.startswith("Keeping of tablets")


def test_a_folder_with_a_faulty_table_is_not_used(tmp_path):
    (tmp_path / "atlantis-7.toml").write_text(INVENTED.replace("amount = 40", "amount = -1"))
    with pytest.raises(FormatError, match=r"atlantis-7\.toml: limit\[0\]\.amount") as caught:
        known_tables(tmp_path)
    assert "law check" in caught.value.hint


# --- the house ------------------------------------------------------------------------------------------------------


NAMED = re.compile(
    r"budapest|\b2703|2023/1543|\bets.?185|\bepoc\b|hanoi|" + "|".join(map(re.escape, TABLES)), re.IGNORECASE
)


def spoken(path):
    """Words and names of a module that it can act on: not its docstrings, help of options, sentences, examples."""
    tree = ast.parse(path.read_text())
    silent = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in {"help", "hint"}:
            silent |= set(map(id, ast.walk(node)))
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                silent.add(id(statement.value))
    for node in ast.walk(tree):
        if id(node) not in silent:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not re.search(r"\s", node.value):
                yield node.value
            yield from filter(
                None, (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
            )


def test_words_that_name_an_instrument_are_seen(tmp_path):
    (tmp_path / "x.py").write_text('"""budapest-29"""\nif table == "un-42":\n    EPOC = f(help="un-25")\n')
    assert [text for text in spoken(tmp_path / "x.py") if NAMED.search(text)] == ["un-42", "EPOC"]


def test_no_instrument_is_named_in_code():
    named = {
        path.name: found
        for path in PACKAGE.rglob("*.py")
        if (found := [text for text in spoken(path) if isinstance(text, str) and NAMED.search(text)])
    }
    assert named == {}
