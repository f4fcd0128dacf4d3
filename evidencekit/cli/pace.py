"""How fast work goes and how long the rest takes, from what was counted lately.

Promises: no clock of its own; a rate is that of the last ten seconds; a remaining time drifts towards what the last
half minute says, it does not jump; what nobody can know is None.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

FILE_COST = 1 << 16
"""What a file takes beside its bytes (a name looked up, attributes, a row), as bytes that are read in that time."""
_SPACING = 0.5
_RATE_SECONDS = 10.0
_KEPT_SECONDS = 30.0
_LEAST_SECONDS = 5.0
_FADE_SECONDS = 10.0


class Sample(NamedTuple):
    """What was counted at one time."""

    at: float
    """Seconds, of any clock that only goes forward."""
    files: int
    bytes: int
    reused: int = 0


class Pace:
    """The last half minute of one phase of the work."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()
        self._end: float | None = None
        self._asked = 0.0

    def add(self, sample: Sample) -> None:
        """Take in what is counted now. Two samples a second are kept."""
        samples = self._samples
        if len(samples) > 1 and sample.at - samples[-2].at < _SPACING:
            samples.pop()
        samples.append(sample)
        while len(samples) > 2 and sample.at - samples[1].at >= _KEPT_SECONDS:
            samples.popleft()

    def rate(self) -> tuple[float, float]:
        """Return files and bytes per second over the last ten seconds; zeros before there is a second to speak of."""
        if not self._samples:
            return 0.0, 0.0
        last = self._samples[-1]
        first = next((one for one in reversed(self._samples) if last.at - one.at >= _RATE_SECONDS), self._samples[0])
        spent = last.at - first.at
        if spent < 1:
            return 0.0, 0.0
        return max(last.files - first.files, 0) / spent, max(last.bytes - first.bytes, 0) / spent

    def left(self, files: int | None, size: int | None) -> float | None:
        """Return the seconds that are left until `files` and `size` bytes are done in all; of a None nothing is known.

        Each call moves the answer a part of the way from what it was, the further the longer ago that is.
        None: no total, nothing done lately, more done than there should be (the source grew), or rows of an earlier run
        are being reused: these say nothing of what must still be read.
        """
        if not self._samples:
            return None
        first, last = self._samples[0], self._samples[-1]
        spent = last.at - first.at
        done = _cost(last, files, size)
        made = done - _cost(first, files, size)
        rest = (files or 0) * FILE_COST + (size or 0) - done
        if spent < _LEAST_SECONDS or made <= 0 or rest <= 0 or first.reused != last.reused:
            return None
        left = rest * spent / made
        if self._end is not None:  # by ratio: from minutes to hours is as far as from hours to minutes
            expected = max(self._end - last.at, 1.0)
            left *= (expected / left) ** math.exp((self._asked - last.at) / _FADE_SECONDS)
        self._end, self._asked = last.at + left, last.at
        return left


def _cost(sample: Sample, files: int | None, size: int | None) -> int:
    """Return what a sample cost, in those counts of which a total is known."""
    return (0 if files is None else sample.files * FILE_COST) + (0 if size is None else sample.bytes)
