"""What lies in a source, found again by path: component by component, no link followed, folders kept while they serve.

Asked in the order of a manifest, this opens each folder once. Source: specs/manifest.md section 8.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Self

from evidencekit.read.handles import Opener, open_parent
from evidencekit.read.problem import Problem, problem_of

_MAX_KEPT = 64
_NO_STREAMS = Problem("unsupported", "this system has no named streams")
_NOT_A_FILE = Problem("changed_kind", "something that is not a file stands under the name now")


class Beneath:
    """Finds and opens what lies beneath a source. Close it, or use it in `with`."""

    def __init__(self, source: Path | bytes, opener: Opener | None = None) -> None:
        """Take a source, a folder or a single file.

        Raises:
            CannotFinish: X430 not there, X431 it cannot be reached, X435 not on this system.
        """
        self._opener = opener or Opener()
        self._parent, self._name = open_parent(source)
        self._kept: list[tuple[bytes, int]] = []
        """The chain of open folders, the source (if it is one) first."""
        self._passing = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back all handles."""
        self._keep(0)
        self._pass_to(-1)
        if self._parent >= 0:
            os.close(self._parent)
            self._parent = -1

    def open(self, path: bytes, *, or_device: bool = False) -> int | Problem:
        """Return a handle on the file at `path` (empty: the source itself), or why there is none. The caller closes.

        With `or_device` a source that is a block device itself is opened, too; one within a source never is.
        """
        try:
            parent, name = self.parent_of(path)
            handle = self._opener.file(name, parent)
        except OSError as error:
            return problem_of(error)
        mode = os.fstat(handle).st_mode
        if stat.S_ISREG(mode) or (or_device and not path and stat.S_ISBLK(mode)):
            return handle
        os.close(handle)
        return _NOT_A_FILE

    def open_stream(self, path: bytes, stream: bytes) -> int | Problem:
        """Return a handle on a named stream of what lies at `path`, or why there is none. The caller closes."""
        if self._opener.streams is None:
            return _NO_STREAMS
        try:
            parent, name = self.parent_of(path)
            return self._opener.streams.open(parent, name, stream)
        except OSError as error:
            return problem_of(error)

    def parent_of(self, path: bytes) -> tuple[int, bytes]:
        """Return a handle on the folder in which `path` lies (empty: the source's), and the last name of `path`.

        The handle stays ours, and serves until the next call.

        Raises:
            OSError: one of the folders on the way is gone, is none, or cannot be opened.
        """
        *folders, name = [self._name, *path.split(b"/")] if path else [self._name]
        handle = self._parent
        for depth, folder in enumerate(folders):
            if depth < len(self._kept) and self._kept[depth][0] == folder:
                handle = self._kept[depth][1]
                continue
            self._keep(depth)
            handle = self._opener.folder(folder, handle)
            if depth < _MAX_KEPT:
                self._kept.append((folder, handle))
            else:
                self._pass_to(handle)
        return handle, name

    def _keep(self, count: int) -> None:
        while len(self._kept) > count:
            os.close(self._kept.pop()[1])

    def _pass_to(self, handle: int) -> None:
        """Hold one folder more, below those that are kept."""
        if self._passing >= 0:
            os.close(self._passing)
        self._passing = handle
