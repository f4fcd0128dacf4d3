"""`evidencekit custody offer`, `accept`, `refuse`, `receipt`: from hand to hand, by two signatures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.messages import again_option, believed_option, out_option, read_file, write_again, write_file
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.core.schema import EXHIBIT
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.core.message import Opened
    from evidencekit.journeys.custody import Hand, Recorded


@click.command()
@case_argument
@click.option("--item", "items", multiple=True, metavar="EX-001", help="Item that is offered; several times.")
@out_option
@again_option
@field_options(["offer"])
@acting
@output
def offer(
    case: Path,
    items: tuple[str, ...],
    out: Path | None,
    again: int | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Offer items that you hold to somebody: recorded, and written as a small signed file for the receiver.

    Until the receiver accepts, you stay responsible. Send the file over any channel: nothing in it is secret but what
    you say in it.

    \b
    Examples:
      evidencekit custody offer CASE --item EX-001 --to lab.pub --purpose analysis --signer examiner --out offer.json
      evidencekit custody offer CASE --again 5 --out offer.json

    Exit codes: 0 offered · 2 usage · 4 keys or case cannot be used · 5 a rule forbids it, or FILE exists.
    """
    if out is None:
        raise BadArgument("No file to write for the receiver.", code="U267", hint="Say --out FILE.")
    if again is not None:
        return write_again(case, again, out, screen)
    refuse_outputs(case, out)
    if not items:
        raise BadArgument("What is offered?", code="U266", hint="Say --item EX-001.")
    for item in items:
        surroundings.check_recorded(EXHIBIT, item, "--item")
    body = read_fields("offer", given, named, resolver(case))
    hand = acts.on(case)
    recorded = hand.record("offer", list(items), body)
    write_file(case, recorded.entry, out)
    tell_recorded(screen, recorded, hand, out=str(out))
    screen.say(f"{display(str(out))} is for {display(body['to']['id'])} {body['to']['key']}, who answers it with")
    screen.say(f"  evidencekit custody accept CASE {display(out.name)} --signer KEY --out answer.json")
    return 0


@click.command()
@case_argument
@click.argument("offer", type=PATH, required=False)
@out_option
@again_option
@click.option("--only", multiple=True, metavar="ITEM", help="Accept this one; what is not named stays offered.")
@click.option("--refuse", "refused", multiple=True, metavar="ITEM:REASON", help="Do not take this one.")
@click.option("--as", "names", multiple=True, metavar="THEIRS=OURS", help="Another name in a log of your own.")
@believed_option
@field_options(["accept"])
@acting
@output
def accept(
    case: Path,
    offer: Path | None,
    out: Path | None,
    again: int | None,
    only: tuple[str, ...],
    refused: tuple[str, ...],
    names: tuple[str, ...],
    policy: Path | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Accept an offer, or a part of it: from now on you hold what you accepted.

    Where CASE is the case in which it was offered, your acceptance is its newest event. Else it enters your own log,
    and the other side enters your answer: `evidencekit custody receipt`. The offer is checked before: its signatures,
    its place in its log, and that it is for you. Say what you found: --condition, --seals-found, --digests.
    Items of a case that you have adopted before are those of the branch: NAME/EX-001.

    \b
    Examples:
      evidencekit custody accept CASE offer.json --digests full --signer lab --out answer.json
      evidencekit custody accept CASE offer.json --refuse "EX-002:bag torn" --signer lab --out answer.json
      evidencekit custody accept CASE offer.json --as EX-001=EX-107 --policy POLICY --signer lab --out answer.json

    Exit codes: 0 accepted · 2 usage · 3 the offer does not hold · 4 keys, case or file cannot be used
    · 5 not offered to you, answered already, or another rule forbids it; nothing recorded.
    """
    from evidencekit.journeys.custody_answers import accept as accept_offer
    from evidencekit.journeys.custody_choice import Wanted

    if again is not None:
        return write_again(case, again, out, screen)
    refuse_outputs(case, out)
    data, opened, left = read_file(offer, "offer", ("offer",), policy, screen)
    wanted = Wanted(
        only=only,
        refused=pairs(refused, ":", "--refuse"),
        names=pairs(names, "=", "--as"),
        stated=read_fields("accept", given, named, resolver(case)),
    )
    hand = acts.on(case)
    recorded = accept_offer(hand, data, opened, wanted)
    return _answered(screen, hand, recorded, opened, left, out)


@click.command()
@case_argument
@click.argument("offer", type=PATH, required=False)
@out_option
@again_option
@believed_option
@field_options(["refuse"])
@acting
@output
def refuse(
    case: Path,
    offer: Path | None,
    out: Path | None,
    again: int | None,
    policy: Path | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Refuse an offer, and say why: its items stay with who offered them.

    \b
    Example:
      evidencekit custody refuse CASE offer.json --reason "bag torn" --signer lab --out answer.json

    Exit codes: 0 refused · 2 usage · 3 the offer does not hold · 4 keys, case or file cannot be used
    · 5 not offered to you, answered already, or another rule forbids it; nothing recorded.
    """
    from evidencekit.journeys.custody_answers import refuse as refuse_offer

    if again is not None:
        return write_again(case, again, out, screen)
    refuse_outputs(case, out)
    data, opened, left = read_file(offer, "offer", ("offer",), policy, screen)
    body = read_fields("refuse", given, named, resolver(case))
    hand = acts.on(case)
    recorded = refuse_offer(hand, data, opened, body)
    return _answered(screen, hand, recorded, opened, left, out)


@click.command()
@case_argument
@click.argument("answer", type=PATH)
@believed_option
@field_options(["receipt"])
@acting
@output
def receipt(
    case: Path,
    answer: Path,
    policy: Path | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Enter what the receiver answered in a log of his own: to an offer, or by the receipt of a package.

    What he accepted of an offer is his. The receipt of a package closes its transfer: nothing changes hands.

    \b
    Examples:
      evidencekit custody receipt CASE answer.json --signer examiner
      evidencekit custody receipt CASE receipt.json --policy POLICY --signer examiner

    Exit codes: 0 entered · 2 usage · 3 the answer does not hold · 4 keys, case or file cannot be used
    · 5 it stands here already, or answers no offer and no export of this log; nothing recorded.
    """
    from evidencekit.journeys.custody_answers import enter_answer
    from evidencekit.journeys.receive_receipt import enter_receipt

    data, opened, left = read_file(answer, "answer or receipt", ("accept", "refuse", "receive"), policy, screen)
    body = read_fields("receipt", given, named, resolver(case))
    hand = acts.on(case)
    enter = enter_receipt if opened.event["type"] == "receive" else enter_answer
    recorded = enter(hand, data, opened, body)
    tell_recorded(screen, recorded, hand, not_checked=left)
    return 0


def _answered(screen: Screen, hand: Hand, recorded: Recorded, opened: Opened, left: list[str], out: Path | None) -> int:
    """Write the answer, where a file is named, and say what came of it; return the exit code."""
    if out is not None:
        write_file(hand.ledger.store.path, recorded.entry, out)
    tell_recorded(screen, recorded, hand, not_checked=left, out=None if out is None else str(out))
    _say_next(opened, hand.ledger.origin, recorded.entry, out, screen)
    return 0


def _say_next(opened: Opened, origin: str, entry: int, out: Path | None, screen: Screen) -> None:
    """Say what has to be done with the answer, where it was made in another log than the offer's."""
    theirs = opened.event["seen"]["origin"]
    if theirs == origin:
        screen.say("The offer is answered in its own log: there is nothing to send back.")
    elif out is None:
        screen.say(f"The other side has to hear of it: --again {entry} --out FILE writes the answer.", "warning")
    else:
        sender = display(opened.event["actor"]["id"])
        screen.say(f"Send {display(str(out))} back to {sender}, who enters it in {theirs} with")
        screen.say(f"  evidencekit custody receipt CASE {display(out.name)} --signer KEY")


def pairs(texts: tuple[str, ...], sign: str, option: str) -> dict[str, str]:
    """Return what was typed as pairs."""
    found: dict[str, str] = {}
    for text in texts:
        name, there, value = text.partition(sign)
        if not there or not name or not value or name in found:
            form = "ITEM:REASON" if sign == ":" else "THEIRS=OURS"
            raise BadArgument(f"{option} {display(text)} is not {form}, once an item.", code="U263", hint="Mend it.")
        found[name] = value
    return found
