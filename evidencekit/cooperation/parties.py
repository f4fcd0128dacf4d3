"""Parties: which States an instrument is known to bind, and since when. Data, with the day that it speaks of.

Promise: a State that is not on a list is not known to be a party, never said to be none.
Source: specs/cooperation.md section 1.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Literal

from evidencekit.cooperation.law import MARKS, PARTIES, Mark
from evidencekit.cooperation.members import MAX_TABLE, NAME, Members, parsed
from evidencekit.core.values import display
from evidencekit.errors import FormatError

_STATE = re.compile(r"[A-Z]{2}")

Standing = Literal["party", "not_yet", "not_known"]


@dataclass(frozen=True, slots=True)
class Parties:
    """The States that some tables of law are known to bind."""

    tables: tuple[str, ...]
    """Ids of tables of law."""
    as_of: date
    """The day that the list speaks of."""
    citation: str
    mark: Mark
    states: dict[str, date | None]
    """ISO 3166 code to the first day on which it is bound; None: the day is not known."""
    own: bool = False
    """It came from a user's folder, not with the program."""

    def standing(self, state: str, day: date) -> Standing:
        """Tell what is known of a State on a day."""
        if state not in self.states:
            return "not_known"
        since = self.states[state]
        return "party" if since is None or since <= day else "not_yet"


def known_parties(own: Path | None = None) -> dict[str, Parties]:
    """Return the parties by the id of each table: those that come with the program, a folder's in their place.

    Raises:
        FormatError: a file of parties is not one.
        OSError: the folder's cannot be read.
    """
    shipped = (resources.files(__package__) / "law" / PARTIES).read_bytes()
    lists = _sound(*_read(shipped, own=False))
    path = own / PARTIES if own is not None else None
    if path is not None and path.exists():
        with path.open("rb") as file:
            data = file.read(MAX_TABLE + 1)
        try:
            lists += _sound(*_read(data, own=True))
        except FormatError as error:
            place = f"{display(str(path))}: {error.place}"
            raise FormatError(place, expected=error.expected, found=error.found) from error
    return {table: one for one in lists for table in one.tables}


def faults_of_parties(data: bytes) -> list[FormatError]:
    """Return all that is wrong with a file of parties, in the order of the file."""
    return _read(data, own=True)[1]


def _sound(lists: list[Parties], faults: list[FormatError]) -> list[Parties]:
    if faults:
        raise faults[0]
    return lists


def _read(data: bytes, *, own: bool) -> tuple[list[Parties], list[FormatError]]:
    """Return the lists, which are to be used only where there are no faults."""
    faults: list[FormatError] = []
    try:
        top = Members(parsed(data), "", faults)
    except FormatError as error:
        return [], [error]
    lists = [_list(row, own=own) for row in top.rows("list")]
    named = [table for one in lists for table in one.tables]
    if len(set(named)) != len(named):
        top.fault("list", "each table in one list", ", ".join(named))
    top.end()
    return lists, faults


def _is_names(found: object) -> bool:
    if not isinstance(found, list) or not found:
        return False
    return all(isinstance(name, str) and NAME.fullmatch(name) for name in found)


def _list(row: Members, *, own: bool) -> Parties:
    tables = row.take("tables", "ids of tables", _is_names)
    states: dict[str, date | None] = {}
    for state in row.rows("state"):
        code = state.take("code", "two capital letters of ISO 3166", lambda found: bool(_STATE.fullmatch(str(found))))
        if code in states:
            state.fault("code", "each State once", code)
        states[code] = state.day("from", needed=False)
        state.end()
    parties = Parties(
        tables=tuple(tables or ()),
        as_of=row.day("as_of"),
        citation=row.text("citation"),
        mark=row.one_of("mark", *MARKS),
        states=states,
        own=own,
    )
    row.end()
    return parties
