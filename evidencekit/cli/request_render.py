"""`evidencekit request render`: a request on paper, in one of six languages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.inputs import now_option
from evidencekit.cli.law import law_option
from evidencekit.cli.options import PATH, output, page_options_with_text
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen
from evidencekit.cli.request_check import checked_file, instrument_document
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, Refused
from evidencekit.read.texts import LANGUAGES, load_texts

if TYPE_CHECKING:
    from evidencekit.cooperation.check import Checked
    from evidencekit.cooperation.law import Table
    from evidencekit.core.request_draft import Stated
    from evidencekit.report.html import Texts
    from evidencekit.report.request import Paper


@click.command()
@click.argument("file", type=PATH, metavar="REQUEST")
@click.option("--instrument", metavar="ID", help="Under which instrument (default: the one that the request names).")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the labels (default: that of the system).")
@page_options_with_text
@click.option("--draft", is_flag=True, help="Print it also where it is not complete, and say so on it.")
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@law_option
@now_option
@output
def render(
    file: Path, instrument: str | None, lang: str | None, draft: bool, out: Path | None, law_folder: Path | None,
    now: int | None, form: PageForm, screen: Screen,
) -> int:  # fmt: skip
    """Print a request: what the instrument must not carry is left out, and each rule behind it stands there, marked.

    The labels are in the language that you choose; what you wrote is never translated. Sign it by pen, or send the
    record itself.

    \b
    Examples:
      evidencekit request render request.json --instrument budapest-29 --lang fr --html -o request.html
      evidencekit request render request.json --instrument eu-preservation -o request.txt
      evidencekit request render request.json --pdf -o request.pdf

    Exit codes: 0 written · 2 usage, no such instrument · 3 not JSON · 4 a file cannot be read, no PDF can be made here
    · 5 FILE exists, or the request is not complete (--draft prints it all the same).
    """
    from evidencekit.report.request import request_html, request_text
    from evidencekit.write.durable import write_new

    if out is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o request.html.")
    said, table, checked = checked_file(file, instrument, law_folder, now)
    if not checked.is_complete and not draft:
        count = len(checked.missing) + len(checked.implausible)
        hint = "`evidencekit request check` names each place and its article; --draft prints it all the same."
        raise Refused(f"{display(str(file))} is not complete: {count} places.", code="R585", hint=hint)
    texts = load_texts(lang or surroundings.language(), "request")
    moment = surroundings.clock() if now is None else now
    write = None if form.kind == "text" else page_writer(form, made=moment, screen=screen)
    paper = _paper(said, table, checked, texts, moment)
    if write is None:
        write_new(out, request_text(paper, texts).encode())
    else:
        write(out, request_html(paper, texts), None)
    left = [remark.field for remark in checked.left_out]
    state = "" if paper.digest else " as a DRAFT: it is not complete"
    screen.result(f"written to {display(str(out))}{state}")
    tell(screen, "request_written")
    if not paper.digest:
        tell(screen, "request_draft")
    if left:
        screen.say(f"Left out under {table.id}: {', '.join(left)}.")
    screen.document(
        {
            "complete": checked.is_complete,
            "instrument": instrument_document(table),
            "language": texts.language,
            "left_out": left,
            "out": str(out),
            "sha256": paper.digest,
        }
    )
    return 0


def _paper(said: Stated, table: Table, checked: Checked, texts: Texts, now: int) -> Paper:
    """Return what is printed: of a complete request the record that goes out, of another what there is."""
    from evidencekit.cooperation.check import holding
    from evidencekit.cooperation.rendering import document_of, finished, reduced
    from evidencekit.core.digest import sha256_hex
    from evidencekit.core.request import decode_request
    from evidencekit.core.values import format_instant
    from evidencekit.report.request import paper_of

    data = finished(said.record, table, surroundings.random(16)) if checked.is_complete else None
    record = reduced(said.record, table) if data is None else decode_request(data)
    names = {rule.name for rule in holding(record, table, "required", "asked")}
    document = document_of(table)
    rules = [rule for rule in document["fields"] if rule["name"] in names and rule["need"] != "omitted"]
    lacking = [remark.field for remark in (*checked.missing, *checked.implausible)]
    program = f"evidencekit {__version__}"
    digest = None if data is None else sha256_hex(data)
    return paper_of(
        record, document, rules, texts, digest=digest, lacking=lacking, now=format_instant(now), program=program
    )
