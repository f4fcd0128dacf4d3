"""report/fonts.py: every word of the product can be shown; what cannot is an escape; the fonts are those of the list."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from evidencekit.read.texts import LANGUAGES
from evidencekit.report.fonts import FOLDER, REGULAR, shown, subset_font, uncovered, width

ROOT = Path(__file__).parents[3]
NAMES = "Жұмабай Әбдіқадырұлы Nguyễn Thị Ánh Łukasz Ørsted Αλέξανδρος محمد گل پیغام 王小明 かな Straße"
MARKS = "→ ≤ ≥ … \u2013 — “ ” « » № § ° · \u00d7 ☐ ☑ ☒ ✓ ✗ ✔ \u2066\u2067\u2069\u200b\u00a0\u202f ●■□"


def test_the_files_are_those_of_the_list():
    listed = dict(reversed(line.split("  ")) for line in (FOLDER / "SHA256SUMS").read_text().splitlines())
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.iterdir()}
    assert {name: digest for name, digest in there.items() if name not in {"README.md", "SHA256SUMS"}} == listed
    assert {f"{family}-Regular.ttf" for family in REGULAR} < listed.keys()
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 8 << 20


def test_names_of_the_table_are_in_the_files():
    for family in REGULAR:
        with TTFont(FOLDER / f"{family}-Regular.ttf", lazy=True) as font:
            assert font["name"].getDebugName(1).startswith("Noto Sans")
            assert "fpgm" not in font  # no hints


@pytest.mark.parametrize("family", [family for family in REGULAR if (FOLDER / f"{family}-Bold.ttf").exists()])
def test_bold_shows_what_regular_shows(family):
    kinds = []
    for weight in ("Regular", "Bold"):
        with TTFont(FOLDER / f"{family}-{weight}.ttf", lazy=True) as font:
            kinds.append(set(font.getBestCmap()))
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_shown(language):
    texts = json.loads((ROOT / f"specs/texts/{language}.json").read_text())
    assert uncovered(json.dumps(texts, ensure_ascii=False).replace("\n", "")) == []


def test_names_and_marks_can_be_shown():
    assert uncovered(NAMES + MARKS) == []


def test_what_no_font_has_is_its_escape():
    assert uncovered("b😀a😀") == ["😀"]
    assert shown("a😀\ue000\udc80\x07b") == "a\\u{1f600}\\u{e000}\\u{dc80}\\u{7}b"
    assert shown("{1f600}") == "{1f600}"


def test_letters_are_measured():
    assert width("中") == 1.0
    assert width("iii") < width("AAA") < width("MMM") < 3
    assert width("a" * 10) == pytest.approx(10 * width("a"))


def test_a_part_of_a_font_is_the_same_each_time():
    part = subset_font("NotoSansArabic-Regular", "محمد 123")
    assert part == subset_font("NotoSansArabic-Regular", reversed("محمد 123"))
    assert len(part) < (FOLDER / "NotoSansArabic-Regular.ttf").stat().st_size / 4
    font = TTFont(io.BytesIO(part))  # which holds no file open
    assert set(font.getBestCmap()) == set(map(ord, "محمد 123"))
    joined = {"init", "medi", "fina"}  # how letters join
    assert joined <= {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
