"""What is recognised in one file of a return: identifiers, times, categories, a certificate. Pure: values in.

Promises: what is asked for is found in every form that section 8.2 has, and in no other; memory is bounded, whatever
the values are. Recognised is all that it is: nobody checked that it is true. Source: specs/cooperation.md section 8.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from evidencekit.cooperation.identifiers import LEAST_BARE, normal, phone_of, self_evident
from evidencekit.cooperation.spans import ISO_WITHIN, Period, Span, day_of, period_of, span_of
from evidencekit.cooperation.vocabulary import Meaning, meaning_of, names_certificate, speaks_of_certificate, words_of
from evidencekit.core.request import IDENTIFIER_TYPES

MAX_TEXT = 4096
"""Characters of a value that are looked at."""
MAX_DAYS = 36_525
"""Days of a period in which missing stretches are looked for."""
MAX_OTHERS = 50_000
"""Identifiers that nobody asked for which are kept, by file, and of a return."""
_LONGEST_KEPT = 512
"""Characters of one of these."""
_LEAST = 4
"""Characters of an identifier without a form of its own, as of an account, where no label says what it is."""
_CACHED = 128
"""Characters up to which what a text is is kept for the next time."""
_FORMLESS = frozenset({"account", "device", "other", "wallet"})
_LISTED = re.compile(r"[,;|]")
_WORDS = re.compile(r"[\s,;|<>()\[\]{}\"']+")
_BEFORE = re.compile(r"\A(?:[A-Z][\w.\-]{0,59}=|mailto:|tel:)(?=\S)", re.IGNORECASE)
"""What stands before an identifier and is no part of it, as in `src=203.0.113.7`."""

Identifier = tuple[str, str]
"""Kind and form."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, as far as data can be compared with it."""

    identifiers: tuple[Identifier, ...]
    """Type and value, as the request has them."""
    categories: tuple[str, ...]
    period: Period | None
    days: range
    """Days of UTC since 1970 within the period; none where they cannot be told, or are too many."""
    exact: Mapping[Identifier, frozenset[int]]
    """The one form to its places among the identifiers."""
    folded: Mapping[Identifier, frozenset[int]]
    """The same without regard to capitals."""
    kinds: frozenset[str]


def asked_of(record: Mapping[str, Any]) -> Asked:
    """Return what a request asks for; `record` as `core.request` has it."""
    said = tuple((one["type"], one["value"]) for one in record.get("identifiers", []))
    exact: dict[Identifier, frozenset[int]] = {}
    folded: dict[Identifier, frozenset[int]] = {}
    for place, (kind, value) in enumerate(said):
        form = normal(kind, value) or value.strip()
        exact[kind, form] = exact.get((kind, form), frozenset()) | {place}
        folded[kind, form.casefold()] = folded.get((kind, form.casefold()), frozenset()) | {place}
    period = period_of(record)
    days = range(0) if period is None else period.days()
    categories = tuple(record.get("categories", []))
    kinds = frozenset(kind for kind, _ in said)
    return Asked(said, categories, period, days if len(days) <= MAX_DAYS else range(0), exact, folded, kinds)


@dataclass(slots=True)
class Times:
    """Times that were recognised."""

    count: int = 0
    places: Counter[str] = field(default_factory=Counter)
    """Of them `inside`, `outside` of the asked period, `unsure`."""
    unread: int = 0
    """Values under a label of times that are of no form that is read."""
    earliest: tuple[Span, str] | None = None
    """With the text that says so."""
    latest: tuple[Span, str] | None = None
    days: set[int] = field(default_factory=set)
    """Days of the asked period, of UTC since 1970, on which one of them may lie."""

    def add(self, span: Span, text: str, asked: Asked) -> None:
        """Count a time."""
        self.count += 1
        self._widen((span, text), (span, text))
        if asked.period is not None:
            self.places[asked.period.place(span)] += 1
            first, last = day_of(span.first), day_of(span.last)
            self.days.update(range(max(first, asked.days.start), min(last + 1, asked.days.stop)))

    def merge(self, other: Times) -> None:
        """Add the times of another file."""
        self.count += other.count
        self.unread += other.unread
        self.places += other.places
        self.days |= other.days
        if other.earliest is not None and other.latest is not None:
            self._widen(other.earliest, other.latest)

    def _widen(self, first: tuple[Span, str], last: tuple[Span, str]) -> None:
        if self.earliest is None or first[0].first < self.earliest[0].first:
            self.earliest = first
        if self.latest is None or last[0].last > self.latest[0].last:
            self.latest = last


@dataclass(slots=True)
class Sighting:
    """What was recognised in one file. `read` takes its values."""

    file: str
    asked: Asked
    is_text: bool = False
    """Its values are lines."""
    exact: set[int] = field(default_factory=set)
    """Places of asked identifiers that are in it."""
    folded: set[int] = field(default_factory=set)
    """Of those that are in it with other capitals."""
    others: Counter[Identifier] = field(default_factory=Counter)
    """Identifiers that nobody asked for, and how often."""
    has_more: bool = False
    """There were more of these."""
    categories: set[str] = field(default_factory=set)
    """Asked categories that its name, or a value under such a label, names."""
    times: Times = field(default_factory=Times)
    certificate: str = ""
    """What says that it is one: `name` or `text`."""
    values: int = 0
    cut: int = 0
    """Values that are longer than what is looked at."""

    def __post_init__(self) -> None:
        parts = re.split(r"[/:]", self.file)
        for part in parts:
            self._note_categories(part)
        if names_certificate(parts[-1]):
            self.certificate = "name"

    def read(self, values: Iterable[tuple[str | None, str]]) -> None:
        """Recognise what is in values, each with its label."""
        for label, text in values:
            self.values += 1
            if len(text) > MAX_TEXT:
                self.cut += 1
                text = text[:MAX_TEXT]  # noqa: PLW2901 (of a longer one the beginning)
            meaning = meaning_of(label)
            self._note(text, meaning)
            if self.is_text:
                if label is not None and meaning.kind is None:  # no label, but the beginning of the line
                    self._note(label, meaning)
                if not self.certificate and speaks_of_certificate(f"{label or ''} {text}"):
                    self.certificate = "text"

    def _note(self, text: str, meaning: Meaning) -> None:
        if meaning.kind == "category":
            self._note_categories(text)
        self._note_time(text, is_said=meaning.kind == "time", is_utc=meaning.is_utc)
        if meaning.kind != "time":
            self._note_identifiers(text, meaning.kind if meaning.kind in IDENTIFIER_TYPES else None)

    def _note_categories(self, text: str) -> None:
        words = set(words_of(text))
        self.categories |= {name for name in self.asked.categories if words.issuperset(words_of(name))}

    def _note_time(self, text: str, *, is_said: bool, is_utc: bool) -> None:
        span = span_of(text, is_said=is_said, is_utc=is_utc)
        if span is None and self.is_text and (within := ISO_WITHIN.search(text)) is not None:
            text = within[0]
            span = span_of(text, is_said=is_said, is_utc=is_utc)
        if span is not None:
            self.times.add(span, text, self.asked)
        elif is_said and any(map(str.isdigit, text)):
            self.times.unread += 1

    def _note_identifiers(self, text: str, kind: str | None) -> None:
        """Recognise a value; where it is none, what it lists; where that is none, its words."""
        whole = text.strip()
        if self._note_identifier(whole, kind):
            return
        pieces = [piece.strip() for piece in _LISTED.split(whole)]
        for piece in pieces:
            if len(pieces) > 1 and self._note_identifier(piece, kind):
                continue
            words = _WORDS.split(piece)
            for word in words if len(words) > 1 else ():
                self._note_identifier(word.rstrip(".:"), None)

    def _note_identifier(self, text: str, kind: str | None) -> bool:
        """Recognise one text; tell whether it is an identifier."""
        if not text:
            return False
        look = recognised if len(text) <= _CACHED else recognised.__wrapped__
        found, may_be = look(text, kind, self.asked.kinds)
        if not may_be:
            return False
        exact = {place for one in may_be for place in self.asked.exact.get(one, ())}
        folded = {place for kind, form in may_be for place in self.asked.folded.get((kind, form.casefold()), ())}
        self.exact |= exact
        self.folded |= folded - exact
        if not folded:  # which has what is exactly so, too
            for one in found:
                if one in self.others or (len(self.others) < MAX_OTHERS and len(one[1]) <= _LONGEST_KEPT):
                    self.others[one] += 1
                else:
                    self.has_more = True
        return bool(found or folded)


@lru_cache(maxsize=1 << 14)
def recognised(
    text: str, label: str | None, kinds: frozenset[str]
) -> tuple[frozenset[Identifier], frozenset[Identifier]]:
    """Return what a text is by its form or its label, and, besides, what it is if it is one of some kinds.

    Cached, for returns say the same again and again.
    """
    bare = _BEFORE.sub("", text)
    found = frozenset(self_evident(bare))
    if not found and label is not None:
        form = phone_of(bare, least_bare=0) if label == "phone" else normal(label, bare)
        found = frozenset() if form is None else frozenset({(label, form)})
    asked = {one for spelt in {bare, text} for one in _as_asked(spelt, label, kinds)}
    return found, found | asked


def _as_asked(text: str, label: str | None, kinds: Iterable[str]) -> Iterator[Identifier]:
    for kind in kinds:
        if kind in _FORMLESS and len(text) < _LEAST and label != kind:
            continue
        form = phone_of(text, least_bare=LEAST_BARE) if kind == "phone" else normal(kind, text)
        if form is not None:
            yield kind, form
        if form != text and (len(text) >= _LEAST or label == kind):
            yield kind, text  # what is asked in no form of its kind, as a network, is found where it stands just so
