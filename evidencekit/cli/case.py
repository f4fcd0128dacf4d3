"""`evidencekit init` and `evidencekit show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli.custody_spoken import tell_case, tell_done
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.sheet import Sheet
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import spoken, tell
from evidencekit.cli.words import item_lines
from evidencekit.core.values import display, encode_base64

_BELIEVED = "Recorded, not verified: run `evidencekit verify` for that."


def _print_template(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from evidencekit.acquire.particulars import template

        click.echo(template(), nl=False)
        ctx.exit(0)


@click.command()
@case_argument
@click.option("--reference", required=True, help="The authority's file number.")
@click.option("--agency", required=True, help="Who runs the case.")
@click.option("--origin", required=True, help="Name of the case's log for ever: host.with.dot/path.")
@click.option("--template", is_flag=True, is_eager=True, expose_value=False, callback=_print_template,
              help="Print a commented TOML file for `acquire --authority`, and stop.")  # fmt: skip
@signing
@output
def init(
    case: Path,
    reference: str,
    agency: str,
    origin: str,
    signs: Signing,
    screen: Screen,
) -> int:
    """Open a case: identity, event 0 signed by you, log keys, first checkpoint.

    The log keys are made for this case alone and lie outside it, readable by you only. Back them up:
    `evidencekit key backup CASE FILE`.

    \b
    Examples:
      evidencekit init CASE --reference 24-117 --agency "Unit 7" --origin unit7.example/24-117 --signer examiner
      evidencekit init --template > seizure.toml

    Exit codes: 0 opened · 2 usage · 4 key or folder cannot be used · 5 CASE exists.
    """
    from evidencekit.cli.opening import open_new_case, refuse_unfit_case

    refuse_unfit_case(case, reference=reference, agency=agency, origin=origin)
    person = signs.person()
    identity, path, checkpoint = open_new_case(case, signs, person, reference=reference, agency=agency, origin=origin)
    screen.result(f"opened {display(str(case))}: {display(reference)}, {display(agency)}, {origin}")
    screen.say(f"log keys  {display(str(path))}   (back them up: evidencekit key backup)")
    screen.say(f"signed by {display(person.public_key.comment)}  {person.fingerprint}")
    tell_done(screen, "open")
    tell(screen, "back_up_keys")
    screen.document(
        {
            "case": identity.hex(),
            "log_key": str(path),
            "origin": origin,
            "root": checkpoint.root.hex(),
            "size": checkpoint.size,
        }
    )
    return 0


@click.command()
@case_argument
@output
def show(case: Path, screen: Screen) -> int:
    """Show what is recorded: exhibits, holders, acquisitions, omissions with their reasons.

    Nothing is verified here: `evidencekit verify CASE` does that.

    \b
    Example:
      evidencekit show CASE

    Exit codes: 0 shown · 4 not a case, or it cannot be read.
    """
    from evidencekit.catalogue.summary import summarise

    facts = summarise(case)
    screen.document(facts)
    words = spoken(screen)
    if words is None:
        _show_case(screen, facts)
        for item in facts["items"]:
            _show_item(screen, item)
    else:
        tell_case(Sheet(screen, words), facts)
    screen.say()
    screen.say(_BELIEVED if words is None else words("recorded_only"))
    return 0


def _show_case(screen: Screen, facts: dict[str, Any]) -> None:
    newest = facts["checkpoint"]
    screen.say(f"Case        {display(facts['reference'])}, {display(facts['agency'])}")
    screen.say(f"Origin      {facts['origin']}")
    screen.say(f"Identity    {facts['case']}")
    screen.say(
        f"Log         {facts['entries']} entries, newest checkpoint at size {newest['size'] if newest else 'none'}"
    )
    if newest:
        screen.say(f"Root        {encode_base64(bytes.fromhex(newest['root']))}")
    if facts["unfinished"]:
        screen.say("UNFINISHED  something stands above the newest checkpoint: evidencekit checkpoint finish", "warning")
    for folder in facts["acquiring"]:
        screen.say(f"UNFINISHED  the acquisition in work/{folder}: evidencekit acquire … --resume", "warning")


def _show_item(screen: Screen, item: dict[str, Any]) -> None:
    screen.say()
    holder = item["holder"]
    screen.say(f"{item['item']}  held by {display(holder['name'])} {holder['key']}" if holder else f"{item['item']}")
    if not item["sealed"]:
        screen.say("  not sealed", "warning")
        return
    for line in item_lines(item):
        screen.say(*line)
