"""`evidencekit explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from evidencekit.cli.options import output
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import spoken
from evidencekit.core.refusals import REFUSALS, Refusal
from evidencekit.core.registry import ENTRIES, Entry, lookup
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.read.texts import Texts

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
    words = spoken(screen)
    if code is None:
        everything: dict[str, Entry | Refusal] = {**ENTRIES, **REFUSALS}
        screen.document({name: _facts(entry) for name, entry in sorted(everything.items())})
        if words is None:
            rows = [(name, entry.severity, entry.title) for name, entry in everything.items()]
            screen.table(("code", "severity", "title"), rows)
        else:
            for name in everything:
                screen.say(f"{name}  {words.word(_section(name), name, 'title')}")
        return 0
    found = lookup(code.upper())
    if found is None:
        raise BadArgument(f"There is no code {code[:40]!r}.", code="U206", hint="`evidencekit explain` lists them all.")
    facts = _facts(found)
    screen.document({"code": code.upper(), **facts})
    if words is None:
        screen.say(f"{code.upper()}  {facts['title']}", facts["severity"])
        for member, word in WORDS.items():
            if facts.get(member):
                screen.say(f"{word:<17}{facts[member]}")
    else:
        _explain_in(words, code.upper(), facts, screen)
    return 0


def _explain_in(words: Texts, code: str, facts: dict[str, str], screen: Screen) -> None:
    """Print what a code means in another language than English; each text on a line of its own."""
    from evidencekit.cli.sheet import Sheet

    sheet, section = Sheet(screen, words), _section(code)
    screen.say(f"{code}  {words.word(section, code, 'title')}", facts["severity"])
    kind = words("refusal") if section == "refusals" else words.word("severities", facts["severity"])
    about = [words.word("aspects", facts["aspect"], "title")] if "aspect" in facts else []
    screen.say(" · ".join([kind, *about]))
    for member in ("means", "means_not", "do"):
        if facts.get(member):
            screen.say(f"{sheet.label(member)}{sheet.label('colon')}{words.word(section, code, member)}")
    if "section" in facts:
        sheet.fact(sheet.label("spec"), facts["section"], indent=0)


def _section(code: str) -> str:
    """Return the section of the catalogues that has a code."""
    return "refusals" if code in REFUSALS else "findings"


def _facts(entry: Entry | Refusal) -> dict[str, str]:
    return {**entry._asdict(), "severity": entry.severity}
