"""cli/speech.py: answers in the language that somebody asked for; what programs read is the same in each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from evidencekit.cli import surroundings
from evidencekit.cli.speech import VARIABLE, Speech
from evidencekit.cli.surroundings import language
from evidencekit.read.texts import LANGUAGES, load_texts

OTHERS = LANGUAGES[1:]
GOOD = Path(__file__).parents[3] / "specs/vectors/cases/good"
SMALL = GOOD / "0.1_small/case"
NOW = "2026-11-22T09:00:00Z"
DRAFT = {name: load_texts(name)("draft") for name in OTHERS}


def lines(data: bytes) -> list[str]:
    return data.decode().splitlines()


# --- who asks ----------------------------------------------------------------------------------------------------------


def test_the_system_does_not_choose_the_language(cli, monkeypatch):
    plain = cli("show", SMALL)
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert cli("show", SMALL) == plain
    assert plain.err == b""


def test_english_can_be_asked_for(cli):
    assert cli("--lang", "en", "show", SMALL) == cli("show", SMALL)


def test_the_option_goes_before_the_variable(cli, monkeypatch):
    spanish = cli("--lang", "es", "show", SMALL)
    monkeypatch.setenv(VARIABLE, "es")
    assert cli("show", SMALL) == spanish
    assert cli("--lang", "ru", "show", SMALL).out != spanish.out


def test_an_empty_variable_asks_for_nothing(cli, monkeypatch):
    plain = cli("explain", "E202")
    monkeypatch.setenv(VARIABLE, "")
    assert cli("explain", "E202") == plain


@pytest.mark.parametrize("value", ["de", "FR", "fr_CH", "\x1b[31m"])
def test_a_language_without_words_is_refused(cli, monkeypatch, value):
    done = cli("--lang", value, "show", SMALL)
    assert (done.code, done.out) == (2, b"")
    assert lines(done.err)[0].startswith("error U242: ")
    assert "\x1b" not in done.err.decode()
    monkeypatch.setenv(VARIABLE, value)
    refused = cli("show", SMALL, "--json")
    assert (refused.code, json.loads(refused.out)["error"]["code"]) == (2, "U242")
    assert cli("--help").code == 0


@pytest.mark.parametrize(("asked", "found"), [("ar", "ar"), ("en", "en"), (None, "fr")])
def test_papers_and_the_guide_follow_it_before_the_system(monkeypatch, asked, found):
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    with click.Context(click.Command("any"), obj=Speech(asked)):
        assert language() == found


# --- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OTHERS)
def test_a_refusal_keeps_its_message_and_has_the_words_below(cli, name):
    english, own = (lines(cli("--lang", which, "show", "/no/such/case").err) for which in ("en", name))
    texts = load_texts(name)
    assert english[0].startswith("error X401: /no/such/case")
    assert own == [*english, f"  {texts.refusal('X401')}", DRAFT[name]]


@pytest.mark.parametrize("name", OTHERS)
def test_wrong_usage_has_the_words_below(cli, name):
    english, own = (cli("--lang", which, "show") for which in ("en", name))
    assert own.code == english.code == 2
    assert own.err.startswith(english.err)
    assert lines(own.err)[-2:] == [f"  {load_texts(name).refusal('U200')}", DRAFT[name]]


# --- what programs read ------------------------------------------------------------------------------------------------

COMMANDS = {
    "verify": ("verify", SMALL, "--now", NOW),
    "show": ("show", SMALL),
    "status": ("custody", "status", GOOD / "0.1_custody/case"),
    "log": ("custody", "log", SMALL),
    "explain": ("explain", "X401"),
    "explain all": ("explain",),
    "refusal": ("show", "/no/such/case"),
    "usage": ("show",),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_json_is_the_same_in_each_language(cli, monkeypatch, command, name):
    monkeypatch.setattr(surroundings, "clock", lambda: 1_780_000_000_000_000_000)  # `status` counts the seconds left
    assert cli("--lang", name, *command, "--json") == cli(*command, "--json")


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_that_words_are_a_draft_is_said_once_at_the_end(cli, command, name):
    done, plain = cli("--lang", name, *command), cli(*command)
    assert done.code == plain.code
    assert lines(done.err)[-1] == DRAFT[name]
    assert (done.out + done.err).count(DRAFT[name].encode()) == 1
    assert done.out != plain.out or done.err != plain.err + f"{DRAFT[name]}\n".encode()


def test_what_says_nothing_in_the_language_is_no_draft(cli):
    assert cli("--lang", "fr", "law", "list") == cli("law", "list")


# --- explain -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(("code", "section"), [("E202", "findings"), ("R504", "refusals")])
def test_each_member_of_a_code_is_said_in_the_language(cli, name, code, section):
    said = cli("--lang", name, "explain", code).out.decode()
    texts = load_texts(name)
    members = ("title", "means", "do") + (("means_not",) if section == "findings" else ())
    assert [member for member in members if texts.word(section, code, member) not in said] == []
    assert said.startswith(f"{code}  ")


@pytest.mark.parametrize("name", OTHERS)
def test_all_codes_are_listed_in_the_language(cli, name):
    english = [line.split()[0] for line in lines(cli("explain").out)[1:]]
    own = lines(cli("--lang", name, "explain").out)
    assert [line.split("  ")[0] for line in own] == english
    assert f"E202  {load_texts(name).finding('E202')}" in own


# --- where it is printed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_letters_that_an_output_lacks_change_no_exit_code(tmp_path, encoding):
    """A redirect on Windows has the letters of its code page alone; what is done is done, and is said as done."""
    command = [sys.executable, "-m", "evidencekit", "--lang", "ru", "key", "new", tmp_path / "key", "--no-passphrase"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=60)
    said = f"  {load_texts('ru').word('done', 'key_made')}"
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert said.encode(encoding, "backslashreplace") in done.stdout.splitlines()
