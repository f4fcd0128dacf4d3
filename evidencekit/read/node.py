"""One entry of a source, as the walk met it: what it is, and the way to its bytes and attributes.

Promises: everything goes by the handle of its folder, and through no link; what took the name of a file meanwhile is
opened, if it is one, and told apart by its stat.
Source: specs/manifest.md sections 2 to 5.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from evidencekit.read.handles import Opener
from evidencekit.read.problem import Problem, problem_of
from evidencekit.read.streams import Stream, named_streams

MAX_XATTRS = 16 << 20
"""Bytes of attribute values of one entry that are read."""
_REPLACED = Problem("changed_kind", "something that is not a file stands under the name now")
_NOT_READ = Problem("unsupported", "there is nothing here that is read")


class Node:
    """One entry of the source. `open` and `xattrs` work until the walk goes on."""

    __slots__ = (
        "after", "handle", "held", "kind", "name", "opened", "opener",
        "parent", "path", "problem", "pruned", "status", "target",
    )  # fmt: skip

    def __init__(self, opener: Opener, parent: int, name: bytes, path: bytes) -> None:
        self.opener = opener
        self.parent = parent
        """Handle of the folder it lies in, the walk's own."""
        self.handle = -1
        """Handle of a listed folder, the walk's own."""
        self.held = -1
        """Handle of a file that is open already: `open` gives it away."""
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

        A block device is opened where it is the source itself, never inside of one: there it is a name on evidence, and
        here it would be a device of this computer. The file may have been replaced by another since it was listed:
        compare `opened` with `status`.
        """
        if self.kind != "file" and (self.kind != "block_device" or self.path):
            return _NOT_READ
        if self.held >= 0:
            handle, self.held = self.held, -1
            return handle
        try:
            handle = self.opener.file(self.name, self.parent)
        except OSError as error:
            return problem_of(error)
        self.opened = os.fstat(handle)
        if self._is_of_kind(self.opened):
            return handle
        os.close(handle)
        return _REPLACED

    def _is_of_kind(self, opened: os.stat_result) -> bool:
        if self.kind == "file":
            return stat.S_ISREG(opened.st_mode)
        return stat.S_ISBLK(opened.st_mode) and self.status is not None and opened.st_rdev == self.status.st_rdev

    def streams(self) -> list[Stream]:
        """Return the named streams of this file or folder, in the order of their rows, which come right after its own.

        Raises:
            OSError: they could not be listed.
        """
        calls = self.opener.streams
        return [] if calls is None else named_streams(calls, self.parent, self.name)

    def open_stream(self, stream: Stream) -> int | Problem:
        """Return a new handle on one of `streams`, or why there is none. The caller closes it."""
        calls = self.opener.streams
        if calls is None:
            return _NOT_READ
        try:
            return calls.open(self.parent, self.name, stream.name)
        except OSError as error:
            return problem_of(error)

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

    def drop(self) -> None:
        """Close a file that is open already, and that nobody reads."""
        if self.held >= 0:
            os.close(self.held)
            self.held = -1

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
