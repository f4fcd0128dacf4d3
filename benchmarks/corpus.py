"""Seeded trees of files to measure on: the same arguments make the same names and bytes everywhere."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

PER_FOLDER = 500


def make_small_files(folder: Path, count: int, *, seed: int = 7, largest: int = 64) -> None:
    """Write `count` files of 0 to `largest` bytes in nested folders."""
    source = random.Random(seed)
    block = source.randbytes(largest + 4096)
    for start in range(0, count, PER_FOLDER):
        number = start // PER_FOLDER
        base = folder / f"{number // 100:04d}" / f"{number % 100:02d}"
        base.mkdir(parents=True)
        for index in range(start, min(start + PER_FOLDER, count)):
            at = source.randrange(4096)
            (base / f"{index:08d}.dat").write_bytes(block[at : at + source.randrange(largest + 1)])


def main() -> None:
    """Make a corpus from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--largest", type=int, default=64, help="bytes of the largest file")
    arguments = parser.parse_args()
    make_small_files(arguments.folder, arguments.count, largest=arguments.largest)


if __name__ == "__main__":
    main()
