"""read/bidi.py: lines of the right width in Latin, Arabic and Chinese; nothing lost, nothing invisible."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.read.bidi import laid_out, width_of

CHINESE = "请把写保护器接好，然后按回车键。现在封存检材（EX-001）吗？"  # noqa: RUF001 (Chinese marks)
ARABIC = "صِل جهاز منع الكتابة، ثم اضغط مفتاح الإدخال. هل نختم المعروض الآن؟"
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp"))


@pytest.mark.parametrize(("text", "cells"), [("abc", 3), ("检材", 4), ("صِل", 2), ("e\u0301", 1), ("", 0)])
def test_cells_are_counted_not_characters(text, cells):
    assert width_of(text) == cells


def test_words_stay_whole_and_breaks_stay():
    assert laid_out("plug the write blocker in\n\nthen press Enter", 12) == [
        "plug the", "write", "blocker in", "", "then press", "Enter",
    ]  # fmt: skip


def test_a_word_longer_than_a_line_is_broken():
    assert laid_out("root " + "e9" * 8, 6) == ["root", "e9e9e9", "e9e9e9", "e9e9"]


def test_chinese_breaks_between_characters_but_not_before_a_comma():
    lines = laid_out(CHINESE, 20)
    assert "".join(lines) == CHINESE
    assert all(width_of(line) <= 20 for line in lines)
    assert len(lines) <= 4
    comma, stop, opening, closing, question = (CHINESE[at] for at in (8, 15, 22, 29, 31))
    assert not any(line[0] in comma + stop + closing + question or line[-1] == opening for line in lines)
    assert any("EX-001" in line for line in lines)


def test_arabic_stays_in_logical_order_without_marks():
    lines = laid_out(ARABIC, 20)
    assert " ".join(lines) == ARABIC
    assert all(width_of(line) <= 20 for line in lines)


def test_no_line_begins_behind_a_blank_that_binds():
    assert laid_out("Codes de sortie\u00a0: fini\u202f; oui", 15) == ["Codes de", "sortie\u00a0: fini\u202f;", "oui"]


@given(st.text(CHARACTERS, max_size=80), st.integers(2, 30))
def test_nothing_is_lost_or_added(text, width):
    lines = laid_out(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line) <= width or len(line) == 1 for line in lines)


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar", "ru", "zh"])
def test_every_text_of_the_catalogues_fits_80_cells(language):
    place = Path(__file__).parents[3] / "specs/texts" / f"{language}.json"
    texts = json.loads(place.read_text()).get("field", {})
    lines = [line for text in texts.values() for line in laid_out(text, 78)]
    assert max(map(width_of, lines), default=0) <= 78
    assert not any(unicodedata.category(char) == "Cf" for line in lines for char in line if char != "\u200f")
