"""What happens at a chosen moment: at the opening of a name, at a reading of a file. For forks only: it cannot be undone."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

Act = Callable[[], object]


class Moments:
    """Acts to be done once each, and what was done."""

    def __init__(self) -> None:
        self._openings: dict[bytes, list[Act]] = {}
        self._busy = False
        self.done: list[str] = []
        """The moments that came, in order."""
        self.opened: list[bytes] = []
        """Every name that this process asked to open, as it asked."""
        sys.addaudithook(self._hear)

    def at_opening(self, name: bytes, act: Act, *, times: int = 1) -> None:
        """Do something right before a name is opened, which is after it was listed and looked at."""
        self._openings.setdefault(name, []).extend([act] * times)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if event != "open" or self._busy or not isinstance(given[0], (bytes, str)):
            return
        name = os.fsencode(given[0])
        self.opened.append(name)
        waiting = self._openings.get(os.path.basename(name))
        if waiting:
            self._do(f"opening {os.fsdecode(name)}", waiting.pop(0))

    def at_reading(self, path: bytes, act: Act, *, times: int = 1) -> None:
        """Do something right after a part of a file was read, each of the first `times` parts."""
        from evidencekit.read.evidence import Reader

        inode = os.stat(path).st_ino
        defaults = Reader.__init__.__kwdefaults__
        real = defaults["preadv"]
        left = [times]

        def preadv(handle: int, buffers: Any, offset: int) -> int:
            got = real(handle, buffers, offset)
            if left[0] and not self._busy and os.fstat(handle).st_ino == inode:
                left[0] -= 1
                self._do(f"reading {os.fsdecode(path)}", act)
            return got

        defaults["preadv"] = preadv

    def at_link(self, name: bytes, act: Act) -> None:
        """Do something right before a link is read, which is after it was looked at."""
        real = os.readlink
        acts = [act]

        def readlink(path: Any, **more: Any) -> Any:
            if acts and not self._busy and os.path.basename(os.fsencode(path)) == name:
                self._do(f"link {os.fsdecode(name)}", acts.pop())
            return real(path, **more)

        os.readlink = readlink

    def _do(self, what: str, act: Act) -> None:
        self._busy = True
        try:
            act()
        finally:
            self._busy = False
        self.done.append(what)
