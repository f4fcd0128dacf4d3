"""Whether a request says what an instrument asks for: what is missing, what cannot be, what is left out, with articles.

Promises: everything is told, not the first fault alone; a rule is told with its citation and its mark; what nobody
could check is named. That a State is a party, or a table valid, is told as far as it is known.
Source: specs/cooperation.md sections 4.3 and 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from evidencekit.cooperation.law import FieldRule, Source, Table
from evidencekit.cooperation.parties import Parties
from evidencekit.cooperation.plausible import doubts, missing_ports
from evidencekit.core.request import ESSENTIAL, found_at, general, is_there
from evidencekit.core.request_draft import Stated
from evidencekit.core.values import display, parse_instant

OWN_RULE = "specs/cooperation.md, section 4"
"""What is cited for a rule of the format, which no instrument makes."""
_PORT = "identifiers.source_port"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one place of a request."""

    field: str
    text: str
    article: str
    """The citation of the rule that asks for it."""
    mark: str | None
    """That rule's mark; None: it is a rule of the format, or of plain sense."""
    found: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        out: dict[str, Any] = {"article": self.article, "field": self.field, "mark": self.mark, "text": self.text}
        return out if self.found is None else out | {"found": self.found}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to."""

    missing: tuple[Remark, ...]
    implausible: tuple[Remark, ...]
    asked: tuple[Remark, ...]
    """It would help, and is not there."""
    left_out: tuple[Remark, ...]
    """It is there, and a rendering for this instrument does not carry it."""
    not_checked: tuple[Remark, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing and everything can be."""
        return not self.missing and not self.implausible


def check_request(stated: Stated, table: Table, parties: Parties | None, now: int) -> Checked:
    """Return what a request lacks for an instrument; `now` in nanoseconds since 1970.

    Args:
        stated: what the draft says.
        table: what the instrument says.
        parties: the States that it is known to bind; None where there is no list.
        now: for times in the future, and for the day of a request that is not dated.
    """
    record, rules = stated.record, _Rules(table)
    misspelt = {general(fault.place) for fault in stated.faults}
    day = _day(record, now)
    implausible = [
        *(rules.remark(fault.place, f"Expected {fault.expected}.", fault.found) for fault in stated.faults),
        *(rules.remark(doubt.place, doubt.text, doubt.found) for doubt in doubts(record, now)),
        *_unknown_categories(record, table),
        *_not_valid(table, day),
    ]
    return Checked(
        missing=tuple(_missing(record, rules, misspelt)),
        implausible=tuple(implausible),
        asked=tuple(_asked(record, rules)),
        left_out=tuple(_left_out(record, table)),
        not_checked=tuple(_not_checked(record, table, parties, day)),
    )


class _Rules:
    """The rules of a table, by the place that they are about."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._by_place: dict[str, FieldRule] = {}
        for rule in table.fields:
            if rule.need != "omitted":
                self._by_place.setdefault(rule.name, rule)

    def of(self, place: str) -> FieldRule | None:
        """Return the rule about a place, or about what it is in."""
        name = general(place)
        while name:
            if name in self._by_place:
                return self._by_place[name]
            name = name.rpartition(".")[0]
        return None

    def remark(self, place: str, text: str, found: str | None = None) -> Remark:
        """Return a remark on a place, with the rule that asks for what stands there."""
        rule = self.of(place)
        article, mark = (OWN_RULE, None) if rule is None else (rule.source.citation, rule.source.mark)
        return Remark(place, text, article, mark, found)


def holding(record: Mapping[str, Any], table: Table, *needs: str) -> Iterator[FieldRule]:
    """Yield the rules of some needs whose condition is met."""
    for rule in table.fields:
        if rule.need in needs and (rule.when is None or is_there(record, rule.when)):
            yield rule


def _of_rule(rule: FieldRule, place: str, found: str | None = None) -> Remark:
    return Remark(place, rule.text, rule.source.citation, rule.source.mark, found)


def _lacking(record: Mapping[str, Any], rule: FieldRule) -> Iterator[str]:
    """Yield the places that a rule is about and that say nothing; a port is asked of addresses alone."""
    if rule.instead is not None and is_there(record, rule.instead):
        return
    ports = {doubt.place for doubt in missing_ports(record)}
    for place, value in found_at(record, rule.name):
        if value is None and (rule.name != _PORT or place in ports):
            yield place


def _missing(record: Mapping[str, Any], rules: _Rules, misspelt: set[str]) -> Iterator[Remark]:
    told = set(misspelt)
    for rule in holding(record, rules.table, "required"):
        for place in _lacking(record, rule):
            if general(place) not in misspelt and place not in told:
                told.add(place)
                yield _of_rule(rule, place)
    essential = [*ESSENTIAL, *(name for name in ("identifiers.type", "identifiers.value") if record.get("identifiers"))]
    if record.get("status", "new") != "new":
        essential.append("earlier")
    if "hold" in record:
        essential += ["hold.amount", "hold.unit"]
    for name in essential:
        for place, value in found_at(record, name):
            if value is None and place not in told and name not in misspelt:
                yield Remark(place, _ESSENTIAL[name], OWN_RULE, None)


_ESSENTIAL = {
    "status": "whether the request is new, an extension, or follows up an earlier one",
    "reference": "the requesting authority's own number of the request",
    "dated": "the day of the request",
    "authority.name": "the authority that asks",
    "earlier": "the earlier request, since this one extends or follows it",
    "identifiers.type": "what kind of identifier it is",
    "identifiers.value": "the identifier itself",
    "hold.amount": "for how long",
    "hold.unit": "hours, days or working_days",
}


def _asked(record: Mapping[str, Any], rules: _Rules) -> Iterator[Remark]:
    for rule in holding(record, rules.table, "asked"):
        if rule.name != _PORT:
            yield from (_of_rule(rule, place) for place in _lacking(record, rule))
    port = rules.of(_PORT)
    for doubt in missing_ports(record):
        if port is None or port.name != _PORT:
            yield Remark(doubt.place, doubt.text, OWN_RULE, None)
        elif port.need == "asked":
            yield rules.remark(doubt.place, doubt.text)
    if rules.table.id not in record.get("instruments", [rules.table.id]):
        text = "the request does not name this instrument among those that it is made under"
        yield Remark("instruments", text, rules.table.source.citation, rules.table.source.mark)


def _left_out(record: Mapping[str, Any], table: Table) -> Iterator[Remark]:
    for rule in holding(record, table, "omitted"):
        yield from (_of_rule(rule, place) for place, value in found_at(record, rule.name) if value is not None)


def _unknown_categories(record: Mapping[str, Any], table: Table) -> Iterator[Remark]:
    known = {category.name: category.source for category in table.categories}
    for number, name in enumerate(record.get("categories", []) if known else []):
        if name not in known:
            text = f"The instrument's categories are {', '.join(known)}."
            yield _about(table.source, f"categories[{number}]", text, display(name))


def _not_valid(table: Table, day: date) -> Iterator[Remark]:
    standing = table.source.standing(day)
    if standing == "not_yet":
        yield _about(table.source, "dated", f"The instrument holds from {table.source.valid_from}.", str(day))
    if standing == "no_longer":
        yield _about(table.source, "dated", f"The instrument held until {table.source.valid_until}.", str(day))


def _not_checked(record: Mapping[str, Any], table: Table, parties: Parties | None, day: date) -> Iterator[Remark]:
    if table.source.standing(day) == "not_known":
        yield _about(table.source, "instruments", "When the instrument came, or comes, into force is not in its table.")
    if not table.categories and record.get("categories"):
        yield _about(table.source, "categories", "The table names no categories of data.")
    for name, who in (("authority.state", "The State that asks"), ("to.state", "The State that is asked")):
        yield from _party(next(found_at(record, name))[1], name, who, table, parties, day)


def _party(
    state: str | None, name: str, who: str, table: Table, parties: Parties | None, day: date
) -> Iterator[Remark]:
    if parties is None:
        yield _about(table.source, name, f"{who} is not known to be a party: there is no list of parties.")
        return
    read = f"the list is as of {parties.as_of}"
    standing = "not_stated" if state is None else parties.standing(state, day)
    told = {
        "not_stated": f"{who} is not stated, so nobody can tell whether it is a party.",
        "not_known": f"{who} is not known to be a party; {read}.",
        "not_yet": f"{who} is bound from {parties.states.get(state or '')} on, after this day; {read}.",
    }
    if standing in told:
        yield Remark(name, told[standing], parties.citation, parties.mark, state)


def _about(source: Source, place: str, text: str, found: str | None = None) -> Remark:
    return Remark(place, text, source.citation, source.mark, found)


def _day(record: Mapping[str, Any], now: int) -> date:
    """Return the day of a request, by the clock of its place; today where it is not dated."""
    dated = record.get("dated")
    ns = now if dated is None else parse_instant(dated["time"]) + (dated["utc_offset_min"] or 0) * 60_000_000_000
    return (_EPOCH + timedelta(microseconds=ns // 1000)).date()
