"""`evidencekit law`: the tables of law that requests and holds rest on, each rule with its citation and its mark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli.help import Group
from evidencekit.cli.inputs import bytes_of, day_of, now_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.cooperation.law import Table
    from evidencekit.cooperation.parties import Parties

F = TypeVar("F", bound=Callable[..., Any])
_STANDING = {
    "holds": "",
    "not_yet": "NOT YET VALID",
    "no_longer": "NO LONGER VALID",
    "not_known": "not known when it came into force",
}


def law_option(function: F) -> F:
    """Add --law."""
    text = "Tables of your own: a folder of ID.toml; one of the same id takes the place of ours."
    folder = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.option("--law", "law_folder", type=folder, metavar="DIR", help=text)(function)


def table_of(identity: str, folder: Path | None) -> Table:
    """Return a table by its id.

    Raises:
        BadArgument: U300, there is none.
        FormatError: a table of the folder is not one.
    """
    from evidencekit.cooperation.law import known_tables
    from evidencekit.errors import BadArgument

    tables = known_tables(folder)
    if identity not in tables:
        hint = f"Known are: {', '.join(tables)}. Say --law DIR for tables of your own."
        raise BadArgument(f"No table of law has the id {display(identity)}.", code="U300", hint=hint)
    return tables[identity]


def marked(citation: str, mark: str) -> str:
    """Return a citation with its mark: `unconfirmed` in capitals, so that nobody reads over it."""
    return f"{display(citation)} [{mark.upper() if mark == 'unconfirmed' else mark}]"


@click.group(cls=Group)
def law() -> None:
    """Law as data: what instruments ask of a request, and how long they give.

    Each rule has its citation and a mark. `confirmed`: somebody compared it word for word with the official text.
    `unconfirmed`: from general knowledge; look it up before you rely on it. What the law is, a person decides.
    """


@law.command("list")
@law_option
@now_option
@output
def list_(law_folder: Path | None, now: int | None, screen: Screen) -> int:
    """List the tables: id, title, mark, since when they hold.

    \b
    Examples:
      evidencekit law list
      evidencekit law list --law our-tables --now 2027-01-01

    Exit codes: 0 listed · 2 usage · 3 a table of DIR is not one: `law check` names its faults.
    """
    from evidencekit.cooperation.law import known_tables

    day = day_of(now)
    tables = known_tables(law_folder)
    rows = []
    for table in tables.values():
        source = table.source
        told = filter(None, (_STANDING[source.standing(day)], "yours" if table.own else ""))
        rows.append((table.id, source.mark, source.valid_from or "-", table.title, "; ".join(told)))
    screen.table(("id", "mark", "from", "title", ""), [tuple(display(str(cell)) for cell in row) for row in rows])
    screen.say()
    screen.say("The mark is of the table as a whole; `evidencekit law show ID` has that of each rule.")
    screen.document(
        {
            "as_of": str(day),
            "tables": [
                {
                    "citation": table.source.citation,
                    "id": table.id,
                    "instrument": table.instrument,
                    "mark": table.source.mark,
                    "own": table.own,
                    "standing": table.source.standing(day),
                    "title": table.title,
                    "valid_from": None if table.source.valid_from is None else str(table.source.valid_from),
                    "valid_until": None if table.source.valid_until is None else str(table.source.valid_until),
                    "version": table.source.version,
                }
                for table in tables.values()
            ],
        }
    )
    return 0


@law.command()
@click.argument("identity", metavar="ID")
@law_option
@now_option
@output
def show(identity: str, law_folder: Path | None, now: int | None, screen: Screen) -> int:
    """Show a table: each limit, field and category, with its citation and its mark.

    \b
    Example:
      evidencekit law show budapest-29

    Exit codes: 0 shown · 2 usage, or there is no such table · 3 a table of DIR is not one.
    """
    from evidencekit.cooperation.parties import known_parties
    from evidencekit.cooperation.rendering import document_of

    table = table_of(identity, law_folder)
    parties = known_parties(law_folder).get(identity)
    source, standing = table.source, table.source.standing(day_of(now))
    screen.result(f"{table.id}  {display(table.title)}")
    screen.say(
        f"  {display(table.instrument)}: {marked(source.citation, source.mark)}, text of {display(source.version)}"
    )
    since = f"holds from {source.valid_from}" if source.valid_from else _STANDING["not_known"]
    until = f" until {source.valid_until}" if source.valid_until else ""
    screen.say(f"  {since}{until}", None if standing == "holds" else "warning")
    for words in (_STANDING[standing].capitalize() if standing in {"not_yet", "no_longer"} else "", table.note or ""):
        if words:
            screen.say(f"  {display(words)}")
    if table.own:
        screen.say("  This is a table of your own: it did not come with the program.", "warning")
    _show_rules(table, screen)
    _show_parties(parties, screen)
    document = document_of(table)
    screen.document({**document, "parties": None if parties is None else _document(parties), "standing": standing})
    return 0


def _show_rules(table: Table, screen: Screen) -> None:
    for limit in table.limits:
        screen.say()
        when = f", where there is {limit.when}" if limit.when else ""
        start = ", from service on whoever has the data" if limit.start == "service" else ""
        bound = {"least": "at least", "most": "at most"}[limit.bound]
        unit = limit.unit.replace("_", " ")
        screen.say(f"limit {limit.id}: {limit.of} {bound} {limit.amount} {unit}{start}{when}", "bold")
        screen.say(f"  {display(limit.text)}")
        screen.say(f"  {marked(limit.source.citation, limit.source.mark)}")
    for need, title in (("required", "required"), ("asked", "asked for"), ("omitted", "left out of what is sent")):
        rules = [rule for rule in table.fields if rule.need == need]
        if rules:
            screen.say()
            screen.say(title, "bold")
        for rule in rules:
            other = f" or {rule.instead}" if rule.instead else ""
            when = f" (where there is {rule.when})" if rule.when else ""
            screen.say(f"  {rule.name}{other}{when}: {display(rule.text)}")
            screen.say(f"      {marked(rule.source.citation, rule.source.mark)}")
    if table.categories:
        screen.say()
        screen.say("categories of data", "bold")
    for category in table.categories:
        source = category.source
        screen.say(f"  {category.name}: {display(category.text)}  {marked(source.citation, source.mark)}")


def _show_parties(parties: Parties | None, screen: Screen) -> None:
    screen.say()
    if parties is None:
        screen.say("parties: there is no list; nobody is known to be one")
        return
    names = ", ".join(f"{code} ({day})" if day else code for code, day in parties.states.items())
    screen.say(f"known parties, by a list as of {parties.as_of}: {marked(parties.citation, parties.mark)}", "bold")
    screen.say(f"  {names}")
    screen.say("  A State that is not listed is not known to be a party; that it is none, nobody says.")


def _document(parties: Parties) -> dict[str, Any]:
    return {
        "citation": parties.citation,
        "mark": parties.mark,
        "own": parties.own,
        "as_of": str(parties.as_of),
        "states": {code: None if day is None else str(day) for code, day in parties.states.items()},
    }


@law.command()
@click.argument("files", type=PATH, nargs=-1, required=True, metavar="FILE...")
@output
def check(files: tuple[Path, ...], screen: Screen) -> int:
    """Name every fault of tables of your own, or of a parties.toml: place, what is expected, what stands there.

    \b
    Examples:
      evidencekit law check our-tables/xx-1.toml
      evidencekit law check our-tables/parties.toml --json

    Exit codes: 0 sound · 2 usage · 3 there are faults · 4 a file cannot be read.
    """
    from evidencekit.cooperation.law import PARTIES, faults_of
    from evidencekit.cooperation.members import MAX_TABLE
    from evidencekit.cooperation.parties import faults_of_parties

    found = []
    for path in files:
        data = bytes_of(path, MAX_TABLE)
        faults = faults_of_parties(data) if path.name == PARTIES else faults_of(data, path.name)
        name = display(str(path))
        screen.result(f"{name}: {counted(len(faults), 'fault')}" if faults else f"{name}: sound")
        tell(screen, "law_faults" if faults else "law_sound")
        for fault in faults:
            screen.say(f"  {fault.place}: expected {fault.expected}, found {fault.found}", "error")
        found += [
            {"file": str(path), "place": one.place, "expected": one.expected, "found": one.found} for one in faults
        ]
    screen.document({"faults": found, "files": len(files), "sound": not found})
    return 3 if found else 0
