"""Writing once: a file appears under its name whole and on the medium, or not at all; nothing is ever replaced.

Temporary name in the same folder, write, fsync; rename without replacing; fsync of the folder, since a rename is only
durable once the folder is. How a system renames without replacing is in `systems.py`.
Source: specs/store.md section 3.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from pathlib import Path

from evidencekit.core.layout import TEMPORARY
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, EvidenceError, Refused
from evidencekit.write.systems import THIS, System, flush

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_EXISTS = {errno.EEXIST, errno.ENOTEMPTY}
# What a system or file system without the call answers. EACCES and EPERM: some refuse hard links that way.
_NOT_OFFERED = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}
_NO_LINKS = _NOT_OFFERED | {errno.EPERM, errno.EACCES, errno.EMLINK}
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""Flags to open a file that must be new."""


def write_new(path: Path, data: bytes, *, mode: int = 0o644, system: System = THIS) -> None:
    """Write a new file: whole and durable under its name when this returns.

    Raises:
        Refused: R501, the name is taken.
        CannotFinish: X421 no space, X422 not allowed or read-only, X423 another error of the system, X427 too large.
    """
    temporary = write_temporary(path, data, mode=mode)
    try:
        publish(temporary, path, system=system, synced=True)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_temporary(path: Path, data: bytes, *, mode: int = 0o644) -> Path:
    """Write and fsync `data` under a fresh temporary name beside `path`; return that.

    Raises:
        CannotFinish: X421, X422, X423.
    """
    for count in itertools.count():
        temporary = path.parent / f"{TEMPORARY}{os.getpid():x}-{count}"
        try:
            write_plain(temporary, data, mode=mode)
        except Refused:
            continue  # a leftover, or another process of this number on a shared folder
        return temporary
    raise AssertionError  # pragma: no cover - count() does not end


def write_plain(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Create, write and fsync a file under this very name: for the inside of a folder that is not published yet.

    Raises:
        Refused: R501, the name is taken.
        CannotFinish: X421, X422, X423; then nothing is left.
    """
    try:
        handle = os.open(path, CREATE, mode)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            flush(handle)
        finally:
            os.close(handle)
    except BaseException as error:
        with contextlib.suppress(OSError):
            path.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def make_folders(path: Path, *, below: Path | None = None) -> None:
    """Make a folder and those above it, where they are not there. Their names are durable once their folders are.

    `below` is one of those above it that has to be there: nothing is made where a medium was that is gone.

    Raises:
        CannotFinish: X421, X422, X423.
    """
    try:
        _make_below(path, below)
    except OSError as error:
        raise cannot_write(path, error) from error


def _make_below(path: Path, below: Path | None) -> None:
    try:
        path.mkdir(exist_ok=True)
    except FileNotFoundError:
        if path.parent in {below, path}:
            raise
        _make_below(path.parent, below)
        path.mkdir(exist_ok=True)


def publish(temporary: Path, final: Path, *, system: System = THIS, synced: bool = False) -> None:
    """Give a finished file or folder its final name without replacing anything, durably.

    The files inside a folder are fsynced already; `synced` says that of the temporary itself.

    Raises:
        Refused: R501, the name is taken; the temporary is left as it is.
        CannotFinish: X421, X422, X423; then nothing half written stands under the final name.
    """
    try:
        if not synced:
            system.sync(temporary)
        rename_new(temporary, final, system=system)
        system.sync(final.parent)
        if temporary.parent != final.parent:
            system.sync(temporary.parent)
    except OSError as error:
        raise cannot_write(final, error) from error


def rename_new(temporary: Path, final: Path, *, system: System = THIS) -> None:
    """Rename without replacing; the new name is durable only once its folder is.

    Raises:
        OSError: EEXIST or ENOTEMPTY, the name is taken; any other error of the system.
    """
    try:
        system.rename_new(temporary, final)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
    else:
        return
    if temporary.is_dir():  # no rename replaces a folder that has something in it, and every entry has
        _rename_if_free(temporary, final, system)
    elif not _linked(temporary, final, system):
        with system.lock(final.parent):  # no system call left that fails where the name is taken
            _rename_if_free(temporary, final, system)


def _linked(temporary: Path, final: Path, system: System) -> bool:
    """Give a file its name by a hard link; tell whether there are links here."""
    try:
        system.link(temporary, final)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    with contextlib.suppress(OSError):  # the record stands; a second, temporary name is never judged
        temporary.unlink()
    return True


def _rename_if_free(temporary: Path, final: Path, system: System) -> None:
    if os.path.lexists(final):
        os.lstat(temporary)  # as rename itself: that there is nothing to rename comes first
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(final))
    system.rename_over(temporary, final)


def cannot_write(path: Path, error: OSError) -> EvidenceError:
    """Return the exception for an error of the system while writing: R501, X421, X422, X423 or X427."""
    shown = display(os.fsencode(path))
    if error.errno in _EXISTS:
        return Refused(
            f"{shown} exists already.", code="R501", hint="Nothing was replaced; a record is never changed.", path=path
        )
    if error.errno in _NO_SPACE:
        return CannotFinish(
            f"There is no space for {shown}: {error.strerror}.",
            code="X421",
            hint="Make room, or use another disk; nothing half written was published.",
            path=path,
        )
    if error.errno == errno.EFBIG:
        return CannotFinish(
            f"{shown} becomes larger than a file may be here.",
            code="X427",
            hint="FAT holds files of less than 4 GiB: use exFAT, NTFS or ext4.",
            path=path,
        )
    if error.errno in _NOT_ALLOWED:
        return CannotFinish(
            f"{shown} may not be written: {error.strerror}.",
            code="X422",
            hint="Check the permissions, and whether the disk is mounted read-only.",
            path=path,
        )
    return CannotFinish(f"{shown} cannot be written: {error.strerror}.", code="X423", path=path)
