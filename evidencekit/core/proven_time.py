"""Between which times an event lies, by what somebody outside attested of the log around it.

Promises: a time counts only for what its attestation covers. An event is *not later* than the least time over a
checkpoint that has its entry, and *not earlier* than the greatest time among anchors that stand in entries before
it. Pure: whether an attestation is good was decided before. Source: specs/time.md section 3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class ProvenTime:
    """A time that somebody outside attested of a checkpoint, verified: a time-stamp, or a witness's cosignature."""

    entry: int
    """The `anchor` event's entry: entries after it are not earlier than this time."""
    size: int
    """The checkpoint's tree size: entries below it are not later than this time."""
    at_ns: int
    """Nanoseconds since 1970."""
    accuracy_ns: int
    """The true time lies at most this far from `at_ns`."""
    by: str
    """Who attests it: two of one name are one."""
    kind: str
    """`time-stamp` or `cosignature`."""

    @property
    def earliest_ns(self) -> int:
        """The least time that it can mean."""
        return self.at_ns - self.accuracy_ns

    @property
    def latest_ns(self) -> int:
        """The greatest time that it can mean."""
        return self.at_ns + self.accuracy_ns


@dataclass(frozen=True, slots=True)
class Span:
    """Entries in a row that have the same bounds."""

    first: int
    end: int
    """One more than the last entry."""
    after: ProvenTime | None
    """They are not earlier than this; None: no earliest bound."""
    before: ProvenTime | None
    """They are not later than this; None: no latest bound."""

    @property
    def earliest_ns(self) -> int | None:
        """Nanoseconds since 1970, or None."""
        return None if self.after is None else self.after.earliest_ns

    @property
    def latest_ns(self) -> int | None:
        """Nanoseconds since 1970, or None."""
        return None if self.before is None else self.before.latest_ns

    @property
    def contradicts_itself(self) -> bool:
        """Whether the earliest bound lies after the latest, beyond what both allow for."""
        return self.after is not None and self.before is not None and self.after.earliest_ns > self.before.latest_ns


class Bounds:
    """The bounds of every entry of a log: they change at anchors only."""

    def __init__(self, times: Iterable[ProvenTime], size: int) -> None:
        """Take verified times and the log's size; those about entries that are not there are left out."""
        known = [time for time in times if 0 <= time.entry < size and 0 < time.size <= size]
        self.spans: tuple[Span, ...] = tuple(_spans(known, size))
        self._firsts = [span.first for span in self.spans]

    def of(self, entry: int) -> Span:
        """Return the span of an entry; one without bounds where the log does not have it."""
        place = bisect_right(self._firsts, entry) - 1
        if place < 0 or entry >= self.spans[place].end:
            return Span(entry, entry + 1, None, None)
        return self.spans[place]


def _spans(times: Sequence[ProvenTime], size: int) -> Iterable[Span]:
    cuts = sorted({0, size} | {time.entry + 1 for time in times} | {time.size for time in times})
    cuts = [cut for cut in cuts if cut <= size]
    after: dict[int, ProvenTime] = {}
    before: dict[int, ProvenTime] = {}
    for time in times:
        after[time.entry + 1] = _later(after.get(time.entry + 1), time)
        before[time.size] = _sooner(before.get(time.size), time)
    afters = list(accumulate((after.get(cut) for cut in cuts), _later_of))
    befores = list(accumulate((before.get(cut) for cut in reversed(cuts)), _sooner_of))[::-1]
    for place, (first, end) in enumerate(pairwise(cuts)):
        yield Span(first, end, afters[place], befores[place + 1])


def _later(known: ProvenTime | None, time: ProvenTime) -> ProvenTime:
    return time if known is None or time.earliest_ns > known.earliest_ns else known


def _sooner(known: ProvenTime | None, time: ProvenTime) -> ProvenTime:
    return time if known is None or time.latest_ns < known.latest_ns else known


def _later_of(known: ProvenTime | None, time: ProvenTime | None) -> ProvenTime | None:
    return known if time is None else _later(known, time)


def _sooner_of(known: ProvenTime | None, time: ProvenTime | None) -> ProvenTime | None:
    return known if time is None else _sooner(known, time)
