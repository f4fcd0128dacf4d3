"""`evidencekit custody label` and `form`: what is stuck on a bag, and what both sides sign by pen at a handover."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.inputs import time_value
from evidencekit.cli.messages import believed_option, read_file
from evidencekit.cli.options import PATH, case_argument, output, page_options
from evidencekit.cli.outputs import refuse_paper
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.cli.standing_alone import refuse_beside
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError
from evidencekit.read.texts import LANGUAGES, load_texts

if TYPE_CHECKING:
    from evidencekit.core.label import TypedLabel
    from evidencekit.journeys.custody_paper import Making, Offer

_BELIEVED = "It says what is recorded; nothing was verified."
_ANSWERS = {
    "same": "this is its label",
    "before_sealing": "this is its label, printed before its content was sealed: print a new one",
    "another_case": "the label is of another log",
    "no_such_item": "the case has no such exhibit",
    "another_root": "the label has another root than the case recorded for this exhibit",
    "another_code": "the check code is not that of this exhibit in this case: another case's label, or a slip",
}
_items = click.option(
    "--item", "items", multiple=True, metavar="EX-001", help="This item; several times (default: all held here)."
)
_language = click.option("--lang", type=click.Choice(LANGUAGES), help="Language (default: that of the system).")
_now = click.option("--now", metavar="T", callback=time_value, help="The time of making: to make the same page again.")
_out = click.option("--out", "-o", type=PATH, metavar="FILE", help="File to write; must not exist.")


@click.command()
@case_argument
@_items
@click.option("--size", type=click.Choice(["small", "large"]), default="small", show_default=True,
              help="small: 14 of 99.1 x 38.1 mm on A4 (Avery L7163); large: 8 of 99.1 x 67.7 mm (L7165).")  # fmt: skip
@click.option("--skip", type=click.IntRange(0, 13), default=0, metavar="N", help="Labels used up on the first sheet.")
@click.option("--check", "typed", metavar="TEXT",
              help="Write nothing: say whether this label is the item's. TEXT: what the QR code says, or the exhibit "
                   "and its check code; - reads it from standard input.")  # fmt: skip
@_now
@_language
@click.option("--html", is_flag=True, expose_value=False, help="HTML: labels are written as nothing else.")
@_out
@output
def label(
    case: Path, items: tuple[str, ...], size: str, skip: int, typed: str | None, now: int | None, lang: str | None,
    out: Path | None, screen: Screen,
) -> int:  # fmt: skip
    """Write labels for bags and devices: exhibit, case, what it is, seals, and a QR code that says whose label it is.

    Print them in full size and without margins. The code has the log's origin, the exhibit and the root of what is
    sealed: no person, no address. At the storage desk --check says whether a label is that of the item. A label proves
    nothing: anybody can print one. Nothing is verified, and the case is not changed.

    \b
    Examples:
      evidencekit custody label CASE -o labels.html
      evidencekit custody label CASE --item EX-001 --size large --skip 3 --lang ru -o labels.html
      evidencekit custody label CASE --check "EX-001 7f3a9c"
      evidencekit custody label CASE --check - < scanned.txt

    Exit codes: 0 written, or the item's label · 2 usage, not a label · 3 not the item's label
    · 4 the case cannot be read, nothing is held · 5 FILE exists, or lies inside CASE; the case is unfinished.
    """
    if typed is not None:
        refuse_beside("--check", "typed", "case")
        return _check(case, typed, screen)
    return _write_labels(case, items, size, skip, _making(lang, now), refuse_paper(case, out), screen)


@click.command()
@case_argument
@_items
@click.option("--offer", type=PATH, metavar="FILE", help="The file of an offer: its items, its receiver, what it says.")
@believed_option
@_now
@_language
@page_options
@_out
@output
def form(
    case: Path, items: tuple[str, ...], offer: Path | None, policy: Path | None, now: int | None, lang: str | None,
    form: PageForm, out: Path | None, screen: Screen,
) -> int:  # fmt: skip
    """Write the transfer form for a handover: what is recorded of the items, with blanks for what both sides see.

    It names who holds the items, what stands open about them (offers, holds, gaps), the newest checkpoint as a QR
    code, and the command that records the handover: what counts is that record, not the paper. Nothing is verified,
    and the case is not changed.

    \b
    Examples:
      evidencekit custody form CASE --item EX-001 --item EX-002 -o form.html
      evidencekit custody form CASE --offer offer.json --lang es --pdf -o form.pdf

    Exit codes: 0 written · 2 usage · 3 the offer does not hold · 4 case or file cannot be used, nothing is held
    · 5 FILE exists, or lies inside CASE; the offer is not of this state of the log; the case is unfinished.
    """
    if offer is not None and items:
        raise BadArgument("--offer names the items.", code="U232", hint="Leave --item out.")
    place, making = refuse_paper(case, out), _making(lang, now)
    return _write_form(case, items, _offer(offer, policy, screen), making, form, place, screen)


def _check(case: Path, typed: str, screen: Screen) -> int:
    """Say whether a label is that of its item; return the exit code."""
    from evidencekit.journeys.custody_paper import check_label
    from evidencekit.report.label import HOLDS

    read = _typed(typed)
    answer, origin = check_label(case, read)
    holds = answer in HOLDS
    screen.result(f"{read.item}: {_ANSWERS[answer]}", None if holds else "error")
    tell(screen, f"label_{answer}")
    if answer == "another_case" and read.label is not None:
        screen.say(f"  {read.label.origin}, and this case is {origin}")
    screen.say(_BELIEVED)
    said = None if read.label is None else {"origin": read.label.origin, "root": read.label.root}
    screen.document({"answer": answer, "check": read.check, "item": read.item, "label": said, "origin": origin})
    return 0 if holds else 3


def _typed(text: str) -> TypedLabel:
    """Return what was read off a label.

    Raises:
        BadArgument: U277.
    """
    from evidencekit.core.label import MAX_TYPED, parse_label

    try:
        return parse_label(sys.stdin.buffer.read(MAX_TYPED + 1).decode(errors="replace") if text == "-" else text)
    except FormatError as error:
        hint = "Scan the QR code, or type the exhibit and the check code, as in EX-001 7f3a9c."
        raise BadArgument(error.message, code="U277", hint=hint) from error


def _write_labels(
    case: Path, items: tuple[str, ...], size: str, skip: int, making: Making, out: Path, screen: Screen
) -> int:
    from evidencekit.journeys.custody_paper import make_labels
    from evidencekit.report.label import SHEETS

    sheet = SHEETS[size]
    if skip >= sheet.labels:
        raise BadArgument(f"A sheet has {sheet.labels} labels.", code="U200", hint="--skip has to leave one.")
    stickers, page = make_labels(case, items, sheet, skip, making)
    page_writer(PageForm("html", None), made=making.now, screen=screen)(out, page, None)
    screen.result(f"{counted(len(stickers), 'label')} written to {display(str(out))}")
    screen.say(f"{_BELIEVED} Print in full size (100 %), without margins.")
    tell(screen, "paper_written")
    named = [dataclasses.asdict(one) | {"check": one.label.check} for one in stickers]
    language = making.words.paper.language
    screen.document({"labels": named, "language": language, "out": str(out), "size": size, "skip": skip})
    return 0


def _write_form(
    case: Path, items: tuple[str, ...], offer: Offer | None, making: Making, form: PageForm, out: Path, screen: Screen
) -> int:
    from evidencekit.journeys.custody_paper import make_form

    write = page_writer(form, made=making.now, screen=screen)
    made, page = make_form(case, items, offer, making)
    facts = dataclasses.asdict(made) | {
        "checkpoint": {
            "origin": made.checkpoint.origin, "root": made.checkpoint.root.hex(), "size": made.checkpoint.size,
        },
    }  # fmt: skip
    write(out, page, facts)
    screen.result(f"form for {counted(len(made.items), 'item')} written to {display(str(out))}")
    screen.say(f"{_BELIEVED} What counts is what both sides record:")
    tell(screen, "paper_written")
    for command in made.commands:
        screen.say(f"  {command}")
    screen.document({"facts": facts, "language": making.words.paper.language, "out": str(out)})
    return 0


def _offer(path: Path | None, policy: Path | None, screen: Screen) -> Offer | None:
    """Return an offer that holds, if one was named."""
    from evidencekit.journeys.custody_paper import Offer

    if path is None:
        if policy is not None:
            raise BadArgument("--policy judges an offer.", code="U232", hint="Name one with --offer, or leave it out.")
        return None
    _, opened, _ = read_file(path, "offer", ("offer",), policy, screen)
    return Offer(opened, path.name)


def _making(lang: str | None, now: int | None) -> Making:
    from evidencekit.journeys.custody_paper import Making
    from evidencekit.report.paper_page import Words

    language = lang or surroundings.language()
    words = Words(load_texts(language), load_texts(language, "paper"))
    return Making(words, surroundings.clock() if now is None else now, f"evidencekit {__version__}")
