"""The fonts that come with the program, for pages that have to look the same everywhere: which, and what they can show.

Promises: pure but for reading the files beside this module; the same characters give the same bytes of a font.
Source: fonts/README.md; OpenType 1.9 (`cmap`).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FOLDER = Path(__file__).parent / "fonts"
REGULAR = ("NotoSans", "NotoSansArabic", "NotoSansSC", "NotoSansMono", "NotoSansSymbols2")
"""Each family's regular weight; what has a bold one has the same characters in it."""
_CODE = 0.53
"""Of a letter of Noto Sans Mono, at the smaller size in which code is set."""
_WIDEST = 1.0
"""Of letters that Noto Sans has not: as wide as a Chinese one."""
_PRIVATE = (range(0xE000, 0xF900), range(0xF0000, 0x110000))
"""What a font shows for these is its own secret (Unicode Standard 23.5), which PDF/A forbids."""


def uncovered(text: str) -> list[str]:
    """Return the characters of a text that no font can show, each once, in order."""
    known = _known()
    return sorted(character for character in set(text) if ord(character) not in known)


def covered(family: str, characters: Iterable[str]) -> set[str]:
    """Return those of some characters that a family (`NotoSansMono`) can show."""
    known = _of(family)
    return {character for character in characters if ord(character) in known}


def shown(text: str) -> str:
    r"""Return a text with each character that no font can show as its escape, as `\u{1f600}`: never an empty box."""
    escapes = {ord(character): f"\\u{{{ord(character):x}}}" for character in uncovered(text)}
    return text.translate(escapes)


def width(text: str) -> float:
    """Return how wide a text is at most, set on one line, in parts of the size of its type: bold, or as code."""
    advances = _advances()
    return sum(advances.get(ord(character), _WIDEST) for character in text)


def subset_font(name: str, characters: Iterable[str]) -> bytes:
    """Return a font (`NotoSans-Bold`) as TrueType that can show these characters, and little else.

    What it has not is left out silently: ask `uncovered` first. How letters join is kept.
    """
    work = subset.Subsetter(subset.Options(hinting=False, layout_features=["*"], notdef_outline=True))
    work.populate(unicodes=sorted({ord(character) for character in characters}))
    out = io.BytesIO()
    with TTFont(FOLDER / f"{name}.ttf", recalcTimestamp=False) as font:
        work.subset(font)
        font.save(out)
    return out.getvalue()


@cache
def _advances() -> dict[int, float]:
    with TTFont(FOLDER / "NotoSans-Bold.ttf", lazy=True) as font:
        measures, size = font["hmtx"].metrics, font["head"].unitsPerEm
        return {code: max(measures[name][0] / size, _CODE) for code, name in font.getBestCmap().items()}


@cache
def _known() -> frozenset[int]:
    return frozenset().union(*map(_of, REGULAR))


@cache
def _of(family: str) -> frozenset[int]:
    with TTFont(FOLDER / f"{family}-Regular.ttf", lazy=True) as font:
        return frozenset(code for code in font.getBestCmap() if not any(code in private for private in _PRIVATE))
