"""What an acquisition is given: what the operator chose, what the case says, what the computer lends; whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from evidencekit.read.evidence import Reader

_Name: TypeAlias = bytes


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator chose."""

    digests: tuple[str, ...] = ("blake3", "sha256")
    """SHA-256 and BLAKE3 are made always; beside them `md5 sha1 sha512 sha3_256`."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sensitive: bool = False
    """True: leaves in shuffled order, so that places do not tell where hidden names sort."""
    copies: bool = False
    """True: the content of each file is kept in `objects/`."""

    @property
    def all_digests(self) -> list[str]:
        """The digests that are made, sorted."""
        return sorted({*self.digests, "blake3", "sha256"})

    def record(self) -> dict[str, Any]:
        """Return the header's `options`."""
        return {
            "copies": self.copies,
            "exclude": list(self.exclude),
            "include": list(self.include),
            "sensitive": self.sensitive,
        }


@dataclass(frozen=True, slots=True)
class About:
    """What a header says that does not come from the source."""

    case: bytes
    """The 16-byte identity."""
    exhibit: str
    options: Options
    program: dict[str, Any]
    """Name, version and parts, as manifest headers carry it."""
    host: str | None
    utc_offset_min: int | None


@dataclass(frozen=True, slots=True)
class Edge:
    """What a pure program has not: time, randomness, the calls that read."""

    clock: Callable[[], int]
    """Nanoseconds since 1970."""
    random: Callable[[int], bytes]
    reader: Callable[[Sequence[str]], Reader] = Reader
    jobs: int = 1
    """Processes that read; with more than one, what is lent here goes to other processes, too."""


@dataclass(slots=True)
class Progress:
    """How far it is. `path` is of the row begun last; a name, so to be escaped before it is shown."""

    phase: str = "take"
    """`take`, `retry`, `compose`, `check`, `identify`."""
    files: int = 0
    bytes: int = 0
    omissions: int = 0
    kept: int = 0
    """Rows from before an interruption."""
    path: _Name = b""


Tell: TypeAlias = Callable[[Progress], None]
