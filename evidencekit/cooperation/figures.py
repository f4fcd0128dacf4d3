"""Figures of many cases without what could point at a person: small groups are pooled, small counts left out. Pure.

Promises: no group of fewer than `least` is shown, nor can it be had from those that are by subtraction; no name, number
of an exhibit, text or digest of a case gets in. Source: specs/cooperation.md section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any, Literal, TypeVar

OTHER = "other"
NO_OUTCOME = "none"
LEAST = 5


@dataclass(frozen=True, slots=True)
class Taken:
    """One sealed item."""

    month: str
    """When it was sealed, UTC, as 2026-11."""
    rows: int
    bytes: int
    omissions: int
    waited_s: int | None
    """Seconds from the end of its seizure to the seal; None: not stated, or stated as later than the seal."""


@dataclass(frozen=True, slots=True)
class Held:
    """One hold."""

    month: str
    """When it was opened, UTC."""
    instrument: str
    """The id of a table of law; OTHER where it is none."""
    extensions: int
    lapsed: bool
    """It ended once without having been extended or released."""
    released: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the log of one of its two sides has it."""

    side: Literal["received", "sent"]
    """Whether it came, or went out."""
    month: str
    """When it did, UTC."""
    instrument: str
    """As of a hold."""
    outcome: str
    """`executed`, `partial`, `refused`: what the newest answer says came of it; NO_OUTCOME: none says that so far."""
    first_s: int | None
    """Seconds to the first answer; None: there is none, or it is stated as earlier."""
    answer_s: int | None
    """Seconds to the first answer that says what came of it; None likewise."""
    withdrawn: bool
    extends: bool
    """It asks for an earlier one to be extended."""


@dataclass(slots=True)
class Counted:
    """What was counted, of how many cases."""

    cases: int = 0
    taken: list[Taken] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)


Row = TypeVar("Row", Taken, Held, Asked)


def figures(counted: Counted, least: int = LEAST) -> dict[str, Any]:
    """Return the figures as JSON takes them.

    Members: `least`, `cases`; `items` (`total`, `by_month`) with `items`, `rows`, `bytes`, `omissions` and
    `seizure_to_seal_s` (`median`, `ninth_decile`) each; `holds` (`total`, `by_month`, `by_instrument`); `requests`:
    `received` and `sent` (`total`, `by_month`, `by_instrument`, `by_outcome`), with `requests`, and in seconds
    `first_answer_s` and `answer_s`. A figure that is too small to be given is None; so is a `total` of fewer than
    `least` but 0, and then there are no groups.
    """
    return {
        "cases": counted.cases,
        "holds": {
            "by_instrument": _groups(counted.held, lambda one: one.instrument, least, "instrument", _number_of),
            "by_month": _groups(counted.held, lambda one: one.month, least, "month", _number_of),
            "total": _holds(counted.held, least),
        },
        "items": {
            "by_month": _groups(counted.taken, lambda one: one.month, least, "month", lambda rows: _items(rows, least)),
            "total": _items(counted.taken, least) if _is_shown(len(counted.taken), least) else None,
        },
        "least": least,
        "not_counted": ["requests and answers that nobody entered", "items that are known and were not sealed"],
        "requests": {
            "received": _requests([row for row in counted.asked if row.side == "received"], least),
            "sent": _requests([row for row in counted.asked if row.side == "sent"], least),
        },
    }


def pooled(groups: dict[str, Sequence[Row]], least: int) -> dict[str, list[Row]]:
    """Return groups of `least` or more; what is smaller is one group, OTHER, which takes others in until it is so.

    The smallest go first. Where even all together are fewer there is no group.
    """
    small = [name for name, rows in groups.items() if len(rows) < least or name == OTHER]
    other = [row for name in small for row in groups[name]]
    shown = {name: list(rows) for name, rows in groups.items() if name not in small}
    while other and len(other) < least and shown:
        name = min(shown, key=lambda one: (len(shown[one]), one))
        other += shown.pop(name)
    if other and len(other) >= least:
        shown[OTHER] = other
    return shown


def _groups(
    rows: Iterable[Row],
    key: Callable[[Row], str],
    least: int,
    name: str,
    figures_of: Callable[[Sequence[Row]], dict[str, Any]],
) -> list[dict[str, Any]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    shown = pooled({group: tuple(members) for group, members in groups.items()}, least)
    order = sorted(shown, key=lambda group: (group == OTHER, group))
    return [{name: group, **figures_of(shown[group])} for group in order]


def _items(rows: Sequence[Taken], least: int) -> dict[str, Any]:
    return {
        "bytes": sum(row.bytes for row in rows),
        "items": len(rows),
        "omissions": sum(row.omissions for row in rows),
        "rows": sum(row.rows for row in rows),
        "seizure_to_seal_s": _spread((row.waited_s for row in rows), least),
    }


def _spread(durations: Iterable[int | None], least: int) -> dict[str, int] | None:
    """Return median (the lower one) and ninth decile (nearest rank) of what is known, where that is enough."""
    known = sorted(duration for duration in durations if duration is not None)
    if len(known) < least:
        return None
    return {"median": median_low(known), "ninth_decile": known[-(-9 * len(known) // 10) - 1]}


def _number_of(rows: Sequence[Held]) -> dict[str, Any]:
    return {"holds": len(rows)}


def _holds(rows: Sequence[Held], least: int) -> dict[str, Any] | None:
    if not _is_shown(len(rows), least):
        return None
    said = {
        "extended": _said((row.extensions > 0 for row in rows), least),
        "lapsed": _said((row.lapsed for row in rows), least),
        "released": _said((row.released for row in rows), least),
    }
    return (
        {"extensions": None if said["extended"] is None else sum(row.extensions for row in rows)}
        | said
        | {"holds": len(rows)}
    )


def _requests(rows: Sequence[Asked], least: int) -> dict[str, Any]:
    """Return the figures of the requests of one side."""

    def times_of(group: Sequence[Asked]) -> dict[str, Any]:
        return {
            "answer_s": _spread((row.answer_s for row in group), least),
            "first_answer_s": _spread((row.first_s for row in group), least),
            "requests": len(group),
        }

    counts = {
        "extensions": _said((row.extends for row in rows), least),
        "withdrawn": _said((row.withdrawn for row in rows), least),
    }
    return {
        "by_instrument": _groups(rows, lambda one: one.instrument, least, "instrument", times_of),
        "by_month": _groups(rows, lambda one: one.month, least, "month", times_of),
        # Pooled, too: outcomes make up the total, so that one that alone were left out could be had from the rest.
        "by_outcome": _groups(rows, lambda one: one.outcome, least, "outcome", lambda group: {"requests": len(group)}),
        "total": times_of(rows) | counts if _is_shown(len(rows), least) else None,
    }


def _said(of: Iterable[bool], least: int) -> int | None:
    """Return how many there are, where neither those that are counted nor those that are not are few."""
    each = list(of)
    count = sum(each)
    return count if _is_shown(count, least) and _is_shown(len(each) - count, least) else None


def _is_shown(count: int, least: int) -> bool:
    return count == 0 or count >= least
