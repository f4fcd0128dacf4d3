"""Facts under words of another language than English.

Promise: in a language that is written from right to left no line has both its words and a fact, but for a number:
terminals turn mixed lines in different ways (`read.bidi`), and a name from evidence must not move what stands beside
it. A line of facts alone reads the same everywhere. Facts are the caller's to make harmless (`core.values.display`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidencekit.core.values import THIN_SPACE

if TYPE_CHECKING:
    from evidencekit.cli.render import Screen
    from evidencekit.read.texts import Texts

LABELS = "ui"
"""The section that has labels of a verification, for the page in the browser and for here."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A screen that is filled in a language; `words` are those of section `cli`."""

    screen: Screen
    words: Texts

    def label(self, key: str) -> str:
        """Return a label of a verification."""
        return self.words.word(LABELS, key)

    def fact(self, label: str, value: str, style: str | None = None, *, indent: int = 2) -> None:
        """Print a label and a fact."""
        pad, colon = " " * indent, self.label("colon")
        if self.words.is_rtl and not value.replace(THIN_SPACE, "").isdecimal():
            self.screen.say(f"{pad}{label}{colon}".rstrip(), style)
            self.screen.say(f"{pad}  {value}", style)
        else:
            self.screen.say(f"{pad}{label}{colon}{value}", style)

    def facts(self, *pairs: tuple[str, str | None], indent: int = 2) -> None:
        """Print labels and facts; what is None is left out."""
        for label, value in pairs:
            if value is not None:
                self.fact(label, value, indent=indent)

    def heading(self, text: str) -> None:
        """Print a heading, after an empty line."""
        self.screen.say()
        self.screen.say(text, "bold")
