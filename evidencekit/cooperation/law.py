"""Tables of law: what an instrument asks of a request, and how long it gives.

Promises: no instrument is named here; what a table says that is not understood is a fault, never left out; every row
carries its citation and its mark. Source: specs/cooperation.md section 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from evidencekit.cooperation.members import MAX_TABLE, NAME, PLACE, Members, parsed
from evidencekit.core.values import display
from evidencekit.errors import FormatError

PARTIES = "parties.toml"
MARKS = ("confirmed", "unconfirmed")

Mark = Literal["confirmed", "unconfirmed"]
Unit = Literal["hours", "days", "working_days"]
Standing = Literal["holds", "not_yet", "no_longer", "not_known"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from."""

    citation: str
    mark: Mark
    """Whether somebody compared it with the official text."""
    version: str
    """Of the text that was read."""
    valid_from: date | None
    """None: when it came, or comes, into force is not known."""
    valid_until: date | None
    """The last day on which it holds; None: no end is known."""

    def standing(self, day: date) -> Standing:
        """Tell whether it holds on a day, as far as that is known."""
        if self.valid_until is not None and day > self.valid_until:
            return "no_longer"
        if self.valid_from is None:
            return "not_known"
        return "holds" if day >= self.valid_from else "not_yet"


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take, or has to last."""

    id: str
    of: Literal["hold", "extension", "answer", "objection"]
    amount: int
    unit: Unit
    bound: Literal["least", "most"]
    text: str
    source: Source
    when: str | None = None
    """A field of the request that has to be there for the limit to hold."""
    renewable: bool | None = None
    """None: the table does not say."""
    most_times: int | None = None
    start: Literal["receipt", "service"] = "receipt"
    """What the clock starts at: receipt of the request, or its service on whoever has the data."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a request has to say, should say, or must not say."""

    name: str
    """A place in the request, as authority.phone."""
    need: Literal["required", "asked", "omitted"]
    text: str
    source: Source
    when: str | None = None
    """A field of the request that has to be there for the rule to hold."""
    instead: str | None = None
    """Another place of the request that serves as well."""


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of data that may be asked for."""

    name: str
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Table:
    """What one instrument says."""

    id: str
    title: str
    instrument: str
    source: Source
    limits: tuple[Limit, ...]
    fields: tuple[FieldRule, ...]
    categories: tuple[Category, ...]
    note: str | None = None
    """What a reader of the table has to know."""
    own: bool = False
    """It came from a user's folder, not with the program."""

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What has to be said wherever a rule of it is used (specs/cooperation.md section 2.5)."""
        return (f"{self.id} is a table of one's own: it did not come with the program",) if self.own else ()

    def limit(self, of: str, *, there: Callable[[str], bool] = lambda _: False) -> Limit | None:
        """Return the first limit of a clock that starts at receipt and holds, those with a condition first; or None.

        `there` tells whether the request has a field.
        """
        holding = [
            one
            for one in self.limits
            if one.of == of and one.start == "receipt" and (one.when is None or there(one.when))
        ]
        return min(holding, key=lambda one: one.when is None, default=None)


def read_table(data: bytes, name: str, *, own: bool = False) -> Table:
    """Return the table that a file holds; `name` is the file's.

    Raises:
        FormatError: the first of its faults.
    """
    table, faults = _read(data, name, own=own)
    if faults or table is None:
        raise faults[0]
    return table


def faults_of(data: bytes, name: str) -> list[FormatError]:
    """Return all that is wrong with a table, in the order of the file."""
    return _read(data, name, own=True)[1]


def known_tables(own: Path | None = None) -> dict[str, Table]:
    """Return the tables that come with the program, and those of a folder, which take the place of ours; by their id.

    Raises:
        FormatError: a table is not one.
        OSError: the folder cannot be read.
    """
    out = {table.id: table for table in map(_shipped, _names(resources.files(__package__) / "law"))}
    for path in sorted(own.glob("*.toml")) if own is not None else ():
        if path.name != PARTIES:
            with path.open("rb") as file:
                data = file.read(MAX_TABLE + 1)
            try:
                table = read_table(data, path.name, own=True)
            except FormatError as error:
                place = f"{display(str(path))}: {error.place}"
                hint = "`evidencekit law check FILE` names every fault."
                raise FormatError(place, expected=error.expected, found=error.found, hint=hint) from error
            out[table.id] = table
    return dict(sorted(out.items()))


def _names(folder: Any) -> Iterator[str]:
    return (path.name for path in folder.iterdir() if path.name.endswith(".toml") and path.name != PARTIES)


def _shipped(name: str) -> Table:
    return read_table((resources.files(__package__) / "law" / name).read_bytes(), name)


# --- reading --------------------------------------------------------------------------------------------------------


def source_of(row: Members, above: Source | None = None) -> Source:
    """Return where a row comes from; `above` is what its table says, None for the table itself."""
    first, last = row.day("valid_from", needed=False), row.day("valid_until", needed=False)
    version = row.text("version", needed=above is None)
    if above is not None:
        first, last, version = first or above.valid_from, last or above.valid_until, version or above.version
    if first and last and last < first:
        row.fault("valid_until", f"{first} or later", last)
    return Source(row.text("citation"), row.one_of("mark", *MARKS), version, first, last)


def _read(data: bytes, name: str, *, own: bool) -> tuple[Table | None, list[FormatError]]:
    """Return the table, which is to be used only where there are no faults."""
    faults: list[FormatError] = []
    try:
        top = Members(parsed(data), "", faults)
    except FormatError as error:
        return None, [error]
    identity = top.named("id", NAME)
    if identity is not None and name != f"{identity}.toml":
        top.fault("id", f"the file's name without .toml: {name.removesuffix('.toml')}", identity)
    source = source_of(top)
    table = Table(
        identity,
        top.text("title"),
        top.text("instrument"),
        source,
        tuple(_limit(row, source) for row in top.rows("limit")),
        tuple(_field(row, source) for row in top.rows("field")),
        tuple(_category(row, source) for row in top.rows("category")),
        top.text("note", needed=False),
        own,
    )
    for member, names in (
        ("limit", [row.id for row in table.limits]),
        ("field", [(row.name, row.when) for row in table.fields]),
        ("category", [row.name for row in table.categories]),
    ):
        if len(set(names)) != len(names):
            top.fault(member, "each once", ", ".join(map(str, names)))
    top.end()
    return table, faults


def _limit(row: Members, above: Source) -> Limit:
    limit = Limit(
        id=row.named("id", NAME),
        of=row.one_of("of", "hold", "extension", "answer", "objection"),
        amount=row.count("amount"),
        unit=row.one_of("unit", "hours", "days", "working_days"),
        bound=row.one_of("bound", "least", "most"),
        text=row.text("text"),
        source=source_of(row, above),
        when=row.place_of_request("when", needed=False),
        renewable=row.yes_or_no("renewable"),
        most_times=row.count("most_times", needed=False),
        start=row.one_of("from", "receipt", "service", needed=False) or "receipt",
    )
    row.end()
    return limit


def _field(row: Members, above: Source) -> FieldRule:
    rule = FieldRule(
        name=row.place_of_request("name"),
        need=row.one_of("need", "required", "asked", "omitted"),
        text=row.text("text"),
        source=source_of(row, above),
        when=row.place_of_request("when", needed=False),
        instead=row.place_of_request("or", needed=False),
    )
    row.end()
    return rule


def _category(row: Members, above: Source) -> Category:
    category = Category(name=row.named("name", PLACE), text=row.text("text"), source=source_of(row, above))
    row.end()
    return category
