"""policy.toml and revoked.toml of a policy folder: what is demanded, and which keys are no longer believed.

Promise: read strictly. A member that is not understood is refused, and the line is named where it can be told.
Source: specs/policy.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from evidencekit.core.checkpoint import check_origin
from evidencekit.core.finding import ASPECTS
from evidencekit.core.merkle import SIZE_LIMIT
from evidencekit.core.sshkeys import ALGORITHMS, check_fingerprint
from evidencekit.core.values import parse_instant, short
from evidencekit.errors import FormatError

ALWAYS_REQUIRED = frozenset({"record", "identity", "custody"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogRule:
    """One `[[log]]` table."""

    origin: str
    all_required_from: int | None = None
    """From this tree size on every listed key must have signed; None: one is enough."""
    min_size: int | None = None
    vouched_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revocation:
    """One `[[key]]` of revoked.toml."""

    reason: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Origin to the first index that is not believed."""
    not_after: int | None = None
    """Nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A policy.toml, read."""

    require: frozenset[str]
    """Aspects that must be ok."""
    algorithms: Mapping[str, int | None]
    """SSH key type to the last instant (nanoseconds since 1970) at which it was accepted; None: always."""
    rules: Mapping[str, LogRule]
    """By origin."""
    time: object
    """The table `[time]`, which `time_policy` reads."""


def parse_settings(data: bytes) -> Settings:
    """Read policy.toml.

    Raises:
        FormatError: it is not TOML, or says something that is not understood.
    """
    file = _Toml("policy.toml", data)
    _only(file.values, {"version", "require", "algorithms", "time", "log"}, file.name)
    version = file.values.get("version")
    if type(version) is not int or version != 1:
        raise FormatError(file.place("version"), expected="1", found=short(version))
    rules: dict[str, LogRule] = {}
    for place, table in file.tables("log"):
        rule = _log_rule(table, place)
        if rule.origin in rules:
            raise FormatError(place, expected="each origin once", found=short(rule.origin))
        rules[rule.origin] = rule
    return Settings(
        require=ALWAYS_REQUIRED | _aspects(file.values.get("require", []), file.place("require")),
        algorithms=_algorithms(file.values.get("algorithms", {}), file.place("[algorithms]")),
        rules=rules,
        time=file.values.get("time", {}),
    )


def parse_revoked(data: bytes) -> dict[str, Revocation]:
    """Read revoked.toml: what is revoked, by fingerprint.

    Raises:
        FormatError: it is not TOML, or says something that is not understood.
    """
    file = _Toml("revoked.toml", data)
    _only(file.values, {"key"}, file.name)
    revoked: dict[str, Revocation] = {}
    for place, table in file.tables("key"):
        _only(table, {"fingerprint", "reason", "sizes", "not_after"}, place)
        key, reason = table.get("fingerprint"), table.get("reason")
        if not isinstance(key, str) or not isinstance(reason, str):
            raise FormatError(place, expected="a fingerprint and a reason", found="less")
        check_fingerprint(key)
        if key in revoked:
            raise FormatError(place, expected="each key once", found=key)
        revoked[key] = Revocation(
            reason,
            _sizes(table.get("sizes", {}), f"{place} sizes"),
            _instant(table["not_after"], f"{place} not_after") if "not_after" in table else None,
        )
    return revoked


class _Toml:
    """A TOML file, and where in it things stand."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        try:
            self._text = data.decode()
            self.values: dict[str, Any] = tomllib.loads(self._text)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise FormatError(name, expected="TOML", found=str(error)) from error

    def place(self, begins: str, number: int = 0) -> str:
        """Name the place of the line that begins so, the `number`-th of them; without its line where it has none."""
        begin = re.compile(rf"\s*{re.escape(begins)}(?![\w-])")
        lines = [line for line, text in enumerate(self._text.split("\n"), 1) if begin.match(text)]
        return f"{self.name} line {lines[number]}: {begins}" if number < len(lines) else f"{self.name} {begins}"

    def tables(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        """Give the tables `[[name]]`, each with its place."""
        found = self.values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
            raise FormatError(self.place(name), expected=f"tables [[{name}]]", found=short(found))
        return [(self.place(f"[[{name}]]", number), table) for number, table in enumerate(found)]


def _only(table: Mapping[str, Any], known: set[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise FormatError(f"{place} {short(name)}", expected="one of " + ", ".join(sorted(known)), found="this")


def _strings(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise FormatError(place, expected="an array of strings", found=short(value))
    return tuple(value)


def _size(value: object, place: str) -> int:
    if type(value) is not int or not 0 <= value < SIZE_LIMIT:
        raise FormatError(place, expected="a tree size", found=short(value))
    return value


def _sizes(value: object, place: str) -> dict[str, int]:
    if not isinstance(value, dict):
        raise FormatError(place, expected="origins and tree sizes", found=short(value))
    for origin in value:
        check_origin(origin)
    return {origin: _size(size, f"{place} {origin}") for origin, size in value.items()}


def _aspects(value: object, place: str) -> frozenset[str]:
    names = _strings(value, place)
    for name in names:
        if name not in ASPECTS:
            raise FormatError(place, expected="one of " + ", ".join(ASPECTS), found=short(name))
    return frozenset(names)


def _algorithms(value: object, place: str) -> dict[str, int | None]:
    if not isinstance(value, dict):
        raise FormatError(place, expected="a table", found=short(value))
    accepted: dict[str, int | None] = {}
    for name, until in value.items():
        if name not in ALGORITHMS:
            raise FormatError(
                f"{place} {short(name)}", expected="one of " + ", ".join(ALGORITHMS), found="another name"
            )
        if until is not True and (not isinstance(until, date) or isinstance(until, datetime)):
            raise FormatError(f"{place} {name}", expected="a date, or true", found=short(str(until)))
        accepted[name] = None if until is True else _end_of(until)
    return accepted


def _end_of(day: date) -> int:
    """Return the last nanosecond of a day, UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return _nanoseconds(midnight) + 86_400 * 1_000_000_000 - 1


def _nanoseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def _log_rule(table: dict[str, Any], place: str) -> LogRule:
    _only(table, {"origin", "all_required_from", "min_size", "vouched_by"}, place)
    origin = table.get("origin")
    if not isinstance(origin, str):
        raise FormatError(f"{place} origin", expected="an origin", found=short(origin))
    check_origin(origin)
    sizes = {name: _size(table[name], f"{place} {name}") for name in ("all_required_from", "min_size") if name in table}
    return LogRule(origin, vouched_by=_strings(table.get("vouched_by", []), f"{place} vouched_by"), **sizes)


def _instant(value: object, place: str) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _nanoseconds(value)
    if isinstance(value, str):
        return parse_instant(value, place)
    raise FormatError(place, expected="an instant, as in 2026-11-22T09:15:02Z", found=short(str(value)))
