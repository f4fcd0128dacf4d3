"""`evidencekit explain`."""

from __future__ import annotations

import click

from evidencekit.cli.options import output
from evidencekit.cli.render import Screen
from evidencekit.core.registry import ENTRIES, REFUSALS, lookup
from evidencekit.errors import BadArgument


@click.command()
@click.argument("code", required=False)
@output
def explain(code: str | None, screen: Screen) -> int:
    """Say in plain words what a code means, what it does not mean, and what to do. Without CODE: list them all.

    \b
    Examples:
      evidencekit explain E202
      evidencekit explain

    Exit codes: 0 explained · 2 no such code.
    """
    if code is None:
        everything = {**ENTRIES, **REFUSALS}
        screen.document({name: entry._asdict() for name, entry in sorted(everything.items())})
        screen.table(
            ("code", "severity", "title"), [(name, entry.severity, entry.title) for name, entry in everything.items()]
        )
        return 0
    entry = lookup(code.upper())
    if entry is None:
        raise BadArgument(f"There is no code {code[:40]!r}.", code="U206", hint="`evidencekit explain` lists them all.")
    screen.document({"code": code.upper(), **entry._asdict()})
    screen.say(f"{code.upper()}  {entry.title}", entry.severity)
    severity = "a program stopped" if entry.severity == "exit" else f"{entry.severity}, about the {entry.aspect}"
    screen.say(f"kind             {severity}")
    screen.say(f"it means         {entry.means}")
    if entry.means_not:
        screen.say(f"it does not mean {entry.means_not}")
    screen.say(f"what to do       {entry.do}")
    if entry.section:
        screen.say(f"specified in     specs/{entry.section}")
    return 0
