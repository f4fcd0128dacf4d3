"""`evidencekit explain`."""

from __future__ import annotations

import click

from evidencekit.cli.options import output
from evidencekit.cli.render import Screen
from evidencekit.core.refusals import REFUSALS, Refusal
from evidencekit.core.registry import ENTRIES, Entry, lookup
from evidencekit.errors import BadArgument

WORDS = {
    "severity": "kind",
    "aspect": "about",
    "means": "it means",
    "means_not": "it does not mean",
    "do": "what to do",
    "section": "see specs/",
}
"""Members of an entry, and what they are called when shown."""


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
        everything: dict[str, Entry | Refusal] = {**ENTRIES, **REFUSALS}
        screen.document({name: _facts(entry) for name, entry in sorted(everything.items())})
        rows = [(name, entry.severity, entry.title) for name, entry in everything.items()]
        screen.table(("code", "severity", "title"), rows)
        return 0
    found = lookup(code.upper())
    if found is None:
        raise BadArgument(f"There is no code {code[:40]!r}.", code="U206", hint="`evidencekit explain` lists them all.")
    facts = _facts(found)
    screen.document({"code": code.upper(), **facts})
    screen.say(f"{code.upper()}  {facts['title']}", facts["severity"])
    for member, words in WORDS.items():
        if facts.get(member):
            screen.say(f"{words:<17}{facts[member]}")
    return 0


def _facts(entry: Entry | Refusal) -> dict[str, str]:
    return {**entry._asdict(), "severity": entry.severity}
