"""`evidencekit export --package`: a received package passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidencekit.cli.export_words import say_left
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.cli.speech import tell
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from pathlib import Path

    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.export_onward import Onward, OnwardPlan, Passed
    from evidencekit.journeys.export_plan import Request


def onward_of(package: str, request: Request) -> Onward:
    """Return what of a received package is passed on.

    Raises:
        BadArgument: U294, something is asked for that cannot be done with what others sealed.
    """
    from evidencekit.journeys.export_onward import Onward

    wanted = request.wanted
    others: list[Any] = [wanted.rows, wanted.digests, wanted.listed is not None, wanted.sql is not None, wanted.bounds]
    if any(others) or request.full or request.sources:
        raise BadArgument(
            "Of a received package rows are chosen by --item and --glob; --withhold, --hash-only and --hide-event say "
            "what of them stays.",
            code="U294",
            hint="Leave out the other criteria, --full and --source.",
        )
    return Onward(
        package,
        items=wanted.items,
        globs=wanted.globs,
        withhold=tuple(request.withhold),
        hash_only=request.hash_only,
        hide_events=tuple(request.hide_events),
        stated=request.stated,
    )


def say_onward_plan(screen: Screen, plan: OnwardPlan) -> None:
    """Say what would be passed on."""
    _say(screen, plan)
    screen.result("nothing was written: this is a plan")
    tell(screen, "plan_only")
    screen.document(_document(plan))


def say_passed(screen: Screen, made: Passed, hand: Hand, out: Path) -> None:
    """Say what has left, and the digest for the letter."""
    _say(screen, made.plan)
    say_left(screen, made, hand, out, **_document(made.plan))


def _say(screen: Screen, plan: OnwardPlan) -> None:
    for one in plan.contents:
        screen.say(f"{one['item']}: {int(one['shown']):,} of {int(one['rows']):,} rows shown, as received")
    for (item, group, ground), count in sorted(plan.closed.items()):
        screen.say(f"  withheld  {group} of {counted(count, 'row')} of {item}: {ground}")
    screen.say(f"payload: {counted(plan.files, 'file')}, {human_size(plan.bytes)}")
    hidden = len(plan.custody.hidden)
    screen.say(
        f"custody: {counted(plan.custody.shown, 'event')} of our log shown, {hidden:,} hidden; theirs as received"
    )
    screen.say(f"passes on  {plan.previous}")


def _document(plan: OnwardPlan) -> dict[str, Any]:
    return {
        "contents": plan.contents,
        "events": {"hidden": plan.custody.hidden, "shown": plan.custody.shown},
        "payload": {"bytes": plan.bytes, "files": plan.files},
        "previous": plan.previous,
        "withheld": [
            {"count": count, "ground": ground, "group": group, "item": item}
            for (item, group, ground), count in sorted(plan.closed.items())
        ],
    }
