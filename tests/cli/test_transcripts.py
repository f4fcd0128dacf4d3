"""Transcripts: what a person types, what he sees, the exit code. The reason of each stands above it.

# why this case is here
$ evidencekit init case …
what is printed, stdout and stderr together; … stands for anything within a line, a line `…` for any lines
[5]                      the exit code; 0 where it is not said
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))


def steps(text: str) -> list[tuple[str, list[str], int]]:
    """Return (command, expected lines, exit code) of each step."""
    found: list[tuple[str, list[str], int]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], [], 0))
        elif found and re.fullmatch(r"\[\d+\]", line):
            command, lines, _ = found[-1]
            found[-1] = (command, lines, int(line[1:-1]))
        elif found and line and not line.startswith("#"):
            found[-1][1].append(line)
    return found


def pattern(lines: list[str]) -> re.Pattern[str]:
    parts = (r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r" *\n" for line in lines)
    return re.compile("".join(parts))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, tmp_path: Path):
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    played = steps(path.read_text())
    assert played, "a transcript without a command proves nothing"
    for command, lines, code in played:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, timeout=120, check=False,
        )  # fmt: skip
        shown = "\n".join(line for line in done.stdout.decode().splitlines() if line.strip())
        shown += "\n" if shown else ""
        assert done.returncode == code, f"$ {command}\n{shown}"
        assert pattern(lines).fullmatch(shown), f"$ {command}\nexpected:\n" + "\n".join(lines) + f"\nfound:\n{shown}"
