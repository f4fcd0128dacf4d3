"""`evidencekit acquire`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import tell
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.acquire.compose import Taken
    from evidencekit.cli.summary import Summary
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.journeys.acquire import Acquisition, Sealed
    from evidencekit.journeys.returned import SentRequest
    from evidencekit.seal.sign import Signer

DONE_WITH_OMISSIONS = 6
MOST_JOBS = 64
DIGESTS = click.Choice(["md5", "sha1", "sha512", "sha3-256"])


@click.command()
@case_argument
@click.argument("source", type=PATH)
@click.option("--exhibit", required=True, help="Exhibit number of the item, as EX-001.")
@click.option(
    "--hash", "digests", type=DIGESTS, multiple=True, help="One more digest; SHA-256 and BLAKE3 are always taken."
)
@click.option("--include", multiple=True, metavar="GLOB", help="Take only files that match.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what matches; recorded as an omission.")
@click.option("--copy", "copies", is_flag=True, help="Keep the content of every file in the case, each content once.")
@click.option(
    "--copy-to", type=PATH, metavar="DIR", help="Make DIR, on a second medium, a copy of the whole case, with --copy."
)
@click.option("--authority", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE.toml",
              help="Particulars of the seizure: see `evidencekit init --template`.")  # fmt: skip
@click.option("--provider-return", "answered", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              metavar="RECORD", help="The source is what a provider returned to this request.")  # fmt: skip
@click.option("--sensitive", is_flag=True, help="Shuffled order: a row's place tells nothing about hidden names.")
@click.option("--resume", is_flag=True, help="Take up an acquisition that was interrupted.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), metavar="N",
              help="Processes that read. Default: one a core, up to 8; a single one for a rotating disk.")  # fmt: skip
@click.option("--no-identify", is_flag=True, help="Seal only; media types later, by --resume.")
@signing
@output
def acquire(case: Path, source: Path, signs: Signing, screen: Screen, **options: Any) -> int:
    """Walk SOURCE, hash and catalogue everything in it, and seal the catalogue.

    SOURCE is a folder, a file, a disk image or a block device. It is only read. Links are not followed, devices and
    pipes in it are not opened. What could not be taken is a row of its own with the reason; it is tried once more at
    the end. A glob without / matches the last name, with / the whole path.

    After Ctrl-C, a crash or a power failure, the same command with --resume goes on where it ended: what was hashed
    and is unchanged is not read again.

    What a provider returned is sealed as it came, with the SHA-256 of the request that it answers; then it is held
    against that request: what was asked and is not there, and the other way round (`evidencekit request returned`).

    \b
    Examples:
      evidencekit acquire CASE /mnt/stick --exhibit EX-001 --signer examiner
      evidencekit acquire CASE /mnt/stick --exhibit EX-001 --signer examiner --resume
      evidencekit acquire CASE /mnt/stick --exhibit EX-002 --signer examiner --copy --copy-to /mnt/second/24-117
      evidencekit acquire CASE /dev/sdb --exhibit EX-003 --signer examiner --authority seizure.toml --hash md5
      evidencekit acquire CASE return/ --exhibit EX-007 --signer examiner --provider-return record.json

    Exit codes: 0 sealed · 2 usage · 3 RECORD is not JSON · 4 could not finish · 5 refused · 6 sealed, with omissions.
    """
    from evidencekit.cli.expected import Expected, census_of
    from evidencekit.cli.field_words import asked_meter_words
    from evidencekit.cli.summary import document, headline, lines
    from evidencekit.journeys.acquire import acquire_and_seal
    from evidencekit.journeys.returned import read_sent_request

    answered = None if options["answered"] is None else read_sent_request(options["answered"])
    request = _request(source, options, answered)
    person = signs.person()
    if options["resume"] and finish_first(case, signs.log_key, screen):
        request = replace(request, was_finished=True)
    ledger = signs.ledger(case)
    counting = None if screen.is_silent else lambda: census_of(os.fsencode(source), request.options)
    with screen.progress(request.exhibit, asked_meter_words(screen)) as meter, Expected(counting) as expected:
        done = acquire_and_seal(
            ledger,
            request,
            signer=person,
            actor=signs.actor(person),
            clock=surroundings.clock,
            random=surroundings.random,
            utc_offset_min=surroundings.utc_offset_min(),
            progress=lambda progress: meter.update(expected.figures(progress)),
            on_sealed=lambda taken, checkpoint: screen.result(_sealed_line(request, taken, checkpoint)),
        )
    summary = _summary(request, done, person)
    if summary.sealed is None:  # else it was said when the seal stood
        screen.result(headline(summary))
    _say_lost(screen, done)
    for line in lines(summary):
        screen.say(*line)
    _tell(screen, summary)
    compared = {} if answered is None else {"returned": _compare(screen, case, request.exhibit, answered)}
    screen.document(document(summary) | compared)
    return DONE_WITH_OMISSIONS if summary.omissions else 0


def _tell(screen: Screen, summary: Summary) -> None:
    """Say in another language than English what the lines above came to."""
    from evidencekit.cli.custody_spoken import tell_done, tell_sealed

    header = summary.header
    if summary.sealed is None or header is None:
        tell(screen, "nothing_left" if summary.typed is None else "types_recorded")
        return
    tell_done(screen, "seal", ["W903"] if summary.not_stated else [])
    tell_sealed(screen, header["totals"])
    if header["source"].get("read_only") is False:
        tell(screen, "writable")
    if summary.omissions:
        tell(screen, "omitted")


def _compare(screen: Screen, case: Path, exhibit: str, answered: SentRequest) -> dict[str, Any]:
    """Hold what was sealed against the request; the seal stands, whatever comes of it."""
    from evidencekit.cli.request_returned import compared
    from evidencekit.cli.returned_words import return_lines
    from evidencekit.errors import EvidenceError

    try:
        found = compared(screen, case, exhibit, answered)
    except EvidenceError as error:
        screen.say(f"  not compared with the request: {error.code}: {error}", "warning")
        return {"error": {"code": error.code, "hint": error.hint, "message": error.message}}
    screen.say()
    for line in return_lines(found):
        screen.say(*line)
    return found


def _say_lost(screen: Screen, done: Sealed) -> None:
    """Say what was taken before an interruption and is not used."""
    for name in done.unusable:
        screen.say(
            f"  not used: {name} of the unfinished acquisition: damaged, or not made under this log's keys", "warning"
        )
    if done.taken is not None and done.taken.misplaced:
        screen.say(
            f"  not in the record: {done.taken.misplaced:,} rows from before the interruption,"
            " whose folder is something else now",
            "warning",
        )


def _request(source: Path, options: dict[str, Any], answered: SentRequest | None) -> Acquisition:
    from evidencekit.acquire.options import Options
    from evidencekit.acquire.particulars import read_particulars
    from evidencekit.core.schema import EXHIBIT
    from evidencekit.errors import BadArgument, FormatError
    from evidencekit.journeys.acquire import Acquisition

    try:
        EXHIBIT.check(options["exhibit"], "--exhibit")
    except FormatError as error:
        raise BadArgument(error.message, code="U205", hint="Letters, digits, . _ - and at most 64 of them.") from error
    authority: Path | None = options["authority"]
    stated = None if authority is None else read_particulars(authority.read_bytes(), display(str(authority)))
    extra = (name.replace("-", "_") for name in options["digests"])
    return Acquisition(
        source=source,
        exhibit=options["exhibit"],
        program=surroundings.program(),
        options=Options(
            digests=tuple(sorted({"blake3", "sha256", *extra})),
            include=options["include"],
            exclude=options["exclude"],
            sensitive=options["sensitive"],
            copies=options["copies"] or options["copy_to"] is not None,
        ),
        particulars=stated if answered is None else answered.particulars(stated),
        host=surroundings.host(),
        types=not options["no_identify"],
        resume=options["resume"],
        jobs=options["jobs"],
        copy_to=options["copy_to"],
    )


def finish_first(case: Path, log_key: Path | None, screen: Screen) -> bool:
    """Checkpoint what an interrupted step left behind, as `checkpoint finish` does; tell whether there was anything."""
    from evidencekit.seal.ledger import finish

    keys = surroundings.log_keys(case, log_key)
    checkpoint, aside = finish(case, keys=keys, random=surroundings.random)
    for line in aside:
        screen.aside(f"set aside: {display(line)}")
    if checkpoint is not None:
        screen.aside(f"finished: checkpoint at size {checkpoint.size}")
    return checkpoint is not None


def _sealed_line(request: Acquisition, taken: Taken, checkpoint: Checkpoint) -> str:
    """Return what is said as soon as the seal stands: media types can take hours more."""
    from evidencekit.cli.summary import Summary, headline

    header = taken.header_record
    return headline(
        Summary(
            exhibit=request.exhibit,
            checkpoint=checkpoint,
            signed_by="",
            header=header,
            root=taken.root,
            sealed=checkpoint,
        )
    )


def _summary(request: Acquisition, done: Sealed, person: Signer) -> Summary:
    """Return what there is to say about it."""
    from evidencekit.cli.summary import Copies, Summary

    taken, typed, mirrored = done.taken, done.typed, done.mirrored
    return Summary(
        exhibit=request.exhibit,
        checkpoint=done.newest,
        signed_by=f"{person.public_key.comment}  {person.fingerprint}",
        not_stated=done.not_stated,
        header=None if taken is None else taken.header_record,
        root=None if taken is None else taken.root,
        sealed=done.sealed,
        sealed_at=done.sealed_at,
        omitted=() if taken is None else taken.omitted,
        reasons={} if taken is None else taken.reasons,
        copies=None if taken is None or not request.options.copies else Copies(
            taken.objects, taken.object_bytes, max(0, taken.copies - taken.objects), checked=True
        ),
        second=None if mirrored is None else Copies(
            mirrored.files, mirrored.bytes, 0, checked=True, place=str(request.copy_to)
        ),
        typed=None if typed is None else typed.rows,
        untyped=0 if typed is None else int(typed.header_record["totals"]["errors"]),
    )  # fmt: skip
