"""Catalogues of the report alone: all that it shows and nothing else, in the letters of the language, else English."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
from judging import JUDGING

from evidencekit.cli.report import report
from evidencekit.read.texts import LANGUAGES, REPORT_LANGUAGES, load_texts
from evidencekit.report.fonts import uncovered
from evidencekit.report.report_page import SECTIONS

TEXTS = Path(__file__).parents[3] / "specs/texts"
PARTIAL = REPORT_LANGUAGES[len(LANGUAGES) :]
CATALOGUES = {name: json.loads((TEXTS / f"{name}.json").read_text()) for name in ("en", "ru", *PARTIAL)}
SCRIPT = {"vi": "LATIN", "kk": "CYRILLIC"}
OWN_LETTERS = {"vi": "ăâđêôơưạảấậếệịộợụự", "kk": "әғқңөұүі"}
NAMES = re.compile(r"\{[^}]*\}|BagIt|FIFO|SHA-256|UTC")
"""Stand as they are in every language."""
SAME_AS_RUSSIAN = {
    *("kinds.file", "kinds.socket"),
    *("report.g_catalogue", "report.g_digest", "report.h_code", "report.h_number"),
}
"""Reviewed: Kazakh has the same word."""


def said(language):
    """What a report can say, by place."""
    own = CATALOGUES[language]
    texts = {f"{name}.{key}": text for name in SECTIONS for key, text in own[name].items()}
    return texts | {f"findings.{code}": one["title"] for code, one in own["findings"].items()}


@pytest.mark.parametrize("language", PARTIAL)
def test_it_has_all_that_the_report_shows_and_nothing_else(language):
    english, own = CATALOGUES["en"], CATALOGUES[language]
    shown = {*SECTIONS, "findings"}
    assert list(own) == [name for name, value in english.items() if isinstance(value, str) or name in shown]
    assert [own[name] for name in ("language", "direction", "status")] == [language, "ltr", "draft"]
    assert list(said(language)) == list(said("en"))
    assert {tuple(one) for one in own["findings"].values()} == {("title",)}


@pytest.mark.parametrize("language", PARTIAL)
def test_each_text_is_one_of_the_language(language):
    english, own = said("en"), said(language)
    assert not [place for place, text in own.items() if not text.strip() or text == english[place]]
    filled = {place: sorted(re.findall(r"\{[^}]*\}", text)) for place, text in own.items()}
    assert filled == {place: sorted(re.findall(r"\{[^}]*\}", text)) for place, text in english.items()}
    letters = {place: [char for char in NAMES.sub("", text) if char.isalpha()] for place, text in own.items()}
    strange = [
        place for place, of in letters.items() if any(SCRIPT[language] not in unicodedata.name(one) for one in of)
    ]
    assert strange == []
    assert [place for place, of in letters.items() if not of] == ([] if language == "vi" else ["report.h_number"])
    assert set(OWN_LETTERS[language]) <= {char.lower() for of in letters.values() for char in of}
    assert not [
        place for place, text in own.items() if unicodedata.normalize("NFC", text) != text or JUDGING.search(text)
    ]
    assert uncovered("".join(own.values())) == []


def test_vietnamese_has_its_marks_and_kazakh_is_not_russian():
    assert {place for place, text in said("vi").items() if text.isascii()} == {"grounds.security"}
    russian = said("ru")
    assert {place for place, text in said("kk").items() if text == russian[place]} == SAME_AS_RUSSIAN


@pytest.mark.parametrize("language", PARTIAL)
def test_what_it_lacks_is_said_in_english(language):
    texts, english = load_texts(language), load_texts("en")
    assert texts.finding("E201") == CATALOGUES[language]["findings"]["E201"]["title"] != english.finding("E201")
    assert texts.word("findings", "E201", "means") == english.word("findings", "E201", "means")
    assert texts("yes") == english("yes")
    assert texts.refusal("U233") is None


def test_the_command_takes_them():
    (option,) = [one for one in report.params if one.name == "lang"]
    assert tuple(option.type.choices) == REPORT_LANGUAGES
