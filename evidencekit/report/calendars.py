"""The date of a place's own calendar, beside the ISO date that is always there. Pure.

Promise: a day that the calendar's tables do not reach has none; nobody computes it by a rule of thumb.
Source: the Umm al-Qura calendar, by hijridate (1343 to 1500 AH).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

_ISO_DAY = 10
"""Characters of 2026-11-23."""


def local_day(language: str, shown: str) -> str | None:
    """Return the day of a shown moment (`2026-11-23 09:00:00 UTC`) in the calendar that readers of a language expect.

    None: they expect the Gregorian one, which is there; or the calendar does not reach that day.
    """
    calendar = _CALENDARS.get(language)
    return None if calendar is None else calendar(date.fromisoformat(shown[:_ISO_DAY]))


def _umm_al_qura(day: date) -> str | None:
    from hijridate import Gregorian  # noqa: PLC0415 (who reads no Arabic needs none)

    try:
        hijri = Gregorian.fromdate(day).to_hijri()
    except OverflowError:
        return None
    return f"{hijri.day} {hijri.month_name('ar')} {hijri.year} {hijri.notation('ar')}"


_CALENDARS: dict[str, Callable[[date], str | None]] = {"ar": _umm_al_qura}
