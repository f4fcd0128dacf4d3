"""The only place that prints: text for people, one JSON document for programs, the paper of meters on stderr.

Names from evidence pass `core.values.display` before they get here, so that they stay apart; whatever else a message
carries is made harmless here. Rich never sees markup.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from evidencekit.core.values import harmless
from evidencekit.errors import EvidenceError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.control import Control

    from evidencekit.cli.meter import Meter, Paper, Words

STYLES = {
    "VERIFIED": "bold green",
    "INTEGRITY ONLY": "bold yellow",
    "NOT CHECKED": "bold yellow",
    "FAILED": "bold red",
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
}


@dataclass(slots=True)
class Screen:
    """Where a command's words go."""

    as_json: bool = False
    quiet: bool = False
    color: bool | None = None
    """None: as the terminal allows."""
    plain: bool = False
    """Lines alone, nothing that moves a cursor."""
    _meter: Meter | None = field(default=None, init=False, repr=False)

    def console(self, stream: IO[str] | None = None) -> Console:
        """Return a rich console on a stream (stdout unless given)."""
        from rich.console import Console

        out = stream or sys.stdout
        return Console(
            file=out, highlight=False, markup=False, emoji=False, no_color=self.color is False, soft_wrap=True
        )

    def say(self, text: str = "", style: str | None = None) -> None:
        """Print a line for people; nothing with --json or --quiet."""
        if self.as_json or self.quiet:
            return
        self._clear()
        if style is None or self.color is False or not sys.stdout.isatty():
            print(harmless(text))
        else:
            self.console().print(harmless(text), style=STYLES.get(style, style))

    def result(self, text: str, style: str | None = None) -> None:
        """Print the one line that a command is about: also with --quiet."""
        quiet, self.quiet = self.quiet, False
        self.say(text, style)
        self.quiet = quiet

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print rows in columns that line up."""
        if self.as_json or self.quiet:
            return
        texts = [list(heads), *([_with_its_end(str(cell)) for cell in row] for row in rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
        for row in texts:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print(harmless("  ".join(cells).rstrip()))

    def document(self, value: object) -> None:
        """Print one JSON document on stdout, with --json only. ASCII, so no terminal acts on it."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=True))

    def rows(self, head: dict[str, Any], name: str, rows: Iterable[Any]) -> None:
        """Print a JSON document whose long list streams: the members of `head`, then `name`, then `total`."""
        if not self.as_json:
            return
        opening = json.dumps(head, ensure_ascii=True)[:-1]
        print(f"{opening}{', ' if head else ''}{json.dumps(name)}: [", end="")
        total = 0
        for total, row in enumerate(rows, 1):
            print(",\n" if total > 1 else "\n", json.dumps(row, ensure_ascii=True), sep="", end="")
        print(f'\n], "total": {total}}}')

    def raw(self, data: bytes) -> None:
        """Write bytes to stdout as they are: lists that other tools read. A terminal gets them harmless."""
        if sys.stdout.isatty():
            print(harmless(data.decode(errors="backslashreplace")), end="")
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(data)

    def aside(self, text: str) -> None:
        """Print a line on stderr, unless --quiet."""
        if not self.quiet:
            self._clear()
            print(harmless(text), file=sys.stderr)

    def failure(self, error: EvidenceError) -> None:
        """Print what went wrong: on stderr for people, as the document with --json."""
        if self.as_json:
            self.document({"error": {"code": error.code, "hint": error.hint, "message": error.message}})
            return
        print(harmless(f"error {error.code}: {error.message}"), file=sys.stderr)
        if error.hint:
            print(harmless(f"  {error.hint}"), file=sys.stderr)

    @contextmanager
    def progress(self, title: str, words: Words | None = None) -> Iterator[Meter]:
        """Hand out a meter for the time that work takes; what is said meanwhile is not mixed with its line.

        `words`: those of another language than English.
        """
        from evidencekit.cli.meter import Meter, Words

        self._meter = Meter(title, self._paper(), words or Words())
        try:
            yield self._meter
        finally:
            self._meter.end()
            self._meter = None

    @property
    def is_silent(self) -> bool:
        """Tell whether nobody is shown how far work is."""
        return self._paper() is None

    def _paper(self) -> Paper | None:
        if self.quiet or self.as_json or sys.stderr is None:  # a program without a console has none
            return None
        if sys.stderr.isatty() and not self.plain and os.environ.get("TERM") not in {"dumb", "unknown"}:
            return Terminal(sys.stderr)
        return Log(sys.stderr)

    def _clear(self) -> None:
        if self._meter is not None:
            self._meter.wipe()


class Terminal:
    """Paper for a meter: one line that is written over. The cursor stays visible, whatever ends the program."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._console: Console | None = None
        self._dirty = False

    def due(self, spent: float) -> float:
        """Return when the next line is due: not in the first second, then ten times a second."""
        return max(1.0, spent + 0.1)

    def width(self) -> int:
        """Return the cells of a line; the last stays free, since some terminals break the line there."""
        return self._rich().width - 1

    def write(self, line: str) -> None:
        """Write over the line, and not beyond its end."""
        from rich.cells import set_cell_size

        console = self._rich()
        shown = harmless(line).encode(console.encoding, "backslashreplace").decode(console.encoding)
        with console:  # one write for both, so that nothing flickers
            console.control(_rewind())
            console.out(set_cell_size(shown, self.width()).rstrip(), end="", highlight=False)
        self._dirty = True

    def wipe(self) -> None:
        """Take the line away."""
        if self._dirty:
            self._dirty = False
            self._rich().control(_rewind())

    def _rich(self) -> Console:
        """Return rich's console, loaded when the first line is due: most commands end before that."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(file=self._stream, force_terminal=True, color_system=None)
        return self._console


def _rewind() -> Control:
    from rich.control import Control
    from rich.segment import ControlType

    return Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class Log:
    """Paper for a meter: plain lines that stay. So they come after 10 s, 30 s, and then each minute."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def due(self, spent: float) -> float:
        """Return when the next line is due."""
        return next((at for at in (10.0, 30.0) if at > spent), (spent // 60 + 1) * 60)

    def width(self) -> None:
        """Return that lines have no end."""

    def write(self, line: str) -> None:
        """Write a line; it is there at once."""
        print(harmless(line), file=self._stream, flush=True)

    def wipe(self) -> None:
        """Leave what was written."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: 1 file, 2,000 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _with_its_end(text: str) -> str:
    """Return a cell whose last blanks can be seen: names may end in some."""
    seen = text.rstrip()
    return seen + "".join(f"\\x{ord(blank):02x}" for blank in text[len(seen) :])


def human_size(size: int) -> str:
    """Return bytes as people read them, in powers of 1024."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
