"""`evidencekit export --package`: a received package passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidencekit.cli.custody_acting import tell_recorded
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from pathlib import Path

    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.export_onward import Onward, Passed
    from evidencekit.journeys.export_plan import Request


def onward_of(package: str, request: Request) -> Onward:
    """Return what of a received package is passed on.

    Raises:
        BadArgument: U294, something is asked for that cannot be done with what others sealed.
    """
    from evidencekit.journeys.export_onward import Onward

    wanted = request.wanted
    others: list[Any] = [wanted.rows, wanted.digests, wanted.listed, wanted.sql, wanted.bounds, request.withhold]
    if any(others) or request.full or request.sources:
        raise BadArgument(
            "Of a received package rows are chosen by --item and --glob; there are --hash-only and --hide-event, too.",
            code="U294",
            hint="Leave out the other criteria, --withhold, --full and --source.",
        )
    return Onward(package, wanted.items, wanted.globs, request.hash_only, tuple(request.hide_events), request.stated)


def say_passed(screen: Screen, made: Passed, hand: Hand, out: Path) -> None:
    """Say what has left, and the digest for the letter."""
    for one in made.contents:
        screen.say(f"{one['item']}: {int(one['shown']):,} of {int(one['rows']):,} rows shown, as received")
    screen.say(f"payload: {counted(made.files, 'file')}, {human_size(made.bytes)}")
    screen.say(f"passes on  {made.previous}")
    screen.say()
    tell_recorded(
        screen,
        made.recorded,
        hand,
        contents=made.contents,
        out=str(out),
        package=made.digest,
        previous=made.previous,
        transfer=made.transfer,
        verdict=made.report.verdict,
    )
    screen.say(f"written to {display(str(out))}, and verified: {made.report.verdict}")
    screen.say("package digest, for the letter that goes with it:")
    screen.result(f"  {made.digest}")
