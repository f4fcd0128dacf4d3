"""`evidencekit checkpoint`: show the signed tree head, for the paper record too; finish an interrupted step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.lazy import LazyGroup
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core import layout
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.read.store import Store

COMMANDS = {
    "show": ("checkpoint", "Print origin, size and root, for the paper record, too."),
    "timestamp": ("checkpoint_time", "Have the time confirmed by time-stamp authorities, on line or by files."),
    "witnesses": ("checkpoint_attest", "Have the newest checkpoint cosigned by a witness."),
    "import": ("checkpoint_attest", "Enter a time-stamp or cosignature that came by file."),
    "witness-key": ("checkpoint_witness", "Make a witness's key."),
    "cosign": ("checkpoint_witness", "Cosign somebody else's checkpoint after checking that nothing was rewritten."),
    "witness": ("checkpoint_witness", "Cosign over HTTP what logs ask for (C2SP tlog-witness)."),
    "finish": ("checkpoint", "Write the checkpoint that an interrupted step left out."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def checkpoint() -> None:
    """The signed tree head of a case's log."""


@click.command()
@case_argument
@click.option("--size", type=click.IntRange(1), help="Tree size (default: the newest).")
@click.option("--note", "whole", is_flag=True, help="The whole signed note, as other tools read it.")
@click.option("--qr", is_flag=True, help="Draw a QR code of the first three lines.")
@click.option("--qr-out", type=PATH, metavar="FILE", help="Write the QR code to FILE.svg or FILE.png.")
@output
def show(case: Path, size: int | None, whole: bool, qr: bool, qr_out: Path | None, screen: Screen) -> int:
    """Print origin, size and root: as the note has them, then for the paper record.

    Copied by hand, photographed or printed by somebody else, they prove later that nothing was cut off or rewritten:
    `evidencekit verify CASE --since FILE`, or `--since` and what is on the paper, typed in quotes: in groups, without
    labels, in capitals, as you like. The signatures are not checked here.

    \b
    Examples:
      evidencekit checkpoint show CASE
      evidencekit checkpoint show CASE --qr-out 24-117.svg

    Exit codes: 0 shown · 2 usage · 3 not a checkpoint · 4 there is none · 5 FILE exists, or lies inside the case.
    """
    from evidencekit.cli.qr import draw, write_qr
    from evidencekit.core.checkpoint import parse_checkpoint
    from evidencekit.core.note import parse_note
    from evidencekit.core.paper import check_code, root_groups
    from evidencekit.read.store import Store

    store = Store(case)
    data = store.read(layout.checkpoint_file(_size(store, size)), layout.MAX_NOTE_FILE)
    note = parse_note(data)
    tree = parse_checkpoint(note.text)
    keys = [line.key_id.hex() for line in note.signatures]
    recorded = _recorded_at(store, tree.size)
    if qr_out is not None:
        write_qr(note.text, qr_out, case=store.path)
    if whole and not screen.as_json:
        screen.raw(data)
    else:
        screen.result(note.text.rstrip("\n"))
        _say_paper(screen, tree, keys, recorded)
    for line in draw(note.text) if qr else ():
        screen.say(line)
    if qr_out is not None:
        screen.say(f"QR code written to {display(str(qr_out))}")
    screen.document(
        {
            "check": check_code(tree),
            "groups": root_groups(tree.root),
            "keys": keys,
            "note": data.decode(),
            "origin": tree.origin,
            "recorded_at": recorded,
            "root": tree.root.hex(),
            "size": tree.size,
        }
    )
    return 0


def _say_paper(screen: Screen, tree: Checkpoint, keys: list[str], recorded: str | None) -> None:
    from evidencekit.core.paper import format_paper

    clock = f"{recorded}, by the case's own clock" if recorded else "not known: the last entry cannot be read"
    screen.say()
    for line in format_paper(tree, ("keys", " ".join(keys)), ("recorded", clock)):
        screen.say(line)


def _size(store: Store, wanted: int | None) -> int:
    from evidencekit.errors import CannotFinish

    sizes = store.numbers(layout.CHECKPOINTS)
    if not sizes:
        raise CannotFinish("The case has no checkpoint.", code="X402", hint="Run `evidencekit checkpoint finish CASE`.")
    if wanted is not None and wanted not in sizes:
        there = f"The newest is at size {sizes[-1]}."
        raise CannotFinish(f"The case has no checkpoint at size {wanted}.", code="X402", hint=there)
    return sizes[-1] if wanted is None else wanted


def _recorded_at(store: Store, size: int) -> str | None:
    """Return when the last entry under a checkpoint was recorded; None where the entry cannot be read."""
    from evidencekit.core.event import decode_entry
    from evidencekit.errors import CannotFinish, FormatError

    try:
        return decode_entry(store.read(layout.entry_file(size - 1), layout.MAX_RECORD_FILE)).recorded_at
    except (CannotFinish, FormatError):
        return None


@click.command()
@case_argument
@click.option("--log-key", type=PATH, help="File of the case's log keys, if not in the usual place.")
@output
def finish(case: Path, log_key: Path | None, screen: Screen) -> int:
    """Check what stands above the newest checkpoint, and write the checkpoint that is missing.

    A crash between an entry and its checkpoint leaves the case unfinished. Files that no event names are moved to
    work/, never deleted; what an erasure was to remove, and is still there, is removed.

    \b
    Example:
      evidencekit checkpoint finish CASE

    Exit codes: 0 finished, or nothing to finish · 4 something does not hold; nothing written · 5 other log keys.
    """
    from evidencekit.journeys.erase import finish_erasures
    from evidencekit.read.store import Store
    from evidencekit.seal.ledger import finish as finish_case

    before = max(Store(case).numbers(layout.CHECKPOINTS), default=0)
    made, aside = finish_case(case, keys=surroundings.log_keys(case, log_key), random=surroundings.random)
    for line in aside:
        screen.say(f"set aside: {display(line)}")
    erased = [str(path) for path in finish_erasures(case, cache_folder=surroundings.cache_folder())]
    for name in erased:
        screen.say(f"erased, as an event says: {display(name)}")
    for entry, kind in _with_files(Store(case), before, before if made is None else made.size):
        screen.say(
            f"entry {entry} is of type {kind}: where its file was not written yet, its command with --again {entry}"
        )
    done = "an erasure carried out to its end" if erased else "nothing was unfinished"
    screen.result(done if made is None else f"finished: checkpoint at size {made.size}")
    if made is not None:
        tell(screen, "finished")
    if erased:
        tell(screen, "erasure_finished")
    if made is None and not erased:
        tell(screen, "finished_already")
    screen.document({"erased": erased, "set_aside": aside, "size": None if made is None else made.size})
    return 0


def _with_files(store: Store, start: int, end: int) -> list[tuple[int, str]]:
    """Return entries, and their types, after which a command writes something that is not of the case."""
    from evidencekit.core.message import CARRIES
    from evidencekit.journeys.custody import read_event

    kinds = frozenset({"export"}).union(*CARRIES.values())
    found = ((entry, str(read_event(store, entry)[1]["type"])) for entry in range(start, end))
    return [(entry, kind) for entry, kind in found if kind in kinds]
