"""Makes the binaries with the Python that runs it: `python packaging/build.py DIST`.

On Linux it is run by binaries.sh, inside Debian 11. On Windows and macOS it is meant to be run by itself (README.md
says how), and never was. DIST gets, for each program, a folder and one file; see `README.md` for what else.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import bill  # noqa: E402 (beside this file, which need not be where Python looks)

PROGRAMS = ("evidencekit", "evidencekit-verify")
EPOCH = "1767225600"
"""2026-01-01: the only time that stands anywhere in the binaries."""
LISTS = {"SHA256SUMS": "sha256", "SHA512SUMS": "sha512"}
READING = tuple(f"evidencekit.{room}" for room in ("cli", "core", "errors", "read", "texts", "verify"))
WRITING = ("sqlite3", "sqlite_utils", "magic", "evidencekit.cli.acquire")
"""What the verifier may hold of evidencekit, and must not hold of all the rest."""


def main(dist: Path) -> None:
    """Make everything in a new folder."""
    dist.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        _freeze(dist, Path(work))
        for program in PROGRAMS:
            parts = json.loads((Path(work) / "evidencekit" / f"{program}.parts.json").read_text("utf-8"))
            if program == "evidencekit-verify":
                _hold_to_reading(dist)
            bill.write(dist, program, [bill.Part(*part) for part in parts])
    for program in PROGRAMS:
        _list(dist / program, {"SHA256SUMS": "sha256"})
    _list(dist, LISTS)


def _freeze(dist: Path, work: Path) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
    command += ["--distpath", str(dist), "--workpath", str(work), str(HERE / "evidencekit.spec")]
    subprocess.run(command, check=True, env=environment)


def _hold_to_reading(dist: Path) -> None:
    """Look into the verifier as it was made: no code that writes evidence is in it."""
    for place in (f"evidencekit-verify/{_name('evidencekit-verify')}", _name("evidencekit-verify-onefile")):
        archive = CArchiveReader(str(dist / place))
        names = [name.replace("/", ".") for name in (*archive.toc, *archive.open_embedded_archive("PYZ.pyz").toc)]
        own = [name for name in names if name.startswith("evidencekit.")]
        found = {name for name in own if not _is_in(name, *READING)}
        found |= {name for name in names if _is_in(name, *WRITING)}
        if found or "evidencekit.verify.verifier" not in names:
            raise SystemExit(f"{place} holds what writes, or does not verify: {sorted(found)}")


def _is_in(name: str, *rooms: str) -> bool:
    return name in rooms or name.startswith(tuple(f"{room}." for room in rooms))


def _name(program: str) -> str:
    return f"{program}.exe" if sys.platform == "win32" else program


def _list(folder: Path, lists: dict[str, str]) -> None:
    """Write lists that `sha256sum -c` reads, of everything below a folder but the lists; links count as their files."""
    files = sorted(_files(folder, but=set(lists)))
    for name, algorithm in lists.items():
        lines = [
            f"{hashlib.file_digest((folder / file).open('rb'), algorithm).hexdigest()}  {file}\n" for file in files
        ]
        (folder / name).write_text("".join(lines), "utf-8", newline="\n")


def _files(folder: Path, *, but: set[str]) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = (Path(place) / name).relative_to(folder).as_posix()
            if path not in but:
                yield path


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
