"""Step 9: are two row salts of a manifest equal? Eight bytes a row; equal beginnings are looked at again as a whole.

Source: specs/manifest.md section 1 point 1, specs/verification.md section 6.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise

_BUCKETS = 64
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

    def suspects(self) -> set[int]:
        """Return the beginnings that stand twice, and forget all others."""
        found: set[int] = set()
        for number, bucket in enumerate(self._buckets):
            ordered = sorted(bucket)
            found.update(one for one, other in pairwise(ordered) if one == other)
            self._buckets[number] = array("Q")
        return found


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
