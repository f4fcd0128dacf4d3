"""A file that other processes read, too: each by a place of its own, though they share one handle.

Promise: whoever else reads or seeks on the handle, this reads what stands where it means to read.
Source: pread(2); a handle that goes to another process brings its offset along (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import os
from typing import Any

from evidencekit.read.offsets import ByOffsets


class SharedFile(ByOffsets):
    """An open plain file read by offsets. Closing it closes the handle."""

    def __init__(self, handle: int) -> None:
        """Take a handle, which is this object's own from now on.

        Raises:
            OSError: its size cannot be found.
        """
        super().__init__(os.fstat(handle).st_size)
        self._handle = handle

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` as far as the file goes; return the number of bytes.

        Raises:
            OSError: the file cannot be read.
        """
        read = os.preadv(self._handle, [memoryview(buffer).cast("B")], self._at)
        self._at += read
        return read

    def close(self) -> None:
        """Give back the handle."""
        if not self.closed and self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        super().close()
