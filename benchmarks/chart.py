"""The ratios as a chart: one bar a peer, on a logarithmic scale, to the right of 1 where evidencekit is faster. Pure.

SVG without scripts and outside resources; its colours follow the reader's light or dark mode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.ratios import Outcome, Runs, Spread, ratio, reached, spread
from benchmarks.report import TIMES, shown, shown_goal

_WIDTH = 920
_LEFT, _RIGHT = 285, 730
"""Where the bars are; names stand to the left, figures to the right."""
_ROW, _BAR = 23, 13
_HEAD, _GAP, _TITLE = 118, 16, 26
"""Height of the chart's head, of the space above a task, of its title."""
_WIDEST = (1 / 8, 16.0)
"""Ratios beyond are cut off, with an arrow."""

_LIGHT = {
    "paper": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "grid": "#e4e8ec", "fast": "#2f74c0", "slow": "#d0702a",
    "limit": "#a3adb8", "met": "#1a7f37", "missed": "#c62f3a",
}  # fmt: skip
_DARK = {
    "paper": "#0d1117", "ink": "#e6edf3", "soft": "#9aa5b1", "grid": "#262d36", "fast": "#5b9be3", "slow": "#e58a45",
    "limit": "#68727e", "met": "#4ac26b", "missed": "#ff7b72",
}  # fmt: skip
_STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
  .soft { font-size: 12px; } .title { font-size: 18px; } .title, .task, .figure { font-weight: 600; }
  .one { stroke-width: 1.5; } .range { stroke-width: 1.2; opacity: .65; } .goal { stroke-width: 1.6; }"""


def _colours(of: dict[str, str]) -> str:
    """Return rules for one mode, without variables, which not every program that draws SVG knows."""
    fills = " ".join(f".{name} {{ fill: {colour}; }}" for name, colour in of.items())
    ink, paper = of["ink"], of["paper"]
    strokes = f".one, .range {{ stroke: {ink}; }} .grid {{ stroke: {of['grid']}; }}"
    return f"text {{ fill: {ink}; }} {fills} {strokes} .goal {{ fill: {paper}; stroke: {ink}; }}"


class _Scale:
    """Ratios to places."""

    def __init__(self, figures: Sequence[float]) -> None:
        least = max(_WIDEST[0], min([*figures, 0.5]))
        most = min(_WIDEST[1], max([*figures, 2.0]))
        self.low, self.high = math.floor(math.log2(least)), math.ceil(math.log2(most))

    def place(self, figure: float) -> float:
        """Return the place of a ratio; one beyond the scale is at its end."""
        share = (math.log2(max(figure, 1e-9)) - self.low) / (self.high - self.low)
        return _LEFT + min(1.0, max(0.0, share)) * (_RIGHT - _LEFT)

    def holds(self, figure: float) -> bool:
        """Tell whether a ratio is on the scale."""
        return 2.0**self.low <= figure <= 2.0**self.high

    def ticks(self) -> Iterator[tuple[float, str]]:
        """Yield places and their names."""
        for power in range(self.low, self.high + 1):
            yield self.place(2.0**power), f"{2**power}{TIMES}" if power >= 0 else f"1/{2**-power}{TIMES}"


def chart(outcomes: Sequence[Outcome]) -> str:
    """Return the chart of some outcomes as SVG; contenders without figures are named in it."""
    every = [(runs, outcome.ours) for outcome in outcomes for runs in outcome.contenders[1:]]
    figures = [figure for runs, ours in every for figure in _figures(runs, ours)]
    scale = _Scale(figures)
    body: list[str] = []
    top = _HEAD
    for outcome in outcomes:
        top += _GAP
        body.append(_text(16, top + 14, outcome.title, "task"))
        body.append(_text(_WIDTH - 16, top + 14, _about(outcome), "soft", "end"))
        top += _TITLE
        for runs in outcome.contenders[1:]:
            body += _bar(runs, outcome.ours, scale, top)
            top += _ROW
    height = top + 14
    label = "Time of other tools divided by the time of evidencekit, per task"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">',
            f"<style>{_STYLE}\n  {_colours(_LIGHT)}",
            f"  @media (prefers-color-scheme: dark) {{ {_colours(_DARK)} }}\n</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="8"/>',
            *_head(scale),
            *_grid(scale, height - 8),
            *body,
            "</svg>\n",
        ]
    )


def _about(outcome: Outcome) -> str:
    own = f"evidencekit {spread(outcome.ours.wall).median:.2f} s" if outcome.ours.wall else ""
    return " · ".join(word for word in (outcome.corpus, own) if word)


def _figures(runs: Runs, ours: Runs) -> list[float]:
    found = ratio(runs, ours)
    return ([found.median] if found else []) + ([runs.goal] if runs.goal else [])


def _head(scale: _Scale) -> list[str]:
    one = scale.place(1)
    return [
        _text(16, 32, "How many times as long as evidencekit the others take", "title"),
        _text(16, 54, "Median of paired runs, warm page cache. Thin line: from the least to the most of them.", "soft"),
        *_key(16, "fast", "evidencekit is faster"),
        *_key(176, "slow", "evidencekit is slower"),
        *_key(338, "limit", "does less: shows what the machine gives"),
        _diamond(642, 73.5),
        _text(654, 78, "goal", "soft"),
        _text(one - 8, 100, "◂ evidencekit slower", "soft", "end"),
        _text(one + 8, 100, "evidencekit faster ▸", "soft"),
    ]


def _key(x: float, kind: str, words: str) -> tuple[str, str]:
    return (
        f'<rect class="{kind}" x="{x}" y="68" width="22" height="11" rx="2"/>',
        _text(x + 28, 78, words, "soft"),
    )


def _grid(scale: _Scale, bottom: float) -> list[str]:
    lines = []
    for place, name in scale.ticks():
        kind = "one" if name == f"1{TIMES}" else "grid"
        lines.append(f'<line class="{kind}" x1="{place:.1f}" x2="{place:.1f}" y1="{_HEAD + 4}" y2="{bottom:.1f}"/>')
        lines.append(_text(place, _HEAD, name, "soft", "middle"))
    return lines


def _bar(runs: Runs, ours: Runs, scale: _Scale, top: float) -> list[str]:
    base, middle = top + _ROW - 7, top + _ROW / 2
    parts = [_text(_LEFT - 18, base, runs.name, "", "end")]
    found = ratio(runs, ours)
    if found is None:
        why = runs.not_run or f"evidencekit: {ours.not_run}"
        return [*parts, _text(_LEFT + 6, base, f"not run ({' '.join(why.split())[:60]})", "soft")]
    kind = "limit" if runs.is_limit else "fast" if found.median >= 1 else "slow"
    one, end = scale.place(1), scale.place(found.median)
    parts.append(
        f'<rect class="{kind}" x="{min(one, end):.1f}" y="{middle - _BAR / 2:.1f}" width="{max(abs(end - one), 1):.1f}"'
        f' height="{_BAR}"/>'
    )
    parts.append(_range(found, scale, middle) if scale.holds(found.median) else _arrow(end, middle, kind))
    if runs.goal is not None and scale.holds(runs.goal):
        parts.append(_diamond(scale.place(runs.goal), middle))
    return [*parts, *_figure(runs, ours, found, base)]


def _figure(runs: Runs, ours: Runs, found: Spread, base: float) -> list[str]:
    parts = [_text(_RIGHT + 62, base, f"{shown(found.median)}{TIMES}", "figure", "end")]
    if runs.goal is not None:
        met = reached(runs, ours)
        parts.append(
            _text(
                _RIGHT + 74,
                base,
                f"{'✓' if met else '✗'} goal {shown_goal(runs.goal)}{TIMES}",
                "met" if met else "missed",
            )
        )
    return parts


def _range(found: Spread, scale: _Scale, middle: float) -> str:
    least, most = scale.place(found.least), scale.place(found.most)
    return f'<line class="range" x1="{least:.1f}" x2="{most:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'


def _arrow(end: float, middle: float, kind: str) -> str:
    way = 1 if end > _LEFT else -1
    points = f"{end:.1f},{middle - 9:.1f} {end + way * 9:.1f},{middle:.1f} {end:.1f},{middle + 9:.1f}"
    return f'<polygon class="{kind}" points="{points}"/>'


def _diamond(x: float, y: float) -> str:
    points = f"{x:.1f},{y - 6:.1f} {x + 6:.1f},{y:.1f} {x:.1f},{y + 6:.1f} {x - 6:.1f},{y:.1f}"
    return f'<polygon class="goal" points="{points}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
