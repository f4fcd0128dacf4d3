"""Step 9: are two row salts of a manifest equal? Eight bytes a row; equal beginnings are looked at again as a whole.

Source: specs/manifest.md section 1 point 1, specs/verification.md section 6.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise

_BUCKETS = 64
_SHIFT = 58
"""Bits of a beginning below those that tell its bucket."""
MAX_SUSPECTS = 1_000_000
"""Rows whose whole salts are kept in mind in the second pass."""


class Salts:
    """Gathers the salts of a manifest."""

    def __init__(self) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]

    def take(self, salts: Iterable[bytes]) -> None:
        """Add the salts of some rows, 16 bytes each."""
        buckets = self._buckets
        for salt in salts:
            buckets[salt[0] >> 2].append(int.from_bytes(salt[:8]))

    def take_beginnings(self, ordered: array[int]) -> None:
        """Add the salts of some rows by how they begin, as `beginnings` returned it."""
        start = 0
        for number in range(_BUCKETS):
            last = number == _BUCKETS - 1
            stop = len(ordered) if last else bisect_left(ordered, (number + 1) << _SHIFT, start)
            self._buckets[number] += ordered[start:stop]
            start = stop

    def suspects(self) -> set[int]:
        """Return the beginnings that stand twice, and forget all others."""
        found: set[int] = set()
        for number, bucket in enumerate(self._buckets):
            ordered = sorted(bucket)
            found.update(one for one, other in pairwise(ordered) if one == other)
            self._buckets[number] = array("Q")
        return found


def beginnings(salts: Iterable[bytes]) -> array[int]:
    """Return the first eight bytes of salts of 16 bytes as numbers, ascending."""
    halves = array("Q", b"".join(salts))
    if sys.byteorder == "little":
        halves.byteswap()
    return array("Q", sorted(halves[::2]))


def equal_salts(suspects: set[int], rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, int] | None]:
    """Yield `(row, earlier row)` for each salt that stood before, from `(row, salt)`; None where there are too many."""
    seen: dict[bytes, int] = {}
    for row, salt in rows:
        if int.from_bytes(salt[:8]) not in suspects:
            continue
        if salt in seen:
            yield row, seen[salt]
        elif len(seen) < MAX_SUSPECTS:
            seen[salt] = row
        else:
            yield None
            return
