"""Who takes what: jobs go to worker processes, or are done here if there is but one; what comes back goes to the run.

Promises: the rows are the same, whoever takes them; memory is bounded by the jobs that may be open; a piece that is
handed back is the next to be given.
Source: specs/decisions/0007.
"""

from __future__ import annotations

import pickle
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from evidencekit.acquire.hand import Hand, Manner, prepare
from evidencekit.acquire.jobs import Done, Piece
from evidencekit.acquire.journal import AHEAD, Place, Run
from evidencekit.read.workers import Worker, Workers

_PATIENCE = 0.1
"""Seconds to wait for workers, before the run is looked after."""


class Dispatch:
    """Has jobs done. Use it in `with`; `finish` at the end."""

    def __init__(
        self,
        manner: Manner,
        run: Run,
        *,
        jobs: int,
        on_done: Callable[[Piece, Done], None],
        on_bytes: Callable[[Piece, int], None],
    ) -> None:
        """Take how is taken, where rows go, and how many processes may take: none is started for a single job.

        `on_done` hears of each piece, in no order; `on_bytes` of the bytes of large files before they are done.
        """
        self._manner = manner
        self._run = run
        self._jobs = jobs
        self._on_done = on_done
        self._on_bytes = on_bytes
        self._workers: Workers | None = None
        self._hand: Hand | None = None
        self._here: Piece | None = None
        """What is taken in this process just now."""
        self._waiting: deque[Piece] = deque()
        self._open: dict[int, int] = {}
        """Rows of each begun job that are not taken yet; the first job comes first."""
        self._whole: dict[int, int] = {}
        """Rows of each begun job."""
        self._last = 0
        """Number of the newest job."""
        self._told: Counter[int] = Counter()
        """Bytes that were told of what each worker does just now."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._workers is not None:
            self._workers.close()

    def give(self, piece: Piece) -> None:
        """Have a job done, sooner or later; waits where too many are open."""
        self._whole[piece.number] = self._open[piece.number] = len(piece)
        self._last = piece.number
        self._waiting.append(piece)
        if self._jobs == 1:
            self.finish()
            return
        self._start()
        if self._workers is not None:
            self._go_on(self._workers, lambda: len(self._waiting) > self._jobs or self._ahead() >= AHEAD)

    def finish(self) -> None:
        """Wait until everything is done.

        Raises:
            CannotFinish: X450, a worker is gone; whatever taking raises.
        """
        while self._open and self._workers is None:
            self._do_here()
            self._start()
        if self._workers is not None:
            self._go_on(self._workers, lambda: bool(self._open))

    def _start(self) -> None:
        """Start workers as soon as there is something for two."""
        if self._jobs > 1 and self._workers is None and len(self._waiting) > 1:
            self._workers = Workers(self._jobs, prepare, self._manner)

    def _ahead(self) -> int:
        """Return how many jobs were begun behind the first that is open."""
        return self._last - next(iter(self._open), self._last)

    # --- here -------------------------------------------------------------------------------------------------------

    def _do_here(self) -> None:
        if self._hand is None:
            self._hand = Hand(self._manner, self._on_block)
        self._here = piece = self._waiting.popleft()
        self._told.clear()
        self._take_back(piece, self._hand(piece.job, piece.handles), self._told[0])

    def _on_block(self, size: int) -> None:
        self._told[0] += size
        if self._here is not None:
            self._on_bytes(self._here, size)
        self._run.tick()

    # --- there ------------------------------------------------------------------------------------------------------

    def _go_on(self, workers: Workers, must_wait: Callable[[], bool]) -> None:
        """Give out what can be given, and hear what came back, for as long as it must be waited."""
        while True:
            self._give_out(workers)
            for worker in workers.ready(_PATIENCE if must_wait() else 0):
                self._hear(worker)
            self._run.tick()
            if not must_wait() and not (self._waiting and any(not worker.given for worker in workers.each)):
                return

    def _give_out(self, workers: Workers) -> None:
        while self._waiting:
            piece = self._waiting[0]
            data = pickle.dumps(piece.job)
            takers = [worker for worker in workers.each if _suits(worker, piece, data)]
            if not takers:
                return
            min(takers, key=_has).give(data, self._waiting.popleft(), piece.handles)

    def _hear(self, worker: Worker) -> None:
        piece: Piece = worker.given[0]
        told, done = worker.receive()
        if told:
            self._told[worker.number] += told
            self._on_bytes(piece, told)
        else:
            self._manner.objects.took(done.objects)
            self._take_back(piece, done, self._told.pop(worker.number, 0))

    def _take_back(self, piece: Piece, done: Done, told: int) -> None:
        """Enter what was done into the run; what was not is next."""
        if done.rows:
            whole = self._whole[piece.number]
            self._run.add_packed(Place(piece.number, piece.begin, done.taken, whole), done.packed)
        self._on_done(piece, done._replace(size=done.size - told))
        self._open[piece.number] -= done.taken
        if not self._open[piece.number]:
            del self._open[piece.number], self._whole[piece.number]
        self._waiting.extendleft(reversed(piece.rest(done)))
        piece.release()


def _has(worker: Worker) -> int:
    return len(worker.given)


def _suits(worker: Worker, piece: Piece, data: bytes) -> bool:
    """Tell whether a worker takes a piece now: nothing waits behind a large file, nor such a file behind others."""
    if not worker.given:
        return True
    return worker.takes(data) and not piece.job.is_large and not worker.given[0].job.is_large
