"""The desks at which contents are typed: an engine each, a way to the files each, and what is known already.

Promises: an opinion is about the content that was sealed; errors are of one file and never of its twins.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

from evidencekit.acquire.libmagic import Opinion, Typer
from evidencekit.read.beneath import Beneath
from evidencekit.read.problem import Problem

MAX_CONTENTS = 65_536
"""Contents that are remembered at one time, or those of the last batch where they are more."""
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


class _Desk:
    """One engine, and its own way to the files."""

    def __init__(self, typer: Typer, files: Beneath) -> None:
        self.typer = typer
        self.files = files

    def look(self, bases: Sequence[Base]) -> list[Opinion]:
        """Return what the engine says about some files, or why it was not asked."""
        return [self._look(base) for base in bases]

    def _look(self, base: Base) -> Opinion:
        handle = self.files.open(base.path)
        if isinstance(handle, Problem):
            return Opinion(None, None, _WORDS.get(handle.reason, "not readable"))
        try:
            if not _as_sealed(base, os.fstat(handle)):
                return _CHANGED
            opinion = self.typer.opinion(handle)
            return opinion if _as_sealed(base, os.fstat(handle)) else _CHANGED
        finally:
            os.close(handle)


class Desks:
    """As many desks as there are workers, each with a thread."""

    def __init__(self, source: Path, make_typer: Callable[[], Typer], workers: int) -> None:
        with ExitStack() as stack:
            self._desks = [_Desk(make_typer(), stack.enter_context(Beneath(source))) for _ in range(max(1, workers))]
            self._threads = stack.enter_context(ThreadPoolExecutor(len(self._desks), "libmagic"))
            self._stack = stack.pop_all()
        first = self._desks[0].typer
        self.engine = {"data_sha256": first.data_sha256, "name": "libmagic", "version": first.version}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def look(self, bases: Sequence[Base]) -> list[Opinion]:
        """Return the opinions about some files; neighbours in the tree go to the same desk."""
        size = -(-len(bases) // len(self._desks)) or 1
        parts = [bases[at : at + size] for at in range(0, len(bases), size)]
        if len(parts) < 2:
            return self._desks[0].look(bases)
        jobs = [self._threads.submit(desk.look, part) for desk, part in zip(self._desks, parts, strict=False)]
        return [opinion for job in jobs for opinion in job.result()]


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
