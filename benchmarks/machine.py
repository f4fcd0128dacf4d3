"""Where and with what the runs were made: nothing that names the machine or its paths."""

from __future__ import annotations

import os
import platform
import re
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r"\d+(?:\.\d+)+\w*")
_ASKED: Mapping[str, str] = {
    "hashdeep": "-V", "openssl": "version", "sha256sum": "--version", "b3sum": "--version", "rclone": "version",
    "rhash": "--version", "cat": "--version",
}  # fmt: skip
"""Program to the argument that makes it tell its version."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The head of the table."""

    date: str
    cpu: str
    cores: int
    sha_instructions: bool | None
    """None: it cannot be told."""
    system: str
    python: str
    openssl: str
    """The library that hashes inside Python."""
    load: str
    evidencekit: str
    tools: dict[str, str | None]
    """Versions of the peers, None for one that is not there."""


def look() -> Machine:
    """Look at this machine."""
    info = _text("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", info, re.MULTILINE)
    words = set(flags[1].split()) if flags else set()
    return Machine(
        date=today(),
        cpu=model[1] if model else platform.machine(),
        cores=cores(),
        sha_instructions=bool(words & {"sha_ni", "sha2"}) if words else None,
        system=f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        python=platform.python_version(),
        openssl=ssl.OPENSSL_VERSION,
        load=load(),
        evidencekit=_ours(),
        tools={name: version(name) for name in (*_ASKED, "bagit")},
    )


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> str:
    """Return the load average of the last minute."""
    return f"{os.getloadavg()[0]:.2f}"


def today() -> str:
    """Return the time, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def version(tool: str) -> str | None:
    """Return a peer's version; None where it is not installed."""
    if tool == "bagit":
        try:
            return metadata.version("bagit")
        except metadata.PackageNotFoundError:
            return None
    if shutil.which(tool) is None:
        return None
    told = subprocess.run([tool, _ASKED[tool]], capture_output=True, text=True, check=False)
    found = _VERSION.search(told.stdout + told.stderr)
    return found[0] if found else "version unknown"


def _ours() -> str:
    """Return our version, and the commit where the tree is under git."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        told = subprocess.run(git, capture_output=True, text=True, check=False)
    except OSError:
        return metadata.version("evidencekit")
    commit = told.stdout.strip()
    return metadata.version("evidencekit") + (f", commit {commit}" if commit else "")


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
