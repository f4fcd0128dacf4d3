"""Figures made of measured runs. Pure: no files, no clock, no processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, NamedTuple, Self

MAX_OF_SMALL = 1e-9


class Spread(NamedTuple):
    """Of some figures."""

    median: float
    least: float
    most: float


@dataclass(slots=True)
class Runs:
    """One contender: what each counted round took, in the order of the rounds."""

    name: str
    goal: float | None = None
    """The ratio to reach."""
    is_limit: bool = False
    """No peer: it shows what the machine gives."""
    not_run: str | None = None
    """Why there are no figures."""
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)
    together: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """One task: the first of its contenders is evidencekit, and the others are held against it."""

    task: str
    title: str
    corpus: str
    date: str
    load: str
    contenders: list[Runs]
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> Runs:
        """The first contender."""
        return self.contenders[0]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Return the outcome that was written as this JSON object."""
        return cls(**{**record, "contenders": [Runs(**runs) for runs in record["contenders"]]})

    def as_record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def spread(figures: Sequence[float]) -> Spread:
    """Return median, least and most of at least one figure."""
    return Spread(median(figures), min(figures), max(figures))


def ratio(peer: Runs, ours: Runs) -> Spread | None:
    """Return how many times as long the peer took, round by round; None where one of the two has no figures.

    Rounds are paired, since what else the machine did at that time slowed both.
    """
    if peer.not_run or ours.not_run or not peer.wall:
        return None
    return spread([theirs / max(own, MAX_OF_SMALL) for theirs, own in zip(peer.wall, ours.wall, strict=True)])


def reached(peer: Runs, ours: Runs) -> bool | None:
    """Tell whether the median ratio reaches the goal; None where there is no goal or no figure."""
    found = ratio(peer, ours)
    return None if found is None or peer.goal is None else found.median >= peer.goal


def exponent(counts: Sequence[int], figures: Sequence[float]) -> float | None:
    """Return e of the power law figure ~ count^e that fits best (least squares of logarithms); None of one point."""
    if len(counts) < 2:
        return None
    xs, ys = [math.log(count) for count in counts], [math.log(figure) for figure in figures]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / sum((x - x_mean) ** 2 for x in xs)
