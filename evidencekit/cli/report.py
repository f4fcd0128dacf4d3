"""`evidencekit report`: one page for a judge, then custody, catalogue and digests: HTML that needs nothing, or PDF.

What is verified for it is verified as `evidencekit verify` does, with the options of that command.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, policy_in, time_value
from evidencekit.cli.judging import Judging, judging_options
from evidencekit.cli.options import PATH, output, page_options
from evidencekit.cli.outputs import refuse_inside, refuse_paper
from evidencekit.cli.packages import loaded_identities, opened_package
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen, human_size
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.texts import REPORT_LANGUAGES, load_texts

if TYPE_CHECKING:
    pass


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", type=PATH)
@judging_options(packages=True)
@click.option("--verification", type=PATH, metavar="FILE",
              help="Rest on this saved `verify --json`, and say so; nothing is verified now.")  # fmt: skip
@click.option("--row", "rows", multiple=True, metavar="ROW",
              help="Show this row with its digests: EX-001:PATH or EX-001#INDEX; several times.")  # fmt: skip
@click.option("--now", metavar="T", callback=time_value,
              help="The time of making, and of judging: to make the same report again.")  # fmt: skip
@click.option(
    "--lang", type=click.Choice(REPORT_LANGUAGES), help="Language of the words (default: that of the system)."
)
@page_options
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@output
def report(
    path: Path, judging: Judging, verification: Path | None, rows: tuple[str, ...], now: int | None, lang: str | None,
    out: Path | None, form: PageForm, screen: Screen,
) -> int:  # fmt: skip
    """Write a report on a case or a package that a judge can read: the result in plain words, custody, digests.

    The first page says what was checked, what that means and does not mean, and how to repeat it. The case or package
    is verified for it now, unless --verification names a saved verification. It is not changed.

    \b
    Examples:
      evidencekit report CASE --policy POLICY --lang fr --html -o report.html
      evidencekit report CASE --policy POLICY --pdf -o report.pdf
      evidencekit report CASE --policy POLICY --source EX-001=/mnt/stick -o report.html
      evidencekit report CASE --policy POLICY --row EX-001:docs/a.txt --row EX-001#17 -o report.html
      evidencekit report PACKAGE.zip --policy POLICY -o report.html
      evidencekit report CASE --verification checked.json -o report.html

    Exit codes: 0 written, whatever the verdict · 2 usage · 4 it cannot be read, or no PDF can be made here ·
    5 FILE exists, or lies inside CASE; a certificate has expired.
    """
    from evidencekit.report.report_page import SECTIONS, report_html

    kind = _kind_of(path)
    place = refuse_paper(path, out, judging.sources.values())
    moment = surroundings.clock() if now is None else now
    write = page_writer(form, made=moment, screen=screen)
    chosen = _chosen(path, kind, judging, rows)
    saved: dict[str, Any] | None = None
    if verification is None:
        checked = _verified(path, kind, judging, moment, screen)
    else:
        checked, saved = _saved(path, kind, verification, judging)
    facts = _facts(path, kind, judging, checked, saved, chosen, moment)
    words = {name: load_texts(lang or surroundings.language(REPORT_LANGUAGES), name) for name in SECTIONS}
    size = write(place, report_html(facts, words), facts)
    screen.result(f"{checked['line']}: {checked['reason']}", checked["verdict"])
    resting = " It rests on a saved verification." if saved is not None else ""
    screen.say(f"Report of {human_size(size)} written to {display(str(out))}.{resting}")
    tell(screen, "report_written", verdict=checked["verdict"])
    if saved is not None:
        tell(screen, "report_saved")
    screen.document(
        {
            "facts": facts,
            "language": words["report"].language,
            "line": checked["line"],
            "out": str(out),
            "verdict": checked["verdict"],
        }
    )
    return 0


def _kind_of(path: Path) -> str:
    """Return `case` or `package`.

    Raises:
        BadArgument: U610, it is something else that can be verified.
    """
    from evidencekit.read.package import is_package
    from evidencekit.read.published import is_published

    if is_package(path):
        return "package"
    if path.is_file() or is_published(path):
        hint = "Name the case or the package; `evidencekit verify` checks a proof or a published log."
        raise BadArgument(f"{display(str(path))} is neither a case nor a package.", code="U610", hint=hint)
    return "case"


def _chosen(path: Path, kind: str, judging: Judging, rows: tuple[str, ...]) -> list[dict[str, Any]] | None:
    """Return the rows that were asked for, found before hours are spent on verifying; None where none were.

    Raises:
        BadArgument: U215, U234, there is no such row; U232, the thing is a package.
    """
    if kind == "package" and (judging.sources or rows):
        name = "--source" if judging.sources else "--row"
        raise BadArgument(f"{name} is for a case, and this is a package.", code="U232", hint="Leave it out.")
    if not rows:
        return None
    from evidencekit.catalogue.digests import rows_named
    from evidencekit.catalogue.record import read_record

    return rows_named(read_record(path), rows)


def _verified(path: Path, kind: str, judging: Judging, now: int, screen: Screen) -> dict[str, Any]:
    from evidencekit.verify.package import verify_package
    from evidencekit.verify.verifier import verify_case

    chosen = policy_in(judging.policy)
    with screen.progress("verify") as meter:
        how: dict[str, Any] = {"policy": chosen, "since": judging.since, "now": now, "progress": meter.tell}
        if kind == "package":
            done = verify_package(path, identities=loaded_identities(judging.identities), **how)
        else:
            done = verify_case(path, sources=judging.sources or None, jobs=None, **how)
    return done.as_record()


def _saved(path: Path, kind: str, file: Path, judging: Judging) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a saved verification, and what the report says of the file.

    Raises:
        BadArgument: U232, options of verifying stand beside it; U611, U612.
    """
    from evidencekit.core.digest import sha256_hex
    from evidencekit.journeys.report import check_saved_case, check_saved_package
    from evidencekit.report.report_saved import MAX_FILE, read_verification

    if judging._replace(identities=()):
        hint = "What was checked, and by which policy, is as it was then."
        raise BadArgument("--verification stands for the options of verifying.", code="U232", hint=hint)
    refuse_inside(path, file)
    data, name = bytes_of(file, MAX_FILE), display(str(file))
    record, as_of = read_verification(data, name)
    if kind == "package":
        with opened_package(path, judging.identities) as package:
            check_saved_package(record, package, name)
    else:
        check_saved_case(record, path, name)
    return record, {"as_of": as_of, "sha256": sha256_hex(data)}


def _facts(
    path: Path, kind: str, judging: Judging, checked: dict[str, Any], saved: dict[str, Any] | None,
    chosen: list[dict[str, Any]] | None, now: int,
) -> dict[str, Any]:  # fmt: skip
    from evidencekit.journeys.report import policy_files, recorded_of
    from evidencekit.report.facts import facts_of

    recorded = recorded_of(path, now) if kind == "case" else None
    shared = None if kind == "case" else _shared(path, judging.identities, now)
    given = {
        "policy": None if judging.policy is None else policy_files(judging.policy),
        "sources": list(judging.sources),
        "since": judging.since is not None,
        "identity": bool(judging.identities),
    }
    program, name = f"evidencekit {__version__}", path.name or str(path)
    return facts_of(checked, name=name, now=now, program=program, given=None if saved else given, saved=saved,
                    recorded=recorded, shared=shared, chosen=chosen)  # fmt: skip


def _shared(path: Path, identities: tuple[Path, ...], now: int) -> dict[str, Any]:
    """Return what a package shows of its log; or why it cannot be opened, which the verdict says, too."""
    from evidencekit.journeys.report import shown_by

    try:
        with opened_package(path, identities) as package:
            return shown_by(package, now)
    except (CannotFinish, FormatError) as error:
        return {"custody_error": error.message}
