"""`evidencekit request new`: a request to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, day_of, now_option, policy_option
from evidencekit.cli.law import law_option, marked, table_of
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument


def _pair(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = [value.partition("=") for value in values]
    for place, equals, _ in pairs:
        if not equals:
            hint = "As in --set authority.phone=+33123456789."
            raise BadArgument(f"{display(place)} is not PLACE=VALUE.", code="U312", hint=hint)
    return tuple((place.strip(), value) for place, _, value in pairs)


@click.command()
@click.option("--instrument", "instruments", multiple=True, required=True, metavar="ID",
              help="Under which instrument; several times where one request goes out under several.")  # fmt: skip
@click.option("--from", "sources", type=PATH, multiple=True, metavar="FILE",
              help="Fill in what a file of TOML or JSON states, as your office's address; several times.")  # fmt: skip
@click.option("--set", "values", multiple=True, metavar="PLACE=VALUE", callback=_pair,
              help="Fill in one place; of a list one member. May be repeated.")  # fmt: skip
@click.option("--contact", "directory", type=PATH, metavar="FILE",
              help="Fill in to whom it goes, from a directory of contacts that somebody signed.")  # fmt: skip
@click.option("--to-contact", "who", metavar="NAME", help="Which of its contacts: a State (ISO 3166), or a name.")
@click.option(
    "--trust", multiple=True, type=PATH, metavar="FILE.pub", help="The directory's issuer's key; several times."
)
@policy_option("Believe the directory where this policy lets its issuer sign it.")
@now_option
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@law_option
@output
def new(
    instruments: tuple[str, ...], sources: tuple[Path, ...], values: tuple[tuple[str, str], ...], out: Path | None,
    law_folder: Path | None, screen: Screen, **whom: Any,
) -> int:  # fmt: skip
    """Write a request to fill in: JSON with every member, and lines that say which article asks for what.

    Nothing is sent. A request that is partly filled in is a file for --from, too: so one is carried on, or made again.
    What --set says comes last. A directory of contacts has to be signed, and its contact valid today.

    \b
    Examples:
      evidencekit request new --instrument budapest-29 -o request.json
      evidencekit request new --instrument budapest-29 --from office.toml --set facts="..." -o request.json
      evidencekit request new --instrument un-42 --contact contacts.json --to-contact CZ --trust issuer.pub -o r.json

    Exit codes: 0 written · 2 usage, no such instrument, place or contact · 3 a file or table is not of its format
    · 4 a file cannot be read · 5 FILE exists, or the contact is not valid or a stranger's.
    """
    from evidencekit.cooperation.drafting import blank, filled, merged, read_values, written
    from evidencekit.core.request_draft import MAX_DRAFT
    from evidencekit.write.durable import write_new

    if out is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o request.json.")
    tables = [table_of(identity, law_folder) for identity in dict.fromkeys(instruments)]
    draft = blank(tables, surroundings.random(16))
    kept = {name: draft[name] for name in ("instruments", "nonce")}
    for path in sources:
        stated = read_values(bytes_of(path, MAX_DRAFT), is_toml=path.suffix.lower() == ".toml")
        draft = merged(draft, stated) | kept
    to, directory = _contact(screen, instruments, **whom)
    draft = merged(draft, to)
    for place, value in values:
        draft = filled(draft, place, value)
    write_new(out, written(draft))
    screen.result(f"{display(str(out))} written: fill it in with any editor")
    tell(screen, "draft_written")
    for table in tables:
        screen.say(f"  {table.id}: {display(table.title)}; {marked(table.source.citation, table.source.mark)}")
    first = tables[0].id
    screen.say(f"Then: evidencekit request check {display(str(out))} --instrument {first}")
    named = {"contacts": directory, "instruments": [table.id for table in tables]}
    screen.document(named | {"out": str(out), "request": draft})
    return 0


def _contact(
    screen: Screen, instruments: tuple[str, ...], *, directory: Path | None, who: str | None, trust: tuple[Path, ...],
    policy: Path | None, now: int | None,
) -> tuple[dict[str, Any], dict[str, Any] | None]:  # fmt: skip
    """Return what a signed directory says of whom the request goes to, and who signed it, as JSON has it."""
    from evidencekit.cli.contacts import open_directory, say_signer
    from evidencekit.core.request import PLACES
    from evidencekit.journeys.contacts import contact_for

    if directory is None:
        if who is not None:
            raise BadArgument("No directory of contacts was named.", code="U267", hint="Say --contact contacts.json.")
        return {}, None
    opened = open_directory(directory, trust, policy)
    contact = contact_for(opened, who, day_of(now))
    say_signer(screen, opened)
    screen.say(f"to {display(contact['name'])} ({contact['state']})")
    for instrument in instruments:
        if instrument not in contact.get("instruments", instruments):
            screen.say(f"beware: the directory does not name this contact for {instrument}", "warning")
    signed = {"issuer": opened.record["issuer"], "signer": opened.signer, "trusted": opened.trusted}
    return {"to": {name: value for name, value in contact.items() if f"to.{name}" in PLACES}}, signed
