"""One package through each verifier in turn: MB/s, and the memory of the largest process.

    .venv/bin/python -m benchmarks.verifiers [--size MIB] [--package PATH] [--rounds N]

The page runs in Debian's Chromium, opened by file://, as tests/verifiers drives it. Needs `make .venv/.ready-web`. A
package is made of one file of random bytes unless one is given; it lies in the page cache, so no disk is measured.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/verifiers"))
from pagedriver import NODE, Page, build  # noqa: E402

CLI = Path(sys.executable).with_name("evidencekit")
EXIT_CODES = (0, 7)


class Run(NamedTuple):
    """Seconds, and MiB of the largest process."""

    seconds: float
    memory: float


def command(*words: str | Path) -> Run:
    """Run a verifier's command. Raises RuntimeError where it does not come to a good verdict."""
    start = time.perf_counter()
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in EXIT_CODES:
        raise RuntimeError(f"{words[0]}: exit code {process.returncode}")
    return Run(seconds, used.ru_maxrss / 1024)


def in_page(html: Path, package: Path) -> Run:
    """Drop the package on the page of a new browser; the clock runs from the button to the verdict."""
    page = Page(html)
    try:
        page("open")
        page("drop", path=str(package))
        start = time.perf_counter()
        said = page("verify", timeout=3_600_000)
        seconds = time.perf_counter() - start
        if said.get("report", {}).get("exit_code") not in EXIT_CODES:
            raise RuntimeError(f"verify.html: {said.get('trouble') or said['report']['reason']}")
        return Run(seconds, page("peak"))
    finally:
        page.close()


def node_binary() -> Path:
    """The program itself: what `.venv/bin/node` starts is another process, whose memory nobody would see."""
    asked = [NODE, "-p", "process.execPath"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def make_package(folder: Path, size: int) -> Path:
    """A .zip with one file of `size` MiB, none of its blocks like another."""
    home = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config")}
    (folder / "src").mkdir()
    with (folder / "src/disk.img").open("wb") as image:
        for _ in range(size):
            image.write(os.urandom(1 << 20))

    def run(*words: str) -> None:
        subprocess.run([CLI, *words], cwd=folder, env=home, check=True, capture_output=True)

    run("key", "new", "examiner", "--no-passphrase")
    case = ("--reference", "24-117", "--agency", "Unit 7", "--origin", "unit7.example/24-117")
    run("init", "CASE", *case, "--signer", "examiner")
    run("acquire", "CASE", "src", "--exhibit", "EX-001", "--signer", "examiner", "--no-identify")
    run("export", "CASE", "package.zip", "--zip", "--item", "EX-001", "--signer", "examiner", "--quiet")
    return folder / "package.zip"


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="MiB of the package that is made")
    parser.add_argument("--package", type=Path, help="one that is there")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        package = (given.package or make_package(folder, given.size)).absolute()
        build(folder / "built")
        verifiers: dict[str, Callable[[], Run]] = {
            "evidencekit verify": lambda: command(CLI, "verify", package),
            "verify_evidence.py": lambda: command(
                sys.executable, ROOT / "verifiers/python/verify_evidence.py", package
            ),
            "verify.mjs, under Node": lambda: command(node_binary(), folder / "built/verify.mjs", package),
            "verify.html, in Chromium": lambda: in_page(folder / "built/verify.html", package),
        }
        runs: dict[str, list[Run]] = {name: [] for name in verifiers}
        for _ in range(given.rounds):
            for name, verify in verifiers.items():
                runs[name].append(verify())
        megabytes = package.stat().st_size / 1e6
    load = os.getloadavg()[1]
    print(f"{megabytes:,.0f} MB, {given.rounds} rounds in turns, {os.cpu_count()} cores, load average {load:.1f}\n")
    print("| verifier | seconds | MB/s | largest process |\n|---|---|---|---|")
    for name, each in runs.items():
        seconds = statistics.median(run.seconds for run in each)
        memory = max(run.memory for run in each)
        print(f"| {name} | {seconds:.1f} | {megabytes / seconds:,.0f} | {memory:,.0f} MiB |")


if __name__ == "__main__":
    main()
