"""`evidencekit publish`: the log as files that any web server can serve."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli.inputs import bytes_of
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_inside
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.core.values import display


@click.command()
@case_argument
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--cosigned", type=PATH, metavar="FILE", help="Publish this cosigned checkpoint, and the log up to it.")
@output
def publish(case: Path, folder: Path, cosigned: Path | None, screen: Screen) -> int:
    """Write the log of CASE into DIR as C2SP tiles: entries and hashes, never events, names or evidence.

    Whoever gets these files can check that nothing was rewritten: `evidencekit verify DIR`, and again later
    `evidencekit compare`. The same command adds what is new; no tile that is there is ever changed.

    \b
    Examples:
      evidencekit publish CASE /srv/www/24-117
      evidencekit publish CASE /srv/www/24-117 --cosigned 24-117.cosigned

    Exit codes: 0 published · 2 usage · 4 cannot be read or written · 5 DIR has another log, or a later state.
    """
    from evidencekit.core.note import MAX_NOTE
    from evidencekit.journeys.logcopy import read_case_copy
    from evidencekit.journeys.publish import publish as publish_log

    refuse_inside(case, folder)
    note = None if cosigned is None else bytes_of(cosigned, MAX_NOTE)
    with screen.progress("publish") as meter:
        done = publish_log(read_case_copy(case), folder, cosigned=note, progress=meter.tell)
    new = done.tree.size - done.before
    screen.result(
        f"published {done.tree.origin} at size {done.tree.size} in {display(str(folder))}: {new:,} entries new, "
        f"{counted(done.written, 'file')} written"
    )
    tell(screen, "log_published")
    screen.say(
        "What is published: entries (digests and times), hashes, the signed checkpoint. No event, name or evidence."
    )
    screen.document(
        {
            "before": done.before,
            "kept": done.kept,
            "origin": done.tree.origin,
            "root": done.tree.root.hex(),
            "size": done.tree.size,
            "written": done.written,
        }
    )
    return 0
