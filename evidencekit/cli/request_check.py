"""`evidencekit request check`: what is missing or cannot be, with the article that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, now_option
from evidencekit.cli.law import law_option, marked, table_of
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, Refused

if TYPE_CHECKING:
    from evidencekit.cooperation.check import Checked, Remark
    from evidencekit.cooperation.law import Table
    from evidencekit.core.request_draft import Stated


def checked_file(
    path: Path, instrument: str | None, law_folder: Path | None, now: int | None
) -> tuple[Stated, Table, Checked]:
    """Read a request and check it under an instrument; where none is named, under the one that it names.

    Raises:
        BadArgument: U310, which one is not clear; U300, there is no such table.
        FormatError: the file is no JSON, or a table of the folder is not one.
    """
    from evidencekit.cooperation.check import check_request
    from evidencekit.cooperation.parties import known_parties
    from evidencekit.core.request_draft import MAX_DRAFT, read_draft, stated

    said = stated(read_draft(bytes_of(path, MAX_DRAFT)))
    named = [instrument] if instrument else said.record.get("instruments", [])
    if len(named) != 1:
        hint = "Say --instrument ID" + (f": it names {', '.join(named)}." if named else ".")
        raise BadArgument(f"{display(str(path))} does not say under which one instrument.", code="U310", hint=hint)
    table = table_of(named[0], law_folder)
    parties = known_parties(law_folder).get(table.id)
    now = surroundings.clock() if now is None else now
    return said, table, check_request(said, table, parties, now)


@click.command()
@click.argument("file", type=PATH, metavar="REQUEST")
@click.option("--instrument", metavar="ID", help="Under which instrument (default: the one that the request names).")
@click.option("--out", "-o", type=PATH, metavar="FILE",
              help="Write the record as it may go out under this instrument, where nothing is missing.")  # fmt: skip
@law_option
@now_option
@output
def check(
    file: Path, instrument: str | None, out: Path | None, law_folder: Path | None, now: int | None, screen: Screen
) -> int:
    """Name each field that is missing or cannot be as it is stated, with the article that asks for it, and its mark.

    Addresses, numbers and times are looked at for plain faults; an IP address without its time and UTC offset is not
    taken. Nobody is asked, and what nobody could check is named. Whether a request is granted, others decide.

    \b
    Examples:
      evidencekit request check request.json --instrument budapest-29
      evidencekit request check request.json --instrument eu-preservation -o for-the-provider.json --json

    Exit codes: 0 complete · 2 usage, no such instrument · 3 incomplete or implausible, or not JSON
    · 4 a file cannot be read · 5 FILE exists.
    """
    if out is not None and out.exists():
        raise Refused(f"{display(str(out))} exists already.", code="R501", hint="Choose another name.")
    said, table, checked = checked_file(file, instrument, law_folder, now)
    _show(file, table, checked, screen)
    written = _write(said, table, checked, out, screen)
    screen.document(
        {
            "asked": _records(checked.asked),
            "complete": checked.is_complete,
            "implausible": _records(checked.implausible),
            "instrument": instrument_document(table),
            "left_out": _records(checked.left_out),
            "missing": _records(checked.missing),
            "not_checked": _records(checked.not_checked),
            "out": str(out) if written else None,
            "sha256": written,
        }
    )
    return 0 if checked.is_complete else 3


def _write(said: Stated, table: Table, checked: Checked, out: Path | None, screen: Screen) -> str | None:
    """Write the record where it is finished and somebody asked for it; return its SHA-256."""
    from evidencekit.cooperation.rendering import finished
    from evidencekit.core.digest import sha256_hex
    from evidencekit.write.durable import write_new

    if out is None:
        return None
    if not checked.is_complete:
        screen.say()
        screen.say(f"Nothing was written to {display(str(out))}: the request is not complete.", "warning")
        return None
    data = finished(said.record, table, surroundings.random(16))
    write_new(out, data)
    screen.say()
    screen.say(f"record written to {display(str(out))}, SHA-256 {sha256_hex(data)}")
    return sha256_hex(data)


def instrument_document(table: Table) -> dict[str, Any]:
    """Return what JSON says of the instrument."""
    source = table.source
    return {
        "citation": source.citation,
        "id": table.id,
        "instrument": table.instrument,
        "mark": source.mark,
        "own": table.own,
        "title": table.title,
        "version": source.version,
    }


def _records(remarks: Sequence[Remark]) -> list[dict[str, Any]]:
    return [remark.document() for remark in remarks]


_PARTS = (
    ("missing", "missing", "error"),
    ("implausible", "cannot be so", "error"),
    ("asked", "asked for, and not there", "warning"),
    ("left_out", "left out of what is sent under this instrument", "note"),
    ("not_checked", "not checked", "warning"),
)


def _show(file: Path, table: Table, checked: Checked, screen: Screen) -> None:
    faults = f"{len(checked.missing)} missing, {len(checked.implausible)} implausible"
    verdict = "complete" if checked.is_complete else f"NOT COMPLETE: {faults}"
    screen.result(f"{display(str(file))} under {table.id}: {verdict}")
    tell(screen, "request_complete" if checked.is_complete else "request_incomplete")
    screen.say(f"  {display(table.title)}; {marked(table.source.citation, table.source.mark)}")
    if table.own:
        screen.say("  This is a table of your own: it did not come with the program.", "warning")
    for part, title, style in _PARTS:
        remarks: tuple[Remark, ...] = getattr(checked, part)
        if remarks:
            screen.say()
            screen.say(title, style)
        for (article, mark), group in groupby(remarks, lambda remark: (remark.article, remark.mark)):
            for remark in group:
                found = f" (found: {remark.found})" if remark.found is not None else ""
                screen.say(f"  {remark.field}: {display(remark.text)}{found}")
            screen.say(f"      {display(article) if mark is None else marked(article, mark)}", "dim")
