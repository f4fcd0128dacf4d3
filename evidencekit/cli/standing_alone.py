"""Options that ask for something else than the command's work, and so stand alone: what else was said is refused."""

from __future__ import annotations

import click
from click.core import ParameterSource

from evidencekit.errors import BadArgument

_OF_SCREEN = frozenset({"as_json", "quiet", "no_color"})


def refuse_beside(option: str, *taken: str) -> None:
    """Refuse what was given on the command line beside an option.

    Args:
        option: as it is typed.
        taken: names of the parameters that go with it, the option's own among them.

    Raises:
        BadArgument: U232, something else was said.
    """
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name not in _OF_SCREEN.union(taken):
            other = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
            raise BadArgument(f"{other} does nothing beside {option}.", code="U232", hint="Leave one of them out.")
