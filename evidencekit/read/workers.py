"""Worker processes: they do jobs that were cut to last milliseconds, for a parent that keeps the order.

Promises: what a job raises is raised in the parent; a worker that dies is an error, never silence; no worker outlives
its parent, holds its locks, or hears its Ctrl-C; a worker has one job under way and at most one waiting.
Why processes: the interpreter lock makes threads slower than none on small files (specs/decisions/0007).
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, Self, TypeAlias, TypeVar

from evidencekit.errors import CannotFinish

Do: TypeAlias = Callable[[Any, list[int]], Any]
"""Takes a job and the handles that came with it (which are closed for it afterwards), returns the result."""
Prepare: TypeAlias = Callable[..., Do]
"""Called once in each worker, with `tell` and then the arguments given: makes what does the jobs."""
Tell: TypeAlias = Callable[[int], None]
"""Takes a number that the parent is to hear before the job is done: bytes of a large file."""

_IN_ADVANCE = 32 << 10
"""Bytes of a job that fit a socket whose reader is busy: more could block both sides for ever."""
_PATIENCE = 5.0
"""Seconds that a worker has to end before it is ended."""
_DONE, _FAILED, _TOLD = range(3)
_J = TypeVar("_J")
_R = TypeVar("_R")


class Worker:
    """A worker process, as its parent sees it."""

    def __init__(self, number: int, process: Any, connection: Connection) -> None:
        self.number = number
        self.given: deque[Any] = deque()
        """Tokens of the jobs that it has, the one under way first."""
        self._process = process
        self._connection = connection
        self._has_large = False

    def fileno(self) -> int:
        """Return the handle that is ready when there is something to receive."""
        return self._connection.fileno()

    def takes(self, data: bytes) -> bool:
        """Tell whether this pickled job can be given now without waiting for the worker."""
        return not self.given or (len(self.given) == 1 and len(data) <= _IN_ADVANCE)

    def give(self, data: bytes, token: Any, handles: Sequence[int] = ()) -> None:
        """Give a pickled job, if it `takes` it; `token` comes back with the result. The handles stay the caller's too.

        Raises:
            CannotFinish: X450, the worker is gone.
        """
        try:
            self._connection.send_bytes(len(handles).to_bytes(2, "little") + data)
            if handles:
                _send_handles(self._connection, handles)
        except OSError:
            raise self._gone() from None
        self.given.append(token)

    def receive(self) -> tuple[int, Any]:
        """Return `(0, result)` of the job under way, or `(bytes, None)` that were told on the way.

        Raises:
            CannotFinish: X450, the worker is gone.
            Exception: what the job raised.
        """
        try:
            kind, value = pickle.loads(self._connection.recv_bytes())  # noqa: S301 (our own process)
        except (OSError, EOFError):
            raise self._gone() from None
        if kind == _TOLD:
            return value, None
        self.given.popleft()
        if kind == _FAILED:
            raise value
        return 0, value

    def _gone(self) -> CannotFinish:
        self._process.join(_PATIENCE)
        return CannotFinish(
            f"A worker process ended in the middle of its work (exit status {self._process.exitcode}).",
            code="X450",
            hint="What was finished is kept. Look for a lack of memory; the same again, or with --jobs 1.",
        )

    def close(self) -> None:
        """Let it end: it sees that nobody is there any more."""
        self._connection.close()

    def join(self, patience: float) -> None:
        """Wait for its end so many seconds, and end it if that does not come."""
        self._process.join(patience)
        if self._process.exitcode is None:  # it may hang in a server that does not answer
            self._process.terminate()
            self._process.join(_PATIENCE)
        if self._process.exitcode is not None:
            self._process.close()  # its handles, which an exception on its way up would keep


class Workers:
    """Some worker processes. Close them, or use them in `with`."""

    def __init__(self, count: int, prepare: Prepare, *arguments: Any) -> None:
        """Start them. `prepare` and its arguments are pickled, unless the process can simply be forked.

        Raises:
            CannotFinish: X451, the system starts no process.
        """
        self.each: list[Worker] = []
        context: Any = get_context("fork" if _may_fork() else "spawn")
        try:
            for number in range(count):
                ours, theirs = context.Pipe(duplex=True)
                forked = context.get_start_method() == "fork"
                process = context.Process(
                    target=_work, args=(theirs, forked, prepare, arguments), name=f"worker-{number}", daemon=True
                )
                with _deaf(forked=forked):
                    process.start()
                theirs.close()
                self.each.append(Worker(number, process, ours))
        except OSError as error:
            self.close()
            raise CannotFinish(
                f"No worker process can be started: {error.strerror}.", code="X451", hint="Use --jobs 1."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ready(self, timeout: float | None = None) -> list[Worker]:
        """Return the workers that have something to receive, waiting for the first up to `timeout` seconds."""
        busy: list[Any] = [worker for worker in self.each if worker.given]  # `fileno` is all that it takes
        ready: list[Any] = wait(busy, timeout)
        return ready

    def taker(self, data: bytes) -> Worker | None:
        """Return the worker that takes this pickled job soonest, None where none takes it now."""
        takers = [worker for worker in self.each if worker.takes(data)]
        return min(takers, key=lambda worker: len(worker.given), default=None)

    def close(self, *, patience: float = _PATIENCE) -> None:
        """End them all, whatever they are doing; each has so many seconds to see it by itself."""
        for worker in self.each:
            worker.close()
        for worker in self.each:
            worker.join(patience)
        self.each = []


class InOrder(Generic[_J, _R]):
    """Results in the order of their jobs; at most `ahead` jobs a worker are under way or wait for their turn."""

    def __init__(self, workers: Workers, *, ahead: int = 4) -> None:
        self._workers = workers
        self._most = max(2, ahead * len(workers.each))

    def results(self, jobs: Iterable[_J], tell: Tell | None = None, *, handles: Sequence[int] = ()) -> Iterator[_R]:
        """Yield the result of each job. `tell` hears what the workers tell meanwhile; the handles go with every job.

        Raises:
            CannotFinish: X450, a worker is gone.
            Exception: what a job raised, when it was received.
        """
        each = enumerate(jobs)
        waiting: dict[int, _R] = {}
        given = returned = 0
        pending = next(each, None)
        while pending is not None or returned < given:
            while pending is not None and given - returned < self._most:
                data = pickle.dumps(pending[1])
                worker = self._workers.taker(data)
                if worker is None:
                    break
                worker.give(data, pending[0], handles)
                given += 1
                pending = next(each, None)
            for worker in self._workers.ready():
                token = worker.given[0]
                told, result = worker.receive()
                if told:
                    if tell is not None:
                        tell(told)
                else:
                    waiting[token] = result
            while returned in waiting:
                yield waiting.pop(returned)
                returned += 1


# --- in the worker -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _deaf(*, forked: bool) -> Iterator[None]:
    """Keep Ctrl-C waiting: what is started meanwhile inherits that, and does not die of it before it is ready."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    if not forked:  # it is started along with the first worker, and hears again whatever was not to be heard
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _may_fork() -> bool:
    """Tell whether a copy of this process would be sound: locks of other threads would stay locked in it for ever."""
    return sys.platform == "linux" and threading.active_count() == 1 and "pyarrow" not in sys.modules


def _work(connection: Connection, forked: bool, prepare: Prepare, arguments: tuple[Any, ...]) -> None:
    """Do jobs until nobody gives any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if forked:
        gc.freeze()  # objects of the parent must not be tidied up here: they close handles by number
        _close_others(connection.fileno())

    def tell(number: int) -> None:
        connection.send((_TOLD, number))

    with contextlib.suppress(OSError, EOFError):  # the parent is gone
        do: Do | None = None
        while True:
            data = connection.recv_bytes()
            count = int.from_bytes(data[:2], "little")
            handles = _receive_handles(connection, count) if count else []
            try:
                if do is None:
                    do = prepare(tell, *arguments)
                answer = pickle.dumps((_DONE, do(pickle.loads(data[2:]), handles)))  # noqa: S301 (our own parent)
            except (BrokenPipeError, ConnectionError):
                return
            except Exception as error:  # noqa: BLE001 (it is raised again where it can be told)
                answer = pickle.dumps((_FAILED, _portable(error)))
            finally:
                for handle in handles:
                    with contextlib.suppress(OSError):
                        os.close(handle)
            connection.send_bytes(answer)


def _portable(error: Exception) -> Exception:
    """Return an exception that can go to the parent: the very one, or one that says the same."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (just made)
    except Exception:  # noqa: BLE001 (whatever pickle says)
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _close_others(own: int) -> None:
    """Close the parent's handles: they would keep its locks, and the other workers, alive after its death."""
    os.closerange(3, own)
    os.closerange(own + 1, os.sysconf("SC_OPEN_MAX"))


# --- handles -----------------------------------------------------------------------------------------------------

_MOST_HANDLES = 250
"""Linux sends at most 253 at a time."""


def _send_handles(connection: Connection, handles: Sequence[int]) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        for start in range(0, len(handles), _MOST_HANDLES):
            socket.send_fds(channel, [b"h"], list(handles[start : start + _MOST_HANDLES]))


def _receive_handles(connection: Connection, count: int) -> list[int]:
    handles: list[int] = []
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        while len(handles) < count:
            data, found, _, _ = socket.recv_fds(channel, 1, _MOST_HANDLES)
            if not data or not found:
                raise EOFError
            handles += found
    return handles
