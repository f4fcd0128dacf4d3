"""Does memory stay flat as the number of files grows?

Seals and verifies trees of growing size, each in processes of their own, and prints seconds and peak memory of each. No
figure here is a test.

    python benchmarks/scale.py 10000 100000 1000000
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpus import make_small_files

PROGRAM = [sys.executable, "-m", "evidencekit"]


def measured(arguments: list[str], *, allowed: set[int]) -> tuple[float, int]:
    """Run one command; return seconds and the peak resident memory of its process in KiB."""
    began = time.monotonic()
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        raise SystemExit(f"{arguments[0]} ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_maxrss


def main() -> None:
    """Measure each count in turn."""
    print("files      seal only       media types     verify          index+find      case on disk")
    for count in map(int, sys.argv[1:] or ("10000", "100000")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_small_files(folder / "source", count)
            case, key, log_key = str(folder / "case"), str(folder / "key"), str(folder / "log.pem")
            measured(["key", "new", key, "--no-passphrase"], allowed={0})
            measured(
                ["init", case, "--reference", "r", "--agency", "a", "--origin", "bench.example/1", "--signer", key,
                 "--log-key", log_key], allowed={0},
            )  # fmt: skip
            common = [case, str(folder / "source"), "--exhibit", "EX-001", "--signer", key, "--log-key", log_key]
            figures = [
                measured(["acquire", *common, "--no-identify"], allowed={0}),
                measured(["acquire", *common, "--resume"], allowed={0}),
                measured(["verify", case], allowed={7}),
                measured(["find", case, "--name", "*7.dat", "--quiet"], allowed={0}),
            ]
            size = sum(p.stat().st_size for p in Path(case).rglob("*") if p.is_file() and p.name != "index.sqlite")
            cells = "  ".join(f"{seconds:6.1f} s {memory // 1024:4d} MiB" for seconds, memory in figures)
            print(f"{count:<9,}  {cells}  {size // 2**20:,} MiB", flush=True)
            shutil.rmtree(folder / "source")


if __name__ == "__main__":
    main()
