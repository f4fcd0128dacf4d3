"""The chart of figures: well-formed SVG, nothing of the web, a bar for each group."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from evidencekit.cooperation.figures import Asked, Counted, Held, Taken, figures
from evidencekit.report.durations import duration
from evidencekit.report.stats import stats_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3661, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (86_400_000, "1,000 d"),
        (86_405, "1 d"),
        (7259, "2 h"),
    ],
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
    assert texts.count("none, or too few to be shown") == 6
    assert [text for text in texts if text.startswith("Requests")] == [
        "Requests received, by month",
        "Requests sent, by month",
    ]


def test_requests():
    came = [Asked("received", "2026-01", "un-42", "executed", 60, 7200, False, False)] * 4
    still = [Asked("received", "2026-02", "un-42", "none", 3600, None, False, False)] * 3
    text = stats_svg(figures(Counted(1, [], [], came + still), 3))
    texts = [element.text for element in ET.fromstring(text).iter(f"{SVG}text")]  # noqa: S314 (our own)
    received = texts[texts.index("Requests received, by month") : texts.index("Requests sent, by month")]
    assert received == [
        "Requests received, by month", "2026-01", "4", "2026-02", "3",
        "Requests received, by instrument", "un-42", "7",
        "Requests received, by outcome", "executed", "4", "none", "3",
        "From receipt to an outcome, median, by month of the request", "2026-01", "2 h",
        "From receipt to an outcome, median, by instrument of the request", "un-42", "2 h",
    ]  # fmt: skip
