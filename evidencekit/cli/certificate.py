"""`evidencekit certificate`: a form that a person signs, filled in from the record, beside what the program did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, policy_in, time_value
from evidencekit.cli.judging import Judging, judging_options
from evidencekit.cli.options import PATH, output, page_options
from evidencekit.cli.outputs import refuse_paper
from evidencekit.cli.pages import PageForm, page_writer
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.cli.standing_alone import refuse_beside
from evidencekit.core.values import display
from evidencekit.errors import BadArgument
from evidencekit.read.texts import LANGUAGES, Texts, load_texts

if TYPE_CHECKING:
    from evidencekit.report.form_file import CertificateForm

_PROGRAM = f"evidencekit {__version__}"
_LIST = "`evidencekit certificate --list` names the forms."


@click.command()
@click.argument("case", type=PATH, required=False)
@click.option("--form", "form_id", metavar="FORM", help="Which form: a name of --list.")
@click.option("--template", type=PATH, metavar="FILE.toml", help="A form of your own, in place of --form.")
@click.option("--list", "is_list", is_flag=True, help="List the forms; with --json also what a form may name.")
@click.option("--item", "items", multiple=True, metavar="EX-001", help="For this item; several times (default: all).")
@judging_options(packages=False)
@click.option("--now", metavar="T", callback=time_value, help="The time of making: to make the same page again.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of all but the form's own wording.")
@click.option("--out", "-o", type=PATH, metavar="FILE", help="The file to write; must not exist.")
@page_options
@output
def certificate(
    case: Path | None, form_id: str | None, template: Path | None, is_list: bool, items: tuple[str, ...],
    judging: Judging, now: int | None, lang: str | None, out: Path | None, form: PageForm, screen: Screen,
) -> int:  # fmt: skip
    """Write a certificate for a person to sign: a form, filled in from the record; what the program did, stated apart.

    Nobody has signed it: oath, name, post, date, place and signature are blanks. Nothing is verified for it without
    --policy, --source or --since, and then it says so. The case is not changed. Compare the wording with the official
    text before you sign; what you do not know yourself, strike out.

    \b
    Examples:
      evidencekit certificate --list
      evidencekit certificate CASE --form fre-902-14 --policy POLICY --source EX-001=/mnt/stick -o certificate.html
      evidencekit certificate CASE --form bsa-63-4-a --item EX-001 --policy POLICY --lang fr -o part-a.html
      evidencekit certificate CASE --template ours.toml -o certificate.html

    Exit codes: 0 written, whatever the verdict · 2 usage · 4 the case cannot be read, a manifest is not the sealed one
    · 5 FILE exists, or lies in CASE; the case is unfinished.
    """
    if is_list:
        refuse_beside("--list", "is_list")
        return _list(screen)
    wording = _wording(form_id, template)
    if case is None:
        raise click.UsageError("Missing argument 'CASE'.")
    place = refuse_paper(case, out, judging.sources.values())
    moment = surroundings.clock() if now is None else now
    write = page_writer(form, made=moment, screen=screen)
    recorded = _recorded(case, items, moment)
    verified = _verified(case, judging, moment, screen) if judging else None
    facts = _facts(wording, recorded, verified, moment)
    language = lang or surroundings.language()
    write(place, _page(facts, wording, language), facts)
    _say(facts, verified, place, screen)
    named = [item["item.exhibit"] for item in facts["items"]["rows"]]
    screen.document({"facts": facts, "form": wording.id, "items": named, "language": language, "out": str(place)})
    return 0


def _list(screen: Screen) -> int:
    """Print the forms that come with the program."""
    from dataclasses import asdict

    from evidencekit.report.form_file import known_forms
    from evidencekit.report.slots import SLOTS

    forms = list(known_forms().values())
    screen.table(("form", "wording", "title"), [(form.id, form.mark, form.title) for form in forms])
    screen.say("Compare the wording with the official text before you sign.")
    told = ("id", "title", "language", "instrument", "citation", "version", "mark", "note")
    screen.document(
        {
            "forms": [{name: getattr(form, name) for name in told} for form in forms],
            "slots": [asdict(slot) for slot in SLOTS.values()],
        }
    )
    return 0


def _wording(form_id: str | None, template: Path | None) -> CertificateForm:
    """Return the form that was asked for.

    Raises:
        BadArgument: U620, none, two, or one that is not known; U621, a form of one's own is not one.
    """
    from evidencekit.report.form_file import MAX_FORM, known_forms, read_form

    if (form_id is None) == (template is None):
        raise BadArgument("Say --form or --template, one of them.", code="U620", hint=_LIST)
    if template is not None:
        return read_form(bytes_of(template, MAX_FORM), str(template), own=True)
    forms = known_forms()
    if form_id not in forms:
        raise BadArgument(f"There is no form {display(form_id or '')}.", code="U620", hint=_LIST)
    return forms[form_id]


def _recorded(case: Path, items: tuple[str, ...], now: int) -> dict[str, Any]:
    """Return what the record says of the items; before hours are spent on verifying, since it may refuse them."""
    from evidencekit.journeys.certificate import recorded_of_items

    return recorded_of_items(case, items, now=now, program=_PROGRAM)


def _verified(case: Path, judging: Judging, now: int, screen: Screen) -> dict[str, Any]:
    from evidencekit.verify.verifier import verify_case

    how: dict[str, Any] = {"policy": policy_in(judging.policy), "sources": judging.sources or None}
    with screen.progress("verify") as meter:
        done = verify_case(case, since=judging.since, now=now, progress=meter.tell, jobs=None, **how)
    return done.as_record()


def _facts(
    wording: CertificateForm, recorded: dict[str, Any], verified: dict[str, Any] | None, now: int
) -> dict[str, Any]:
    from evidencekit.report.certificate import certificate_facts

    return certificate_facts(wording, recorded, verified, now=now, program=_PROGRAM)


def _page(facts: dict[str, Any], wording: CertificateForm, language: str) -> str:
    """Return the page: the form's wording in its own language, the rest in the one that was asked for."""
    from evidencekit.report.certificate_page import SECTIONS, certificate_html

    own = wording.language.partition("-")[0]
    words, of_form = _words(language, SECTIONS), _words(own if own in LANGUAGES else language, SECTIONS)
    return certificate_html(facts, words, of_form)


def _words(language: str, sections: tuple[str, ...]) -> dict[str, Texts]:
    return {name: load_texts(language, name) for name in sections}


def _say(facts: dict[str, Any], verified: dict[str, Any] | None, out: Path, screen: Screen) -> None:
    if verified is None:
        screen.result("Nothing was verified: say --policy DIR, or --source.", "NOT CHECKED")
        tell(screen, "nothing_verified")
    else:
        screen.result(f"{verified['line']}: {verified['reason']}", verified["verdict"])
        tell(screen, verdict=verified["verdict"])
    screen.say(f"Certificate for {counted(facts['items']['total'], 'item')} written to {display(str(out))}.")
    screen.say("Nobody has signed it. Compare its wording with the official text before you sign.")
    tell(screen, "certificate_written")
