"""The fields of events as options: each under its own name, its doc the help, its value read by its form.

Source: specs/events.json; `evidencekit custody types` prints the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click

from evidencekit.cli.custody_values import MEMBERS, Resolve, field_value
from evidencekit.core.event_forms import EventType, Field
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, Refused

F = TypeVar("F", bound=Callable[..., Any])

BY_COMMAND = {
    "accept": "evidencekit custody accept CASE OFFER",
    "acknowledge": "evidencekit request acknowledge CASE FILE",
    "acquire": "evidencekit acquire CASE SOURCE",
    "adopt": "evidencekit custody adopt CASE FIELDCASE",
    "anchor": "evidencekit checkpoint timestamp CASE",
    "derive": "evidencekit acquire CASE SOURCE",
    "export": "evidencekit export CASE OUT",
    "offer": "evidencekit custody offer CASE",
    "open": "evidencekit init CASE",
    "receipt": "evidencekit custody receipt CASE ANSWER",
    "receive": "evidencekit receive PACKAGE --into CASE",
    "refuse": "evidencekit custody refuse CASE OFFER",
    "request_answered": "evidencekit request answer CASE ENTRY",
    "request_received": "evidencekit request receive CASE FILE",
    "request_sent": "evidencekit request send-file CASE RECORD",
    "request_withdrawn": "evidencekit request withdraw CASE ENTRY",
    "seal": "evidencekit acquire CASE SOURCE",
    "split": "evidencekit custody split CASE --item EX-001 --into EX-001-1",
}
"""Types that another command records, since more belongs to them than what a person says."""
BY_HAND = {name: kind for name, kind in EVENT_TYPES.items() if name not in BY_COMMAND}
BY_PROGRAM: Mapping[str, frozenset[str]] = {
    "accept": frozenset({"message", "offer", "offered_as", "offered_by", "refused"}),
    "acknowledge": frozenset({"message", "received", "sent"}),
    "adopt": frozenset({"branch", "case", "log"}),
    "erase": frozenset({"manifests", "objects", "whole"}),
    "export": frozenset({"contents", "hash_only", "package", "transfer"}),
    "extend": frozenset({"basis"}),
    "hold": frozenset({"basis"}),
    "receipt": frozenset({"answer", "answered", "answered_by", "export", "log", "offer", "refused"}),
    "receive": frozenset(
        {"case", "checked", "log", "offered_as", "package", "policy", "refused", "sent_by", "transfer", "verdict"}
    ),
    "refuse": frozenset({"message", "offer"}),
    "request_answered": frozenset({"answer", "received", "sent"}),
    "request_received": frozenset({"message", "received_at", "sent"}),
    "request_sent": frozenset({"instrument", "request"}),
    "request_withdrawn": frozenset({"sent"}),
    "split": frozenset({"parts"}),
}
"""Fields that the program states itself."""
ALIASES = {
    "accept": {"condition_before": "--condition", "digests_checked": "--digests", "seals_before": "--seals-found"}
}
"""Shorter names of options, for one who looks at what he is given."""
_PREFIX = "field_"
_NOT_AN_OPTION = {"field", "rows"}
"""`--field` names any field; `--rows` is also how rows to be erased are named."""
NEEDS = {"essential": "must be given", "M": "expected", "R": "where it applies"}
SEVERAL = "several times"


def stated_fields(kind: str) -> dict[str, Field]:
    """Return the fields of a type that a person states, by name."""
    left_out = BY_PROGRAM.get(kind, frozenset())
    return {name: field for name, field in sorted(EVENT_TYPES[kind].fields.items()) if name not in left_out}


def option_of(name: str) -> str:
    """Return what is typed for a field."""
    return "--field field=" if name == "field" else "--" + name.replace("_", "-")


def field_options(kinds: Iterable[str], *, hidden: bool = False) -> Callable[[F], F]:
    """Add the fields of some types as options, and `--field`; they come as `field_NAME`, tuples of what was typed."""
    merged: dict[str, tuple[Field, str]] = {}
    for kind in kinds:
        for name, field in stated_fields(kind).items():
            merged.setdefault(name, (field, ALIASES.get(kind, {}).get(name, "")))

    def add(function: F) -> F:
        for name, (field, alias) in sorted(merged.items(), reverse=True):
            if name not in _NOT_AN_OPTION:
                spellings = [option_of(name), *([alias] if alias else []), _PREFIX + name]
                is_several = field.form.name.startswith("array of") or field.form.name in MEMBERS
                text = told(field, *([SEVERAL] if is_several else []))
                option = click.option(*spellings, multiple=True, hidden=hidden, metavar="…", help=text)
                function = option(function)
        named = click.option(
            "--field", "named", multiple=True, metavar="NAME=VALUE", help="Any field of the event, by its name."
        )
        return named(function)

    return add


def read_fields(
    kind: str, given: Mapping[str, Sequence[str]], named: Sequence[str], resolve: Resolve, *, later: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the body of an event: what was given as options and by `--field`, each of its form.

    `later` are fields that may be missing here, since the program finds them.

    Raises:
        BadArgument: U260 not of its form, U261 the type has no such field, U263 not NAME=VALUE.
        Refused: R541, a field without which the event has no meaning is missing.
    """
    texts = {name.removeprefix(_PREFIX): list(values) for name, values in given.items() if values}
    for pair in named:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadArgument(f"--field {display(pair)} has no =.", code="U263", hint="As in --field place='Room 4'.")
        texts.setdefault(name.replace("-", "_"), []).append(value)
    fields = stated_fields(kind)
    for name in texts:
        if name not in fields:
            raise BadArgument(
                f"An event of type {kind} has no field {display(name)}.",
                code="U261",
                hint=f"`evidencekit custody types {kind}` lists its fields.",
            )
    body = {name: field_value(fields[name].form, texts[name], option_of(name), resolve) for name in sorted(texts)}
    refuse_missing(kind, {*body, *later}, fields)
    return body


def refuse_missing(kind: str, body: Container[str], fields: Mapping[str, Field]) -> None:
    """Raise Refused (R541) where something is missing without which the event has no meaning."""
    missing = [name for name, field in fields.items() if field.need == "essential" and name not in body]
    if missing:
        said = "; ".join(f"{option_of(name)} ({fields[name].doc})" for name in missing)
        raise Refused(
            f"An event of type {kind} has no meaning without {', '.join(missing)}.",
            code="R541",
            hint=f"Nothing was recorded. Say {said}.",
        )


def refuse_command(kind: str) -> EventType:
    """Return a type that is recorded by hand.

    Raises:
        BadArgument: U261, there is no such type. Refused: R540, another command records it.
    """
    if kind in BY_COMMAND:
        raise Refused(
            f"An event of type {kind} is not recorded by hand.",
            code="R540",
            hint=f"Nothing was recorded. The command is `{BY_COMMAND[kind]} …`.",
        )
    if kind not in BY_HAND:
        raise BadArgument(
            f"There is no type of event {display(kind)}.", code="U261", hint="`evidencekit custody types` lists them."
        )
    return BY_HAND[kind]


def told(field: Field, *more: str) -> str:
    """Return what `--help` says of a field, in the form in which click says what it adds."""
    return f"{field.doc[0].upper()}{field.doc[1:]}.  [{'; '.join((metavar(field), *more))}]"


def metavar(field: Field) -> str:
    """Return what is typed for a field, in a word or two."""
    name = field.form.name.removeprefix("array of ")
    if name.startswith("one of "):
        return name.removeprefix("one of ").replace(" ", "|")
    if name in MEMBERS:
        return "NAME=VALUE"
    first = name.partition(" {")[0].partition(",")[0]
    return {
        "attachment": "FILE",
        "boolean": "yes or no",
        "fingerprint or null": "KEY.pub or SHA256:…",
        "fingerprint": "KEY.pub or SHA256:…",
        "hex of 32 bytes": "FILE or SHA-256",
        "moment": "time",
        "part": "ITEM or ITEM=description",
        "person": "KEY.pub or NAME=SHA256:…",
        "public key": "KEY.pub",
        "reference": "number of an entry",
        "witness": "KEY.pub, NAME=SHA256:… or a name",
    }.get(first, first)
