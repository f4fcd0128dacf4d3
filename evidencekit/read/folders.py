"""The folders that a walk stands in: few handles, whatever the depth.

Promises: a folder that is opened again is the very folder that was listed, or it counts as lost.
Source: specs/decisions/0003-walk-in-read.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from evidencekit.read.handles import Opener

MARK = b"\0"
"""No name holds it, and it sorts first: a name with it keeps its place."""
FILE_MARK = MARK
"""Behind the name of a plain file, as a listing says."""
OTHER_MARK = MARK + MARK
"""Behind the name of anything else that is no folder."""
LINK_MARK = MARK + MARK + MARK
"""Behind that of a symbolic link."""
_MARKS = {"file": FILE_MARK, "symlink": LINK_MARK}
_KINDS = {mark: kind for kind, mark in _MARKS.items()}


_ENCODING, _ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()


class Folder:
    """A listed folder whose content is being walked."""

    __slots__ = ("handle", "identity", "kinds", "name", "names", "prefix")

    def __init__(self, handle: int, name: bytes, path: bytes, names: list[bytes], status: os.stat_result) -> None:
        self.handle = handle
        """-1 while it is parked, and when it was not found again."""
        self.name = name
        self.prefix = path + b"/" if path else b""
        self.names = names
        """What is still to come, the next one last."""
        self.identity = (status.st_dev, status.st_ino)
        self.kinds: dict[bytes, str] | None = None

    def take_marked(self, most: int) -> list[bytes]:
        """Return the next names as long as they are marked, up to so many, with their marks."""
        names = self.names
        if not names or not names[-1].endswith(MARK):
            return []
        count = next((at for at, name in enumerate(names[: -most - 1 : -1]) if not name.endswith(MARK)), most)
        taken = names[: -count - 1 : -1]
        del names[-len(taken) :]
        return taken

    def park(self) -> None:
        """Give the handle back."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def adopt(self, handle: int) -> bool:
        """Take a new handle, if it is one on this very folder; else close it."""
        status = os.fstat(handle)
        if (status.st_dev, status.st_ino) != self.identity:
            os.close(handle)
            return False
        self.handle = handle
        return True

    def listed_kind(self, name: bytes) -> str:
        """Return the kind that the listing alone tells, for a name that could not be looked at."""
        if self.kinds is None:
            self.kinds = listed_kinds(self.handle)
        return self.kinds.get(name, "unknown")


def listed_kinds(handle: int) -> dict[bytes, str]:
    """Return the kinds by name, as the listing of an open folder tells them; what it does not tell is missing."""
    kinds = {}
    try:
        with os.scandir(handle) as listing:
            for entry in listing:
                kinds[os.fsencode(entry.name)] = _listed_kind(entry)
    except OSError:
        pass  # then the kinds stay unknown, which is what the rows say
    return kinds


def _listed_kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            return "symlink"
        if entry.is_dir(follow_symlinks=False):
            return "directory"
        return "file" if entry.is_file(follow_symlinks=False) else "unknown"
    except OSError:
        return "unknown"


def names_in(handle: int) -> Iterator[str]:
    """Yield the names in an open folder, as the system gives them.

    Raises:
        OSError: the listing broke off; what was yielded before stands.
    """
    with os.scandir(handle) as listing:
        for entry in listing:
            yield entry.name


def marked_names_in(handle: int) -> Iterator[bytes]:
    """Yield the names in an open folder; what is no folder, as far as the listing tells, is marked.

    Raises:
        OSError: the listing broke off; what was yielded before stands.
    """
    with os.scandir(handle) as listing:
        for entry in listing:
            name = entry.name.encode(_ENCODING, _ERRORS)  # os.fsencode does the same, and more slowly
            try:
                if entry.is_file(follow_symlinks=False):
                    name += FILE_MARK
                elif not entry.is_dir(follow_symlinks=False):
                    name += LINK_MARK if entry.is_symlink() else OTHER_MARK
            except OSError:
                pass  # then the walk looks at it
            yield name


def mark_of(kind: str) -> bytes:
    """Return the mark of a kind that is no folder."""
    return _MARKS.get(kind, OTHER_MARK)


def marked_kind(marked: bytes) -> str:
    """Return the kind that the mark of a name tells: as `Folder.listed_kind`, but nobody lists the folder again."""
    return _KINDS.get(marked[len(marked.rstrip(MARK)) :], "unknown")


def climb(stack: list[Folder], opener: Opener) -> None:
    """Leave the last folder, and have a handle on the one above it again."""
    child = stack.pop()
    if stack and stack[-1].handle < 0 and not _reopen_from_below(stack[-1], child, opener) and stack[-1].names:
        _reopen_from_above(stack, opener)
    child.park()


def _reopen_from_below(folder: Folder, child: Folder, opener: Opener) -> bool:
    """Open a parked folder by `..`; a folder that may be listed but not entered has none."""
    try:
        return child.handle >= 0 and folder.adopt(opener.folder(b"..", child.handle))
    except OSError:
        return False


def _reopen_from_above(stack: list[Folder], opener: Opener) -> None:
    """Open the last folder of the stack by name from the nearest open one; where that fails it stays parked."""
    place = max(number for number, folder in enumerate(stack) if folder.handle >= 0)  # the source's is always open
    try:
        for number in range(place + 1, len(stack)):
            if not stack[number].adopt(opener.folder(stack[number].name, stack[number - 1].handle)):
                return
            if number - 1 > place:
                stack[number - 1].park()
    except OSError:
        return
