"""`evidencekit export`: exactly what may be handed over, and what proves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.export_choice import choice_options, read_request
from evidencekit.cli.export_words import say_exported, say_plan
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.export_packing import Form
    from evidencekit.journeys.export_plan import Request
    from evidencekit.verify.report import Report
    from evidencekit.write.age import Recipient

_WITH_AGAIN = {"again", "as_json", "quiet", "no_color", "help"}


@click.command()
@case_argument
@click.argument("out", type=click.Path(path_type=Path), required=False)
@choice_options
@click.option("--package", metavar="DIGEST", help="Pass on what came in this package (--item, --glob, --withhold).")
@click.option("--plan", is_flag=True, help="Say what would leave, and write nothing.")
@click.option("--tar", "form", flag_value="tar", help="OUT is a .tar.")
@click.option("--zip", "form", flag_value="zip", help="OUT is a .zip.")
@click.option("--encrypt-to", "recipients", multiple=True, metavar="age1…",
              help="OUT is an age file for this key (or ssh public key); several times.")  # fmt: skip
@click.option("--again", type=click.IntRange(0), metavar="ENTRY",
              help="Record nothing: move the package of an export that was stopped.")  # fmt: skip
@field_options(["export"])
@acting
@output
def export(
    case: Path,
    out: Path | None,
    package: str | None,
    plan: bool,
    form: Form | None,
    recipients: tuple[str, ...],
    again: int | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Make a package: what you choose of a case, and what proves that it is what was sealed.

    Without a choice it is the whole case; kinds of criteria add up. Nothing else of a row leaves the case than what is
    shown; what is withheld is counted, with its ground. The package is verified before it gets its name, and the export
    is an event of the case. Look at it first: --plan.

    \b
    What is chosen, and withheld:
      --item EX-001 --glob '*.pdf'            all PDF files of one exhibit
      --item field/EX-001                     of an adopted case, with its history
      --rows EX-001:docs                      a folder with all below it; or EX-001#17, one row
      --withhold metadata                     owners, times, modes: of all rows
      --withhold name,content:privacy         the kind of the row, and its metadata, remain
      --withhold row:privilege:'mail/*'       these rows are not shown at all
      --package 60a0c75b --withhold content   of what somebody else sealed, and sent us
      --hide-event view:security              events of this type; a number of an entry, or all

    \b
    Examples:
      evidencekit export CASE OUT --glob '*.pdf' --plan
      evidencekit export CASE OUT --glob '*.pdf' --withhold metadata --to lab.pub --signer examiner
      evidencekit export CASE EX-001.zip --item EX-001 --hash-only --signer examiner
      evidencekit export CASE COURT.tar --package 60a0c75b72ea83a9 --to court.pub --signer examiner

    Exit codes: 0 exported · 2 usage, or nothing is chosen · 4 a content is missing or changed, keys or case cannot be
    used; nothing is left · 5 OUT exists, a rule of custody forbids it, or an earlier export has yet to end.
    """
    if again is not None:
        _refuse_options_of_making()
        return _move(case, again, out, screen)
    body = read_fields("export", {name: given.pop(name) for name in list(given) if name.startswith("field_")}, named,
                       resolver(case))  # fmt: skip
    request = read_request(body, **given)
    if plan:
        return _plan(case, request, package, screen)
    out = _named(case, out)
    return _export(case, request, package, out, form or _form(out, recipients), recipients, acts, screen)


def _plan(case: Path, request: Request, package: str | None, screen: Screen) -> int:
    """Say what would leave."""
    if package is not None:
        from evidencekit.cli.export_onward import onward_of, say_onward_plan
        from evidencekit.journeys.export_onward import plan_onward

        onward = onward_of(package, request)
        how: dict[str, Any] = {"random": surroundings.random, "cache_folder": surroundings.cache_folder()}
        say_onward_plan(screen, plan_onward(case, onward, now=surroundings.clock(), **how))
        return 0
    from evidencekit.catalogue.record import read_record
    from evidencekit.journeys.export_plan import make_plan

    say_plan(screen, make_plan(read_record(case), request, cache_folder=surroundings.cache_folder()))
    return 0


def _named(case: Path, out: Path | None) -> Path:
    """Return the place of the package, where it has a name and is free."""
    if out is None:
        raise BadArgument("No name for the package.", code="U285", hint="Say OUT, or --plan.")
    refuse_outputs(case, out)
    return out


def _refuse_options_of_making() -> None:
    """Raise BadArgument (U232) where --again came with what it does not heed: a package that is made is as it is."""
    context = click.get_current_context()
    said = [
        option.opts[0]
        for option in context.command.params
        if isinstance(option, click.Option) and option.name and option.name not in _WITH_AGAIN
        if context.get_parameter_source(option.name) is not ParameterSource.DEFAULT
        if not option.is_flag or option.is_bool_flag or context.params[option.name] == option.flag_value
    ]
    if said:
        raise BadArgument(
            f"{', '.join(said)}: not with --again, which makes nothing, signs nothing, and moves a package as it is.",
            code="U232",
            hint="Nothing was moved. `evidencekit export CASE OUT --again ENTRY` is all.",
        )


def _move(case: Path, entry: int, out: Path | None, screen: Screen) -> int:
    """Give the package of a recorded export its place, and say what it is."""
    from evidencekit.journeys.export_place import move_recorded
    from evidencekit.read.store import Store
    from evidencekit.verify.package import verify_package

    out = _named(case, out)
    with screen.progress("verify"):
        report = move_recorded(
            Store(case), entry, out, verify=lambda path: verify_package(path, now=surroundings.clock())
        )
    said = "encrypted, and verified when it was made" if report is None else report.verdict
    screen.result(f"package of entry {entry} moved to {display(str(out))}: {said}; nothing was recorded")
    tell(screen, "package_moved")
    verdict = None if report is None else report.verdict
    screen.document({"entry": entry, "out": str(out), "verdict": verdict})
    return 0


def _form(out: Path, recipients: tuple[str, ...]) -> Form:
    """Return the form that the name of the package asks for."""
    name = out.name.removesuffix(".age")
    if name.endswith(".zip"):
        return "zip"
    return "tar" if name.endswith(".tar") or recipients else "folder"


def _export(
    case: Path,
    request: Request,
    package: str | None,
    out: Path,
    form: Form,
    recipients: tuple[str, ...],
    acts: Acting,
    screen: Screen,
) -> int:
    from evidencekit.cli.export_onward import onward_of, say_passed
    from evidencekit.journeys.export import export as make_package

    wrap, identities = _encryption(recipients)
    hand = acts.on(case)
    with screen.progress("export") as meter:

        def verify(path: Path) -> Report:
            from evidencekit.verify.package import verify_package

            meter.tell("verifying")
            return verify_package(path, identities=identities, now=surroundings.clock())

        def goes_on(files: int, size: int, path: Any) -> None:
            meter.tell(f"{counted(files, 'file')}, {human_size(size)}  {display(path)}")

        how: dict[str, Any] = {"verify": verify, "random": surroundings.random, "form": form, "wrap": wrap,
                               "cache_folder": surroundings.cache_folder()}  # fmt: skip
        if package is not None:
            from evidencekit.journeys.export_onward import export_onward

            passed = export_onward(hand, onward_of(package, request), out, progress=goes_on, **how)
            say_passed(screen, passed, hand, out)
            return 0
        made = make_package(hand, request, out, progress=goes_on, **how)
    say_exported(screen, made, hand, out)
    return 0


def _encryption(recipients: tuple[str, ...]) -> tuple[Any, list[Any]]:
    """Return what encrypts, and a key by which we can open once what we cannot open any more then.

    The key is made for this one package, and forgotten: the verifier reads what was written, as a recipient would.
    """
    if not recipients:
        return None, []
    from pyrage import x25519

    from evidencekit.write.age import encrypting, parse_recipient

    own = x25519.Identity.generate()
    keys: list[Recipient] = [*map(parse_recipient, recipients), own.to_public()]
    return (lambda file, path: encrypting(file, keys, path=path)), [own]
