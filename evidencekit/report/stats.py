"""Figures as a chart: bars by month, in one SVG (1.1) without scripts, fonts and addresses of the web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evidencekit.report.durations import duration
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


Values = Sequence[tuple[str, int, str]]
"""Of each group its name, its value, and that in words."""


def stats_svg(figures: dict[str, Any]) -> str:
    """Return the chart of `cooperation.figures.figures`; a panel without bars says that nothing can be shown."""
    panels: list[Panel] = []
    for title, values in _panels(figures):
        panels.append(_panel(title, values, panels[-1] if panels else None))
    picture = templates().get_template("stats.svg")
    return picture.render(panels=panels, width=WIDTH, height=_end(panels[-1]) + ROW, left=LEFT, least=figures["least"])


def _panels(figures: dict[str, Any]) -> Iterator[tuple[str, Values]]:
    """Yield titles and values; of requests, the months alone where there are none."""
    items, holds = figures["items"]["by_month"], figures["holds"]
    yield "Items sealed, by month", _numbers(items, "month", "items")
    yield "From seizure to seal, median, by month of the seal", _medians(items, "month", "seizure_to_seal_s")
    yield "Holds opened, by month", _numbers(holds["by_month"], "month", "holds")
    yield "Holds, by instrument", _numbers(holds["by_instrument"], "instrument", "holds")
    for side, since in (("received", "receipt"), ("sent", "sending")):
        requests = figures["requests"][side]
        yield f"Requests {side}, by month", _numbers(requests["by_month"], "month", "requests")
        if requests["by_month"]:
            yield f"Requests {side}, by instrument", _numbers(requests["by_instrument"], "instrument", "requests")
            yield f"Requests {side}, by outcome", _numbers(requests["by_outcome"], "outcome", "requests")
            for name in ("month", "instrument"):
                times = _medians(requests[f"by_{name}"], name, "answer_s")
                yield f"From {since} to an outcome, median, by {name} of the request", times


def _numbers(rows: Iterable[dict[str, Any]], group: str, name: str) -> Values:
    return [(row[group], row[name], f"{row[name]:,}") for row in rows]


def _medians(rows: Iterable[dict[str, Any]], group: str, name: str) -> Values:
    known = ((row[group], row[name]["median"]) for row in rows if row[name] is not None)
    return [(of, median, duration(median)) for of, median in known]


def _panel(title: str, values: Values, above: Panel | None) -> Panel:
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
