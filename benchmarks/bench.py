"""The folder in which the runs happen: corpora, cases and bags, made when they are wanted and removed after use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpus import KINDS, copy_real
from benchmarks.machine import ROOT
from benchmarks.measure import measured

EXHIBIT = "EX-001"
_SCRIPT = Path(sys.executable).with_name("evidencekit")
PROGRAM = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "evidencekit"]
"""As a user starts it."""
SEALED = frozenset({0, 6})
"""Exit statuses of an acquisition that was made: 6 tells of omissions."""
VERIFIED = frozenset({0, 7})
"""Exit statuses of a case that is intact: 7 says that no policy was given, so that nobody's identity was checked."""


class Sealed(NamedTuple):
    """A case, and the log keys that belong to it."""

    case: Path
    log_key: Path

    @property
    def manifest(self) -> Path:
        """Its catalogue."""
        return self.case / "manifests" / "00000001.parquet"


@dataclass(slots=True)
class Bench:
    """Where things are, and how large they are to be."""

    folder: Path
    sizes: Mapping[str, int]
    """By the names of `corpus.KINDS`."""
    real: Sequence[Path]
    real_files: int | None
    workers: int
    """Processes that a peer which can use several is given."""
    _made: dict[str, str] = field(default_factory=dict)
    _numbers: int = 0

    def corpus(self, name: str) -> Path:
        """Return a corpus, made unless it is there; `real` is a copy of real trees."""
        place = self.folder / "corpus" / name
        if name not in self._made:
            print(f"  making the corpus {name} …", flush=True)
            if name == "real":
                unreadable = copy_real(place, self.real, self.real_files)
                trees = " and ".join(
                    str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path) for path in self.real
                )
                left_out = f", {unreadable} unreadable left out" if unreadable else ""
                self._made[name] = f"{_told(place)} of {trees}{left_out}"
            else:
                KINDS[name](place, self.sizes[name])
                self._made[name] = _told(place)
        return place

    def about(self, name: str) -> str:
        """Return how large a corpus that was made is."""
        return self._made[name]

    def drop(self, name: str) -> None:
        """Remove a corpus that no further task needs."""
        if self._made.pop(name, None) is not None:
            shutil.rmtree(self.folder / "corpus" / name)

    def new(self, word: str) -> Path:
        """Return a name that does not exist yet."""
        self._numbers += 1
        return self.folder / f"{word}-{self._numbers}"

    # --- cases ---

    @property
    def key(self) -> Path:
        """Return the key that signs, made unless it is there."""
        key = self.folder / "examiner"
        if not key.exists():
            measured([*PROGRAM, "key", "new", str(key), "--no-passphrase"])
        return key

    @contextmanager
    def opened(self) -> Iterator[Sealed]:
        """Give a new case in which nothing is sealed yet."""
        made = Sealed(self.new("case"), self.new("log").with_suffix(".pem"))
        try:
            measured(
                [*PROGRAM, "init", str(made.case), "--reference", "24-117", "--agency", "Unit 7", "--origin",
                 "bench.example/24-117", "--signer", str(self.key), "--log-key", str(made.log_key)]
            )  # fmt: skip
            yield made
        finally:
            shutil.rmtree(made.case, ignore_errors=True)
            made.log_key.unlink(missing_ok=True)

    def acquire(self, to: Sealed, source: Path, *options: str) -> list[str]:
        """Return the command that acquires a source."""
        return [
            *PROGRAM, "acquire", str(to.case), str(source), "--exhibit", EXHIBIT, "--signer", str(self.key),
            "--log-key", str(to.log_key), "--quiet", *options,
        ]  # fmt: skip

    @contextmanager
    def acquiring(self, source: Path, *options: str) -> Iterator[list[str]]:
        """Give the command that acquires a source into a new case."""
        with self.opened() as made:
            yield self.acquire(made, source, *options)

    @contextmanager
    def sealed(self, source: Path, *options: str) -> Iterator[Sealed]:
        """Give a case in which a source is sealed."""
        with self.opened() as made:
            measured(self.acquire(made, source, *options), allowed=SEALED)
            yield made

    @contextmanager
    def resuming(self, sealed: Sealed, source: Path) -> Iterator[list[str]]:
        """Give the command that makes the media types of a sealed case, in a copy of it."""
        with self.copied(sealed.case) as case:
            yield self.acquire(Sealed(case, sealed.log_key), source, "--resume")

    # --- copies and bags ---

    @contextmanager
    def copied(self, folder: Path, *, links: bool = False) -> Iterator[Path]:
        """Give a copy of a folder; with `links` a tree of hard links to the same files."""
        place = self.new("copy")
        try:
            _copy(folder, place, links=links)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    @contextmanager
    def bagging(self, source: Path) -> Iterator[list[str]]:
        """Give the command that makes a bag of a source. A bag moves its files: so it gets hard links to them."""
        with self.copied(source, links=True) as place:
            yield self.bagit("--sha256", str(place))

    @contextmanager
    def bag(self, source: Path) -> Iterator[Path | None]:
        """Give a bag of a copy of a source; None where the program is missing."""
        if not has_bagit():
            yield None
            return
        with self.copied(source) as place:
            measured(self.bagit("--sha256", str(place)))
            yield place

    def bagit(self, *arguments: str) -> list[str]:
        """Return a command of bagit-python."""
        return [sys.executable, "-m", "bagit", "--quiet", "--processes", str(self.workers), *arguments]


def has_bagit() -> bool:
    """Tell whether bagit-python is there for the interpreter that runs this."""
    return subprocess.run([sys.executable, "-c", "import bagit"], capture_output=True, check=False).returncode == 0


def _copy(source: Path, target: Path, *, links: bool) -> None:
    make: Callable[[str, str], object] = os.link if links else shutil.copy2
    shutil.copytree(source, target, copy_function=make, symlinks=True)


def _told(folder: Path) -> str:
    files = size = 0
    for base, _, names in os.walk(folder):
        for name in names:
            place = Path(base, name)
            if not place.is_symlink():
                files += 1
                size += place.stat().st_size
    amount = f"{size / (1 << 30):.2f} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.1f} MiB"
    return f"{files:,} file{'s' * (files != 1)}, {amount}"
