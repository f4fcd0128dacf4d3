"""Figures as a chart: bars by month, in one SVG (1.1) without scripts, fonts and addresses of the web."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evidencekit.report.templates import templates

WIDTH, LEFT, RIGHT = 820, 200, 740
ROW = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One group."""

    name: str
    figure: str
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one kind, from 0 to the greatest of them."""

    title: str
    bars: tuple[Bar, ...]
    y: int


def stats_svg(figures: dict[str, Any]) -> str:
    """Return the chart of `cooperation.figures.figures`; a panel without bars says that nothing can be shown."""
    items, holds = figures["items"]["by_month"], figures["holds"]
    waits = [(row["month"], row["seizure_to_seal_s"]) for row in items]
    panels: list[Panel] = []
    for title, values in (
        ("Items sealed, by month", [(row["month"], row["items"], f"{row['items']:,}") for row in items]),
        (
            "From seizure to seal, median, by month of the seal",
            [(month, wait["median"], duration(wait["median"])) for month, wait in waits if wait is not None],
        ),
        ("Holds opened, by month", [(row["month"], row["holds"], f"{row['holds']:,}") for row in holds["by_month"]]),
        (
            "Holds, by instrument",
            [(row["instrument"], row["holds"], f"{row['holds']:,}") for row in holds["by_instrument"]],
        ),
    ):
        panels.append(_panel(title, values, panels[-1] if panels else None))
    picture = templates().get_template("stats.svg")
    return picture.render(panels=panels, width=WIDTH, height=_end(panels[-1]) + ROW, left=LEFT, least=figures["least"])


def duration(seconds: int) -> str:
    """Return a duration in the largest two units that it has, as 2 d 4 h."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _panel(title: str, values: Sequence[tuple[str, int, str]], above: Panel | None) -> Panel:
    top = 2 * ROW if above is None else _end(above) + ROW
    most = max((value for _, value, _ in values), default=0) or 1
    bars = (
        Bar(name, figure, top + ROW * number + ROW // 2, round((RIGHT - LEFT) * value / most))
        for number, (name, value, figure) in enumerate(values)
    )
    return Panel(title, tuple(bars), top)


def _end(panel: Panel) -> int:
    """Return where the next one may begin."""
    return panel.y + ROW * (max(1, len(panel.bars)) + 1)
