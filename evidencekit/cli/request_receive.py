"""`evidencekit request receive` and `acknowledge`: what the other side sent, checked and entered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded, typed_moment
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.hold_words import short
from evidencekit.cli.law import law_option, marked
from evidencekit.cli.messages import again_option, believed_option, read_file, write_file
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.cli.request_words import answer_lines
from evidencekit.cli.speech import tell
from evidencekit.core.values import display, format_instant, moment
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.cooperation.exchange import Request
    from evidencekit.cooperation.law import Table


@click.command()
@case_argument
@click.argument("file", type=PATH, required=False, metavar="FILE")
@click.option("--received", metavar="TIME", help="When it was received; without an offset it is UTC.  [default: now]")
@click.option("--receipt", type=PATH, metavar="FILE", help="The receipt to write for the other side; must not exist.")
@click.option("--record", type=PATH, metavar="FILE", help="Write the request itself, too: its record; must not exist.")
@again_option
@believed_option
@law_option
@field_options(["request_received"])
@acting
@output
def receive(
    case: Path, file: Path | None, received: str | None, receipt: Path | None, record: Path | None, again: int | None,
    policy: Path | None, law_folder: Path | None, named: tuple[str, ...], acts: Acting, screen: Screen, **given: Any,
) -> int:  # fmt: skip
    """Enter a request that came as a file, or that one is withdrawn. Clocks start when it was received.

    Its signatures and its place in the log of the other side are checked before; whose they are, a policy says. The
    file is kept in the case as it came. Send the receipt back.

    \b
    Examples:
      evidencekit request receive CASE request-1.json --signer point --receipt receipt.json --record record.json
      evidencekit request receive CASE request-1.json --received 2026-11-22T09:15+01:00 --signer point --receipt r.json
      evidencekit request receive CASE withdrawal.json --signer point
      evidencekit request receive CASE --again 3 --receipt r.json

    Exit codes: 0 entered · 2 usage · 3 the file does not hold · 4 keys, case or file cannot be used
    · 5 it came before, or the policy does not believe it; nothing recorded.
    """
    from evidencekit.core.exchange_types import SENT, WITHDRAWN
    from evidencekit.journeys.requests import acknowledge as enter
    from evidencekit.journeys.requests import receive as enter_request

    refuse_outputs(case, receipt, record)
    if again is not None:
        return _again(case, again, receipt, record, screen)
    data, opened, left = read_file(file, "request", (SENT, WITHDRAWN), policy, screen)
    if opened.event["type"] == WITHDRAWN:
        if receipt is not None or record is not None or received is not None:
            hint = "Leave out --received, --receipt and --record."
            raise BadArgument(
                "This says that a request is withdrawn: no receipt is given of it.", code="U326", hint=hint
            )
        body = read_fields("acknowledge", given, named, resolver(case))
        hand = acts.on(case)
        tell_recorded(screen, enter(hand, data, opened, body), hand, not_checked=left)
        screen.say("The request is withdrawn. Holds stay until somebody releases them: `evidencekit hold release`.")
        return 0
    at = _moment(received)
    body = read_fields("request_received", given, named, resolver(case), later=("received_at",))
    hand = acts.on(case)
    recorded = enter_request(hand, data, opened, at, body)
    written = _write(case, recorded.entry, receipt, record)
    sha256 = opened.event["body"]["request"]["sha256"]
    tell_recorded(screen, recorded, hand, not_checked=left, received_at=at["time"], sha256=sha256, **written)
    _tell(screen, case, recorded.entry, law_folder)
    if receipt is None:
        again_how = f"`--again {recorded.entry} --receipt FILE`"
        screen.say(f"The other side has no receipt yet: {again_how} writes it.", "warning")
    else:
        screen.say(
            f"Send {display(str(receipt))} back: `evidencekit request acknowledge CASE {display(receipt.name)}`."
        )
    return 0


def _moment(text: str | None) -> dict[str, Any]:
    if text is not None:
        return typed_moment(text, "--received")
    return moment(surroundings.clock(), utc_offset_min=surroundings.utc_offset_min(), precision="s")


def _write(case: Path, entry: int, receipt: Path | None, record: Path | None) -> dict[str, str | None]:
    """Write what is wanted of a request that came; return the names of the files, as JSON has them."""
    from evidencekit.journeys.custody_messages import write_standing
    from evidencekit.journeys.requests import read_exchange, record_of, request_at
    from evidencekit.read.store import Store

    if receipt is not None:
        write_file(case, entry, receipt)
    if record is not None:
        request = request_at(read_exchange(case)[1], entry, "received")
        write_standing(entry, record, lambda: record_of(Store(case), request))
    written = {"receipt": receipt, "record": record}
    return {name: None if path is None else str(path) for name, path in written.items()}


def _again(case: Path, entry: int, receipt: Path | None, record: Path | None, screen: Screen) -> int:
    """Write the receipt of a request that came, or the request itself, and record nothing."""
    from evidencekit.journeys.requests import read_exchange, request_at

    if receipt is None and record is None:
        raise BadArgument("No file to write.", code="U267", hint="Say --receipt FILE, or --record FILE.")
    request_at(read_exchange(case)[1], entry, "received")
    written = _write(case, entry, receipt, record)
    for name, path in written.items():
        if path is not None:
            screen.result(f"{name} of entry {entry} written to {display(path)}; nothing was recorded")
    tell(screen, "written_again")
    screen.document({"entry": entry, **written})
    return 0


def _tell(screen: Screen, case: Path, entry: int, law_folder: Path | None) -> None:
    """Say what came: who asks, under what, whether it is complete, when an answer is due."""
    from evidencekit.cooperation.law import known_tables
    from evidencekit.journeys.requests import read_exchange, request_at
    from evidencekit.journeys.requests_told import answer_due

    request = request_at(read_exchange(case)[1], entry, "received")
    said = request.record or {}
    state = said["authority"].get("state")
    who = display(said["authority"]["name"]) + (f" ({state})" if state else "")
    screen.say(f"request   {display(said['reference'])} of {who}, under {display(str(request.instrument))}")
    screen.say(f"SHA-256   {request.digest}")
    screen.say(f"received  {short(format_instant(request.received or 0))} UTC: clocks run from here")
    tables = known_tables(law_folder)
    due = answer_due(request, tables)
    if due.until is not None and due.source is not None:
        screen.say(f"answer    due {short(format_instant(due.until))} UTC at the latest")
        screen.say(f"rests on  {marked(due.source['citation'], due.source['mark'])}")
    for what in due.not_checked:
        screen.say(f"not checked: {display(what)}", "warning")
    _tell_complete(screen, request, tables.get(str(request.instrument)), law_folder)


def _tell_complete(screen: Screen, request: Request, table: Table | None, law_folder: Path | None) -> None:
    from evidencekit.cooperation.check import check_request
    from evidencekit.cooperation.parties import known_parties
    from evidencekit.core.request_draft import stated

    if table is None:
        screen.say("not checked: whether it is complete: no table of law has its instrument", "warning")
        return
    checked = check_request(
        stated(request.record or {}), table, known_parties(law_folder).get(table.id), surroundings.clock()
    )
    if checked.is_complete:
        screen.say(f"complete  under {table.id}; what the law is in this case, a person decides")
        return
    for remark in (*checked.missing, *checked.implausible):
        article = display(remark.article) if remark.mark is None else marked(remark.article, remark.mark)
        screen.say(f"lacks     {remark.field}: {display(remark.text)}; {article}", "warning")


@click.command()
@case_argument
@click.argument("file", type=PATH, metavar="FILE")
@believed_option
@field_options(["acknowledge"])
@acting
@output
def acknowledge(
    case: Path, file: Path, policy: Path | None, named: tuple[str, ...], acts: Acting, screen: Screen, **given: Any
) -> int:
    """Enter what the other side said of a request of this case: its receipt, or an answer.

    The file is checked before, and kept in the case as it came. That somebody said it is recorded; that it is so, is
    not.

    \b
    Examples:
      evidencekit request acknowledge CASE receipt.json --signer desk
      evidencekit request acknowledge CASE answer.json --policy POLICY --signer desk

    Exit codes: 0 entered · 2 usage · 3 the file does not hold · 4 keys, case or file cannot be used
    · 5 entered before, or about no request of this log; nothing recorded.
    """
    from evidencekit.core.answer import decode_answer
    from evidencekit.core.exchange_types import ANSWERED, RECEIVED
    from evidencekit.journeys.requests import acknowledge as enter

    data, opened, left = read_file(file, "receipt or answer", (RECEIVED, ANSWERED), policy, screen)
    body = read_fields("acknowledge", given, named, resolver(case))
    hand = acts.on(case)
    recorded = enter(hand, data, opened, body)
    record = None if opened.message.record is None else decode_answer(opened.message.record)
    tell_recorded(screen, recorded, hand, answer=record, not_checked=left)
    if record is None:
        at = opened.event["body"]["received_at"]["time"]
        screen.say(f"received  {short(at)} UTC, as the other side says: its clocks run from there")
    for line in () if record is None else answer_lines(record):
        screen.say(line)
    return 0
