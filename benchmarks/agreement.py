"""Do evidencekit's sealed media types agree with what libmagic says by itself? Of the files of a real tree."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import PROGRAM, Bench
from benchmarks.measure import measured

_SQL = "SELECT path, path_hex, media_type, charset FROM rows WHERE kind = 'file' AND state = 'complete'"
_EXAMPLES = 20

Said = tuple[str, str]
"""Media type and character set, empty where there is none."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many opinions are the same."""

    files: int
    same: int
    same_type: int
    """Those whose media type is the same, whatever the character set."""
    examples: list[str]
    """What differs most often: how many times, what was sealed, what libmagic says by itself, and one file's name."""

    @property
    def percent(self) -> float:
        """Share of the files with the same opinion."""
        return 100 * self.same / self.files if self.files else 100.0


def compared(sealed: Mapping[bytes, Said], plain: Mapping[bytes, Said]) -> Agreement:
    """Compare opinions about the same files. A file that only one side has counts as a difference."""
    differing: Counter[tuple[Said, Said]] = Counter()
    names: dict[tuple[Said, Said], bytes] = {}
    same = same_type = 0
    paths = sealed.keys() | plain.keys()
    nothing = ("no opinion", "")
    for path in sorted(paths):
        ours, theirs = sealed.get(path, nothing), plain.get(path, nothing)
        same += ours == theirs
        same_type += ours[0] == theirs[0]
        if ours != theirs:
            differing[ours, theirs] += 1
            names.setdefault((ours, theirs), path.rpartition(b"/")[2])
    examples = [
        f"{count} | {_shown(pair[0])} | {_shown(pair[1])} | {names[pair].decode(errors='replace')}"
        for pair, count in differing.most_common(_EXAMPLES)
    ]
    return Agreement(len(paths), same, same_type, examples)


def _shown(said: Said) -> str:
    return "; ".join(word for word in said if word)


def agreement(bench: Bench, folder: Path) -> Agreement:
    """Seal a folder with its media types, ask libmagic about the same files, and compare."""
    listed, told = bench.new("list"), bench.new("told")
    try:
        with bench.sealed(folder) as made:
            measured([*PROGRAM, "query", str(made.case), _SQL, "--json"], output=told)
            sealed = _sealed(json.loads(told.read_bytes()))
        listed.write_bytes(b"".join(bytes(folder) + b"/" + path + b"\0" for path in sealed))
        command = [sys.executable, "-m", "benchmarks.plain_types", str(listed), "--processes", str(bench.workers)]
        measured(command, output=told)
        return compared(sealed, _plain(told.read_text(encoding="utf-8"), bytes(folder) + b"/"))
    finally:
        listed.unlink(missing_ok=True)
        told.unlink(missing_ok=True)


def _sealed(document: Mapping[str, list[list[str | None]]]) -> dict[bytes, Said]:
    return {
        bytes.fromhex(path_hex) if path_hex else (path or "").encode(): (media_type or "", charset or "")
        for path, path_hex, media_type, charset in document["rows"]
    }


def _plain(lines: str, root: bytes) -> dict[bytes, Said]:
    """Read what plain_types wrote."""
    found = {}
    for line in lines.splitlines():
        path, media_type, charset, _ = line.split("\t")
        found[bytes.fromhex(path).removeprefix(root)] = media_type, charset
    return found
