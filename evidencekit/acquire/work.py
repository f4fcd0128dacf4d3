"""The work folder of an unfinished acquisition: who is at it, what was taken so far.

    work/EX-001/         in the case
      lock               held as long as a program is at it; the system lets go of it when the program dies
      run-00000001 …     rows that were taken (journal.py), the oldest first
      objects/sha256/…   copies and large values, until they are published
      manifest.parquet, named, types.parquet   made at the end, each time anew

Promises: one program at a time; nothing in here is of the record. Source: specs/store.md, decisions/0006.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from filelock import lock_descriptor

from evidencekit.acquire.journal import EarlierRun, Run
from evidencekit.core import layout
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.errors import CannotFinish, FormatError, Refused
from evidencekit.write.durable import cannot_write
from evidencekit.write.objects import Objects
from evidencekit.write.systems import THIS

_RUN = re.compile(r"run-[0-9]{8}\Z")
_LOCK = "lock"


def work_folder(case: Path, exhibit: str) -> Path:
    """Return the place of an exhibit's work folder."""
    return case / layout.WORK / exhibit.replace("/", "+")  # no exhibit has a +


class Work:
    """The work folder of one exhibit, held by this program. Close it; `remove` it when all is done."""

    def __init__(self, case: Path, exhibit: str, secret: bytes, *, resume: bool) -> None:
        """Make the folder, or take it up again with `resume`; `secret` (32 bytes) is the key of its runs.

        Raises:
            Refused: R505 there is one already, R507 another program is at it.
            CannotFinish: X421 to X423.
        """
        self.folder = work_folder(case, exhibit)
        self._secret = secret
        try:
            self.folder.parent.mkdir(exist_ok=True)  # the case is there, or its medium was taken away
            self.folder.mkdir(exist_ok=resume)
            for folder in (case, self.folder.parent):  # what is fsynced in a folder that is lost is lost, too
                THIS.sync(folder)
        except FileExistsError:
            raise Refused(
                f"An acquisition of {exhibit} is unfinished, or another program is at it just now.",
                code="R505",
                hint="Add --resume to take it up again.",
                path=self.folder,
            ) from None
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        if self.folder.is_symlink():
            raise cannot_write(self.folder, OSError(errno.ENOTDIR, "a link stands in its place"))
        self._lock = _hold(self.folder / _LOCK, exhibit)
        self.unusable: list[str] = []
        """Runs that nothing could be believed of."""
        try:
            self.objects = Objects(self.folder / layout.OBJECTS, kept=case / layout.OBJECTS)
            self.clear()
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            with contextlib.suppress(CannotFinish):  # the medium may be gone: the first error is the one to tell
                if error is not None and not self._runs():  # nothing was taken that could be taken up
                    self.remove()
        finally:
            os.close(self._lock)

    @property
    def manifest(self) -> Path:
        """Where the manifest is composed."""
        return self.folder / "manifest.parquet"

    @property
    def types(self) -> Path:
        """Where the derived manifest is made."""
        return self.folder / "types.parquet"

    @property
    def named(self) -> Path:
        """The list of objects that the manifest names."""
        return self.folder / "named"

    def digests(self) -> Iterator[bytes]:
        """Yield the digests that stand in `named`."""
        file = self.named.open("rb")
        try:
            while digest := file.read(HASH_SIZE):
                yield digest
        finally:
            with contextlib.suppress(OSError):  # nothing was written; and where the medium is gone others say so
                file.close()

    def clear(self) -> None:
        """Remove what is made anew at the end of an acquisition: all but runs and objects."""
        try:
            for item in self.folder.iterdir():
                ours = item.name in {_LOCK, layout.OBJECTS} or _RUN.match(item.name)
                if not ours and not item.is_dir():  # some systems put folders of their own everywhere
                    item.unlink()
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def earlier(self) -> list[EarlierRun]:
        """Return the runs that are there, the oldest first."""
        found = []
        self.unusable = []
        for name in self._runs():
            try:
                found.append(EarlierRun(self.folder / name, self._secret))
            except FormatError:
                self.unusable.append(name)
        return found

    @contextlib.contextmanager
    def run(self, head: dict[str, Any], random: Callable[[int], bytes]) -> Iterator[Run]:
        """Begin a run of its own, and close it at the end, whatever happens."""
        number = max((int(name[4:]) for name in self._runs()), default=0) + 1
        path = self.folder / f"run-{number:08d}"
        run = Run(path, self._secret, head, random=random, before_sync=self.objects.sync)
        try:
            yield run
        except BaseException:
            with contextlib.suppress(Exception):  # the disk may be what failed; the first error is the one to tell
                run.close()
            raise
        run.close()

    def remove(self) -> None:
        """Remove the folder: everything that it was for is in the record."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _runs(self) -> list[str]:
        try:
            return sorted(item.name for item in self.folder.iterdir() if _RUN.match(item.name))
        except OSError as error:
            raise cannot_write(self.folder, error) from error


def _hold(path: Path, exhibit: str) -> int:
    """Return the handle of a locked file: nobody else gets one until it is closed, or its program is dead.

    The folder has to be there: nothing is made where a medium was that is gone.

    Raises:
        Refused: R507 another program holds it.
        CannotFinish: X421 to X423.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        if lock_descriptor(handle, blocking=False):
            return handle
    except OSError as error:
        os.close(handle)
        raise cannot_write(path, error) from error
    os.close(handle)
    raise Refused(
        f"Another program is acquiring {exhibit} just now.",
        code="R507",
        hint="Wait for it, or stop it; then add --resume.",
        path=path.parent,
    )
