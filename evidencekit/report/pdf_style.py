"""What a page's own style sheet says about paper: margins, sizes, colours. Pure.

Promises: the style sheet of the page is the one place of sizes and colours; what the page on paper needs and the style
sheet does not say has the default of base.css. Drawings get their colours as literals.
Source: specs/reporting.md, 4; CSS Paged Media 3; CSS Custom Properties 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_MARGIN_BOX = re.compile(r"@[a-z]+-[a-z]+\s*\{[^{}]*\}")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_VARIABLE = re.compile(r"var\((--[a-z0-9]+)\)")
_LENGTHS = re.compile(r"([0-9.]+)mm")
_POINTS = re.compile(r"([0-9.]+)pt")
_FAMILIES = '"Noto Sans", "Noto Sans Arabic", "Noto Sans SC", "Noto Sans Symbols 2"'
_USUAL = {"body": 10.0, "h1": 16.0, "h2": 11.0, "h3": 10.5, "table": 9.0, "dt": 44.0, "margin": 15.0}
_COLOURS = ("ink", "soft", "line", "faint", "tint", "bar", "mark")


class Style:
    """The rules of a style sheet: of two for the same selector and property, the later counts."""

    def __init__(self, css: str) -> None:
        self._rules: dict[str, dict[str, str]] = {}
        plain = _MARGIN_BOX.sub("", _AT_MEDIA.sub("", _COMMENT.sub("", css)))
        for selectors, body in _RULE.findall(plain):
            said = dict(line.split(":", 1) for line in body.split(";") if ":" in line)
            for selector in selectors.split(","):
                rule = self._rules.setdefault(" ".join(selector.split()), {})
                rule.update({name.strip(): value.strip() for name, value in said.items()})

    def record(self) -> dict[str, Any]:
        """Return what the typesetter takes: millimetres, points, and colours as #rgb."""
        return {
            "margin": dict(zip(("top", "side", "bottom"), self._margins(), strict=True)),
            "size": self.points("body"),
            **{name: self.points(name) for name in ("h1", "h2", "h3", "table")},
            "bold": self._said("dd", "font-weight") == "600",
            "sign": self._said(".sign", "grid-template-columns").count("fr") or 2,
            **{name: self._literal(f"var(--{name})") for name in _COLOURS},
        }

    @property
    def width(self) -> float:
        """Millimetres of A4 (ISO 216) between the margins."""
        return 210 - 2 * self._margins()[1]

    @property
    def columns(self) -> dict[str, float]:
        """Widths of columns by the class of their cells, in millimetres."""
        named = {"figure": self._length(".figure", "width"), "bar": self._length("td.bar", "width")}
        return {name: width for name, width in named.items() if width is not None}

    def terms(self, parent: str, classes: Sequence[str]) -> tuple[float, bool]:
        """Return the width of a list's terms in millimetres, and whether it has two columns of pairs.

        `parent`: the element that the list stands in; `classes`: of all that it stands in, the nearest first.
        """
        inside = [self._length(f".{name} dt", "flex-basis") for name in classes]
        plain = self._length("dt", "flex-basis") or self._length("dt", "flex") or _USUAL["dt"]
        pairs = parent == "section" and self._said("section > dl", "grid-template-columns").count("fr") == 2
        return next((width for width in inside if width), plain), pairs

    def drawn(self, svg: str) -> str:
        """Return a drawing that needs nothing else: with its name space, and the colours and fonts of the page."""
        rules = "".join(
            f"{selector}{{{';'.join(f'{name}:{self._literal(value)}' for name, value in rule.items())}}}"
            for selector, rule in self._rules.items()
            if selector.startswith("svg ")
        )
        space = "" if "xmlns=" in svg.partition(">")[0] else ' xmlns="http://www.w3.org/2000/svg"'
        opening, _, rest = svg.partition(">")
        return f"{opening}{space}><style>{rules}svg text{{font-family:{_FAMILIES}}}</style>{rest}"

    def _said(self, selector: str, name: str) -> str:
        return self._rules.get(selector, {}).get(name, "")

    def points(self, selector: str) -> float:
        """Return the size of an element's type in points."""
        for said in (self._said(selector, "font-size"), self._said(selector, "font")):
            if found := _POINTS.search(said):
                return float(found[1])
        return _USUAL[selector]

    def _margins(self) -> tuple[float, float, float]:
        """Return the margins of the paper: top, side, bottom."""
        said = [float(number) for number in _LENGTHS.findall(self._said("@page", "margin"))]
        if not said:
            return _USUAL["margin"], _USUAL["margin"], _USUAL["margin"]
        top, side = said[0], said[min(1, len(said) - 1)]
        return top, side, said[2] if len(said) > 2 else top

    def _length(self, selector: str, name: str) -> float | None:
        found = _LENGTHS.search(self._said(selector, name))
        return float(found[1]) if found else None

    def _literal(self, value: str) -> str:
        """Return a value with each custom property put in."""
        return _VARIABLE.sub(lambda found: self._said(":root", found[1]) or "#000", value)
