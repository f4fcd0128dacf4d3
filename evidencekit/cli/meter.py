"""How far work is: when a line of figures is due, and what stands in it. Whoever made the meter writes the line.

Rich draws the terminal's line (render.Terminal), but not with `rich.progress`: that redraws from a thread, leaves the
terminal of a killed program without a cursor, and has no lines for logs, for which the figures are to be made anyway.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from evidencekit.cli.pace import Pace, Sample
from evidencekit.cli.render import counted, human_size
from evidencekit.core.values import display

_Name: TypeAlias = bytes
_LOOK_SECONDS = 0.1
_NAME_LEAST = 16
_NAME_HALF = 512
_NOBODY = (OSError, ValueError)
"""What writing raises where a terminal was closed, or a stream."""


@dataclass(slots=True)
class Figures:
    """How far it is. Not frozen: one that is told a hundred thousand times a second is changed, not made anew."""

    phase: str
    """In words: hashing, second look, composing, checking copies, media types, copying to the second medium."""
    files: int
    """Done in this phase, reused ones too."""
    bytes: int
    omissions: int = 0
    reused: int = 0
    """Files whose rows were kept from before an interruption."""
    path: _Name = b""
    """What is being done now: a name as the source has it."""
    total_files: int | None = None
    total_bytes: int | None = None


class Paper(Protocol):
    """What a meter's lines are written on."""

    def due(self, spent: float) -> float:
        """Return how many seconds after the beginning the next line is due, when `spent` have passed."""

    def width(self) -> int | None:
        """Return the cells of a line; None where lines have no end, and stay to be read later."""

    def write(self, line: str) -> None:
        """Write a line, over the last one where lines do not stay. Raises OSError, ValueError: nobody is there."""

    def wipe(self) -> None:
        """Take away the line that does not stay."""


class Meter:
    """Says how far work is, now and then. For one thread; `paper` is None where nothing is to be said."""

    def __init__(self, title: str, paper: Paper | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._paper = paper
        self._now = now
        self._began = now()
        self._look_at = math.inf if paper is None else self._began + _LOOK_SECONDS
        self._write_at = math.inf if paper is None else self._began + paper.due(0.0)
        self._phase = ""
        self._pace = Pace()

    def update(self, figures: Figures) -> None:
        """Hear how far it is. Costs next to nothing, however often it is called; keeps nothing of `figures`."""
        now = self._now()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        if figures.phase != self._phase:
            self._phase, self._pace = figures.phase, Pace()
        self._pace.add(Sample(now, figures.files, figures.bytes, figures.reused))
        if now >= self._write_at:
            self._write(now, f"{self._title} {figures.phase}", self._parts(figures), figures.path)

    def tell(self, text: str) -> None:
        """Hear how far it is, in the caller's own words."""
        now = self._now()
        if now >= self._write_at:
            self._write(now, self._title, [text])

    def wipe(self) -> None:
        """Take the line away, so that something else can be printed; the next one comes when it is due."""
        if self._paper is not None:
            with contextlib.suppress(*_NOBODY):
                self._paper.wipe()

    def end(self) -> None:
        """Take the line away, and say nothing any more."""
        self.wipe()
        self._stop()

    def _parts(self, figures: Figures) -> list[str]:
        """Return what there is to say, what matters most first."""
        file_rate, byte_rate = self._pace.rate()
        left = self._pace.left(figures.total_files, figures.total_bytes)
        parts = (
            _done(figures.files, figures.total_files),
            _read(figures.bytes, figures.total_bytes),
            counted(figures.omissions, "omission") if figures.omissions else "",
            "" if left is None else f"{about(left)} left",
            f"{human_size(int(byte_rate))}/s" if byte_rate >= 1 else "",
            f"{figures.reused:,} reused" if figures.reused else "",
            f"{file_rate:,.0f} files/s" if file_rate >= 1 else "",
        )
        return [part for part in parts if part]

    def _write(self, now: float, head: str, parts: list[str], path: bytes = b"") -> None:
        """Write the line; where nobody is there any more, never try again: the work must not end with its terminal."""
        if self._paper is None:
            return
        spent = now - self._began
        self._write_at = now + self._paper.due(spent) - spent
        width = self._paper.width()
        if width is None:  # what stays is read later, by anybody: it says when, and no names of the evidence
            line = f"{timedelta(seconds=int(spent))} {head}: {', '.join(parts)}"
        else:
            line = fitted(head, parts, display(_ends(path)), width)
        try:
            self._paper.write(line)
        except _NOBODY:
            self._stop()

    def _stop(self) -> None:
        self._paper = None
        self._look_at = self._write_at = math.inf


def about(seconds: float) -> str:
    """Return a time to come in round words."""
    minutes = math.ceil(seconds / 60)
    if minutes <= 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes} min"
    hours = round(minutes / 60)
    return f"about {hours} h" if hours < 48 else f"about {round(hours / 24)} days"


def fitted(head: str, parts: Sequence[str], name: str, width: int) -> str:
    """Return one line: as many of the parts as fit, then the name in the room that is left. The first part is kept."""
    from rich.cells import cell_len  # only where there is a terminal

    line = f"{head}: {parts[0]}"
    for part in parts[1:]:
        longer = f"{line}, {part}"
        if cell_len(longer) > width:
            return line
        line = longer
    room = width - cell_len(line) - 2
    return f"{line}  {shortened(name, room)}" if name and room >= _NAME_LEAST else line


def shortened(name: str, room: int) -> str:
    """Return a name in at most `room` cells, its middle left out: where it lies and how it ends say most.

    Characters are counted, too: how wide those are that add to others, terminals do not agree upon.
    """
    from rich.cells import cell_len, set_cell_size

    if max(len(name), cell_len(name)) <= room:
        return name
    head = (room - 3) // 3
    tail = room - 3 - head
    end = name[-tail:]
    while cell_len(end) > tail:
        end = end[1:]
    return set_cell_size(name[:head], head).rstrip() + "..." + end


def _ends(path: bytes) -> bytes:
    """Return a path without the middle that nobody will see: it may have 131,072 bytes, and each is looked at."""
    return path if len(path) <= 2 * _NAME_HALF else path[:_NAME_HALF] + path[-_NAME_HALF:]


def _done(files: int, total: int | None) -> str:
    return counted(files, "file") if total is None or files > total else f"{files:,} of {counted(total, 'file')}"


def _read(size: int, total: int | None) -> str:
    if total is None or size > total:
        return human_size(size) if size else ""
    return f"{human_size(size)} of {human_size(total)}"
