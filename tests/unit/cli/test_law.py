"""`evidencekit law`: tables with their marks, all faults of somebody's own, what takes the place of ours."""

from __future__ import annotations

import json

import pytest
from requestdraft import INVENTED


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "law"
    folder.mkdir()
    (folder / "atlantis-7.toml").write_text(INVENTED)
    return folder


def as_json(done, code=0):
    assert done.code == code, done
    return json.loads(done.out)


def test_list_has_marks_and_dates(cli):
    tables = {one["id"]: one for one in as_json(cli("law", "list", "--now", "2026-01-01", "--json"))["tables"]}
    assert tables["budapest-29"]["mark"] == "confirmed"
    assert tables["budapest-29"]["valid_from"] == "2004-07-01"
    assert tables["eu-production"]["standing"] == "not_yet"
    assert tables["un-42"]["standing"] == "not_known"
    text = cli("law", "list", "--now", "2026-01-01").out.decode()
    line = next(line for line in text.splitlines() if line.startswith("eu-production"))
    assert "unconfirmed" in line
    assert "NOT YET VALID" in line
    later = cli("law", "list", "--now", "2026-12-01").out.decode()
    assert "NOT YET VALID" not in later


def test_show_prints_each_rule_with_citation_and_mark(cli):
    text = cli("law", "show", "budapest-29").out.decode()
    document = as_json(cli("law", "show", "budapest-29", "--json"))
    for row in (*document["limits"], *document["fields"], *document["categories"]):
        mark = row["mark"].upper() if row["mark"] == "unconfirmed" else row["mark"]
        assert f"{row['citation']} [{mark}]" in text
        assert row["text"] in text
    assert "hold at least 60 days" in text
    assert "FR (2006-05-01)" in text
    assert "[UNCONFIRMED]" in text
    assert document["parties"]["states"]["FR"] == "2006-05-01"


def test_show_says_what_is_not_known(cli):
    text = cli("law", "show", "un-42").out.decode()
    assert "not known when it came into force" in text
    assert "nobody is known to be one" in text
    assert as_json(cli("law", "show", "un-42", "--json"))["parties"] is None
    assert "Not yet valid" in cli("law", "show", "eu-production", "--now", "2025-01-01").out.decode()
    assert "from service" in cli("law", "show", "budapest-2nd-protocol-8").out.decode()


def test_own_tables_are_listed_and_shown_as_such(cli, own):
    (own / "budapest-29.toml").write_text(INVENTED.replace("atlantis-7", "budapest-29"))
    tables = {one["id"]: one["own"] for one in as_json(cli("law", "list", "--law", own, "--json"))["tables"]}
    assert (tables["atlantis-7"], tables["budapest-29"], tables["budapest-16"]) == (True, True, False)
    shown = cli("law", "show", "budapest-29", "--law", own).out.decode()
    assert "Keeping of tablets" in shown
    assert "a table of your own" in shown


def test_an_unknown_table_names_those_that_there_are(cli):
    done = cli("law", "show", "lemuria-1")
    assert done.code == 2
    assert b"error U300" in done.err
    assert b"budapest-29" in done.err


def test_check_names_all_faults_of_all_files(cli, own):
    (own / "bad-1.toml").write_text(INVENTED.replace("amount = 40", "amount = 0").replace('"least"', '"less"'))
    (own / "parties.toml").write_text("[[list]]\n")
    done = as_json(cli("law", "check", own / "atlantis-7.toml", own / "bad-1.toml", own / "parties.toml", "--json"), 3)
    assert not done["sound"]
    bad = {one["place"]: one for one in done["faults"] if one["file"].endswith("bad-1.toml")}
    assert bad.keys() == {"id", "limit[0].amount", "limit[0].bound"}
    assert bad["limit[0].bound"]["expected"] == "one of least, most"
    assert bad["limit[0].bound"]["found"] == "less"
    assert {one["place"] for one in done["faults"] if one["file"].endswith("parties.toml")} >= {
        "list[0].tables",
        "list[0].mark",
    }
    text = cli("law", "check", own / "atlantis-7.toml", own / "bad-1.toml").out.decode()
    assert "atlantis-7.toml: sound" in text
    assert "limit[0].amount: expected a whole number from 1, found 0" in text


def test_check_of_a_sound_file_ends_with_0(cli, own):
    assert as_json(cli("law", "check", own / "atlantis-7.toml", "--json")) == {"faults": [], "files": 1, "sound": True}
    assert cli("law", "check", own / "gone.toml").code == 4


def test_a_folder_with_a_faulty_table_is_not_used(cli, own):
    (own / "atlantis-7.toml").write_text("id = 7")
    done = cli("law", "list", "--law", own)
    assert done.code == 3
    assert b"atlantis-7.toml: id" in done.err
    assert b"law check" in done.err
