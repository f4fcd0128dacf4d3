"""Does memory stay flat as a package grows, and time grow in step with it? Rows without content, and three of them.

python -m benchmarks.package_scale 10000 100000 1000000
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.bench import EXHIBIT, PROGRAM, VERIFIED, Bench, Sealed
from benchmarks.corpus import make_small_files, small_file
from benchmarks.machine import cores
from benchmarks.measure import Usage, measured
from benchmarks.packages import export_command
from benchmarks.ratios import exponent
from benchmarks.scale import Took

STEPS = ("export", "verify", "receive", "export three", "verify three")
"""What is measured for each count: all rows without their content; three of all."""


@dataclass(frozen=True, slots=True)
class PackageSize:
    """The figures of one count."""

    files: int
    steps: dict[str, Took]
    size: int
    """Bytes of the package of all rows."""
    read: int
    """Bytes that were read to make the package of three."""
    read_three: int
    """Bytes that were read to verify it."""

    @classmethod
    def of(cls, record: dict[str, Any]) -> PackageSize:
        """Return what was written as this JSON object."""
        return cls(**{**record, "steps": {name: Took(*took) for name, took in record["steps"].items()}})

    def as_record(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def measure_package_scale(bench: Bench, counts: Sequence[int]) -> Iterator[PackageSize]:
    """Measure each count in turn."""
    for count in counts:
        source = bench.new("packaged")
        make_small_files(source, count)
        try:
            with bench.sealed(source, "--no-identify") as sealed:
                yield _measure(bench, sealed, count)
        finally:
            shutil.rmtree(source)


def _measure(bench: Bench, sealed: Sealed, count: int) -> PackageSize:
    whole, three = (bench.new("package").with_suffix(".zip") for _ in range(2))
    rows = [f"--rows={EXHIBIT}:{small_file(count * part // 7)}" for part in (1, 3, 5)]
    try:
        used = {"export": measured(export_command(bench, sealed, whole, "--zip", "--hash-only"))}
        used["verify"] = _verified(whole)
        used["receive"] = _received(bench, whole)
        used["export three"] = measured(export_command(bench, sealed, three, "--zip", *rows))
        used["verify three"] = _verified(three)
        return PackageSize(
            files=count,
            steps={name: Took.of(usage) for name, usage in used.items()},
            size=whole.stat().st_size,
            read=used["export three"].read,
            read_three=used["verify three"].read,
        )
    finally:
        for place in (whole, three):
            place.unlink(missing_ok=True)


def _verified(package: Path) -> Usage:
    return measured([*PROGRAM, "verify", str(package), "--quiet"], allowed=VERIFIED)


def _received(bench: Bench, package: Path) -> Usage:
    case = bench.new("received")
    key, receipt = case.with_suffix(".pem"), case.with_suffix(".json")
    try:
        return measured(
            [*PROGRAM, "receive", str(package), "--into", str(case), "--signer", str(bench.key), "--log-key", str(key),
             "--receipt", str(receipt), "--quiet"]
        )  # fmt: skip
    finally:
        shutil.rmtree(case, ignore_errors=True)
        for place in (key, receipt):
            place.unlink(missing_ok=True)


def table(sizes: Sequence[PackageSize]) -> list[str]:
    """Return the figures as lines of Markdown."""
    lines = [
        f"| rows | {' | '.join(STEPS)} | package, bytes a row | read to export, to verify three |",
        f"|{'---|' * (len(STEPS) + 3)}",
    ]
    for size in sizes:
        cells = [f"{took.wall:.1f} s, {took.parent / 2**20:.0f} MiB" for took in map(size.steps.__getitem__, STEPS)]
        read = f"{size.read / 2**20:.1f}, {size.read_three / 2**20:.1f} MiB"
        lines.append(f"| {size.files:,} | {' | '.join(cells)} | {size.size / size.files:,.0f} | {read} |")
    if len(sizes) > 1:
        counts = [size.files for size in sizes]
        found = [exponent(counts, [size.steps[name].wall for size in sizes]) for name in STEPS]
        shown = (f"{value:.2f}" if value is not None else "" for value in found)
        lines.append(f"| time ~ rows^e, e = | {' | '.join(shown)} | | |")
    return lines


def main() -> None:
    """Measure the counts of the command line."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), {}, (), None, cores())
        sizes = list(measure_package_scale(bench, [int(word) for word in sys.argv[1:] or ("10000", "100000")]))
    print("\n".join(table(sizes)))


if __name__ == "__main__":
    main()
