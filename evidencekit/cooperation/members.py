"""Members of a table of TOML, taken one by one: what is of another form is noted, and so is what nobody asked for.

Promises: nothing is left out silently, and the first fault does not end the reading.
Source: specs/cooperation.md section 1.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from evidencekit.core.request import PLACES
from evidencekit.core.values import display
from evidencekit.errors import FormatError

MAX_TABLE = 1 << 20
MAX_NAME = 40
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""How tables and limits are called."""
PLACE = re.compile(r"[a-z_]+(\.[a-z_]+)*")
"""How places of a request, and categories, are called."""


def parsed(data: bytes) -> dict[str, Any]:
    """Return what a file of TOML says.

    Raises:
        FormatError: it is no TOML in UTF-8, or larger than 1 MiB.
    """
    if len(data) > MAX_TABLE:
        raise FormatError("file", expected=f"at most {MAX_TABLE} bytes", found="more")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))  # some editors begin a file with a byte order mark
    except (ValueError, RecursionError) as error:  # UTF-8, TOML, a number of thousands of digits, a deep nest
        raise FormatError("file", expected="TOML in UTF-8", found=display(str(error))) from error


class Members:
    """One table; `place` is where it stands in the file, `faults` takes what is wrong."""

    def __init__(self, members: Any, place: str, faults: list[FormatError]) -> None:
        self.place, self._faults = place, faults
        self._members = dict(members) if isinstance(members, dict) else {}
        if not isinstance(members, dict):
            self.fault("", "a table", members)

    def fault(self, name: str, expected: str, found: Any) -> None:
        """Note that a member is not as it should be."""
        where = ".".join(filter(None, (self.place, name)))
        said = "nothing" if found is None else display(str(found))
        self._faults.append(FormatError(where, expected=expected, found=said))

    def take(self, name: str, expected: str, fits: Callable[[Any], bool], *, needed: bool = True) -> Any:
        """Return a member that fits; None where it does not, or is not there. Where it is needed, that is a fault."""
        found = self._members.pop(name, None)
        if found is None and not needed:
            return None
        if found is None or not fits(found):
            self.fault(name, expected, found)
            return None
        return found

    def place_of_request(self, name: str, *, needed: bool = True) -> Any:
        """Return a place that a request has: a misspelt one would be a rule that is never applied."""
        return self.take(name, "a place of a request, as authority.phone", lambda found: found in PLACES, needed=needed)

    def text(self, name: str, *, needed: bool = True) -> Any:
        """Return a text that is not empty."""
        return self.take(name, "text", lambda found: isinstance(found, str) and bool(found.strip()), needed=needed)

    def one_of(self, name: str, *words: str, needed: bool = True) -> Any:
        """Return one of some words."""
        return self.take(name, f"one of {', '.join(words)}", lambda found: found in words, needed=needed)

    def named(self, name: str, form: re.Pattern[str], *, needed: bool = True) -> Any:
        """Return a name."""

        def fits(found: Any) -> bool:
            return isinstance(found, str) and len(found) <= MAX_NAME and form.fullmatch(found) is not None

        return self.take(name, f"a name of the form {form.pattern}, at most {MAX_NAME} characters", fits, needed=needed)

    def count(self, name: str, *, needed: bool = True) -> Any:
        """Return a whole number from 1."""
        return self.take(name, "a whole number from 1", lambda found: type(found) is int and found > 0, needed=needed)

    def day(self, name: str, *, needed: bool = True) -> Any:
        """Return a date."""

        def fits(found: Any) -> bool:
            return isinstance(found, date) and not isinstance(found, datetime)

        return self.take(name, "a date, as 2026-11-22 without quotes", fits, needed=needed)

    def yes_or_no(self, name: str) -> Any:
        """Return a boolean, or None."""
        return self.take(name, "true or false", lambda found: type(found) is bool, needed=False)

    def rows(self, name: str) -> Iterable[Members]:
        """Yield the tables of an array, which may be absent."""
        found = self._members.pop(name, [])
        if not isinstance(found, list):
            self.fault(name, f"[[{name}]]", found)
            return
        for number, row in enumerate(found):
            yield Members(row, ".".join(filter(None, (self.place, f"{name}[{number}]"))), self._faults)

    def end(self) -> None:
        """Note each member that nobody took."""
        for name, found in self._members.items():
            self.fault(name, "no such member", found)
