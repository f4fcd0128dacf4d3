"""`evidencekit hold`: the group; its commands load when they are called."""

from __future__ import annotations

import click

from evidencekit.cli.lazy import LazyGroup

COMMANDS = {
    "open": ("hold_record", "Put items under a hold; its end is counted from receipt."),
    "extend": ("hold_record", "A later end for a hold that is open."),
    "release": ("hold_record", "End a hold: from then on items may be disposed of."),
    "due": ("hold_view", "What ends when; what has lapsed, and for how long."),
    "calendar": ("hold_view", "The ends and their warnings as a calendar (RFC 5545)."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def hold() -> None:
    """Preservation holds and their clocks: nothing that is under hold is disposed of, released or erased.

    The end is counted from receipt, by a table of law. A hold whose end passes has lapsed, and that stays on
    record; it is open all the same until somebody releases it.
    """
