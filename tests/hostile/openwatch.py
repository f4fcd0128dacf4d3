"""A witness: the kernel's own word on what was opened or read in a folder (inotify)."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Self

_IN_ACCESS, _IN_OPEN = 0x1, 0x20
_IN_Q_OVERFLOW = 0x4000
_IN_NONBLOCK = os.O_NONBLOCK
_EVENT = struct.Struct("iIII")


class Watch:
    """Watches files and folders from the beginning of a `with` to its end.

    `seen` has a line for each opening or reading of one of them; of a folder also for what lies directly in it, and for
    its being listed, but not for its being opened alone, which gives nothing of its content away.
    """

    def __init__(self, *paths: bytes) -> None:
        self._paths = paths
        self.seen: list[bytes] = []

    def __enter__(self) -> Self:
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = libc.inotify_init1(_IN_NONBLOCK)
        self._named = {}
        for path in self._paths:
            number = libc.inotify_add_watch(self._handle, path, _IN_ACCESS | _IN_OPEN)
            assert number >= 0, (path, os.strerror(ctypes.get_errno()))
            self._named[number] = path
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        os.close(self._handle)

    def look(self) -> None:
        """Take down what happened so far."""
        while True:
            try:
                data = os.read(self._handle, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                number, mask, _, size = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + size].rstrip(b"\0")
                at += _EVENT.size + size
                assert not mask & _IN_Q_OVERFLOW, "more happened than could be taken down"
                path = self._named[number]
                if name or mask & _IN_ACCESS or not os.path.isdir(path):
                    what = b"read " if mask & _IN_ACCESS else b"opened "
                    self.seen.append(what + path + (b"/" + name if name else b""))
