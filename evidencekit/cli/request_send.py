"""`evidencekit request send-file` and `withdraw`: what goes to the other side, recorded, and as a signed file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.inputs import bytes_of
from evidencekit.cli.law import law_option
from evidencekit.cli.messages import again_option, out_option, write_again, write_file
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError, Refused


@click.command(name="send-file")
@case_argument
@click.argument("record", type=PATH, required=False, metavar="RECORD")
@click.option("--instrument", metavar="ID", help="Under which instrument (default: the one that the record names).")
@out_option
@again_option
@law_option
@field_options(["request_sent"])
@acting
@output
def send_file(
    case: Path, record: Path | None, instrument: str | None, out: Path | None, again: int | None,
    law_folder: Path | None, named: tuple[str, ...], acts: Acting, screen: Screen, **given: Any,
) -> int:  # fmt: skip
    """Record in CASE that a request goes out, and write it as a small signed file for the other side.

    RECORD is what `request check --out` wrote. It is checked once more, and kept in the case. Send the file over any
    channel: whoever gets it can read the request. The case's packages show that a request was sent, and nothing of it.

    \b
    Examples:
      evidencekit request send-file CASE record.json --signer desk --out request-1.json
      evidencekit request send-file CASE record.json --to point.pub --signer desk --out request-1.json
      evidencekit request send-file CASE --again 4 --out request-1.json

    Exit codes: 0 recorded · 2 usage · 3 no record · 4 keys or case cannot be used · 5 not complete, or FILE exists.
    """
    from evidencekit.journeys.requests import send

    if again is not None:
        return write_again(case, again, out, screen)
    if out is None:
        raise BadArgument("No file to write for the other side.", code="U267", hint="Say --out FILE.")
    if record is None:
        raise BadArgument("Which request?", code="U267", hint="Name the record that `request check --out` wrote.")
    refuse_outputs(case, out)
    data, under = _complete(record, instrument, law_folder)
    body = read_fields("request_sent", given, named, resolver(case))
    hand = acts.on(case)
    recorded = send(hand, data, under, body)
    write_file(case, recorded.entry, out)
    tell_recorded(screen, recorded, hand, instrument=under, out=str(out))
    screen.say(f"{display(str(out))} is for the other side, who enters it with")
    screen.say(f"  evidencekit request receive CASE {display(out.name)} --signer KEY --receipt receipt.json")
    screen.say("and sends the receipt back: `evidencekit request acknowledge CASE receipt.json --signer KEY`.")
    return 0


def _complete(path: Path, instrument: str | None, law_folder: Path | None) -> tuple[bytes, str]:
    """Return the bytes of a record that may go out under an instrument, and that instrument.

    Raises:
        FormatError: it is no record. Refused: R585, something is missing, cannot be, or must not be carried.
    """
    from evidencekit.cli.request_check import checked_file
    from evidencekit.core.encoding import RECORD
    from evidencekit.core.request import decode_request

    _, table, checked = checked_file(path, instrument, law_folder, None)
    data = bytes_of(path, RECORD.size)
    faults = [*checked.missing, *checked.implausible, *checked.left_out]
    how = f"evidencekit request check {display(str(path))} --instrument {table.id}"
    if faults:
        what = ", ".join(dict.fromkeys(one.field for one in faults))
        raise Refused(
            f"The request cannot go out under {table.id} as it is: {display(what)}.",
            code="R585",
            hint=f"Nothing was recorded. `{how}` says what is wrong with each; with --out it writes the record.",
        )
    try:
        decode_request(data)
    except FormatError as error:
        hint = f"This is a working file. `{how} --out RECORD` writes the record that goes out."
        raise FormatError(error.place, expected=error.expected, found=error.found, hint=hint) from error
    return data, table.id


@click.command()
@case_argument
@click.argument("entry", type=click.IntRange(0), required=False, metavar="ENTRY")
@out_option
@again_option
@field_options(["request_withdrawn"])
@acting
@output
def withdraw(
    case: Path, entry: int | None, out: Path | None, again: int | None, named: tuple[str, ...], acts: Acting,
    screen: Screen, **given: Any,
) -> int:  # fmt: skip
    """Record that the request of ENTRY is no longer made, and write that as a signed file for the other side.

    What was sent stays on record. The other side enters the file, and releases its holds itself.

    \b
    Example:
      evidencekit request withdraw CASE 4 --reason "suspect died" --signer desk --out withdrawal.json

    Exit codes: 0 recorded · 2 usage, no such request · 4 keys or case cannot be used
    · 5 withdrawn before, or FILE exists.
    """
    from evidencekit.journeys.requests import read_exchange, request_at
    from evidencekit.journeys.requests import withdraw as record_withdrawal

    if again is not None:
        return write_again(case, again, out, screen)
    if entry is None or out is None:
        hint = "Name the entry by which it was sent (`evidencekit request status CASE`), and --out FILE."
        raise BadArgument("Which request, and what file to write?", code="U267", hint=hint)
    refuse_outputs(case, out)
    body = read_fields("request_withdrawn", given, named, resolver(case))
    request = request_at(read_exchange(case)[1], entry, "sent")
    hand = acts.on(case)
    recorded = record_withdrawal(hand, request, body)
    write_file(case, recorded.entry, out)
    tell_recorded(screen, recorded, hand, out=str(out))
    screen.say(f"Send {display(str(out))} to the other side: `evidencekit request receive CASE {display(out.name)}`.")
    return 0
