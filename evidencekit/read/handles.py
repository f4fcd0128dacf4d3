"""Opening what lies in a source: by folder handles, never through a link, never waiting, access times left alone.

Source: specs/manifest.md section 5; the traps are in specs/threat-model.md (planted links and FIFOs).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.read.streams import StreamCalls, system_streams

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_NOATIME = getattr(os, "O_NOATIME", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FOLDER = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_DIRECTORY", 0) | _CLOEXEC
# A FIFO planted where a file was listed would block the open for ever without O_NONBLOCK.
_FILE = os.O_RDONLY | _NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | _CLOEXEC


class Opener:
    """Opens what a walk finds, and remembers whether that may have moved an access time."""

    __slots__ = ("streams", "touched")

    def __init__(self, streams: StreamCalls | None = None) -> None:
        """Take the calls for named streams, the system's own where it has any and none are given."""
        self.streams = streams or system_streams()
        self.touched = False
        """True once something was read that O_NOATIME does not cover: not ours, or a link."""

    def folder(self, name: bytes, parent: int) -> int:
        """Return a handle on a folder, never through a link.

        Raises:
            OSError: it cannot be opened, or is no folder.
        """
        return self._open(name, _FOLDER, parent)

    def file(self, name: bytes, parent: int) -> int:
        """Return a handle on whatever stands under a name, never through a link and without waiting.

        The caller makes sure by `os.fstat` that it is a file.

        Raises:
            OSError: it cannot be opened.
        """
        return self._open(name, _FILE, parent)

    def _open(self, name: bytes, flags: int, parent: int) -> int:
        """Open with O_NOATIME, which only the owner and the privileged may, or else without."""
        if _NOATIME:
            try:
                return os.open(name, flags | _NOATIME, dir_fd=parent)
            except PermissionError as error:
                if error.errno != errno.EPERM:
                    raise
        handle = os.open(name, flags, dir_fd=parent)
        self.touched = True
        return handle


def open_parent(source: Path | bytes) -> tuple[int, bytes]:
    """Return a handle on the folder that holds a source, and the source's name in it.

    Links in the way to that folder are the operator's own words, and are followed; the source itself is not.

    Raises:
        CannotFinish: X430 not there, X431 it cannot be reached, X435 the system has no handles on folders.
    """
    if os.open not in os.supports_dir_fd or not _NOFOLLOW:
        raise CannotFinish("This system cannot walk folders by handles.", code="X435", hint="Use Linux or macOS.")
    whole = os.fsencode(source)
    head, name = os.path.split(whole.rstrip(b"/"))
    if name in {b"", b".", b".."}:  # the root, or a folder that has no name of its own here
        head, name = whole, b"."
    try:
        flags = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0) | _CLOEXEC
        return os.open(head or b".", flags), name
    except OSError as error:
        raise unreachable(whole, error) from error


def unreachable(source: bytes, error: OSError) -> CannotFinish:
    """Return the exception for a source that is not there (X430) or cannot be looked at (X431)."""
    shown = display(source)
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return CannotFinish(f"{shown} is not there.", code="X430", hint="Name a folder or a file.", path=source)
    return CannotFinish(f"{shown} cannot be looked at: {error.strerror}.", code="X431", path=source)


def same(one: os.stat_result, other: os.stat_result) -> bool:
    """Tell whether two stats speak of one file in one state (its access time apart)."""
    return (
        one.st_mtime_ns == other.st_mtime_ns
        and one.st_ctime_ns == other.st_ctime_ns
        and one.st_size == other.st_size
        and one.st_ino == other.st_ino
        and one.st_dev == other.st_dev
    )
