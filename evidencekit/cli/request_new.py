"""`evidencekit request new`: a request to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of
from evidencekit.cli.law import law_option, marked, table_of
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen
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
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@law_option
@output
def new(
    instruments: tuple[str, ...], sources: tuple[Path, ...], values: tuple[tuple[str, str], ...], out: Path | None,
    law_folder: Path | None, screen: Screen,
) -> int:  # fmt: skip
    """Write a request to fill in: JSON with every member, and lines that say which article asks for what.

    Nothing is sent. A request that is partly filled in is a file for --from, too: so one is carried on, or made again.

    \b
    Examples:
      evidencekit request new --instrument budapest-29 -o request.json
      evidencekit request new --instrument budapest-29 --from office.toml --set facts="..." -o request.json

    Exit codes: 0 written · 2 usage, no such instrument or place · 3 a file or table is not of its format
    4 a file cannot be read · 5 FILE exists.
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
    for place, value in values:
        draft = filled(draft, place, value)
    write_new(out, written(draft))
    screen.result(f"{display(str(out))} written: fill it in with any editor")
    for table in tables:
        screen.say(f"  {table.id}: {display(table.title)}; {marked(table.source.citation, table.source.mark)}")
    first = tables[0].id
    screen.say(f"Then: evidencekit request check {display(str(out))} --instrument {first}")
    screen.document({"instruments": [table.id for table in tables], "out": str(out), "request": draft})
    return 0
