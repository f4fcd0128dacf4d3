"""What `--help` prints, in the language that was asked for; in English as click has it.

The English texts stand in the commands. Each paragraph, heading, and line about an option or a command is the key of
its translation, as in gettext. Names of commands and options, metavars, examples are the same in each language.

Promises: a text without a translation is given in English, never left out; in a language that is written from right to
left the name of an option has a line of its own (`read.bidi`).
Source: specs/texts/help/.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator

import click

from evidencekit.cli.speech import asked_of

_INDENT = 4
_GAP = 2
_FIRST_COLUMN = 30
"""Cells of the widest name that has its text beside it, as in click."""
_LEAST = 10
_LITERAL = "\b"
"""Click's mark of a paragraph whose lines stay as they are."""
_EXAMPLE = re.compile(r"( +\S.*?)(?:( {3,})(\S.*))?")
"""A line with a command, and what it is for. Of text no line begins with a blank."""
_EXTRA = "  ["
"""Between the text of an option and what is added to it: [default: 8; required]."""
_ADDED = re.compile(
    "(default): (.*)|(required|must be given|expected|where it applies|several times"
    "|text|time|count|yes or no|number of an entry)"
)
"""The words in that; the rest is names and numbers."""


class HelpContext(click.Context):
    """The context of a command whose help is printed in the language that was asked for."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what lays out the help."""
        texts = asked_of(self)
        if texts is None:
            return super().make_formatter()
        colon = texts.word("ui", "colon")
        return Help(texts.help, colon, texts.is_rtl, width=self.terminal_width, max_width=self.max_content_width)

    def get_usage(self) -> str:
        """Return the line of usage as a refusal has it, whose words are English."""
        formatter = super().make_formatter()
        self.command.format_usage(self, formatter)
        return formatter.getvalue().rstrip()


def let_speak(command: click.Command) -> click.Command:
    """Return a command whose help, and that of all below it, follows the language."""
    command.context_class = HelpContext
    for below in getattr(command, "commands", {}).values():
        let_speak(below)
    return command


class Group(click.Group):
    """A group that says the whole line about each command, however long it is."""

    context_class = HelpContext

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(self.lines())

    def lines(self) -> list[tuple[str, str]]:
        """Return the commands with what they do."""
        return [(name, (command.help or "").partition("\n")[0].strip()) for name, command in self.commands.items()]


class Help(click.HelpFormatter):
    """Lays out help in another language than English."""

    def __init__(
        self,
        translate: Callable[[str], str],
        colon: str,
        is_rtl: bool,
        *,
        width: int | None,
        max_width: int | None = None,
    ) -> None:
        """`translate` returns the translation of an English text, or the text itself; `colon` stands behind words."""
        super().__init__(width=width, max_width=max_width)
        self._translate = translate
        self._colon = colon
        self._is_rtl = is_rtl

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line of usage: its head alone is words."""
        self.write(f"{self._translate('Usage:')}\n")
        with self.indentation():
            super().write_usage(prog, args, prefix or " " * self.current_indent)

    def write_heading(self, heading: str) -> None:
        """Write a heading; of `Fields of collect` the last word is a name."""
        words, _, name = heading.partition(" of ")
        said = self._translate(words) + (f" ({name})" if name else "")
        self.write(f"{' ' * self.current_indent}{said}{self._colon.rstrip()}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        self.write("\n\n".join("\n".join(self._lines(one)) for one in _paragraphs(text)) + "\n")

    def _lines(self, paragraph: str) -> Iterator[str]:
        pad = " " * self.current_indent
        for text in _units(paragraph):
            if example := _EXAMPLE.fullmatch(text):
                yield from (f"{pad}{line}" for line in self._with_remark(*example.groups()))
            else:
                yield from (f"{pad}{line}" for line in _laid_out(self._translate(text), self.width - len(pad)))

    def _with_remark(self, command: str, gap: str | None, remark: str | None) -> Iterator[str]:
        said = "" if remark is None else self._translate(remark)
        whole = f"{command}{gap or ''}{said}"
        if not said or (not self._is_rtl and _width(whole) <= self.width):
            yield whole
            return
        yield command
        indent = " " * (len(command) - len(command.lstrip()) + _INDENT)
        yield from (f"{indent}{line}" for line in _laid_out(said, self.width - len(indent)))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = _FIRST_COLUMN, col_spacing: int = _GAP) -> None:
        """Write names with what they are."""
        rows = list(rows)
        column = min(max(len(name) for name, _ in rows), col_max) + col_spacing
        column, room = (_INDENT, 0) if self._is_rtl else (column, column - col_spacing)
        pad = " " * self.current_indent
        for name, text in rows:
            lines = _laid_out(self._said(text), max(self.width - column - 2, _LEAST)) if text else []
            beside = lines.pop(0) if lines and len(name) <= room else ""
            self.write(f"{pad}{name.ljust(column) if beside else name}{beside}\n")
            self.write("".join(f"{pad}{'':{column}}{line}\n" for line in lines))

    def _said(self, text: str) -> str:
        """Return what an option is, with what click adds: `default: 8`, `required`, `x>=0`."""
        about, extra, more = text.partition(_EXTRA)
        said = self._translate(" ".join(about.split()))
        added = "; ".join(map(self._added, more.removesuffix("]").split("; ")))
        return f"{said}{extra}{added}]" if extra else said

    def _added(self, text: str) -> str:
        found = _ADDED.fullmatch(text)
        if found is None:
            return text
        default, value, word = found.groups()
        return self._translate(word) if default is None else f"{self._translate(default)}{self._colon}{value}"


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a command's help."""
    return [one for one in inspect.cleandoc(text).split("\n\n") if one.strip()]


def _units(paragraph: str) -> list[str]:
    """Return what is translated in one piece: a paragraph; of one whose lines stay, each line.

    Lines that begin with a blank are commands: only a remark behind one is words.
    """
    lines = paragraph.strip("\n").split("\n")
    if lines[0].strip() == _LITERAL:
        return lines[1:]
    return [" ".join(paragraph.split())]


def _width(text: str) -> int:
    from evidencekit.read.bidi import width_of

    return width_of(text)


def _laid_out(text: str, width: int) -> list[str]:
    from evidencekit.read.bidi import laid_out

    return laid_out(text, width)
