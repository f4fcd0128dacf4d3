"""How far work is: when a line of figures is due, and what stands in it. Whoever made the meter writes the line.

Rich draws the terminal's line (render.Terminal), but not with `rich.progress`: that redraws from a thread, leaves the
terminal of a killed program without a cursor, and has no lines for logs, for which the figures are to be made anyway.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeAlias

from evidencekit.cli.pace import Pace, Sample
from evidencekit.cli.render import human_size
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
    """One of `Words.phases`; any other is a word itself."""
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


class Words(NamedTuple):
    """What a meter says beside figures: `{n}` is a number or size, `{total}` what it will be, `{time}` a duration."""

    phases: Mapping[str, str] = MappingProxyType({
        "take": "hashing",
        "retry": "second look",
        "compose": "composing the catalogue",
        "check": "checking copies",
        "identify": "media types",
        "mirror": "copying to the second medium",
    })  # fmt: skip
    of: str = "{n} of {total}"
    """Without letters where `is_rtl`: sizes are put in."""
    file: str = "{n} file"
    """Where there is one; else `files`. So with `omission`."""
    files: str = "{n} files"
    omission: str = "{n} omission"
    omissions: str = "{n} omissions"
    reused: str = "{n} reused"
    rate: str = "{n} files/s"
    left: str = "{time} left"
    soon: str = "less than a minute"
    minutes: str = "about {n} min"
    hours: str = "about {n} h"
    days: str = "about {n} days"
    is_rtl: bool = False
    """The words are written from right to left: what has Latin letters comes before them all, and no name after them.

    A terminal that turns lines round takes a number that follows such a word away from its unit (UAX 9, W2).
    """


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


ENGLISH = Words()


class Meter:
    """Says how far work is, now and then. For one thread; `paper` is None where nothing is to be said."""

    def __init__(
        self, title: str, paper: Paper | None, words: Words = ENGLISH, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._title = title
        self._paper = paper
        self._words = words
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
            phase = self._words.phases.get(figures.phase, figures.phase)
            if self._words.is_rtl:
                self._write(now, self._title, self._turned(figures, phase))
            else:
                self._write(now, f"{self._title} {phase}", self._parts(figures), figures.path)

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
        size, byte_rate, files, omissions, left, reused, file_rate = self._said(figures)
        return [part for part in (files, size, omissions, left, byte_rate, reused, file_rate) if part]

    def _turned(self, figures: Figures, phase: str) -> list[str]:
        """Return it with what has Latin letters first, then all words."""
        size, byte_rate, files, omissions, left, reused, _ = self._said(figures)
        return [part for part in (size, byte_rate, phase, files, omissions, left, reused) if part]

    def _said(self, figures: Figures) -> tuple[str, str, str, str, str, str, str]:
        """Return size, its rate, files, omissions, remaining time, reused files, files a second; empty: not to say."""
        words = self._words
        file_rate, byte_rate = self._pace.rate()
        left = self._pace.left(figures.total_files, figures.total_bytes)
        return (
            _read(figures.bytes, figures.total_bytes, words),
            f"{human_size(int(byte_rate))}/s" if byte_rate >= 1 else "",
            _done(figures.files, figures.total_files, words),
            _number(figures.omissions, words.omission, words.omissions) if figures.omissions else "",
            "" if left is None else words.left.format(time=about(left, words)),
            words.reused.format(n=f"{figures.reused:,}") if figures.reused else "",
            words.rate.format(n=f"{file_rate:,.0f}") if file_rate >= 1 else "",
        )

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


def about(seconds: float, words: Words = ENGLISH) -> str:
    """Return a time to come in round words."""
    minutes = math.ceil(seconds / 60)
    if minutes <= 1:
        return words.soon
    if minutes < 90:
        return words.minutes.format(n=minutes)
    hours = round(minutes / 60)
    return words.hours.format(n=hours) if hours < 48 else words.days.format(n=round(hours / 24))


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


def _done(files: int, total: int | None, words: Words) -> str:
    if total is None or files > total:
        return _number(files, words.file, words.files)
    shown = words.of.format(n=f"{files:,}", total=f"{total:,}")
    return (words.file if total == 1 else words.files).format(n=shown)


def _read(size: int, total: int | None, words: Words) -> str:
    if total is None or size > total:
        return human_size(size) if size else ""
    return words.of.format(n=human_size(size), total=human_size(total))


def _number(count: int, one: str, many: str) -> str:
    return (one if count == 1 else many).format(n=f"{count:,}")
