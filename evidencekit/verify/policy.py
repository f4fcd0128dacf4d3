"""The policy folder: what the recipient demands, and whom he believes. Nothing of it comes from what was received.

Promise: read strictly. A member, line or key that is not understood is refused, because a demand must never be dropped
in silence. Source: specs/policy.md.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from evidencekit.core.allowed_signers import AllowedSigner, parse_allowed_signers
from evidencekit.core.checkpoint import check_origin
from evidencekit.core.finding import ASPECTS
from evidencekit.core.merkle import SIZE_LIMIT
from evidencekit.core.note import VerifierKey
from evidencekit.core.sshkeys import ALGORITHMS, check_fingerprint, fingerprint
from evidencekit.core.values import display, parse_instant, short
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.tlog_policy import TlogPolicy, parse_tlog_policy

ALWAYS_REQUIRED = frozenset({"record", "identity", "custody"})
MAX_FILE = 4 << 20
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
class Policy:
    """A policy folder, read."""

    require: frozenset[str]
    """Aspects that must be ok."""
    algorithms: Mapping[str, int | None]
    """SSH key type to the last instant (nanoseconds since 1970) at which it was accepted; None: always."""
    rules: Mapping[str, LogRule]
    """By origin."""
    signers: tuple[AllowedSigner, ...]
    logs: TlogPolicy
    revoked: Mapping[str, Revocation]
    """By fingerprint."""

    def log_keys(self, origin: str) -> tuple[VerifierKey, ...]:
        """Return the keys that logs.policy lists for an origin."""
        return tuple(key for key in self.logs.logs if key.name == origin)

    def rule(self, origin: str) -> LogRule:
        """Return what policy.toml says about an origin; nothing, where it does not name it."""
        return self.rules.get(origin) or LogRule(origin)

    def signers_of(self, key: str) -> list[AllowedSigner]:
        """Return the lines of allowed_signers with the key of this fingerprint."""
        return [signer for signer in self.signers if fingerprint(signer.key.blob) == key]


def read_policy(folder: Path) -> Policy:
    """Read a policy folder.

    Raises:
        BadArgument: U222, a file is missing, cannot be read, or says something that is not understood.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise _bad(f"{display(str(folder))} is not a folder.")
    settings = _toml(folder, "policy.toml")
    try:
        return Policy(
            require=ALWAYS_REQUIRED | _aspects(settings.get("require", [])),
            algorithms=_algorithms(settings.get("algorithms", {})),
            rules=_log_rules(settings),
            signers=parse_allowed_signers(_read(folder, "allowed_signers")),
            logs=parse_tlog_policy(_read(folder, "logs.policy")),
            revoked=_revoked(_toml(folder, "revoked.toml") if os.path.lexists(folder / "revoked.toml") else {}),
        )
    except FormatError as error:
        raise _bad(f"{display(str(folder))}: {error.message}") from error


def _bad(message: str) -> BadArgument:
    return BadArgument(message, code="U222", hint="A policy folder holds what specs/policy.md says.")


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.exists() and not path.is_file():
        raise _bad(f"{display(str(path))} is not a plain file.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise _bad(f"{display(str(path))} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_FILE:
        raise _bad(f"{display(str(path))} is larger than {MAX_FILE} bytes.")
    return data


def _toml(folder: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(folder, name).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(f"{display(str(folder / name))} is not TOML: {error}.") from error


def _only(table: Mapping[str, Any], known: set[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise FormatError(f"{place} {short(name)}", expected="one of " + ", ".join(sorted(known)), found="this")


def _tables(settings: Mapping[str, Any], name: str, place: str) -> list[dict[str, Any]]:
    tables = settings.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise FormatError(f"{place} [[{name}]]", expected="tables", found=short(tables))
    return tables


def _strings(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise FormatError(place, expected="an array of strings", found=short(value))
    return tuple(value)


def _size(value: object, place: str) -> int:
    if type(value) is not int or not 0 <= value < SIZE_LIMIT:
        raise FormatError(place, expected="a tree size", found=short(value))
    return value


def _aspects(value: object) -> frozenset[str]:
    names = _strings(value, "policy.toml require")
    for name in names:
        if name not in ASPECTS:
            raise FormatError("policy.toml require", expected="one of " + ", ".join(ASPECTS), found=short(name))
    return frozenset(names)


def _algorithms(value: object) -> dict[str, int | None]:
    if not isinstance(value, dict):
        raise FormatError("policy.toml [algorithms]", expected="a table", found=short(value))
    accepted: dict[str, int | None] = {}
    for name, until in value.items():
        place = f"policy.toml [algorithms] {short(name)}"
        if name not in ALGORITHMS:
            raise FormatError(place, expected="one of " + ", ".join(ALGORITHMS), found="another name")
        if until is not True and (not isinstance(until, date) or isinstance(until, datetime)):
            raise FormatError(place, expected="a date, or true", found=short(str(until)))
        accepted[name] = None if until is True else _end_of(until)
    return accepted


def _end_of(day: date) -> int:
    """Return the last nanosecond of a day, UTC."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return _nanoseconds(midnight) + 86_400 * 1_000_000_000 - 1


def _nanoseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def _log_rules(settings: dict[str, Any]) -> dict[str, LogRule]:
    _only(settings, {"version", "require", "algorithms", "log"}, "policy.toml")
    if type(settings.get("version")) is not int or settings["version"] != 1:
        raise FormatError("policy.toml version", expected="1", found=short(settings.get("version")))
    rules: dict[str, LogRule] = {}
    for table in _tables(settings, "log", "policy.toml"):
        rule = _log_rule(table)
        if rule.origin in rules:
            raise FormatError("policy.toml [[log]]", expected="each origin once", found=short(rule.origin))
        rules[rule.origin] = rule
    return rules


def _log_rule(table: dict[str, Any]) -> LogRule:
    place = "policy.toml [[log]]"
    _only(table, {"origin", "all_required_from", "min_size", "vouched_by"}, place)
    origin = table.get("origin")
    if not isinstance(origin, str):
        raise FormatError(f"{place} origin", expected="an origin", found=short(origin))
    check_origin(origin)
    return LogRule(
        origin,
        all_required_from=_size(table["all_required_from"], f"{place} all_required_from")
        if "all_required_from" in table
        else None,
        min_size=_size(table["min_size"], f"{place} min_size") if "min_size" in table else None,
        vouched_by=_strings(table.get("vouched_by", []), f"{place} vouched_by"),
    )


def _revoked(settings: dict[str, Any]) -> dict[str, Revocation]:
    _only(settings, {"key"}, "revoked.toml")
    revoked: dict[str, Revocation] = {}
    for table in _tables(settings, "key", "revoked.toml"):
        place = "revoked.toml [[key]]"
        _only(table, {"fingerprint", "reason", "sizes", "not_after"}, place)
        key, reason = table.get("fingerprint"), table.get("reason")
        if not isinstance(key, str) or not isinstance(reason, str):
            raise FormatError(place, expected="a fingerprint and a reason", found="less")
        check_fingerprint(key)
        if key in revoked:
            raise FormatError(place, expected="each key once", found=key)
        sizes = table.get("sizes", {})
        if not isinstance(sizes, dict):
            raise FormatError(f"{place} sizes", expected="origins and tree sizes", found=short(sizes))
        for origin in sizes:
            check_origin(origin)
        revoked[key] = Revocation(
            reason,
            {origin: _size(size, f"{place} sizes {origin}") for origin, size in sizes.items()},
            _instant(table["not_after"], f"{place} not_after") if "not_after" in table else None,
        )
    return revoked


def _instant(value: object, place: str) -> int:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return _nanoseconds(value)
    if isinstance(value, str):
        return parse_instant(value, place)
    raise FormatError(place, expected="an instant, as in 2026-11-22T09:15:02Z", found=short(str(value)))
