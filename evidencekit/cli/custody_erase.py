"""`evidencekit custody add CASE erase`: what goes is shown first, and somebody has to say yes; then what remains.

`cli/custody_record.py` has the command; it takes these options and calls `erase_rows` for the type `erase`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_spoken import tell_done
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.cli.speech import tell
from evidencekit.core.reduced import GROUPS
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.erase import Plan
    from evidencekit.seal.ledger import Ledger
    from evidencekit.seal.sign import Signer

F = TypeVar("F", bound=Callable[..., Any])
SHOWN = 20
"""Objects and left-over files that a person is shown; --json gives all of them."""


def erase_options(function: F) -> F:
    """Add the options of `erase`: they come as rows, everything, groups, dry_run, yes."""
    for option in (
        click.option("--yes", is_flag=True, help="erase: do not ask."),
        click.option("--dry-run", is_flag=True, help="erase: show what would go, and stop."),
        click.option("--groups", default=",".join(GROUPS), show_default=True, help="erase: what of the rows goes."),
        click.option("--all", "everything", is_flag=True, help="erase: all rows of the item."),
        click.option("--rows", multiple=True, metavar="SELECTOR", help="erase: EX-001:PATH, EX-001#INDEX or a glob."),
    ):
        function = option(function)
    return function


def erase_rows(
    ledger: Ledger,
    item: str,
    *,
    body: dict[str, Any],
    actor: dict[str, Any],
    signers: Sequence[Signer],
    rows: tuple[str, ...],
    everything: bool,
    groups: str,
    dry_run: bool,
    yes: bool,
    screen: Screen,
    occurred_at: dict[str, Any] | None = None,
    time_class: str = "device",
) -> int:
    """Show what will go, ask, erase, and say what remains; return the exit code.

    `body` has what the event's body says but for `manifests`, `objects` and `whole`: `authority` at least.
    """
    from evidencekit.journeys.erase import Order, erase

    plans = []

    def confirm(plan: Plan) -> bool:
        plans.append(plan)
        _say_plan(screen, plan)
        return not dry_run and (yes or _asked(plan))

    erased = erase(
        ledger,
        Order(item, rows, everything, _groups(groups), body),
        actor=actor,
        signers=signers,
        random=surroundings.random,
        cache_folder=surroundings.cache_folder(),
        confirm=confirm,
        occurred_at=occurred_at,
        time_class=time_class,
    )
    (plan,) = plans
    if erased is None:
        screen.result("nothing was erased" if not dry_run else "nothing was erased: a dry run")
        tell(screen, "erase_nothing")
    else:
        screen.result(
            f"erased {counted(plan.rows, 'row')} of {item}: entry {erased.entry} by {display(actor['id'])} at "
            f"{ledger.recorded_at}, checkpoint {erased.size}; {counted(erased.removed, 'file')} removed"
        )
        tell_done(screen, "erase")
        screen.say("root and leaf hashes stay: what was not erased is proved and verified as before")
    _say_remains(screen, plan)
    screen.document(_document(plan) | {"entry": None, "checkpoint": None, "removed": 0} | _done(erased))
    return 0


def _groups(typed: str) -> tuple[str, ...]:
    wanted = tuple(name for name in GROUPS if name in typed.split(","))
    if len(wanted) != len(typed.split(",")):
        raise BadArgument(f"--groups {display(typed)} is not understood.", code="U273", hint=f"Of {', '.join(GROUPS)}.")
    return wanted


def _done(erased: Any) -> dict[str, Any]:
    return {} if erased is None else {"entry": erased.entry, "checkpoint": erased.size, "removed": erased.removed}


def is_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty()


def _asked(plan: Plan) -> bool:
    """Ask whoever sits there.

    Raises:
        BadArgument: U274, nobody does.
    """
    if not is_terminal():
        raise BadArgument(
            "Nobody is there to say yes to this.",
            code="U274",
            hint="Nothing was erased. Look at it with --dry-run; then say --yes.",
        )
    return bool(click.confirm(f"Erase this of {plan.order.item}? It cannot be undone", default=False, err=True))


def _say_plan(screen: Screen, plan: Plan) -> None:
    order = plan.order
    screen.say(f"To be erased of {order.item}, by {display(str(order.body.get('authority', 'no order')))}:")
    screen.say(f"  rows        {plan.rows:,} of {plan.of:,}: their {', '.join(order.groups)}")
    screen.say(f"  opinions    {plan.opinions:,} (media types, results of comparisons)")
    screen.say(f"  objects     {counted(len(plan.objects), 'file')}, {human_size(sum(plan.objects.values()))}")
    for digest in sorted(plan.objects)[:SHOWN]:
        screen.say(f"              {digest}")
    screen.say(f"  catalogues  {', '.join(plan.manifests)}: reduced ones stand for them")
    if plan.is_whole:
        screen.say(f"  custody     nothing is left of {order.item}: its custody ends", "warning")
    screen.say()


def _say_remains(screen: Screen, plan: Plan) -> None:
    """Name what an erasure does not reach."""
    for line in _remains(plan):
        screen.say(f"remains: {line}", "warning")


def _remains(plan: Plan) -> list[str]:
    lines = [
        "backups, mirrors (`acquire --copy-to`), exports and copies elsewhere: nothing there was touched",
        "the source itself, and what the events and the catalogue's header say (its path, counts, sums)",
        "bytes that the medium may keep after a name is gone: ask whoever runs it",
    ]
    if plan.place_shows:
        lines.append("the place of a row: the names before and after it still tell where its name stood")
    if set(plan.order.groups) != set(GROUPS):
        left = ", ".join(name for name in GROUPS if name not in plan.order.groups)
        lines.append(f"of these rows: {left}")
    if plan.left_over:
        names = ", ".join(display(name) for name in plan.left_over[:SHOWN])
        lines.append(f"work/ ({names}): unfinished or set aside; look whether it holds any of this")
    return lines


def _document(plan: Plan) -> dict[str, Any]:
    return {
        "item": plan.order.item,
        "groups": list(plan.order.groups),
        "manifests": list(plan.manifests),
        "objects": plan.objects,
        "opinions": plan.opinions,
        "remains": _remains(plan),
        "rows": plan.rows,
        "rows_of_item": plan.of,
        "whole": plan.is_whole,
    }
