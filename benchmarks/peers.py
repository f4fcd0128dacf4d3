"""How other tools are asked for the same: their commands, over a folder or over one file."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Failed

Ready = Callable[[], AbstractContextManager[list[str]]]
"""Makes outside of the timing what a run needs, gives the command, and tidies up after it."""

HASHDEEP = ["hashdeep", "-r", "-c", "sha256"]
HASHDEEP_TWO = ["hashdeep", "-r", "-c", "md5,sha256"]
OPENSSL = ["openssl", "dgst", "-sha256"]
SHA256SUM = ["sha256sum"]
B3SUM = ["b3sum"]
RCLONE = ["rclone", "hashsum", "--config=", "--skip-links", "sha256"]
RHASH = ["rhash", "--sha256", "-r"]
CAT = ["cat"]
_NAMES = {"cat": "plain read: cat", "b3sum": "b3sum (BLAKE3 alone)"}


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that does the task."""

    name: str
    ready: Ready
    goal: float | None = None
    """How many times as long as evidencekit it is to take at least."""
    needs: str | None = None
    """The program that has to be there."""
    allowed: frozenset[int] = frozenset({0})
    """Exit statuses of success."""
    is_limit: bool = False
    """It does less than the task: it shows what the machine gives."""


def plain(command: list[str], place: Path, *, goal: float | None = None) -> Contender:
    """Return a peer that walks folders by itself, or takes one file."""
    return _contender(command, [*command, str(place)], "", goal)


def by_xargs(command: list[str], folder: Path, *, workers: int, batch: int, goal: float | None = None) -> Contender:
    """Return a peer that is given `batch` files at a time, `workers` of it side by side."""
    line = f"find {shlex.quote(str(folder))} -type f -print0 | xargs -0 -P {workers} -n {batch} {shlex.join(command)}"
    return _contender(command, ["sh", "-c", line], f", {workers} by xargs", goal)


def fixed(command: list[str]) -> Ready:
    """Return what is ready without any preparation."""
    return lambda: nullcontext(command)


def missing(name: str, needs: str) -> Contender:
    """Return a contender that cannot run since its preparation could not be made."""

    def refuse() -> AbstractContextManager[list[str]]:
        raise Failed(f"{needs} is missing")

    return Contender(name, refuse, needs=needs)


def _contender(command: list[str], whole: list[str], how: str, goal: float | None) -> Contender:
    is_limit = command is CAT
    name = _NAMES.get(command[0]) or _name(command)
    return Contender(name + how, fixed(whole), goal, command[0], is_limit=is_limit)


def _name(command: list[str]) -> str:
    words = [word.lstrip("-") for word in command if word not in {"-r", "-c", "--config=", "--skip-links", "dgst"}]
    return " ".join(words)
