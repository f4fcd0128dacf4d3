"""Files of a package laid out as a folder, byte for byte; whoever reads them next reads the medium, not memory.

Promises: the folder is new, and nothing outside of it is written; memory does not grow with the files. It has no name
that anybody goes by until its caller has read it again, and gives it one. Source: specs/store.md section 10.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from evidencekit.write.appended import Appended
from evidencekit.write.durable import cannot_write, make_folders
from evidencekit.write.reread import forget
from evidencekit.write.space import Room
from evidencekit.write.systems import THIS, System

_BLOCK = 1 << 20
_BATCH_FILES = 256
_BATCH_BYTES = 64 << 20


class Unpacked(NamedTuple):
    """What stands in the folder."""

    files: int
    bytes: int


def unpack(
    files: Iterable[tuple[str, Callable[[], BinaryIO]]],
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    system: System = THIS,
) -> Unpacked:
    """Write files to `target`, a folder that is removed first if it is there; `files` are names and how each is opened.

    The caller has made sure that no name leads out of the folder, and that none stands for another. `progress` hears
    how many files stand there so far, and how many bytes.

    Raises:
        CannotFinish: X403 a file cannot be read; X421, X422, X423, X427 the folder cannot take it. Nothing is left.
    """
    try:
        return _unpack(files, target, progress or (lambda *_: None), system)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _unpack(
    files: Iterable[tuple[str, Callable[[], BinaryIO]]],
    target: Path,
    progress: Callable[[int, int], None],
    system: System,
) -> Unpacked:
    shutil.rmtree(target, ignore_errors=True)  # a crash left it
    make_folders(target, below=target.parent)
    batch = _Batch(target, system)
    count = size = 0
    for name, opener in files:
        with opener() as file:
            size += batch.write(name, file)
        count += 1
        progress(count, size)
        if batch.is_full:
            batch.settle()
    batch.settle()
    return Unpacked(count, size)


class _Batch:
    """Files that were written, and are not durable yet."""

    def __init__(self, target: Path, system: System) -> None:
        self._target, self._system = target, system
        self._sync_all = system.sync_all if system.sync_all is not None and Room(target).syncs_at_once else None
        self._written: list[Path] = []
        self._folders = {target.parent, target}
        """Folders with names that are not durable yet."""
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Tell whether it is time to settle."""
        return len(self._written) >= _BATCH_FILES or self._bytes >= _BATCH_BYTES

    def write(self, name: str, file: BinaryIO) -> int:
        """Write a file; return its bytes."""
        path = self._target / name
        if not path.parent.is_dir():
            make_folders(path.parent, below=self._target)
        self._folders.update(folder for folder in path.parents if folder.is_relative_to(self._target))
        with contextlib.closing(Appended(path, system=self._system)) as copy:
            while data := file.read(_BLOCK):
                copy.append(data)
        self._written.append(path)
        self._bytes += copy.size
        return copy.size

    def settle(self) -> None:
        """Bring all to the medium."""
        try:
            if self._sync_all is not None:
                self._sync_all(self._target)
            else:
                for path in [*self._written, *sorted(self._folders, reverse=True)]:
                    self._system.sync(path)
        except OSError as error:
            raise cannot_write(self._target, error) from error
        for path in self._written:
            forget(path)
        self._written.clear()
        self._folders.clear()
        self._bytes = 0
