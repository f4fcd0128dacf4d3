"""`evidencekit request returned`: what a provider returned, held against what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.returned_words import return_lines
from evidencekit.cli.speech import tell

if TYPE_CHECKING:
    from evidencekit.journeys.returned import SentRequest


@click.command()
@click.argument("record", type=PATH, metavar="RECORD")
@case_argument
@click.option("--item", required=True, metavar="EX-001", help="The sealed item that is the return.")
@output
def returned(record: Path, case: Path, item: str, screen: Screen) -> int:
    """Show what of a request a sealed return has: identifiers, categories, times, a certificate, what nobody asked for.

    RECORD is what `request check --out` wrote. Tables (CSV), JSON, messages (EML, mbox: sender, recipients, date) and
    plain text are read, also within .zip; of all else the name alone. What is not recognised may be there all the same:
    a person decides. A file that is not what was sealed is named, and not read. Nothing is recorded.

    \b
    Examples:
      evidencekit request returned record.json CASE --item EX-007
      evidencekit request returned record.json CASE --item EX-007 --json

    Exit codes: 0 shown · 2 usage, no such item, a working file · 3 RECORD is not JSON · 4 the case cannot be read
    · 5 the item answers another request.
    """
    from evidencekit.journeys.returned import read_sent_request

    document = compared(screen, case, item, read_sent_request(record))
    head, *lines = return_lines(document)
    screen.result(*head)
    tell(screen, "returned")
    for line in lines:
        screen.say(*line)
    screen.document(document)
    return 0


def compared(screen: Screen, case: Path, item: str, request: SentRequest) -> dict[str, Any]:
    """Return the difference of a request and a sealed item, as `Returned.document` has it; the meter says how far."""
    from evidencekit.cli.meter import Figures
    from evidencekit.journeys.returned import compare_return

    with screen.progress(item) as meter:
        found = compare_return(
            case, item, request, lambda files, size: meter.update(Figures("reading the return", files, size))
        )
    return found.document()
