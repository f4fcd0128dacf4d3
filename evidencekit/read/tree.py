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
from itertools import islice, repeat
from operator import contains, eq, methodcaller
from pathlib import Path
from typing import NamedTuple

from evidencekit.read.beneath import Beneath
from evidencekit.read.folders import MARK, Folder, climb, marked_names_in, names_in
from evidencekit.read.handles import Opener, same, unreachable
from evidencekit.read.node import Node
from evidencekit.read.problem import Problem, problem_of

__all__ = ["MAX_PATH", "Names", "Node", "look_at", "revisit", "walk", "walk_in_bulk"]

MAX_PATH = 131_072
"""A folder below which paths could be longer is not listed: at six bytes each they must fit the limit of a group."""
MAX_NAMES = 256
"""Neighbours that are yielded together."""
_LONGEST_NAME = 256
_bare = methodcaller("rstrip", MARK)

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char_device",
    stat.S_IFBLK: "block_device",
}
_TWICE = Problem("io_error", "the file system listed a name twice")
_NO_LINK = Problem("changed_kind", "something that is not a link stands under the name now")
_MOVED = Problem("other", "the folder was moved or replaced during the walk, before all of it was looked at")
_TOO_LONG = Problem("too_long", f"names below this folder would be longer than {MAX_PATH} bytes")
_NOW_A_FOLDER = Problem("other", "it became a folder after its own was listed")
_BAD_NAME = Problem("io_error", "the file system listed a name that is none")


class Names(NamedTuple):
    """Neighbours in a folder that are no folders, as its listing says; nobody looked at them yet."""

    parent: int
    """Handle of the folder, the walk's own: it serves until the walk goes on."""
    prefix: bytes
    """What stands before the names in their paths."""
    names: list[bytes]
    """Ascending; each with FILE_MARK behind it, where it is listed as a plain file, or with LINK_MARK or OTHER_MARK."""


class _Rules(NamedTuple):
    """How folders are listed, and which."""

    prune: Callable[[bytes], bool] | None
    names: Callable[[int], Iterable[str | bytes]]
    max_handles: int


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
    for node in _walk(source, _Rules(prune, names, max_handles), opener):
        if isinstance(node, Node):  # names come in bulk only where they are marked
            yield node


def walk_in_bulk(
    source: Path | bytes, *, prune: Callable[[bytes], bool] | None = None, opener: Opener | None = None
) -> Generator[Node | Names, None, None]:
    """Yield what `walk` does, but what is no folder by its name alone, up to `MAX_NAMES` neighbours together."""
    yield from _walk(source, _Rules(prune, marked_names_in, 64), opener)


def look_at(opener: Opener, parent: int, name: bytes, path: bytes) -> Node:
    """Return the node of something that is no folder; one that took its name meanwhile has a problem."""
    node = Node(opener, parent, name, path)
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        node.problem = problem_of(error)
        return node
    if stat.S_ISDIR(status.st_mode):
        node.status, node.kind, node.problem = status, "directory", _NOW_A_FOLDER
    else:
        _look(node, status, _NO_RULES)
    return node


_NO_RULES = _Rules(None, names_in, 0)


def _walk(source: Path | bytes, rules: _Rules, opener: Opener | None) -> Generator[Node | Names, None, None]:
    opener = opener or Opener()
    with Beneath(source, opener) as beneath:
        parent, name = beneath.parent_of(b"")
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            raise unreachable(os.fsencode(source), error) from error
        yield from _descend(Node(opener, parent, name, b""), status, rules)


def revisit(
    source: Path | bytes,
    paths: Iterable[bytes],
    *,
    prune: Callable[[bytes], bool] | None = None,
    names: Callable[[int], Iterable[str]] = names_in,
    max_handles: int = 64,
    opener: Opener | None = None,
) -> Generator[Node, None, None]:
    """Yield what stands at some paths now, as `walk` would: a folder with all that lies below it.

    `paths` come in the order of a manifest (empty: the source itself); what was yielded with a folder is not yielded
    again. What is gone, or cannot be reached through folders alone, is yielded with its problem, its kind `unknown`.
    The rest is as for `walk`; up to 64 folders more stay open on the way to the paths.

    Raises:
        CannotFinish: X430 the source is not there, X431 it cannot be reached, X435 not on this system.
    """
    opener = opener or Opener()
    rules = _Rules(prune, names, max_handles)
    last: Node | None = None
    with Beneath(source, opener) as beneath:
        for path in paths:
            if last is not None and (path == last.path or (last.kind == "directory" and _lies_below(path, last.path))):
                continue
            try:
                parent, name = beneath.parent_of(path)
                status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            except OSError as error:
                last = Node(opener, -1, path.rpartition(b"/")[2], path)
                last.problem = problem_of(error)
                yield last
                continue
            last = Node(opener, parent, name, path)
            for node in _descend(last, status, rules):
                if isinstance(node, Node):
                    yield node


def _lies_below(path: bytes, folder: bytes) -> bool:
    return not folder or path.startswith(folder + b"/")


def _descend(node: Node, status: os.stat_result, rules: _Rules) -> Generator[Node | Names, None, None]:
    """Yield a node, and everything below it."""
    max_handles = max(4, rules.max_handles)  # the first folder's, a node's and its folder's must be among them
    opener = node.opener
    stack: list[Folder] = []
    try:
        folder = _look(node, status, rules)
        while True:
            if folder is not None:
                stack.append(folder)
                if len(stack) > max_handles:
                    stack[max(1, len(stack) - max_handles)].park()  # the first folder's stays: the way back
            yield node
            node.leave()
            while stack:
                top = stack[-1]
                while top.handle >= 0 and (bulk := top.take_marked(MAX_NAMES)):
                    yield Names(top.handle, top.prefix, bulk)
                if top.names:
                    break
                climb(stack, opener)
            if not stack:
                return
            name = top.names.pop().rstrip(MARK)
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
            folder = _look(node, status, rules)
    finally:
        for left in stack:
            left.park()


def _look(node: Node, status: os.stat_result, rules: _Rules) -> Folder | None:
    """Fill a node from its lstat; list it, if it is a folder, and return that."""
    node.status = status
    node.kind = kind = _KINDS.get(stat.S_IFMT(status.st_mode), "unknown")
    if kind == "directory":
        if rules.prune is not None and node.path and rules.prune(node.path):
            node.pruned = True
            return None
        return _list(node, rules.names)
    if kind == "symlink":
        try:
            node.target = os.readlink(node.name, dir_fd=node.parent)
            after = os.stat(node.name, dir_fd=node.parent, follow_symlinks=False)
        except OSError as error:
            node.target = None
            node.problem = _NO_LINK if error.errno == errno.EINVAL else problem_of(error)
            return None
        if not same(status, after):
            node.after = after
        if after.st_atime_ns != status.st_atime_ns:
            node.opener.touched = True  # there is no O_NOATIME for reading a link
    return None


def _list(node: Node, names: Callable[[int], Iterable[str | bytes]]) -> Folder | None:
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
        found.extend(name if isinstance(name, bytes) else os.fsencode(name) for name in names(handle))
    except OSError as error:
        problem = problem_of(error)
        node.problem = (
            Problem("io_error", problem.detail) if problem.vanished else problem
        )  # it was there: not vanished
    after = os.fstat(handle)
    if not same(before, after):
        node.after = after
    if any(map(contains, found, repeat(b"/"))):  # a damaged file system: such a name would lead elsewhere
        found = [name for name in found if b"/" not in name]
        node.problem = _BAD_NAME
    found.sort(reverse=True)
    # No second list: a folder may have millions of names.
    if any(map(eq, map(_bare, found), map(_bare, islice(found, 1, None)))):  # one listed twice would be two rows
        found = sorted({name.rstrip(MARK) for name in found}, reverse=True)
        node.problem = node.problem or _TWICE
    return Folder(handle, node.name, node.path, found, before)
