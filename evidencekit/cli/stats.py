"""`evidencekit stats`: figures of cases, without personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.law import law_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.core.values import display


@click.command()
@click.argument("cases", nargs=-1, required=True, type=PATH, metavar="CASE…")
@click.option("--least", type=click.IntRange(1), default=5, show_default=True,
              help="The smallest group that is shown; 1 shows everything, for your own eyes.")  # fmt: skip
@click.option("--chart", type=PATH, metavar="FILE.svg", help="Write a chart, too.")
@law_option
@output
def stats(cases: tuple[Path, ...], least: int, chart: Path | None, law_folder: Path | None, screen: Screen) -> int:
    """Figures of one or many cases: items, time from seizure to seal, holds, requests and time to answer.

    By month, instrument and outcome. Nothing in them names a case, an item or a person. Groups of fewer than --least
    are pooled as "other", and counts that small are left out, also where they could be had by subtraction. What adopted
    field cases hold is counted with them, each once. Figures are read from the records, which are not verified here.

    \b
    Examples:
      evidencekit stats CASE
      evidencekit stats /cases/2026/* --json
      evidencekit stats /cases/2026/* --chart 2026.svg

    Exit codes: 0 counted · 2 usage · 4 a case cannot be read · 5 FILE exists, or lies inside a case.
    """
    from evidencekit.cooperation.figures import figures
    from evidencekit.cooperation.law import known_tables
    from evidencekit.journeys.stats import count

    for case in cases:
        refuse_outputs(case, chart)
    found = figures(count(cases, known_tables(law_folder), surroundings.clock()), least)
    if chart is not None:
        _write(chart, found)
    for line in _lines(found):
        screen.say(line)
    _tables(screen, found)
    if chart is not None:
        screen.say(f"chart written to {display(str(chart))}")
    screen.document(found)
    return 0


def _write(chart: Path, found: dict[str, Any]) -> None:
    from evidencekit.report.stats import stats_svg
    from evidencekit.write.durable import write_new

    write_new(chart, stats_svg(found).encode())


def _lines(found: dict[str, Any]) -> Iterator[str]:
    few = f"fewer than {found['least']}"
    yield f"cases    {found['cases']:,}"
    yield from _of_items(found["items"]["total"], few)
    holds = found["holds"]["total"]
    if holds is None:
        yield f"holds    {few}"
    else:
        yield f"holds    {holds['holds']:,} opened: {_counts(holds, 'extended', 'lapsed', 'released')}"
    for side in ("received", "sent"):
        yield from _of_requests(side, found["requests"][side], few)
    for name in found["not_counted"]:
        yield f"not counted: {name}"


def _of_items(total: dict[str, Any] | None, few: str) -> Iterator[str]:
    if total is None:
        yield f"items    {few}"
        return
    yield (
        f"items    {total['items']:,} sealed: {total['rows']:,} rows, {human_size(total['bytes'])}, "
        f"{total['omissions']:,} omissions"
    )
    if total["items"]:
        yield f"         from seizure to seal: {_in_words(total['seizure_to_seal_s'])}"


def _of_requests(side: str, figures: dict[str, Any], few: str) -> Iterator[str]:
    total = figures["total"]
    if total is None:
        yield f"{side:<8} {few} requests"
        return
    yield f"{side:<8} {counted(total['requests'], 'request')}: {_counts(total, 'withdrawn', 'extensions')}"
    if total["requests"]:
        outcomes = ", ".join(f"{row['requests']:,} {_outcome(row['outcome'])}" for row in figures["by_outcome"])
        yield f"         outcomes: {outcomes}"
        yield f"         to an outcome: {_in_words(total['answer_s'])}"
        yield f"         to the first answer of any kind: {_in_words(total['first_answer_s'])}"


def _counts(total: dict[str, Any], *names: str) -> str:
    """Say counts, and which of them are left out: what they are of, or are not of, is few."""
    return ", ".join(f"{name} not given" if total[name] is None else f"{total[name]:,} {name}" for name in names)


def _outcome(name: str) -> str:
    return {"none": "without an outcome so far", "other": "others"}.get(name, name)


def _tables(screen: Screen, found: dict[str, Any]) -> None:
    months = [(*_cells(row, "month", "items", "rows"), human_size(row["bytes"]), *_times(row["seizure_to_seal_s"]))
              for row in found["items"]["by_month"]]  # fmt: skip
    _table(screen, ("month", "items", "rows", "size", "seizure to seal", _NINE_OF_TEN), months)
    for name in ("month", "instrument"):
        _table(screen, (name, "holds"), [_cells(row, name, "holds") for row in found["holds"][f"by_{name}"]])
    for side in ("received", "sent"):
        for name in ("month", "instrument"):
            rows = [(*_cells(row, name, "requests"), *_times(row["answer_s"]), *_times(row["first_answer_s"]))
                    for row in found["requests"][side][f"by_{name}"]]  # fmt: skip
            _table(screen, (name, side, "to an outcome", _NINE_OF_TEN, "to the first answer", _NINE_OF_TEN), rows)


_NINE_OF_TEN = "nine of ten"


def _cells(row: dict[str, Any], group: str, *counts: str) -> tuple[str, ...]:
    return (row[group], *(f"{row[name]:,}" for name in counts))


def _times(spread: dict[str, int] | None) -> tuple[str, ...]:
    """Return median and ninth decile for people."""
    from evidencekit.report.durations import duration

    return ("-", "-") if spread is None else (duration(spread["median"]), duration(spread["ninth_decile"]))


def _in_words(spread: dict[str, int] | None) -> str:
    if spread is None:
        return "not given"
    median, nine = _times(spread)
    return f"median {median}, nine of ten within {nine}"


def _table(screen: Screen, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        screen.say()
        screen.table(heads, rows)
