"""The fonts of a page inside of it, cut to the characters that it shows: it looks the same on a computer without them.

Promises: the same page gets the same bytes; nothing but a style is added; what no font has is left to the browser.
Source: specs/reporting.md, 3; CSS Fonts 4 (`@font-face`).
"""

from __future__ import annotations

import base64
import html
import re

from evidencekit.report.fonts import REGULAR, covered, subset_font

_FAMILIES = {
    "NotoSans": "Noto Sans",
    "NotoSansArabic": "Noto Sans Arabic",
    "NotoSansSC": "Noto Sans SC",
    "NotoSansMono": "Noto Sans Mono",
    "NotoSansSymbols2": "Noto Sans Symbols 2",
}
_IN_BOLD = frozenset({"NotoSans", "NotoSansArabic", "NotoSansSC"})
_FALLBACK = "NotoSansMono"
"""Used beside the others, for codes and paths; the others only for what those before them have not."""
_STYLE = "<style>\n"
_MARKUP = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


def with_fonts(page: str) -> str:
    """Return an HTML page of ours with its fonts in its style."""
    characters = set(html.unescape(_MARKUP.sub("", page)))
    faces, left = [], set(characters)
    for name in REGULAR:
        own = covered(name, characters if name == _FALLBACK else left)
        if name != _FALLBACK:
            left -= own
        if own:
            faces += [
                _face(name, weight, own) for weight in (("Regular", "Bold") if name in _IN_BOLD else ("Regular",))
            ]
    return page.replace(_STYLE, _STYLE + "".join(faces), 1)


def _face(name: str, weight: str, characters: set[str]) -> str:
    data = base64.b64encode(subset_font(f"{name}-{weight}", characters)).decode()
    number = 700 if weight == "Bold" else 400
    return (
        f'@font-face {{ font-family: "{_FAMILIES[name]}"; font-weight: {number}; '
        f'src: url("data:font/ttf;base64,{data}") }}\n'
    )
