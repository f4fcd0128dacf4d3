"""What an acquisition has to do, for the time that is left: counted beside it, and only where somebody looks.

Promises: nothing is counted in the first second, nor opened ever; what is not known is not said.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from evidencekit.cli.meter import Figures

if TYPE_CHECKING:
    from evidencekit.acquire.options import Options, Progress
    from evidencekit.read.census import Census

_WAIT_SECONDS = 1.0


class Expected:
    """Turns progress into figures, with totals as soon as they are known. Use it in `with`."""

    def __init__(
        self, make_census: Callable[[], Census] | None, *, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        """Take what counts the source (None: nobody looks), and a clock in seconds."""
        self._make_census = make_census
        self._elapsed = elapsed
        self._count_at = elapsed() + _WAIT_SECONDS
        self._census: Census | None = None
        self._stack = contextlib.ExitStack()
        self._files = 0
        self._figures = Figures("", 0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def figures(self, progress: Progress) -> Figures:
        """Return the figures for a meter."""
        shown = self._figures
        shown.phase = progress.phase
        shown.files, shown.bytes, shown.path = progress.files, progress.bytes, progress.path
        shown.omissions, shown.reused = progress.omissions, progress.kept
        shown.total_files = shown.total_bytes = None
        if progress.phase == "take":
            self._files = progress.files
            if self._make_census is not None and self._elapsed() >= self._count_at:
                self._census = self._stack.enter_context(self._make_census().counting())
                self._make_census = None
            if self._census is not None and self._census.done:
                shown.total_files, shown.total_bytes = self._census.files, self._census.bytes
        elif progress.phase in {"compose", "identify"}:
            shown.total_files = self._files or None
        return shown


def census_of(source: bytes, options: Options) -> Census:
    """Return what counts the files of a source that are wanted."""
    from evidencekit.acquire.selection import Selection
    from evidencekit.read.census import Census

    selection = Selection(options.include, options.exclude)
    return Census(source, prune=selection.excludes, wants=selection.wants)
