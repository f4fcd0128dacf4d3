"""Writes packaging/requirements/*.txt: every part of the binaries, with one version and the digests of its wheels.

    .venv/bin/python packaging/lock.py

Takes what pyproject.toml asks for, in the newest versions that the package index has, for each platform.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "requirements"
GLIBC = range(31, 4, -1)
"""Of Debian 11, and everything older: the tags that its pip would take."""
PLATFORMS = {
    "linux-x86_64": [*(f"manylinux_2_{minor}_x86_64" for minor in GLIBC), "manylinux2014_x86_64", "linux_x86_64"],
    "linux-aarch64": [*(f"manylinux_2_{minor}_aarch64" for minor in GLIBC), "manylinux2014_aarch64"],
    "macos-arm64": ["macosx_14_0_arm64"],
    "windows-amd64": ["win_amd64"],
}
MARKERS = {"linux": "linux", "macos": "darwin", "windows": "win32"}


def main() -> None:
    """Write one file for each platform."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    asked = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    for platform, tags in PLATFORMS.items():
        lines = sorted(_resolved(_meant(asked, platform), tags))
        header = f"# Made by packaging/lock.py for {platform}, Python 3.11. Do not edit.\n"
        (FOLDER / f"{platform}.txt").write_text(header + "".join(lines), "utf-8")
        print(f"{platform}: {len(lines)} packages")  # noqa: T201


def _meant(asked: list[str], platform: str) -> list[str]:
    """Return the requirements of a platform: pip would judge markers by the machine it runs on."""
    system = MARKERS[platform.partition("-")[0]]
    extra = {"win32": ["colorama", "pefile", "pywin32-ctypes"], "darwin": ["macholib"]}.get(system, [])
    meant = [line.partition(";")[0] for line in asked if system != "win32" or "win32" not in line]
    return meant + extra


def _resolved(asked: list[str], tags: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as target:
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        command += ["--report", "-", "--only-binary", ":all:", "--target", target, "--python-version", "3.11"]
        command += [part for tag in tags for part in ("--platform", tag)]
        answer = subprocess.run([*command, *asked], stdout=subprocess.PIPE, check=True)
    return [
        f"{item['metadata']['name'].lower()}=={item['metadata']['version']} "
        f"--hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}\n"
        for item in json.loads(answer.stdout)["install"]
    ]


if __name__ == "__main__":
    main()
