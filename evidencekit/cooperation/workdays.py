"""Working days of a place, by the lists of the package `holidays`; without a place, by Saturday and Sunday alone.

Promises: what environment the program runs in changes no name and no day. Source: specs/cooperation.md section 2.
"""

from __future__ import annotations

import re
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

from evidencekit.core.values import display
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from holidays import HolidayBase

_PLACE = re.compile(r"([A-Z]{2})(?:-(.{1,40}))?")
_ESTIMATED = "estimated)"  # every list that has an English form ends such names so; the others are English
_MAX_TOLD = 100


class WorkingDays(Protocol):
    """Tells working days from others, in ascending order, and what it knows of them."""

    @property
    def name(self) -> str | None:
        """The place and the list, where there are any."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Holidays that were asked about and do not count, each with its date."""

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What is not known of the days that were asked about."""

    def is_working(self, day: date) -> bool:
        """Tell whether it is a working day."""

    def ended(self, day: date) -> None:
        """Note that `day` was the last."""


class Weekend:
    """Working days where nobody named a place."""

    name = None
    left_out: tuple[str, ...] = ()
    not_checked = ("holidays: no place was named, only Saturdays and Sundays were left out",)

    def is_working(self, day: date) -> bool:
        """Tell whether it is neither Saturday nor Sunday."""
        return day.weekday() < 5

    def ended(self, day: date) -> None:
        """Note nothing: weekends are the same in every year."""


class _Listed:
    """Working days of a place that has a list."""

    def __init__(self, listed: HolidayBase, name: str) -> None:
        self._listed, self.name = listed, name
        self._left_out: list[str] = []
        self._said: list[str] = []

    @property
    def left_out(self) -> tuple[str, ...]:
        return _bounded(self._left_out)

    @property
    def not_checked(self) -> tuple[str, ...]:
        return _bounded(self._said)

    def is_working(self, day: date) -> bool:
        is_working = bool(self._listed.is_working_day(day))
        if is_working or self._listed.is_weekend(day):
            return is_working
        names = self._listed.get_list(day)
        if all(name.endswith(_ESTIMATED) for name in names):
            self._said.append(f"{day} {'; '.join(names)}: counted as a working day, since the date is estimated")
            return True
        self._left_out.append(f"{day} {'; '.join(names)}")
        return False

    def ended(self, day: date) -> None:
        if day.year > self._listed.end_year:
            self._said.append(f"holidays after {self._listed.end_year}: the list of {self.name} ends there")


def _bounded(lines: list[str]) -> tuple[str, ...]:
    more = len(lines) - _MAX_TOLD
    return tuple(lines) if more <= 0 else (*lines[:_MAX_TOLD], f"… and {more} more")


def working_days_of(place: str) -> WorkingDays:
    """Return the working days of a country (ISO 3166-1 alpha-2) or a part of it: `CZ`, `DE-BY`.

    Raises:
        BadArgument: U303, there is no list of its holidays.
    """
    import holidays  # noqa: PLC0415 (slow, and most commands need none)

    country, part = matched.groups() if (matched := _PLACE.fullmatch(place)) else ("", None)
    try:
        bare = holidays.country_holidays(country, subdiv=part)
        language = "en_US" if "en_US" in bare.supported_languages else bare.default_language
        listed = holidays.country_holidays(country, subdiv=part, language=language)
    except RuntimeError:  # of the kind that holidays raises where it has no list
        raise BadArgument(
            f"No holidays are known of {display(place)}.",
            code="U303",
            hint="A country or a part of it that the package holidays lists, as CZ or DE-BY.",
        ) from None
    return _Listed(listed, f"{place}, holidays {version('holidays')}")
