"""`evidencekit field handover`: a field case in one folder that the laboratory takes over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.core.values import display
from evidencekit.errors import Refused
from evidencekit.read.texts import LANGUAGES, load_texts

if TYPE_CHECKING:
    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.field_handover import HandedOver


@click.command()
@case_argument
@click.option("--out", type=PATH, required=True, metavar="DIR", help="Folder to make; must not exist.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of READ-ME.txt (default: that of the system).")
@field_options(["offer"])
@acting
@output
def handover(
    case: Path, out: Path, lang: str | None, named: tuple[str, ...], acts: Acting, screen: Screen, **given: Any
) -> int:
    """Make one folder with all that a laboratory needs to take a field case over.

    Every item that you hold is offered to the laboratory's key; then DIR gets a verified copy of the case, the signed
    offer, public keys, SHA256SUMS, and READ-ME.txt with the commands that the laboratory types. Until it accepts you
    stay responsible. After a crash the same command goes on, and offers nothing twice.

    \b
    Examples:
      evidencekit field handover CASE --to lab.pub --purpose analysis --signer officer --out /media/stick/handover
      evidencekit field handover CASE --to lab.pub --carrier "J. Doe" --lang fr --signer officer --out handover

    Exit codes: 0 made · 2 usage · 3 the case does not verify · 4 keys or case cannot be used, or no space
    · 5 DIR exists, you hold nothing, an acquisition is unfinished, or another rule forbids it.
    """
    from evidencekit.journeys.field_handover import hand_over

    body = read_fields("offer", given, named, resolver(case))
    texts = load_texts(lang or surroundings.language())
    with screen.progress("copying") as meter:
        done = hand_over(
            _hand(acts, case, screen), out, body, texts,
            progress=lambda files, size: meter.tell(f"{counted(files, 'file')}, {human_size(size)}"),
        )  # fmt: skip
    _tell(done, out, body["to"]["id"], screen)
    return 0


def _hand(acts: Acting, case: Path, screen: Screen) -> Hand:
    """Return whoever acts on the case, and finish it first where power failed before its checkpoint."""
    from evidencekit.cli.acquire import finish_first

    try:
        return acts.on(case)
    except Refused as error:
        if error.code != "R502":
            raise
        finish_first(case, acts.signs.log_key, screen)
        return acts.on(case)


def _tell(done: HandedOver, out: Path, receiver: str, screen: Screen) -> None:
    entries = ", ".join(f"entry {entry}" for entry in done.offers)
    how = "offered now" if done.recorded else "was offered before"
    screen.result(f"{', '.join(done.items)} for {display(receiver)}: {display(str(out))}")
    screen.say(f"{how}: {entries}; copied and verified: {counted(done.copied.files, 'file')}, "
               f"{human_size(done.copied.bytes)}; checkpoint {done.checkpoint.size}")  # fmt: skip
    for item, holder in done.left.items():
        screen.say(f"not offered: {item}, which is with {display(holder) or 'nobody knows whom'}", "warning")
    screen.say(f"The receiver begins with {display(str(out / 'READ-ME.txt'))}.")
    screen.document(
        {
            "bytes": done.copied.bytes,
            "checkpoint": {"root": done.checkpoint.root.hex(), "size": done.checkpoint.size},
            "files": done.copied.files,
            "items": done.items,
            "left": done.left,
            "not_stated": done.recorded.not_stated if done.recorded else [],
            "offers": done.offers,
            "out": str(out),
            "recorded": done.recorded is not None,
            "remarks": [remark._asdict() for remark in done.recorded.remarks] if done.recorded else [],
        }
    )
