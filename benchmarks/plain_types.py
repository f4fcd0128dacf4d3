"""libmagic alone over a list of files, split over some processes: the measure for evidencekit's media types.

The engine and its database are those that evidencekit takes. Written for each file, one line: path in hex, media type,
character set, error, between tabs.

    python -m benchmarks.plain_types LIST [--processes 2] > types.tsv

LIST holds paths, a zero byte after each.
"""

from __future__ import annotations

import argparse
import os
import sys
from multiprocessing import Pool
from pathlib import Path

from evidencekit.acquire.libmagic import Typer


def types_of(paths: list[bytes]) -> str:
    """Return the lines of some files."""
    typer = Typer()
    lines = []
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            opinion = typer.opinion(handle)
        finally:
            os.close(handle)
        lines.append("\t".join((path.hex(), *(" ".join((word or "").split()) for word in opinion))))
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Say the types of the files of a list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    paths = arguments.list.read_bytes().split(b"\0")[:-1]
    with Pool(arguments.processes) as pool:
        for lines in pool.imap(types_of, [paths[n :: arguments.processes] for n in range(arguments.processes)]):
            sys.stdout.write(lines)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main()
