"""`custody add erase` and `custody split --rows`: shown first, somebody says yes, and what remains is named."""

from __future__ import annotations

import json

import pytest

from evidencekit.core import layout


@pytest.fixture
def erase(cli, case, signing):
    def run(*arguments, item="EX-001"):
        given = ["--item", item, "--authority", "order \x1b[31m7", *signing]
        return cli("custody", "add", case, "erase", *given, *arguments)

    return run


@pytest.fixture
def split(cli, case, signing):
    def run(*arguments):
        return cli("custody", "split", case, "--item", "EX-001", *arguments, *signing)

    return run


def manifests(case):
    return sorted(path.name for path in (case / layout.MANIFESTS).iterdir() if path.name.endswith(".parquet"))


def test_a_dry_run_shows_what_would_go(erase, case, rc):
    before = rc.snapshot(case)
    done = erase("--rows", "EX-001:docs", "--dry-run")
    assert (done.code, done.err) == (0, b"")
    said = done.out.decode()
    assert "  rows        8 of" in said
    assert "nothing was erased: a dry run" in said
    assert "\x1b" not in said
    assert rc.snapshot(case) == before


def test_nobody_there_to_say_yes(erase, case, rc):
    before = rc.snapshot(case)
    done = erase("--rows", "EX-001:docs")
    assert done.code == 2
    assert b"--dry-run" in done.err
    assert rc.snapshot(case) == before


@pytest.mark.parametrize(("answer", "code"), [(True, "00000001.r1.parquet"), (False, "00000001.parquet")])
def test_somebody_is_asked(erase, case, monkeypatch, answer, code):
    asked = []
    monkeypatch.setattr("evidencekit.cli.custody_erase.is_terminal", lambda: True)
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text) or answer)
    assert erase("--rows", "EX-001:docs").code == 0
    assert asked == ["Erase this of EX-001? It cannot be undone"]
    assert code in manifests(case)


def test_it_is_erased_and_what_remains_is_named(erase, case, cli):
    done = erase("--rows", "EX-001:docs/01.txt", "--rows", "EX-001#0", "--groups", "content,name", "--yes")
    assert done.code == 0
    said = done.out.decode()
    assert "erased 2 rows of EX-001: entry 4 by examiner at " in said
    assert "remains: backups, mirrors" in said
    assert "remains: the place of a row" in said
    assert "remains: of these rows: metadata" in said
    assert manifests(case) == ["00000001.r1.parquet", "00000002.r1.parquet"]
    assert cli("verify", case).code == 7
    assert "ERASED    something of 2 rows" in cli("show", case).out.decode()


def test_one_document(erase):
    document = json.loads(erase("--rows", "*.txt", "--yes", "--json").out)
    assert (document["entry"], document["checkpoint"], document["whole"]) == (4, 5, False)
    assert document["rows"] == 5
    assert document["groups"] == ["name", "content", "metadata"]
    assert any("backups" in line for line in document["remains"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 2), (("--rows", "EX-001:docs", "--groups", "names"), 2), (("--rows", "EX-001:nothing"), 2)],
)
def test_what_makes_no_sense(erase, case, rc, arguments, code):
    before = rc.snapshot(case)
    assert erase(*arguments, "--yes").code == code
    assert rc.snapshot(case) == before


def test_finishing_what_was_recorded(erase, case, cli, desk, monkeypatch):
    monkeypatch.setattr("evidencekit.journeys.erase.finish_erasures", lambda *_, **__: [])
    erase("--rows", "EX-001:docs", "--yes")
    monkeypatch.undo()
    assert "00000001.parquet" in manifests(case)
    refused = erase("--rows", "EX-001:docs", "--yes")
    assert refused.code == 5
    assert b"checkpoint finish" in refused.err
    done = cli("checkpoint", "finish", case, "--log-key", desk / "log.pem")
    assert (done.code, b"an erasure carried out to its end" in done.out) == (0, True)
    assert manifests(case) == ["00000001.r1.parquet", "00000002.r1.parquet"]


def test_a_part_by_rows(split, case, cli):
    done = split("--into", "EX-001-1", "--rows", "EX-001:docs", "--json")
    assert (done.code, json.loads(done.out)["rows"]) == (0, 8)
    assert split("--into", "EX-001-2", "--rows", "EX-001:docs/01.txt").code == 5
    assert split("--into", "EX-001-2", "--into", "EX-001-3", "--rows", "p.png").code == 2
    assert split("--into", "EX-001-2", "--glob", "p.png").code == 0
    checked = json.loads(cli("verify", case, "--json").out)["counts"]["checked"]
    assert (checked["selections"], checked["selected_rows"]) == (2, 9)


def test_a_refused_split_leaves_no_list(split, case, cli, rc, desk):
    before = rc.snapshot(case)
    done = cli(
        "custody", "split", case, "--item", "EX-001", "--into", "EX-001-1", "--rows", "EX-001:docs",
        "--signer", desk / "office/other", "--log-key", desk / "log.pem",
    )  # fmt: skip
    assert done.code == 5
    assert rc.snapshot(case) == before
