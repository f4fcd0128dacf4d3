"""The desks at which contents are typed: an engine each, a way to the files each, and what is known already.

Promises: an opinion is about the content that was sealed; errors are of one file and never of its twins.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from evidencekit.acquire.libmagic import Opinion, Typer
from evidencekit.errors import CannotFinish
from evidencekit.read.beneath import Beneath
from evidencekit.read.problem import Problem
from evidencekit.read.workers import InOrder, Workers

MAX_CONTENTS = 65_536
"""Contents that are remembered at one time, or those of the last batch where they are more."""
_CHUNK = 32
"""Files that a desk looks at before it gives its answers: text takes a millisecond each."""
_CHANGED = Opinion(None, None, "changed since sealing")
_WORDS = {
    "not_found": "gone since sealing",
    "changed_kind": "changed since sealing",
    "permission_denied": "not readable",
}


class Base(NamedTuple):
    """What the sealed manifest says about a file."""

    place: int
    """Its index in the base manifest."""
    path: bytes
    size: int | None
    mtime_ns: int | None
    sha256: bytes | None


class Opinions:
    """Distinct opinions, each with its number: there are few of them, whatever the number of files."""

    def __init__(self) -> None:
        self.known: list[Opinion] = []
        """By number."""
        self._numbers: dict[Opinion, int] = {}

    def number(self, opinion: Opinion) -> int:
        """Return the number of an opinion."""
        found = self._numbers.get(opinion)
        if found is None:
            found = self._numbers[opinion] = len(self.known)
            self.known.append(opinion)
        return found


class Desk:
    """One engine, and its own way to the files."""

    def __init__(self, source: Path, make_typer: Callable[[], Typer]) -> None:
        self._typer = make_typer()
        self._files = Beneath(source)
        self.engine = {
            "data_sha256": self._typer.data_sha256,
            "name": "libmagic",
            "version": self._typer.version,
        }

    def close(self) -> None:
        """Give back the way to the files."""
        self._files.close()

    def look(self, bases: Sequence[Base]) -> list[Opinion]:
        """Return what the engine says about some files, or why it was not asked."""
        return [self._look(base) for base in bases]

    def _look(self, base: Base) -> Opinion:
        handle = self._files.open(base.path)
        if isinstance(handle, Problem):
            return Opinion(None, None, _WORDS.get(handle.reason, "not readable"))
        try:
            if not _as_sealed(base, os.fstat(handle)):
                return _CHANGED
            opinion = self._typer.opinion(handle)
            return opinion if _as_sealed(base, os.fstat(handle)) else _CHANGED
        finally:
            os.close(handle)


class Desks:
    """A desk here, or one in each worker process: all with one and the same engine."""

    def __init__(self, source: Path, make_typer: Callable[[], Typer], jobs: int) -> None:
        """Take the source, what makes an engine, and how many processes may look: with 1 none is started.

        Raises:
            CannotFinish: X430, X431, X435 the source, X434 no libmagic, X451 no worker.
        """
        self._desk = Desk(source, make_typer)
        self.engine = self._desk.engine
        self._workers = None if jobs == 1 else Workers(jobs, _prepare, source, make_typer, self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.close()
        if self._workers is not None:
            self._workers.close()

    def look(self, bases: Sequence[Base]) -> list[Opinion]:
        """Return the opinions about some files; neighbours in the tree go to the same desk."""
        if self._workers is None or len(bases) < _CHUNK:
            return self._desk.look(bases)
        chunks = (bases[at : at + _CHUNK] for at in range(0, len(bases), _CHUNK))
        in_order: InOrder[Sequence[Base], list[Opinion]] = InOrder(self._workers)
        return [opinion for opinions in in_order.results(chunks) for opinion in opinions]


def _prepare(
    _tell: Callable[[int], None], source: Path, make_typer: Callable[[], Typer], engine: dict[str, str | None]
) -> Callable[[Sequence[Base], list[int]], list[Opinion]]:
    """Make a desk in a worker process."""
    desk = Desk(source, make_typer)
    if desk.engine != engine:  # the opinions are to be one engine's, and it is named in the record
        raise CannotFinish("The libmagic of this computer was exchanged just now.", code="X434", hint="Start again.")
    return lambda bases, _handles: desk.look(bases)


class Typed:
    """Numbers of opinions by content: one that was typed lately is not typed again."""

    def __init__(self, desks: Desks, opinions: Opinions) -> None:
        self._desks = desks
        self._opinions = opinions
        self._recent: OrderedDict[bytes, int] = OrderedDict()

    def choices(self, bases: Sequence[Base]) -> list[int]:
        """Return the number of the opinion about each file.

        An opinion holds for all files of the same content; an error only for the file that had it.
        """
        found: dict[int, int] = {}
        while len(found) < len(bases):
            asked: dict[bytes | int, int] = {}
            for at, base in enumerate(bases):
                if at in found:
                    continue
                known = None if base.sha256 is None else self._recent.get(base.sha256)
                if known is not None and base.sha256 is not None:
                    self._recent.move_to_end(base.sha256)
                    found[at] = known
                else:
                    asked.setdefault(base.place if base.sha256 is None else base.sha256, at)
            places = list(asked.values())
            for at, opinion in zip(places, self._desks.look([bases[at] for at in places]), strict=True):
                found[at] = number = self._opinions.number(opinion)
                sha256 = bases[at].sha256
                if sha256 is not None and opinion.error is None:
                    self._recent[sha256] = number
            self._forget(len(bases))
        return [found[at] for at in range(len(bases))]

    def _forget(self, spare: int) -> None:
        while len(self._recent) > max(MAX_CONTENTS, spare):
            self._recent.popitem(last=False)


def _as_sealed(base: Base, status: os.stat_result) -> bool:
    return base.size in {None, status.st_size} and base.mtime_ns in {None, status.st_mtime_ns}
