"""Files that go from one party to the other: read before anybody answers, written, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli.inputs import policy_in, policy_option
from evidencekit.cli.options import PATH
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.core.message import Opened

out_option = click.option("--out", type=PATH, metavar="FILE", help="File to write for the other side; must not exist.")
again_option = click.option(
    "--again", type=click.IntRange(0), metavar="ENTRY", help="Record nothing: write the file of an entry anew."
)
believed_option = policy_option("Whom you believe: see `evidencekit policy`.")


def read_file(
    path: Path | None, what: str, types: tuple[str, ...], policy: Path | None, screen: Screen
) -> tuple[bytes, Opened, list[str]]:
    """Return a message file that holds, and what nobody could check of it, which is said, too.

    Raises:
        BadArgument: U267, no file was named. CannotFinish: X471. FormatError: it does not hold, or is another one.
        Refused: R543, the policy does not believe it.
    """
    from evidencekit.journeys.custody_messages import read_message
    from evidencekit.journeys.custody_trust import believe

    if path is None:
        raise BadArgument(f"Which {what}?", code="U267", hint=f"Name the file of the {what}.")
    data, opened = read_message(path, *types)
    event, actor = opened.event, opened.event["actor"]
    about = f" of {', '.join(event['items'])}" if event["items"] else ""
    screen.say(f"{event['type']}{about} by {display(actor['id'])} {actor['key']}")
    left = believe(opened, policy_in(policy))
    for one in left:
        screen.say(f"NOT CHECKED: {one}", "warning")
    return data, opened, left


def write_file(case: Path, entry: int, out: Path) -> None:
    """Write the file of an entry. Raises as `write_message`."""
    from evidencekit.journeys.custody_messages import write_message
    from evidencekit.read.store import Store

    write_message(Store(case), entry, out)


def write_again(case: Path, entry: int, out: Path | None, screen: Screen) -> int:
    """Write the file of an entry for the other side, and record nothing.

    Raises:
        BadArgument: U267 no file was named, U262 no such entry, U268 none that a file is written of.
    """
    if out is None:
        raise BadArgument("No file to write.", code="U267", hint="Say --out FILE.")
    refuse_outputs(case, out)
    write_file(case, entry, out)
    screen.result(f"file of entry {entry} written to {display(str(out))}; nothing was recorded")
    tell(screen, "written_again")
    screen.document({"entry": entry, "out": str(out)})
    return 0
