"""`evidencekit field`: guided seizure for field teams; handover and receipt."""

from __future__ import annotations

import click

from evidencekit.cli.lazy import LazyGroup

COMMANDS = {
    "start": ("field_start", "Begin or go on; what `evidencekit field CASE` does."),
    "handover": ("field_handover", "One folder with all that a laboratory needs to take the case over."),
    "receipt": ("field_receipt", "One page on paper for the owner of what was taken."),
}


class FieldGroup(LazyGroup):
    """A group whose first command need not be named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `start` before what is no command."""
        if not args or (args[0] not in {*COMMANDS, *ctx.help_option_names}):
            args = ["start", *args]
        return super().parse_args(ctx, args)


@click.group(cls=FieldGroup, commands_at=COMMANDS)
def field() -> None:
    """Guided seizure: it asks what matters, in your language, and leaves a sealed case.

    \b
    Examples:
      evidencekit field /media/stick/24-117
      evidencekit field /media/stick/24-117 --lang fr --plain
      evidencekit field start handover        (a case that is named like a command)

    What follows is asked; nothing else has to be known. Every answer is kept at once: after a power failure the same
    command goes on where it was.
    """
