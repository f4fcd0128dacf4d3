"""`evidencekit acquire`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, case_argument, output, signing
from evidencekit.cli.render import Screen, human_size
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.acquire.pipeline import Progress, Taken
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.journeys import Acquisition, Sealed
    from evidencekit.seal.sign import Signer

DONE_WITH_OMISSIONS = 6
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
@click.option("--authority", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE.toml",
              help="Particulars of the seizure: see `evidencekit init --template`.")  # fmt: skip
@click.option("--sensitive", is_flag=True, help="Shuffled order: a row's place tells nothing about hidden names.")
@click.option("--resume", is_flag=True, help="Take up an acquisition that was interrupted.")
@click.option("--no-identify", is_flag=True, help="Seal only; media types later, by --resume.")
@signing
@output
def acquire(case: Path, source: Path, screen: Screen, **options: Any) -> int:
    """Walk SOURCE, hash and catalogue everything in it, and seal the catalogue.

    SOURCE is a folder or a file. It is only read. Links are not followed, devices and pipes are not opened. What could
    not be taken is a row of its own with the reason. A glob without / matches the last name, with / the whole path.

    \b
    Examples:
      evidencekit acquire CASE /mnt/stick --exhibit EX-001 --signer examiner
      evidencekit acquire CASE /mnt/stick --exhibit EX-001 --signer examiner --authority seizure.toml --hash md5

    Exit codes: 0 sealed · 2 usage · 4 could not finish · 5 refused · 6 sealed, with omissions.
    """
    from evidencekit.journeys import acquire_and_seal

    request = _request(source, options)
    person = surroundings.signer(options["signer_key"])
    if options["resume"]:
        _finish_first(case, options["log_key"], screen)
    ledger = surroundings.ledger(case, options["log_key"])
    with screen.progress(request.exhibit) as meter:
        done = acquire_and_seal(
            ledger,
            request,
            signer=person,
            actor=surroundings.actor(
                person, name=options["actor_id"], role=options["role"], organisation=options["organisation"]
            ),
            clock=surroundings.clock,
            random=surroundings.random,
            utc_offset_min=surroundings.utc_offset_min(),
            progress=lambda phase, figures: meter.update(
                _figures(phase, figures), files=figures.files, size=figures.bytes
            ),
            on_sealed=lambda taken, checkpoint: _say_sealed(screen, request, taken, checkpoint),
        )
    return _conclude(screen, request, done, person)


def _request(source: Path, options: dict[str, Any]) -> Acquisition:
    from evidencekit.acquire.particulars import read_particulars
    from evidencekit.acquire.pipeline import Options
    from evidencekit.core.schema import EXHIBIT
    from evidencekit.errors import BadArgument, FormatError
    from evidencekit.journeys import Acquisition

    try:
        EXHIBIT.check(options["exhibit"], "--exhibit")
    except FormatError as error:
        raise BadArgument(error.message, code="U205", hint="Letters, digits, . _ - and at most 64 of them.") from error
    authority: Path | None = options["authority"]
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
        ),
        particulars=None if authority is None else read_particulars(authority.read_bytes(), display(str(authority))),
        host=surroundings.host(),
        types=not options["no_identify"],
        resume=options["resume"],
    )


def _finish_first(case: Path, log_key: Path | None, screen: Screen) -> None:
    """Checkpoint what an interrupted step left behind, as `checkpoint finish` does."""
    from evidencekit.seal.ledger import finish

    keys = surroundings.log_keys(case, log_key)
    checkpoint, aside = finish(case, keys=keys, random=surroundings.random)
    for line in aside:
        screen.aside(f"set aside: {display(line)}")
    if checkpoint is not None:
        screen.aside(f"finished: checkpoint at size {checkpoint.size}")


def _figures(phase: str, figures: Progress) -> str:
    what = "hashed" if phase == "acquire" else "typed"
    omitted = f", {figures.omissions:,} omissions" if figures.omissions else ""
    return f"{figures.files:,} files {what}, {human_size(figures.bytes)}{omitted}"


def _say_sealed(screen: Screen, request: Acquisition, taken: Taken, checkpoint: Checkpoint) -> None:
    totals = taken.header_record["totals"]
    screen.result(
        f"sealed {request.exhibit}: {taken.rows:,} rows, {human_size(int(totals['bytes']))}, "
        f"checkpoint {checkpoint.size}, manifest root {taken.root.hex()}"
    )


def _conclude(screen: Screen, request: Acquisition, done: Sealed, person: Signer) -> int:
    """Say what came of it; return the exit code."""
    states = done.taken.header_record["totals"]["states"] if done.taken else {}
    omissions = {state: int(count) for state, count in states.items() if state != "complete" and count != "0"}
    if done.taken:
        kinds = done.taken.header_record["totals"]["kinds"]
        screen.say("  " + ", ".join(f"{int(count):,} {kind}" for kind, count in kinds.items() if count != "0"))
        screen.say(
            f"  {int(states['complete']):,} complete" + "".join(f", {n:,} {state}" for state, n in omissions.items())
        )
        screen.say(f"  signed by {display(person.public_key.comment)}  {person.fingerprint}")
    if done.typed:
        errors = int(done.typed.header_record["totals"]["errors"])
        failed = f", {errors:,} could not be typed" if errors else ""
        screen.say(f"typed {done.typed.rows:,} files{failed}, checkpoint {done.newest.size}")
    if not done.taken and not done.typed:
        screen.result(f"{request.exhibit}: nothing was left to do, checkpoint {done.newest.size}")
    if done.not_stated:
        screen.say(f"not stated: {', '.join(done.not_stated)}", "warning")
    if omissions:
        screen.say(f"{sum(omissions.values()):,} omissions: `evidencekit show CASE` lists them", "warning")
    screen.document(
        {
            "checkpoint": {
                "origin": done.newest.origin,
                "root": done.newest.root.hex(),
                "size": done.newest.size,
            },
            "exhibit": request.exhibit,
            "not_stated": list(done.not_stated),
            "omissions": omissions,
            "root": done.taken.root.hex() if done.taken else None,
            "rows": done.taken.rows if done.taken else None,
            "sealed_at_size": done.sealed.size if done.sealed else None,
            "totals": done.taken.header_record["totals"] if done.taken else None,
            "typed": done.typed.rows if done.typed else None,
        }
    )
    return DONE_WITH_OMISSIONS if omissions else 0
