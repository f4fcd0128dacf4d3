"""`evidencekit field receipt`: one page on paper for the person from whom something was taken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, case_argument, output, page_options
from evidencekit.cli.outputs import refuse_paper
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.read.texts import LANGUAGES, load_texts


@click.command()
@case_argument
@click.option("--item", "items", multiple=True, metavar="EX-001", help="For this item; several times (default: all).")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the paper (default: that of the system).")
@click.option("--out", "-o", type=PATH, metavar="FILE", help="File to write; must not exist.")
@page_options
@output
def receipt(
    case: Path, items: tuple[str, ...], lang: str | None, out: Path | None, form: PageForm, screen: Screen
) -> int:
    """Write a receipt for the owner of what was taken: HTML that prints on a page, or PDF, with room for signatures.

    It says what was taken, when, where, by whom and by what right, as it is recorded, and has the newest checkpoint as
    a QR code: whoever keeps the paper can show later that nothing recorded before was removed or rewritten. Nothing
    is verified for it, and the case is not changed.

    \b
    Examples:
      evidencekit field receipt CASE -o receipt.html
      evidencekit field receipt CASE --item EX-001 --lang ar -o receipt.html
      evidencekit field receipt CASE --pdf -o receipt.pdf

    Exit codes: 0 written · 2 usage · 4 the case cannot be read, nothing was taken · 5 FILE exists, or lies inside CASE;
    the case is unfinished.
    """
    from evidencekit.journeys.field_receipt import make_receipt

    place = refuse_paper(case, out)
    texts = load_texts(lang or surroundings.language())
    program, now = f"evidencekit {__version__}", surroundings.clock()
    write = page_writer(form, made=now, screen=screen)
    made, page = make_receipt(case, texts, items=items, now=now, program=program)
    named = [item for _, group in made.seizures for item in group]
    facts = {
        "checkpoint": {"root": made.checkpoint.root.hex(), "size": made.checkpoint.size},
        "items": [dataclasses.asdict(item) for item in named],
        "language": texts.language,
    }
    write(place, page, facts)
    screen.result(f"receipt for {counted(len(named), 'item')} written to {display(str(place))}")
    screen.say("It says what is recorded; nothing was verified. Print it and have both sign by pen.")
    tell(screen, "paper_written")
    screen.document(facts | {"out": str(place)})
    return 0
