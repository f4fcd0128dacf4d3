"""`evidencekit field [start] [CASE]`: a guided seizure, begun or gone on with."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH
from evidencekit.core.values import display
from evidencekit.errors import EvidenceError, Interrupted
from evidencekit.read.texts import LANGUAGES, load_texts

if TYPE_CHECKING:
    from evidencekit.cli.field_guide import Guide
    from evidencekit.cli.field_terminal import Terminal
    from evidencekit.cli.field_work import Work
    from evidencekit.field.journal import Journal


@click.command()
@click.argument("case", type=PATH, required=False)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the questions (default: asked).")
@click.option("--plain", is_flag=True, help="No colours, no line that is written over: for serial lines.")
@click.option("--log-key", type=PATH, help="File of the case's log keys, if not in the usual place.")
def start(case: Path | None, lang: str | None, plain: bool, log_key: Path | None) -> int:
    """Ask what matters at a seizure, seal what is taken, copy it, verify it.

    CASE is a folder that is made, or a case that is gone on with. At each question: Enter takes what stands in
    brackets, ? explains, < goes back, - says that it is not known. Nothing is sealed before you have seen all answers.
    The answers are kept beside the case, in CASE.field; after a power failure the same command goes on.

    The word `start` can be left out, unless the case is named like another command.

    \b
    Examples:
      evidencekit field start /media/stick/24-117
      evidencekit field start /media/stick/24-117 --lang fr --plain

    Exit codes: 0 done · 3 the case does not verify · 4 stopped, or could not finish
    · 5 another program asks about CASE.
    """
    terminal = _terminal(lang, plain)
    place = Path(os.path.realpath(_asked_case(terminal) if case is None else case))
    terminal.again = f"evidencekit field {shlex.quote(str(place))}"
    try:
        return _sit(place, terminal, log_key, keeps_language=lang is None)
    except Interrupted:
        raise  # it says itself, in the language, how to go on
    except EvidenceError as error:
        terminal.tell("work_failed", "error")
        terminal.refused(error)
        return error.exit_code


def _sit(place: Path, terminal: Terminal, log_key: Path | None, *, keeps_language: bool) -> int:
    """Begin the sitting about the case in `place`, or go on with it, in the language in which it was begun."""
    from evidencekit.cli.field_guide import language_in
    from evidencekit.field.journal import Journal, journal_of
    from evidencekit.seal.opening import refuse_taken

    if not (place / "case.json").exists():
        refuse_taken(place)
    with Journal(journal_of(place)) as journal:
        kept = language_in(journal)
        if keeps_language and kept is not None:
            terminal.texts = load_texts(kept)
        try:
            return _run(_guide(place, journal, terminal), log_key)
        except KeyboardInterrupt:
            terminal.leave()


def _terminal(lang: str | None, plain: bool) -> Terminal:
    from evidencekit.cli.field_terminal import Terminal, is_plain
    from evidencekit.cli.render import Screen

    is_bare = is_plain(plain)
    screen = Screen(color=False if is_bare else None, plain=is_bare)
    return Terminal(screen, load_texts(lang or surroundings.language()), "evidencekit field CASE")


def _asked_case(terminal: Terminal) -> Path:
    """Ask for the folder of the case; one that was begun here is suggested."""
    from evidencekit.field.journal import SUFFIX
    from evidencekit.journeys.field_checks import absolute

    begun = sorted(Path().glob(f"*{SUFFIX}"))
    default = display(str(begun[0].with_suffix("").absolute())) if len(begun) == 1 else None
    terminal.tell("q_case", "bold")
    while True:
        typed = terminal.ask("" if default is None else f"[{default}]").strip()
        if typed == "?":
            terminal.tell("h_case")
        elif typed or default is not None:
            path = absolute(typed or str(begun[0].with_suffix("")))
            if path.parent.is_dir() and (not path.exists() or path.is_dir()):
                return path
            terminal.tell("bad_folder", "warning", path=display(os.fsencode(path.parent)))
        else:
            terminal.tell("bad_empty_essential", "warning")


def _guide(case: Path, journal: Journal, terminal: Terminal) -> Guide:
    """Return the guide, where the sitting was left."""
    from evidencekit.cli.field_guide import Guide
    from evidencekit.field.table import questions
    from evidencekit.read.store import Store
    from evidencekit.seal.replay import read_case

    guide = Guide(case, journal, terminal, questions())
    if journal.moves:
        guide.say_resumed()
        return guide
    terminal.tell("welcome")
    guide.move("language", text=terminal.texts.language)
    if (case / "case.json").exists():
        record = read_case(Store(case))
        for name in ("reference", "agency", "origin"):
            guide.move("given", name, record[name])
    return guide


def _run(guide: Guide, log_key: Path | None) -> int:
    """Lead through the sitting to its end."""
    from evidencekit.cli.field_end import end
    from evidencekit.cli.field_work import Work

    work = Work(guide, log_key)
    if guide.state.phase == "closed" and guide.terminal.confirm("more"):
        guide.move("next")
    while guide.state.phase != "closed":
        _step(guide, work)
    return end(guide, work)


def _step(guide: Guide, work: Work) -> None:
    guide.look()
    question = guide.question()
    if guide.state.phase == "work":
        work.run()
    elif guide.state.phase == "more":
        guide.move("next" if guide.terminal.confirm("more") else "close")
    elif question is not None:
        guide.ask(question)
    else:
        guide.review()
