"""Groups whose commands are imported when somebody calls them, so that `--help` stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli.help import Group, let_speak

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(Group):
    """A group that knows of its commands only where they are, and one line about each."""

    def __init__(self, *args: Any, commands_at: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        """`commands_at`: name → (module in evidencekit.cli, what it does), in the order in which they are listed.

        In its module a command stands under its name, with `_` for `-`, and one behind a word of Python (`import_`).
        """
        super().__init__(*args, **kwargs)
        self._at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Return the names in the order in which they were given."""
        return list(self._at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command and return it."""
        if cmd_name not in self._at:
            return None
        module = import_module(f"evidencekit.cli.{self._at[cmd_name][0]}")
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_" if hasattr(module, f"{name}_") else name)
        return let_speak(command)

    def lines(self) -> list[tuple[str, str]]:
        """Return the commands with what they do, without importing them."""
        return [(name, text) for name, (_, text) in self._at.items()]
