"""Commands that are killed: each in a process of its own, which a zygote forks (zygote.py)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Ran:
    """What one command came to."""

    code: int
    phases: list[tuple[str, float]]
    """Name and beginning; the last one is `ended`."""
    hit: str
    """The phase that it was in when the signal was sent."""
    errors: str
    opened: list[tuple[float, str]]
    steps: int = 0
    """Changes that it made in the folder that was watched, where it came to its end."""


class Zygote:
    """zygote.py at work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("zygote.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, arguments, *, at="", after=0.0, send=signal.SIGKILL, **more) -> Ran:
        """Run a command; send a signal so many seconds after a phase began. `more` is for the zygote."""
        errors, opened = self._folder / "errors", self._folder / "opened"
        opened.unlink(missing_ok=True)
        order = {"arguments": arguments, "errors": str(errors), "opened": str(opened)} | more
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid, phases, hit, steps = 0, [], "", 0
        while True:
            word, _, rest = self._process.stdout.readline().rstrip("\n").partition(" ")
            now = time.monotonic()
            if word == "ended":
                break
            if word == "steps":
                steps = int(rest)
                continue
            assert word in {"pid", "phase"}, "the zygote died"
            pid = int(rest) if word == "pid" else pid
            phases.append(("start" if word == "pid" else rest, now))
            if phases[-1][0] == at and not hit:
                hit = at
                assert pid
                time.sleep(after)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, send)
        lines = opened.read_text(errors="surrogateescape").splitlines() if opened.exists() else []
        times = [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines]
        return Ran(int(rest), [*phases, ("ended", now)], hit, errors.read_text(), times, steps)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
