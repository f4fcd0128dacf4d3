"""The only place that prints: text for people, one JSON document for programs, progress on stderr.

Names from evidence pass `core.values.display` before they get here, so that they stay apart; whatever else a message
carries is made harmless here. Rich never sees markup.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from evidencekit.core.values import harmless
from evidencekit.errors import EvidenceError

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "VERIFIED": "bold green",
    "INTEGRITY ONLY": "bold yellow",
    "NOT CHECKED": "bold yellow",
    "FAILED": "bold red",
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
}
QUIET_SECONDS = 1.0
"""Nothing is shown of work that ends sooner."""


@dataclass(slots=True)
class Screen:
    """Where a command's words go."""

    as_json: bool = False
    quiet: bool = False
    color: bool | None = None
    """None: as the terminal allows."""

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
        texts = [list(heads), *([str(cell) for cell in row] for row in rows)]
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
        """Write bytes to stdout as they are: lists that other tools read."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)

    def aside(self, text: str) -> None:
        """Print a line on stderr, unless --quiet."""
        if not self.quiet:
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
    def progress(self, title: str) -> Iterator[Meter]:
        """Show figures on stderr while work goes on, from the second second on; nothing where nobody looks."""
        meter = Meter(title, shown=not self.quiet and not self.as_json and sys.stderr.isatty())
        try:
            yield meter
        finally:
            meter.end()


class Meter:
    """One line on stderr that is written over: figures, rate, place."""

    def __init__(self, title: str, *, shown: bool) -> None:
        self._title, self._shown = title, shown
        self._began = self._drawn = time.monotonic()
        self._line = False

    def update(self, figures: str, *, files: int = 0, size: int = 0) -> None:
        """Draw at most ten times a second."""
        now = time.monotonic()
        if not self._shown or now - self._began < QUIET_SECONDS or now - self._drawn < 0.1:
            return
        self._drawn, self._line = now, True
        spent = now - self._began
        rate = f"{files / spent:,.0f} files/s, {human_size(int(size / spent))}/s" if files or size else ""
        print(f"\r\x1b[K{self._title}: {figures}  {rate}"[:200], end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Wipe the line."""
        if self._line:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def human_size(size: int) -> str:
    """Return bytes as people read them, in powers of 1024."""
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
