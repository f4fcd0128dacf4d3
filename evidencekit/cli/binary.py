"""The files of a frozen program, held to the list that lies beside it and that was published with it.

A changed program can say what it likes of itself: the list's own digest is printed, to be compared with the published
one, and `sha256sum -c SHA256SUMS` on another computer asks nobody. Layout: packaging/README.md.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from evidencekit.core.values import display

LIST = "SHA256SUMS"
NAMED = 5
"""Files that are named; the others are counted."""
_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\Z")


def judged(executable: Path, loaded_from: Path) -> tuple[str, str]:
    """Return a status of doctor's, and what was found.

    Args:
        executable: the program's file.
        loaded_from: the folder with everything else: beside it, or where a program of one file unpacked itself.

    Raises:
        OSError: a file cannot be read.
        ValueError: the list is no list.
    """
    home = executable.parent
    beside = home / LIST
    if loaded_from.parent == home:
        return _folder(home, loaded_from.name, beside)
    digest = _digest(executable)
    listed = _listed(beside).get(executable.name) if beside.is_file() else None
    if listed is None:
        return "not_checked", f"one file, SHA-256 {digest}: compare it with the published list"
    if listed != digest:
        return "failed", f"changed: {display(executable.name)}"
    return "ok", f"one file, {_as_published(beside)}"


def _as_published(beside: Path) -> str:
    return f"as {LIST} says, which has SHA-256 {_digest(beside)}: compare that with the published one"


def _folder(home: Path, inner: str, beside: Path) -> tuple[str, str]:
    """Judge a program that is a folder; in the inner one, which is all that it loads, nothing else may lie."""
    if not beside.is_file():
        return "failed", f"{LIST} is missing"
    listed = _listed(beside)
    there = set(_files(home / inner, home))
    wrong = {
        "missing": sorted(name for name in listed if not (home / name).is_file()),
        "unknown": sorted(there - listed.keys()),
    }
    wrong["changed"] = [name for name in listed if (home / name).is_file() and _digest(home / name) != listed[name]]
    if any(wrong.values()):
        told = (
            f"{kind}: {', '.join(map(display, names[:NAMED]))}"
            + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
            for kind, names in wrong.items()
            if names
        )
        return "failed", "; ".join(told)
    digest = _digest(beside)
    return (
        "ok",
        f"{len(listed):,} files, as {LIST} says, which has SHA-256 {digest}: compare that with the published one",
    )


def _listed(beside: Path) -> dict[str, str]:
    """Return name → digest, as a list says."""
    listed: dict[str, str] = {}
    for line in beside.read_text("utf-8").splitlines():
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"{LIST} has a line that is none: {display(line[:80])}")
        listed[match[2]] = match[1]
    if not listed:
        raise ValueError(f"{LIST} is empty")
    return listed


def _files(folder: Path, home: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        for name in [*names, *(each for each in folders if (Path(place) / each).is_symlink())]:
            yield (Path(place) / name).relative_to(home).as_posix()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
