"""The chart of figures: well-formed SVG, nothing of the web, a bar for each group."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from evidencekit.cooperation.figures import Counted, Held, Taken, figures
from evidencekit.report.stats import duration, stats_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"), (86_400_000, "1,000 d")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_a_chart():
    rows = [Taken("2026-01", 1, 1, 0, 60)] * 8 + [Taken("2026-02", 1, 1, 0, 3600)] * 4
    held = [Held("2026-01", "<b>", 0, False, False)] * 3
    text = stats_svg(figures(Counted(1, rows, held), 3))
    root = ET.fromstring(text)  # noqa: S314 (our own)
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("class") == "bar"]
    widths = [int(bar.get("width")) for bar in bars]
    assert len(bars) == 6
    assert widths[0] == 2 * widths[1] == 540
    assert widths[2] * 60 == widths[3]
    assert {"2026-01", "2026-02", "8", "1 h", "<b>"} <= {element.text for element in root.iter(f"{SVG}text")}
    assert set(re.findall(r"https?://[^\"\s]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in text


def test_nothing_to_show():
    root = ET.fromstring(stats_svg(figures(Counted())))  # noqa: S314 (our own)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts.count("none, or too few to be shown") == 4
