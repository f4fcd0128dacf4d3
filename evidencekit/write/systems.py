"""The calls that differ from system to system: renaming without replacing, and making a name durable.

Run and tested on Linux. **Never run: the functions for macOS and Windows**, written from their manuals; what uses them
is tested with calls that are passed in. Source: specs/store.md section 3; renameat2(2), renamex_np(2), MoveFileExW.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
    sync: Callable[[Path], None]
    """Make a file or a folder durable."""


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


def _call(name: str, *arguments: int | bytes) -> None:
    import ctypes  # noqa: PLC0415 (only who publishes needs it)

    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def sync(path: Path) -> None:
    """Fsync a file or a folder; a file system that cannot do so for a folder is not an error."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(handle)
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


def system_for(platform: str) -> System:
    """Return the calls for a `sys.platform`."""
    if platform == "win32":
        return System(windows_rename_new, os.replace, os.link, windows_sync)
    rename_new = {"linux": linux_rename_new, "darwin": macos_rename_new}.get(platform, no_rename_new)
    return System(rename_new, os.rename, os.link, sync)


THIS = system_for(sys.platform)
