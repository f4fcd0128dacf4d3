"""Named streams of a file (NTFS: alternate data streams): which there are, and a handle on one.

Promises: lists and opens, nothing else. Only Windows has them here, and its calls below were **never run**.
Source: specs/manifest.md section 2 (`stream`); FindFirstStreamW and GetFinalPathNameByHandleW of the Windows API.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

_TYPE = ":$DATA"


class Stream(NamedTuple):
    """A stream that has a name."""

    name: bytes
    """As WTF-8, never empty."""
    size: int
    """Bytes, as the file system says."""


class StreamCalls(Protocol):
    """What a system with streams offers: asked by a handle on the folder, and the name of a file or folder in it."""

    def find(self, parent: int, name: bytes) -> Iterable[tuple[str, int]]:
        """Yield the streams as the system writes them, `:NAME:$DATA`, with their sizes; the unnamed one may be there.

        Raises:
            OSError: they cannot be listed.
        """

    def open(self, parent: int, name: bytes, stream: bytes) -> int:
        """Return a handle on a stream, for reading.

        Raises:
            OSError: it cannot be opened.
        """


def named_streams(calls: StreamCalls, parent: int, name: bytes) -> list[Stream]:
    """Return the streams that have a name, in the order of a manifest.

    Raises:
        OSError: they cannot be listed.
    """
    found = calls.find(parent, name)
    named = (Stream(_name(written), size) for written, size in found)
    return sorted(stream for stream in named if stream.name)


def _name(written: str) -> bytes:
    return written.removeprefix(":").removesuffix(_TYPE).encode("utf-8", "surrogatepass")


def system_streams() -> StreamCalls | None:
    """Return the calls of this system, None where it has no named streams."""
    calls: StreamCalls | None = None
    if sys.platform == "win32":
        calls = _Windows()
    return calls


if sys.platform == "win32":
    import ctypes
    import msvcrt

    class _FindStream(ctypes.Structure):
        _fields_ = (("size", ctypes.c_longlong), ("name", ctypes.c_wchar * 296))  # MAX_PATH + 36

    _INVALID = ctypes.c_void_p(-1).value
    _END = (38, 87)  # no more of them; a file system without streams
    _LONGEST = 32_768

    class _Windows:
        """Windows. Never run."""

        def __init__(self) -> None:
            self._calls = ctypes.WinDLL("kernel32", use_last_error=True)
            self._calls.FindFirstStreamW.restype = ctypes.c_void_p
            self._calls.FindNextStreamW.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            self._calls.FindClose.argtypes = [ctypes.c_void_p]
            self._calls.GetFinalPathNameByHandleW.argtypes = [
                *(ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint, ctypes.c_uint)
            ]

        def find(self, parent: int, name: bytes) -> Iterator[tuple[str, int]]:
            entry = _FindStream()
            search = self._calls.FindFirstStreamW(self._path(parent, name), 0, ctypes.byref(entry), 0)
            if search == _INVALID:
                return self._end()
            try:
                while True:
                    yield entry.name, entry.size
                    if not self._calls.FindNextStreamW(search, ctypes.byref(entry)):
                        return self._end()
            finally:
                self._calls.FindClose(search)

        def open(self, parent: int, name: bytes, stream: bytes) -> int:
            path = f"{self._path(parent, name)}:{stream.decode('utf-8', 'surrogatepass')}"
            return os.open(path, os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)

        def _path(self, parent: int, name: bytes) -> str:
            buffer = ctypes.create_unicode_buffer(_LONGEST)
            handle = msvcrt.get_osfhandle(parent)
            if not self._calls.GetFinalPathNameByHandleW(handle, buffer, _LONGEST, 0):
                raise ctypes.WinError(ctypes.get_last_error())
            return f"{buffer.value}\\{os.fsdecode(name)}"

        def _end(self) -> None:
            if ctypes.get_last_error() not in _END:
                raise ctypes.WinError(ctypes.get_last_error())
