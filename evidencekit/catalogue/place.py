"""Where the index lies, and whether it is the one that this user built here.

An index inside a case may have come with the case: somebody else could have made it, to hide rows or to attack SQLite.
So each build leaves a mark in the user's own cache folder (size and times of the file as built), and an index without
its mark is not even opened. Source: specs/store.md section 5 (`index.sqlite` is disposable).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from pathlib import Path

from evidencekit.core import layout

_LEFT_OVER_SECONDS = 3600


def index_places(case: Path, cache_folder: Path, identity: bytes) -> tuple[Path, Path]:
    """Return where the index may lie: in the case, or in the cache folder where the case is read-only."""
    return case / layout.INDEX, cache_folder / f"{identity.hex()}.sqlite"


def is_ours(index: Path, cache_folder: Path, identity: bytes) -> bool:
    """Tell whether `index` is the very file that this user built, untouched since."""
    try:
        mark = json.loads(_mark_path(index, cache_folder, identity).read_bytes())
        return bool(mark == _mark_of(index))
    except (OSError, ValueError):
        return False


def mark_as_ours(index: Path, cache_folder: Path, identity: bytes) -> None:
    """Remember `index`. Where that cannot be done the index is made again the next time."""
    with contextlib.suppress(OSError):
        cache_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = _mark_path(index, cache_folder, identity)
        temporary = temporary_beside(path)
        temporary.write_text(json.dumps(_mark_of(index)))
        temporary.replace(path)


def temporary_beside(path: Path) -> Path:
    """Return a name for a temporary file in the same folder; none of it is ever read or judged."""
    return path.with_name(f"{layout.TEMPORARY}index-{os.getpid()}-{os.urandom(4).hex()}")


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed build left behind an hour ago or earlier."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{layout.TEMPORARY}index-*"):
            if left.lstat().st_mtime < time.time() - _LEFT_OVER_SECONDS:
                left.unlink()


def _mark_path(index: Path, cache_folder: Path, identity: bytes) -> Path:
    # Copies of a case have one identity, and each has an index of its own.
    place = hashlib.sha256(os.fsencode(index.parent.resolve() / index.name)).hexdigest()
    return cache_folder / f"{identity.hex()}-{place[:16]}.json"


def _mark_of(index: Path) -> dict[str, int]:
    status = index.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(index)
    return {"ctime_ns": status.st_ctime_ns, "mtime_ns": status.st_mtime_ns, "size": status.st_size}


def cached_files(case: Path, cache_folder: Path, identity: bytes) -> list[Path]:
    """Return every file in which rows of a case may be cached: what an erasure removes, if it is there."""
    ours = (case / layout.INDEX, cache_folder / f"{identity.hex()}.sqlite")
    found = [index.with_name(index.name + end) for index in ours for end in ("", "-wal", "-shm", "-journal")]
    found += sorted(case.glob(f"{layout.TEMPORARY}index-*"))
    return [*found, *(_mark_path(index, cache_folder, identity) for index in ours)]
