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
from evidencekit.cli.options import PATH, output, page_options
from evidencekit.cli.outputs import refuse_inside, refuse_outputs
from evidencekit.cli.packages import loaded_identities, opened_package
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen, human_size
from evidencekit.cli.verify import verify
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.texts import REPORT_LANGUAGES, load_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_VERIFY = ("policy", "sources", "since", "identities")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", type=PATH)
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
    path: Path, policy: Path | None, sources: dict[str, Path], since: bytes | None, identities: tuple[Path, ...],
    verification: Path | None, rows: tuple[str, ...], now: int | None, lang: str | None, out: Path | None,
    form: PageForm, screen: Screen,
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
    from evidencekit.report.report_page import report_html

    if out is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o report.html.")
    kind = _kind_of(path)
    refuse_outputs(path, out)
    moment = surroundings.clock() if now is None else now
    write = page_writer(form, made=moment, screen=screen)
    saved: dict[str, Any] | None = None
    if kind == "package" and (sources or rows):
        name = "--source" if sources else "--row"
        raise BadArgument(f"{name} is for a case, and this is a package.", code="U232", hint="Leave it out.")
    if verification is None:
        checked = _verified(path, kind, policy, sources, since, identities, moment, screen)
    else:
        if policy or sources or since:
            hint = "What was checked, and by which policy, is as it was then."
            raise BadArgument("--verification stands for the options of verifying.", code="U232", hint=hint)
        refuse_inside(path, verification)
        checked, saved = _saved(path, kind, verification, identities)
    facts = _facts(path, kind, checked, saved, identities, rows, moment)
    words = {name: load_texts(lang or surroundings.language(REPORT_LANGUAGES), name) for name in _sections()}
    size = write(out, report_html(facts, words, _titles(words)), facts)
    screen.result(f"{checked['line']}: {checked['reason']}", checked["verdict"])
    resting = " It rests on a saved verification." if saved is not None else ""
    screen.say(f"Report of {human_size(size)} written to {display(str(out))}.{resting}")
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


report.params[1:1] = [option for option in verify.params if option.name in _OF_VERIFY]


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


def _verified(
    path: Path, kind: str, policy: Path | None, sources: dict[str, Path], since: bytes | None,
    identities: tuple[Path, ...], now: int, screen: Screen,
) -> dict[str, Any]:  # fmt: skip
    from evidencekit.verify.package import verify_package
    from evidencekit.verify.verifier import verify_case

    chosen = policy_in(policy)
    with screen.progress("verify") as meter:
        if kind == "package":
            keys = loaded_identities(identities)
            done = verify_package(path, policy=chosen, since=since, now=now, progress=meter.tell, identities=keys)
        else:
            done = verify_case(
                path, policy=chosen, sources=sources or None, since=since, now=now, progress=meter.tell, jobs=None
            )
    return done.as_record()


def _saved(path: Path, kind: str, file: Path, identities: tuple[Path, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a saved verification, and what the report says of the file."""
    from evidencekit.core.digest import sha256_hex
    from evidencekit.journeys.report import check_saved_case, check_saved_package
    from evidencekit.report.report_saved import MAX_FILE, read_verification

    data, name = bytes_of(file, MAX_FILE), display(str(file))
    record, as_of = read_verification(data, name)
    if kind == "package":
        with opened_package(path, identities) as package:
            check_saved_package(record, package, name)
    else:
        check_saved_case(record, path, name)
    return record, {"as_of": as_of, "sha256": sha256_hex(data)}


def _facts(
    path: Path,
    kind: str,
    checked: dict[str, Any],
    saved: dict[str, Any] | None,
    identities: tuple[Path, ...],
    rows: tuple[str, ...],
    now: int,
) -> dict[str, Any]:
    from evidencekit.journeys.report import recorded_of
    from evidencekit.report.facts import facts_of

    recorded, shared = (
        (recorded_of(path, now, rows), None) if kind == "case" else (None, _shared(path, identities, now))
    )
    program, name = f"evidencekit {__version__}", path.name or str(path)
    return facts_of(checked, name=name, now=now, program=program, saved=saved, recorded=recorded, shared=shared)


def _shared(path: Path, identities: tuple[Path, ...], now: int) -> dict[str, Any]:
    """Return what a package shows of its log; or why it cannot be opened, which the verdict says, too."""
    from evidencekit.journeys.report import shown_by

    try:
        with opened_package(path, identities) as package:
            return shown_by(package, now)
    except (CannotFinish, FormatError) as error:
        return {"custody_error": error.message}


def _sections() -> tuple[str, ...]:
    from evidencekit.report.report_page import SECTIONS

    return SECTIONS


def _titles(words: Mapping[str, Any]) -> dict[str, str]:
    """Return titles of findings in the language of the words."""
    from evidencekit.report.report_page import codes_of_findings

    return {code: words["report"].finding(code) for code in codes_of_findings()}
