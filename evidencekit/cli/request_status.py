"""`evidencekit request status` and `extend`: where requests stand; one more about the same data."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import now_option
from evidencekit.cli.law import law_option
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.request_words import HEADS, status_lines, status_row
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument


@click.command()
@click.argument("cases", type=PATH, nargs=-1, required=True, metavar="CASE…")
@law_option
@now_option
@output
def status(cases: tuple[Path, ...], law_folder: Path | None, now: int | None, screen: Screen) -> int:
    """Show each request that was sent or received: receipts, answers, holds, returns, and when an answer is due.

    Times are UTC. What the other side says is shown as it says it.

    \b
    Examples:
      evidencekit request status CASE
      evidencekit request status CASE1 CASE2 --now 2026-12-24T00:00:00Z --json

    Exit codes: 0 shown · 2 usage · 4 not a case, or it cannot be read.
    """
    from evidencekit.cooperation.law import known_tables
    from evidencekit.journeys.requests import read_exchange
    from evidencekit.journeys.requests_told import status_document

    at = surroundings.clock() if now is None else now
    document = status_document(map(read_exchange, cases), known_tables(law_folder), at)
    shown = document["requests"]
    if shown:
        heads = HEADS if len(cases) == 1 else ("case", *HEADS)
        screen.table(heads, [(*([one["case"]] if len(cases) > 1 else []), *status_row(one)) for one in shown])
    else:
        screen.result("no request was sent or received")
        tell(screen, "request_none")
    for line in status_lines(document):
        screen.say(*line)
    screen.say()
    screen.say("Recorded, not verified: run `evidencekit verify` for that.")
    screen.document(document)
    return 0


@click.command()
@case_argument
@click.argument("entry", type=click.IntRange(0), metavar="ENTRY")
@click.option("--status", "kind", type=click.Choice(["extension", "follow_up"]), default="extension",
              show_default=True, help="What the new request is.")  # fmt: skip
@click.option("--reference", metavar="TEXT", help="Your own number of the new request.")
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@law_option
@output
def extend(
    case: Path, entry: int, kind: str, reference: str | None, out: Path | None, law_folder: Path | None, screen: Screen
) -> int:
    """Write a request to fill in that asks once more for what ENTRY asked: for longer, or for more.

    All is taken from the request that was sent, with the number that the other side gave it; the day and your own
    number are yours to fill in. Nothing is sent. The other side's extension of a hold is `evidencekit hold extend`.

    \b
    Example:
      evidencekit request extend CASE 4 --reference PR-7 -o extension.json

    Exit codes: 0 written · 2 usage, no such request · 4 the case cannot be read · 5 FILE exists.
    """
    from evidencekit.cli.law import table_of
    from evidencekit.cooperation.drafting import written
    from evidencekit.journeys.requests import following, read_exchange, request_at
    from evidencekit.write.durable import write_new

    if out is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o extension.json.")
    request = request_at(read_exchange(case)[1], entry, "sent")
    tables = [table_of(str(request.instrument), law_folder)]
    draft = following(request, kind, tables, surroundings.random(16))
    if reference is not None:
        draft["reference"] = reference
    write_new(out, written(draft))
    screen.result(f"{display(str(out))} written: fill in what is new, with any editor")
    tell(screen, "draft_written")
    earlier = draft["earlier"]
    ticket = display(earlier["ticket"]) if earlier.get("ticket") else "the other side gave no number so far"
    screen.say(f"earlier   {display(earlier['reference'])} ({ticket}), SHA-256 {earlier['sha256']}")
    screen.say(f"Then: evidencekit request check {display(str(out))} --instrument {tables[0].id}")
    screen.document({"earlier": earlier, "out": str(out), "request": draft})
    return 0
