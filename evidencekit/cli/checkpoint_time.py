"""`evidencekit checkpoint timestamp`: outside authorities confirm that the log existed, on line or by files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, policy_in, policy_option
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import tell
from evidencekit.core import layout
from evidencekit.core.values import display, format_instant
from evidencekit.errors import BadArgument, EvidenceError

if TYPE_CHECKING:
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.journeys.timestamp import Stamp
    from evidencekit.read.store import Store
    from evidencekit.verify.time_policy import TimePolicy


@click.command()
@case_argument
@click.option("--tsa", "urls", multiple=True, metavar="URL", help="Ask this authority; two of them are better.")
@click.option("--request-out", type=PATH, metavar="FILE.tsq", help="Write a request to be carried to an authority.")
@click.option("--response-in", "responses", type=PATH, multiple=True, metavar="FILE.tsr", help="Enter an answer.")
@click.option("--request", type=PATH, metavar="FILE.tsq", help="The request of the answer: their nonces are compared.")
@policy_option("Whose word counts: only authorities in its tsa/.")
@click.option("--name", "names", multiple=True, help="Name of the answer's file, one for each (default: its host).")
@partial(signing, required=False)
@output
def timestamp(
    case: Path,
    urls: tuple[str, ...],
    request_out: Path | None,
    responses: tuple[Path, ...],
    request: Path | None,
    policy: Path | None,
    names: tuple[str, ...],
    signs: Signing,
    screen: Screen,
) -> int:
    """Have time-stamp authorities (RFC 3161) confirm that the newest checkpoint existed.

    Only a digest leaves this computer, by the proxy that the environment names (https_proxy, no_proxy). Each answer is
    checked before it is entered: with --policy up to the authority's root; without one nobody's identity is checked.
    Without a network, carry files: --request-out here, the request to the authority and its answer back, --response-in
    here, on any later day.

    \b
    Examples:
      evidencekit checkpoint timestamp CASE --tsa https://a.example/tsa --tsa https://b.example/tsa --signer examiner
      evidencekit checkpoint timestamp CASE --request-out req.tsq
      evidencekit checkpoint timestamp CASE --response-in resp.tsr --signer examiner

    Exit codes: 0 done · 2 usage · 3 not a time-stamp · 4 an authority did not answer · 5 refused: it does not hold.
    """
    from evidencekit.cli.outputs import refuse_outputs
    from evidencekit.journeys.enter_stamps import enter_stamps
    from evidencekit.read.store import Store

    _check_usage(urls, request_out, responses, names, signs)
    if request_out is not None:
        refuse_outputs(case, request_out)
        return _write_request(Store(case), request_out, screen)
    known = policy_in(policy)
    store, ledger = Store(case), signs.ledger(case)
    stamps, failures = _stamps(store, urls, responses, names, request, None if known is None else known.time)
    newest = None
    if stamps:
        person = signs.person()
        stamps, newest = enter_stamps(ledger, stamps, signer=person, actor=signs.actor(person))
    _tell(screen, stamps, failures, checked=known is not None, newest=newest)
    return 4 if failures else 0


def _check_usage(
    urls: tuple[str, ...],
    request_out: Path | None,
    responses: tuple[Path, ...],
    names: tuple[str, ...],
    signs: Signing,
) -> None:
    """Raise BadArgument unless just one way was chosen, with what it needs."""
    from evidencekit.journeys.timestamp import check_name

    for name in names:
        check_name(name)
    asked = len(urls) + len(responses)
    if (request_out is None) != bool(asked):
        raise BadArgument(
            "Say either --request-out, or where answers come from.",
            code="U252",
            hint="--tsa URL asks now; --request-out FILE writes a request; --response-in FILE enters an answer.",
        )
    if asked and signs.signer_key is None:
        raise BadArgument("An answer is entered by somebody.", code="U252", hint="Say --signer KEY.")
    if names and len(names) != asked:
        what = f"{len(names)} names for {counted(asked, 'answer')}."
        raise BadArgument(what, code="U252", hint="One --name for each, or none at all.")


def _write_request(store: Store, path: Path, screen: Screen) -> int:
    from evidencekit.journeys.timestamp import make_request
    from evidencekit.write.durable import write_new

    made = make_request(store)
    write_new(path, made.data)
    screen.result(f"wrote {display(str(path))}: a request about the checkpoint at size {made.size}")
    tell(screen, "stamp_request")
    screen.say("Carry it to an authority, for instance:")
    screen.say(
        f"  curl -H 'Content-Type: application/timestamp-query' --data-binary @{display(path.name)} "
        "https://tsa.example/stamp -o resp.tsr"
    )
    screen.say(f"Then: evidencekit checkpoint timestamp CASE --response-in resp.tsr --request {display(path.name)} …")
    screen.document({"request": str(path), "nonce": f"{made.nonce:x}", "size": made.size})
    return 0


def _stamps(
    store: Store,
    urls: tuple[str, ...],
    responses: tuple[Path, ...],
    names: tuple[str, ...],
    request: Path | None,
    policy: TimePolicy | None,
) -> tuple[list[Stamp], list[EvidenceError]]:
    """Check the answers that came by file, then ask; whoever does not answer must not cost the others' answers."""
    from evidencekit.journeys.timestamp import Answer, ask_authorities, check_answer, read_nonce
    from evidencekit.read.token import MAX_TOKEN_FILE

    given: list[str | None] = list(names) or [None] * (len(urls) + len(responses))
    nonce = None if request is None else read_nonce(bytes_of(request, MAX_TOKEN_FILE))
    answers = [
        Answer(bytes_of(path, MAX_TOKEN_FILE), name, nonce) for path, name in zip(responses, given, strict=False)
    ]
    stamps = [check_answer(store, answer, policy) for answer in answers]
    asked = list(zip(urls, given[len(responses) :], strict=True))
    more, failures = ask_authorities(store, asked, policy, proxy_of=surroundings.proxy_of)
    return stamps + more, failures


def _tell(
    screen: Screen, stamps: list[Stamp], failures: list[EvidenceError], *, checked: bool, newest: Checkpoint | None
) -> None:
    for stamp in stamps:
        at, by = format_instant(stamp.token.at_ns), display(stamp.token.by)
        screen.result(f"entered: the checkpoint at size {stamp.size} existed at {at}, says {by}")
        screen.say(f"  {layout.CHECKPOINTS}/{stamp.file}")
    if stamps:
        tell(screen, "stamp_entered")
    if stamps and not checked:
        screen.result("NOT CHECKED: whether these authorities are whom they say they are; --policy DIR checks that.")
        tell(screen, "authority_not_checked")
    if newest is not None:
        screen.say(f"The newest checkpoint is now at size {newest.size}.")
    for failure in failures:
        screen.result(f"not entered: {failure} [{failure.code}]")
        tell(screen, refusal=failure.code)
    screen.document(
        {
            "authorities_checked": checked,
            "entered": [stamp.as_record() for stamp in stamps],
            "failed": [{"code": failure.code, "message": failure.message} for failure in failures],
            "size": None if newest is None else newest.size,
        }
    )
