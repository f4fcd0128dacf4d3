"""`evidencekit stats`: figures of cases, without personal data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.law import law_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen, human_size
from evidencekit.core.values import display


@click.command()
@click.argument("cases", nargs=-1, required=True, type=PATH, metavar="CASE…")
@click.option("--least", type=click.IntRange(1), default=5, show_default=True,
              help="The smallest group that is shown; 1 shows everything, for your own eyes.")  # fmt: skip
@click.option("--chart", type=PATH, metavar="FILE.svg", help="Write a chart, too.")
@law_option
@output
def stats(cases: tuple[Path, ...], least: int, chart: Path | None, law_folder: Path | None, screen: Screen) -> int:
    """Figures of one or many cases: items, bytes, time from seizure to seal, holds; by month and instrument.

    Nothing in them names a case, an item or a person. Groups of fewer than --least are pooled as "other", and counts
    that small are left out, also where they could be had by subtraction. What adopted field cases hold is counted with
    them, each once. Figures are read from the records, which are not verified here.

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
    items, holds, few = found["items"]["total"], found["holds"]["total"], f"fewer than {found['least']}"
    yield f"cases    {found['cases']:,}"
    if items is None:
        yield f"items    {few}"
    else:
        yield (
            f"items    {items['items']:,} sealed: {items['rows']:,} rows, {human_size(items['bytes'])}, "
            f"{items['omissions']:,} omissions"
        )
        yield f"waited   {_wait(items)} from seizure to seal"
    if holds is None:
        yield f"holds    {few}"
    else:
        parts = ("extended", "lapsed", "released")
        said = ", ".join(f"{few if holds[name] is None else format(holds[name], ',')} {name}" for name in parts)
        yield f"holds    {holds['holds']:,} opened: {said}"
    for name in found["not_counted"]:
        yield f"not counted: {name}"


def _tables(screen: Screen, found: dict[str, Any]) -> None:
    months = found["items"]["by_month"]
    if months:
        rows = [
            (row["month"], f"{row['items']:,}", f"{row['rows']:,}", human_size(row["bytes"]), _wait(row))
            for row in months
        ]
        screen.say()
        screen.table(("month", "items", "rows", "size", "from seizure to seal"), rows)
    for name in ("month", "instrument"):
        groups = found["holds"][f"by_{name}"]
        if groups:
            screen.say()
            screen.table((name, "holds"), [(row[name], f"{row['holds']:,}") for row in groups])


def _wait(row: dict[str, Any]) -> str:
    from evidencekit.report.stats import duration

    wait = row["seizure_to_seal_s"]
    return (
        "not known"
        if wait is None
        else f"{duration(wait['median'])} median, {duration(wait['ninth_decile'])} for nine of ten"
    )
