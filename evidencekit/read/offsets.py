"""What all files have in common that are read by offsets: where the next byte is. Source: io.RawIOBase."""

from __future__ import annotations

import io


class ByOffsets(io.RawIOBase):
    """A readable file of a known size; whoever derives from it reads at `_at`, and moves it."""

    def __init__(self, size: int) -> None:
        """Take the number of its bytes."""
        self._at = 0
        self._end = size

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset, which is not before the beginning, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        if base + offset < 0:
            raise ValueError("an offset before the beginning")
        self._at = base + offset
        return self._at
