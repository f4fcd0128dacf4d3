"""A conversation by lines: it asks, somebody types. The cursor is never moved, so a serial line is enough.

Promises: nothing that was typed gets to the terminal with controls in it; lines fit the terminal, 80 cells at most.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from evidencekit.cli.render import Screen
from evidencekit.core.values import display, harmless
from evidencekit.errors import EvidenceError, Interrupted
from evidencekit.field.answers import plain
from evidencekit.read.bidi import laid_out, width_of
from evidencekit.read.texts import Texts

if TYPE_CHECKING:
    from evidencekit.cli.meter import Meter

WIDTH, HEIGHT = 80, 24
_PROMPT = "> "


class Terminal:
    """Where the guide speaks and listens."""

    def __init__(self, screen: Screen, texts: Texts, again: str) -> None:
        """Take where to print, the texts, and the command that goes on after an interruption."""
        size = shutil.get_terminal_size((WIDTH, HEIGHT))
        self.screen, self.texts, self.again = screen, texts, again
        self.width = max(20, min(size.columns, WIDTH) - 1)  # some terminals break the line in the last cell
        self.height = max(10, size.lines)
        if isinstance(sys.stdin, io.TextIOWrapper):  # names that are not UTF-8 are names, too
            sys.stdin.reconfigure(errors="surrogateescape")

    @property
    def draws_blocks(self) -> bool:
        """Tell whether a QR code can be drawn: its blocks are not in every character set."""
        return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" and self.width >= 60

    def say(self, text: str = "", style: str | None = None, *, indent: int = 0) -> None:
        """Print a text as lines that fit."""
        for line in laid_out(harmless(text), self.width - indent):
            self.screen.say(" " * indent + line, style)

    def item(self, mark: str, text: str, style: str | None = None) -> None:
        """Print a text behind a mark; its further lines stand below the first."""
        for number, line in enumerate(laid_out(harmless(text), self.width - len(mark))):
            self.screen.say((" " * len(mark) if number else mark) + line, style)

    def tell(self, key: str, style: str | None = None, **values: object) -> None:
        """Print one of the texts."""
        self.say(self.texts(key, **values), style)

    def place(self, key: str, path: Path) -> None:
        """Print one of the texts, and a path on a line of its own, which is never broken: it may be copied."""
        self.tell(key)
        self.screen.say(f"  {display(os.fsencode(path))}")

    def refused(self, error: EvidenceError) -> None:
        """Print what stands in the way: in the language, and below that in English, for which a laboratory searches."""
        said, own = f"{error.message} {error.hint}".rstrip(), self.texts.refusal(error.code)
        if own is None:
            self.say(f"{error.code}: {said}", indent=2)
        else:
            self.say(own, indent=2)
            self.say(said, indent=4)

    def progress(self, title: str) -> AbstractContextManager[Meter]:
        """Hand out a meter that speaks the language."""
        from evidencekit.cli.field_words import meter_words

        return self.screen.progress(title, meter_words(self.texts))

    def rule(self, title: str) -> None:
        """Print a line that separates, with a title in it."""
        self.screen.say()
        self.screen.say(f"-- {title} ".ljust(self.width, "-")[: self.width], "bold")

    def options(self, labels: Sequence[str]) -> None:
        """Print what can be chosen, numbered: in columns where they are short."""
        cells = [f"{number:>2}  {label}" for number, label in enumerate(labels, 1)]
        widest = max(map(width_of, cells)) + 2
        is_short = len(cells) > 4 and not self.texts.is_rtl  # no two words that a terminal may turn on one line
        columns = max(1, min(3, self.width // widest)) if is_short else 1
        rows = -(-len(cells) // columns)
        for row in range(rows):
            line = "".join(cell + " " * (widest - width_of(cell)) for cell in cells[row::rows])
            self.say(line.rstrip(), indent=1)

    def pages(self, lines: Iterable[tuple[str, str | None]]) -> None:
        """Print lines, and wait whenever a screen is full."""
        room = self.height - 2
        for text, style in lines:
            for line in laid_out(harmless(text), self.width):
                if room == 0:
                    self.ask(self.texts("more_lines"))
                    room = self.height - 2
                self.screen.say(line, style)
                room -= 1

    def ask(self, prompt: str = "") -> str:
        """Return what is typed in the next line.

        Raises:
            Interrupted: X499, there is nobody any more, or Ctrl-C.
        """
        sys.stdout.write(harmless(f"{prompt} {_PROMPT}" if prompt else _PROMPT))
        sys.stdout.flush()
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            self.leave()
        if not line:
            self.leave()
        if not line.endswith("\n"):
            self.screen.say()
        return line.rstrip("\r\n")

    def secret(self, prompt: str) -> str:
        """Return a passphrase, which is not shown. Raises Interrupted, as `ask`."""
        import click

        shown = harmless(prompt)
        try:
            return str(
                click.prompt(shown, default="", show_default=False, hide_input=True, prompt_suffix=f" {_PROMPT}")
            )
        except (click.Abort, KeyboardInterrupt, EOFError):
            self.leave()

    def choose(self, key: str, labels: Sequence[str], **values: object) -> int:
        """Ask one of the texts, and return the place of the answer among the labels, from 0."""
        self.tell(key, "bold", **values)
        self.options(labels)
        while True:
            typed = plain(self.ask())
            if typed.isdecimal() and 1 <= int(typed) <= len(labels):
                return int(typed) - 1
            self.tell("bad_choice", "warning", most=len(labels))

    def confirm(self, key: str, **values: object) -> bool:
        """Ask one of the texts, to be answered with yes or no."""
        return self.choose(key, [self.texts("yes"), self.texts("no")], **values) == 0

    def leave(self) -> NoReturn:
        """Stop here, and say how to go on.

        Raises:
            Interrupted: X499.
        """
        self.screen.say()
        raise Interrupted(self.texts("stopped"), code="X499", hint=self.texts("go_on", command=self.again))


def is_plain(asked: bool) -> bool:
    """Tell whether no colours are to be used: asked for, no terminal, or one that can do nothing."""
    return asked or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in {"dumb", "unknown", ""}
