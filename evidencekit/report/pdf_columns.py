"""How wide the columns of a table are, from what stands in them: widths that the page states, and fair shares. Pure.

Promises: a column is as wide as its longest word where the paper allows it; the widths sum to the paper's. Letters are
measured as the widest that may stand there: nothing but looks hangs on that.
Source: CSS Table Layout (auto), whose idea it is: https://www.w3.org/TR/CSS22/tables.html#auto-table-layout
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evidencekit.report.fonts import width

Node = dict[str, Any]
_POINT = 25.4 / 72
_INSET = 3.2
"""Millimetres beside a cell's text."""
_MOST = 70
"""Letters of a line that a column asks for; longer texts are set in several lines."""
_TALL = 700
"""Letters in a cell from which on its row may be broken over pages."""


def set_columns(table: Node, paper: float, size: float, usual: Mapping[str, float]) -> None:
    """Put `columns` (millimetres) into a table, and `tall` into rows that may have to be broken.

    Args:
        table: a node as `pdf_tree` makes it.
        paper: width between the margins, in millimetres.
        size: of the type, in points.
        usual: widths of columns by the class of their cells, in millimetres; what a cell states goes first.
    """
    letter = size * _POINT
    least: dict[int, float] = {}
    asked: dict[int, float] = {}
    stated: dict[int, float] = {}
    for row in _rows(table):
        place = 0
        for cell in row["k"]:
            text = _lines(cell)
            row["tall"] = row.get("tall", False) or is_tall(cell)
            wide = cell.get("span", 1)
            if wide == 1:
                words = (part for line in text for part in line.replace("\u200b", " ").split(" "))
                least[place] = max(least.get(place, 0), _INSET + letter * max(map(width, words), default=0))
                lines = (width(line[:_MOST]) for line in text)
                asked[place] = max(asked.get(place, 0), _INSET + letter * max(lines, default=0))
                for said in (cell.get("width"), *(usual.get(name) for name in cell.get("c", ()))):
                    if said is not None:
                        stated.setdefault(place, said)
            place += wide
        for one in range(place):  # also where no row has a cell of its own
            least.setdefault(one, 0)
            asked.setdefault(one, 0)
    fixed = {place: max(said, least[place]) for place, said in stated.items()}
    table["columns"] = _shared(fixed, least, asked, paper)


def is_tall(node: Node) -> bool:
    """Tell whether a block has so much text that a page may have to end within it."""
    return len(_text(node)) > _TALL


def _shared(
    fixed: dict[int, float], least: dict[int, float], asked: dict[int, float], paper: float
) -> list[float]:  # fmt: skip
    """Give each column what is stated, or its least width and a share of the rest by what else it asks for."""
    free = [place for place in least if place not in fixed]
    room = paper - sum(fixed.values()) - sum(least[place] for place in free)
    more = {place: max(asked[place] - least[place], 0.01) for place in free}
    widths = fixed | {place: least[place] + max(room, 0) * more[place] / sum(more.values()) for place in free}
    whole = sum(widths.values())
    return [round(widths[place] * paper / whole, 2) for place in sorted(widths)]


def _rows(table: Node) -> Iterator[Node]:
    for part in table["k"]:
        if part["e"] in {"thead", "tbody"}:
            yield from part["k"]


def _lines(cell: Node) -> list[str]:
    """Return the lines of a cell as the page breaks them."""
    return [line for block in cell["k"] for line in _text(block).split("\n")]


def _text(node: Node) -> str:
    if node["e"] == "br":
        return "\n"
    return "".join(kid if isinstance(kid, str) else _text(kid) for kid in node["k"])
