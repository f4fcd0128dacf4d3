"""What somebody brings to a command: a policy folder, a file. Bounded, and judged by whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.core.values import format_instant
from evidencekit.errors import BadArgument, FormatError

if TYPE_CHECKING:
    from datetime import date

    from evidencekit.verify.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])
_SHA256_DIGITS = 64
_A_TIME = "As in 2026-11-22 or 2026-11-22T09:00:00Z; without an offset it is read as UTC."
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def policy_option(text: str) -> Callable[[F], F]:
    """Return what adds --policy; `text` says what the folder is asked for."""
    folder = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.option("--policy", type=folder, metavar="DIR", help=text)


def policy_in(folder: Path | None) -> Policy | None:
    """Read a policy folder, if one was named.

    Raises:
        BadArgument: U222, it says something that is not understood.
    """
    from evidencekit.verify.policy import read_policy

    return None if folder is None else read_policy(folder)


def bytes_of(path: Path, limit: int) -> bytes:
    """Return a file; one byte more than `limit` where it is larger, which its reader refuses.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(limit + 1)


def size_value(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return bytes: 4096, 10M, 2G."""
    if value is None:
        return None
    number, unit = (value[:-1], value[-1].upper()) if value[-1:].upper() in {"K", "M", "G", "T"} else (value, "")
    if not number.isascii() or not number.isdigit():
        raise BadArgument(f"{value!r} is not a size.", code="U207", hint="As in 4096, 10M, 2G (powers of 1024).")
    return int(number) * _UNITS[unit]


def time_value(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return nanoseconds since 1970; without an offset it is UTC."""
    if value is None:
        return None
    from datetime import UTC, datetime

    try:
        when = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadArgument(f"{value!r} is not a time.", code="U208", hint=_A_TIME) from error
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    moment = (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
    try:
        format_instant(moment)
    except FormatError as error:
        raise BadArgument(f"{value!r} is no time of the years 1 to 9999 in UTC.", code="U208", hint=_A_TIME) from error
    return moment


def digest_value(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Return a SHA-256 in lower-case hex; blanks, as a letter may have them, do not count."""
    if value is None:
        return None
    digest = "".join(value.split()).lower()
    if len(digest) != _SHA256_DIGITS or set(digest) - set("0123456789abcdef"):
        raise BadArgument(f"{value[:100]!r} is no SHA-256.", code="U213", hint="64 hex digits: all of the digest.")
    return digest


def now_option(function: F) -> F:
    """Add --now."""
    text = "Judge as of this time, not by the clock: for tests and for looking ahead."
    return click.option("--now", metavar="T", callback=time_value, help=text)(function)


def day_of(now: int | None) -> date:
    """Return the day of a time in nanoseconds since 1970 (UTC), or today."""
    from datetime import UTC, datetime

    from evidencekit.cli.surroundings import clock

    return datetime.fromtimestamp((clock() if now is None else now) // 1_000_000_000, UTC).date()
