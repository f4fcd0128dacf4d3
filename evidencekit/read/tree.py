"""The walk of a source in the order of a manifest: names as bytes, by folder handles, no link ever followed.

Promises: every entry that the source lists is yielded once, a folder before its content, children in the order of their
raw names; what could not be looked at is yielded too, with its problem; nothing in the source is changed; neither the
depth of the tree nor a planted FIFO or link stops the walk.
Source: specs/manifest.md sections 3, 5 and 6; why it lives here: specs/decisions/0003-walk-in-read.md.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from evidencekit.read.folders import Folder, climb, names_in
from evidencekit.read.handles import Opener, open_parent, same, unreachable
from evidencekit.read.problem import Problem, problem_of

MAX_PATH = 131_072
"""A folder below which paths could be longer is not listed: at six bytes each they must fit the limit of a group."""
MAX_XATTRS = 16 << 20
"""Bytes of attribute values of one entry that are read."""
_LONGEST_NAME = 256

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char_device",
    stat.S_IFBLK: "block_device",
}
_REPLACED = Problem("changed_kind", "something that is not a file stands under the name now")
_MOVED = Problem("other", "the folder was moved or replaced during the walk, before all of it was looked at")
_TOO_LONG = Problem("too_long", f"names below this folder would be longer than {MAX_PATH} bytes")
_BAD_NAME = Problem("io_error", "the file system listed a name that is none")


class Node:
    """One entry of the source. `open` and `xattrs` work until the walk goes on."""

    __slots__ = (
        "after", "handle", "kind", "name", "opened", "opener",
        "parent", "path", "problem", "pruned", "status", "target",
    )  # fmt: skip

    def __init__(self, opener: Opener, parent: int, name: bytes, path: bytes) -> None:
        self.opener = opener
        self.parent = parent
        """Handle of the folder it lies in, the walk's own."""
        self.handle = -1
        """Handle of a listed folder, the walk's own."""
        self.name = name
        """Its last name; for the source, the name it has where it lies."""
        self.path = path
        """Relative to the source, components joined by `/`; empty for the source itself."""
        self.kind = "unknown"
        """One of `records.KINDS`."""
        self.status: os.stat_result | None = None
        """lstat; for a listed folder the fstat before it was listed; None where even that failed."""
        self.opened: os.stat_result | None = None
        """fstat of a file when `open` opened it."""
        self.target: bytes | None = None
        """The bytes of a link; None where it could not be read."""
        self.problem: Problem | None = None
        """Why it could not be looked at, listed (a folder) or read (a link)."""
        self.pruned = False
        """True for a folder that was not listed because the caller did not want it."""
        self.after: os.stat_result | None = None
        """A second stat where it differs from the first: a folder changed while listed, a link while read."""

    def open(self) -> int | Problem:
        """Return a new handle on this file for reading, or why there is none. The caller closes it.

        The file may have been replaced by another since it was listed: compare `opened` with `status`.
        """
        try:
            handle = self.opener.file(self.name, self.parent)
        except OSError as error:
            return problem_of(error)
        self.opened = status = os.fstat(handle)
        if stat.S_ISREG(status.st_mode):
            return handle
        os.close(handle)
        return _REPLACED

    def xattrs(self, handle: int = -1) -> list[tuple[bytes, bytes]]:
        """Return the extended attributes, sorted by the bytes of the name; empty where the file system has none.

        `handle` is an open handle on this very file, if there is one; links and special files are asked by name.

        Raises:
            OSError: they could not be read.
        """
        if not hasattr(os, "listxattr"):
            return []
        handle = handle if handle >= 0 else self.handle
        try:
            if handle >= 0:
                names = os.listxattr(handle)
                return _values(names, lambda name: os.getxattr(handle, name)) if names else []
            # There is no call relative to a folder handle before Linux 6.13: /proc has a path that is one.
            place = b"/proc/self/fd/%d/%s" % (self.parent, self.name)
            names = os.listxattr(place, follow_symlinks=False)
            return _values(names, lambda name: os.getxattr(place, name, follow_symlinks=False))
        except OSError as error:
            if error.errno == errno.EOPNOTSUPP:
                return []
            raise

    def leave(self) -> None:
        """Forget the handles: the walk goes on, and their numbers will be used again."""
        self.parent = self.handle = -1


def _values(names: list[str], read: Callable[[str], bytes]) -> list[tuple[bytes, bytes]]:
    """Read attributes within a bound of memory: a hostile file system can hang a gigabyte on one file."""
    found = []
    room = MAX_XATTRS
    for name in names:
        value = read(name)
        room -= len(value)
        if room < 0:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        found.append((os.fsencode(name), value))
    return sorted(found)


def walk(
    source: Path | bytes,
    *,
    prune: Callable[[bytes], bool] | None = None,
    names: Callable[[int], Iterable[str]] = names_in,
    max_handles: int = 64,
    opener: Opener | None = None,
) -> Generator[Node, None, None]:
    """Yield every entry of a source, the source itself first. Close the generator to give back its handles.

    `prune(path)` tells which folders are neither listed nor walked (never asked for the source itself); `names` lists a
    folder by its handle; `max_handles` folders (at least 4) stay open, others are opened again when their turn comes;
    `opener` learns whether an access time may have moved.

    Raises:
        CannotFinish: X430 the source is not there, X431 it cannot be looked at, X435 not on this system.
    """
    parent, name = open_parent(source)
    max_handles = max(4, max_handles)  # the source's, a node's and its folder's must be among them
    opener = opener or Opener()
    stack: list[Folder] = []
    try:
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise unreachable(os.fsencode(source), error) from error
        node = Node(opener, parent, name, b"")
        folder = _look(node, status, None, names)
        while True:
            if folder is not None:
                stack.append(folder)
                if len(stack) > max_handles:
                    stack[max(1, len(stack) - max_handles)].park()  # the source's own handle stays: the way back
            yield node
            node.leave()
            while stack and not stack[-1].names:
                climb(stack, opener)
            if not stack:
                return
            top = stack[-1]
            name = top.names.pop()
            node = Node(opener, top.handle, name, top.prefix + name)
            folder = None
            if top.handle < 0:
                node.problem = _MOVED
                continue
            try:
                status = os.stat(name, dir_fd=top.handle, follow_symlinks=False)
            except OSError as error:
                node.problem = problem_of(error)
                if not node.problem.vanished:
                    node.kind = top.listed_kind(name)
                continue
            folder = _look(node, status, prune, names)
    finally:
        for left in stack:
            left.park()
        os.close(parent)


def _look(
    node: Node,
    status: os.stat_result,
    prune: Callable[[bytes], bool] | None,
    names: Callable[[int], Iterable[str]],
) -> Folder | None:
    """Fill a node from its lstat; list it, if it is a folder, and return that."""
    node.status = status
    node.kind = kind = _KINDS.get(stat.S_IFMT(status.st_mode), "unknown")
    if kind == "directory":
        if prune is not None and prune(node.path):
            node.pruned = True
            return None
        return _list(node, names)
    if kind == "symlink":
        try:
            node.target = os.readlink(node.name, dir_fd=node.parent)
            after = os.stat(node.name, dir_fd=node.parent, follow_symlinks=False)
        except OSError as error:
            node.target = None
            node.problem = problem_of(error)
            return None
        if not same(status, after):
            node.after = after
        if after.st_atime_ns != status.st_atime_ns:
            node.opener.touched = True  # there is no O_NOATIME for reading a link
    return None


def _list(node: Node, names: Callable[[int], Iterable[str]]) -> Folder | None:
    """List a folder between two fstats; what was listed before an error is walked all the same."""
    if len(node.path) > MAX_PATH - _LONGEST_NAME:
        node.problem = _TOO_LONG
        return None
    try:
        handle = node.opener.folder(node.name, node.parent)
    except OSError as error:
        node.problem = problem_of(error)
        return None
    node.status = before = os.fstat(handle)
    node.handle = handle
    found: list[bytes] = []
    try:
        found.extend(map(os.fsencode, names(handle)))
    except OSError as error:
        problem = problem_of(error)
        node.problem = (
            Problem("io_error", problem.detail) if problem.vanished else problem
        )  # it was there: not vanished
    after = os.fstat(handle)
    if not same(before, after):
        node.after = after
    if any(b"/" in name for name in found):  # a damaged file system: such a name would lead elsewhere
        found = [name for name in found if b"/" not in name]
        node.problem = _BAD_NAME
    found.sort(reverse=True)
    return Folder(handle, node.name, node.path, found, before)
