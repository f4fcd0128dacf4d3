"""The language in which commands answer: English, unless `--lang` or EVIDENCEKIT_LANG names another.

Promises: the system's locale changes nothing here, since scripts read what is printed; what programs read (`--json`,
codes, digests, names, paths) is the same in each language; a refusal keeps its English message, which has the facts;
that a translation is a draft is said once, at the end, on stderr.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.cli.render import Screen
    from evidencekit.read.texts import Texts

VARIABLE = "EVIDENCEKIT_LANG"
SECTION = "cli"
DONE = "done"
"""The section of what a command did, in a sentence."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Speech:
    """The language of one run of the program, and whether somebody heard it."""

    asked: str | None = None
    """One of `read.texts.LANGUAGES`; None: nobody asked for one."""
    was_heard: bool = False

    def texts(self) -> Texts | None:
        """Return the words of the language; None for English, which stands in the program itself."""
        if self.asked in {None, "en"}:
            return None
        from evidencekit.read.texts import load_texts

        return load_texts(str(self.asked), SECTION)

    def hear(self) -> Texts | None:
        """Return the same for words that somebody is going to read."""
        texts = self.texts()
        self.was_heard = self.was_heard or texts is not None
        return texts

    def end(self, screen: Screen) -> None:
        """Say that what was heard is a draft, if it is one."""
        texts = self.texts() if self.was_heard else None
        if texts is not None and texts.is_draft:
            screen.aside(texts.word("field", "draft"))


def lang_option(function: F) -> F:
    """Add --lang to a command that `cli.main.run` runs: to it, and to all below it."""
    known = "en, fr, es, ar, ru or zh"
    about = f"Language of the answers, and of a --help behind it: {known}. Default: {VARIABLE}, else en."
    option = click.option(
        "--lang", envvar=VARIABLE, expose_value=False, is_eager=True, callback=_choose, metavar="CODE", help=about
    )  # eager: `--help` behind it is in the language
    return option(function)


def _choose(context: click.Context, _param: click.Parameter, value: str | None) -> None:
    """Keep the language that was asked for.

    Raises:
        BadArgument: U242, there are no words in it.
    """
    if value is None:
        return
    from evidencekit.core.values import display
    from evidencekit.read.texts import LANGUAGES

    if value not in LANGUAGES:
        said = display(value[:40])
        hint = f"Take one of {', '.join(LANGUAGES)}, by --lang or {VARIABLE}."
        raise BadArgument(f"There are no words in the language {said}.", code="U242", hint=hint)
    context.ensure_object(Speech).asked = value


def asked_language() -> str | None:
    """Return the language that somebody asked for this command to answer in."""
    speech = _speech()
    return None if speech is None else speech.asked


def asked_of(context: click.Context) -> Texts | None:
    """Return the words in which help is to be printed; None: English.

    `--help` is answered before the variable is looked at, so a language that nobody knows is not refused here.
    """
    speech, wished = context.ensure_object(Speech), os.environ.get(VARIABLE)
    if speech.asked is None and wished:
        from evidencekit.read.texts import LANGUAGES

        speech.asked = wished if wished in LANGUAGES else None
    return speech.hear()


def spoken(screen: Screen) -> Texts | None:
    """Return the words that a screen is to be filled with: section `cli`. None: English, or nobody reads it."""
    speech = _speech()
    if speech is None or screen.as_json:
        return None
    return speech.texts() if screen.quiet else speech.hear()


def tell(
    screen: Screen, *names: str, verdict: str | None = None, refusal: str | None = None,
    say: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Say beside English lines, which have the facts, what they came to; in English nothing.

    `names` are texts of section `done`; behind them a verdict is said by its name, a refusal by the words for its code.
    `say`: where a line goes, if not to the screen.
    """
    words = spoken(screen)
    if words is None:
        return
    said = [words.word(DONE, name) for name in names]
    if verdict is not None:
        said.append(words.word("verdicts", verdict, "title"))
    if refusal is not None:
        said.append(words.refusal(refusal) or refusal)
    for text in said:
        (say or screen.say)(f"  {text}")


def _speech() -> Speech | None:
    context = click.get_current_context(silent=True)
    return None if context is None else context.find_object(Speech)
