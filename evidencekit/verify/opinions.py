"""Step 9, some rows of a derived manifest: all that is to be known of them, where nothing in them is amiss.

Promises: such rows stand for ones in which `derived.DerivedCheck`, going from one to the next, would find nothing, if
their base rows follow upon the last one and are to have an opinion; of any others there are none. For media types
alone: comparisons with a list are few. Held by tests/property/test_opinions.py.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from evidencekit.core import encoding
from evidencekit.core.encoding import GROUP
from evidencekit.core.opinions import OPINION_KINDS
from evidencekit.core.row_leaves import opinion_leaves
from evidencekit.errors import FormatError
from evidencekit.read.parquet import Columns
from evidencekit.verify.apart import look_there
from evidencekit.verify.crew import Bench
from evidencekit.verify.salts import beginnings
from evidencekit.verify.stretch import subtrees

_KIND = "media-type"
_REMEMBERED, _LONGEST = 1024, 1024


@dataclass(slots=True)
class Opinions:
    """Rows of which nothing is amiss."""

    rows: int
    bases: array[int]
    """The rows that they are about, ascending."""
    errors: int
    subtrees: list[tuple[int, bytes]]
    """Height and root of the perfect subtrees over the rows."""
    salts: array[int]
    """How the row salts begin, ascending."""


class OpinionLook:
    """Looks at the rows of one derived manifest."""

    def __init__(self, kind: str, base_root: str | None) -> None:
        """Take the kind of opinion, and the root of the manifest that it is about."""
        self._is_known = kind == _KIND
        self._base_root = base_root
        self._seen: dict[tuple[bytes, bytes | None], bool] = {}
        """Opinion and view column that are in order, to whether it is an error."""

    def look(self, first: int, batch: Columns) -> Opinions | None:
        """Return what rows from position `first` on are; None where somebody has to judge them one by one."""
        count = len(batch["index"])
        bases = batch["base_index"]
        if not self._is_known or not count or batch["index"] != list(range(first, first + count)):
            return None
        if bases[0] < 0 or any(one >= other for one, other in pairwise(bases)):
            return None
        errors = 0
        for said, rows in Counter(zip(batch["opinion"], batch[OPINION_KINDS[_KIND].view], strict=True)).items():
            is_error = self._is_error(*said)
            if is_error is None:
                return None
            errors += rows * is_error
        leaves = opinion_leaves(batch, self._base_root)
        return Opinions(count, array("q", bases), errors, list(subtrees(first, leaves)), beginnings(batch["row_salt"]))

    def _is_error(self, opinion: bytes, view: bytes | None) -> bool | None:
        """Tell whether an opinion says an error; None where it, or the view column, is not in order."""
        known = self._seen.get((opinion, view))
        if known is not None:
            return known
        kind = OPINION_KINDS[_KIND]
        try:
            record = encoding.decode(opinion, GROUP)
            kind.group.check(record)
        except FormatError:
            return None
        if record[kind.view] != (None if view is None else view.decode(errors="replace")):
            return None
        is_error = record["error"] is not None
        if len(self._seen) < _REMEMBERED and len(opinion) < _LONGEST:
            self._seen[opinion, view] = is_error
        return is_error


@dataclass(frozen=True, slots=True)
class OpinionsJob:
    """Look at the rows from `start` to `stop`, which are whole row groups."""

    place: str
    start: int
    stop: int
    kind: str
    base_root: str | None

    def do(self, bench: Bench) -> list[Opinions | None]:
        """Return what the rows are, batch by batch."""
        look = OpinionLook(self.kind, self.base_root).look
        return look_there(bench, self.place, self.start, self.stop, look)
