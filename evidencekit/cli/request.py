"""`evidencekit request`: the group; its commands load when they are called."""

from __future__ import annotations

import click

from evidencekit.cli.lazy import LazyGroup

COMMANDS = {
    "new": ("request_new", "A file to fill in, for one or more instruments."),
    "check": ("request_check", "What is missing or cannot be, with the article that asks for it."),
    "render": ("request_render", "The request on paper, without what the instrument must not carry."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def request() -> None:
    """Requests to preserve or produce data: one record, sent under one or more instruments.

    `new` writes a file that you fill in with any editor; `check` says what is still missing, and which article asks
    for it; `render` prints it. What an instrument demands stands in a table: `evidencekit law show ID`.
    """
