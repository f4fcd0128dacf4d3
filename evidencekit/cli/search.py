"""`evidencekit find`, `query` and `list`: the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import size_value, time_value
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.render import Screen, human_size
from evidencekit.core.values import display

SHOWN = 1000
"""Rows that a person is shown; --json gives all of them."""
FORMATS = ("sha256sum", "b3sum", "md5sum", "sha1sum", "sha512sum", "hashdeep", "csv")


@click.command()
@case_argument
@click.option("--name", metavar="GLOB", help="Without / it matches the last name, with / the whole path.")
@click.option("--contains", metavar="TEXT", help="Text anywhere in the path.")
@click.option("--type", "media_type", metavar="MIME", help="Media type or glob, as image/*.")
@click.option("--hash", "digest", metavar="HEX", help="Any recorded digest.")
@click.option("--larger", metavar="N", callback=size_value, help="More than N bytes (10M, 2G).")
@click.option("--smaller", metavar="N", callback=size_value, help="Less than N bytes.")
@click.option("--after", metavar="T", callback=time_value, help="Changed at or after T.")
@click.option("--before", metavar="T", callback=time_value, help="Changed before T.")
@click.option("--kind", help="file, directory, symlink, fifo …")
@click.option("--state", help="complete, changed, partial, not_read, not_listed, vanished.")
@click.option("--item", metavar="EX-001", help="Only this exhibit.")
@click.option("--match", metavar="RESULT", help="Of the newest comparison with a list: differs, moved, not_listed …")
@click.option("--ignore-case", "-i", is_flag=True, help="Letters of either case match.")
@output
def find(case: Path, screen: Screen, **criteria: Any) -> int:
    """Search the catalogue of all sealed exhibits; criteria add up.

    \b
    Examples:
      evidencekit find CASE --name '*.pdf' --larger 10M
      evidencekit find CASE --type 'image/*' --after 2026-01-01 --json
      evidencekit find CASE --state not_read
      evidencekit find CASE --match differs

    Exit codes: 0 done, whatever was found · 2 usage · 4 not a case, or it cannot be read.
    """
    from evidencekit.catalogue.build import open_catalogue
    from evidencekit.catalogue.query import find as find_rows

    with open_catalogue(case, cache_folder=surroundings.cache_folder()) as catalogue:
        rows, total = find_rows(catalogue, path_contains=criteria.pop("contains"), **criteria)
        if screen.as_json:
            screen.rows({}, "rows", rows)
            return 0
        listed = [row for row, _ in zip(rows, range(SHOWN), strict=False)]
    screen.table(("row", "kind", "state", "size", "type", "path"), (_line(row) for row in listed))
    more = f", {len(listed):,} shown: --json gives them all" if total > len(listed) else ""
    screen.result(f"{total:,} rows{more}")
    return 0


def _line(row: dict[str, Any]) -> tuple[object, ...]:
    size = "" if row["size"] is None else human_size(int(row["size"]))
    name = f"{row['item']}#{row['index']}"
    state = row["state"] or "erased"
    if row["path"] is None:
        return name, row["kind"], state, size, display(row.get("media_type") or ""), "(erased)"
    path = display(bytes.fromhex(row["path_hex"]) if row.get("path_hex") else row["path"])
    return name, row["kind"], state, size, display(row.get("media_type") or ""), path or "."


@click.command()
@case_argument
@click.argument("sql")
@output
def query(case: Path, sql: str, screen: Screen) -> int:
    """Run SQL on the catalogue, read-only. Tables: rows, items, manifests, matches; views: omissions, duplicates.

    \b
    Examples:
      evidencekit query CASE 'select ext, count(*) n, sum(size) from rows group by ext order by n desc limit 10'
      evidencekit query CASE 'select * from duplicates' --json

    Exit codes: 0 done · 2 SQL that cannot be run · 4 not a case, or it cannot be read.
    """
    from evidencekit.catalogue.build import open_catalogue
    from evidencekit.catalogue.query import query as query_rows

    with open_catalogue(case, cache_folder=surroundings.cache_folder()) as catalogue:
        columns, rows = query_rows(catalogue, sql)
        if screen.as_json:
            screen.rows({"columns": columns}, "rows", ([_plain(cell) for cell in row] for row in rows))
            return 0
        screen.table(columns, ([_shown(cell) for cell in row] for row in rows))
    return 0


def _plain(cell: object) -> object:
    """Return an SQL value as JSON has it: blobs as hex."""
    return cell.hex() if isinstance(cell, bytes) else cell


def _shown(cell: object) -> str:
    return "" if cell is None else display(cell) if isinstance(cell, (bytes, str)) else str(cell)


@click.command("list")
@case_argument
@click.option("--format", "form", type=click.Choice(FORMATS), default="sha256sum", show_default=True, help="Its form.")
@click.option("--item", metavar="EX-001", help="Only this exhibit.")
@output
def list_(case: Path, form: str, item: str | None, screen: Screen) -> int:
    """Write the digests as a list that other tools read; rows that the form cannot express are named on stderr.

    \b
    Examples:
      evidencekit list CASE > sealed.sha256;  cd SOURCE && sha256sum -c sealed.sha256
      evidencekit list CASE --format hashdeep > sealed.hashdeep;  cd SOURCE && hashdeep -r -l -a -k sealed.hashdeep .

    With --json: the rows of all files with all their digests, as `find` gives them, whatever the form.

    Exit codes: 0 written · 4 not a case, or it cannot be read · 6 some rows could not be expressed.
    """
    from evidencekit.catalogue.listing import list_lines

    listing = list_lines(case, form, item=item)
    if screen.as_json:
        _list_rows(case, item, screen)
        return 0
    for line in listing.lines:
        screen.raw(line)
    for unlisted in listing.unlisted:
        screen.aside(f"not listed: {unlisted}")
    if listing.without_digest:
        screen.aside(
            f"{listing.without_digest:,} rows are not listed: folders, links, and what else has no such digest."
        )
    if listing.erased:
        screen.aside(f"{listing.erased:,} rows are not listed: their name or content was erased by an order.")
    return 6 if listing.unlisted else 0


def _list_rows(case: Path, item: str | None, screen: Screen) -> None:
    from evidencekit.catalogue.build import open_catalogue
    from evidencekit.catalogue.query import find as find_rows

    with open_catalogue(case, cache_folder=surroundings.cache_folder()) as catalogue:
        rows, _ = find_rows(catalogue, kind="file", item=item)
        screen.rows({}, "rows", rows)
