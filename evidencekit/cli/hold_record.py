"""`evidencekit hold open`, `extend` and `release`: what persons record of holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import read_fields
from evidencekit.cli.hold_words import hold_lines
from evidencekit.cli.law import law_option
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.render import Screen
from evidencekit.core.schema import EXHIBIT
from evidencekit.core.values import parse_instant
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.journeys.holds import Counting, Found

F = TypeVar("F", bound=Callable[..., Any])
_ITEM = click.option("--item", "items", multiple=True, metavar="EX-001", help="Item that it is about; several times.")


def _counting(of: str) -> Callable[[F], F]:
    """Return what adds the options by which an end is found; the command gets them as `how`."""

    def add(function: F) -> F:
        @click.option("--until", metavar="TIME", help="The end, in place of what the table gives; recorded as stated.")
        @click.option("--limit", metavar="ID", help=f"Which {of} limit of the table, where it is not the first.")
        @click.option(
            "--when",
            "there",
            multiple=True,
            metavar="FIELD",
            help="A field that the request has, as emergency: limits that ask for it hold; several times.",
        )
        @click.option("--zone", metavar="NAME", help="Time zone of the days, as Europe/Prague.  [default: UTC]")
        @click.option(
            "--calendar",
            "place",
            metavar="PLACE",
            help="Whose holidays are no working days: a country or a part of it, as CZ or DE-BY.",
        )
        @law_option
        @click.option("--request", metavar="FILE", help="The request, or its SHA-256: which one this is about.")
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            names = ("until", "limit", "there", "zone", "place", "law_folder", "request")
            return function(*args, how={name: kwargs.pop(name) for name in names}, **kwargs)

        return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap

    return add


def _reasons(function: F) -> F:
    """Add the fields that say why, and any other; the command gets them as `said` and `named`."""

    @click.option("--authority", help="By what right.")
    @click.option("--purpose", help="What for.")
    @click.option("--notes", help="Anything else.")
    @click.option("--field", "named", multiple=True, metavar="NAME=VALUE", help="Any field of the event, by its name.")
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        said = {name: kwargs.pop(name) for name in ("authority", "purpose", "notes")}
        return function(*args, said=said, **kwargs)

    return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap


@click.command(name="open")
@case_argument
@_ITEM
@click.option("--instrument", metavar="ID", help="Under which instrument: the id of a table of law, as budapest-29.")
@click.option("--received", metavar="TIME", help="When the request was received; without an offset it is UTC.")
@click.option("--name", "--hold", "name", help="Name of the hold.  [default: instrument and a number]")
@_counting("hold")
@_reasons
@acting
@output
def open_(
    case: Path, items: tuple[str, ...], instrument: str | None, received: str | None, name: str | None,
    how: dict[str, Any], said: dict[str, str | None], named: tuple[str, ...], acts: Acting, screen: Screen,
) -> int:  # fmt: skip
    """Put items under a hold: until somebody releases it they cannot be disposed of, released or erased.

    The end is counted from receipt, by the table of the instrument (`evidencekit law`), and recorded with all that
    it rests on. Of several holds on one item the one that ends first is due first.

    \b
    Examples:
      evidencekit hold open CASE --item EX-001 --instrument budapest-29 --received 2026-11-01T00:00Z --signer examiner
      evidencekit hold open CASE --item EX-001 --until 2027-01-31 --authority "order 7" --signer examiner

    Exit codes: 0 recorded · 2 usage · 4 keys or case cannot be used · 5 a rule forbids it; nothing recorded.
    """
    from evidencekit.journeys.holds import first_end, new_name, read_holds

    _check_items(items)
    if not items:
        raise BadArgument("Which item is this hold about?", code="U266", hint="Say --item EX-001.")
    hold = name or new_name(read_holds(case)[1], instrument)
    stated = {"hold": hold, "instrument": instrument, "received_at": received}
    body = _body("hold", case, stated | said, how, named)
    found = first_end(_asked(how, body), body.get("instrument"), _instant(body, "received_at"), surroundings.clock())
    return _record(screen, case, acts, "hold", items, body, found)


@click.command()
@case_argument
@click.option("--name", "--hold", "name", required=True, help="Name of the hold.")
@click.option("--item", "items", multiple=True, metavar="EX-001",
              help="Only this item; several times.  [default: all under the hold]")  # fmt: skip
@_counting("extension")
@_reasons
@acting
@output
def extend(
    case: Path, name: str, items: tuple[str, ...], how: dict[str, Any], said: dict[str, str | None],
    named: tuple[str, ...], acts: Acting, screen: Screen,
) -> int:  # fmt: skip
    """Give a hold that is open another end: from the one that stands, by the table's limit of an extension.

    A hold that had lapsed is extended all the same, and the time between stays on record. As often as the
    instrument allows; beyond that by --authority alone.

    \b
    Examples:
      evidencekit hold extend CASE --name budapest-29-1 --signer examiner
      evidencekit hold extend CASE --name budapest-29-1 --until 2027-03-01 --authority "order 9" --signer examiner

    Exit codes: 0 recorded · 2 usage · 4 keys or case cannot be used · 5 not open, or too often; nothing recorded.
    """
    from evidencekit.journeys.holds import lapsed_before, next_end, open_holds, read_holds

    _check_items(items)
    holds = open_holds(read_holds(case)[1], name, items)
    body = _body("extend", case, {"hold": name, **said}, how, named, later=("until",))
    now = surroundings.clock()
    found = next_end(_asked(how, body), holds, now)
    late = lapsed_before(holds, now)
    about = items or tuple(sorted({item for hold in holds for item in hold.items}))
    return _record(screen, case, acts, "extend", about, body, found, late)


@click.command()
@case_argument
@click.option("--name", "--hold", "name", required=True, help="Name of the hold.")
@click.option("--item", "items", multiple=True, metavar="EX-001",
              help="Only this item; several times.  [default: all under the hold]")  # fmt: skip
@_reasons
@acting
@output
def release(
    case: Path, name: str, items: tuple[str, ...], said: dict[str, str | None], named: tuple[str, ...],
    acts: Acting, screen: Screen,
) -> int:  # fmt: skip
    """End a hold, by an authority. Whether it had lapsed before stays on record.

    \b
    Example:
      evidencekit hold release CASE --name budapest-29-1 --authority "letter of 2 May" --signer examiner

    Exit codes: 0 recorded · 2 usage · 4 keys or case cannot be used · 5 it is not open; nothing recorded.
    """
    from evidencekit.journeys.holds import lapsed_before, open_holds, read_holds

    _check_items(items)
    holds = open_holds(read_holds(case)[1], name, items)
    body = _body("hold_release", case, {"hold": name, **said}, {}, named)
    late = lapsed_before(holds, surroundings.clock())
    about = items or tuple(sorted({item for hold in holds for item in hold.items}))
    return _record(screen, case, acts, "hold_release", about, body, None, late)


def _check_items(items: Sequence[str]) -> None:
    for item in items:
        surroundings.check_recorded(EXHIBIT, item, "--item")
    if len(set(items)) != len(items):
        raise BadArgument("An item is named twice.", code="U266", hint="Name each item once.")


def _body(
    kind: str, case: Path, stated: dict[str, str | None], how: dict[str, Any], named: tuple[str, ...], *,
    later: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return the members of an event that were stated; `later` are those that may yet be found."""
    texts = stated | {name: how.get(name) for name in ("until", "request")}
    given = {f"field_{name}": [text] for name, text in texts.items() if text is not None}
    return read_fields(kind, given, named, resolver(case), later=later)


def _asked(how: dict[str, Any], body: dict[str, Any]) -> Counting:
    from evidencekit.cooperation.law import known_tables
    from evidencekit.journeys.holds import Counting

    return Counting(
        known_tables(how["law_folder"]), how["limit"], how["zone"], how["place"], frozenset(how["there"]),
        _instant(body, "until"), body.get("authority"),
    )  # fmt: skip


def _instant(body: dict[str, Any], name: str) -> int | None:
    return parse_instant(body[name]["time"]) if name in body else None


def _record(
    screen: Screen, case: Path, acts: Acting, kind: str, items: Sequence[str], body: dict[str, Any],
    found: Found | None, late: Sequence[dict[str, Any]] = (),
) -> int:  # fmt: skip
    """Record the event, and say what came of it: the end, what it rests on, what had lapsed, what is odd."""
    whole = body | (found.members() if found else {})
    hand = acts.on(case)
    recorded = hand.record(kind, list(items), whole)
    facts = {name: whole.get(name) for name in ("basis", "hold", "until")}
    warnings = found.warnings if found else []
    tell_recorded(screen, recorded, hand, **facts, had_lapsed=list(late), warnings=warnings)
    for line in hold_lines(whole, late, warnings):
        screen.say(*line)
    return 0
