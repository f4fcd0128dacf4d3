"""`evidencekit receive`: a package verified, taken over into a case, and answered by a signed receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.custody_handover import pairs
from evidencekit.cli.inputs import policy_in, policy_option
from evidencekit.cli.messages import write_again
from evidencekit.cli.options import PATH, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.packages import identity_option, opened_package
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.receive import Incoming, Received
    from evidencekit.read.package import Package

_UNKNOWN = "unknown"


@click.command()
@click.argument("package", type=PATH, required=False)
@click.option("--into", "case", type=PATH, required=True, metavar="CASE", help="Your case; a new one where none is.")
@click.option("--receipt", type=PATH, metavar="FILE", help="The receipt to write for the sender; must not exist.")
@policy_option("Whom you believe: see `evidencekit policy`.")
@identity_option
@click.option("--accept", "accepted", multiple=True, metavar="ITEM", help="Take this one; others are refused.")
@click.option("--refuse", "refused", multiple=True, metavar="ITEM:REASON", help="Do not take this one.")
@click.option("--as", "names", multiple=True, metavar="THEIRS=OURS", help="Another name in your own case.")
@click.option("--reference", metavar="TEXT", help="Of a new case: your file number.")
@click.option("--agency", metavar="TEXT", help="Of a new case: who runs it.")
@click.option("--origin", metavar="NAME", help="Of a new case: name of its log, host.with.dot/path.")
@click.option("--again", type=click.IntRange(0), metavar="ENTRY",
              help="Record nothing: write the receipt of an entry anew.")  # fmt: skip
@field_options(["receive"])
@acting
@output
def receive(
    package: Path | None,
    case: Path,
    receipt: Path | None,
    policy: Path | None,
    identities: tuple[Path, ...],
    accepted: tuple[str, ...],
    refused: tuple[str, ...],
    names: tuple[str, ...],
    reference: str | None,
    agency: str | None,
    origin: str | None,
    again: int | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Verify a package, take it over into your case, and sign the receipt for the sender.

    PACKAGE is a folder, a .tar, a .zip, or one of these encrypted with age. It is verified first: one that fails is not
    taken, and nothing is written. Then it lies byte for byte in CASE/packages/, and what you accepted are items of your
    case, which you hold. The receipt says what you took, what not and why, and what was checked.

    \b
    Examples:
      evidencekit receive EX-100.tar --into CASE --policy POLICY --signer lab --receipt receipt.json
      evidencekit receive EX-100.age --identity lab.age --into CASE --signer lab --receipt receipt.json
      evidencekit receive PACKAGE --into CASE --refuse "EX-002:not asked for" --signer lab --receipt receipt.json

    Exit codes: 0 received · 2 usage · 3 the package does not verify · 4 keys, case or package cannot be used
    · 5 a rule forbids it, or FILE exists; nothing recorded.
    """
    from evidencekit.journeys.custody_choice import Wanted
    from evidencekit.journeys.custody_messages import write_message
    from evidencekit.journeys.receive import receive as take_over
    from evidencekit.journeys.receive import refuse_unfit_choice

    if again is not None:
        return write_again(case, again, receipt, screen)
    if receipt is None:
        raise BadArgument("No file for the receipt.", code="U267", hint="Say --receipt FILE.")
    if package is None:
        raise BadArgument("Which package?", code="U267", hint="Name the folder or the archive of the package.")
    refuse_outputs(case, receipt)
    body = read_fields("receive", given, named, resolver(case))
    wanted = Wanted(accepted, pairs(refused, ":", "--refuse"), pairs(names, "=", "--as"), body)
    opening = {"reference": reference, "agency": agency, "origin": origin}
    _refuse_unfit(case, opening)
    with opened_package(package, identities) as found:
        incoming = _verified(found, package, policy, screen)
        refuse_unfit_choice(incoming, wanted)
        hand = _hand(acts, case, opening, screen)
        with screen.progress("copying") as meter:
            done = take_over(
                hand,
                incoming,
                wanted,
                progress=lambda files, size: meter.tell(f"{counted(files, 'file')}, {human_size(size)}"),
            )
    write_message(hand.ledger.store, done.recorded.entry, receipt)
    _tell(screen, incoming, done, hand, receipt)
    return 0


def _verified(found: Package, package: Path, policy: Path | None, screen: Screen) -> Incoming:
    from evidencekit.journeys.policy_folder import policy_digest
    from evidencekit.journeys.receive import examine

    with screen.progress("verify") as meter:
        incoming = examine(
            found,
            name=display(str(package)),
            policy=policy_in(policy),
            policy_digest=None if policy is None else policy_digest(policy),
            now=surroundings.clock(),
            progress=meter.tell,
        )
    screen.say(f"{display(str(package))}: {incoming.report.line}: {incoming.report.reason}")
    tell(screen, verdict=incoming.report.verdict)
    return incoming


def _refuse_unfit(case: Path, opening: dict[str, str | None]) -> None:
    """Raise where CASE cannot be opened, or is there and is another than was said."""
    from evidencekit.cli.opening import refuse_unfit_case
    from evidencekit.read.store import Store
    from evidencekit.seal.replay import read_case

    if not _is_there(case):
        reference, agency = opening["reference"] or _UNKNOWN, opening["agency"] or _UNKNOWN
        refuse_unfit_case(case, reference=reference, agency=agency, origin=opening["origin"])
        return
    record = read_case(Store(case))
    for name, value in opening.items():
        if value is not None and value != record[name]:
            raise BadArgument(
                f"{display(str(case))} is there already, and its {name} is {display(record[name])}.",
                code="U293",
                hint=f"--{name} is for a new case. Leave it out, or name another folder.",
            )


def _is_there(case: Path) -> bool:
    return case.is_dir() and any(case.iterdir())


def _hand(acts: Acting, case: Path, opening: dict[str, str | None], screen: Screen) -> Hand:
    """Return who acts, on the case, which is opened where it is not there."""
    from evidencekit.cli.opening import open_new_case

    if not _is_there(case):
        opened = open_new_case(
            case,
            acts.signs,
            acts.signs.person(),
            reference=opening["reference"] or _UNKNOWN,
            agency=opening["agency"] or _UNKNOWN,
            origin=opening["origin"],
        )
        screen.say(f"opened {display(str(case))}: {opened.checkpoint.origin}")
        screen.say(f"log keys  {display(str(opened.log_key))}   (back them up: evidencekit key backup)")
        tell(screen, "back_up_keys")
    return acts.on(case)


def _tell(screen: Screen, incoming: Incoming, done: Received, hand: Hand, receipt: Path) -> None:
    if done.copied is not None:
        size = human_size(done.copied.bytes)
        screen.say(f"copied to packages/{incoming.digest}: {counted(done.copied.files, 'file')}, {size}")
    tell_recorded(
        screen,
        done.recorded,
        hand,
        package=incoming.digest,
        receipt=str(receipt),
        transfer=incoming.record["transfer"],
        verdict=incoming.report.verdict,
    )
    screen.say(f"package   {incoming.digest}   (compare it with the covering letter)")
    sender = display(incoming.record["exporter"]["id"])
    screen.say(f"Send {display(str(receipt))} to {sender}, who enters it with")
    screen.say(f"  evidencekit custody receipt CASE {display(receipt.name)} --signer KEY")
