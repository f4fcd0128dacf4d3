"""`evidencekit request`: the group; its commands load when they are called."""

from __future__ import annotations

import click

from evidencekit.cli.lazy import LazyGroup

COMMANDS = {
    "new": ("request_new", "A file to fill in, for one or more instruments."),
    "check": ("request_check", "What is missing or cannot be, with the article that asks for it."),
    "send-file": ("request_send", "Record that it goes out, and write it as a signed file."),
    "receive": ("request_receive", "Enter a request that came; write its receipt."),
    "acknowledge": ("request_receive", "Enter the receipt or the answer of the other side."),
    "answer": ("request_answer", "What was done with a request that came, as a signed file."),
    "extend": ("request_status", "Ask once more for the same data: for longer, or for more."),
    "withdraw": ("request_send", "A request is no longer made: recorded, and written as a signed file."),
    "status": ("request_status", "Where each request stands, and when its answer is due."),
    "render": ("request_render", "The request on paper, without what the instrument must not carry."),
    "returned": ("request_returned", "What a provider returned, held against what was asked."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def request() -> None:
    """Requests to preserve or produce data: one record, sent under one or more instruments.

    `new` writes a file that you fill in with any editor; `check` says what is still missing, and which article asks
    for it; `render` prints it. What an instrument demands stands in a table: `evidencekit law show ID`.
    `send-file` writes it for the other side, who takes it by `receive`, sends back a receipt and answers. Both sides
    enter what the other one sent, each in a case of its own.
    """
