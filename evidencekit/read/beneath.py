"""Files of a source opened again by path: component by component, no link followed, folders kept while they serve.

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
_NOT_A_FILE = Problem("changed_kind", "something that is not a file stands under the name now")


class Beneath:
    """Opens files beneath a source. Close it, or use it in `with`."""

    def __init__(self, source: Path | bytes, opener: Opener | None = None) -> None:
        """Take a source, a folder or a single file.

        Raises:
            CannotFinish: X430 not there, X431 it cannot be reached, X435 not on this system.
        """
        self._opener = opener or Opener()
        self._parent, self._name = open_parent(source)
        self._kept: list[tuple[bytes, int]] = []
        """The chain of open folders, the source (if it is one) first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back all handles."""
        self._keep(0)
        if self._parent >= 0:
            os.close(self._parent)
            self._parent = -1

    def open(self, path: bytes) -> int | Problem:
        """Return a handle on the file at `path` (empty: the source itself), or why there is none. The caller closes."""
        parts = [self._name, *path.split(b"/")] if path else [self._name]
        passing = -1
        try:
            parent = self._parent
            for depth, part in enumerate(parts[:-1]):
                if depth < len(self._kept):
                    if self._kept[depth][0] == part:
                        parent = self._kept[depth][1]
                        continue
                    self._keep(depth)
                handle = self._opener.folder(part, parent)
                if passing >= 0:
                    os.close(passing)
                    passing = -1
                if depth < _MAX_KEPT:
                    self._kept.append((part, handle))
                else:
                    passing = handle
                parent = handle
            handle = self._opener.file(parts[-1], parent)
        except OSError as error:
            return problem_of(error)
        finally:
            if passing >= 0:
                os.close(passing)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return handle
        os.close(handle)
        return _NOT_A_FILE

    def _keep(self, count: int) -> None:
        while len(self._kept) > count:
            os.close(self._kept.pop()[1])
