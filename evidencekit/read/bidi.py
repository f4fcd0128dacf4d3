"""Texts laid out for terminals: lines that fit by the cells that they fill, in any of the six languages.

Arabic stands in logical order, as it is typed, and no invisible marks are added. Nobody can ask a terminal whether it
turns and joins Arabic letters by itself (VTE, Konsole, mlterm, the terminal of macOS do; xterm, the Linux console, tmux
and most serial programs do not), and each other choice is wrong on some of them: letters put in visual order are turned
back by the first kind, and copied from any they are backwards; isolates (U+2066 to U+2069) are ignored by VTE, drawn as
boxes by others, and noise on a serial line. Reordering alone would not do either: the letters must be joined, too, by
another library. So what must be read without doubt (digests, exhibits, file names, commands) belongs on a line of its
own: a line without Arabic letters reads the same everywhere. On paper and in HTML the isolates are there (`report`).

Promise: no character is moved, and none lost but blanks where a line is broken; a line is longer than `width` only
where one character is.
Source: Unicode Standard Annexes 9 (bidirectional), 11 (width), 14 (line breaking: a small part of it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_WORDS = re.compile(r"[\S\u00a0\u202f]+[^\S\u00a0\u202f]*")
"""What stands together: French marks with the blank before them, which binds."""
_NOT_FIRST = frozenset("、。，．：；！？）】》」』…%)]},.;:!?»")  # noqa: RUF001 (Chinese marks)
"""What never begins a line."""
_NOT_LAST = frozenset("（【《「『([{«")  # noqa: RUF001
"""What never ends one."""


def width_of(text: str) -> int:
    """Return how many cells a line of text fills: Chinese characters two, combining marks none."""
    return cell_len(text)


def laid_out(text: str, width: int) -> list[str]:
    """Return a text as lines of at most `width` cells; breaks in it stay.

    Words are broken where they are longer than a line, and Chinese between characters.
    """
    return [line for paragraph in text.split("\n") for line in _filled(paragraph, width)]


def _filled(paragraph: str, width: int) -> Iterator[str]:
    """Yield the lines of a paragraph; at least one."""
    line = ""
    for piece in _pieces(paragraph, width):
        if line and width_of((line + piece).rstrip()) > width:
            yield line.rstrip()
            line = piece.lstrip()
        else:
            line += piece
    yield line.rstrip()


def _pieces(paragraph: str, width: int) -> Iterator[str]:
    """Yield what must stay together, with the blanks after it: words, and characters of Chinese with their marks."""
    lead = len(paragraph) - len(paragraph.lstrip())
    if lead:
        yield paragraph[:lead]
    for word in _WORDS.findall(paragraph[lead:]):
        piece = ""
        for char in word:
            if piece and not char.isspace() and (_may_break(piece[-1], char) or width_of(piece + char) > width):
                yield piece
                piece = ""
            piece += char
        yield piece


def _may_break(before: str, after: str) -> bool:
    """Tell whether a line may end between two characters that no blank is between."""
    return (_is_wide(before) or _is_wide(after)) and after not in _NOT_FIRST and before not in _NOT_LAST


def _is_wide(char: str) -> bool:
    return cell_len(char) == 2
