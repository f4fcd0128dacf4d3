"""Does memory stay flat as the number of files grows, and time grow in step with it?

Seals and verifies trees of growing size, each in processes of their own, and prints seconds, and the peak memory of the
first process and of the largest of its workers. No figure here is a test.

    python -m benchmarks.scale 10000 100000 1000000
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bench import PROGRAM, SEALED, VERIFIED, Bench
from benchmarks.corpus import make_small_files
from benchmarks.machine import cores
from benchmarks.measure import Usage, measured
from benchmarks.ratios import exponent

STEPS = ("seal", "media types", "verify", "index and first search", "prove")
"""What is measured for each count."""


class Took(NamedTuple):
    """What one step took."""

    wall: float
    parent: int
    """Bytes of resident memory of the first process, at most."""
    worker: int
    """The same of the largest of its workers; 0 where it has none."""

    @classmethod
    def of(cls, usage: Usage) -> Took:
        """Return what was measured."""
        return cls(usage.wall, usage.first, usage.worker)


@dataclass(frozen=True, slots=True)
class Size:
    """The figures of one count."""

    files: int
    rows: int
    """Folders are rows too."""
    steps: dict[str, Took]
    manifest: int
    """Bytes of the sealed catalogue."""
    case: int
    """Bytes of the case without its index."""

    @classmethod
    def of(cls, record: dict[str, Any]) -> Size:
        """Return what was written as this JSON object."""
        return cls(**{**record, "steps": {name: Took(*took) for name, took in record["steps"].items()}})

    def as_record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def measure_scale(bench: Bench, counts: Sequence[int]) -> Iterator[Size]:
    """Measure each count in turn."""
    for count in counts:
        source = bench.new("scale")
        make_small_files(source, count)
        try:
            with bench.opened() as made:
                case, out = str(made.case), bench.new("proof")
                steps = {
                    "seal": measured(bench.acquire(made, source, "--no-identify"), allowed=SEALED),
                    "media types": measured(bench.acquire(made, source, "--resume"), allowed=SEALED),
                    "verify": measured([*PROGRAM, "verify", case, "--quiet"], allowed=VERIFIED),
                    "index and first search": measured([*PROGRAM, "find", case, "--name", "*7.dat", "--quiet"]),
                    "prove": measured([*PROGRAM, "prove", case, f"EX-001#{count // 2}", "-o", str(out), "--quiet"]),
                }
                out.unlink()
                yield Size(
                    files=count,
                    rows=count + sum(1 for path in source.rglob("*") if path.is_dir()) + 1,
                    steps={name: Took.of(usage) for name, usage in steps.items()},
                    manifest=made.manifest.stat().st_size,
                    case=sum(
                        path.stat().st_size
                        for path in made.case.rglob("*")
                        if path.is_file() and not path.name.startswith("index.sqlite")
                    ),
                )
        finally:
            shutil.rmtree(source)


def exponents(sizes: Sequence[Size]) -> dict[str, float | None]:
    """Return for each step e of time ~ files^e: 1 is in step with the count."""
    counts = [size.files for size in sizes]
    return {name: exponent(counts, [size.steps[name].wall for size in sizes]) for name in STEPS}


def table(sizes: Sequence[Size]) -> list[str]:
    """Return the figures as lines of Markdown."""
    lines = [
        f"| files | {' | '.join(STEPS)} | manifest, bytes a row | case on disk |",
        f"|{'---|' * (len(STEPS) + 3)}",
    ]
    for size in sizes:
        cells = [
            f"{took.wall:.1f} s, {took.parent / 2**20:.0f} MiB"
            + (f" (worker {took.worker / 2**20:.0f})" if took.worker else "")
            for took in (size.steps[name] for name in STEPS)
        ]
        lines.append(
            f"| {size.files:,} | {' | '.join(cells)} | {size.manifest / size.rows:.0f} | {size.case / 2**20:,.1f} MiB |"
        )
    found = exponents(sizes)
    if len(sizes) > 1:
        shown = (f"{value:.2f}" if (value := found[name]) is not None else "" for name in STEPS)
        lines.append(f"| time ~ files^e, e = | {' | '.join(shown)} | | |")
    return lines


def main() -> None:
    """Measure the counts of the command line."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), {}, (), None, cores())
        sizes = list(measure_scale(bench, [int(word) for word in sys.argv[1:] or ("10000", "100000")]))
    print("\n".join(table(sizes)))


if __name__ == "__main__":
    main()
