"""A new file that is hashed while it is written, so that nobody has to read it again to pin it.

Source: specs/manifest.md section 9 (the file's SHA-256 stands in the event that seals it).
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any


class HashedFile(io.RawIOBase):
    """A new file, written from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        """Create the file.

        Raises:
            OSError: the name is taken, or it cannot be created.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._handle = os.open(path, flags, 0o644)
        self._hasher = hashlib.sha256()
        self._offset = 0
        self.error: OSError | None = None
        """The first error of writing: a library in between may wrap it."""

    def writable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._offset

    def write(self, data: Any) -> int:
        """Write and hash all of `data`."""
        if self.closed:  # its number may be another file's by now
            raise ValueError("write to a closed file")
        view = memoryview(data).cast("B")
        self._hasher.update(view)
        rest = view
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            self.error = self.error or error
            raise
        self._offset += len(view)
        return len(view)

    def settle(self) -> bytes:
        """Bring everything to the medium; return the SHA-256 of the file."""
        os.fsync(self._handle)
        return self._hasher.digest()

    def close(self) -> None:
        """Close the file; again is no error."""
        if not self.closed:
            os.close(self._handle)
        super().close()
