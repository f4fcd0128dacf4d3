"""Step 9, the rows of a large manifest: other processes look at them, row group by row group.

Promises: what comes back of rows is what looking at them here would give, or nothing.
Source: specs/verification.md section 1 step 9.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from evidencekit.read.parquet import ManifestFile
from evidencekit.verify.crew import Bench, Crew, Undone
from evidencekit.verify.groups import Groups
from evidencekit.verify.stretch import Stretch, Stretches

MOST_GROUP = 64 << 20
"""Bytes of a row group that is read elsewhere: larger ones are read by one process alone."""
JOB_ROWS, _JOB_GROUPS = 8_192, 256
"""A job ends with the row group that reaches one of these."""
LEAST_ROWS = 32_768
"""Below this, telling others what to do takes as long as doing it."""
LEAST_ROWS_OF_SOURCE = 4_096
"""The same where each row is compared with a source, too."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of a manifest says about its rows, as far as it could be read."""

    digests: tuple[str, ...] = ()
    name_encoding: str = "posix"
    is_shuffled: bool = False
    has_copies: bool = False

    @classmethod
    def of(cls, header: dict[str, Any] | None) -> Header:
        """Return what a decoded header says; None where there is none."""
        if header is None:
            return cls()
        return cls(
            tuple(header["digests"]),
            header["name_encoding"],
            header["order"] == "shuffled",
            header["options"].get("copies", False),
        )

    def groups(self) -> Groups:
        """Return what reads the groups of a row."""
        return Groups(list(self.digests), self.name_encoding)

    def stretches(self, *, with_copies: bool) -> Stretches:
        """Return what looks at rows."""
        return Stretches(self.groups(), is_shuffled=self.is_shuffled, with_copies=with_copies)


@dataclass(frozen=True, slots=True)
class RowsJob:
    """Look at the rows from `start` to `stop`, which are whole row groups."""

    place: str
    start: int
    stop: int
    header: Header
    with_copies: bool

    def do(self, bench: Bench) -> list[Stretch | None]:
        """Return what the rows are, batch by batch."""
        look = self.header.stretches(with_copies=self.with_copies).look
        batches = bench.manifest(self.place, MOST_GROUP).batches(start=self.start, stop=self.stop)
        return [look(first, batch) for first, batch in batches]


def looked_at(
    crew: Crew, manifest: ManifestFile, place: str, header: Header, *, with_copies: bool
) -> Generator[tuple[int, list[Stretch | None]], None, None]:
    """Yield `(stop, stretches)`: what the rows are from the last stop on, as far as anybody found out."""
    if not crew.is_there or manifest.rows_count < LEAST_ROWS:
        return
    jobs = [RowsJob(place, start, stop, header, with_copies) for start, stop in _pieces(manifest.row_groups)]
    with contextlib.closing(crew.results(jobs, manifest)) as results:
        for job, result in zip(jobs, results, strict=True):
            yield job.stop, [] if isinstance(result, Undone) else result


def _pieces(row_groups: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the positions from which and to which a job goes."""
    start = stop = groups = 0
    for rows in row_groups:
        stop += rows
        groups += 1
        if stop - start >= JOB_ROWS or groups == _JOB_GROUPS:
            yield start, stop
            start, groups = stop, 0
    if stop > start:
        yield start, stop
