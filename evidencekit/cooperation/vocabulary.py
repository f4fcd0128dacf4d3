"""What labels of columns and members mean, and what certificates are called: words as data, in `vocabulary.toml`.

Promises: a label that is not in the list means nothing; none is guessed. Source: specs/cooperation.md section 8.2.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN = re.compile(r"[\W_]+")
_LONGEST = 80
_UTC = ("utc", "gmt", "z")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a label says of the values that stand under it."""

    kind: str | None = None
    """Of identifiers; `category`; `time`; None: nothing that is known."""
    is_utc: bool = False
    """It says that its times are UTC."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of `vocabulary.toml`."""

    kinds: Mapping[str, str]
    """Label to its kind."""
    certificate_names: frozenset[str]
    certificate_texts: tuple[str, ...]


@cache
def vocabulary() -> Vocabulary:
    """Return the words that come with the program."""
    said = tomllib.loads((resources.files(__package__) / "vocabulary.toml").read_text(encoding="utf-8"))
    kinds = {label: kind for kind, labels in said["label"].items() for label in labels}
    certificate = said["certificate"]
    return Vocabulary(kinds, frozenset(certificate["name"]), tuple(certificate["text"]))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a name in small letters: `phoneNumber`, `Phone Number` and `phone_number` have the same."""
    return tuple(word for word in _BETWEEN.split(_HUMP.sub(" ", text).casefold()) if word)


@lru_cache(maxsize=4096)
def meaning_of(label: str | None) -> Meaning:
    """Return what a label says; a number at its end and a time zone do not matter to what it is about."""
    if label is None or len(label) > _LONGEST:
        return Meaning()
    words = words_of(label)
    is_utc = bool(words) and words[-1] in _UTC
    while len(words) > 1 and (words[-1] in _UTC or words[-1].isdigit()):
        words = words[:-1]
    return Meaning(vocabulary().kinds.get(" ".join(words)), is_utc)


def names_certificate(name: str) -> bool:
    """Tell whether the name of a file says that it is a certificate or a declaration."""
    return not vocabulary().certificate_names.isdisjoint(words_of(name))


def speaks_of_certificate(text: str) -> bool:
    """Tell whether a line of text is one that certificates of records have."""
    folded = " ".join(text.casefold().split())
    return any(said in folded for said in vocabulary().certificate_texts)
