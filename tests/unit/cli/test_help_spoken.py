"""cli/help.py: `--help` in the languages of the catalogues; specs/texts/help: nothing missing, nothing left over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import click
import pytest
from judging import JUDGING, SCRIPTS
from rich.cells import cell_len

from evidencekit.cli.custody_fields import BY_HAND
from evidencekit.cli.help import Help
from evidencekit.cli.main import evidencekit
from evidencekit.cli.speech import VARIABLE
from evidencekit.cli.verify_only import verify
from evidencekit.read.texts import LANGUAGES, load_texts

OTHERS = LANGUAGES[1:]
TEXTS = Path(__file__).parents[3] / "specs/texts/help"
SAME_AS_ENGLISH = {"fr": {"Options"}, "es": set(), "ar": set(), "ru": set(), "zh": set()}
NAMES = re.compile(
    r"`[^`]*`|(?<![A-Za-z0-9_-])--?[a-z][a-z0-9-]*|(?<![A-Za-z0-9_])[A-Z][A-Z0-9_-]+(?![a-z])|[A-Za-z0-9_./*-]*\.[a-z]{2,4}(?![a-z])|[0-9]+"
)
"""What is the same in each language: commands, options, metavars and short forms, names of files, numbers."""
each_language = pytest.mark.parametrize("language", OTHERS)


def asked_for():
    """Every English text that help of any command wants to have translated."""
    asked = {}

    def ask(text):
        asked[text] = None
        return text

    def walk(command, name, parent=None, args=()):
        context = command.make_context(name, list(args), parent=parent, resilient_parsing=True)
        command.format_help(context, Help(ask, ": ", is_rtl=False, width=78))
        for below in command.list_commands(context) if isinstance(command, click.Group) else ():
            walk(command.get_command(context, below), below, context)

    walk(evidencekit, "evidencekit")
    walk(verify, "evidencekit-verify")
    custody = evidencekit.get_command(None, "custody")
    for kind in BY_HAND:
        walk(custody.get_command(None, "add"), "add", args=["CASE", kind])
    return list(asked)


ENGLISH = asked_for()


def catalogue(language):
    return json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))


def names(text):
    return sorted(NAMES.findall(text))


def test_the_program_asks_for_much():
    assert len(ENGLISH) > 500
    assert {"Usage:", "Options", "Commands", "required", "default", "Seal numbers put on."} <= set(ENGLISH)


@each_language
def test_each_text_has_a_translation_and_none_is_left_over(language):
    own = catalogue(language)
    assert ([text for text in ENGLISH if not own.get(text)], [text for text in own if text not in ENGLISH]) == ([], [])
    assert list(own) == sorted(ENGLISH)


@each_language
def test_names_and_numbers_are_the_same(language):
    assert {text: own for text, own in catalogue(language).items() if names(text) != names(own)} == {}


@each_language
def test_nothing_is_left_in_english(language):
    same = {text for text, own in catalogue(language).items() if text == own}
    assert same == SAME_AS_ENGLISH[language]


@each_language
def test_texts_are_in_the_script_and_have_nothing_hidden(language):
    for own in catalogue(language).values():
        assert own == unicodedata.normalize("NFC", own).strip()
        assert not [char for char in own if unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"}], own
        if language in SCRIPTS:
            assert any(SCRIPTS[language] in unicodedata.name(char, "") for char in own), own


@each_language
def test_nothing_judges(language):
    assert not [own for own in catalogue(language).values() if JUDGING.search(own)]


# --- what is printed ---------------------------------------------------------------------------------------------------

PAGES = {
    "front page": (),
    "group": ("custody",),
    "group of click": ("law",),
    "below a group of click": ("key", "new"),
    "command": ("acquire",),
    "type": ("custody", "add", "CASE", "collect"),
    "guide": ("field", "start"),
    "remarks": ("export",),
    "remark": ("field",),
}


@each_language
@pytest.mark.parametrize("words", PAGES.values(), ids=PAGES)
def test_a_page_has_the_names_of_the_english_one(cli, language, words):
    texts = load_texts(language)
    done, english = cli("--lang", language, *words, "--help"), cli(*words, "--help").out.decode()
    said = done.out.decode()
    assert (done.code, done.err.decode()) == (0, f"{texts('draft')}\n")
    assert said != english
    assert texts.help("Options") in said
    commands = [re.sub("   .*", "", line) for line in english.splitlines() if line.startswith("    evidencekit ")]
    assert bool(commands) == (words not in (PAGES["group"], PAGES["group of click"]))
    assert [line for line in commands if f"\n{line}" not in said] == []
    assert re.findall(r"^  (--?[a-z-]+)", said, re.MULTILINE) == re.findall(r"^  (--?[a-z-]+)", english, re.MULTILINE)
    wide = [line for line in said.splitlines() if cell_len(line) > 80 and line not in english.splitlines()]
    assert not wide


@each_language
def test_a_variable_asks_for_it_too(cli, monkeypatch, language):
    asked = cli("--lang", language, "--help")
    monkeypatch.setenv(VARIABLE, language)
    assert cli("--help") == asked
    assert cli("verify", "--help").out.decode() != cli("--lang", "en", "verify", "--help").out.decode()


def test_a_name_has_a_line_of_its_own_where_words_go_from_right_to_left(cli):
    said = cli("--lang", "ar", "acquire", "--help").out.decode()
    options = [line for line in said.splitlines() if re.match("  --?[a-z]", line)]
    assert len(options) > 20
    assert not [line for line in options if re.search("[\u0600-\u06ff]", line)]


def page(**words):
    """A page of help whose words are given; what is not is said as it is."""
    return Help(lambda text: words.get(text, text), "\u00a0: ", is_rtl=False, width=60)


def test_the_verifier_alone_needs_no_room_that_it_does_not_have():
    """Of the binary `evidencekit-verify` all rooms but a few are left out; its help is spoken all the same."""
    code = (
        "import sys\n"
        "there = sys.argv.pop(1).split()\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith('evidencekit.') and name.split('.')[1] not in there:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from evidencekit.cli.verify_only import main\n"
        "main()\n"
    )
    run = [sys.executable, "-c", code, "cli core errors read texts verify"]
    for words in (("--lang", "fr", "--help"), ("--lang", "ar", "-h")):
        done = subprocess.run([*run, *words], capture_output=True, check=False, timeout=60)
        assert (done.returncode, done.stderr.decode()) == (0, f"{load_texts(words[1])('draft')}\n")
        assert load_texts(words[1]).help("Options") in done.stdout.decode()


def test_what_has_no_translation_is_said_in_english():
    said = page(**{"One.": "Un.", "Fields": "Champs"})
    said.write_text("One.\n\nTwo\nlines.\n\n\b\nOne.\n  as it is\nThree.")
    said.write_heading("Fields of collect")
    assert said.getvalue() == "Un.\n\nTwo lines.\n\nUn.\n  as it is\nThree.\nChamps (collect)\u00a0:\n"


def test_what_is_added_to_an_option_stays_beside_its_text():
    said = page(**{"How many.": "Combien.", "default": "sinon", "required": "exigé", "time": "heure"})
    rows = [
        ("--n N", "How many.  [default: 3; x>=1]"),
        ("--t", "How many.  [time; required; time-stamp|text]"),
        ("-" * 40, "How many."),
        ("CASE", ""),
    ]
    said.write_dl(rows)
    pad = " " * 32
    assert said.getvalue().splitlines() == [
        f"--n N{pad[5:]}Combien.  [sinon\u00a0: 3;",
        f"{pad}x>=1]",
        f"--t{pad[3:]}Combien.  [heure; exigé;",
        f"{pad}time-stamp|text]",
        "-" * 40,
        f"{pad}Combien.",
        "CASE",
    ]


def test_a_refusal_of_usage_keeps_its_english_words(cli):
    own, english = cli("--lang", "fr", "show"), cli("show")
    assert own.err.startswith(english.err)
    assert b"Usage: evidencekit show [OPTIONS] CASE" in english.err
