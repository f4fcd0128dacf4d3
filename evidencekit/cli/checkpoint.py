"""`evidencekit checkpoint`: show the signed tree head; finish an interrupted step."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.core import layout
from evidencekit.core.values import display


@click.group()
def checkpoint() -> None:
    """The signed tree head of a case's log."""


@checkpoint.command()
@case_argument
@click.option("--size", type=click.IntRange(1), help="Tree size (default: the newest).")
@click.option("--note", "whole", is_flag=True, help="The whole signed note, as other tools read it.")
@output
def show(case: Path, size: int | None, whole: bool, screen: Screen) -> int:
    """Print origin, size and root for the paper form.

    Written down by somebody else, these three lines prove later that nothing was cut off:
    `evidencekit verify CASE --since FILE`. The signatures are not checked here.

    \b
    Example:
      evidencekit checkpoint show CASE

    Exit codes: 0 shown · 3 not a checkpoint · 4 there is none.
    """
    from evidencekit.core.checkpoint import parse_checkpoint
    from evidencekit.core.note import parse_note
    from evidencekit.errors import CannotFinish
    from evidencekit.read.store import Store

    store = Store(case)
    sizes = store.numbers(layout.CHECKPOINTS)
    if not sizes:
        raise CannotFinish("The case has no checkpoint.", code="X402", hint="Run `evidencekit checkpoint finish CASE`.")
    if size is not None and size not in sizes:
        there = f"The newest is at size {sizes[-1]}."
        raise CannotFinish(f"The case has no checkpoint at size {size}.", code="X402", hint=there)
    data = store.read(layout.checkpoint_file(sizes[-1] if size is None else size), layout.MAX_NOTE_FILE)
    note = parse_note(data)
    tree = parse_checkpoint(note.text)
    if whole and not screen.as_json:
        screen.raw(data)
    else:
        screen.result(note.text.rstrip("\n"))
    screen.document({"note": data.decode(), "origin": tree.origin, "root": tree.root.hex(), "size": tree.size})
    return 0


@checkpoint.command()
@case_argument
@click.option("--log-key", type=PATH, help="File of the case's log keys, if not in the usual place.")
@output
def finish(case: Path, log_key: Path | None, screen: Screen) -> int:
    """Check what stands above the newest checkpoint, and write the checkpoint that is missing.

    A crash between an entry and its checkpoint leaves the case unfinished. Files that no event names are moved to
    work/, never deleted.

    \b
    Example:
      evidencekit checkpoint finish CASE

    Exit codes: 0 finished, or nothing to finish · 4 something does not hold; nothing written · 5 other log keys.
    """
    from evidencekit.seal.ledger import finish as finish_case

    made, aside = finish_case(case, keys=surroundings.log_keys(case, log_key), random=surroundings.random)
    for line in aside:
        screen.say(f"set aside: {display(line)}")
    screen.result("nothing was unfinished" if made is None else f"finished: checkpoint at size {made.size}")
    screen.document({"set_aside": aside, "size": None if made is None else made.size})
    return 0
