"""What `evidencekit export` says: what leaves, what stays and why, and the one digest for the letter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidencekit.cli.custody_acting import tell_recorded
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.cli.speech import tell
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.export import Exported
    from evidencekit.journeys.export_onward import Passed
    from evidencekit.journeys.export_plan import Plan, Share


def say_plan(screen: Screen, plan: Plan) -> None:
    """Say what would leave."""
    _say(screen, plan)
    screen.say()
    screen.say("rows that would leave, the first of them:" if plan.first else "no row of facts would leave")
    for item, said in plan.first:
        name = display(said.path) or "." if said.is_named else "(name withheld)"
        size = "" if said.size is None else human_size(said.size)
        screen.say(f"  {f'{item}#{said.index}':<16} {size:>10}  {name}")
    screen.result("nothing was written: this is a plan")
    tell(screen, "plan_only")
    screen.document(_document(plan) | {"first": _first(plan), "items": plan.items})


def say_exported(screen: Screen, made: Exported, hand: Hand, out: Path) -> None:
    """Say what has left, and the digest for the letter."""
    _say(screen, made.plan)
    say_left(screen, made, hand, out, **_document(made.plan))


def say_left(screen: Screen, made: Exported | Passed, hand: Hand, out: Path, **more: Any) -> None:
    """Say that a package was recorded and written, and the digest for the letter; `more` is for the document."""
    screen.say()
    tell_recorded(
        screen,
        made.recorded,
        hand,
        **more,
        out=str(out),
        package=made.digest,
        transfer=made.transfer,
        verdict=made.report.verdict,
    )
    checked = made.report.verdict in {"VERIFIED", "INTEGRITY ONLY"}
    said = "verified" if checked else f"NOT CHECKED: {made.report.reason}"
    screen.say(f"written to {display(str(out))}, and {said}", None if checked else "warning")
    tell(screen, "package_written", verdict=made.report.verdict)
    screen.say("package digest, for the letter that goes with it:")
    screen.result(f"  {made.digest}")
    tell(screen, "package_digest")


def _say(screen: Screen, plan: Plan) -> None:
    screen.say(f"items: {', '.join(plan.items)}")
    for share in plan.shares:
        _say_rows(screen, share)
    screen.say(f"payload: {counted(plan.files, 'file')}, {human_size(plan.bytes)}")
    for item in plan.kept_back:
        screen.say(f"{item} is sensitive: its contents stay here, unless you say --payload", "warning")
    for share in plan.shares:
        where = f" of the adopted case {share.log.name[:-1]}" if share.log.name else ""
        shown, hidden = counted(share.custody.shown, "event"), len(share.custody.hidden)
        screen.say(f"custody{where}: {shown} shown, {hidden:,} hidden")


def _say_rows(screen: Screen, share: Share) -> None:
    for choice in share.choices:
        tally = share.tallies[choice.manifest]
        what = "opinions" if choice.is_derived else "rows"
        screen.say(f"{share.log.whole(choice.item)}: {tally.shown:,} of {choice.rows:,} {what} shown")
        for ground, count in sorted(tally.hidden.items()):
            screen.say(f"  hidden    {counted(count, 'row')}: {ground}")
        for (group, ground), count in sorted(tally.groups.items()):
            screen.say(f"  withheld  {group} of {counted(count, 'row')}: {ground}")
        if not choice.is_shuffled and any(group == "name" for group, _ in tally.groups):
            screen.say(
                "  a row's place tells between which names its own sorts: `acquire --sensitive` avoids that", "warning"
            )


def _document(plan: Plan) -> dict[str, Any]:
    own, *others = plan.shares
    return {
        "branches": [{"events": _events(share), "name": share.log.name[:-1]} for share in others],
        "contents": [line for share in plan.shares for line in _contents(share)],
        "events": _events(own),
        "kept_back": plan.kept_back,
        "payload": {"bytes": plan.bytes, "files": plan.files},
    }


def _events(share: Share) -> dict[str, Any]:
    return {"hidden": share.custody.hidden, "shown": share.custody.shown}


def _contents(share: Share) -> Iterator[dict[str, Any]]:
    for choice in share.choices:
        tally = share.tallies[choice.manifest]
        yield {
            "groups": [
                {"count": count, "ground": ground, "group": group}
                for (group, ground), count in sorted(tally.groups.items())
            ],
            "hidden": [{"count": count, "ground": ground} for ground, count in sorted(tally.hidden.items())],
            "item": share.log.whole(choice.item),
            "kind": "opinions" if choice.is_derived else "rows",
            "manifest": choice.manifest,
            "rows": choice.rows,
            "shown": tally.shown,
        }


def _first(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "index": said.index,
            "item": item,
            "path": (display(said.path) if said.is_named else None),
            "size": said.size,
        }
        for item, said in plan.first
    ]
