"""Work that is done in several processes at once, or here: whoever does it, the results are the same.

Promises: results come in the order of the jobs; a job that a worker could not do, for whatever reason, comes back as
undone, and is for the caller to do; nothing that happens in a worker is an error here, or goes unseen.
Source: specs/decisions/0007.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from evidencekit.errors import CannotFinish
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.shared import SharedFile

if TYPE_CHECKING:
    from evidencekit.read.workers import Workers

_R_co = TypeVar("_R_co", covariant=True)


_PATIENCE = 0.2
"""Seconds that a worker has to end by itself: it keeps nothing."""


class Job(Protocol[_R_co]):
    """Something to do, which can be sent to another process."""

    def do(self, bench: Bench) -> _R_co:
        """Do it."""


class Undone:
    """What comes of a job that no worker did."""


class Bench:
    """What a worker has to work with."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.tell = tell
        """Takes bytes of content that were read."""
        self._handles: list[int] = []
        self._manifest: tuple[int, int, ManifestFile] | None = None

    def __call__(self, job: Job[Any], handles: list[int]) -> Any:
        """Do a job; whatever goes wrong, the parent is to do it, and to see for itself."""
        self._handles = handles
        try:
            return job.do(self)
        except (BrokenPipeError, ConnectionError):
            raise  # nobody is there to tell any more
        except Exception:  # noqa: BLE001 (among others MemoryError: the parent says what is to be said)
            return Undone()

    def manifest(self, place: str, most: int) -> ManifestFile:
        """Return the manifest whose handle came with the job; of which no row group is larger than `most` bytes.

        Raises:
            FormatError, CannotFinish, OSError: as `ManifestFile` does.
        """
        status = os.fstat(self._handles[0])
        key = (status.st_dev, status.st_ino)
        if self._manifest is None or self._manifest[:2] != key:
            file = io.BufferedReader(SharedFile(os.dup(self._handles[0])))
            self._manifest = (*key, ManifestFile(file, place, most=most))
        return self._manifest[2]


class Crew:
    """Some workers. Nobody is there before `start`, and nobody after the `with` block."""

    def __init__(self, jobs: int = 1, *, is_asked: bool = True) -> None:
        """Take how many processes may work, and whether somebody asked for that number."""
        self.size = jobs
        self.is_asked = is_asked
        self._workers: Workers | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.end()

    @property
    def is_there(self) -> bool:
        """Tell whether there are workers."""
        return self._workers is not None

    def start(self) -> None:
        """Start the workers, if there are to be any. Where the system starts none, everything is done here."""
        if self.size > 1 and self._workers is None:
            from evidencekit.read.workers import Workers  # noqa: PLC0415 (a small case needs none)

            try:
                self._workers = Workers(self.size, Bench)
            except CannotFinish:
                self.size = 1

    def end(self) -> None:
        """End the workers, whatever they are doing."""
        if self._workers is not None:
            self._workers.close(patience=_PATIENCE)
            self._workers = None

    def results(
        self, jobs: Sequence[Job[_R_co]], manifest: ManifestFile, tell: Callable[[int], None] | None = None
    ) -> Generator[_R_co | Undone, None, None]:
        """Yield what comes of each job about a manifest; `tell` hears the bytes of content that were read meanwhile."""
        from evidencekit.read.workers import InOrder  # noqa: PLC0415 (as above)

        count = 0
        if self._workers is not None:
            try:
                in_order: InOrder[Job[_R_co], _R_co | Undone] = InOrder(self._workers)
                for result in in_order.results(jobs, tell, handles=[manifest.handle]):
                    count += 1
                    yield result
            except Exception:  # noqa: BLE001 (a worker is gone, or what it sent cannot be read: the caller does the rest)
                self.end()
            except BaseException:  # nobody wants the rest
                self.end()
                raise
        for _ in jobs[count:]:
            yield Undone()
