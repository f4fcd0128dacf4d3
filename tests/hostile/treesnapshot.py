"""Everything that a stat and the attributes tell of a tree, taken without leaving a trace in it."""

from __future__ import annotations

import os
import stat
from typing import Any

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def take(root: bytes) -> dict[bytes, tuple[Any, ...]]:
    """Return path to what stands there, access times included; content is not read, links neither."""
    found: dict[bytes, tuple[Any, ...]] = {}
    parent = os.open(os.path.dirname(root), os.O_PATH)
    try:
        _take(os.path.basename(root), parent, b"", found)
    finally:
        os.close(parent)
    return found


def _take(name: bytes, parent: int, path: bytes, found: dict[bytes, tuple[Any, ...]]) -> None:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except PermissionError:
        found[path] = (None,)
        return
    here = b"/proc/self/fd/%d/%s" % (parent, name)
    attributes = tuple((one, os.getxattr(here, one, follow_symlinks=False)) for one in _list(here))
    found[path] = (
        status.st_mode, status.st_ino, status.st_dev, status.st_nlink, status.st_uid, status.st_gid, status.st_size,
        status.st_blocks, status.st_mtime_ns, status.st_ctime_ns, status.st_rdev, attributes, status.st_atime_ns,
    )  # fmt: skip
    if not stat.S_ISDIR(status.st_mode):
        return
    try:
        handle = os.open(name, _FOLDER | os.O_NOATIME, dir_fd=parent)
    except PermissionError:
        return
    try:
        for inner in os.listdir(handle):
            one = os.fsencode(inner)
            _take(one, handle, path + b"/" + one if path else one, found)
    finally:
        os.close(handle)


def _list(path: bytes) -> list[str]:
    try:
        return sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []


def without_atime(found: dict[bytes, tuple[Any, ...]]) -> dict[bytes, tuple[Any, ...]]:
    """Leave the access times out."""
    return {path: facts[:-1] for path, facts in found.items()}


def is_special(facts: tuple[Any, ...]) -> bool:
    """Tell pipes, sockets and devices from what may be opened."""
    return facts[0] is not None and stat.S_IFMT(facts[0]) not in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}
