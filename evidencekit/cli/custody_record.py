"""`evidencekit custody add`, `types` and `split`: what persons record by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_erase import erase_options, erase_rows
from evidencekit.cli.custody_fields import (
    BY_COMMAND,
    BY_HAND,
    NEEDS,
    field_options,
    metavar,
    option_of,
    read_fields,
    refuse_command,
    stated_fields,
    told,
)
from evidencekit.cli.custody_select import select_part
from evidencekit.cli.options import case_argument, output
from evidencekit.cli.render import Screen, counted
from evidencekit.core.event_types import EVENT_TYPES, NO_ITEM
from evidencekit.core.schema import EXHIBIT
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

_TYPE = "evidencekit.custody.type"


class _EventCommand(click.Command):
    """A command whose help lists the fields of the type that stands on its line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for a type before `--help` is answered."""
        ctx.meta[_TYPE] = next((word for word in args if word in BY_HAND), None)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the fields of the type."""
        super().format_options(ctx, formatter)
        kind = ctx.meta.get(_TYPE)
        if kind is None:
            with formatter.section("Fields"):
                formatter.write_text("Each field of the type is an option: `evidencekit custody add CASE TYPE --help`.")
            return
        with formatter.section(f"Fields of {kind}"):
            formatter.write_dl(
                [
                    (f"{option_of(name)} …", told(field, NEEDS[field.need]))
                    for name, field in stated_fields(kind).items()
                ]
            )


@click.command(cls=_EventCommand)
@case_argument
@click.argument("kind", metavar="TYPE")
@click.option("--item", "items", multiple=True, metavar="EX-001", help="Item that it is about; several times.")
@field_options(BY_HAND, hidden=True)
@erase_options
@acting
@output
def add(
    case: Path,
    kind: str,
    items: tuple[str, ...],
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Record what was done with an item: signed, entered in the log, checkpointed.

    TYPE is one of `evidencekit custody types`. What practice expects and nobody said is recorded as not stated, and
    named. Corrections are events of their own: what they correct stays readable.

    \b
    Examples:
      evidencekit custody add CASE store --item EX-001 --place "Room 4" --purpose keep --signer examiner
      evidencekit custody add CASE loan --item EX-001 --to lab.pub --due 2026-12-24 --signer examiner
      evidencekit custody add CASE correct --item EX-001 --corrects 5 --text "Room 6" --signer examiner
      evidencekit custody add CASE dispose --help

    Exit codes: 0 recorded · 2 usage · 4 keys or case cannot be used · 5 a rule forbids it; nothing recorded.
    """
    from evidencekit.journeys.holds_adopted import refuse_held_elsewhere

    refuse_command(kind)
    erasing = {name: given.pop(name) for name in ("everything", "groups", "dry_run", "yes")}
    rows = given.pop("rows")
    if kind != "erase" and rows:
        named = (*named, *(f"rows={row}" for row in rows))
    body = read_fields(kind, given, named, resolver(case))
    _check_items(kind, items)
    refuse_held_elsewhere(case, kind, items)
    hand = acts.on(case)
    if kind == "erase":
        if len(items) != 1:
            raise BadArgument("Rows are erased of one item at a time.", code="U266", hint="Say --item once.")
        return erase_rows(
            hand.ledger, items[0], body=body, actor=hand.actor, signers=hand.signers, rows=rows, screen=screen,
            occurred_at=hand.occurred_at, time_class=hand.time_class, **erasing,
        )  # fmt: skip
    parts = [part["item"] for part in body.get("parts", [])]
    tell_recorded(screen, hand.record(kind, [*items, *parts], body), hand)
    return 0


def _check_items(kind: str, items: tuple[str, ...]) -> None:
    """Raise BadArgument (U266) where the items of an event are not those that its type needs."""
    for item in items:
        surroundings.check_recorded(EXHIBIT, item, "--item")
    if kind in NO_ITEM and items:
        raise BadArgument(f"An event of type {kind} is about no item.", code="U266", hint="Leave out --item.")
    if kind not in NO_ITEM and not items:
        raise BadArgument(f"Which item is this {kind} about?", code="U266", hint="Say --item EX-001.")
    if len(set(items)) != len(items):
        raise BadArgument("An item is named twice.", code="U266", hint="Name each item once.")


@click.command()
@click.argument("kind", metavar="[TYPE]", required=False)
@output
def types(kind: str | None, screen: Screen) -> int:
    """List the types of events; with TYPE its fields, and how each is given.

    \b
    Examples:
      evidencekit custody types
      evidencekit custody types dispose

    Exit codes: 0 listed · 2 there is no such type.
    """
    if kind is not None and kind not in EVENT_TYPES:
        raise BadArgument(
            f"There is no type of event {display(kind)}.", code="U261", hint="`evidencekit custody types`."
        )
    if kind is None:
        screen.table(("type", "signers", "recorded by", "effect"), [
            (name, one.signers, BY_COMMAND.get(name, f"evidencekit custody add CASE {name}"), one.effect)
            for name, one in sorted(EVENT_TYPES.items())
        ])  # fmt: skip
    else:
        screen.say(f"{kind}: {EVENT_TYPES[kind].effect}; {counted(EVENT_TYPES[kind].signers, 'signer')}")
        screen.say(f"recorded by  {BY_COMMAND.get(kind, f'evidencekit custody add CASE {kind}')}")
        screen.say()
        screen.table(("option", "need", "given as", "what"), [
            (option_of(name), NEEDS[field.need], metavar(field), field.doc)
            for name, field in stated_fields(kind).items()
        ])  # fmt: skip
    screen.document({"types": {name: _type_record(name) for name in ([kind] if kind else sorted(EVENT_TYPES))}})
    return 0


def _type_record(name: str) -> dict[str, Any]:
    kind = EVENT_TYPES[name]
    return {
        "by_hand": name in BY_HAND,
        "effect": kind.effect,
        "fields": {
            key: {"doc": field.doc, "form": field.form.name, "need": field.need, "option": option_of(key)}
            for key, field in stated_fields(name).items()
        },
        "signers": kind.signers,
    }


@click.command()
@case_argument
@click.option("--item", required=True, metavar="EX-001", help="The item that is split.")
@click.option("--into", multiple=True, required=True, metavar="EX-001-1", help="A part, a new item; several times.")
@click.option("--description", "descriptions", multiple=True, help="What the part is; in the order of --into.")
@click.option("--rows", "--glob", "rows", multiple=True, metavar="SELECTOR",
              help="The part is these rows of the item: EX-001:PATH, EX-001#INDEX or a glob.")  # fmt: skip
@field_options(["split"])
@acting
@output
def split(
    case: Path,
    item: str,
    into: tuple[str, ...],
    descriptions: tuple[str, ...],
    rows: tuple[str, ...],
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Make parts of an item items of their own: they have its holder, and the holds that are open on it.

    A part is a thing, or some of the item's rows: then one a command. No row belongs to two parts.

    \b
    Examples:
      evidencekit custody split CASE --item EX-001 --into EX-001-1 --description "SIM card" --signer examiner
      evidencekit custody split CASE --item EX-001 --into EX-001-2 --rows EX-001:DCIM --signer examiner

    Exit codes: 0 recorded · 2 usage · 4 keys or case cannot be used · 5 a rule forbids it; nothing recorded.
    """
    if len(descriptions) > len(into):
        raise BadArgument("There are more descriptions than parts.", code="U266", hint="One --description an --into.")
    for one in (item, *into):
        surroundings.check_recorded(EXHIBIT, one, "an item")
    body = read_fields("split", given, named, resolver(case))
    told = dict(zip(into, descriptions, strict=False))
    body["parts"] = [{"item": one, **({"description": told[one]} if one in told else {})} for one in into]
    hand = acts.on(case)
    selected = select_part(hand, item, body, rows)
    tell_recorded(screen, hand.record("split", [item, *into], body), hand, rows=selected)
    return 0
