"""Holds of a case: the register read out of its log, and the end of a hold or an extension by a table of law.

Source: specs/cooperation.md section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidencekit.catalogue.history import History, read_history
from evidencekit.cooperation.clocks import Ending, end_of, unsaid
from evidencekit.cooperation.holds import Hold
from evidencekit.cooperation.holds_register import Register, register_of
from evidencekit.cooperation.law import Limit, Table
from evidencekit.core.values import display, format_instant, moment
from evidencekit.errors import BadArgument, Refused

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Counting:
    """How somebody wants an end to be found."""

    tables: Mapping[str, Table]
    limit: str | None = None
    """Which of the table's limits; None: the first that holds."""
    zone: str | None = None
    place: str | None = None
    """Whose holidays."""
    there: frozenset[str] = frozenset()
    """Fields that the request has."""
    until: int | None = None
    """The end, where a person states it."""
    authority: str | None = None
    """By what right, where a person says that: it overrides how often a hold may be extended."""


@dataclass(slots=True)
class Found:
    """An end that goes into an event, what it rests on, and what has to be said of it."""

    until: int | None
    basis: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)

    def members(self) -> dict[str, Any]:
        """Return the members of the event's body that were computed: nothing where a person stated the end."""
        if self.basis is None or self.until is None:
            return {}
        precision = "ns" if self.until % _SECOND else "s"
        return {"basis": self.basis, "until": moment(self.until, utc_offset_min=0, precision=precision)}


def read_holds(case: Path) -> tuple[History, Register]:
    """Return the log of a case as it is told, and its register of holds. Raises as `read_history`."""
    history = read_history(case)
    return history, register_of(history.told)


def new_name(register: Register, instrument: str | None) -> str:
    """Return a name for a hold that no hold of the log has had: its instrument and a number."""
    had = {hold.name for hold in register.holds} | {one.hold for one in register.not_followed}
    stem = instrument or "hold"
    number = 1
    while f"{stem}-{number}" in had:
        number += 1
    return f"{stem}-{number}"


def first_end(counting: Counting, instrument: str | None, received: int | None, now: int) -> Found:
    """Return when a new hold ends: by the table of its instrument, or as stated.

    Raises:
        BadArgument: U300 no such table or limit; U301 receipt or limit are missing. Further as `end_of`.
    """
    table = None if instrument is None else counting.tables.get(instrument)
    limit = None if table is None else _limit(counting, table, "hold")
    found = Found(counting.until)
    _refuse_limit_of_no_table(counting, table)
    if instrument is not None and table is None:
        if counting.until is None:
            raise _no_table(counting, instrument)
        found.warnings.append(f"no table of law has the instrument {display(instrument)}: it is recorded as a text")
    if table is not None and received is not None and limit is not None:
        _count(counting, found, table, limit, received, zone="UTC", place=None)
    elif table is not None and counting.until is None:
        if received is None:
            raise _not_counted("when the request was received was not said", "Say --received TIME, or --until TIME.")
        raise _not_counted(f"{table.id} says nothing of how long a hold lasts", "Say --until TIME.")
    if received is not None and received > now:
        found.warnings.append("receipt lies ahead of this computer's clock")
    _look(found, now)
    return found


def next_end(counting: Counting, holds: Sequence[Hold], now: int) -> Found:
    """Return when an extension of open holds of one name ends: from the end that stands, or as stated.

    Raises:
        BadArgument: U300, U301; U305 the holds end at different times. Further as `end_of`.
        Refused: R580, they were extended as often as can be; R581, the instrument knows no extension.
    """
    hold = max(holds, key=lambda one: len(one.extensions))
    basis = next((step.body["basis"] for step in reversed(hold.dated) if "basis" in step.body), None)
    instrument = basis["instrument"] if basis else hold.instrument
    table = counting.tables.get(instrument) if instrument is not None else None
    found = Found(counting.until)
    _refuse_limit_of_no_table(counting, table)
    limit = None if table is None else _limit(counting, table, "extension")
    if table is not None:
        _refuse_too_many(counting, hold, table, limit)
    elif counting.until is None and instrument is not None:
        raise _no_table(counting, instrument)
    else:
        found.warnings.append("no table of law says whether, and how often, it may be extended")
    if counting.until is None and len({one.until for one in holds}) > 1:
        raise BadArgument(
            f"Items under the hold {display(hold.name)} end at different times.",
            code="U305",
            hint="Say --item for those of one end (`evidencekit hold due CASE`), or --until.",
        )
    if table is not None and limit is not None and hold.until is not None:
        calendar = basis.get("calendar") if basis else None
        place = calendar.partition(",")[0] if calendar else None
        _count(counting, found, table, limit, hold.until, zone=basis["zone"] if basis else "UTC", place=place)
    elif counting.until is None:
        silent = "no table of law" if table is None else f"nothing in {table.id}"
        why = f"{silent} says how long an extension lasts" if limit is None else "the hold has had no end so far"
        raise _not_counted(why, "Say --until TIME.")
    _look(found, now, max((one.until for one in holds if one.until is not None), default=None))
    return found


def lapsed_before(holds: Sequence[Hold], now: int) -> list[dict[str, Any]]:
    """Return the holds that have lapsed at `now`, and since when: what an extension or a release is too late for."""
    return [
        {"hold": hold.name, "items": list(hold.items), "since": format_instant(lapse.start)}
        for hold in holds
        for lapse in hold.lapses(now)
        if lapse.end is None
    ]


def open_holds(register: Register, name: str, items: Sequence[str]) -> list[Hold]:
    """Return the open holds of a name, of some items or of all.

    Raises:
        Refused: R582, there is none, or none of one of the items.
    """
    holds = register.open_under(name)
    under = {item for hold in holds for item in hold.items}
    missing = [item for item in items if item not in under]
    if missing or not holds:
        known = ", ".join(sorted({display(hold.name) for hold in register.holds if hold.is_open})) or "none"
        about = f" of {', '.join(missing)}" if missing else ""
        raise Refused(
            f"No hold {display(name)}{about} is open.",
            code="R582",
            hint=f"Nothing was recorded. Open are: {known}. `evidencekit hold due CASE`.",
        )
    return [hold for hold in holds if not items or set(items) & set(hold.items)]


def _limit(counting: Counting, table: Table, of: str) -> Limit | None:
    if counting.limit is None:
        return table.limit(of, there=counting.there.__contains__)
    limit = next((one for one in table.limits if one.id == counting.limit and one.of == of), None)
    if limit is None:
        known = ", ".join(one.id for one in table.limits if one.of == of) or "none"
        raise BadArgument(
            f"{table.id} has no limit {display(counting.limit)} of a {of}.", code="U300", hint=f"It has: {known}."
        )
    return limit


def _refuse_limit_of_no_table(counting: Counting, table: Table | None) -> None:
    if table is None and counting.limit is not None:
        raise BadArgument(
            f"No table is named that could have a limit {display(counting.limit)}.",
            code="U300",
            hint="Say --instrument; or leave out --limit, and say --until.",
        )


def _count(
    counting: Counting, found: Found, table: Table, limit: Limit, start: int, *, zone: str, place: str | None
) -> None:
    """Take the end that a limit gives; where a person stated one, compare the two."""
    ending = end_of(limit, start, zone=counting.zone or zone, place=counting.place or place)
    if counting.place is not None and limit.unit != "working_days":
        unit = limit.unit if limit.unit == "hours" else "calendar days"
        found.warnings.append(f"holidays of {counting.place} do not count here: the limit is of {unit}")
    if found.until is None:
        found.until, found.basis = ending.until, _basis(counting, table, ending)
        return
    given = f"{limit.bound} {limit.amount} {limit.unit} ({limit.source.citation}, {limit.source.mark})"
    if limit.bound == "least" and found.until < ending.until:
        found.warnings.append(f"the stated end is earlier than {format_instant(ending.until)}: {given}")
    if limit.bound == "most" and found.until > ending.until:
        found.warnings.append(f"the stated end is later than {format_instant(ending.until)}: {given}")


def _basis(counting: Counting, table: Table, ending: Ending) -> dict[str, Any]:
    """Return what an end rests on, as an event carries it."""
    limit, there = ending.limit, counting.there.__contains__
    calendar = {} if ending.calendar is None else {"calendar": ending.calendar}
    return calendar | {
        "amount": str(limit.amount),
        "bound": limit.bound,
        "citation": limit.source.citation,
        "instrument": table.id,
        "limit": limit.id,
        "mark": limit.source.mark,
        "not_checked": [*ending.not_checked, *table.not_checked, *unsaid(limit, table.limits, there)],
        "skipped": list(ending.skipped),
        "start": format_instant(ending.start),
        "unit": limit.unit,
        "version": limit.source.version,
        "zone": ending.zone,
    }


def _refuse_too_many(counting: Counting, hold: Hold, table: Table, extension: Limit | None) -> None:
    """Raise Refused (R580, R581) where the table allows no further extension, and nobody names an authority."""
    named = (hold.opening.body.get("basis") or {}).get("limit")
    first = next((one for one in table.limits if one.id == named), None) or table.limit("hold")
    before = len(hold.extensions)
    now = first if before == 0 else extension
    counted = extension if extension is not None and extension.most_times is not None else first
    most = None if counted is None else counted.most_times
    if counting.authority is not None:
        return
    if now is not None and now.renewable is False:
        raise Refused(
            f"The hold {display(hold.name)} is not renewable: {now.source.citation} ({now.source.mark}).",
            code="R581",
            hint="Nothing was recorded. Say by what right it is extended all the same: --authority.",
        )
    if counted is not None and most is not None and before >= most:
        raise Refused(
            f"Extensions of the hold {display(hold.name)}: {before}, and {counted.source.citation} "
            f"({counted.source.mark}) allows {most}.",
            code="R580",
            hint="Nothing was recorded. Say by what right it is extended all the same: --authority.",
        )


def _look(found: Found, now: int, before: int | None = None) -> None:
    """Say what is odd about an end."""
    if found.until is None:
        found.warnings.append("NO END: nobody will be warned of the end of this hold; say --instrument or --until")
        return
    if before is not None and found.until <= before:
        found.warnings.append(f"the new end is not later than the one before, {format_instant(before)}")
    if found.until <= now:
        found.warnings.append("the end has passed already: the hold has LAPSED")


def _no_table(counting: Counting, instrument: str) -> BadArgument:
    known = ", ".join(counting.tables) or "none"
    return BadArgument(
        f"No table of law has the instrument {display(instrument)}.",
        code="U300",
        hint=f"Known are: {known}. Say --law DIR for tables of your own, or --until for the end.",
    )


def _not_counted(why: str, hint: str) -> BadArgument:
    return BadArgument(f"The end cannot be counted: {why}.", code="U301", hint=hint)
