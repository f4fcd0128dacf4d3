"""One command, run and measured: time, CPU and bytes read by all of its processes, and the memory of each.

CPU and bytes come from the kernel's own sums over a process and the children that it waited for. Memory is polled in
/proc, since that sum's peak also knows the process that started the command.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_EVERY = 0.05
"""Seconds between two looks at the memory."""
_KIB = 1024
_TOLD = 2000


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds, user and system, of all processes."""
    peak: int
    """Bytes of resident memory of the largest process."""
    first: int
    """The same of the first process alone."""
    worker: int
    """The same of the largest of the others; 0 where none was seen."""
    together: int
    """Bytes of all processes at one moment; pages that they share count once for each."""
    read: int
    """Bytes that read calls returned; what was mapped is not in it."""


class Failed(Exception):
    """A command ended otherwise than it may."""


class _Watch(threading.Thread):
    """Looks at the memory of all processes of a session until it is stopped."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[int, int] = {}
        self.together = 0
        self._session = session
        self._strangers: set[str] = set()
        self._end = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        """Look, and look again."""
        self._strangers = {name for name in _numbers() if not self._is_ours(name)}
        while True:
            now = 0
            for name in _numbers():
                if name in self._strangers:
                    continue
                if self._is_ours(name):
                    resident, peak = _memory(name)
                    self.peaks[int(name)] = max(peak, self.peaks.get(int(name), 0))
                    now += resident
                else:
                    self._strangers.add(name)
            self.together = max(self.together, now)
            if self._end.wait(_EVERY):
                return

    def _is_ours(self, name: str) -> bool:
        try:
            state = Path("/proc", name, "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return int(state.rpartition(")")[2].split()[3]) == self._session


def _numbers() -> list[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (names are all that is wanted)
    except OSError:
        return []


def _memory(name: str) -> tuple[int, int]:
    """Return resident bytes of a process, now and at most."""
    try:
        lines = Path("/proc", name, "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0, 0
    found = {line[:5]: int(line.split()[1]) * _KIB for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return found.get("VmRSS", 0), found.get("VmHWM", 0)


def _bytes_read(pid: int) -> int:
    """Return what a process that ended, but was not waited for, read with its children."""
    try:
        lines = Path("/proc", str(pid), "io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("rchar:")), 0)


def measured(command: Sequence[str], *, allowed: frozenset[int] = frozenset({0}), output: Path | None = None) -> Usage:
    """Run one command in a session of its own; its output goes to a file or nowhere.

    Raises:
        Failed: it cannot be started, or ended with a status that is not allowed.
    """
    with tempfile.TemporaryFile() as errors, (output or Path(os.devnull)).open("wb") as out:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(  # noqa: S603, RUF100 (the lists of tasks.py)
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        try:
            with _Watch(process.pid) as watch:
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
                wall = time.perf_counter() - began
            read = _bytes_read(process.pid)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in allowed:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _TOLD))
            raise Failed(f"ended with {process.returncode}: {errors.read().decode(errors='replace').strip()}")
    peak = _peak(usage.ru_maxrss * _KIB, watch.peaks)
    worker = max((seen for pid, seen in watch.peaks.items() if pid != process.pid), default=0)
    return Usage(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=peak,
        first=watch.peaks.get(process.pid, 0) if worker else peak,
        worker=worker,
        together=watch.together,
        read=read,
    )


def _peak(summed: int, polled: dict[int, int]) -> int:
    """Return the kernel's peak where it is above what the starting process itself had, else what was seen in /proc."""
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
    return summed if summed > floor else max(polled.values(), default=0)
