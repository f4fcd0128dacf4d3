"""A new file that is only added to: what was appended stays, whatever comes after it.

Source: specs/decisions/0006-journal-first.md; specs/store.md section 3.
"""

from __future__ import annotations

import os
from pathlib import Path

from evidencekit.write.durable import CREATE, cannot_write
from evidencekit.write.systems import THIS, System, flush


class Appended:
    """A new file, written from its beginning to its end. Not for two threads at once."""

    def __init__(self, path: Path, *, mode: int = 0o644, system: System = THIS) -> None:
        """Create the file.

        Raises:
            Refused: R501, the name is taken.
            CannotFinish: X421 no space, X422 not allowed or read-only, X423 another error of the system.
        """
        self.path = path
        self.size = 0
        """Bytes of the file so far, holes included."""
        self._system = system
        self._has_durable_name = False
        try:
            self._handle = os.open(path, CREATE, mode)
        except OSError as error:
            raise cannot_write(path, error) from error

    def append(self, data: bytes | memoryview) -> None:
        """Write all of `data`: this much outlives the program.

        Raises:
            CannotFinish: X421, X422, X423; X427, the file is larger than the medium lets one be.
        """
        rest = memoryview(data)
        try:
            while rest:
                written = os.write(self._handle, rest)
                self.size += written
                rest = rest[written:]
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def skip(self, length: int) -> None:
        """Append `length` zeros as a hole, which takes no space where the file system has holes.

        Raises:
            CannotFinish: X421, X422, X423, X427.
        """
        try:
            os.ftruncate(self._handle, self.size + length)
            self.size = os.lseek(self._handle, length, os.SEEK_CUR)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Bring to the medium what was appended, the first time the name, too: this much outlives the power.

        Raises:
            CannotFinish: X421, X422, X423. What is on the medium then nobody knows: do not go on with this file.
        """
        try:
            flush(self._handle)
            if not self._has_durable_name:
                self._system.sync(self.path.parent)
                self._has_durable_name = True
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        """Close the file, which stays; again is no error.

        Raises:
            CannotFinish: X421, X422, X423: some file systems tell of a failed write only now.
        """
        handle, self._handle = self._handle, -1
        if handle >= 0:
            try:
                os.close(handle)
            except OSError as error:
                raise cannot_write(self.path, error) from error
