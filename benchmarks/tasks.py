"""The tasks: what evidencekit does in each, who else does it, and which ratio it is to reach."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import EXHIBIT, PROGRAM, SEALED, VERIFIED, Bench, Sealed
from benchmarks.corpus import small_file
from benchmarks.measure import measured
from benchmarks.packages import checking, making
from benchmarks.peers import (
    B3SUM,
    CAT,
    HASHDEEP,
    HASHDEEP_TWO,
    OPENSSL,
    RCLONE,
    RHASH,
    SHA256SUM,
    Contender,
    by_xargs,
    fixed,
    missing,
    plain,
)

FACTS_ONLY = "--no-identify"
_SMALL_CASE = 10
"""Rows of the case whose proof costs what any proof costs."""


@dataclass(frozen=True, slots=True)
class Task:
    """Contenders for one job; the first is evidencekit."""

    title: str
    contenders: list[Contender]
    times: int = 1
    """As many times the rounds that were asked for: more for what takes a fraction of a second."""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """A task that can be asked for, and the corpus that it needs."""

    corpus: str
    make: Callable[[Bench, Path], AbstractContextManager[Task]]


def _acquire(bench: Bench, source: Path, name: str = "evidencekit acquire") -> Contender:
    return Contender(name, lambda: bench.acquiring(source, FACTS_ONLY), allowed=SEALED)


@contextmanager
def _small(bench: Bench, folder: Path) -> Iterator[Task]:
    def batches(command: list[str]) -> Contender:
        return by_xargs(command, folder, workers=bench.workers, batch=256)

    yield Task(
        "Seal many small files",
        [
            _acquire(bench, folder),
            plain(HASHDEEP, folder, goal=2),
            plain(HASHDEEP_TWO, folder),
            batches(SHA256SUM),
            batches(OPENSSL),
            batches(B3SUM),
            plain(RCLONE, folder),
            plain(RHASH, folder),
            Contender(f"bagit create, {bench.workers} processes", lambda: bench.bagging(folder), needs="bagit"),
            batches(CAT),
        ],
    )


@contextmanager
def _one(bench: Bench, folder: Path) -> Iterator[Task]:
    file = next(folder.iterdir())
    yield Task(
        "Seal one large file",
        [
            _acquire(bench, file),
            plain(HASHDEEP, file, goal=4),
            plain(OPENSSL, file, goal=0.95),
            *(plain(command, file) for command in (SHA256SUM, B3SUM, RCLONE, CAT)),
        ],
    )


@contextmanager
def _medium(bench: Bench, folder: Path) -> Iterator[Task]:
    def batches(command: list[str], goal: float | None = None) -> Contender:
        return by_xargs(command, folder, workers=bench.workers, batch=16, goal=goal)

    yield Task(
        "Seal files of 1 MiB",
        [
            _acquire(bench, folder),
            plain(HASHDEEP, folder, goal=2.5),
            batches(OPENSSL, 0.65),
            batches(SHA256SUM),
            batches(B3SUM),
            plain(RCLONE, folder),
            batches(CAT),
        ],
    )


@contextmanager
def _tree(bench: Bench, folder: Path) -> Iterator[Task]:
    def batches(command: list[str], goal: float | None = None) -> Contender:
        return by_xargs(command, folder, workers=bench.workers, batch=64, goal=goal)

    yield Task(
        "Seal a real system tree",
        [
            _acquire(bench, folder),
            plain(RCLONE, folder, goal=2.2),
            batches(OPENSSL, 0.6),
            batches(SHA256SUM),
            batches(B3SUM),
            batches(CAT),
        ],
    )


@contextmanager
def _verify(bench: Bench, folder: Path) -> Iterator[Task]:
    with bench.bag(folder) as bag, bench.sealed(folder, FACTS_ONLY) as sealed:
        command = [*PROGRAM, "verify", str(sealed.case), "--source", f"{EXHIBIT}={folder}", "--quiet"]
        name = f"bagit validate, {bench.workers} processes"
        yield Task(
            "Verify a case against its small files",
            [
                Contender("evidencekit verify --source", fixed(command), allowed=VERIFIED),
                missing(name, "bagit")
                if bag is None
                else Contender(name, fixed(bench.bagit("--validate", str(bag))), goal=3, needs="bagit"),
                Contender("evidencekit acquire", lambda: bench.acquiring(folder, FACTS_ONLY), goal=1, allowed=SEALED),
            ],
        )


def _types(title: str, goal: float) -> Callable[[Bench, Path], AbstractContextManager[Task]]:
    @contextmanager
    def make(bench: Bench, folder: Path) -> Iterator[Task]:
        files = bench.new("files")
        try:
            files.write_bytes(b"".join(bytes(path) + b"\0" for path in sorted(folder.rglob("*")) if path.is_file()))
            with bench.sealed(folder, FACTS_ONLY) as sealed:
                libmagic = [
                    sys.executable,
                    "-m",
                    "benchmarks.plain_types",
                    str(files),
                    "--processes",
                    str(bench.workers),
                ]
                yield Task(
                    title,
                    [
                        Contender(
                            "evidencekit acquire --resume", lambda: bench.resuming(sealed, folder), allowed=SEALED
                        ),
                        Contender(f"plain libmagic, {bench.workers} processes", fixed(libmagic), goal=goal),
                    ],
                )
        finally:
            files.unlink(missing_ok=True)

    return make


@contextmanager
def _start(_bench: Bench, _folder: Path) -> Iterator[Task]:
    yield Task(
        "Start the program",
        [
            Contender("evidencekit --version", fixed([*PROGRAM, "--version"])),
            Contender("python -c pass", fixed([sys.executable, "-c", "pass"]), goal=1 / 3, is_limit=True),
        ],
        times=5,
    )


@contextmanager
def _proof(bench: Bench, folder: Path) -> Iterator[Task]:
    count = bench.sizes["tiny"]
    row = f"{EXHIBIT}:{small_file(count // 2)}"
    few = bench.new("few")
    few.mkdir()
    for name in ("a", *map(str, range(_SMALL_CASE - 3))):
        (few / name).touch()
    with bench.sealed(few, FACTS_ONLY) as small, bench.sealed(folder, FACTS_ONLY) as large:
        least, whole = _proof_reads(bench, small, f"{EXHIBIT}:a"), _proof_reads(bench, large, row)
        size = large.manifest.stat().st_size
        yield Task(
            "Prove one row of a large case",
            [
                Contender("evidencekit prove", lambda: _proving(bench, large, row)),
                Contender(
                    "evidencekit verify", fixed([*PROGRAM, "verify", str(large.case), "--quiet"]), 50, allowed=VERIFIED
                ),
            ],
            facts={
                "Bytes read for one proof, by read calls": f"{max(0, whole - least):,} more than in a case of "
                f"{_SMALL_CASE} rows; the manifest has {size:,}",
            },
        )
    shutil.rmtree(few)


@contextmanager
def _proving(bench: Bench, sealed: Sealed, row: str) -> Iterator[list[str]]:
    out = bench.new("proof")
    try:
        yield [*PROGRAM, "prove", str(sealed.case), row, "-o", str(out), "--quiet"]
    finally:
        out.unlink(missing_ok=True)


def _proof_reads(bench: Bench, sealed: Sealed, row: str) -> int:
    """Return the bytes read for a proof, the program's own files among them; the second time, all is compiled."""
    for _ in range(2):
        with _proving(bench, sealed, row) as command:
            read = measured(command).read
    return read


@contextmanager
def _package(bench: Bench, folder: Path) -> Iterator[Task]:
    with bench.sealed(folder, FACTS_ONLY) as sealed:
        yield Task("Make a package with all content", making(bench, sealed, folder))


@contextmanager
def _package_verify(bench: Bench, folder: Path) -> Iterator[Task]:
    with bench.sealed(folder, FACTS_ONLY) as sealed, checking(bench, sealed, folder) as contenders:
        yield Task("Check a package with all content", contenders)


TASKS: Mapping[str, Planned] = {
    "small": Planned("small", _small),
    "verify": Planned("small", _verify),
    "one": Planned("large", _one),
    "medium": Planned("medium", _medium),
    "tree": Planned("real", _tree),
    "types-binary": Planned("binary", _types("Media types: binary files, 30 % repeated", 2)),
    "types-text": Planned("text", _types("Media types: text files, none repeated", 0.9)),
    "start": Planned("", _start),
    "proof": Planned("tiny", _proof),
    "package": Planned("packaged", _package),
    "package-verify": Planned("packaged", _package_verify),
    "package-large": Planned("medium", _package),
    "package-large-verify": Planned("medium", _package_verify),
}
"""In the order in which they run: tasks that share a corpus follow each other."""
