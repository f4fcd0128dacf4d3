"""The calls that differ from system to system: renaming without replacing, and making bytes and names durable.

Run and tested on Linux. **Never run: the functions for macOS and Windows**, written from their manuals; what uses them
is tested with calls that are passed in. Source: specs/store.md section 3; renameat2(2), syncfs(2), flock(2),
renamex_np(2), fcntl(2) of macOS, MoveFileExW.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCL = 4


@dataclass(frozen=True, slots=True)
class System:
    """What publishing needs from a system. Every call raises OSError."""

    rename_new: Callable[[Path, Path], None]
    """Rename; EEXIST where the name is taken; ENOSYS, EINVAL or ENOTSUP where that cannot be promised."""
    rename_over: Callable[[Path, Path], None]
    """Rename over a file, or over an empty folder."""
    link: Callable[[Path, Path], None]
    """Make a hard link; EEXIST where the name is taken."""
    lock: Callable[[Path], AbstractContextManager[None]]
    """Hold a folder against other programs on this computer that hold it in the same way."""
    sync: Callable[[Path], None]
    """Make a file or a folder durable."""
    sync_all: Callable[[Path], None] | None
    """Make everything durable that lies on the file system of a folder; None where there is no such call."""


# --- renaming without replacing ----------------------------------------------------------------------------------


def linux_rename_new(old: Path, new: Path) -> None:
    """Rename by renameat2 with RENAME_NOREPLACE (Linux 3.15, glibc 2.28)."""
    _call("renameat2", _AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), _RENAME_NOREPLACE)


def macos_rename_new(old: Path, new: Path) -> None:
    """Rename by renamex_np with RENAME_EXCL. Never run."""
    _call("renamex_np", os.fsencode(old), os.fsencode(new), _RENAME_EXCL)


def windows_rename_new(old: Path, new: Path) -> None:
    """Rename by MoveFileExW, which Path.rename calls without leave to replace. Never run."""
    old.rename(new)


def no_rename_new(old: Path, new: Path) -> None:
    """Say that this system has no such call."""
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), os.fspath(old), None, os.fspath(new))


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder by flock: nothing is left of it, for the system lets go when the program ends, however it ends."""
    import fcntl  # noqa: PLC0415 (Windows has none)

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def no_lock(folder: Path) -> AbstractContextManager[None]:
    """Say that this system has no such call; where it renames without replacing, none is needed."""
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), os.fspath(folder))


# --- onto the medium -----------------------------------------------------------------------------------------------


def flush(handle: int) -> None:
    """Bring an open file to the medium. On macOS fsync stops at the drive's cache, F_FULLFSYNC does not (never run)."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415

        with contextlib.suppress(OSError):  # not every file system has it
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
            return
    os.fsync(handle)


def sync(path: Path) -> None:
    """Flush a file or a folder; a file system that cannot do so for a folder is not an error."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        flush(handle)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP} or not path.is_dir():
            raise
    finally:
        os.close(handle)


def windows_sync(path: Path) -> None:
    """Flush a file, which Windows does only by a handle for writing; folders have no such call. Never run."""
    if path.is_dir():
        return
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def linux_sync_all(folder: Path) -> None:
    """Flush a whole file system by syncfs (Linux 2.6.39; it tells of errors since 5.8).

    On file systems of this computer only: FUSE and network file systems may take the call and not pass it on.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("syncfs", handle)
        os.fsync(handle)  # FAT and exFAT have written everything, but tell the drive's cache only at an fsync
    finally:
        os.close(handle)


# --- calls of the C library --------------------------------------------------------------------------------------


def _call(name: str, *arguments: int | bytes) -> None:
    import ctypes  # noqa: PLC0415 (only who publishes needs it)

    function = getattr(_libc(), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@functools.cache
def _libc() -> Any:
    import ctypes  # noqa: PLC0415

    return ctypes.CDLL(None, use_errno=True)


# --- which system ----------------------------------------------------------------------------------------------------


def system_for(platform: str) -> System:
    """Return the calls for a `sys.platform`."""
    if platform == "win32":
        return System(windows_rename_new, os.replace, os.link, no_lock, windows_sync, None)
    rename_new = {"linux": linux_rename_new, "darwin": macos_rename_new}.get(platform, no_rename_new)
    sync_all = linux_sync_all if platform == "linux" else None
    return System(rename_new, os.rename, os.link, lock, sync, sync_all)


THIS = system_for(sys.platform)
