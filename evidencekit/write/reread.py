"""Files read again from the medium, to see whether it holds what was written to it.

Before a file is read the system is told to drop what it has of it in memory. It drops what is on the medium, and keeps
what is not written back yet: sync first. This is as far as a program gets: a drive may still answer out of its own
cache, a FUSE or network file system out of the memory of another program or computer, and tmpfs has no medium.
Source: specs/store.md section 4; posix_fadvise(2) (POSIX_FADV_DONTNEED); fcntl(2) of macOS (F_NOCACHE, never run).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from pathlib import Path

from evidencekit.core.values import display
from evidencekit.errors import CannotFinish

_BLOCK = 1 << 20
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO in the place of a file must not hang
)


def open_plain(path: Path | str) -> int:
    """Open a plain file for reading; links are not followed.

    Raises:
        OSError: EINVAL where it is not a plain file.
    """
    handle = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a plain file", os.fspath(path))
    return handle


def length_of(path: Path | str) -> int | None:
    """Return the bytes of a plain file; None where there is none, or something else."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def reread(path: Path | str) -> tuple[bytes, int]:
    """Return the SHA-256 of a plain file and its number of bytes, as the medium gives them.

    Raises:
        OSError: it cannot be read, or is not a plain file.
    """
    hasher, size = hashlib.sha256(), 0
    handle = open_plain(path)
    try:
        _forget(handle)
        while data := os.read(handle, _BLOCK):
            hasher.update(data)
            size += len(data)
    finally:
        os.close(handle)
    return hasher.digest(), size


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a plain file, as the medium gives it.

    Raises:
        CannotFinish: X403.
    """
    try:
        return reread(path)[0]
    except OSError as error:
        raise cannot_read(path, error) from error


def forget(path: Path) -> None:
    """Ask the system to drop what it has of a file in memory: whoever reads it next gets what the medium has."""
    with contextlib.suppress(OSError):
        handle = open_plain(path)
        try:
            _forget(handle)
        finally:
            os.close(handle)


def cannot_read(path: Path, error: OSError) -> CannotFinish:
    """Return the exception for an error of the system while reading: X403."""
    shown = display(os.fsencode(path))
    return CannotFinish(
        f"{shown} cannot be read: {error.strerror}.",
        code="X403",
        hint="Check the medium and the permissions.",
        path=path,
    )


def _forget(handle: int) -> None:
    with contextlib.suppress(OSError):  # asked, not demanded: there are file systems without
        if sys.platform == "darwin":
            import fcntl  # noqa: PLC0415

            fcntl.fcntl(handle, fcntl.F_NOCACHE, 1)
        elif hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
