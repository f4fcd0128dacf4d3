"""`evidencekit request answer`: what was done with a request that came, as a signed file for the other side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.messages import again_option, out_option, write_again, write_file
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.cli.request_words import answer_lines
from evidencekit.core.answer import IDENTIFIER_STATES, OUTCOMES
from evidencekit.core.values import display, encode_base64, moment
from evidencekit.errors import BadArgument, FormatError

if TYPE_CHECKING:
    from evidencekit.catalogue.history import History
    from evidencekit.cooperation.exchange import Request

_SAID = re.compile(rf"([a-z]+):(.+?)=({'|'.join(IDENTIFIER_STATES)})(?:,(.+))?\Z", re.DOTALL)
"""A value, as of a URL, may have `=` in it: the first one that a state follows ends it."""
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@click.command()
@case_argument
@click.argument("entry", type=click.IntRange(0), required=False, metavar="ENTRY")
@click.option("--outcome", type=click.Choice(OUTCOMES), help="What it came to; needed.")
@click.option("--ground", metavar="TEXT", help="Why not, or not all of it; needed for partial and refused.")
@click.option("--identifier", "identifiers", multiple=True, metavar="TYPE:VALUE=STATE[,NOTE]",
              help=f"What became of one that was asked: {', '.join(IDENTIFIER_STATES)}; several times.")  # fmt: skip
@click.option("--ticket", metavar="TEXT", help="Your own number of the request.")
@click.option("--risk", metavar="TEXT", help="What threatens the data meanwhile, where keeping it is not enough.")
@click.option("--other-holder", metavar="NAME[,STATE]", help="Somebody else who has such data, as it was found.")
@click.option("--package", "packages", multiple=True, metavar="DIGEST",
              help="A package that goes with it (`evidencekit export` prints its digest); several times.")  # fmt: skip
@click.option("--note", metavar="TEXT", help="Anything else, for the other side.")
@click.option("--no-holds", is_flag=True, help="Do not say which holds rest on the request, and until when.")
@out_option
@again_option
@field_options(["request_answered"])
@acting
@output
def answer(
    case: Path, entry: int | None, out: Path | None, again: int | None, named: tuple[str, ...], acts: Acting,
    screen: Screen, **given: Any,
) -> int:  # fmt: skip
    """Answer the request that ENTRY received: recorded, and written as a signed file for the other side.

    Holds that were opened for the request (`hold open --request`) are named with their ends. A request may be answered
    several times: the newest answer counts. The case's packages show that it was answered, and nothing of what was
    said.

    \b
    Examples:
      evidencekit request answer CASE 3 --outcome received --ticket B-77 --signer point --out answer-1.json
      evidencekit request answer CASE 3 --outcome refused --ground "not an offence here" --signer point --out no.json
      evidencekit request answer CASE 3 --outcome partial --ground "no such account" --signer point --out part.json

    Exit codes: 0 recorded · 2 usage, no such request · 4 keys or case cannot be used · 5 FILE exists.
    """
    from evidencekit.journeys.requests import answer as record_answer
    from evidencekit.journeys.requests import read_exchange, request_at

    said = {name: given.pop(name) for name in _OPTIONS}
    if again is not None:
        return write_again(case, again, out, screen)
    if entry is None or out is None or said["outcome"] is None:
        hint = "Name the entry that received it (`evidencekit request status CASE`), --outcome, and --out FILE."
        raise BadArgument("Which request, what came of it, and what file to write?", code="U267", hint=hint)
    refuse_outputs(case, out)
    body = read_fields("request_answered", given, named, resolver(case))
    history, exchange = read_exchange(case)
    request = request_at(exchange, entry, "received")
    record = _record(history, request, said)
    hand = acts.on(case)
    recorded = record_answer(hand, request, record, body)
    write_file(case, recorded.entry, out)
    tell_recorded(screen, recorded, hand, answer=record, out=str(out))
    for line in answer_lines(record):
        screen.say(line)
    for what in _doubts(request, record):
        screen.say(f"beware: {what}", "warning")
    screen.say(f"Send {display(str(out))} back: `evidencekit request acknowledge CASE {display(out.name)}`.")
    return 0


_OPTIONS = ("outcome", "ground", "identifiers", "ticket", "risk", "other_holder", "packages", "note", "no_holds")
_TEXTS = ("outcome", "ground", "ticket", "risk", "note")


def _record(history: History, request: Request, said: dict[str, Any]) -> dict[str, Any]:
    """Return the record of the answer.

    Raises:
        BadArgument: U325, the request cannot be read; U327, an option is not of its form.
    """
    from evidencekit.core.answer import ANSWER_TYPE, encode_answer
    from evidencekit.journeys.requests import holds_for

    if request.digest is None:
        raise BadArgument(
            "The request cannot be read: nobody knows what is answered.", code="U325", hint="Verify CASE."
        )
    now = moment(surroundings.clock(), utc_offset_min=surroundings.utc_offset_min(), precision="s")
    members: dict[str, Any] = {name: said[name] for name in _TEXTS} | {
        "holds": [] if said["no_holds"] else holds_for(history, request),
        "identifiers": [_identifier(text) for text in said["identifiers"]],
        "other_holder": _holder(said["other_holder"]),
        "packages": _digests(said["packages"]),
    }
    record = {name: value for name, value in members.items() if value}
    if record["outcome"] in {"partial", "refused"} and "ground" not in record:
        raise BadArgument(f"Why {record['outcome']}?", code="U327", hint="Say --ground TEXT.")
    fixed = {
        "_t": ANSWER_TYPE,
        "dated": now,
        "nonce": encode_base64(surroundings.random(16)),
        "request": request.digest,
    }
    try:
        encode_answer(record | fixed)
    except FormatError as error:
        raise BadArgument(error.message, code="U327", hint="Mend what you said of it.") from error
    return record | fixed


def _identifier(text: str) -> dict[str, str]:
    found = _SAID.match(text)
    if found is None:
        hint = f"As in email:a@x.example=not_found; states are {', '.join(IDENTIFIER_STATES)}."
        raise BadArgument(f"--identifier {display(text)} is not TYPE:VALUE=STATE.", code="U327", hint=hint)
    note = {} if found[4] is None else {"note": found[4]}
    return {"type": found[1], "value": found[2], "state": found[3], **note}


def _holder(text: str | None) -> dict[str, str]:
    name, _, state = (text or "").rpartition(",")
    if name and re.fullmatch("[A-Z]{2}", state.strip()):
        return {"name": name.strip(), "state": state.strip()}
    return {"name": text} if text else {}


def _digests(texts: Sequence[str]) -> list[str]:
    for text in texts:
        if not _DIGEST.match(text):
            hint = "The package digest is 64 hexadecimal digits; `evidencekit export` and `verify` print it."
            raise BadArgument(f"--package {display(text)} is no digest.", code="U327", hint=hint)
    return list(dict.fromkeys(texts))


def _doubts(request: Request, record: dict[str, Any]) -> list[str]:
    """Return what is odd about an answer: asked and not spoken of, spoken of and not asked, or withdrawn before."""
    asked = [(one["type"], one["value"]) for one in (request.record or {}).get("identifiers", [])]
    told = [(one["type"], one["value"]) for one in record.get("identifiers", [])]
    found = [
        f"the answer does not speak of {kind} {display(value)}" for kind, value in asked if (kind, value) not in told
    ]
    found = found if told or record["outcome"] == "partial" else []
    found += [f"{kind} {display(value)} was not asked for" for kind, value in told if (kind, value) not in asked]
    if request.withdrawn is not None:
        found.append(f"the request was withdrawn (entry {request.withdrawn})")
    return found
