"""A content on its way into a store: it gets its name when its digest is known, or never had one.

Source: specs/store.md section 4.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Protocol, Self

from evidencekit.write.appended import Appended

HELD = 1 << 20
"""Bytes up to which a content is held in memory, so that one that is there already is never written."""


class Shelf(Protocol):
    """Where drafts go."""

    def has(self, digest: bytes, size: int | None = None) -> bool:
        """Tell whether an object of this SHA-256 and size is there."""

    def temporary(self) -> Path:
        """Return a free name for a file that has no digest yet."""

    def take(self, path: Path, digest: bytes) -> None:
        """Give a finished file the name of its digest."""


class Draft:
    """A content that is being written. After `keep` or `drop` it is empty, and can take the next one."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._held = bytearray()
        self._file: Appended | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.drop()

    @property
    def size(self) -> int:
        """Bytes so far, holes included."""
        return len(self._held) if self._file is None else self._file.size

    def write(self, data: memoryview) -> None:
        """Add bytes.

        Raises:
            CannotFinish: X421 no space, X422 not allowed, X423 another error; X427 too large for the file system.
        """
        if (file := self._file_for(len(data))) is None:
            self._held += data
        else:
            file.append(data)

    def skip(self, length: int) -> None:
        """Add `length` zeros; in a content that is not held in memory they are a hole.

        Raises:
            CannotFinish: X421, X422, X423, X427.
        """
        if (file := self._file_for(length)) is None:
            self._held += bytes(length)
        else:
            file.skip(length)

    def keep(self, digest: bytes) -> None:
        """Give the content the name of its SHA-256, unless an object of that digest and size is there.

        Raises:
            CannotFinish: X421, X422, X423; then the content is dropped.
        """
        try:
            if not self._shelf.has(digest, self.size):
                file = self._file or self._spill()
                file.close()
                self._shelf.take(file.path, digest)
                self._file = None
        finally:
            self.drop()

    def drop(self) -> None:
        """Forget the content; what was written of it is removed."""
        self._held = bytearray()  # a new one: an error on its way up may still hold a view of the old one
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()
            with contextlib.suppress(OSError):
                file.path.unlink()

    def _file_for(self, length: int) -> Appended | None:
        """Return the file that the next `length` bytes go to, None as long as they can be held."""
        if self._file is None and len(self._held) + length > HELD:
            return self._spill()
        return self._file

    def _spill(self) -> Appended:
        """Write to a file what was held."""
        self._file = Appended(self._shelf.temporary())
        self._file.append(memoryview(self._held))
        self._held = bytearray()
        return self._file
