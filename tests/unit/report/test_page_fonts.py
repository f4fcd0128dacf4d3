"""report/page_fonts.py: a page carries the letters that it shows, the same bytes each time, and nothing else changes."""

from __future__ import annotations

import base64
import io
import re

from fontTools.ttLib import TTFont

from evidencekit.report.page_fonts import with_fonts

PAGE = """<!DOCTYPE html>
<title>t</title>
<style>
p { color: red } /* ж */
</style>
<p class="é">a &amp; b &#x628; \u4e2d <bdi>\U0001f9ff</bdi></p>
"""
FACE = re.compile(
    r'@font-face \{ font-family: "([^"]+)"; font-weight: (\d+); src: url\("data:font/ttf;base64,([^"]+)"\) \}\n'
)


def faces(page):
    found = {}
    for family, weight, data in FACE.findall(page):
        with TTFont(io.BytesIO(base64.b64decode(data))) as font:
            found[family, weight] = {chr(code) for code in font.getBestCmap()}
    return found


def test_a_page_carries_the_letters_that_it_shows():
    made = with_fonts(PAGE)
    assert made == with_fonts(PAGE)
    assert FACE.sub("", made) == PAGE
    found = faces(made)
    assert {family for family, _ in found} == {"Noto Sans", "Noto Sans Arabic", "Noto Sans SC", "Noto Sans Mono"}
    assert {"a", "b", "t", "&"} <= found["Noto Sans", "400"] == found["Noto Sans", "700"]
    assert not {"ж", "é", "<", "p"} & found["Noto Sans", "400"]  # of styles and tags, not of the text
    assert found["Noto Sans Arabic", "400"] >= {"\u0628"}
    assert found["Noto Sans SC", "700"] >= {"\u4e2d"}


def test_text_that_no_font_has_changes_nothing():
    assert with_fonts("<style>\n</style><p>\U0001f9ff</p>") == "<style>\n</style><p>\U0001f9ff</p>"
