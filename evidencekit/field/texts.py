"""What is said to people in the field, in the six UN languages: sections `field` and `refusals` of the catalogues.

Promises: a text that a translation does not have yet is given in English, never left out; what fills a placeholder is
never read as a placeholder itself. Values are the caller's to make harmless (`core.values.display`).
Source: specs/texts/ (in an installed package `evidencekit/texts/`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh")
"""Codes of ISO 639-1, English first: it is the one that nobody translated."""
SECTION = "field"
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
    _own: dict[str, str]
    _english: dict[str, str]
    _findings: dict[str, dict[str, str]]
    _refusals: dict[str, dict[str, str]]
    """Of this language alone."""

    def __call__(self, key: str, **values: object) -> str:
        """Return a text, each `{name}` filled with the value of that name.

        Raises:
            KeyError: there is no such text, or a placeholder got no value: a fault of the program.
        """
        return (self._own.get(key) or self._english[key]).format_map(values)

    def finding(self, code: str) -> str:
        """Return the title of a finding. Raises KeyError: there is no such code."""
        return self._findings[code]["title"]

    def refusal(self, code: str) -> str | None:
        """Return what a code of `core.refusals` means and what to do about it.

        None: in English the message says that itself; or the language has no words for this code.
        """
        own = self._refusals.get(code)
        return None if own is None or self.language == "en" else self("refused", code=code, **own)

    def __contains__(self, key: object) -> bool:
        """Tell whether there is such a text."""
        return key in self._english


def load_texts(language: str, section: str = SECTION) -> Texts:
    """Return the texts of one of LANGUAGES: those of the field, or another section of the catalogues.

    Raises:
        KeyError: another language. OSError: the program's own files are missing.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    own, english = _catalogue(language), _catalogue("en")
    return Texts(
        language=language,
        name=own["name"],
        is_rtl=own["direction"] == "rtl",
        is_draft=own["status"] == "draft",
        _own=own.get(section, {}),
        _english=english[section],
        _findings={**english.get("findings", {}), **own.get("findings", {})},
        _refusals=own.get("refusals", {}),
    )


def language_of(locale: str) -> str:
    """Return the language of a locale's name, as in `fr_CH.UTF-8`; English where it is none of LANGUAGES."""
    language = locale.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return language if language in LANGUAGES else "en"


@cache
def _catalogue(language: str) -> dict[str, Any]:
    """Return a whole catalogue."""
    place = next((place for place in _PLACES if place.is_dir()), _PLACES[0])
    catalogue: dict[str, Any] = json.loads((place / f"{language}.json").read_text(encoding="utf-8"))
    return catalogue
