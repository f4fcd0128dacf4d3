"""What is said to people: the sections of the catalogues, in the six UN languages; those of the report in more.

Promises: a text that a translation does not have yet is given in English, never left out; what fills a placeholder is
never read as a placeholder itself. Values are the caller's to make harmless (`core.values.display`).
Source: specs/texts/ (in an installed package `evidencekit/texts/`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh")
"""Codes of ISO 639-1, English first: it is the one that nobody translated. These catalogues are complete."""
REPORT_LANGUAGES = (*LANGUAGES, "vi", "kk")
"""Languages of the report: those after LANGUAGES have what it shows alone, its sections and the titles of findings."""
SECTION = "field"
_ASKED = re.compile("([?\uff1f\u061f])[.\u3002]")
"""A title that is a question ends as one."""
_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "texts", _PACKAGE.parent / "specs" / "texts")
"""Where catalogues lie: in a wheel or binary, in a source tree."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language."""

    language: str
    name: str
    """The language, as it calls itself."""
    is_rtl: bool
    """Tell whether it is written from right to left."""
    is_draft: bool
    """Tell whether no person has gone over the translation."""
    _section: str
    _catalogues: tuple[dict[str, Any], ...]
    """Whole: of this language, then the English one."""

    def __call__(self, key: str, **values: object) -> str:
        """Return a text, each `{name}` filled with the value of that name.

        Raises:
            KeyError: there is no such text, or a placeholder got no value: a fault of the program.
        """
        own, english = self._catalogues
        return str(own.get(self._section, {}).get(key) or english[self._section][key]).format_map(values)

    def word(self, section: str, key: str, member: str | None = None) -> str:
        """Return a text of any section as it stands; `member` of those that have several, as `title` of a finding.

        Raises:
            KeyError: there is no such text: a fault of the program.
        """
        own, english = (one.get(section, {}) for one in self._catalogues)
        found = own if key in own and (member is None or member in own[key]) else english
        return str(found[key] if member is None else found[key][member])

    def has_word(self, section: str, key: str) -> bool:
        """Tell whether a section has such a text."""
        return any(key in one.get(section, {}) for one in self._catalogues)

    def finding(self, code: str) -> str:
        """Return the title of a finding. Raises KeyError: there is no such code."""
        return self.word("findings", code, "title")

    def refusal(self, code: str) -> str | None:
        """Return what a code of `core.refusals` means and what to do about it.

        None: in English the message says that itself; or the language has no words for this code.
        """
        own = self._catalogues[0].get("refusals", {}).get(code)
        if own is None or self.language == "en":
            return None
        return _ASKED.sub(r"\1", self.word(SECTION, "refused").format(code=code, **own))

    def help(self, english: str) -> str:
        """Return the translation of a text of `--help`; the text itself where there is none."""
        return str(_help(self.language).get(english, english))

    def __contains__(self, key: object) -> bool:
        """Tell whether there is such a text."""
        return key in self._catalogues[1][self._section]


def load_texts(language: str, section: str = SECTION) -> Texts:
    """Return the texts of one of REPORT_LANGUAGES: those of the field, or another section of the catalogues.

    Raises:
        KeyError: another language or section. OSError: the program's own files are missing.
    """
    if language not in REPORT_LANGUAGES:
        raise KeyError(language)
    own, english = _catalogue(language), _catalogue("en")
    if section not in english:
        raise KeyError(section)
    return Texts(
        language=language,
        name=own["name"],
        is_rtl=own["direction"] == "rtl",
        is_draft=own["status"] == "draft",
        _section=section,
        _catalogues=(own, english),
    )


def language_of(locale: str, known: tuple[str, ...] = LANGUAGES) -> str:
    """Return the language of a locale's name, as in `fr_CH.UTF-8`; English where it is none that is known."""
    language = locale.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return language if language in known else "en"


@cache
def _catalogue(language: str) -> dict[str, Any]:
    """Return a whole catalogue."""
    return _read(f"{language}.json")


@cache
def _help(language: str) -> dict[str, Any]:
    """Return English texts of `--help` with their translations: a file of its own, since few runs need it."""
    return {} if language == "en" else _read(f"help/{language}.json")


def _read(name: str) -> dict[str, Any]:
    place = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
    found: dict[str, Any] = json.loads((place / name).read_text(encoding="utf-8"))
    return found
