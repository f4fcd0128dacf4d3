"""`evidencekit checkpoint witnesses` and `import`: what others attest of this log enters its record."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, policy_in, policy_option
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.attest import Entered
    from evidencekit.seal.ledger import Ledger
    from evidencekit.seal.sign import Signer
    from evidencekit.verify.policy import Policy

MAX_FILE = 1 << 20
"""Of what is brought: a note, lines or a time-stamp are far smaller."""
_POLICY = policy_option("Whose word counts: only witnesses and authorities that it lists, and only if they verify.")


@click.command()
@case_argument
@click.option("--at", "urls", multiple=True, metavar="URL", help="Ask this witness (its submission prefix).")
@click.option("--request-out", type=PATH, metavar="FILE", help="Write a request to be carried to a witness.")
@click.option("--old", type=click.IntRange(0), default=0, show_default=True, metavar="SIZE",
              help="With --request-out: the size that this witness cosigned last.")  # fmt: skip
@_POLICY
@partial(signing, required=False)
@output
def witnesses(
    case: Path,
    urls: tuple[str, ...],
    request_out: Path | None,
    old: int,
    policy: Path | None,
    signs: Signing,
    screen: Screen,
) -> int:
    """Have the newest checkpoint cosigned by witnesses, and enter what they answer.

    Only size and root leave this computer, with the hashes that prove that the log only grew. Without a network:
    --request-out, `checkpoint cosign` there, `checkpoint import` here.

    \b
    Examples:
      evidencekit checkpoint witnesses CASE --at https://partner.example/witness --signer examiner --policy POLICY
      evidencekit checkpoint witnesses CASE --request-out 24-117.request --old 12

    Exit codes: 0 entered, or written · 2 usage · 4 no usable answer · 5 the witness refuses, or it does not verify.
    """
    from evidencekit.journeys.ask_witness import ask_witness, request_of
    from evidencekit.journeys.attest import enter_cosignatures
    from evidencekit.journeys.logcopy import read_case_copy
    from evidencekit.write.durable import write_new

    _check_usage(urls, request_out, signs)
    copy = read_case_copy(case)
    if request_out is not None:
        refuse_outputs(case, request_out)
        write_new(request_out, request_of(copy, old))
        screen.result(
            f"wrote {display(str(request_out))}: {copy.tree.origin} at size {copy.tree.size}, from size {old}"
        )
        tell(screen, "witness_request")
        screen.say(
            f"There: evidencekit checkpoint cosign {display(request_out.name)} --witness-key KEY --state DIR -o FILE"
        )
        screen.document({"old": old, "request": str(request_out), "size": copy.tree.size})
        return 0
    ledger, person, actor = _opened(signs, case)
    known = policy_in(policy)
    lines = [line for url in urls for line in ask_witness(copy, url, proxy=surroundings.proxy_of(url))]
    entered = enter_cosignatures(ledger, lines, copy.tree.size, signer=person, actor=actor, policy=known)
    _tell(screen, entered, ledger)
    return 0


def _check_usage(urls: tuple[str, ...], request_out: Path | None, signs: Signing) -> None:
    if (request_out is None) != bool(urls):
        raise BadArgument(
            "Say either --at URL or --request-out FILE.",
            code="U259",
            hint="--at asks a witness now; --request-out writes what to carry to one.",
        )
    if urls and signs.signer_key is None:
        raise BadArgument("A cosignature is entered by somebody.", code="U259", hint="Say --signer KEY.")


@click.command("import")
@case_argument
@click.argument("file", type=PATH)
@click.option("--size", type=click.IntRange(1), help="For signature lines alone: the checkpoint that they are about.")
@_POLICY
@signing
@output
def import_(
    case: Path,
    file: Path,
    size: int | None,
    policy: Path | None,
    signs: Signing,
    screen: Screen,
) -> int:
    """Enter a cosigned checkpoint, a witness's signature lines, or a time-stamp (.tsr) that came by file.

    It has to be about a checkpoint of this log. With --policy it has to verify by a key or root of the policy;
    without, it enters unchecked, and whoever verifies the case will judge it by his own policy.

    \b
    Examples:
      evidencekit checkpoint import CASE 24-117.cosigned --signer examiner --policy POLICY
      evidencekit checkpoint import CASE answer.tsr --signer examiner

    Exit codes: 0 entered · 2 not such a file · 3 not of its format · 4 cannot be read · 5 of another log, or does not
    verify, or is there already.
    """
    from evidencekit.journeys.attest import enter_cosignatures, read_lines
    from evidencekit.journeys.logcopy import read_case_copy

    data = bytes_of(file, MAX_FILE)
    ledger, person, actor = _opened(signs, case)
    known = policy_in(policy)
    if data[:1] == b"\x30" and data[1:2] >= b"\x80":  # DER, and no origin that begins with a 0: a time-stamp
        return _enter_stamp(ledger, data, person, actor, known, screen)
    about, lines = read_lines(data, read_case_copy(case), size)
    _tell(screen, enter_cosignatures(ledger, lines, about, signer=person, actor=actor, policy=known), ledger)
    return 0


def _enter_stamp(
    ledger: Ledger, data: bytes, person: Signer, actor: dict[str, Any], policy: Policy | None, screen: Screen
) -> int:
    from evidencekit.core import layout
    from evidencekit.core.values import format_instant
    from evidencekit.journeys.enter_stamps import enter_stamps
    from evidencekit.journeys.timestamp import Answer, check_answer

    stamp = check_answer(ledger.store, Answer(data), None if policy is None else policy.time)
    (stamp,), newest = enter_stamps(ledger, [stamp], signer=person, actor=actor)
    place = f"{layout.CHECKPOINTS}/{stamp.file}"
    at, by = format_instant(stamp.token.at_ns), display(stamp.token.by)
    screen.result(f"entered: the checkpoint at size {stamp.size} existed at {at}, says {by}; {place}")
    tell(screen, "stamp_entered")
    if policy is None:
        screen.result("NOT CHECKED: whether this authority is whom it says it is; --policy DIR checks that.")
        tell(screen, "authority_not_checked")
    screen.say(f"The newest checkpoint is now at size {newest.size}.")
    screen.document({"entered": [stamp.as_record()], "size": newest.size})
    return 0


def _opened(signs: Signing, case: Path) -> tuple[Ledger, Signer, dict[str, Any]]:
    ledger, person = signs.ledger(case), signs.person()
    return ledger, person, signs.actor(person)


def _tell(screen: Screen, entered: list[Entered], ledger: Ledger) -> None:
    for one in entered:
        how = "verified by your policy" if one.verified else "NOT CHECKED: no policy says whose key this is"
        screen.result(f"entered: {display(one.witness)} cosigned size {one.size} at {one.at} ({how})")
        screen.say(f"  {one.file}")
    if entered:
        tell(screen, "cosignatures_entered")
    if not all(one.verified for one in entered):
        tell(screen, "witness_not_checked")
    screen.say(f"The newest checkpoint is now at size {ledger.log.size}.")
    screen.document(
        {
            "entered": [
                {"at": one.at, "file": one.file, "size": one.size, "verified": one.verified, "witness": one.witness}
                for one in entered
            ],
            "size": ledger.log.size,
        }
    )
