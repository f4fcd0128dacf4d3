"""Tells how far an acquisition is."""

from __future__ import annotations

from dataclasses import replace

from evidencekit.acquire.options import Progress, Tell
from evidencekit.acquire.row import Entry
from evidencekit.read.node import Node

TELL_EVERY = 256


class Teller:
    """Tells how far it is: now and then, and during large files."""

    def __init__(self, tell: Tell) -> None:
        self.progress = Progress()
        self._tell = tell
        self._rows = 0
        self._inside = 0

    def begin(self, node: Node) -> None:
        """Hear what is taken now."""
        self.progress.path = node.path

    def block(self, size: int) -> None:
        """Hear the bytes of a large file, and tell."""
        self._inside += size
        self.progress.bytes += size
        self.tell()

    def end(self, entry: Entry, *, fresh: bool) -> None:
        """Hear what came of it: `fresh`, or a row that stands from before."""
        progress = self.progress
        progress.kept += not fresh
        progress.files += entry.kind == "file"
        progress.bytes += (entry.size or 0) - self._inside if entry.state in {"complete", "changed"} else 0
        progress.omissions += entry.state != "complete"
        self._inside = 0
        self._rows += 1
        if self._rows % TELL_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        """Tell."""
        self._tell(replace(self.progress))
