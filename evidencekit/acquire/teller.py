"""Tells how far an acquisition is."""

from __future__ import annotations

from dataclasses import replace

from evidencekit.acquire.options import Progress, Tell
from evidencekit.acquire.row import Entry

TELL_EVERY = 256


class Teller:
    """Tells how far it is: now and then, and during large files."""

    def __init__(self, tell: Tell) -> None:
        self.progress = Progress()
        self._tell = tell
        self._rows = 0

    def begin(self, path: bytes) -> None:
        """Hear what is taken now."""
        self.progress.path = path

    def block(self, size: int) -> None:
        """Hear the bytes of a large file before it is done, and tell."""
        self.progress.bytes += size
        self.tell()

    def keep(self, entry: Entry, *, counts: bool) -> None:
        """Hear of a row that stands from before; `counts` unless it is told of as taken, too."""
        self.progress.kept += 1
        if counts:
            size = (entry.size or 0) if entry.state in {"complete", "changed"} else 0
            self.add(1, files=entry.kind == "file", size=size, omissions=entry.state != "complete")

    def add(self, rows: int, *, files: int, size: int, omissions: int) -> None:
        """Hear of rows: how many, and of them files, bytes that were not told before, omissions."""
        progress = self.progress
        progress.files += files
        progress.bytes += size
        progress.omissions += omissions
        self._rows += rows
        if self._rows >= TELL_EVERY:
            self._rows = 0
            self.tell()

    def tell(self) -> None:
        """Tell."""
        self._tell(replace(self.progress))
