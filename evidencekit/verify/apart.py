"""Step 9, the rows of a large manifest: other processes look at row groups, this one joins what comes of them.

Promises: every row is taken once, in its order; what others are not sure of, or did not do, is looked at here.
Source: specs/verification.md section 1 step 9.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from evidencekit.read.parquet import Columns, ManifestFile
from evidencekit.verify.crew import Bench, Crew, Job, Undone

MOST_GROUP = 64 << 20
"""Bytes of a row group that is read elsewhere: larger ones are read by one process alone."""
JOB_ROWS, _JOB_GROUPS = 8_192, 256
"""A job ends with the row group that reaches one of these."""
LEAST_ROWS = 32_768
"""Below this, telling others what to do takes as long as doing it."""
LEAST_ROWS_OF_SOURCE = 4_096
"""The same where each row is compared with a source, too."""


class Piece(Protocol):
    """Some rows of which nothing is amiss."""

    rows: int


_P = TypeVar("_P", bound=Piece)


def take_rows(
    crew: Crew,
    manifest: ManifestFile,
    job: Callable[[int, int], Job[list[_P | None]]],
    look: Callable[[int, Columns], _P | None],
    join: Callable[[_P], bool],
    judge: Callable[[int, Columns], None],
) -> None:
    """Take all rows of a manifest.

    `job(start, stop)` is for another process: to `look` at rows that are whole row groups, batch by batch. What comes
    back is to be joined; `join` returns False, and takes nothing, where a piece does not follow upon what was taken
    last. Then, and where nobody looked, it is looked at here; and what is still not to be joined, `judge` takes.

    Raises:
        FormatError: the file is damaged from here on.
        CannotFinish: the file cannot be read.
    """

    def here(start: int, stop: int) -> None:
        if start == stop:
            return
        for first, batch in manifest.batches(start=start, stop=stop):
            if first < start:  # taken already: a batch begins where another ended
                continue
            piece = look(first, batch)
            if piece is None or not join(piece):
                judge(first, batch)

    done = 0
    if crew.is_there and manifest.rows_count >= LEAST_ROWS:
        places = list(_places(manifest.row_groups))
        jobs = [job(start, stop) for start, stop in places]
        with contextlib.closing(crew.results(jobs, manifest)) as results:
            for (_, stop), result in zip(places, results, strict=True):
                for piece in [] if isinstance(result, Undone) else result:
                    if piece is None or not join(piece):
                        break
                    done += piece.rows
                here(done, stop)
                done = stop
    here(done, manifest.rows_count)


def look_there(
    bench: Bench, place: str, start: int, stop: int, look: Callable[[int, Columns], _P | None]
) -> list[_P | None]:
    """Do a job of `take_rows`."""
    batches = bench.manifest(place, MOST_GROUP).batches(start=start, stop=stop)
    return [look(first, batch) for first, batch in batches]


def _places(row_groups: tuple[int, ...]) -> Iterator[tuple[int, int]]:
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
