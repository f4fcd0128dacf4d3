"""The difference of what was asked for and what a provider returned, as far as a program recognises it. Pure.

Promises: nothing is claimed that was not looked for; what was not read is counted and named; lists are bounded, and
their counts are not. Source: specs/cooperation.md section 8.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from evidencekit.cooperation.sighting import MAX_OTHERS, Asked, Identifier, Sighting, Times
from evidencekit.core.values import format_instant

LISTED = 20
"""Files that are named of an identifier, a category or a certificate; stretches without times."""
LISTED_OTHERS = 50
LISTED_UNREAD = 100
_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class Place:
    """Files in which something is."""

    count: int = 0
    files: list[str] = field(default_factory=list)
    """The first of them."""

    def add(self, file: str) -> None:
        """Note a file."""
        self.count += 1
        if self.count <= LISTED:
            self.files.append(file)

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"count": self.count, "files": self.files}


class Difference:
    """What was asked for beside what was recognised; it is told of one file after the other."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._exact = [Place() for _ in asked.identifiers]
        self._folded = [Place() for _ in asked.identifiers]
        self._categories = {name: Place() for name in asked.categories}
        self._others: Counter[Identifier] = Counter()
        self._has_more = False
        self._times = Times()
        self._certificates = Place()
        self._files = self._in_part = self._not_read = self._cut = 0
        self._reasons: Counter[str] = Counter()
        self._unread: list[dict[str, str]] = []

    def add(self, seen: Sighting, reason: str | None = None) -> None:
        """Add what was recognised in a file; with a `reason` the rest of it was not read, or nothing of it."""
        if reason and not seen.values:
            self.add_unread(seen.file, reason)
            return
        self._files += not reason
        self._in_part += bool(reason)
        self._note_reason(seen.file, reason)
        for place in seen.exact:
            self._exact[place].add(seen.file)
        for place in seen.folded - seen.exact:
            self._folded[place].add(seen.file)
        self._add_name(seen)
        for one, count in seen.others.items():
            if one in self._others or len(self._others) < MAX_OTHERS:
                self._others[one] += count
            else:
                self._has_more = True
        self._has_more |= seen.has_more
        self._times.merge(seen.times)
        self._cut += seen.cut

    def add_unread(self, file: str, reason: str) -> None:
        """Add a file that was not read: its name is all that is known of it."""
        self._not_read += 1
        self._note_reason(file, reason)
        self._add_name(Sighting(file, self._asked))

    def _add_name(self, seen: Sighting) -> None:
        for name in seen.categories:
            self._categories[name].add(seen.file)
        if seen.certificate:
            self._certificates.add(seen.file)

    def _note_reason(self, file: str, reason: str | None) -> None:
        if reason:
            self._reasons[reason] += 1
            if len(self._unread) < LISTED_UNREAD:
                self._unread.append({"file": file, "reason": reason})

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        counts = Counter(kind for kind, _ in self._others)
        return {
            "categories": [
                {"name": name, "told": "named" if place.count else "not_told", **place.document()}
                for name, place in self._categories.items()
            ],
            "certificate": {**self._certificates.document(), "fields": "not_checked"},
            "files": {"in_part": self._in_part, "not_read": self._not_read, "read": self._files},
            "identifiers": list(self._identifiers()),
            "not_asked": {
                "counts": dict(sorted(counts.items())),
                "has_more": self._has_more,
                "listed": [
                    {"times": times, "type": kind, "value": form}
                    for (kind, form), times in self._others.most_common(LISTED_OTHERS)
                ],
            },
            "not_read": {"listed": self._unread, "reasons": dict(sorted(self._reasons.items()))},
            "period": self._period(),
            "values_cut": self._cut,
        }

    def _identifiers(self) -> Iterator[dict[str, Any]]:
        for (kind, value), exact, folded in zip(self._asked.identifiers, self._exact, self._folded, strict=True):
            capitals = {"other_capitals": folded.document()}
            yield {"found": exact.count > 0, "type": kind, "value": value, **exact.document(), **capitals}

    def _period(self) -> dict[str, Any]:
        times, period = self._times, self._asked.period
        place = {name: None if period is None else times.places[name] for name in ("inside", "outside", "unsure")}
        # without a time in the data a stretch without times says nothing
        missing = [day for day in self._asked.days if day not in times.days] if times.count else []
        stretches = list(_stretches(missing))
        return {
            "asked": period is not None,
            "earliest": _time(times.earliest),
            "latest": _time(times.latest),
            "times": times.count,
            **place,
            "times_not_read": times.unread,
            "without": {
                "days": len(missing),
                "listed": [{"first": str(first), "last": str(last)} for first, last in stretches[:LISTED]],
                "looked_for": bool(times.count and self._asked.days),
                "stretches": len(stretches),
            },
        }


def _time(found: tuple[Any, str] | None) -> dict[str, str] | None:
    if found is None:
        return None
    span, text = found
    return {"from": format_instant(span.first), "text": text, "to": format_instant(span.last)}


def _stretches(days: Iterable[int]) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of each run of days, ascending."""
    for _, run in groupby(enumerate(days), key=lambda one: one[1] - one[0]):
        members = [day for _, day in run]
        yield _EPOCH + timedelta(members[0]), _EPOCH + timedelta(members[-1])
