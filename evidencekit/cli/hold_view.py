"""`evidencekit hold due` and `calendar`: what ends when, what has lapsed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.hold_words import HEADS, due_lines, due_row
from evidencekit.cli.inputs import now_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.cli.words import unfinished_line
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.catalogue.history import History
    from evidencekit.cooperation.holds_register import Register

_CASES = click.argument("cases", type=PATH, nargs=-1, required=True, metavar="CASE…")
_BELIEVED = "Recorded, not verified: run `evidencekit verify` for that."


def _read(cases: tuple[Path, ...]) -> list[tuple[History, Register]]:
    from evidencekit.journeys.holds import read_holds

    return [read_holds(case) for case in cases]


@click.command()
@_CASES
@now_option
@click.option("--all", "everything", is_flag=True, help="Also holds that were released and never lapsed.")
@output
def due(cases: tuple[Path, ...], now: int | None, everything: bool, screen: Screen) -> int:
    """Show every open hold, what is due first at the top, and every hold that ever lapsed; of one case or several.

    Stages: running, half of the time, three quarters, last week, last day, lapsed. A lapsed hold stays on the list,
    also after an extension or a release. Times are UTC. --json has all holds, and what is due of each item.

    \b
    Examples:
      evidencekit hold due CASE
      evidencekit hold due CASE1 CASE2 --now 2026-12-24T00:00:00Z --json

    Exit codes: 0 shown · 2 usage · 4 not a case, or it cannot be read.
    """
    from evidencekit.journeys.holds_told import due_document

    read = _read(cases)
    known = [(history.origin, register, sorted(history.custody.branches)) for history, register in read]
    document = due_document(known, surroundings.clock() if now is None else now)
    shown = [one for one in document["holds"] if everything or one["open"] or one["lapses"]]
    if shown:
        heads = HEADS if len(cases) == 1 else ("case", *HEADS)
        screen.table(heads, [(*([one["case"]] if len(cases) > 1 else []), *due_row(one)) for one in shown])
    for line in due_lines(document, shown):
        screen.say(*line)
    for history, _ in read:
        if history.unfinished:
            screen.say(*unfinished_line(history.origin))
    screen.say()
    screen.say(_BELIEVED)
    unfinished = [history.origin for history, _ in read if history.unfinished]
    screen.document(document | {"unfinished": unfinished})
    return 0


@click.command()
@_CASES
@click.option("-o", "--out", "out", type=PATH, metavar="FILE", help="The file to write, as holds.ics.")
@now_option
@output
def calendar(cases: tuple[Path, ...], out: Path | None, now: int | None, screen: Screen) -> int:
    """Write the ends of holds as a calendar that any program takes (RFC 5545), with alarms before each end.

    Alarms are at 50 %, 75 %, 7 days and 24 hours before, and at the end. Imported again after an extension or a
    release, the events change or go away. It names the log, the hold, its instrument and items; no person.

    \b
    Example:
      evidencekit hold calendar CASE -o holds.ics

    Exit codes: 0 written · 2 usage · 4 not a case, or it cannot be read · 5 the file exists, or lies in the case.
    """
    from evidencekit.cooperation.calendar_file import encode_calendar
    from evidencekit.write.durable import write_new

    if out is None:
        raise BadArgument("No file was named for the calendar.", code="U233", hint="Say -o holds.ics.")
    for case in cases:
        refuse_outputs(case, out)
    read = _read(cases)
    data = encode_calendar(
        [(history.origin, register.holds) for history, register in read], surroundings.clock() if now is None else now
    )
    write_new(out, data)
    holds = [hold for _, register in read for hold in register.holds]
    dated = sum(hold.until is not None for hold in holds)
    without = [hold.name for hold in holds if hold.is_open and hold.until is None]
    screen.result(f"{counted(dated, 'end')} of holds written to {display(str(out))}")
    tell(screen, "calendar_written")
    for name in without:
        screen.say(f"not in the calendar: {display(name)} is open and has no end", "warning")
    if without:
        tell(screen, "hold_without_end")
    screen.document({"events": dated, "no_end": without, "out": str(out)})
    return 0
