"""Bytes from a connection until a moment, whoever drips them: head, body, or what never ends.

A socket's own timeout begins anew with each byte; an end does not.
"""

from __future__ import annotations

import io
import socket
import time
from typing import Any


class TimedBytes(io.RawIOBase):
    """What arrives on a socket; after `end` (of the monotonic clock) a TimeoutError."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, *, patience: float, end: float) -> None:
        """Take a socket and its raw file; `patience`: seconds that may pass without a byte."""
        self._sock, self._raw, self._patience = sock, raw, patience
        self.end = end

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Take what is there, or wait for it. Raises OSError."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("it takes too long")
        self._sock.settimeout(min(left, self._patience))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the raw file, too."""
        self._raw.close()
        super().close()
