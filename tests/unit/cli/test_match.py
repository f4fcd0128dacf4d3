"""`evidencekit match`: counts that add up, names that do not act, one document, exit codes."""

from __future__ import annotations

import hashlib
import json
import unicodedata

import pytest

from evidencekit.cli.match import SHOWN

RESULTS = {"same", "differs", "moved", "not_listed", "not_comparable"}


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def listed(tmp_path):
    """A list of names that act on terminals: one is as sealed, one differs, one is moved, one is missing."""
    lines = [
        b"%s  tab\there\n" % md5(b"content of tab\there").encode(),
        b"%s  plain\n" % md5(b"other").encode(),
        b"%s  \x1b[31mred\n" % md5(b"content of -dash").encode(),
        b"%s  \xe2\x80\xae\xff\x1b]0;x\x07\n" % md5(b"nothing").encode(),
        b"\x1b[2J\n",
    ]
    (tmp_path / "list\x1b[31m").write_bytes(b"".join(lines))
    return tmp_path / "list\x1b[31m"


def harmless(data):
    bad = {character for character in data.decode() if character != "\n" and unicodedata.category(character)[0] == "C"}
    assert not bad
    return data.decode()


def test_a_person_is_told_counts_that_add_up_and_names(cli, case, signing, listed):
    done = cli("match", case, listed, *signing)
    said = harmless(done.out).splitlines()
    assert (done.code, done.err) == (6, b"")
    counts = {
        line.split()[0]: int(line.split()[1].replace(",", ""))
        for line in said
        if line.startswith("  ") and len(line.split()) > 2 and line.split()[0] in RESULTS | {"rows", "missing"}
    }
    assert counts["rows"] == sum(counts[name] for name in RESULTS)
    assert (counts["same"], counts["differs"], counts["moved"], counts["missing"]) == (1, 1, 1, 1)
    assert counts["not_comparable"] > 0  # what was left out at the acquisition
    assert "  plain: md5" in said
    assert r"  -dash, listed as \u{1b}[31mred" in said
    assert r"  \u{202e}\xff\u{1b}]0;x\u{7} (line 4)" in said
    assert "  line 5: not a digest, two blanks and a name" in said
    assert any(line.startswith("  assumed     32 digits are those of md5") for line in said)
    assert said[-1].startswith("sealed EX-001: ")


def test_one_document(cli, case, signing, listed):
    done = cli("match", case, listed, *signing, "--json")
    assert (done.code, done.err) == (6, b"")
    assert done.out.isascii()
    found = json.loads(done.out)
    assert set(found["results"]) == RESULTS
    assert found["total"] == len(found["rows"]) == sum(found["results"].values()) - 1 + found["missing"]
    by_result = {row["result"]: row for row in found["rows"]}
    assert by_result["differs"] | {"index": 0} == {
        "compared": ["md5"], "index": 0, "listed": {"md5": md5(b"other")}, "path": "plain", "result": "differs",
    }  # fmt: skip
    assert by_result["moved"]["listed_as"] == "\x1b[31mred"
    assert (by_result["missing"]["line"], by_result["missing"]["path_hex"][:8]) == (4, "e280aeff")
    assert found["list"] == {
        "assumed": "32 digits are those of md5", "columns": None, "digests": ["md5"], "entries": 4, "fits": 2,
        "format": "md5sum", "mapping": {"add": "", "backslashes": False, "remove": ""},
        "sha256": hashlib.sha256(listed.read_bytes()).hexdigest(),
    }  # fmt: skip
    assert (found["exhibit"], found["compared"], found["under"]) == ("EX-001", ["md5"], "")
    assert found["unreadable"] == [{"line": 5, "reason": "not a digest, two blanks and a name"}]
    assert (found["unreadable_lines"], found["missing"]) == (1, 1)
    assert found["checkpoint"]["size"] == 5


def test_all_compared_and_all_understood_is_done(cli, case, signing, tmp_path):
    (tmp_path / "list").write_bytes(b"%s  docs/01.txt\n" % md5(b"letter 1\n").encode())
    done = cli("match", case, tmp_path / "list", "--under", "docs/01.txt", *signing)
    assert done.code == 0
    assert "1 of 1 are paths of rows, as they are" in done.out.decode()
    assert "  under       docs/01.txt" in done.out.decode()


def test_how_the_names_were_read_is_said(cli, case, signing, tmp_path):
    (tmp_path / "list").write_bytes(b"%s  E:\\x\\01.txt\n" % md5(b"letter 1\n").encode())
    done = cli("match", case, tmp_path / "list", "--under", "docs", "--strip", "E:\\x", *signing)
    assert "1 of 1 are paths of rows, without E:/x/, with docs/ before them, with / for \\" in done.out.decode()


def test_the_columns_of_a_table_are_said(cli, case, signing, tmp_path):
    (tmp_path / "list").write_text(f"Full \x1bPath,Hash (MD5)\nplain,{md5(b'content of plain')}\n".replace("\x1b", ""))
    done = cli("match", case, tmp_path / "list", *signing)
    assert "  columns     path: Full Path, md5: Hash (MD5)" in done.out.decode()


def test_the_first_of_many_names_are_shown(cli, case, signing, tmp_path):
    lines = [b"%032x  gone%d\n" % (number, number) for number in range(SHOWN + 5)]
    (tmp_path / "list").write_bytes(b"".join(lines))
    done = cli("match", case, tmp_path / "list", *signing)
    assert f"missing, the first {SHOWN} of {SHOWN + 5}: --json has all" in done.out.decode()
    assert done.out.count(b"  gone") == SHOWN
    assert len(json.loads(cli("match", case, tmp_path / "list", *signing, "--json").out)["rows"]) > SHOWN + 5


def test_quiet_says_the_result_alone(cli, case, signing, listed):
    done = cli("match", case, listed, *signing, "--quiet")
    assert done.out.count(b"\n") == 1
    assert done.out.startswith(b"sealed EX-001: ")


def test_the_rows_are_found_again_and_the_case_tells_of_it(cli, case, signing, listed):
    cli("match", case, listed, *signing)
    found = json.loads(cli("find", case, "--match", "differs", "--json").out)
    assert [row["path"] for row in found["rows"]] == ["plain"]
    (item,) = json.loads(cli("show", case, "--json").out)["items"]
    assert item["matches"][0]["results"]["moved"] == 1
    shown = harmless(cli("show", case).out)
    digest = hashlib.sha256(listed.read_bytes()).hexdigest()
    assert f"  match     md5sum list, SHA-256 {digest}: 1 same, 1 differs, 1 moved, " in shown
    assert json.loads(cli("verify", case, "--json").out)["verdict"] == "INTEGRITY ONLY"


REFUSED = {
    "no list": (b"what is this?\n", (), "U217", 2),
    "another form": (b"0" * 32 + b"  a\n", ("--format", "bsd"), "U217", 2),
    "no digest in common": (b"0" * 40 + b"  a\n", (), "U218", 2),
    "no such folder": (b"0" * 32 + b"  a\n", ("--under", "\x1b[31m"), "U219", 2),
    "no such exhibit": (b"0" * 32 + b"  a\n", ("--exhibit", "EX-009"), "U215", 2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compared(cli, case, signing, tmp_path, name):
    data, options, code, exit_code = REFUSED[name]
    (tmp_path / "list").write_bytes(data)
    done = cli("match", case, tmp_path / "list", *options, *signing)
    assert (done.code, done.out) == (exit_code, b"")
    assert harmless(done.err).startswith(f"error {code}: ")
    error = json.loads(cli("match", case, tmp_path / "list", *options, *signing, "--json").out)["error"]
    assert error["code"] == code


def test_a_list_that_is_not_there(cli, case, signing, tmp_path):
    done = cli("match", case, tmp_path / "no\x1b", *signing)
    assert done.code == 4
    assert harmless(done.err).startswith("error X403: ")
