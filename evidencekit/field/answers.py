"""What somebody types for a question: brought to one spelling, read as the value of a record, shown again.

Promises: pure; what is not understood is refused with the name of a text that says what is expected, never guessed.
Digits of any script and full-width marks count as what they are. Source: specs/field.md section 2.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from evidencekit.core.checkpoint import check_origin
from evidencekit.core.schema import EXHIBIT, MAX_ARRAY, MAX_STRING
from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import display
from evidencekit.errors import FormatError
from evidencekit.field.table import Question

NONE = "0"
"""Typed for a list of which it is known that it is empty."""
TRUTH = ("yes", "no")
_SECOND = 1_000_000_000
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_OTHER_MARKS = str.maketrans(
    {"\uff1c": "<", "\u2039": "<", "\uff1f": "?", "\u061f": "?", "\uff1a": ":", "\uff1b": ";", "\u061b": ";"}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\uff0d", "-")
    | dict.fromkeys("\uff0c\u060c\u3001", ",")
)
"""Marks of full width, Arabic ones, dashes: as the Latin keyboard has them."""


class Unfit(Exception):
    """An answer is not what the question asks for."""

    def __init__(self, text: str, **values: object) -> None:
        """`text`: key of the text that says what is expected; `values` fill it."""
        super().__init__(text)
        self.text = text
        self.values = values


def plain(typed: str) -> str:
    """Return a command or number as the keyboard of the Latin script would give it."""
    return "".join(_digit(one) for one in typed.strip().translate(_OTHER_MARKS))


def codes(question: Question) -> tuple[str, ...]:
    """Return what is chosen from, in the order in which it is numbered; nothing where it is typed."""
    return TRUTH if question.kind == "truth" else question.choices


def normal(question: Question, typed: str, *, now: int, offset: int | None) -> str:
    """Return the one spelling of an answer; `now` and `offset` complete times of which only the hour was typed.

    Raises:
        Unfit: it is no answer to the question.
    """
    text = typed.strip()
    if any(unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} for one in text) and question.kind not in _PATHS:
        raise Unfit("bad_controls", shown=display(text[:40]))
    if len(text.encode(errors="surrogateescape")) > MAX_STRING:
        raise Unfit("bad_long", most=MAX_STRING)
    reader = _READERS.get(question.kind)
    return text if reader is None else reader(question, text, now, offset)


def value(question: Question, text: str) -> Any:
    """Return the value that a record has for an answer in its normal spelling."""
    match question.kind:
        case "texts" | "choices":
            return _listed(text)
        case "truth":
            return text == "yes"
        case "day" | "moment" | "clock":
            return parse_moment(text, question.key)
        case "photos":
            return [sha256 for _, sha256 in json.loads(text)]
    return text


def format_photos(photos: list[tuple[str, str]]) -> str:
    """Return the spelling of photographs: names and digests."""
    return json.dumps(sorted(photos))


def photos_of(text: str) -> list[tuple[str, str]]:
    """Return names and digests."""
    return [(name, sha256) for name, sha256 in json.loads(text)]


def shown(question: Question, text: str) -> str:
    """Return an answer as a person may see it; codes stay codes."""
    if question.kind == "photos":
        return display("; ".join(name for name, _ in photos_of(text)))
    if question.kind in {"moment", "clock"}:
        return display(text.replace("T", " "))
    return display(text)


def format_moment(ns: int, offset: int | None) -> str:
    """Return an instant as local time with its offset, to the second, as it is typed."""
    zone = UTC if offset is None else timezone(timedelta(minutes=offset))
    return datetime.fromtimestamp(ns // _SECOND, zone).isoformat(timespec="seconds")


# --- by kind ---------------------------------------------------------------------------------------------------------


def _choice(question: Question, text: str, _now: int, _offset: int | None) -> str:
    return _chosen(codes(question), text)


def _choices(question: Question, text: str, _now: int, _offset: int | None) -> str:
    parts = re.split(r"[\s,;]+", plain(text))
    return "; ".join(sorted({_chosen(question.choices, part) for part in parts if part}))


def _chosen(known: tuple[str, ...], text: str) -> str:
    number = plain(text)
    if number.isdecimal() and 1 <= int(number) <= len(known):
        return known[int(number) - 1]
    if text in known:
        return text
    raise Unfit("bad_choice", most=len(known))


def _texts(_question: Question, text: str, _now: int, _offset: int | None) -> str:
    parts = _listed(text.replace("\uff1b", ";").replace("\u061b", ";"))
    if plain(text) == NONE:
        return NONE
    if not parts or len(parts) > MAX_ARRAY:
        raise Unfit("bad_list")
    if len(set(parts)) != len(parts):
        raise Unfit("bad_twice")
    return "; ".join(parts)


def _listed(text: str) -> list[str]:
    return [] if text == NONE else [part for one in text.split(";") if (part := one.strip())]


def _count(_question: Question, text: str, _now: int, _offset: int | None) -> str:
    number = plain(text)
    if not number.isdecimal() or not 1 <= len(number) <= 9 or int(number) == 0:
        raise Unfit("bad_count")
    return str(int(number))


def _day(_question: Question, text: str, _now: int, _offset: int | None) -> str:
    day = plain(text)
    if not _DAY.match(day):
        raise Unfit("bad_day")
    return _checked(day, "bad_day")


def _moment(_question: Question, text: str, now: int, offset: int | None) -> str:
    typed = plain(text)
    clock = _CLOCK.match(typed)
    if clock:
        hour, minute, second = clock.groups()
        typed = f"{format_moment(now, offset)[:10]}T{hour:0>2}:{minute}" + (f":{second}" if second else "")
    typed = typed.replace(" ", "T", 1)
    _checked(typed, "bad_moment")
    when = datetime.fromisoformat(typed)
    if "T" not in typed:
        raise Unfit("bad_moment")
    return typed if when.tzinfo is not None or offset is None else typed + _offset_text(offset)


def _checked(text: str, key: str) -> str:
    try:
        parse_moment(text, key)
    except FormatError:
        raise Unfit(key) from None
    return text


def _offset_text(minutes: int) -> str:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{size // 60:02}:{size % 60:02}"


def _exhibit(_question: Question, text: str, _now: int, _offset: int | None) -> str:
    try:
        EXHIBIT.check(text, "exhibit")
    except FormatError:
        raise Unfit("bad_exhibit") from None
    if "/" in text:
        raise Unfit("bad_exhibit")
    return text


def _origin(_question: Question, text: str, _now: int, _offset: int | None) -> str:
    try:
        check_origin(text)
    except FormatError:
        raise Unfit("bad_origin") from None
    return text


def _digit(one: str) -> str:
    number = unicodedata.decimal(one, None)
    return one if number is None else str(number)


_PATHS = {"key", "second", "source", "photos"}
_READERS: dict[str, Callable[[Question, str, int, int | None], str]] = {
    "choice": _choice,
    "choices": _choices,
    "clock": _moment,
    "count": _count,
    "day": _day,
    "exhibit": _exhibit,
    "moment": _moment,
    "origin": _origin,
    "texts": _texts,
    "truth": _choice,
}
