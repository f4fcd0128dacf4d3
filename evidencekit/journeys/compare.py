"""Two copies of a log: does one extend the other, or is there a fork. Nothing is believed but signed checkpoints.

A fork is two histories of one log: at some size the copies have different roots, each under a checkpoint that the
log's own keys signed. The two notes are the proof. Source: specs/checkpoint.md section 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evidencekit.core.note import VerifierKey
from evidencekit.journeys.logcopy import LogCopy

EQUAL, EXTENDS, EXTENDED_BY, FORK, UNRELATED, UNDECIDED = (
    *("equal", "extends", "extended_by", "fork"),
    *("unrelated", "undecided"),
)
EXIT_CODES = {EQUAL: 0, EXTENDS: 0, EXTENDED_BY: 0, FORK: 3, UNRELATED: 4, UNDECIDED: 4}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two copies are to each other."""

    relation: str
    """`equal`, `extends` (A is B, grown), `extended_by`, `fork`, `unrelated`, or `undecided`."""
    reason: str
    """In one sentence."""
    common: int
    """The largest size at which both are known to have one root."""
    differs_at: int | None = None
    """The smallest size at which they are known to have two."""
    first_entry: int | None = None
    """The first entry that differs, where both have it."""
    proof: tuple[bytes, ...] = ()
    """On a fork: a note of A and a note of B."""
    signed: tuple[bool | None, bool | None] = (None, None)
    """Whether each newest checkpoint is signed by the log's keys; None where nobody says which these are."""

    @property
    def exit_code(self) -> int:
        """0, 3 on a fork, 4 unrelated or undecided."""
        return EXIT_CODES[self.relation]

    def as_record(self, first: LogCopy, second: LogCopy) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "a": _record(first, self.signed[0]),
            "b": _record(second, self.signed[1]),
            "common": self.common,
            "differs_at": self.differs_at,
            "first_entry": self.first_entry,
            "proof": [note.decode() for note in self.proof],
            "reason": self.reason,
            "relation": self.relation,
        }


def _record(copy: LogCopy, signed: bool | None) -> dict[str, Any]:
    status = {True: "good", False: "bad", None: "not_checked"}[signed]
    return {
        "faults": copy.faults,
        "kind": copy.kind,
        "origin": copy.tree.origin,
        "root": copy.tree.root.hex(),
        "signatures": status,
        "size": copy.tree.size,
    }


def compare(first: LogCopy, second: LogCopy, *, keys: tuple[VerifierKey, ...] = ()) -> Comparison:
    """Compare two copies; `keys` are the log's, where a policy lists them, else each copy's own are asked."""
    if first.tree.origin != second.tree.origin:
        return Comparison(UNRELATED, "they are logs of two names", 0)
    if first.keys and second.keys and first.keys != second.keys:
        reason = "both have one name and two sets of log keys: whoever opens a log chooses its name"
        return Comparison(UNRELATED, reason, 0)
    keys = keys or first.keys or second.keys
    signed = (first.is_signed_by(keys), second.is_signed_by(keys))
    for copy, good in zip(("A", "B"), signed, strict=True):
        if good is False:
            reason = f"the checkpoint of {copy} is not signed by this log's keys, so it says nothing about this log"
            return Comparison(UNDECIDED, reason, 0, signed=signed)
    return _related(first, second, signed)


def _related(first: LogCopy, second: LogCopy, signed: tuple[bool | None, bool | None]) -> Comparison:
    same, other = _sizes(first, second)
    common = max(same, default=0)
    if other:
        at = min(other)
        entry = _first_entry(first, second)
        reason = f"at size {at} they have two roots" + (
            "" if entry is None else f"; entry {entry} is the first to differ"
        )
        common = max((size for size in same if size < at), default=0)
        return Comparison(FORK, reason, common, at, entry, _proof(first, second, at), signed)
    least = min(first.tree.size, second.tree.size)
    if common < least:
        reason = f"nothing shows which root the longer one has at size {least}; they agree at size {common}"
        return Comparison(UNDECIDED, reason, common, signed=signed)
    if first.tree.size == second.tree.size:
        return Comparison(EQUAL, f"both are at size {least} with one root", common, signed=signed)
    relation = EXTENDS if first.tree.size > second.tree.size else EXTENDED_BY
    which = "A is B" if relation == EXTENDS else "B is A"
    return Comparison(relation, f"{which}, grown from size {least} to {_most(first, second)}", common, signed=signed)


def _most(first: LogCopy, second: LogCopy) -> int:
    return max(first.tree.size, second.tree.size)


def _sizes(first: LogCopy, second: LogCopy) -> tuple[set[int], set[int]]:
    """Return the sizes that a note of either names at which both are known, with one root and with two."""
    same: set[int] = {0}
    other: set[int] = set()
    for size in {*first.roots, *second.roots}:
        mine, theirs = first.root(size), second.root(size)
        if mine is not None and theirs is not None:
            (same if mine == theirs else other).add(size)
    return same, other


def _first_entry(first: LogCopy, second: LogCopy) -> int | None:
    """Return the first of the covered entries that differs, by halving: equal roots mean equal beginnings."""
    low, high = 0, min(first.covered, second.covered)
    if first.entries.root(high) == second.entries.root(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if first.entries.root(middle) == second.entries.root(middle):
            low = middle
        else:
            high = middle
    return low


def _proof(first: LogCopy, second: LogCopy, at: int) -> tuple[bytes, bytes]:
    """Return a note of each: of the size at which they differ, else the next one that commits to it."""
    return _note_from(first, at), _note_from(second, at)


def _note_from(copy: LogCopy, at: int) -> bytes:
    size = min(size for size in copy.roots if size >= at)
    return copy.note_at(size) or copy.note
